//! Text messages by MessageBird.
//!
//! ```sh
//! cargo run --example sms_message_bird    # to MessageBird inside this program
//! NOTIFY_MESSAGE_BIRD_DSN='message-bird://KEY@default?from=Example' NOTIFY_MESSAGE_BIRD_TO=+15550101 \
//!     cargo run --example sms_message_bird    # to the real one
//! ```

use notify_examples::support::tell::{real, texts};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::message_bird::{DEAD, KEY, answer};
use notify_providers::sms::message_bird::MessageBirdProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("MESSAGE_BIRD")? {
        return texts(MessageBirdProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("message-bird://{KEY}@{server}?from=Example");
    texts(MessageBirdProvider::from_url(&dsn)?, &["+15550101", DEAD]).await?;
    vendor.print("MessageBird");
    Ok(())
}
