//! Chat by webhooks of Discord: what a user wrote is shown, and calls nobody.
//!
//! ```sh
//! cargo run --example chat_discord    # to Discord inside this program
//! NOTIFY_DISCORD_DSN='discord://default' NOTIFY_DISCORD_TO=WEBHOOK_ID/WEBHOOK_TOKEN \
//!     cargo run --example chat_discord    # to the real one
//! ```

use notify_examples::support::tell::{posts, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::discord::{DEAD, answer};
use notify_providers::chat::discord::{CHANNEL, DiscordProvider, SCHEME, channel};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chat = (CHANNEL, SCHEME, channel());
    if let Some((dsn, to)) = real("DISCORD")? {
        return posts(chat, DiscordProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("discord://{server}");
    posts(
        chat,
        DiscordProvider::from_url(&dsn)?,
        &["1234/room-of-orders", DEAD],
    )
    .await?;
    vendor.print("Discord");
    println!("The note asked for everybody; Discord was told to call nobody.");
    Ok(())
}
