//! Clauses: how much there is, what is forgotten, and who is woken.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

use crate::audit::Actor;
use crate::delivery::{Decision, DeliveryState, Reason};
use crate::id::{ChannelId, TenantId};
use crate::notification::Priority;
use crate::queue::{Accepted, Job, JobKind, LaneDepth, NewJob, Retention, Swept};
use crate::recipient::Recipient;
use crate::testkit::StoreHarness;
use crate::testkit::world::{HOUR, MINUTE, World, key, request_hash};

const DAY: Duration = Duration::from_secs(86_400);

async fn depth(world: &World) -> Vec<LaneDepth> {
    let mut lanes = world.store.depth(world.now()).await.expect("depth");
    lanes.retain(|lane| !lane.is_empty());
    lanes.sort_by(|a, b| (b.priority, &a.channel).cmp(&(a.priority, &b.channel)));
    lanes
}

/// Forgets until there is no more.
async fn sweep(world: &World) -> Swept {
    let retention = Retention::default()
        .with_keys(2 * DAY)
        .with_deliveries(3 * DAY)
        .with_dead_letters(5 * DAY);
    let mut all = Swept::default();
    loop {
        let swept = world
            .store
            .sweep(world.now(), &retention)
            .await
            .expect("sweep");
        all = Swept::new(
            all.keys + swept.keys,
            all.deliveries + swept.deliveries,
            swept.more,
        )
        .with_dead_letters(all.dead_letters + swept.dead_letters);
        if !swept.more {
            return all;
        }
    }
}

pub(super) async fn depth_counts_each_lane(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    assert!(depth(&world).await.is_empty());
    let begun_at = world.now();
    for (priority, channel, count) in [
        (Priority::Normal, ChannelId::EMAIL, 5),
        (Priority::High, ChannelId::SMS, 1),
    ] {
        for no in 0..count {
            let mut delivery = world.delivery();
            delivery.channel = channel.clone();
            delivery.due = begun_at + no * MINUTE;
            let mut item = world.item(vec![delivery]);
            item.priority = priority;
            world.stored(item).await;
        }
    }
    let (_, lease) = (world.pass(MINUTE), world.claim(1).await.remove(0));
    world.begin(&lease).await;
    world.pass(MINUTE);
    let mut sms = LaneDepth::new(Priority::High, ChannelId::SMS);
    (sms.ready, sms.oldest_due) = (1, Some(begun_at));
    let mut mail = LaneDepth::new(Priority::Normal, ChannelId::EMAIL);
    (mail.ready, mail.waiting, mail.in_flight) = (2, 2, 1);
    mail.oldest_due = Some(begun_at + MINUTE);
    assert_eq!(depth(&world).await, [sms.clone(), mail.clone()]);
    world.finish(&lease, DeliveryState::Sent).await;
    mail.in_flight = 0;
    assert_eq!(depth(&world).await, [sms, mail]);
}

pub(super) async fn depth_counts_jobs_that_killed_their_owners(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let job = Job::new(JobKind::Other(7), 1);
    world.other_job(job).await;
    for crash in 1..=3 {
        let mut lane = LaneDepth::new(Priority::Normal, NewJob::CHANNEL);
        lane.in_flight = 1;
        assert_eq!(depth(&world).await, [lane], "crash {crash}");
        let taken = world.store.reclaim(&[world.owner], world.now()).await;
        assert_eq!(taken.expect("reclaim"), 1);
        let again = world.claim_lane(NewJob::CHANNEL, 1).await;
        assert_eq!(again.len(), usize::from(crash < 3));
    }
    let mut lane = LaneDepth::new(Priority::Normal, NewJob::CHANNEL);
    lane.poison = 1;
    assert_eq!(depth(&world).await, [lane]);
    // A delivery ends for it, and is counted no more.
    world.queued().await;
    for _ in 0..3 {
        let leases = world.claim(1).await;
        world.begin(&leases[0]).await;
        let taken = world.store.reclaim(&[world.owner], world.now()).await;
        assert_eq!(taken.expect("reclaim"), 1);
    }
    assert_eq!(depth(&world).await.len(), 1);
}

