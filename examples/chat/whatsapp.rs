//! Chat by WhatsApp: a template opens the talk, texts go only to whom wrote in the last day.
//!
//! ```sh
//! cargo run --example chat_whatsapp    # to WhatsApp inside this program
//! NOTIFY_WHATSAPP_DSN='whatsapp://NUMBER_ID:TOKEN@default?template=order_sent&language=en' NOTIFY_WHATSAPP_TO=+15550101 \
//!     cargo run --example chat_whatsapp    # to the real one
//! ```

use notify_examples::support::tell::{posts, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::whatsapp::{DEAD, NUMBER, TOKEN, answer};
use notify_providers::chat::whatsapp::{CHANNEL, SCHEME, WhatsAppProvider, channel};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chat = (CHANNEL, SCHEME, channel());
    if let Some((dsn, to)) = real("WHATSAPP")? {
        return posts(chat, WhatsAppProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("whatsapp://{NUMBER}:{TOKEN}@{server}?template=order_sent&language=en");
    posts(
        chat,
        WhatsAppProvider::from_url(&dsn)?,
        &["+15550101", DEAD],
    )
    .await?;
    vendor.print("WhatsApp");
    Ok(())
}
