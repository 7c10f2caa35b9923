//! Clauses: cancel, dead letters, requeue, purge.

use std::sync::Arc;

use crate::address::Address;
use crate::audit::Actor;
use crate::delivery::{Decision, DeliveryState, EventKind, Reason, Target, TargetState};
use crate::id::{DeliveryId, TenantId};
use crate::provider::Fault;
use crate::queue::{Begun, CancelOutcome, Job, Outcome, Release, Settled};
use crate::testkit::StoreHarness;
use crate::testkit::world::{HOUR, World, frozen};

fn operator() -> Actor {
    Actor::operator("grace")
}

async fn cancel(world: &World, ids: &[DeliveryId]) -> Vec<CancelOutcome> {
    let (reason, now) = (Reason::Cancelled, world.now());
    world
        .store
        .cancel(&world.tenant, ids, reason, &operator(), now)
        .await
        .expect("cancel")
}

async fn requeue(world: &World, ids: &[DeliveryId]) -> Vec<bool> {
    world
        .store
        .requeue(&world.tenant, ids, &operator(), world.now())
        .await
        .expect("requeue")
}

async fn purge(world: &World, ids: &[DeliveryId]) -> Vec<bool> {
    world
        .store
        .purge(&world.tenant, ids, &operator(), world.now())
        .await
        .expect("purge")
}

async fn dead_letters(world: &World, before: Option<DeliveryId>, limit: u32) -> Vec<DeliveryId> {
    let page = world
        .store
        .dead_letters(&world.tenant, before, limit)
        .await
        .expect("dead letters");
    page.iter().map(|delivery| delivery.id).collect()
}

async fn held(world: &World) -> DeliveryId {
    let mut delivery = world.delivery();
    let id = delivery.id;
    delivery.due = world.now() + HOUR;
    delivery.decision = Decision::Hold {
        until: delivery.due,
        reason: Reason::Scheduled,
    };
    world.stored(world.item(vec![delivery])).await;
    id
}

pub(super) async fn cancel_ends_what_is_queued_or_held(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (queued, held) = (world.queued().await, held(&world).await);
    let unknown = world.ids.delivery(world.now());
    let now = world.pass(HOUR / 2);
    let outcomes = cancel(&world, &[queued, unknown, held]).await;
    use CancelOutcome::{Cancelled, NotFound, TooLate};
    assert_eq!(outcomes, [Cancelled, NotFound, Cancelled]);
    for id in [queued, held] {
        let delivery = world.read(id).await;
        let state = (delivery.state, delivery.reason, delivery.updated_at);
        assert_eq!(
            state,
            (DeliveryState::Cancelled, Some(Reason::Cancelled), now)
        );
        let event = world.timeline(id).await.pop().expect("an event");
        assert_eq!(
            (event.kind, event.reason),
            (EventKind::Cancelled, Some(Reason::Cancelled))
        );
    }
    let again = cancel(&world, &[queued, held]).await;
    assert_eq!(again, [TooLate(DeliveryState::Cancelled); 2]);
    world.pass(HOUR);
    assert!(world.claimed().await.is_empty());
}

pub(super) async fn cancel_fences_whoever_has_the_job(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    assert_eq!(cancel(&world, &[id]).await, [CancelOutcome::Cancelled]);
    let before = world.picture(id).await;
    assert_eq!(world.begin(&lease).await, Begun::Fenced);
    assert_eq!(
        world.finish(&lease, DeliveryState::Sent).await,
        Settled::Fenced
    );
    assert_eq!(world.picture(id).await, before);
    assert_eq!(
        world
            .store
            .reclaim(&[world.owner], world.now())
            .await
            .expect("reclaim"),
        0
    );
}

pub(super) async fn cancel_is_too_late_for_what_is_being_sent(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    let before = world.picture(id).await;
    let outcome = cancel(&world, &[id]).await;
    assert_eq!(outcome, [CancelOutcome::TooLate(DeliveryState::Sending)]);
    assert_eq!(world.picture(id).await, before);
    assert_eq!(
        world.finish(&lease, DeliveryState::Sent).await,
        Settled::Applied
    );
    assert!(world.audited().await.is_empty(), "nothing was done");
}

pub(super) async fn cancel_is_too_late_for_what_has_ended(harness: &dyn StoreHarness) {
    use DeliveryState::{Expired, Failed, Sent};
    let world = World::open(harness).await;
    for state in [Sent, Failed, Expired] {
        let id = world.ended(state).await;
        let before = world.picture(id).await;
        assert_eq!(cancel(&world, &[id]).await, [CancelOutcome::TooLate(state)]);
        assert_eq!(world.picture(id).await, before);
    }
}

