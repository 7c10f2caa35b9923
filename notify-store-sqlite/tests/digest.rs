//! Digests on a file, with everything around them: crowds, the caller's own transaction, a stop in between, and what is left behind.

mod support;

use notify_core::delivery::{DeliveryState, Reason};
use notify_core::digest::Digest;
use notify_core::queue::{Queue, Retention};
use notify_core::template::{Template, Templates};
use notify_core::testkit::{FakeProvider, StoreHarness};
use notify_core::{
    Category, ChannelId, NotificationRequest, Orchestrator, Recipient, Route, SendReport,
};
use notify_store_sqlite::SqliteStore;
use serde_json::json;
use sqlx::{Connection, Row};
use std::collections::BTreeSet;
use std::time::Duration;
use support::Sqlite;
use tokio::task::JoinSet;

const HOUR: Duration = Duration::from_secs(3_600);

async fn system(store: SqliteStore, mail: &FakeProvider, digest: Digest) -> Orchestrator {
    let one = Template::new("comment", "email", "en")
        .with_part("subject", "One")
        .with_part("text", "alone: {{by}}");
    let many = Template::new("comment.digest", "email", "en")
        .with_part("subject", "{{count}}")
        .with_part("text", "{{#each items}}<{{by}}>{{/each}}");
    let notify = Orchestrator::builder(store)
        .provider(mail.clone())
        .templates(Templates::new().add(one).add(many))
        .category(Category::transactional("social").with_digest(digest))
        .build()
        .await
        .expect("builds");
    let ada = Recipient::new("ada").with_email("ada@example.com");
    notify.put_recipient(ada).await.expect("stored");
    notify
}

fn mail() -> FakeProvider {
    FakeProvider::new("mail", ChannelId::EMAIL)
}

fn comment(by: usize) -> NotificationRequest {
    NotificationRequest::new("comment", "social")
        .with_data(json!({ "by": by }))
        .expect("JSON")
        .with_route(Route::to("email"))
}

async fn crowd(notify: &Orchestrator, count: usize) -> Vec<SendReport> {
    let mut tasks = JoinSet::new();
    for by in 0..count {
        let notify = notify.clone();
        tasks.spawn(async move { notify.send(comment(by), "ada").await });
    }
    let mut reports = Vec::new();
    while let Some(sent) = tasks.join_next().await {
        reports.push(sent.expect("no panic").expect("accepted"));
    }
    reports
}

async fn work(notify: &Orchestrator) {
    while notify.worker().turn().await.expect("turn") > 0 {}
}

