//! Webhooks to the systems of others: signed by Standard Webhooks, with a second secret while the first is replaced.
//!
//! ```sh
//! cargo run --example chat_webhook    # to a receiver inside this program
//! NOTIFY_WEBHOOK_DSN='webhook://whsec_SECRET@default' NOTIFY_WEBHOOK_TO=https://example.com/hooks \
//!     cargo run --example chat_webhook    # to yours
//! ```

use notify_core::clock::{Clock as _, SystemClock};
use notify_examples::support::tell::{posts, real};
use notify_examples::support::vendor::{Answer, Vendor};
use notify_providers::chat::webhook::{CHANNEL, SCHEME, WebhookProvider, channel};
use notify_providers::http::Guard;
use notify_providers::signature::StandardWebhooks;
use std::error::Error;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chat = (CHANNEL, SCHEME, channel());
    if let Some((dsn, to)) = real("WEBHOOK")? {
        return posts(chat, WebhookProvider::from_url(&dsn)?, &[&to]).await;
    }
    // What a receiver does: it checks who sent this and when, over the bytes as they came.
    let keys = StandardWebhooks::new(SECRET)?;
    let receiver = Vendor::start(move |request| {
        let now = SystemClock::new().now();
        if keys
            .verify(|name| request.header(name), &request.body, now)
            .is_err()
        {
            return Answer::new("401 Unauthorized");
        }
        if request.path == "/gone" {
            return Answer::new("410 Gone");
        }
        let body = request.json();
        let what = body["data"].to_string();
        Answer::new("204 No Content").took(&request.path, what)
    })?;
    receiver.outage(1);
    let base = format!("http://{}", receiver.address());
    // Users bring the URLs: without this nothing on this host is called.
    let provider = WebhookProvider::builder(StandardWebhooks::new(SECRET)?)
        .guard(Guard::new().allow_loopback())
        .build()?;
    let to = [format!("{base}/hooks/orders"), format!("{base}/gone")];
    posts(chat, provider, &[&to[0], &to[1], "https://10.0.0.1/admin"]).await?;
    receiver.print("The receiver");
    println!("What is not in the public internet was never called.");
    Ok(())
}
