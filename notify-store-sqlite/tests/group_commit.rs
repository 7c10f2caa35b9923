//! Callers that come at the same time share a commit, and none of them is answered for another.

mod support;

use notify_core::audit::Actor;
use notify_core::delivery::{DeliveryStore, EventKind, Frozen};
use notify_core::id::IdGenerator;
use notify_core::notification::RequestHash;
use notify_core::provider::{ProviderConfig, ProviderStore};
use notify_core::queue::{
    Acceptance, Accepted, Begun, KeyHash, Outcome, Premise, Queue, Settled, Settlement, Start,
};
use notify_core::recipient::RecipientStore;
use notify_core::{
    Category, ChannelId, Content, DeliveryState, ErrorKind, NotificationRequest, Orchestrator,
    ProviderName, Recipient, Result,
};
use notify_store_sqlite::SqliteStore;
use std::collections::HashSet;
use std::future::Future;
use support::{START, Sqlite, claim, commits, item, tenant};
use tokio::task::JoinSet;

const CALLERS: usize = 64;

/// Runs all of these at the same time: each has said what it wants before the writer begins.
async fn together<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut tasks = JoinSet::new();
    for (no, call) in calls.into_iter().enumerate() {
        tasks.spawn(async move { (no, call.await) });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_unstable_by_key(|(no, _)| *no);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// One caller of `accept` with one item.
fn accept(
    store: &SqliteStore,
    item: Acceptance,
) -> impl Future<Output = Result<Accepted>> + Send + use<> {
    let store = store.clone();
    async move { Ok(store.accept(vec![item]).await?.remove(0)) }
}

fn keyed(ids: &IdGenerator, recipient: &str, key: u8, hash: u8) -> Acceptance {
    let mut one = item(ids, recipient, START);
    one.key = Some(KeyHash::from_bytes([key; 32]));
    one.request_hash = RequestHash::from_bytes([hash; 32]);
    one
}

#[tokio::test]
async fn callers_who_come_one_after_the_other_have_a_commit_each() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let before = commits(&harness.path("a.db"));
    for no in 0..CALLERS {
        let one = item(&ids, &format!("person-{no}"), START);
        assert_eq!(accept(&store, one).await.expect("accepted"), Accepted::New);
    }
    assert_eq!(commits(&harness.path("a.db")) - before, CALLERS);
}

#[tokio::test]
async fn callers_who_come_together_share_a_commit() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let before = commits(&harness.path("a.db"));
    let calls = (0..CALLERS).map(|no| accept(&store, item(&ids, &format!("person-{no}"), START)));
    for answer in together(calls).await {
        assert_eq!(answer.expect("accepted"), Accepted::New);
    }
    let made = commits(&harness.path("a.db")) - before;
    // The first may be on its way before the others have come.
    assert!((1..=2).contains(&made), "{made} commits");
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), CALLERS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_several_threads_share_commits_too() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let before = commits(&harness.path("a.db"));
    let (mut tasks, rounds) = (JoinSet::new(), 8);
    for caller in 0..CALLERS {
        let items: Vec<_> = (0..rounds)
            .map(|_| item(&ids, &format!("person-{caller}"), START))
            .collect();
        let store = store.clone();
        tasks.spawn(async move {
            for item in items {
                assert_eq!(accept(&store, item).await.expect("accepted"), Accepted::New);
            }
        });
    }
    tasks.join_all().await;
    let made = commits(&harness.path("a.db")) - before;
    // Each caller has one at a time under way, so that there are at least as many commits as rounds.
    assert!(
        (rounds..=CALLERS * rounds / 4).contains(&made),
        "{made} commits"
    );
}

#[tokio::test]
async fn what_one_transaction_takes_is_bounded() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let before = commits(&harness.path("a.db"));
    let batch = |no: usize| {
        (0..600)
            .map(|_| item(&ids, &format!("person-{no}"), START))
            .collect()
    };
    let batches: Vec<Vec<Acceptance>> = (0..6).map(batch).collect();
    let calls = batches.into_iter().map(|batch| {
        let store = store.clone();
        async move { store.accept(batch).await }
    });
    for answers in together(calls).await {
        assert!(
            answers
                .expect("accepted")
                .iter()
                .all(|answer| *answer == Accepted::New)
        );
    }
    let made = commits(&harness.path("a.db")) - before;
    assert!((3..=6).contains(&made), "{made} commits for 3,600 items");
}