pub(super) async fn sweep_forgets_keys_that_are_old_enough(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (old, delivery) = world.keyed(key(1), request_hash(1));
    let old_id = old.id;
    world.stored(old).await;
    let lease = world.lease(delivery).await;
    world.finish(&lease, DeliveryState::Cancelled).await;
    world.pass(DAY);
    world.stored(world.keyed(key(2), request_hash(2)).0).await;
    world.pass(DAY - MINUTE);
    assert_eq!(sweep(&world).await.keys, 0);
    let again = world.accept(world.keyed(key(1), request_hash(1)).0).await;
    assert_eq!(again, Accepted::Duplicate(old_id));
    world.pass(MINUTE);
    assert_eq!(sweep(&world).await.keys, 1);
    assert_eq!(
        world.accept(world.keyed(key(1), request_hash(3)).0).await,
        Accepted::New
    );
    let kept = world.accept(world.keyed(key(2), request_hash(3)).0).await;
    assert_eq!(kept, Accepted::Conflict);
}

pub(super) async fn sweep_keeps_the_key_of_what_is_still_open(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (mut item, delivery) = world.keyed(key(1), request_hash(1));
    let id = item.id;
    item.deliveries[0].due = world.now() + 30 * DAY;
    item.deliveries[0].decision = Decision::Hold {
        until: item.deliveries[0].due,
        reason: Reason::Scheduled,
    };
    world.stored(item).await;
    world.pass(20 * DAY);
    assert_eq!(sweep(&world).await.keys, 0);
    let again = world.accept(world.keyed(key(1), request_hash(1)).0).await;
    assert_eq!(again, Accepted::Duplicate(id), "it is not sent twice");
    world.pass(10 * DAY);
    let lease = world.lease(delivery).await;
    world.finish(&lease, DeliveryState::Cancelled).await;
    world.pass(DAY);
    assert_eq!(sweep(&world).await.keys, 1);
}

pub(super) async fn sweep_forgets_ended_deliveries_that_are_old_enough(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let old = world.ended(DeliveryState::Sent).await;
    let notification = world.read(old).await.notification;
    world.pass(DAY);
    let young = world.ended(DeliveryState::Failed).await;
    world.pass(2 * DAY - MINUTE);
    assert_eq!(sweep(&world).await.deliveries, 0);
    world.pass(MINUTE);
    assert_eq!(sweep(&world).await.deliveries, 1);
    assert!(world.find(old).await.is_none());
    assert!(world.timeline(old).await.is_empty());
    let siblings = world
        .store
        .of_notification(&world.tenant, notification)
        .await
        .expect("read");
    assert!(siblings.is_empty());
    let person = world.read(young).await.recipient;
    let count = world
        .store
        .history_count(&world.tenant, &person)
        .await
        .expect("count");
    assert_eq!(count, 1);
}

pub(super) async fn sweep_keeps_dead_letters_for_longer_and_counts_them(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (dead, parked) = (
        world.ended(DeliveryState::Dead).await,
        world.ended(DeliveryState::Parked).await,
    );
    let sent = world.ended(DeliveryState::Sent).await;
    let requeued = world.ended(DeliveryState::Dead).await;
    world.pass(3 * DAY);
    let swept = sweep(&world).await;
    assert_eq!((swept.deliveries, swept.dead_letters), (1, 0));
    assert!(world.find(sent).await.is_none());
    let listed = world.store.dead_letters(&world.tenant, None, 9).await;
    assert_eq!(listed.expect("dead letters").len(), 3);
    // What died again is young again.
    let (actor, now) = (Actor::Application, world.now());
    let answer = world
        .store
        .requeue(&world.tenant, &[requeued], &actor, now)
        .await;
    assert_eq!(answer.expect("requeue"), [true]);
    let lease = world.lease(requeued).await;
    world.begin(&lease).await;
    world.finish(&lease, DeliveryState::Dead).await;
    world.pass(2 * DAY - MINUTE);
    assert_eq!(sweep(&world).await.deliveries, 0);
    world.pass(MINUTE);
    let swept = sweep(&world).await;
    assert_eq!((swept.deliveries, swept.dead_letters), (2, 2));
    assert!(world.find(dead).await.is_none() && world.find(parked).await.is_none());
    assert_eq!(world.state(requeued).await.0, DeliveryState::Dead);
    // One that an operator ended is no dead letter any more.
    let answer = world
        .store
        .purge(&world.tenant, &[requeued], &actor, world.now())
        .await;
    assert_eq!(answer.expect("purge"), [true]);
    world.pass(3 * DAY);
    let swept = sweep(&world).await;
    assert_eq!((swept.deliveries, swept.dead_letters), (1, 0));
}

