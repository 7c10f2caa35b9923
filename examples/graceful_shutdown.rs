//! A graceful end: take nothing more, wait for the calls under way, give the rest back; then start again and finish.
//!
//! ```sh
//! cargo run --example graceful_shutdown    # ends by itself after a second, or by Ctrl-C, or by SIGTERM
//! ```

use async_trait::async_trait;
use notify_core::notification::Priority;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::{
    Category, ChannelId, Content, NotificationRequest, Orchestrator, ProviderName, Recipient,
    Result, Route, Store as _,
};
use notify_examples::support::{self, pause, waiting};
use notify_store_sqlite::SqliteStore;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Takes a fifth of a second for each message, and a few of them at a time.
#[derive(Clone, Debug)]
struct Slow {
    name: ProviderName,
    able: Capabilities,
    calls: Arc<AtomicUsize>,
}

#[async_trait]
impl Provider for Slow {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    async fn send(&self, _: &Envelope) -> Result<Receipt, Fault> {
        pause(Duration::from_millis(200)).await;
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(Receipt::new())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let database = support::folder("graceful_shutdown")?.join("notify.db");
    let able = Capabilities::for_channel(ChannelId::SMS).with_concurrency(5);
    let slow = Slow {
        name: ProviderName::new("slow"),
        able,
        calls: Arc::default(),
    };

    let (store, notify) = open(&database, &slow).await?;
    let text = NotificationRequest::new("reminder", "appointments")
        .with_content(Content::new("Reminder", "Tomorrow at ten."));
    let patients =
        (0..100).map(|no| Recipient::new(format!("patient-{no}")).with_phone("+15550100"));
    for report in notify
        .send_batch(patients.map(|patient| (text.clone(), patient)))
        .await?
    {
        report?;
    }
    println!("100 text messages are accepted, and the provider is slow.");

    let drained = notify
        .worker()
        .run(asked_to_stop(Duration::from_secs(1)))
        .await?;
    println!("\nStopped. {drained:?}");
    report(&slow, &notify).await;
    drop(notify);
    store.close().await;

    println!("\nThe next process opens the same database, and goes on where this one stopped.");
    let (store, notify) = open(&database, &slow).await?;
    let drained = notify.worker().run(nothing_waits(&notify)).await?;
    println!("{drained:?}");
    report(&slow, &notify).await;
    store.close().await;
    Ok(())
}

async fn report(slow: &Slow, notify: &Orchestrator) {
    let calls = slow.calls.load(Ordering::Relaxed);
    println!(
        "{calls} calls were made, {} messages wait.",
        waiting(notify, &Priority::ALL).await
    );
}

async fn open(database: &Path, slow: &Slow) -> Result<(SqliteStore, Orchestrator)> {
    let store = SqliteStore::open(database).await?;
    let reminders = Category::transactional("appointments").by_default(ChannelId::SMS, true);
    let notify = Orchestrator::builder(store.clone())
        .provider(slow.clone())
        .category(reminders.with_route(Route::to(ChannelId::SMS)))
        .drain_within(Duration::from_secs(5))
        .build()
        .await?;
    Ok((store, notify))
}

/// Signals are the application's: the library installs no handler.
async fn asked_to_stop(at_the_latest: Duration) {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => println!("\nCtrl-C"),
        () = terminated() => println!("\nSIGTERM"),
        () = pause(at_the_latest) => println!("\nA second is over"),
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

async fn nothing_waits(notify: &Orchestrator) {
    while waiting(notify, &Priority::ALL).await > 0 {
        pause(Duration::from_millis(50)).await;
    }
}