#[tokio::test]
async fn everything_that_is_written_shares_a_commit() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    for person in ["ada", "bob"] {
        accept(&store, item(&ids, person, START))
            .await
            .expect("accepted");
    }
    let mut leases = claim(&store, ids.owner(START), START).await;
    let (begins, ends) = (leases.remove(0), leases.remove(0));
    let begin = async |lease| {
        let (provider, frozen) = (ProviderName::new("p"), Frozen::default());
        let start = Start {
            lease,
            provider: &provider,
            frozen: &frozen,
            premises: &[],
            now: START,
        };
        store.begin(&[start]).await.expect("begun").remove(0)
    };
    assert_eq!(begin(&ends).await, Begun::Go);
    let before = commits(&harness.path("a.db"));
    let settle = async {
        let sent = Outcome::Finished(DeliveryState::Sent);
        let settlement = Settlement::new(&ends, sent, EventKind::Sent, START);
        store
            .settle(&[settlement])
            .await
            .expect("settled")
            .remove(0)
    };
    let put = async {
        let (tenant, people) = (tenant(), [Recipient::new("eve")]);
        RecipientStore::put(&store, &tenant, &people, &Actor::Application).await
    };
    let (begun, settled, accepted, put) = tokio::join!(
        begin(&begins),
        settle,
        accept(&store, item(&ids, "eve", START)),
        put
    );
    assert_eq!((begun, settled), (Begun::Go, Settled::Applied));
    assert_eq!(accepted.expect("accepted"), Accepted::New);
    put.expect("stored");
    assert_eq!(commits(&harness.path("a.db")) - before, 1);
}

#[tokio::test]
async fn equal_keys_meet_in_one_commit() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let before = commits(&harness.path("a.db"));
    let answers = together((0..CALLERS).map(|_| accept(&store, keyed(&ids, "ada", 1, 1)))).await;
    let answers: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.expect("answered"))
        .collect();
    let new = answers
        .iter()
        .filter(|answer| **answer == Accepted::New)
        .count();
    assert_eq!(new, 1, "one of them is the first");
    let twins: HashSet<_> = answers
        .iter()
        .filter_map(|answer| match answer {
            Accepted::Duplicate(id) => Some(*id),
            _ => None,
        })
        .collect();
    assert_eq!(twins.len(), 1, "all others are told the same");
    let made = commits(&harness.path("a.db")) - before;
    assert!(made <= 2, "{made} commits");
    let count = store.history_count(&tenant(), &"ada".into()).await;
    assert_eq!(count.expect("counted"), 1);
}

#[tokio::test]
async fn one_bad_item_does_not_fail_its_neighbours() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let first = keyed(&ids, "ada", 1, 1);
    let (first_id, taken) = (first.id, first.deliveries[0].id);
    accept(&store, first).await.expect("accepted");

    let mut stale = item(&ids, "stale", START);
    let premise = Premise::NotExpired { at: START };
    stale.premises = vec![premise.clone()];
    let mut broken = item(&ids, "broken", START);
    broken.deliveries[0].id = taken;
    let items = vec![
        item(&ids, "one", START),
        keyed(&ids, "conflict", 1, 2),
        item(&ids, "two", START),
        stale,
        keyed(&ids, "three", 2, 1),
        keyed(&ids, "twin", 2, 1),
        keyed(&ids, "other", 2, 2),
        keyed(&ids, "again", 1, 1),
        broken,
        item(&ids, "four", START),
    ];
    let three = items[4].id;
    let expected = [
        Some(Accepted::New),
        Some(Accepted::Conflict),
        Some(Accepted::New),
        Some(Accepted::Stale(premise)),
        Some(Accepted::New),
        Some(Accepted::Duplicate(three)),
        Some(Accepted::Conflict),
        Some(Accepted::Duplicate(first_id)),
        None,
        Some(Accepted::New),
    ];
    let ids_of_all: Vec<_> = items.iter().map(|item| item.deliveries[0].id).collect();
    let answers = together(items.into_iter().map(|item| accept(&store, item))).await;
    for (no, (answer, expected)) in answers.into_iter().zip(&expected).enumerate() {
        match expected {
            Some(expected) => assert_eq!(&answer.expect("answered"), expected, "item {no}"),
            None => assert_eq!(answer.expect_err("refused").kind(), ErrorKind::Unexpected),
        }
    }
    let stored = DeliveryStore::load(&store, &ids_of_all)
        .await
        .expect("loaded");
    for (no, (stored, expected)) in stored.iter().zip(&expected).enumerate() {
        let is_new = *expected == Some(Accepted::New);
        // The broken one names a delivery that was there before.
        assert_eq!(stored.is_some(), is_new || expected.is_none(), "item {no}");
    }
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 5);
}

#[tokio::test]
async fn a_write_of_another_room_that_is_refused_undoes_only_itself() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let before = commits(&harness.path("a.db"));
    let config = ProviderConfig::new(ChannelId::EMAIL, "mail", "smtps://mail.example.com");
    let put = store.put_provider(&config, 7, &Actor::Application, START);
    let people = [Recipient::new("ada")];
    let tenant = tenant();
    let stored = RecipientStore::put(&store, &tenant, &people, &Actor::Application);
    let (refused, stored, accepted) =
        tokio::join!(put, stored, accept(&store, item(&ids, "ada", START)));
    assert_eq!(
        refused.expect_err("it has another version").kind(),
        ErrorKind::Conflict
    );
    stored.expect("stored");
    assert_eq!(accepted.expect("accepted"), Accepted::New);
    assert_eq!(commits(&harness.path("a.db")) - before, 1);
    assert!(store.providers().await.expect("providers").is_empty());
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 1);
}