pub(super) async fn sweep_never_forgets_what_is_open(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut held = world.delivery();
    let held_id = held.id;
    held.due = world.now() + 1_000 * DAY;
    held.decision = Decision::Hold {
        until: held.due,
        reason: Reason::Scheduled,
    };
    let mut suppressed = world.delivery();
    let suppressed_id = suppressed.id;
    suppressed.decision = Decision::Suppress {
        reason: Reason::OptedOut,
    };
    world.stored(world.item(vec![held, suppressed])).await;
    let (sending, lease) = world.sending().await;
    let requeued = world.ended(DeliveryState::Dead).await;
    let (actor, now) = (Actor::Application, world.now());
    let answer = world
        .store
        .requeue(&world.tenant, &[requeued], &actor, now)
        .await;
    assert_eq!(answer.expect("requeue"), [true]);
    world.pass(100 * DAY);
    assert_eq!(sweep(&world).await.deliveries, 1);
    assert!(world.find(suppressed_id).await.is_none());
    let notification = world.read(held_id).await.notification;
    let siblings = world
        .store
        .of_notification(&world.tenant, notification)
        .await
        .expect("read");
    assert_eq!(
        siblings.len(),
        1,
        "a notification stays while one delivery does"
    );
    assert_eq!(world.claimed().await, [requeued]);
    world.finish(&lease, DeliveryState::Sent).await;
    assert_eq!(world.state(sending).await.0, DeliveryState::Sent);
}

pub(super) async fn sweep_answers_whether_there_is_more(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let suppressed = |_| {
        let mut delivery = world.delivery();
        delivery.decision = Decision::Suppress {
            reason: Reason::OptedOut,
        };
        delivery
    };
    for _ in 0..3 {
        world
            .stored(world.item((0..1_000).map(suppressed).collect()))
            .await;
    }
    world.pass(100 * DAY);
    let swept = sweep(&world).await;
    assert_eq!((swept.deliveries, swept.more), (3_000, false));
    assert_eq!(sweep(&world).await.deliveries, 0);
}

/// Begins to wait, and answers once that is under way.
async fn waiter(world: &World, timeout: Duration) -> JoinHandle<()> {
    let store = Arc::clone(&world.store);
    let waiter = tokio::spawn(async move { store.wait(timeout).await });
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
    waiter
}

/// Waits a while of real time, which no correct store needs.
async fn soon(what: impl Future<Output = Result<(), tokio::task::JoinError>>) -> bool {
    tokio::time::timeout(Duration::from_secs(5), what)
        .await
        .is_ok_and(|joined| joined.is_ok())
}

pub(super) async fn wait_returns_when_something_was_accepted(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let waiters = [waiter(&world, HOUR).await, waiter(&world, HOUR).await];
    world.queued().await;
    for waiter in waiters {
        assert!(soon(waiter).await, "everyone who waits is woken");
    }
    // Also someone who looked for work just before.
    world.claimed().await;
    world.queued().await;
    assert!(soon(waiter(&world, HOUR).await).await);
}

pub(super) async fn wait_returns_on_wake(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let waiter = waiter(&world, HOUR).await;
    assert!(!waiter.is_finished(), "there is nothing to do");
    world.store.wake();
    assert!(soon(waiter).await);
}

pub(super) async fn wait_returns_when_its_time_is_over(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let waiter = waiter(&world, Duration::from_secs(1)).await;
    world.pass(Duration::from_secs(1));
    assert!(soon(waiter).await);
}

pub(super) async fn debug_output_shows_no_data(harness: &dyn StoreHarness) {
    let mut world = World::open(harness).await;
    world.tenant = TenantId::new("canary-tenant");
    let (mut item, _) = world.keyed(key(0xca), request_hash(1));
    item.deliveries[0].recipient = "canary-person".into();
    let pinned = Recipient::new("canary-person").with_email("canary@example.com");
    item.deliveries[0].pinned = Some(Arc::new(pinned));
    assert!(!format!("{item:?}").contains("canary@example.com"));
    world.stored(item).await;
    let leases = world.claim(1).await;
    world.begin(&leases[0]).await;
    let printed = format!("{:?} {:#?}", world.store, world.store);
    for canary in ["canary", "ada@example.com", "202, 202", "cacaca"] {
        assert!(!printed.to_lowercase().contains(canary), "{printed}");
    }
    world.retry(&leases[0]).await;
    let lease = format!("{:?}", world.claim(1).await);
    assert!(!lease.contains("@example.com"), "{lease}");
}
