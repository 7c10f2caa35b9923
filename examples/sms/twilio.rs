//! Text messages by Twilio: segments that are paid for, advertising that is cut, a number that is none.
//!
//! ```sh
//! cargo run --example sms_twilio    # to a Twilio inside this program
//! NOTIFY_TWILIO_DSN='twilio://ACCOUNT_SID:AUTH_TOKEN@default?from=+15550100' \
//!     NOTIFY_TWILIO_TO=+15550101 cargo run --example sms_twilio    # to the real one: two messages
//! ```

use notify_core::memory::MemoryStore;
use notify_core::preference::PreferenceChange;
use notify_core::template::{Template, Templates};
use notify_core::{
    Category, ChannelId, NotificationRequest, Orchestrator, Recipient, RetryPolicy, Route,
};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::twilio::{self, ACCOUNT, DEAD, TOKEN};
use notify_examples::support::{ids, settled, timeline};
use notify_providers::sms::count_segments;
use notify_providers::sms::twilio::TwilioProvider;
use serde_json::json;
use std::env;
use std::error::Error;
use std::time::Duration;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(dsn) = env::var("NOTIFY_TWILIO_DSN") {
        let to = env::var("NOTIFY_TWILIO_TO").map_err(|_| "NOTIFY_TWILIO_TO: to whom?")?;
        return send(&dsn, &[&to]).await;
    }
    let twilio = Vendor::start(twilio::answer)?;
    twilio.outage(1);
    let server = twilio.address();
    let dsn = format!("twilio://{ACCOUNT}:{TOKEN}@{server}?from=+15550100");
    send(&dsn, &["+15550101", DEAD]).await?;
    println!("\nTwilio was asked {} times, and took:", twilio.asked());
    for (to, text) in twilio.taken() {
        let length = count_segments(&text);
        let (segments, encoding) = (length.count, length.encoding);
        println!("  {to}  {segments} x {encoding:?}: {text}");
    }
    Ok(())
}

async fn send(dsn: &str, numbers: &[&str]) -> Result<(), Box<dyn Error>> {
    let soon = RetryPolicy::exponential(4, Duration::from_millis(100), 2);
    // Text messages are paid for: a category has them only where it says so.
    let sms = || Route::to(ChannelId::SMS);
    let notify = Orchestrator::builder(MemoryStore::new())
        .provider(TwilioProvider::from_url(dsn)?)
        .templates(texts())
        // What somebody waits for is split over segments; an advertisement is cut to one.
        .category(
            Category::transactional("orders")
                .by_default(ChannelId::SMS, true)
                .with_route(sms())
                .with_retry(soon),
        )
        .category(
            Category::marketing("offers")
                .by_default(ChannelId::SMS, true)
                .with_route(sms())
                .with_retry(soon),
        )
        .build()
        .await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });

    let data = json!({ "order_id": "A-17", "shelf": "🌷 7" });
    let ready = NotificationRequest::new("ready", "orders").with_data(data)?;
    let offer = NotificationRequest::new("offer", "offers").with_data(json!({}))?;
    let mut told = Vec::new();
    for number in numbers {
        // Nobody gets advertisements who did not agree to them.
        let consent = PreferenceChange::Consent {
            recipient: (*number).into(),
            category: "offers".into(),
            granted: true,
            source: "sign-up form".to_owned(),
            wording: "Send me offers".to_owned(),
        };
        notify.change_preferences(&consent).await?;
        for request in [&ready, &offer] {
            let person = Recipient::new(*number).with_phone(number);
            let report = notify.send(request.clone(), person).await?;
            // The next is planned when this one is over, and knows what became of it.
            settled(&notify, &ids(&report)).await?;
            told.extend(ids(&report));
        }
    }
    timeline::print(&notify, &told).await?;
    drop(stop);
    worker.await??;
    Ok(())
}

/// Texts in the GSM alphabet have 160 characters a segment; with one emoji in them they have 70.
fn texts() -> Templates {
    let text =
        |kind: &str, text: &str| Template::new(kind, ChannelId::SMS, "en").with_part("text", text);
    let ready = "Your order {{order_id}} is ready: shelf {{shelf}}. Please bring this message; \
                 we keep the plants watered until Friday.";
    let offer = "Everything must go! Rakes, bulbs, pots, seeds, soil, sacks, saws and hoses at half \
                 the price, this week only, in all our shops and on shop.example.com, as long as \
                 there are any. Show this message at the till.";
    Templates::new()
        .add(text("ready", ready))
        .add(text("offer", offer))
}
