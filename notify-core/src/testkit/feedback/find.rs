//! Clauses: where reports find their deliveries.

use crate::delivery::{EventKind, MessageRef};
use crate::id::TenantId;
use crate::queue::{Applied, Asked, Begun, Feedback, Found, FoundBy, Outcome, Retention};
use crate::testkit::StoreHarness;
use crate::testkit::feedback::{
    HOME, SECONDARY, SENT, WORK, apply, asked, by_message, entry, find, finds, judged, message,
    room, sent, taken,
};
use crate::testkit::world::{HOUR, SECOND, World};

pub(super) async fn a_delivery_is_found_by_its_id_in_any_tenant(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = world.queued().await;
    let (mut item, other) = world.one();
    item.tenant = TenantId::new("umbrella");
    world.stored(item).await;
    for (id, tenant) in [(id, "acme"), (other, "umbrella")] {
        let question = Asked {
            delivery: Some(id),
            ..asked()
        };
        let expected = Found::new(TenantId::new(tenant), id, FoundBy::Delivery);
        assert_eq!(find(&world, question).await, Some(expected));
    }
    let unknown = Asked {
        delivery: Some(world.ids.delivery(world.now())),
        ..asked()
    };
    assert_eq!(find(&world, unknown).await, None);
}

pub(super) async fn a_message_is_found_by_its_provider_and_id(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = sent(&world, &[message("m-1")]).await;
    let (partly, lease) = world.sending().await;
    let due = world.now() + HOUR;
    let again = Outcome::Again { due, held: false };
    taken(&world, &lease, again, &[message("m-2")]).await;
    assert_eq!(finds(&world, by_message("m-1")).await, Some(id));
    assert_eq!(finds(&world, by_message("m-2")).await, Some(partly));
    for other in ["m", "M-1", "m-1 ", ""] {
        assert_eq!(find(&world, by_message(other)).await, None, "{other:?}");
    }
    let of_another = Asked {
        provider: &SECONDARY,
        ..by_message("m-1")
    };
    assert_eq!(find(&world, of_another).await, None);
}

pub(super) async fn an_id_that_several_deliveries_share_finds_none(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let one = sent(
        &world,
        &[message("batch-1"), message("batch-1").with_target(1)],
    )
    .await;
    assert_eq!(
        finds(&world, by_message("batch-1")).await,
        Some(one),
        "two devices of one"
    );
    let two = sent(&world, &[message("batch-1")]).await;
    let three = sent(&world, &[message("m-3")]).await;
    assert_eq!(find(&world, by_message("batch-1")).await, None);
    assert_eq!(finds(&world, by_message("m-3")).await, Some(three));
    for id in [one, two] {
        let question = Asked {
            delivery: Some(id),
            ..by_message("batch-1")
        };
        assert_eq!(finds(&world, question).await, Some(id));
    }
}

pub(super) async fn an_answer_finds_the_last_message_to_its_address(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let by = |address| Asked {
        address: Some(address),
        ..asked()
    };
    sent(&world, &[message("m-1")]).await;
    assert_eq!(
        find(&world, by(&HOME)).await,
        None,
        "this one passes no answers on"
    );
    let answering = |id| message(id).with_answers(true);
    sent(&world, &[answering("m-2")]).await;
    world.pass(SECOND);
    let last = sent(&world, &[answering("m-3")]).await;
    let found = find(&world, by(&HOME)).await.expect("it is found");
    assert_eq!((found.delivery, found.by), (last, FoundBy::Address));
    assert_eq!(find(&world, by(&WORK)).await, None);
    let of_another = Asked {
        provider: &SECONDARY,
        ..by(&HOME)
    };
    assert_eq!(find(&world, of_another).await, None);
}

pub(super) async fn find_answers_each_question_in_order_and_prefers_the_surer_way(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let one = sent(&world, &[message("m-1").with_answers(true)]).await;
    world.pass(SECOND);
    let two = sent(&world, &[message("m-2").with_answers(true)]).await;
    let unknown = world.ids.delivery(world.now());
    let all = |delivery, message_id| Asked {
        delivery,
        message_id: Some(message_id),
        address: Some(&HOME),
        ..asked()
    };
    let questions = [
        by_message("m-2"),
        all(Some(one), "m-2"),
        by_message("m-3"),
        all(Some(unknown), "m-1"),
        all(None, "m-3"),
    ];
    let found = room(&world).find(&questions).await.expect("find");
    let found: Vec<_> = found
        .into_iter()
        .map(|found| found.map(|found| (found.delivery, found.by)))
        .collect();
    assert_eq!(
        found,
        [
            Some((two, FoundBy::Message)),
            Some((one, FoundBy::Delivery)),
            None,
            Some((one, FoundBy::Message)),
            Some((two, FoundBy::Address)),
        ]
    );
    assert!(room(&world).find(&[]).await.expect("find").is_empty());
}

pub(super) async fn a_delivery_is_found_with_all_of_its_messages(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    let first = [message("m-1"), message("m-2").with_target(2)];
    let due = world.now();
    taken(&world, &lease, Outcome::Again { due, held: false }, &first).await;
    let lease = world.lease(id).await;
    assert_eq!(world.begin(&lease).await, Begun::Go);
    let mut later = MessageRef::new(SECONDARY.clone(), "m-3", WORK);
    later = later.with_target(1).with_answers(true);
    taken(&world, &lease, SENT, std::slice::from_ref(&later)).await;
    let found = find(&world, by_message("m-2")).await.expect("it is found");
    let [one, two] = first;
    assert_eq!(found.messages, [one, two, later]);
}

pub(super) async fn messages_are_forgotten_with_their_delivery(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    sent(&world, &[message("m-1").with_answers(true)]).await;
    let retention = Retention::default().with_deliveries(HOUR);
    world.pass(HOUR);
    let swept = world.store.sweep(world.now(), &retention).await;
    assert_eq!(swept.expect("sweep").deliveries, 1);
    assert_eq!(find(&world, by_message("m-1")).await, None);
    let by_address = Asked {
        address: Some(&HOME),
        ..asked()
    };
    assert_eq!(find(&world, by_address).await, None);
}

pub(super) async fn an_answer_told_again_finds_its_delivery(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let first = sent(&world, &[message("m-1").with_answers(true)]).await;
    for answer in ["in-1", "in-2"] {
        let event = entry(&world, first, EventKind::Replied);
        let item = Feedback {
            answer: Some(answer),
            ..judged(&world, &event).await
        };
        assert_eq!(apply(&world, item).await, Applied::Applied);
    }
    world.pass(SECOND);
    let later = sent(&world, &[message("m-2").with_answers(true)]).await;
    let answer = |id| Asked {
        address: Some(&HOME),
        ..by_message(id)
    };
    for id in ["in-1", "in-2"] {
        let found = find(&world, answer(id)).await.expect("it is found");
        assert_eq!((found.delivery, found.by), (first, FoundBy::Message));
        assert_eq!(found.messages, [message("m-1").with_answers(true)]);
    }
    assert_eq!(finds(&world, answer("in-3")).await, Some(later));
    let retention = Retention::default().with_deliveries(HOUR);
    world.pass(HOUR);
    world
        .store
        .sweep(world.now(), &retention)
        .await
        .expect("sweep");
    assert_eq!(finds(&world, by_message("in-1")).await, None);
}
