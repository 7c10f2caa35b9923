//! One report at a time: what it means for a delivery that stands there.

use super::*;
use crate::delivery::MessageRef;
use crate::id::{ChannelId, DeliveryId, NotificationId, ProviderName, TenantId};
use crate::notification::NotificationRequest;
use std::sync::Arc;
use std::time::Duration;

const P: ProviderName = ProviderName::new("p");
const HOME: AddressHash = AddressHash::from_bytes([1; 32]);

struct World {
    delivery: Delivery,
    found: Found,
    timeline: Vec<DeliveryEvent>,
    category: Option<Category>,
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::EPOCH + Duration::from_secs(seconds)
}

/// A delivery that provider `p` took as `m`, accepted at second 10.
fn world(state: DeliveryState) -> World {
    let id = DeliveryId::from_u128(1);
    let request = Arc::new(NotificationRequest::new("said", "news"));
    let (tenant, notification) = (TenantId::default(), NotificationId::from_u128(2));
    let mut delivery = Delivery::new(
        id,
        tenant.clone(),
        notification,
        request,
        "ada".into(),
        ChannelId::EMAIL,
        at(10),
    );
    delivery.state = state;
    delivery.provider = Some(P);
    let found =
        Found::new(tenant, id, FoundBy::Message).with_messages(vec![MessageRef::new(P, "m", HOME)]);
    World {
        delivery,
        found,
        timeline: Vec::new(),
        category: None,
    }
}

fn event(kind: ProviderEventKind, seconds: u64) -> ProviderEvent {
    ProviderEvent::new(P, kind, at(seconds)).with_message_id("m")
}

impl World {
    fn judge(&self, event: &ProviderEvent) -> Judgement {
        judge(&Case {
            event,
            address: None,
            found: &self.found,
            delivery: &self.delivery,
            timeline: &self.timeline,
            category: self.category.as_ref(),
            rule: SoftBounces::default(),
            now: at(100),
        })
    }

    fn change(&self, event: &ProviderEvent) -> Change {
        match self.judge(event) {
            Judgement::Apply(change) => *change,
            other => panic!("{other:?}"),
        }
    }

    fn tell(&mut self, event: &ProviderEvent) -> Change {
        let change = self.change(event);
        self.timeline.push(change.event.clone());
        change
    }
}

#[test]
fn a_report_that_was_told_before_is_known_by_its_id_or_by_what_it_says() {
    let mut world = world(DeliveryState::Sent);
    let delivered = event(ProviderEventKind::Delivered, 20);
    world.tell(&delivered);
    assert_eq!(world.judge(&delivered), Judgement::Known);
    let later = event(ProviderEventKind::Delivered, 21);
    assert!(
        matches!(world.judge(&later), Judgement::Apply(_)),
        "another time is another report"
    );
    let named = event(ProviderEventKind::Opened, 30).with_event_id("e");
    world.tell(&named);
    let again = event(ProviderEventKind::Opened, 31).with_event_id("e");
    assert_eq!(
        world.judge(&again),
        Judgement::Known,
        "the vendor's id counts"
    );
    let mut stranger = named;
    stranger.provider = ProviderName::new("q");
    assert_eq!(
        world.judge(&stranger),
        Judgement::Wait,
        "another vendor's id is another's"
    );
}

#[test]
fn a_provider_cannot_speak_of_what_it_was_never_given() {
    let mut world = world(DeliveryState::Sent);
    world.delivery.provider = None;
    world.found.messages.clear();
    let delivered = event(ProviderEventKind::Delivered, 20);
    assert_eq!(world.judge(&delivered), Judgement::Wait);
    let mut sent = DeliveryEvent::new(world.delivery.id, at(11), EventKind::Sent);
    sent.provider = Some(P);
    world.timeline.push(sent);
    assert!(matches!(world.judge(&delivered), Judgement::Apply(_)));
}

