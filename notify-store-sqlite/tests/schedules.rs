//! Schedules and what is held survive: the process ends, and the next one goes on where it was.

mod support;

use notify_core::clock::Timestamp;
use notify_core::notification::{Missed, Schedule, SendAt};
use notify_core::schedule::{ScheduleTarget, ScheduledRequest};
use notify_core::store::Store as _;
use notify_core::testkit::FakeProvider;
use notify_core::{
    Category, ChannelId, Content, NotificationRequest, Orchestrator, Recipient, RecipientId, Route,
};
use notify_store_sqlite::SqliteStore;
use std::time::Duration;
use support::{START, Sqlite};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const WHO: [&str; 3] = ["ada", "bob", "kai"];

async fn orchestrator(store: &SqliteStore, mail: &FakeProvider) -> Orchestrator {
    Orchestrator::builder(store.clone())
        .category(Category::transactional("reports"))
        .provider(mail.clone())
        .build()
        .await
        .expect("builds")
}

fn report() -> NotificationRequest {
    NotificationRequest::new("report", "reports")
        .with_route(Route::to("email"))
        .with_content(Content::new("Report", "All is well."))
}

fn every_minute() -> ScheduledRequest {
    let when = Schedule::every(MINUTE, START).expect("a schedule");
    let when = when.when_missed(Missed::RunAll { max: 1_000 });
    ScheduledRequest::new("minutes", report(), ScheduleTarget::recipients(WHO), when)
}

async fn told(notify: &Orchestrator, who: &str) -> Vec<Timestamp> {
    let id = RecipientId::from(who);
    let all = notify.history(id, None, 1_000).await.expect("history");
    let mut told: Vec<Timestamp> = all
        .iter()
        .map(|one| match one.request.send_at() {
            Some(SendAt::At(at)) => *at,
            other => panic!("at an instant, and not {other:?}"),
        })
        .collect();
    told.sort_unstable();
    told
}

/// What a process makes of the database of one that was killed after a few of its turns.
#[tokio::test]
async fn wherever_a_process_is_killed_each_occurrence_comes_once() {
    for turns in 0..12 {
        let (harness, mail) = (Sqlite::new(), FakeProvider::new("mail", ChannelId::EMAIL));
        let store = harness.store().await;
        let notify = orchestrator(&store, &mail).await;
        let people = WHO.map(|id| Recipient::new(id).with_email(&format!("{id}@example.com")));
        notify.put_recipients(&people).await.expect("stored");
        notify.schedules().put(every_minute()).await.expect("put");
        for _ in 0..turns {
            harness.pass(MINUTE / 2);
            notify.worker().turn().await.expect("turn");
        }
        harness.copy("a.db", "b.db");
        let killed = harness.config("b.db").open().await.expect("opens");
        let notify = orchestrator(&killed, &mail).await;
        notify.schedules().put(every_minute()).await.expect("put");
        let now = harness.pass(5 * MINUTE);
        while notify.worker().turn().await.expect("turn") > 0 {}
        let count = u32::try_from(now.since(START).as_secs() / 60).expect("few");
        let expected: Vec<_> = (1..=count).map(|no| START + no * MINUTE).collect();
        for who in WHO {
            assert_eq!(told(&notify, who).await, expected, "{who}, {turns} turns");
        }
        killed.close().await;
        store.close().await;
    }
}

#[tokio::test]
async fn what_was_paused_moved_and_held_is_so_after_a_restart() {
    let (harness, mail) = (Sqlite::new(), FakeProvider::new("mail", ChannelId::EMAIL));
    let store = harness.store().await;
    let notify = orchestrator(&store, &mail).await;
    notify
        .put_recipients(&[Recipient::new("ada").with_email("ada@example.com")])
        .await
        .expect("stored");
    let hourly = Schedule::every(HOUR, START).expect("a schedule");
    for key in ["paused", "moved"] {
        let scheduled = ScheduledRequest::new(key, report(), "ada", hourly.clone());
        notify.schedules().put(scheduled).await.expect("put");
    }
    let paused = notify.schedules().pause("paused").await.expect("paused");
    let later = Schedule::every(HOUR, START + MINUTE).expect("a schedule");
    let moved = notify.schedules().reschedule("moved", later).await;
    let reminder = report().at(START + HOUR).with_idempotency_key("reminder");
    notify.send(reminder, "ada").await.expect("accepted");
    let at = SendAt::At(START + 2 * HOUR);
    notify.reschedule("reminder", at).await.expect("moved");
    store.close().await;

    let store = harness.store().await;
    let notify = orchestrator(&store, &mail).await;
    let schedules = notify.schedules();
    assert_eq!(schedules.get("paused").await.expect("stored"), paused);
    let stored = schedules.get("moved").await.expect("stored");
    assert_eq!(Some(stored), moved.ok());
    let pending = schedules.pending_of("ada", None, 9).await.expect("listed");
    let dues: Vec<_> = pending.iter().map(|one| one.due_at).collect();
    assert_eq!(dues, [START + 2 * HOUR]);
    harness.pass(HOUR + 2 * MINUTE);
    while notify.worker().turn().await.expect("turn") > 0 {}
    assert_eq!(mail.sent().len(), 1, "the one that was moved");
    harness.pass(HOUR - 2 * MINUTE);
    while notify.worker().turn().await.expect("turn") > 0 {}
    assert_eq!(mail.sent().len(), 2, "the reminder");
    store.close().await;
}
