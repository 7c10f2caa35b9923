//! The contract of [`DeliveryStore`], clause by clause.

use std::sync::Arc;

use crate::channel::InAppMessage;
use crate::delivery::{Decision, Delivery, DeliveryState, DeliveryStore, EventKind, Reason, Trace};
use crate::id::{CategoryId, ChannelId, DeliveryId, RecipientId, TenantId};
use crate::inbox::{InboxLimits, Mark, NewInboxItem};
use crate::notification::{Class, Content, NotificationRequest, Priority, Route, When};
use crate::recipient::Recipient;
use crate::testkit::world::{ADA, HOUR, MINUTE, World};
use crate::testkit::{StoreHarness, clauses};

clauses! {
    /// Makes a test of each clause of [`DeliveryStore`](crate::delivery::DeliveryStore). Takes an expression that makes a
    /// [`StoreHarness`](crate::testkit::StoreHarness), once for each test.
    macro $ delivery_tests for delivery: dyn StoreHarness {
        load_answers_one_entry_for_each_id_in_order,
        everything_that_was_accepted_reads_back,
        what_a_provider_is_being_called_for_reads_as_sending,
        a_notifications_deliveries_come_by_recipient_and_step,
        history_comes_newest_first_in_pages_without_gaps,
        history_count_counts_what_the_pages_show,
        a_timeline_is_in_order_and_begins_with_accepted,
        what_was_decided_follows_in_the_timeline,
        nothing_of_another_tenant_is_shown,
        what_was_seen_and_read_in_the_inbox_is_seen_here,
    }
}

async fn history(world: &World, before: Option<DeliveryId>, limit: u32) -> Vec<Delivery> {
    world
        .store
        .history(&world.tenant, &ADA, before, limit)
        .await
        .expect("history")
}

async fn load_answers_one_entry_for_each_id_in_order(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let unknown = world.ids.delivery(world.now());
    let (one, two) = (world.queued().await, world.queued().await);
    let asked = [two, unknown, one, two];
    let found = DeliveryStore::load(&*world.store, &asked)
        .await
        .expect("load");
    let ids: Vec<_> = found
        .iter()
        .map(|delivery| delivery.as_ref().map(|d| d.id))
        .collect();
    assert_eq!(ids, [Some(two), None, Some(one), Some(two)]);
    assert!(
        DeliveryStore::load(&*world.store, &[])
            .await
            .expect("load")
            .is_empty()
    );
}

/// A request that is not easy to keep.
fn rich_request() -> NotificationRequest {
    NotificationRequest::new("order_shipped", "orders")
        .with_content(Content::new("Grüße", "\u{1f4e6} \"on its way\"\n"))
        .with_route(Route::to("push").fallback(When::Failed, "email"))
        .with_data(serde_json::json!({ "n": [1, 2.5, null, "x"], "big": u64::MAX }))
        .expect("JSON")
}

async fn everything_that_was_accepted_reads_back(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let request = rich_request();
    let recipient = Recipient::new("ada")
        .with_email("ada@example.com")
        .with_zone("Europe/Paris");
    let first = world.delivery();
    let first_id = first.id;
    let mut second = world.delivery();
    let (id, due) = (second.id, world.now() + MINUTE);
    second.channel = ChannelId::new("chat.unheard_of");
    second.step = 1;
    second.after = Some((first_id, When::NotSeenWithin(HOUR)));
    second.decision = Decision::Hold {
        until: due,
        reason: Reason::WaitsForFallback,
    };
    second.due = due;
    second.pinned = Some(Arc::new(recipient.clone()));
    let mut trace = Trace::default();
    trace.pass("address");
    trace.hit("fallback");
    second.trace = trace.clone();
    let mut item = world.item(vec![first, second]);
    item.body = serde_json::to_string(&request).expect("JSON").into();
    item.request = Arc::new(request.clone());
    (item.class, item.priority) = (Class::Marketing, Priority::Low);
    item.expires_at = Some(world.now() + HOUR);
    let notification = item.id;
    world.stored(item).await;

    let accepted_at = world.now();
    world.pass(MINUTE / 2);
    let read = world.read(id).await;
    assert_eq!(
        (read.id, &read.tenant, read.notification),
        (id, &world.tenant, notification)
    );
    assert_eq!(*read.request, request);
    assert_eq!(
        (&read.recipient, read.pinned.as_deref()),
        (&ADA, Some(&recipient))
    );
    assert_eq!((read.channel.as_str(), read.step), ("chat.unheard_of", 1));
    assert_eq!(read.after, Some((first_id, When::NotSeenWithin(HOUR))));
    assert_eq!(
        (read.class, read.priority),
        (Class::Marketing, Priority::Low)
    );
    let state = (read.state, read.reason);
    assert_eq!(state, (DeliveryState::Held, Some(Reason::WaitsForFallback)));
    assert_eq!(read.trace, trace);
    let times = (
        read.accepted_at,
        read.updated_at,
        read.due_at,
        read.expires_at,
    );
    assert_eq!(
        times,
        (accepted_at, accepted_at, due, Some(accepted_at + HOUR))
    );
    assert_eq!((read.seen_at, read.read_at, read.attempts), (None, None, 0));
    assert_eq!(
        (read.provider, read.message_id, read.fault),
        (None, None, None)
    );
    let first = world.read(first_id).await;
    assert!(first.pinned.is_none() && first.after.is_none() && first.reason.is_none());
}