#[test]
fn what_is_said_of_an_earlier_call_waits_while_a_later_one_is_under_way() {
    let bounced = event(ProviderEventKind::bounced(Bounce::Hard), 20);
    let delivered = event(ProviderEventKind::Delivered, 20);
    for state in [
        DeliveryState::Held,
        DeliveryState::Queued,
        DeliveryState::Sending,
    ] {
        let mut world = world(state);
        assert_eq!(world.judge(&bounced), Judgement::Wait, "{state}");
        assert_eq!(
            world.judge(&delivered),
            Judgement::Wait,
            "{state}: another target is open"
        );
        world.found.messages.clear();
        assert_eq!(world.judge(&bounced), Judgement::Wait, "{state}");
        if state == DeliveryState::Sending {
            assert_eq!(world.judge(&delivered), Judgement::Wait);
        } else {
            let change = world.change(&delivered);
            assert_eq!(
                change.to,
                Some(DeliveryState::Delivered),
                "the answer was lost, not the message"
            );
            assert!(!change.from.contains(&DeliveryState::Sending));
        }
        let opened = event(ProviderEventKind::Opened, 20);
        assert_eq!(
            world.change(&opened).to,
            None,
            "engagement waits for nothing"
        );
    }
}

#[test]
fn bounces_say_different_things_about_the_address() {
    let world = world(DeliveryState::Sent);
    let effects = |bounce| {
        let change = world.change(&event(ProviderEventKind::bounced(bounce), 20));
        assert_eq!(change.to, Some(DeliveryState::Bounced));
        change.effects
    };
    let hard = Effect::Suppress {
        channel: ChannelId::EMAIL,
        address: HOME,
        scope: SuppressionScope::All,
        source: SuppressionSource::Bounce,
    };
    assert_eq!(effects(Bounce::Hard), [hard]);
    assert!(matches!(
        effects(Bounce::Soft)[..],
        [Effect::SoftBounce { .. }]
    ));
    assert!(effects(Bounce::Blocked).is_empty() && effects(Bounce::Suppressed).is_empty());
}

#[test]
fn a_message_that_is_not_known_speaks_of_the_address_that_the_vendor_names() {
    let mut world = world(DeliveryState::Parked);
    world.found.messages.clear();
    let bounced = event(ProviderEventKind::bounced(Bounce::Hard), 20);
    assert!(
        world.change(&bounced).effects.is_empty(),
        "nobody says which"
    );
    let named = AddressHash::from_bytes([2; 32]);
    let case = Case {
        event: &bounced,
        address: Some(named),
        found: &world.found,
        delivery: &world.delivery,
        timeline: &[],
        category: None,
        rule: SoftBounces::default(),
        now: at(100),
    };
    let Judgement::Apply(change) = judge(&case) else {
        panic!("it is applied");
    };
    assert!(matches!(change.effects[..], [Effect::Suppress { address, .. }] if address == named));
}

#[test]
fn an_opt_out_is_of_the_category_or_of_the_channel_and_the_last_word_counts() {
    let mut world = world(DeliveryState::Sent);
    let stop = event(ProviderEventKind::Unsubscribed, 30);
    let Some(PreferenceChange::Cell {
        category, setting, ..
    }) = world.change(&stop).preference
    else {
        panic!("of the category");
    };
    assert_eq!((category.as_str(), setting), ("news", Setting::No));
    world.category = Some(Category::critical("news"));
    assert!(matches!(
        world.change(&stop).preference,
        Some(PreferenceChange::Channel { .. })
    ));
    world.category = None;
    world.found.by = FoundBy::Address;
    assert!(matches!(
        world.change(&stop).preference,
        Some(PreferenceChange::Channel { .. })
    ));
    world.tell(&event(ProviderEventKind::Resubscribed, 40));
    assert_eq!(
        world.change(&stop).preference,
        None,
        "they changed their mind since"
    );
    let again = event(ProviderEventKind::Unsubscribed, 40);
    assert!(
        world.tell(&again).preference.is_some(),
        "in doubt no more messages"
    );
    let start = event(ProviderEventKind::Resubscribed, 35);
    assert_eq!(world.change(&start).preference, None);
}

#[test]
fn an_entry_lies_between_the_accept_and_now_and_remembers_what_the_vendor_said() {
    let world = world(DeliveryState::Sent);
    for (told, shown) in [(1, 10), (50, 50), (500, 100)] {
        let change = world.change(&event(ProviderEventKind::unknown("moon_phase"), told));
        assert_eq!(change.event.at, at(shown));
        let report = change.event.report.expect("a report");
        assert_eq!(
            (report.at, report.name.as_deref()),
            (at(told), Some("moon_phase"))
        );
        assert_eq!((change.to, change.event.kind), (None, EventKind::Reported));
    }
}