#[tokio::test]
async fn a_settlement_that_cannot_be_does_not_fail_its_neighbours() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    for person in ["ada", "bob"] {
        accept(&store, item(&ids, person, START))
            .await
            .expect("accepted");
    }
    let leases = claim(&store, ids.owner(START), START).await;
    let settle = async |lease, state| {
        let outcome = Outcome::Finished(state);
        let settlement = Settlement::new(lease, outcome, EventKind::Cancelled, START);
        store
            .settle(&[settlement])
            .await
            .map(|mut settled| settled.remove(0))
    };
    let new = item(&ids, "eve", START);
    // Nothing was sent, so that the one cannot be delivered.
    let (bad, good, accepted) = tokio::join!(
        settle(&leases[0], DeliveryState::Delivered),
        settle(&leases[1], DeliveryState::Cancelled),
        accept(&store, new)
    );
    assert_eq!(bad.expect_err("refused").kind(), ErrorKind::Unexpected);
    assert_eq!(good.expect("settled"), Settled::Applied);
    assert_eq!(accepted.expect("accepted"), Accepted::New);
}

#[tokio::test]
async fn a_send_that_is_too_long_fails_alone() {
    let harness = Sqlite::new();
    let store = harness.store().await;
    let notify = Orchestrator::builder(store.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let request = |title: &str| {
        NotificationRequest::new("shipped", "orders").with_content(Content::new(title, "Text."))
    };
    let (short, long) = ("Shipped".to_owned(), "x".repeat(300));
    let title = |no: usize| if no == 7 { &long } else { &short };
    let to = |no: usize| Recipient::new(format!("person-{no}"));
    let batch = (0..16).map(|no| (request(title(no)), to(no)));
    let results = notify
        .send_batch(batch)
        .await
        .expect("the others are accepted");
    let calls = (16..32).map(|no| {
        let (notify, request, to) = (notify.clone(), request(title(no - 16)), to(no));
        async move { notify.send(request, to).await }
    });
    let alone = together(calls).await;
    for (no, result) in results.into_iter().chain(alone).enumerate() {
        let person = format!("person-{no}");
        let count = notify
            .history_count(person.as_str())
            .await
            .expect("counted");
        if no % 16 == 7 {
            assert_eq!(
                result.expect_err("too long").kind(),
                ErrorKind::Invalid,
                "{person}"
            );
            assert_eq!(count, 0, "{person}");
        } else {
            assert!(result.expect("accepted").is_going(), "{person}");
            assert_eq!(count, 1, "{person}");
        }
    }
}

#[tokio::test]
async fn a_lease_that_is_begun_twice_in_one_commit_is_refused_twice() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    for person in ["ada", "bob"] {
        accept(&store, item(&ids, person, START))
            .await
            .expect("accepted");
    }
    let leases = claim(&store, ids.owner(START), START).await;
    let (provider, frozen) = (ProviderName::new("p"), Frozen::default());
    let over = [Premise::NotExpired { at: START }];
    let start = |lease, premises| Start {
        lease,
        provider: &provider,
        frozen: &frozen,
        premises,
        now: START,
    };
    let [one, other] = [&leases[0], &leases[1]];
    let begun = store
        .begin(&[
            start(one, &over),
            start(one, &over),
            start(other, &[]),
            start(other, &over),
        ])
        .await
        .expect("answered");
    let refused = Begun::Refused {
        premise: over[0].clone(),
        retry_at: None,
    };
    assert_eq!(begun, [refused.clone(), refused, Begun::Go, Begun::Go]);
}

#[tokio::test]
async fn those_who_come_together_wait_together_for_the_applications_lock() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let wait = std::time::Duration::from_millis(200);
    let config = harness.config("a.db").with_busy_timeout(wait);
    let store = config.open().await.expect("opens");
    let mut application = harness.connect("a.db").await;
    support::run(&mut application, "BEGIN IMMEDIATE").await;
    let clock = notify_core::clock::SystemClock::new();
    let began = notify_core::clock::Clock::monotonic(&clock);
    let calls = (0..CALLERS).map(|no| accept(&store, item(&ids, &format!("person-{no}"), START)));
    for answer in together(calls).await {
        assert_eq!(answer.expect_err("locked").kind(), ErrorKind::Busy);
    }
    // One by one it would be 64 times as long as the wait.
    let took = notify_core::clock::Clock::monotonic(&clock).since(began);
    assert!(took < 10 * wait, "{took:?}");
    support::run(&mut application, "ROLLBACK").await;
    let late = accept(&store, item(&ids, "ada", START)).await;
    assert_eq!(late.expect("accepted"), Accepted::New);
}