pub(super) async fn cancel_ends_dead_letters(harness: &dyn StoreHarness) {
    use CancelOutcome::{Cancelled, TooLate};
    let world = World::open(harness).await;
    let (dead, parked) = (
        world.ended(DeliveryState::Dead).await,
        world.ended(DeliveryState::Parked).await,
    );
    let now = world.pass(HOUR);
    assert_eq!(cancel(&world, &[dead, parked]).await, [Cancelled; 2]);
    for id in [dead, parked] {
        let delivery = world.read(id).await;
        assert_eq!(
            (delivery.state, delivery.reason, delivery.updated_at),
            (DeliveryState::Cancelled, Some(Reason::Cancelled), now)
        );
        let event = world.timeline(id).await.pop().expect("an event");
        assert_eq!(event.kind, EventKind::Cancelled);
    }
    assert!(dead_letters(&world, None, 9).await.is_empty());
    assert_eq!(requeue(&world, &[dead, parked]).await, [false, false]);
    let rows = world.audited().await;
    let row = |id: DeliveryId| ("delivery.cancel".to_owned(), id.to_string());
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!([dead, parked].map(row).iter().all(|row| rows.contains(row)));
    let again = cancel(&world, &[dead]).await;
    assert_eq!(again, [TooLate(DeliveryState::Cancelled)]);
    assert!(world.claimed().await.is_empty());
}

pub(super) async fn dead_letters_come_newest_first_in_pages(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut expected = Vec::new();
    for no in 0..7 {
        let state = if no % 2 == 0 {
            DeliveryState::Dead
        } else {
            DeliveryState::Parked
        };
        expected.push(world.ended(state).await);
        world.ended(DeliveryState::Failed).await;
        world.pass(HOUR);
    }
    expected.reverse();
    let mut seen = Vec::new();
    loop {
        let page = dead_letters(&world, seen.last().copied(), 3).await;
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, expected);
    assert_eq!(dead_letters(&world, None, 9).await, expected);
    let read = world
        .store
        .dead_letters(&world.tenant, None, 1)
        .await
        .expect("dead letters");
    assert_eq!(read[0].state, DeliveryState::Dead);
}

pub(super) async fn requeue_gives_a_fresh_set_of_attempts_and_a_higher_epoch(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    for state in [DeliveryState::Dead, DeliveryState::Parked] {
        let (id, lease) = world.sending().await;
        world.retry(&lease).await;
        let lease = world.lease(id).await;
        world.begin(&lease).await;
        let mut settlement = world.settlement(&lease, Outcome::Finished(state));
        settlement.reason = Some(Reason::AttemptsSpent);
        world.settle(settlement).await;
        world.pass(HOUR);
        assert_eq!(requeue(&world, &[id]).await, [true]);
        assert_eq!(world.state(id).await, (DeliveryState::Queued, None));
        assert_eq!(world.read(id).await.attempts, 0);
        assert_eq!(world.kinds(id).await.last(), Some(&EventKind::Requeued));
        assert!(dead_letters(&world, None, 9).await.is_empty());
        assert_eq!(requeue(&world, &[id]).await, [false], "once");
        let fresh = world.lease(id).await;
        assert!(
            fresh.epoch > lease.epoch,
            "{} after {}",
            fresh.epoch,
            lease.epoch
        );
        assert_eq!(
            (fresh.sends, fresh.crashes, fresh.interrupted),
            (0, 0, false)
        );
        assert_eq!(world.begin(&fresh).await, Begun::Go);
        assert_eq!(
            world.finish(&fresh, DeliveryState::Sent).await,
            Settled::Applied
        );
        assert_eq!(world.read(id).await.attempts, 1);
    }
}

pub(super) async fn requeue_opens_the_targets_that_nobody_took(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    let mut targets = frozen();
    targets
        .targets
        .push(Target::new(1, Address::device("token")));
    targets
        .targets
        .push(Target::new(2, Address::device("gone")));
    let fault = Fault::provider("503");
    targets.targets[0].state = TargetState::Unknown;
    targets.targets[2].state = TargetState::Failed { fault };
    targets.targets[1].state = TargetState::Sent { message_id: None };
    let mut settlement = world.settlement(&lease, Outcome::Finished(DeliveryState::Parked));
    settlement.frozen = Some(&targets);
    world.settle(settlement).await;
    assert_eq!(requeue(&world, &[id]).await, [true]);
    targets.targets[0].state = TargetState::Open;
    targets.targets[2].state = TargetState::Open;
    assert_eq!(world.lease(id).await.frozen.as_deref(), Some(&targets));
}

pub(super) async fn requeue_is_for_dead_letters_only(harness: &dyn StoreHarness) {
    use DeliveryState::{Cancelled, Expired, Failed, Sent, Suppressed};
    let world = World::open(harness).await;
    let mut ids = vec![held(&world).await, world.ids.delivery(world.now())];
    for state in [Sent, Failed, Expired, Cancelled, Suppressed] {
        ids.push(world.ended(state).await);
    }
    ids.push(world.sending().await.0);
    ids.push(world.lent().await.0);
    assert_eq!(requeue(&world, &ids).await, vec![false; ids.len()]);
    assert_eq!(purge(&world, &ids).await, vec![false; ids.len()]);
    assert!(world.claimed().await.is_empty());
    assert!(world.audited().await.is_empty());
}

