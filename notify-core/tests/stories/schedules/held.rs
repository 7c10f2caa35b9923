//! One notification that is held until its time is listed, and moved to another.

use crate::schedules::{DAY, HOUR, MINUTE, World, drain, report, world};
use notify_core::calendar::Zone;
use notify_core::clock::Clock as _;
use notify_core::notification::SendAt;
use notify_core::orchestrator::Rescheduled;
use notify_core::{Delivery, DeliveryState, ErrorKind, NotificationRequest};

/// Something for Ada at this time.
async fn reminder(world: &World, key: &str, request: NotificationRequest) -> Delivery {
    let request = request.with_idempotency_key(key);
    let sent = world.notify.send(request, "ada").await.expect("accepted");
    let id = sent.deliveries[0].id;
    world.notify.delivery(id).await.expect("known")
}

#[tokio::test]
async fn a_reminder_is_moved_to_another_time_as_if_it_had_been_sent_for_that() {
    let world = world().await;
    let now = world.clock.now();
    let of = || report().with_expires_after(HOUR);
    let earlier = reminder(&world, "earlier", of().at(now + 5 * HOUR)).await;
    let later = reminder(&world, "later", of().at(now + HOUR)).await;
    let moved = |at| SendAt::At(now + at);
    let outcome = world.notify.reschedule("later", moved(3 * HOUR)).await;
    let until = Rescheduled::Until(now + 3 * HOUR);
    assert_eq!(outcome.expect("known"), [(later.id, until)]);
    let operator = world.notify.as_operator("op-1");
    let outcome = operator
        .reschedule(earlier.notification, moved(2 * HOUR))
        .await;
    let until = Rescheduled::Until(now + 2 * HOUR);
    assert_eq!(outcome.expect("known"), [(earlier.id, until)]);
    let log = operator.audit_log(None, 9).await.expect("log");
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].action, "delivery.reschedule");
    assert_eq!(log[0].subject, earlier.id.to_string());
    // Also if somebody looks before: what it asks for has changed, and not only when it is due.
    world
        .notify
        .preferences_changed("ada")
        .await
        .expect("looked at");
    let mut sent = Vec::new();
    for hours in 1..=6 {
        world.clock.advance(HOUR);
        drain(&world.notify).await;
        let so_far = world.mail.sent().len();
        sent.push(so_far);
        if hours == 3 {
            let found = world.notify.delivery(later.id).await.expect("known");
            assert_eq!(found.expires_at, Some(now + 4 * HOUR), "an hour from then");
        }
    }
    assert_eq!(sent, [0, 1, 2, 2, 2, 2]);
    let outcome = world.notify.reschedule("later", moved(9 * HOUR)).await;
    let too_late = Rescheduled::Unmoved(DeliveryState::Sent);
    assert_eq!(outcome.expect("known"), [(later.id, too_late)]);
    // The key stands for what was sent first.
    let again = of().at(now + HOUR).with_idempotency_key("later");
    let again = world.notify.send(again, "ada").await.expect("known");
    assert!(again.duplicate);
    let unknown = world.notify.reschedule("unknown", moved(HOUR)).await;
    assert_eq!(unknown.expect_err("none").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_reminder_is_moved_to_their_own_time_and_to_the_past_which_is_now() {
    let world = world().await;
    let now = world.clock.now();
    let first = reminder(&world, "own", report().at(now + DAY)).await;
    let nine = SendAt::local(
        "2027-01-12".parse().expect("a day"),
        "09:00".parse().expect("a time"),
    );
    let outcome = world.notify.reschedule("own", nine).await.expect("known");
    let berlin = Zone::get("Europe/Berlin").expect("a zone");
    assert_eq!(
        outcome,
        [(first.id, Rescheduled::Until(nine.instant(&berlin)))]
    );
    let past = SendAt::At(now - DAY);
    let outcome = world.notify.reschedule("own", past).await.expect("known");
    assert_eq!(outcome, [(first.id, Rescheduled::Until(now))]);
    drain(&world.notify).await;
    assert_eq!(world.mail.sent().len(), 1);
}

#[tokio::test]
async fn what_is_pending_is_listed_by_person_and_by_time() {
    let world = world().await;
    let now = world.clock.now();
    let mut ids = Vec::new();
    for hours in [3, 1, 2] {
        let key = format!("reminder-{hours}");
        let one = reminder(&world, &key, report().at(now + hours * HOUR)).await;
        ids.push((hours, one.id));
    }
    let bobs = report().at(now + 90 * MINUTE);
    let bobs = world.notify.send(bobs, "bob").await.expect("accepted");
    ids.sort_unstable();
    let ids: Vec<_> = ids.into_iter().map(|(_, id)| id).collect();
    let schedules = world.notify.schedules();
    let first = schedules.pending_of("ada", None, 2).await.expect("listed");
    let listed = |page: &[Delivery]| page.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(listed(&first), ids[..2]);
    let after = first.last().map(|last| (last.due_at, last.id));
    let rest = schedules.pending_of("ada", after, 2).await.expect("listed");
    assert_eq!(listed(&rest), ids[2..]);
    let between = schedules.pending_between(now + HOUR, now + 2 * HOUR, None, 9);
    let between = between.await.expect("listed");
    assert_eq!(listed(&between), [ids[0], bobs.deliveries[0].id]);
    world
        .notify
        .cancel_by_key("reminder-1")
        .await
        .expect("known");
    let left = schedules.pending_of("ada", None, 9).await.expect("listed");
    assert_eq!(listed(&left), ids[1..]);
}
