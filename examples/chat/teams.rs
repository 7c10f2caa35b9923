//! Chat by workflows of Microsoft Teams: the room's URL is the secret, and no address inside is called.
//!
//! ```sh
//! cargo run --example chat_teams    # to workflows inside this program
//! NOTIFY_TEAMS_DSN='teams://default' NOTIFY_TEAMS_TO=WORKFLOW_URL \
//!     cargo run --example chat_teams    # to the real ones
//! ```

use notify_examples::support::tell::{posts, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::teams::{DEAD, answer};
use notify_providers::chat::teams::{CHANNEL, SCHEME, TeamsProvider, channel};
use notify_providers::http::Guard;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chat = (CHANNEL, SCHEME, channel());
    if let Some((dsn, to)) = real("TEAMS")? {
        return posts(chat, TeamsProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let base = format!("http://{}", vendor.address());
    // Users may bring URLs of their own: without this nothing on this host is called.
    let provider = TeamsProvider::builder()
        .guard(Guard::new().allow_loopback())
        .build()?;
    let rooms = [
        format!("{base}/workflows/orders?sig=secret"),
        format!("{base}{DEAD}"),
    ];
    let inside = "https://10.0.0.1/workflows/admin";
    posts(chat, provider, &[&rooms[0], &rooms[1], inside]).await?;
    vendor.print("Teams");
    println!("What is not in the public internet was never called.");
    Ok(())
}
