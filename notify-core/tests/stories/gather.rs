//! Stories of messages that share a call: they wait for each other a moment, and nothing urgent waits for them.

use notify_core::clock::{Clock as _, SystemClock};
use notify_core::memory::MemoryStore;
use notify_core::orchestrator::WorkerOptions;
use notify_core::provider::Capabilities;
use notify_core::testkit::FakeProvider;
use notify_core::{Category, ChannelId, Orchestrator, Priority};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use crate::world::{guest, say, start, until};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Now, by the clock of tokio's timers, which moves only while everybody waits.
#[expect(
    clippy::disallowed_methods,
    reason = "the host's clock does not stand still with a paused runtime"
)]
fn now() -> Instant {
    Instant::now()
}

/// A provider that takes so many messages a call.
fn taking(most: usize) -> FakeProvider {
    let able = Capabilities::for_channel(ChannelId::EMAIL).with_batch(most);
    FakeProvider::new("mail", ChannelId::EMAIL).with_capabilities(able)
}

async fn house(mail: &FakeProvider, options: WorkerOptions) -> Orchestrator {
    // Timers of tokio: a test that is paused takes no time.
    let store = MemoryStore::with_clock(Arc::new(SystemClock::new()));
    Orchestrator::builder(store)
        .provider(mail.clone())
        .category(Category::critical("orders"))
        .worker_options(options)
        .build()
        .await
        .expect("builds")
}

async fn send(notify: &Orchestrator, priority: Priority, guests: std::ops::Range<usize>) {
    for no in guests {
        let request = say("orders").with_priority(priority);
        notify.send(request, guest(no)).await.expect("accepted");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_come_one_by_one_leave_together_when_a_call_is_full() {
    let mail = taking(1_000);
    let notify = house(&mail, WorkerOptions::default()).await;
    let running = start(&notify);
    let began = now();
    send(&notify, Priority::Low, 0..100).await;
    until(|| async { mail.sent().len() == 100 }).await;
    assert_eq!(mail.batches(), [100], "the default, below what it takes");
    assert!(began.elapsed() < millis(1_000), "it was full at once");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_holds_no_more_than_the_vendor_takes() {
    let mail = taking(20);
    let notify = house(&mail, WorkerOptions::default()).await;
    let running = start(&notify);
    send(&notify, Priority::Low, 0..60).await;
    until(|| async { mail.sent().len() == 60 }).await;
    assert_eq!(mail.batches(), [20, 20, 20]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_fill_leaves_in_its_time() {
    for (priority, wait) in [(Priority::Normal, 200), (Priority::Low, 5_000)] {
        let mail = taking(1_000);
        let notify = house(&mail, WorkerOptions::default()).await;
        let running = start(&notify);
        let began = now();
        send(&notify, priority, 0..7).await;
        until(|| async { mail.sent().len() == 7 }).await;
        assert_eq!(mail.batches(), [7], "{priority}");
        let took = began.elapsed();
        assert!(
            (millis(wait)..millis(wait + 300)).contains(&took),
            "{priority} took {took:?}"
        );
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_urgent_waits_for_nobody() {
    let mail = taking(1_000);
    let notify = house(&mail, WorkerOptions::default()).await;
    let running = start(&notify);
    send(&notify, Priority::Low, 0..50).await;
    for (no, priority) in [(100, Priority::High), (101, Priority::Critical)] {
        let began = now();
        send(&notify, priority, no..no + 1).await;
        let to = format!("guest-{no}@example.com");
        until(|| async { mail.sent().iter().any(|call| call.to() == to) }).await;
        assert!(began.elapsed() < millis(100), "{priority}");
    }
    assert_eq!(mail.sent().len(), 2, "the others still wait");
    until(|| async { mail.sent().len() == 52 }).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_leaves_when_it_takes_the_places_of_others() {
    let mail = taking(1_000);
    let options = WorkerOptions::default().with_concurrency(20);
    let notify = house(&mail, options).await;
    let running = start(&notify);
    let began = now();
    send(&notify, Priority::Low, 0..64).await;
    send(&notify, Priority::High, 100..101).await;
    let is_there = || async {
        mail.sent()
            .iter()
            .any(|call| call.to().starts_with("guest-100@"))
    };
    until(is_there).await;
    assert!(began.elapsed() < millis(2_000), "{:?}", began.elapsed());
    until(|| async { mail.sent().len() == 65 }).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_leaves_at_a_shutdown() {
    let mail = taking(1_000);
    let notify = house(&mail, WorkerOptions::default()).await;
    let running = start(&notify);
    send(&notify, Priority::Low, 0..7).await;
    SystemClock::new().sleep(millis(1_000)).await;
    assert_eq!(mail.calls().len(), 0, "they wait");
    let began = now();
    let drained = running.stop().await;
    assert_eq!((drained.settled, drained.abandoned), (7, 0));
    assert_eq!(mail.batches(), [7]);
    assert!(began.elapsed() < millis(1_000));
}

#[tokio::test(start_paused = true)]
async fn what_would_be_late_does_not_wait() {
    let mail = taking(1_000);
    let notify = house(&mail, WorkerOptions::default()).await;
    let running = start(&notify);
    let began = now();
    let request = say("orders")
        .with_priority(Priority::Low)
        .with_expires_after(Duration::from_secs(8));
    notify.send(request, guest(1)).await.expect("accepted");
    until(|| async { mail.sent().len() == 1 }).await;
    assert!(began.elapsed() < millis(100));
    running.stop().await;
}
