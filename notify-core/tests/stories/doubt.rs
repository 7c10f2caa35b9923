//! Stories of calls whose answer was lost: who is asked again, and what it is called in the end.

use notify_core::delivery::{DeliveryState, Reason};
use notify_core::notification::OnUnknown;
use notify_core::preference::PreferenceChange;
use notify_core::provider::{BreakerConfig, Capabilities};
use notify_core::testkit::{Act, Answer, FakeProvider, ManualClock, Memory, StoreHarness};
use notify_core::{Category, ChannelId, DeliveryId, Fault, Orchestrator, RetryPolicy, SendReport};
use std::sync::Arc;
use std::time::Duration;

use crate::world::{guest, say, until};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Two providers that know a key for an hour, and one category.
struct House {
    clock: Arc<ManualClock>,
    first: FakeProvider,
    second: FakeProvider,
    notify: Orchestrator,
}

fn silent() -> Act {
    Act::Fault(Fault::unknown("timeout"))
}

fn retry() -> RetryPolicy {
    RetryPolicy::exponential(3, SECOND, 1).without_jitter()
}

impl House {
    async fn new(category: Category) -> Self {
        let harness = Memory::new();
        let clock = harness.clock();
        let provider = |name: &'static str| {
            let able = Capabilities::for_channel(ChannelId::EMAIL).with_idempotency(HOUR);
            FakeProvider::new(name, ChannelId::EMAIL)
                .with_capabilities(able)
                .with_clock(Arc::<ManualClock>::clone(&clock))
        };
        let (first, second) = (provider("first"), provider("second"));
        let notify = Orchestrator::builder_on(harness.open().await)
            .provider(first.clone())
            .provider(second.clone())
            .breaker(BreakerConfig::default().with_silences(20))
            .category(category)
            .unsubscribe_by_provider()
            .build()
            .await
            .expect("builds");
        Self {
            clock,
            first,
            second,
            notify,
        }
    }

    async fn send(&self, category: &str) -> DeliveryId {
        let consent = PreferenceChange::Consent {
            recipient: "guest-1".into(),
            category: category.to_owned().into(),
            granted: true,
            source: "signup".to_owned(),
            wording: String::new(),
        };
        self.notify
            .change_preferences(&consent)
            .await
            .expect("stored");
        let report: SendReport = self
            .notify
            .send(say(category), guest(1))
            .await
            .expect("accepted");
        report.deliveries[0].id
    }

    async fn turn(&self) {
        self.notify.worker().turn().await.expect("turn");
    }

    /// Works for so many seconds.
    async fn turns(&self, seconds: u32) {
        for _ in 0..seconds {
            self.turn().await;
            self.clock.advance(SECOND);
        }
    }

    async fn state(&self, id: DeliveryId) -> (DeliveryState, Option<Reason>) {
        let delivery = self.notify.delivery(id).await.expect("known");
        (delivery.state, delivery.reason)
    }

    /// The worker dies in the middle of a call.
    async fn die_in_the_call(&self) {
        self.first.hold();
        let worker = self.notify.worker();
        tokio::select! {
            _ = worker.turn() => unreachable!("the provider keeps it"),
            () = until(|| async { self.first.under_way() == 1 }) => {}
        }
        self.first.release();
    }
}

fn advertising() -> Category {
    Category::marketing("ads").with_retry(retry())
}

const UNKNOWN: (DeliveryState, Option<Reason>) =
    (DeliveryState::Parked, Some(Reason::OutcomeUnknown));

#[tokio::test]
async fn advertising_whose_answer_was_lost_goes_back_to_the_provider_that_knows_it() {
    let house = House::new(advertising()).await;
    house.first.script([Answer::CutAfterWrite, Answer::Outage]);
    let id = house.send("ads").await;
    house.turns(8).await;
    assert_eq!(house.state(id).await.0, DeliveryState::Sent);
    assert_eq!(house.second.calls().len(), 0, "to it the key says nothing");
    assert_eq!(house.first.sent().len(), 1, "one message, of three calls");
    assert_eq!(house.first.calls().len(), 3);
}

#[tokio::test]
async fn advertising_whose_worker_died_goes_back_while_its_key_is_known_and_not_after() {
    for (wait, expected) in [
        (61 * SECOND, (DeliveryState::Sent, None)),
        (HOUR + SECOND, UNKNOWN),
    ] {
        let house = House::new(advertising()).await;
        let id = house.send("ads").await;
        house.die_in_the_call().await;
        house.clock.advance(wait);
        house.turns(3).await;
        assert_eq!(house.state(id).await, expected, "after {wait:?}");
        assert_eq!(house.second.calls().len(), 0);
    }
}

#[tokio::test]
async fn what_may_be_sent_twice_is_asked_of_who_knows_it_first_and_then_of_the_next() {
    let house = House::new(Category::transactional("orders").with_retry(retry())).await;
    house.first.script([silent(), Act::from(Answer::Outage)]);
    let id = house.send("orders").await;
    house.turns(8).await;
    assert_eq!(house.first.calls().len(), 2, "again, under its key");
    assert_eq!(house.second.calls().len(), 1, "then the next, at once");
    assert_eq!(house.state(id).await.0, DeliveryState::Sent);
}

#[tokio::test]
async fn what_may_have_gone_out_is_parked_in_the_end_and_keeps_its_place_in_a_cap() {
    let category = Category::transactional("orders")
        .with_retry(retry())
        .at_most(1, HOUR);
    let house = House::new(category).await;
    house.first.set_otherwise(Answer::Outage);
    house.second.set_otherwise(Answer::Outage);
    house.first.script([silent()]);
    let id = house.send("orders").await;
    house.turns(30).await;
    assert_eq!(house.state(id).await, UNKNOWN, "not dead");

    house.first.set_otherwise(Answer::Accept);
    let next = house.send("orders").await;
    house.turns(2).await;
    assert_eq!(house.state(next).await.0, DeliveryState::Suppressed);
}

#[tokio::test]
async fn a_provider_that_knows_the_message_and_refuses_it_has_the_last_word() {
    let category = Category::transactional("orders")
        .with_retry(retry())
        .on_unknown(OnUnknown::Park);
    let house = House::new(category).await;
    house
        .first
        .script([silent(), Act::from(Answer::RejectRecipient)]);
    let id = house.send("orders").await;
    house.turns(8).await;
    assert_eq!(house.state(id).await.0, DeliveryState::Failed);
}
