//! Text messages by Amazon SNS: forms that are signed, and XML.
//!
//! ```sh
//! cargo run --example sms_sns    # to Amazon SNS inside this program
//! NOTIFY_SNS_DSN='sns://KEY_ID:SECRET@default?region=eu-west-1' NOTIFY_SNS_TO=+15550101 \
//!     cargo run --example sms_sns    # to the real one
//! ```

use notify_examples::support::tell::{real, texts};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::sns::{DEAD, KEY, SECRET, answer};
use notify_providers::sms::sns::SnsProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("SNS")? {
        return texts(SnsProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("sns://{KEY}:{SECRET}@{server}?region=eu-west-1");
    texts(SnsProvider::from_url(&dsn)?, &["+15550101", DEAD]).await?;
    vendor.print("Amazon SNS");
    Ok(())
}
