//! Chat by a bot of Telegram: who blocked it is left alone.
//!
//! ```sh
//! cargo run --example chat_telegram    # to Telegram inside this program
//! NOTIFY_TELEGRAM_DSN='telegram://BOT_TOKEN@default' NOTIFY_TELEGRAM_TO=CHAT_ID \
//!     cargo run --example chat_telegram    # to the real one
//! ```

use notify_examples::support::tell::{posts, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::telegram::{DEAD, TOKEN, answer};
use notify_providers::chat::telegram::{CHANNEL, SCHEME, TelegramProvider, channel};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chat = (CHANNEL, SCHEME, channel());
    if let Some((dsn, to)) = real("TELEGRAM")? {
        return posts(chat, TelegramProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("telegram://{TOKEN}@{server}");
    posts(
        chat,
        TelegramProvider::from_url(&dsn)?,
        &["700000001", DEAD],
    )
    .await?;
    vendor.print("Telegram");
    Ok(())
}