pub(super) async fn a_lease_from_before_a_requeue_is_fenced(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    // One that was settled, and poison, whose last lease was not.
    let (settled, old) = world.sending().await;
    world.finish(&old, DeliveryState::Dead).await;
    let id = world.queued().await;
    let mut late = Vec::new();
    for _ in 0..3 {
        let lease = world.lease(id).await;
        world.begin(&lease).await;
        late.push(lease);
        world
            .store
            .reclaim(&[world.owner], world.now())
            .await
            .expect("reclaim");
    }
    assert_eq!(requeue(&world, &[id, settled]).await, [true, true]);
    let release = Release {
        lease: &old,
        due: world.now() + HOUR,
    };
    let released = world.store.release(&[release]).await.expect("release");
    assert_eq!(released, [Settled::Fenced]);
    assert_eq!(world.begin(&old).await, Begun::Fenced);
    let mut leases = world.claim(2).await;
    leases.sort_by_key(|lease| lease.job == Job::deliver(settled));
    assert_eq!(leases.len(), 2);
    assert!(leases[1].epoch > old.epoch);
    let fresh = leases.remove(0);
    assert!(late.iter().all(|late| late.epoch < fresh.epoch));
    let before = world.picture(id).await;
    for late in &late {
        assert_eq!(world.begin(late).await, Begun::Fenced);
        assert_eq!(
            world.finish(late, DeliveryState::Sent).await,
            Settled::Fenced
        );
    }
    assert_eq!(world.picture(id).await, before);
}

pub(super) async fn purge_ends_a_dead_letter_for_good(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (dead, parked) = (
        world.ended(DeliveryState::Dead).await,
        world.ended(DeliveryState::Parked).await,
    );
    let kept = world.ended(DeliveryState::Dead).await;
    assert_eq!(purge(&world, &[dead, parked]).await, [true, true]);
    assert_eq!(dead_letters(&world, None, 9).await, [kept]);
    for id in [dead, parked] {
        assert_eq!(
            world.state(id).await,
            (DeliveryState::Cancelled, Some(Reason::Purged))
        );
        let event = world.timeline(id).await.pop().expect("its record stays");
        assert_eq!(
            (event.kind, event.reason),
            (EventKind::Cancelled, Some(Reason::Purged))
        );
    }
    assert_eq!(purge(&world, &[dead, parked]).await, [false, false]);
    assert_eq!(requeue(&world, &[dead, parked]).await, [false, false]);
}

pub(super) async fn an_operators_changes_leave_one_audit_row_each(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (one, two) = (
        world.ended(DeliveryState::Dead).await,
        world.ended(DeliveryState::Dead).await,
    );
    let (three, four) = (world.queued().await, world.queued().await);
    for _ in 0..2 {
        requeue(&world, &[one]).await;
        purge(&world, &[two]).await;
        cancel(&world, &[three]).await;
    }
    let (reason, now) = (Reason::Cancelled, world.now());
    let by_the_application = world
        .store
        .cancel(&world.tenant, &[four], reason, &Actor::Application, now)
        .await;
    assert_eq!(
        by_the_application.expect("cancel"),
        [CancelOutcome::Cancelled]
    );
    let mut expected: Vec<_> = [
        ("delivery.requeue", one),
        ("delivery.purge", two),
        ("delivery.cancel", three),
    ]
    .map(|(action, id)| (action.to_owned(), id.to_string()))
    .into();
    expected.reverse();
    assert_eq!(world.audited().await, expected);
    let audit = Arc::clone(&world.store).audit().expect("an audit log");
    let rows = audit
        .audit_log(&world.tenant, None, 9)
        .await
        .expect("audit log");
    assert!(rows.iter().all(|row| row.actor == "grace" && row.at == now));
}

pub(super) async fn operators_reach_their_own_tenant_only(harness: &dyn StoreHarness) {
    let mut world = World::open(harness).await;
    let (dead, queued) = (world.ended(DeliveryState::Dead).await, world.queued().await);
    let ours = world.tenant.clone();
    let before = (world.picture(dead).await, world.picture(queued).await);
    world.tenant = TenantId::new("umbrella");
    assert_eq!(
        cancel(&world, &[queued, dead]).await,
        [CancelOutcome::NotFound; 2]
    );
    assert_eq!(requeue(&world, &[dead, queued]).await, [false, false]);
    assert_eq!(purge(&world, &[dead, queued]).await, [false, false]);
    assert!(dead_letters(&world, None, 9).await.is_empty());
    assert!(world.audited().await.is_empty());
    world.tenant = ours;
    assert_eq!(
        (world.picture(dead).await, world.picture(queued).await),
        before
    );
    assert!(world.audited().await.is_empty());
}
