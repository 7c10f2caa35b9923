//! Nothing of an erased person is in the bytes of the files.

mod support;

use notify_core::audit::Actor;
use notify_core::digest::Digest;
use notify_core::notification::{Schedule, Tracking};
use notify_core::orchestrator::{ConsentRequest, SignedLinks};
use notify_core::preference::PreferenceChange;
use notify_core::provider::{ProviderEvent, ProviderEventKind};
use notify_core::queue::{FeedbackStore, KeptReport, ReportKey};
use notify_core::schedule::{ScheduleFilter, ScheduleTarget, ScheduledRequest};
use notify_core::store::Store;
use notify_core::testkit::{FakeProvider, StoreHarness};
use notify_core::token::{TokenKey, TokenKeys};
use notify_core::{
    Category, ChannelId, Content, DeliveryState, NotificationRequest, Orchestrator,
    PreferenceStore, ProviderName, Recipient, Route,
};
use notify_store_sqlite::SqliteStore;
use std::fs;
use std::time::Duration;
use support::Sqlite;

const HOUR: Duration = Duration::from_secs(3_600);

/// What is nowhere else.
const MARK: &str = "hunter2";

/// The files in which these bytes are.
fn files_with(harness: &Sqlite, bytes: &[u8]) -> Vec<String> {
    let folder = harness.path("a.db");
    let folder = folder.parent().expect("a folder");
    let mut found = Vec::new();
    for file in fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        let content = fs::read(&path).expect("readable");
        if content.windows(bytes.len()).any(|window| window == bytes) {
            found.push(
                path.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    found.sort();
    found
}

async fn system(store: &SqliteStore) -> Orchestrator {
    let keys = TokenKeys::new(TokenKey::new(1, &[7; 32]).expect("long enough"));
    Orchestrator::builder(store.clone())
        .signed_links(SignedLinks::new("https://example.com", keys).expect("an address"))
        .provider(FakeProvider::new("mail", ChannelId::EMAIL))
        .category(Category::marketing("news").with_tracking(Tracking::none().with_opens()))
        .category(Category::transactional("account"))
        .category(
            Category::transactional("social")
                .with_route(Route::to(ChannelId::EMAIL))
                .with_digest(Digest::after(HOUR)),
        )
        .build()
        .await
        .expect("builds")
}

fn person(id: &str, mark: &str) -> Recipient {
    Recipient::new(id)
        .with_email(&format!("{mark}@example.com"))
        .with_attribute("name", format!("{mark} the first"))
}

/// What happens to one person: agreed, told by mail and in the inbox, told later, changed by an operator.
async fn live(notify: &Orchestrator, id: &str, mark: &str) -> String {
    notify
        .put_recipient(person(id, mark))
        .await
        .expect("stored");
    let agreed = PreferenceChange::agree(
        id,
        "news",
        format!("form of {mark}"),
        format!("{mark}: yes"),
    );
    let eve = notify.as_operator("eve");
    eve.change_preferences(&agreed).await.expect("changed");
    let before = notify.history_count(id).await.expect("counts");
    let both = Route::to(ChannelId::EMAIL).and(ChannelId::IN_APP);
    let say = || {
        NotificationRequest::new("said", "account")
            .with_data(serde_json::json!({ "note": format!("{mark} bought socks") }))
            .expect("JSON")
            .with_content(Content::new(
                format!("Hi {mark}"),
                format!("{mark}, it is on its way"),
            ))
            .with_correlation_id(format!("trace of {mark}"))
    };
    let told = say()
        .with_route(both)
        .with_idempotency_key(format!("key of {mark} {id} {before}"));
    notify.send(told, id).await.expect("accepted");
    let later = say().at(notify.now() + Duration::from_secs(3_600));
    notify
        .send(later, person(id, mark))
        .await
        .expect("accepted");
    let asked = ConsentRequest::new("news", "form", "words");
    let confirm = NotificationRequest::new("confirm", "account")
        .with_route(Route::to(ChannelId::EMAIL))
        .with_content(Content::new("Confirm", "Follow the link"));
    let report = notify
        .request_consent(id, asked, confirm)
        .await
        .expect("accepted");
    notify.worker().turn().await.expect("turn");
    let delivery = notify
        .delivery(report.deliveries[0].id)
        .await
        .expect("is there");
    let url = delivery.request.data()["confirm_url"]
        .as_str()
        .expect("a link");
    url.rsplit('/').next().expect("a token").to_owned()
}

#[tokio::test]
async fn no_byte_of_an_erased_person_is_left_in_any_file() {
    let harness = Sqlite::new();
    let store = harness.store().await;
    let notify = system(&store).await;
    // Before, beside and after others, so that rows move between pages.
    for no in 0..60 {
        live(&notify, &format!("other-{no}"), &format!("other{no}")).await;
    }
    let token = live(&notify, &format!("id-{MARK}"), MARK).await;
    for no in 60..120 {
        live(&notify, &format!("other-{no}"), &format!("other{no}")).await;
    }
    let report = ProviderEvent::new(
        ProviderName::new("mail"),
        ProviderEventKind::Delivered,
        harness.now(),
    );
    let history = notify
        .history(format!("id-{MARK}"), None, 10)
        .await
        .expect("history");
    assert_eq!(history.len(), 5);
    let report = report
        .with_delivery(history[0].id)
        .with_event_id(format!("event of {MARK}"));
    let kept = KeptReport::new(ReportKey::from_bytes([9; 32]), report, None, harness.now());
    assert_eq!(store.keep(&[kept]).await.expect("kept"), 1);
    harness.clock().advance(Duration::from_secs(1));
    assert!(!files_with(&harness, MARK.as_bytes()).is_empty());
    assert!(!files_with(&harness, token.as_bytes()).is_empty());

    let erased = notify
        .as_operator("eve")
        .erase_person(format!("id-{MARK}"))
        .await;
    let erased = erased.expect("erased");
    assert!(erased.is_complete() && erased.deliveries == 5, "{erased:?}");
    assert_eq!(files_with(&harness, MARK.as_bytes()), Vec::<String>::new());
    assert_eq!(files_with(&harness, token.as_bytes()), Vec::<String>::new());
    assert!(
        !files_with(&harness, b"other7 bought socks").is_empty(),
        "others stay"
    );
    store.close().await;
    assert_eq!(files_with(&harness, MARK.as_bytes()), Vec::<String>::new());
}

#[tokio::test]
async fn what_gathers_and_what_is_scheduled_for_an_erased_person_is_gone_too() {
    let harness = Sqlite::new();
    let store = harness.store().await;
    let notify = system(&store).await;
    let id = format!("id-{MARK}");
    for (id, mark) in [(id.as_str(), MARK), ("bruno", "bruno")] {
        notify
            .put_recipient(person(id, mark))
            .await
            .expect("stored");
        let liked = NotificationRequest::new("liked", "social")
            .with_content(Content::new("Liked", format!("by a friend of {mark}")));
        for _ in 0..2 {
            notify.send(liked.clone(), id).await.expect("accepted");
        }
    }
    let report = |title: &str| {
        NotificationRequest::new("report", "account")
            .with_route(Route::to(ChannelId::EMAIL))
            .with_content(Content::new(title, "All is well."))
    };
    let hourly = || Schedule::cron("0 * * * *", "UTC").expect("reads");
    let alone = ScheduledRequest::new("alone", report(MARK), id.as_str(), hourly());
    let target = ScheduleTarget::recipients([id.as_str(), "bruno"]);
    let both = ScheduledRequest::new("both", report("Both"), target, hourly());
    let schedules = notify.schedules();
    schedules.put(alone).await.expect("stored");
    let before = schedules.put(both).await.expect("stored").version;
    assert!(!files_with(&harness, MARK.as_bytes()).is_empty());

    let erased = notify.erase_person(id.as_str()).await.expect("erased");
    assert!(erased.is_complete() && erased.deliveries == 2, "{erased:?}");
    assert_eq!(files_with(&harness, MARK.as_bytes()), Vec::<String>::new());
    let left = schedules
        .list(ScheduleFilter::default(), None, 9)
        .await
        .expect("list");
    let left: Vec<_> = left
        .iter()
        .map(|one| (one.scheduled.key().as_str(), one.scheduled.target().named()))
        .collect();
    assert_eq!(left, [("both", &["bruno".into()][..])]);
    let after = schedules.get("both").await.expect("there").version;
    assert!(after > before, "who read it before writes nothing back");

    // The hour comes: Bruno has his digest and his report; nothing is left to do for anybody else.
    harness.clock().advance(2 * HOUR);
    for _ in 0..9 {
        notify.worker().turn().await.expect("turn");
    }
    assert_eq!(notify.history_count(id.as_str()).await.expect("counts"), 0);
    let history = notify.history("bruno", None, 9).await.expect("history");
    let sent = |kind: &str| {
        let of_kind = history.iter().filter(|one| one.request.kind() == kind);
        of_kind
            .filter(|one| one.state == DeliveryState::Sent)
            .count()
    };
    assert!(sent("liked") == 1 && sent("report") >= 1, "{history:?}");
    let lanes = notify.depth().await.expect("depth");
    let jobs: u64 = lanes.iter().map(|lane| lane.ready + lane.in_flight).sum();
    assert_eq!(jobs, 0, "{lanes:?}");
    assert_eq!(files_with(&harness, MARK.as_bytes()), Vec::<String>::new());
}

#[tokio::test]
async fn many_deliveries_between_those_of_others_leave_no_byte_behind() {
    let harness = Sqlite::new();
    let store = harness.store().await;
    let notify = system(&store).await;
    for round in 0..24 {
        for no in 0..10 {
            let (id, mark) = match no {
                5 => (format!("id-{MARK}"), MARK.to_owned()),
                _ => (format!("other-{no}"), format!("other{round}")),
            };
            live(&notify, &id, &mark).await;
        }
    }
    assert!(!files_with(&harness, MARK.as_bytes()).is_empty());
    let erased = notify
        .erase_person(format!("id-{MARK}"))
        .await
        .expect("erased");
    assert!(
        erased.is_complete() && erased.deliveries > 100,
        "{erased:?}"
    );
    assert_eq!(files_with(&harness, MARK.as_bytes()), Vec::<String>::new());
    assert!(!files_with(&harness, b"other7 bought socks").is_empty());
}

#[tokio::test]
async fn a_reader_that_holds_an_older_state_is_told_of_and_the_next_call_cuts_the_log() {
    let harness = Sqlite::new();
    let store = harness.config("a.db").with_busy_timeout(Duration::ZERO);
    let store = store.open().await.expect("opens");
    let notify = system(&store).await;
    live(&notify, &format!("id-{MARK}"), MARK).await;
    let change = PreferenceChange::withdraw("somebody", "news", "x");
    let tenant = notify_core::TenantId::default();
    let mut reader = harness.connect("a.db").await;
    support::run(&mut reader, "BEGIN").await;
    support::run(&mut reader, "SELECT count(*) FROM notify_meta").await;
    let (by, now) = (Actor::Recipient, harness.now());
    let applied = PreferenceStore::apply(&store, &tenant, &change, &by, now);
    applied.await.expect("applied");
    let busy = notify.erase_person(format!("id-{MARK}")).await;
    assert_eq!(
        busy.expect_err("is held").kind(),
        notify_core::ErrorKind::Busy
    );
    support::run(&mut reader, "COMMIT").await;
    let erased = notify.erase_person(format!("id-{MARK}")).await;
    assert!(erased.expect("erased").is_complete());
    assert_eq!(files_with(&harness, MARK.as_bytes()), Vec::<String>::new());
}
