//! Push to browsers: encrypted for one browser alone, signed by a key that the push service knows.
//!
//! ```sh
//! cargo run --example push_web    # to a push service inside this program
//! NOTIFY_WEB_PUSH_DSN='web-push://PRIVATE_KEY@default?contact=mailto:me@example.com' \
//!     NOTIFY_WEB_PUSH_TO='{"endpoint": …, "keys": …}' cargo run --example push_web    # to a browser
//! ```
//!
//! `NOTIFY_WEB_PUSH_TO` is what `JSON.stringify(subscription)` gives in a page that subscribed with the public half of the key.

use notify_core::memory::MemoryStore;
use notify_core::provider::Provider;
use notify_core::template::{Template, Templates};
use notify_core::{
    Address, Category, ChannelId, NotificationRequest, Orchestrator, Recipient, RetryPolicy, Route,
};
use notify_examples::support::vendor::{Vendor, browser};
use notify_examples::support::{ids, settled, timeline};
use notify_providers::http::Guard;
use notify_providers::push::web_push::{VapidKey, WebPushProvider};
use serde_json::json;
use std::env;
use std::error::Error;
use std::time::Duration;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(dsn) = env::var("NOTIFY_WEB_PUSH_DSN") {
        let to = env::var("NOTIFY_WEB_PUSH_TO").map_err(|_| "NOTIFY_WEB_PUSH_TO: to whom?")?;
        return send(WebPushProvider::from_url(&dsn)?, &[("you", to)]).await;
    }
    // Made once and kept: the page subscribes with the public half.
    let key = VapidKey::generate()?;
    let public_key = key.public_key().to_owned();
    let service = Vendor::start(move |request| browser::answer(request, &public_key))?;
    service.outage(1);
    let base = format!("http://{}", service.address());
    let people = [
        ("ada", subscription(&format!("{base}/push/ada"))?),
        ("bruno", subscription(&format!("{base}{}", browser::DEAD))?),
        ("mallory", subscription("https://10.0.0.1/push/admin")?),
    ];
    // Subscriptions come from users: without this nothing on this host is called.
    let provider = WebPushProvider::builder(key, "mailto:ops@example.com")
        .guard(Guard::new().allow_loopback())
        .build()?;
    send(provider, &people).await?;
    service.print("The push service");
    println!("It cannot read them, and what is not in the public internet is never called.");
    Ok(())
}

/// What a browser hands to the page: where it listens, a key of its own and a secret.
fn subscription(endpoint: &str) -> notify_core::Result<String> {
    let keys = json!({
        "p256dh": VapidKey::generate()?.public_key(),
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    });
    Ok(json!({ "endpoint": endpoint, "expirationTime": null, "keys": keys }).to_string())
}

async fn send(provider: impl Provider, people: &[(&str, String)]) -> Result<(), Box<dyn Error>> {
    let watered = Template::new("watered", ChannelId::PUSH, "en")
        .with_part("title", "{{plant}} is thirsty")
        .with_part("body", "It was watered {{count}} days ago.")
        .with_part("click_action", "https://shop.example.com/plants/{{plant}}");
    let soon = RetryPolicy::exponential(4, Duration::from_millis(100), 2);
    let plants = Category::transactional("plants");
    let notify = Orchestrator::builder(MemoryStore::new())
        .provider(provider)
        .templates(Templates::new().add(watered))
        .category(
            plants
                .with_route(Route::to(ChannelId::PUSH))
                .with_retry(soon),
        )
        .build()
        .await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });

    let data = json!({ "plant": "basil", "count": 4 });
    let request = NotificationRequest::new("watered", "plants").with_data(data)?;
    let mut told = Vec::new();
    for (name, subscription) in people {
        let person = Recipient::new(*name).with_address(Address::device(subscription.as_str()));
        // The second time shows what was learned from the first.
        for _ in 0..2 {
            let report = notify.send(request.clone(), person.clone()).await?;
            settled(&notify, &ids(&report)).await?;
            told.extend(ids(&report));
        }
    }
    timeline::print(&notify, &told).await?;
    drop(stop);
    worker.await??;
    Ok(())
}