async fn what_a_provider_is_being_called_for_reads_as_sending(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, _lease) = world.sending().await;
    assert_eq!(world.read(id).await.state, DeliveryState::Sending);
    assert_eq!(
        history(&world, None, 9).await[0].state,
        DeliveryState::Sending
    );
    let notification = world.read(id).await.notification;
    let siblings = world
        .store
        .of_notification(&world.tenant, notification)
        .await
        .expect("read");
    assert_eq!(siblings[0].state, DeliveryState::Sending);
}

async fn a_notifications_deliveries_come_by_recipient_and_step(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut deliveries = Vec::new();
    for (recipient, step) in [("bob", 1), ("ada", 2), ("bob", 0), ("ada", 0), ("ada", 1)] {
        let mut delivery = world.delivery_to(recipient);
        delivery.step = step;
        deliveries.push(delivery);
    }
    let item = world.item(deliveries);
    let id = item.id;
    world.stored(item).await;
    world.queued().await;
    let found = world
        .store
        .of_notification(&world.tenant, id)
        .await
        .expect("read");
    let order: Vec<_> = found
        .iter()
        .map(|d| (d.recipient.as_str(), d.step))
        .collect();
    assert_eq!(
        order,
        [("ada", 0), ("ada", 1), ("ada", 2), ("bob", 0), ("bob", 1)]
    );
    let unknown = world.ids.notification(world.now());
    assert!(
        world
            .store
            .of_notification(&world.tenant, unknown)
            .await
            .expect("read")
            .is_empty()
    );
}

async fn history_comes_newest_first_in_pages_without_gaps(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut expected = Vec::new();
    for no in 0..10 {
        expected.push(world.queued().await);
        world
            .stored(world.item(vec![world.delivery_to("bob")]))
            .await;
        if no % 3 == 0 {
            world.pass(MINUTE);
        }
    }
    expected.reverse();
    let (mut seen, mut newcomer) = (Vec::new(), true);
    loop {
        let page = history(&world, seen.last().copied(), 3).await;
        assert!(page.len() <= 3 && page.iter().all(|delivery| delivery.recipient == ADA));
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|delivery| delivery.id));
        if std::mem::take(&mut newcomer) {
            world.queued().await;
        }
    }
    assert_eq!(seen, expected, "what came meanwhile is on no later page");
    assert_eq!(history(&world, None, 100).await.len(), 11);
    assert!(history(&world, None, 0).await.is_empty());
}

async fn history_count_counts_what_the_pages_show(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let count = async |recipient: &RecipientId| {
        world
            .store
            .history_count(&world.tenant, recipient)
            .await
            .expect("count")
    };
    assert_eq!(count(&ADA).await, 0);
    world.ended(DeliveryState::Sent).await;
    world.queued().await;
    let deliveries = vec![world.delivery(), world.delivery(), world.delivery_to("bob")];
    world.stored(world.item(deliveries)).await;
    assert_eq!(
        count(&ADA).await,
        history(&world, None, 100).await.len() as u64
    );
    assert_eq!((count(&ADA).await, count(&"bob".into()).await), (4, 1));
}