/// Who is named in each message that went out.
fn told(mail: &FakeProvider) -> Vec<Vec<usize>> {
    let names = |call: notify_core::testkit::Call| {
        let json = call.envelope.message.to_json().expect("JSON");
        let text = json["text"].as_str().expect("a text").to_owned();
        let digits = text.split(|c: char| !c.is_ascii_digit());
        let numbers = digits.filter(|one| !one.is_empty());
        numbers.map(|one| one.parse().expect("a number")).collect()
    };
    mail.sent().into_iter().map(names).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_events_at_once_one_digest_holds_all() {
    let (harness, mail) = (Sqlite::new(), mail());
    let notify = system(harness.store().await, &mail, Digest::after(HOUR)).await;
    let reports = crowd(&notify, 1_000).await;
    harness.pass(HOUR);
    work(&notify).await;
    let told = told(&mail);
    assert_eq!(told.len(), 1, "one message");
    assert_eq!(told[0].len(), 1_000, "each once");
    let names: BTreeSet<_> = told[0].iter().copied().collect();
    assert_eq!(names, (0..1_000).collect());
    let mut into = BTreeSet::new();
    for report in reports {
        let member = notify.delivery(report.deliveries[0].id).await;
        let member = member.expect("known");
        assert_eq!(member.state, DeliveryState::Merged);
        into.insert(member.merged_into.expect("it says where"));
    }
    assert_eq!(into.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_events_at_once_exactly_one_goes_at_once_and_the_rest_later() {
    let (harness, mail) = (Sqlite::new(), mail());
    let digest = Digest::after(HOUR).first_now();
    let notify = system(harness.store().await, &mail, digest).await;
    crowd(&notify, 1_000).await;
    work(&notify).await;
    assert_eq!(told(&mail).len(), 1, "exactly one");
    harness.pass(HOUR);
    work(&notify).await;
    let told = told(&mail);
    assert_eq!((told.len(), told[1].len()), (2, 999));
    let names: BTreeSet<_> = told.into_iter().flatten().collect();
    assert_eq!(names, (0..1_000).collect());
}

#[tokio::test]
async fn a_transaction_sees_what_it_began_to_gather_and_a_rollback_gathers_nothing() {
    let (harness, mail) = (Sqlite::new(), mail());
    let store = harness.store().await;
    let digest = Digest::after(HOUR).first_now();
    let notify = system(store.clone(), &mail, digest).await;
    let mut own = harness.connect("a.db").await;
    for commits in [false, true] {
        let mut transaction = own.begin_with("BEGIN IMMEDIATE").await.expect("begins");
        let mut within = store.within(&mut transaction).await.expect("within");
        let mut states = Vec::new();
        for by in 0..3 {
            let sent = notify.send_in(&mut within, comment(by), "ada").await;
            let report = sent.expect("accepted");
            states.push((report.deliveries[0].state, report.deliveries[0].reason));
        }
        let waits = (DeliveryState::Held, Some(Reason::Digest));
        assert_eq!(states, [(DeliveryState::Queued, None), waits, waits]);
        if commits {
            transaction.commit().await.expect("commits");
        } else {
            transaction.rollback().await.expect("rolls back");
            assert!(notify.digests("ada").await.expect("read").is_empty());
        }
    }
    let gathered = notify.digests("ada").await.expect("read");
    assert_eq!(gathered[0].members.len(), 2);
    harness.pass(HOUR);
    work(&notify).await;
    let mut told = told(&mail);
    told.sort_by_key(Vec::len);
    assert_eq!(told, [vec![0], vec![1, 2]]);
}

#[tokio::test]
async fn what_gathered_before_a_stop_leaves_after_it() {
    let (harness, mail) = (Sqlite::new(), mail());
    let store = harness.store().await;
    let notify = system(store.clone(), &mail, Digest::after(HOUR)).await;
    crowd(&notify, 3).await;
    notify_core::Store::close(&store).await;
    drop((notify, store));
    let notify = system(harness.store().await, &mail, Digest::after(HOUR)).await;
    notify.send(comment(3), "ada").await.expect("accepted");
    harness.pass(HOUR);
    work(&notify).await;
    let told = told(&mail);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].len(), 4);
}

#[tokio::test]
async fn nothing_of_a_digest_is_left_when_its_deliveries_are_forgotten() {
    let (harness, mail) = (Sqlite::new(), mail());
    let store = harness.store().await;
    let notify = system(store.clone(), &mail, Digest::after(HOUR)).await;
    let reports = crowd(&notify, 3).await;
    let taken_back = notify.cancel(reports[0].deliveries[0].id).await;
    taken_back.expect("cancelled");
    harness.pass(HOUR);
    work(&notify).await;
    assert_eq!(told(&mail).len(), 1);
    let mut rows = harness.connect("a.db").await;
    let mut count = async |table: &'static str| -> i64 {
        let row = sqlx::query(table).fetch_one(&mut rows).await;
        row.expect("reads").get(0)
    };
    let (digests, members) = (
        "SELECT count(*) FROM notify_digests",
        "SELECT count(*) FROM notify_digest_members",
    );
    assert_eq!((count(digests).await, count(members).await), (0, 2));
    assert_eq!(count("SELECT count(*) FROM notify_jobs").await, 0);
    let keep = Duration::from_secs(1_000 * 86_400);
    harness.pass(keep);
    let now = StoreHarness::clock(&harness);
    let now = notify_core::clock::Clock::now(&*now);
    store
        .sweep(now, &Retention::default())
        .await
        .expect("swept");
    assert_eq!(count(members).await, 0);
}
