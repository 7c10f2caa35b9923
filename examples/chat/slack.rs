//! Chat by Slack: a bot writes to rooms, what users wrote is shown and not obeyed, a room that is gone is left alone.
//!
//! ```sh
//! cargo run --example chat_slack    # to a Slack inside this program
//! NOTIFY_SLACK_DSN='slack://xoxb-token@default' NOTIFY_SLACK_TO=C0123 \
//!     cargo run --example chat_slack    # to the real one, with the scope chat:write
//! ```

use notify_core::memory::MemoryStore;
use notify_core::template::{Template, Templates};
use notify_core::{
    Address, Category, NotificationRequest, Orchestrator, Recipient, RetryPolicy, Route,
};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::slack::{DEAD, TOKEN, answer};
use notify_examples::support::{ids, settled, timeline};
use notify_providers::chat::slack::{self, SlackProvider};
use serde_json::json;
use std::env;
use std::error::Error;
use std::time::Duration;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(dsn) = env::var("NOTIFY_SLACK_DSN") {
        let to = env::var("NOTIFY_SLACK_TO").map_err(|_| "NOTIFY_SLACK_TO: to which room?")?;
        return send(&dsn, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let dsn = format!("slack://{TOKEN}@{}", vendor.address());
    send(&dsn, &["C0BUILDS", DEAD]).await?;
    vendor.print("Slack");
    println!("The author wanted to call everybody; Slack got it as text that calls nobody.");
    Ok(())
}

async fn send(dsn: &str, rooms: &[&str]) -> Result<(), Box<dyn Error>> {
    let failed = Template::new("build_failed", slack::CHANNEL, "en").with_part(
        "text",
        "Build {{build}} failed. The last change: {{change}}",
    );
    let soon = RetryPolicy::exponential(4, Duration::from_millis(100), 2);
    let notify = Orchestrator::builder(MemoryStore::new())
        .channel(slack::channel())
        .provider(SlackProvider::from_url(dsn)?)
        .templates(Templates::new().add(failed))
        .category(
            Category::transactional("builds")
                .with_route(Route::to(slack::CHANNEL))
                .with_retry(soon),
        )
        .build()
        .await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });

    let data = json!({ "build": 1812, "change": "<!channel> *please* look" });
    let request = NotificationRequest::new("build_failed", "builds").with_data(data)?;
    let mut told = Vec::new();
    for room in rooms {
        let team = Recipient::new(*room).with_address(Address::new(slack::SCHEME, *room));
        let report = notify.send(request.clone(), team.clone()).await?;
        settled(&notify, &ids(&report)).await?;
        told.extend(ids(&report));
        // What would become of the next one, without sending it.
        for step in notify.explain(request.clone(), team).await?.steps {
            println!(
                "The next one to {room} would be decided so: {:?}",
                step.decision
            );
        }
    }
    println!();
    timeline::print(&notify, &told).await?;
    drop(stop);
    worker.await??;
    Ok(())
}
