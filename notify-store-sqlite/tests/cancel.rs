//! Futures that are dropped: wherever that is, all of it happened or nothing, and the store goes on.
//!
//! Each test polls a call so many times, drops it, looks, and begins anew with one poll more, until the call ends by itself.

mod support;

use notify_core::clock::Monotonic;
use notify_core::delivery::{DeliveryStore, EventKind, Frozen};
use notify_core::id::IdGenerator;
use notify_core::orchestrator::WorkerOptions;
use notify_core::queue::{
    Accepted, Begun, Claim, KeyHash, LaneClaim, Lease, Outcome, Queue, Settled, Settlement, Start,
};
use notify_core::store::Store;
use notify_core::testkit::FakeProvider;
use notify_core::{
    Category, ChannelId, Content, DeliveryState, NotificationRequest, Orchestrator, Priority,
    ProviderName, Recipient, Route,
};
use notify_store_sqlite::{SqliteConfig, SqliteStore};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use support::{START, Sqlite, claim, item, run, tenant};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How often each test begins anew with one poll: what meets what is not always the same.
const ROUNDS: usize = 12;
/// More polls than any call takes.
const MOST_POLLS: usize = 100;
/// How long what must happen may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Polls so many times, each time when it is asked to, and then drops; `None` if that was too early.
async fn polled<T>(call: impl Future<Output = T>, polls: usize) -> Option<T> {
    let (mut call, mut left) = (pin!(call), polls);
    poll_fn(|context| {
        left -= 1;
        match call.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What was sent to the writer is done, and nothing is left open: somebody else can write at once.
async fn assert_nothing_is_open(harness: &Sqlite, store: &SqliteStore) {
    store.check().await.expect("the store works");
    let mut other = harness.connect("a.db").await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    run(&mut other, "ROLLBACK").await;
}

fn shipped(person: &str) -> NotificationRequest {
    NotificationRequest::new("shipped", "orders")
        .with_content(Content::new("Shipped", "On its way."))
        .with_route(Route::to(ChannelId::EMAIL).and(ChannelId::IN_APP))
        .with_idempotency_key(format!("shipped:{person}"))
}

fn person(name: &str) -> Recipient {
    Recipient::new(name).with_email(&format!("{name}@example.com"))
}

async fn orchestrator(store: &SqliteStore, mail: &FakeProvider) -> Orchestrator {
    Orchestrator::builder(store.clone())
        .category(Category::transactional("orders"))
        .provider(mail.clone())
        .worker_options(WorkerOptions::default().with_concurrency(8))
        .build()
        .await
        .expect("builds")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_that_is_dropped_anywhere_is_stored_whole_or_not_at_all() {
    let harness = Sqlite::new();
    let store = harness.store().await;
    let notify = orchestrator(&store, &FakeProvider::new("mail", ChannelId::EMAIL)).await;
    let (mut stored, mut dropped) = (0, 0);
    for round in 0..2 * ROUNDS {
        // Whom the store knows is read from there, which takes some polls more.
        let is_known = round % 2 == 0;
        for polls in 1.. {
            assert!(polls < MOST_POLLS);
            let name = format!("person-{round}-{polls}");
            if is_known {
                notify.put_recipient(person(&name)).await.expect("stored");
            }
            let send = async {
                match is_known {
                    true => notify.send(shipped(&name), name.as_str()).await,
                    false => notify.send(shipped(&name), person(&name)).await,
                }
            };
            let answer = polled(send, polls).await;
            assert_nothing_is_open(&harness, &store).await;
            let count = notify.history_count(name.as_str()).await.expect("counted");
            assert!(
                count == 0 || count == 2,
                "{count} of 2 deliveries after {polls} polls"
            );
            // Whoever had no answer asks again, and there is one notification in the end.
            let again = notify
                .send(shipped(&name), person(&name))
                .await
                .expect("accepted");
            assert_eq!(again.duplicate, count == 2);
            assert_eq!(again.deliveries.len(), 2);
            assert_eq!(
                notify.history_count(name.as_str()).await.expect("counted"),
                2
            );
            dropped += usize::from(answer.is_none());
            stored += usize::from(answer.is_none() && count == 2);
            if let Some(answer) = answer {
                assert_eq!(answer.expect("accepted").id, again.id);
                break;
            }
        }
    }
    assert!(
        stored > 0,
        "none of {dropped} was dropped between its commit and its answer"
    );
    assert!(
        stored < dropped,
        "none of {dropped} was dropped before it was asked for"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dropped_caller_handed_over_is_sent_once() {
    let harness = Sqlite::new();
    // By the host's clock: the worker looks for work now and then, whoever wakes it.
    let config = SqliteConfig::new(harness.path("a.db")).with_ballast(0);
    let store = config.open().await.expect("the store opens");
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = orchestrator(&store, &mail).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let working = tokio::spawn(async move { worker.run(async move { drop(stopped.await) }).await });
    let mut stored = Vec::new();
    for round in 0..ROUNDS {
        for polls in 1.. {
            assert!(polls < MOST_POLLS);
            let name = format!("person-{round}-{polls}");
            let answer = polled(notify.send(shipped(&name), person(&name)), polls).await;
            store.check().await.expect("the store works");
            if notify.history_count(name.as_str()).await.expect("counted") > 0 {
                stored.push(format!("{name}@example.com"));
            }
            if answer.is_some() {
                break;
            }
        }
    }
    assert!(stored.len() > ROUNDS, "only what was answered was stored");
    let sent = async {
        while mail.calls().len() < stored.len() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, sent)
        .await
        .expect("everything that is stored is sent");
    stop.send(()).expect("the worker runs");
    let drained = timeout(PATIENCE, working)
        .await
        .expect("it ends")
        .expect("no panic");
    assert_eq!(drained.expect("it ran").abandoned, 0);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for call in mail.calls() {
        *times.entry(call.to().to_owned()).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert!(stored.iter().all(|person| times.contains_key(person)));
    // No place was lost with a caller, or there would be none left for this.
    for no in 0..16 {
        let report = notify.send(
            shipped(&format!("late-{no}")),
            person(&format!("late-{no}")),
        );
        assert!(report.await.expect("accepted").is_going());
    }
    while notify.worker().turn().await.expect("a turn") > 0 {}
    assert_eq!(mail.calls().len(), stored.len() + 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accept_that_is_dropped_anywhere_is_stored_whole_or_not_at_all() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let mut key = [0; 32];
    for round in 0..ROUNDS {
        for polls in 1.. {
            assert!(polls < MOST_POLLS);
            key[..2].copy_from_slice(&[
                u8::try_from(round).expect("small"),
                u8::try_from(polls).expect("small"),
            ]);
            let keyed = || {
                let mut one = item(&ids, "ada", START);
                one.key = Some(KeyHash::from_bytes(key));
                one
            };
            let (first, other) = (keyed(), item(&ids, "bob", START));
            let (id, both) = (first.id, [first.deliveries[0].id, other.deliveries[0].id]);
            let answer = polled(store.accept(vec![first, other]), polls).await;
            assert_nothing_is_open(&harness, &store).await;
            let found = DeliveryStore::load(&store, &both).await.expect("loaded");
            let is_stored = found[0].is_some();
            assert_eq!(
                found[1].is_some(),
                is_stored,
                "half of a call after {polls} polls"
            );
            let again = store
                .accept(vec![keyed()])
                .await
                .expect("accepted")
                .remove(0);
            assert_eq!(
                again,
                if is_stored {
                    Accepted::Duplicate(id)
                } else {
                    Accepted::New
                }
            );
            if answer.is_some() {
                assert!(is_stored);
                break;
            }
        }
    }
}

/// A delivery that is lent to a worker.
async fn lent(store: &SqliteStore, ids: &IdGenerator) -> Lease {
    let answers = store.accept(vec![item(ids, "ada", START)]).await;
    assert_eq!(answers.expect("accepted"), [Accepted::New]);
    let mut leases = claim(store, ids.owner(START), START).await;
    assert_eq!(leases.len(), 1);
    leases.remove(0)
}

async fn state(store: &SqliteStore, lease: &Lease) -> DeliveryState {
    let id = lease.job.delivery().expect("a delivery");
    let mut found = DeliveryStore::load(store, &[id]).await.expect("loaded");
    found.remove(0).expect("it is stored").state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_begin_and_a_settle_that_are_dropped_anywhere_can_be_asked_again() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let (provider, frozen) = (ProviderName::new("mail"), Frozen::default());
    for _ in 0..ROUNDS {
        let (mut begun, mut settled) = (false, false);
        for polls in 1.. {
            assert!(polls < MOST_POLLS);
            let lease = lent(&store, &ids).await;
            let (lease, provider) = (&lease, &provider);
            let start = Start {
                lease,
                provider,
                frozen: &frozen,
                premises: &[],
                now: START,
            };
            begun |= polled(store.begin(&[start]), polls).await.is_some();
            assert_nothing_is_open(&harness, &store).await;
            let now = state(&store, lease).await;
            assert!(
                matches!(now, DeliveryState::Queued | DeliveryState::Sending),
                "{now}"
            );
            assert_eq!(store.begin(&[start]).await.expect("begun"), [Begun::Go]);
            assert_eq!(state(&store, lease).await, DeliveryState::Sending);

            let sent = Outcome::Finished(DeliveryState::Sent);
            let settlement = Settlement::new(lease, sent, EventKind::Sent, START);
            settled |= polled(store.settle(&[settlement]), polls).await.is_some();
            assert_nothing_is_open(&harness, &store).await;
            let now = state(&store, lease).await;
            assert!(
                matches!(now, DeliveryState::Sending | DeliveryState::Sent),
                "{now}"
            );
            assert_eq!(
                store.settle(&[settlement]).await.expect("settled"),
                [Settled::Applied]
            );
            assert_eq!(state(&store, lease).await, DeliveryState::Sent);
            let id = lease.job.delivery().expect("a delivery");
            let told = store.timeline(&tenant(), id).await.expect("timeline");
            let sent = told
                .iter()
                .filter(|event| event.kind == EventKind::Sent)
                .count();
            assert_eq!(sent, 1, "once, however often it was asked");
            if begun && settled {
                break;
            }
        }
    }
    assert!(claim(&store, ids.owner(START), START).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dropped_claim_borrowed_comes_back_when_its_time_is_over() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let ttl = Duration::from_secs(60);
    for round in 0..ROUNDS {
        for polls in 1.. {
            assert!(polls < MOST_POLLS);
            let now = harness.now();
            let one = item(&ids, &format!("person-{round}-{polls}"), now);
            let job = one.deliveries[0].id;
            store.accept(vec![one]).await.expect("accepted");
            let lane = LaneClaim {
                priority: Priority::Normal,
                channel: ChannelId::EMAIL,
                limit: 10,
            };
            let asked = Claim {
                owner: ids.owner(now),
                lanes: vec![lane],
                now,
                asked_at: Monotonic::default(),
                ttl,
            };
            let answer = polled(store.claim(&asked), polls).await;
            assert_nothing_is_open(&harness, &store).await;
            let later = harness.pass(ttl + Duration::from_secs(1));
            let is_over = answer.is_some();
            // Lent to nobody who knows, or not lent: both are there for the next.
            store.reclaim(&[], later).await.expect("reclaimed");
            let leases = claim(&store, ids.owner(later), later).await;
            assert_eq!(leases.len(), 1, "after {polls} polls");
            assert_eq!(leases[0].job.delivery(), Some(job));
            let cancelled = Outcome::Finished(DeliveryState::Cancelled);
            let end = Settlement::new(&leases[0], cancelled, EventKind::Cancelled, later);
            assert_eq!(
                store.settle(&[end]).await.expect("settled"),
                [Settled::Applied]
            );
            if is_over {
                break;
            }
        }
    }
}
