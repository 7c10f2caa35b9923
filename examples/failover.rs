//! Failover: 500 text messages by `twilio || vonage`, and Twilio dies after 200 of them.
//!
//! ```sh
//! cargo run --example failover    # to two vendors inside this program
//! NOTIFY_FAILOVER_DSN='twilio://SID:TOKEN@default?from=+15550100 || vonage://KEY:SECRET@default?from=Shop' \
//!     NOTIFY_FAILOVER_TO=+15550101 cargo run --example failover    # to real ones: one message
//! ```
//!
//! It ends with an error if one message was lost or came twice.

use notify_core::memory::MemoryStore;
use notify_core::provider::{BreakerConfig, BreakerState};
use notify_core::template::{Template, Templates};
use notify_core::{
    Category, ChannelId, Delivery, NotificationRequest, Orchestrator, Recipient, RetryPolicy, Route,
};
use notify_examples::support::vendor::{Answer, Vendor, twilio, vonage};
use notify_examples::support::{ids, settled, timeline};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

const MESSAGES: usize = 500;
const DIES_AFTER: usize = 200;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    if let Ok(dsn) = env::var("NOTIFY_FAILOVER_DSN") {
        let to = env::var("NOTIFY_FAILOVER_TO").map_err(|_| "NOTIFY_FAILOVER_TO: to whom?")?;
        return send(&dsn, &[to]).await.map(drop);
    }
    let asked = AtomicUsize::new(0);
    let first = Vendor::start(move |request| {
        // Its door still opens, and there is nobody behind it.
        if asked.fetch_add(1, Ordering::AcqRel) < DIES_AFTER {
            twilio::answer(request)
        } else {
            Answer::new("503 Service Unavailable")
        }
    })?;
    let second = Vendor::start(vonage::answer)?;
    let dsn = format!(
        "twilio://{}:{}@{}?from=+15550100&concurrency=8 || vonage://{}:{}@{}?from=Shop",
        twilio::ACCOUNT,
        twilio::TOKEN,
        first.address(),
        vonage::KEY,
        vonage::SECRET,
        second.address(),
    );
    let numbers: Vec<_> = (0..MESSAGES)
        .map(|no| format!("+1555{:07}", 100_000 + no))
        .collect();
    let sent = send(&dsn, &numbers).await?;
    account(&first, &second, &numbers, &sent)
}

async fn send(dsn: &str, numbers: &[String]) -> Outcome<Vec<Delivery>> {
    let code = Template::new("code", ChannelId::SMS, "en")
        .with_part("text", "Your code is {{code}}. Nobody else asks for it.");
    let soon = RetryPolicy::exponential(5, Duration::from_millis(100), 2);
    // Where another vendor stands by, the first is left early: at one fault among ten calls of the last
    // second, 20 calls or more, instead of one among two of ten. What failed meanwhile is a retry for
    // the second vendor, and its retry budget lets a tenth of its load through, and one more a second.
    let early = BreakerConfig::default().with_threshold(10, 20, Duration::from_secs(1));
    let notify = Orchestrator::builder(MemoryStore::new())
        .route(ChannelId::SMS, &notify_providers::schemes(), dsn)
        .breaker(early)
        .templates(Templates::new().add(code))
        .category(
            Category::transactional("codes")
                .by_default(ChannelId::SMS, true)
                .with_route(Route::to(ChannelId::SMS))
                .with_retry(soon),
        )
        .build()
        .await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });

    let began = notify.now();
    let mut batch = Vec::new();
    for (no, number) in numbers.iter().enumerate() {
        let request =
            NotificationRequest::new("code", "codes").with_data(json!({ "code": 100_000 + no }))?;
        batch.push((request, Recipient::new(number.as_str()).with_phone(number)));
    }
    let mut told = Vec::new();
    for report in notify.send_batch(batch).await? {
        told.extend(ids(&report?));
    }
    settled(&notify, &told).await?;
    let took = timeline::readable(notify.now().since(began));
    println!("{} messages accepted and settled: {took}", told.len());
    for (provider, state) in notify.health().await.breakers {
        if provider != "inbox" {
            let is_open = matches!(state, BreakerState::Open { .. });
            let state = if is_open { "open" } else { "closed" };
            println!("  the breaker of {provider} is {state}");
        }
    }
    let mut sent = Vec::new();
    for id in told {
        sent.push(notify.delivery(id).await?);
    }
    let met_both = sent.iter().find(|one| one.attempts > 1);
    let shown = met_both.or(sent.first()).map(|one| one.id);
    println!("\nOne of them:");
    timeline::print(&notify, shown.as_slice()).await?;
    drop(stop);
    worker.await??;
    Ok(sent)
}

/// Compares what the library says with what the vendors have.
fn account(first: &Vendor, second: &Vendor, numbers: &[String], sent: &[Delivery]) -> Outcome {
    let mut by: BTreeMap<String, usize> = BTreeMap::new();
    for one in sent {
        let provider = one.provider.as_ref().map(ToString::to_string);
        let provider = provider.unwrap_or_else(|| "nobody".to_owned());
        *by.entry(format!("{} by {provider}", one.state))
            .or_default() += 1;
    }
    println!("\nThe library says:");
    for (what, count) in by {
        println!("  {count:3} {what}");
    }
    let (taken, more) = (first.taken(), second.taken());
    let refused = first.asked() - taken.len();
    println!("The vendors say:");
    println!(
        "  {:3} taken by Twilio, which was asked {refused} times in vain",
        taken.len()
    );
    println!("  {:3} taken by Vonage", more.len());

    let arrived: Vec<_> = taken.iter().chain(&more).map(|(to, _)| to).collect();
    let reached: BTreeSet<_> = arrived.iter().collect();
    let lost = numbers
        .iter()
        .filter(|number| !reached.contains(number))
        .count();
    let twice = arrived.len() - reached.len();
    println!("Lost: {lost}. Twice: {twice}.");
    if lost + twice > 0 {
        return Err("a message was lost, or came twice".into());
    }
    Ok(())
}
