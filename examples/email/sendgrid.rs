//! Mail by SendGrid: one call for many mails, an address it refuses, an outage that passes.
//!
//! ```sh
//! cargo run --example email_sendgrid    # to a SendGrid inside this program
//! NOTIFY_SENDGRID_DSN='sendgrid://SG.key@default?from=Me%20<me@example.com>' \
//!     NOTIFY_SENDGRID_TO=you@example.com cargo run --example email_sendgrid    # to the real one
//! ```
//!
//! With `&sandbox=true` in the line the real one checks everything and sends nothing.

use notify_core::memory::MemoryStore;
use notify_core::template::{Template, Templates};
use notify_core::{
    Category, ChannelId, NotificationRequest, Orchestrator, Recipient, RetryPolicy, Route,
};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::sendgrid::{self, DEAD, KEY};
use notify_examples::support::{ids, settled, timeline};
use notify_providers::email::sendgrid::SendGridProvider;
use serde_json::json;
use std::env;
use std::error::Error;
use std::time::Duration;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(dsn) = env::var("NOTIFY_SENDGRID_DSN") {
        let to = env::var("NOTIFY_SENDGRID_TO").map_err(|_| "NOTIFY_SENDGRID_TO: to whom?")?;
        return send(&dsn, &[&to]).await;
    }
    let sendgrid = Vendor::start(sendgrid::answer)?;
    sendgrid.outage(1);
    let (server, from) = (sendgrid.address(), "Garden%20Shop%20<shop@example.com>");
    let people = ["ada@example.com", "bruno@example.com", DEAD];
    send(&format!("sendgrid://{KEY}@{server}?from={from}"), &people).await?;
    sendgrid.print("SendGrid");
    println!(
        "One call met the outage. The next named the address that is none, and nothing of it was\n\
         sent: so the provider made it once more, for the others."
    );
    Ok(())
}

async fn send(dsn: &str, mailboxes: &[&str]) -> Result<(), Box<dyn Error>> {
    // The text is the same for all, so that mails can share a call; their subjects may differ.
    let closed = Template::new("closed_on", ChannelId::EMAIL, "en")
        .with_part("subject", "Closed on {{day}}, {{recipient.name}}")
        .with_part(
            "text",
            "The shop is closed on {{day}}. Orders leave the day after.",
        );
    let soon = RetryPolicy::exponential(4, Duration::from_millis(200), 2).without_jitter();
    let notify = Orchestrator::builder(MemoryStore::new())
        .provider(SendGridProvider::from_url(dsn)?)
        .templates(Templates::new().add(closed))
        .category(
            Category::transactional("service")
                .with_route(Route::to(ChannelId::EMAIL))
                .with_retry(soon),
        )
        .build()
        .await?;

    let request =
        NotificationRequest::new("closed_on", "service").with_data(json!({ "day": "Monday" }))?;
    let person = |mailbox: &str| {
        let name = mailbox.split('@').next().unwrap_or_default();
        Recipient::new(mailbox)
            .with_email(mailbox)
            .with_attribute("name", name)
    };
    // Accepted before the worker looks: it takes what waits together.
    let batch = mailboxes
        .iter()
        .map(|mailbox| (request.clone(), person(mailbox)));
    let mut told = Vec::new();
    for report in notify.send_batch(batch).await? {
        told.extend(ids(&report?));
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });
    settled(&notify, &told).await?;
    timeline::print(&notify, &told).await?;

    if mailboxes.contains(&DEAD) {
        let again = notify.explain(request, person(DEAD)).await?;
        for step in again.steps {
            println!(
                "\nTo {DEAD} again it would be decided so: {:?}",
                step.decision
            );
        }
    }
    drop(stop);
    worker.await??;
    Ok(())
}