async fn a_timeline_is_in_order_and_begins_with_accepted(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let accepted_at = world.now();
    let id = world.queued().await;
    for _ in 0..3 {
        world.pass(MINUTE);
        let lease = world.lease(id).await;
        world.begin(&lease).await;
        world.retry(&lease).await;
    }
    let timeline = world.timeline(id).await;
    assert!(timeline.iter().all(|event| event.delivery == id));
    assert!(timeline.is_sorted_by_key(|event| event.at));
    assert_eq!(
        (timeline[0].kind, timeline[0].at),
        (EventKind::Accepted, accepted_at)
    );
    let rest: Vec<_> = timeline[1..]
        .iter()
        .map(|event| (event.kind, event.attempt))
        .collect();
    assert_eq!(rest, [1, 2, 3].map(|no| (EventKind::Deferred, Some(no))));
    assert!(
        world
            .timeline(world.ids.delivery(world.now()))
            .await
            .is_empty()
    );
}

async fn what_was_decided_follows_in_the_timeline(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let reason = Reason::QuietHours;
    let until = world.now() + HOUR;
    for (decision, expected) in [
        (Decision::Send, None),
        (
            Decision::Hold { until, reason },
            Some((EventKind::Held, Some(reason))),
        ),
        (
            Decision::Suppress { reason },
            Some((EventKind::Suppressed, Some(reason))),
        ),
    ] {
        let mut delivery = world.delivery();
        let id = delivery.id;
        delivery.decision = decision;
        world.stored(world.item(vec![delivery])).await;
        let events: Vec<_> = world
            .timeline(id)
            .await
            .iter()
            .map(|event| (event.kind, event.reason))
            .collect();
        let accepted = [(EventKind::Accepted, None)];
        assert_eq!(
            events,
            accepted.into_iter().chain(expected).collect::<Vec<_>>()
        );
    }
}

async fn nothing_of_another_tenant_is_shown(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = world.queued().await;
    let notification = world.read(id).await.notification;
    let other = TenantId::new("umbrella");
    assert!(
        world
            .store
            .of_notification(&other, notification)
            .await
            .expect("read")
            .is_empty()
    );
    assert!(
        world
            .store
            .history(&other, &ADA, None, 9)
            .await
            .expect("history")
            .is_empty()
    );
    assert_eq!(
        world
            .store
            .history_count(&other, &ADA)
            .await
            .expect("count"),
        0
    );
    assert!(
        world
            .store
            .timeline(&other, id)
            .await
            .expect("timeline")
            .is_empty()
    );
    let (mut theirs, their_id) = world.one();
    theirs.tenant = other;
    world.stored(theirs).await;
    let ours: Vec<_> = history(&world, None, 9)
        .await
        .iter()
        .map(|delivery| delivery.id)
        .collect();
    assert_eq!(ours, [id]);
    assert_eq!(
        world.read(their_id).await.tenant,
        TenantId::new("umbrella"),
        "the worker reads all"
    );
}

async fn what_was_seen_and_read_in_the_inbox_is_seen_here(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = world.ended(DeliveryState::Sent).await;
    let Some(inbox) = Arc::clone(&world.store).inbox() else {
        assert_eq!(
            world.read(id).await.seen_at,
            None,
            "a store without inboxes sees nothing"
        );
        return;
    };
    let notification = world.read(id).await.notification;
    let message = InAppMessage::new("Shipped", "It is on its way");
    let category = CategoryId::new("orders");
    let item = NewInboxItem::new(ADA, id, notification, category, message, world.now());
    let places = inbox
        .push(&world.tenant, &[item], &InboxLimits::default())
        .await
        .expect("push");
    let before = world.read(id).await;
    let seen_at = world.pass(MINUTE);
    inbox
        .mark(&world.tenant, &ADA, &places, Mark::Seen, seen_at)
        .await
        .expect("mark");
    let seen = world.read(id).await;
    assert_eq!((seen.seen_at, seen.read_at), (Some(seen_at), None));
    let read_at = world.pass(MINUTE);
    for mark in [Mark::Read, Mark::Read, Mark::Seen, Mark::Archived] {
        inbox
            .mark(&world.tenant, &ADA, &places, mark, world.now())
            .await
            .expect("mark");
        world.pass(MINUTE);
    }
    let read = world.read(id).await;
    assert_eq!((read.seen_at, read.read_at), (Some(seen_at), Some(read_at)));
    assert_eq!(read.state, before.state, "engagement is no state");
    let kinds = world.kinds(id).await;
    let expected = [
        EventKind::Accepted,
        EventKind::Sent,
        EventKind::Seen,
        EventKind::Read,
    ];
    assert_eq!(kinds, expected);
}
