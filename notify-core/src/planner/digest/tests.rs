//! What gathers and what goes by itself, until when, and what a digest says.

use super::*;
use crate::address::Address;
use crate::channel::{EmailChannel, PushChannel};
use crate::clock::Timestamp;
use crate::id::{DeliveryId, IdGenerator};
use crate::notification::{Attachment, Priority, When};
use crate::planner::{Addressed, Refusal, plan};
use crate::preference::{AddressHash, Preferences, QuietHours, Settings};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const NOON: Timestamp = Timestamp::from_micros(12 * 3_600_000_000);

fn rules() -> Rules {
    let mut rules = Rules::default();
    rules.add_channel(Arc::new(EmailChannel::new()));
    rules.add_channel(Arc::new(PushChannel::new()));
    rules.set_served(vec![ChannelId::EMAIL, ChannelId::PUSH]);
    rules.set_digests(true);
    rules
}

/// Somebody in UTC with quiet hours from 22:00 to 08:00, at this time of the first day.
fn snapshot(now: Timestamp) -> Snapshot {
    let mut settings = Settings::default();
    settings.set_quiet_hours(QuietHours::on());
    let address = |channel| {
        let hash = AddressHash::from_bytes([0; 32]);
        Addressed::new(channel, Address::email("a@example.com"), hash, None)
    };
    Snapshot::new(
        Some(Recipient::new("ada")),
        Some(Preferences::new(Settings::default(), settings)),
        vec![address(ChannelId::EMAIL), address(ChannelId::PUSH)],
        now,
    )
}

fn category() -> Category {
    Category::transactional("social").with_digest(Digest::after(HOUR))
}

fn request() -> NotificationRequest {
    NotificationRequest::new("comment", "social")
}

fn planned(
    category: &Category,
    request: &NotificationRequest,
    route: &Route,
    refused: &[Refusal],
    now: Timestamp,
) -> Vec<Planned> {
    let rules = rules();
    let ttl = request.expires_after().copied();
    let planning = Planning {
        rules: &rules,
        request,
        category,
        priority: Priority::Normal,
        route,
        renderable: &|_| true,
        refused,
        expires_at: ttl.map(|ttl| now + ttl),
    };
    plan(&planning, &snapshot(now))
}

fn decided(category: &Category, request: &NotificationRequest, now: Timestamp) -> Decision {
    let route = Route::to("push");
    let mut plans = planned(category, request, &route, &[], now);
    plans.remove(0).decision
}

fn until(at: Timestamp) -> Decision {
    Decision::Digest { until: at }
}

#[test]
fn what_gathers_leaves_at_the_end_of_its_window_or_of_the_quiet_hours_it_ends_in() {
    let plain = category();
    assert_eq!(decided(&plain, &request(), NOON), until(NOON + HOUR));
    let evening = NOON + 10 * HOUR - Duration::from_secs(60);
    let morning = NOON + 20 * HOUR;
    assert_eq!(decided(&plain, &request(), evening), until(morning));
    let night = NOON + 13 * HOUR;
    assert_eq!(decided(&plain, &request(), night), until(morning));
}

#[test]
fn what_quiet_hours_hold_to_leave_together_gathers_until_their_end() {
    let night = NOON + 13 * HOUR;
    let held = Category::transactional("social");
    let hold = |category: &Category| {
        let decision = decided(category, &request(), night);
        matches!(decision, Decision::Hold { .. })
    };
    assert!(hold(&held), "one by one");
    let gathered = held.in_quiet_hours(InQuietHours::Digest);
    let morning = until(NOON + 20 * HOUR);
    assert_eq!(decided(&gathered, &request(), night), morning);
    assert_eq!(decided(&gathered, &request(), NOON), Decision::Send);
    let alone = request().with_digest(Digest::never());
    let decision = decided(&gathered, &alone, night);
    assert!(matches!(decision, Decision::Hold { .. }), "by itself");
}

#[test]
fn what_has_a_time_or_a_place_of_its_own_goes_by_itself() {
    let plain = category();
    let soon = request().at(NOON + HOUR);
    assert!(matches!(
        decided(&plain, &soon, NOON),
        Decision::Hold { .. }
    ));
    let file = Attachment::new("a.txt", "text/plain", [1].as_slice());
    let with_file = request().with_attachment(file);
    assert_eq!(decided(&plain, &with_file, NOON), Decision::Send);
    let short = request().with_expires_after(HOUR);
    assert_eq!(decided(&plain, &short, NOON), Decision::Send);
    let never = request().with_digest(Digest::never());
    assert_eq!(decided(&plain, &never, NOON), Decision::Send);
    let route = Route::to("push").fallback(When::Failed, "email");
    let plans = planned(&plain, &request(), &route, &[], NOON);
    assert_eq!(plans[0].decision, Decision::Send, "another waits for it");
    assert!(matches!(plans[1].decision, Decision::Hold { .. }));
}

#[test]
fn the_first_goes_at_once_unless_something_gathers_already() {
    let first = Category::transactional("social").with_digest(Digest::after(HOUR).first_now());
    let route = Route::to("push");
    let plans = planned(&first, &request(), &route, &[], NOON);
    assert_eq!(plans[0].decision, Decision::Send);
    let gathering = plans[0].gathering.expect("it begins the window");
    assert_eq!(
        (gathering.until, gathering.open),
        (NOON + HOUR, Some(false))
    );
    let open = [Refusal::new(0, Reason::Digest, "digest")];
    let plans = planned(&first, &request(), &route, &open, NOON);
    assert_eq!(plans[0].decision, until(NOON + HOUR));
    assert_eq!(plans[0].trace.decisive(), Some("digest"));
    let night = NOON + 13 * HOUR;
    let plans = planned(&first, &request(), &route, &[], night);
    assert_eq!(
        plans[0].decision,
        until(NOON + 20 * HOUR),
        "nobody is woken"
    );
}

#[test]
fn nothing_gathers_where_the_store_keeps_no_digests() {
    let mut rules = rules();
    rules.set_digests(false);
    let (category, request, route) = (category(), request(), Route::to("push"));
    let planning = Planning {
        rules: &rules,
        request: &request,
        category: &category,
        priority: Priority::Normal,
        route: &route,
        renderable: &|_| true,
        refused: &[],
        expires_at: None,
    };
    let plans = plan(&planning, &snapshot(NOON));
    assert_eq!(plans[0].decision, Decision::Send);
}

fn member(ids: &IdGenerator, request: NotificationRequest) -> Delivery {
    let notification = ids.notification(NOON);
    let id: DeliveryId = ids.delivery(NOON);
    let (to, channel) = ("ada".into(), ChannelId::PUSH);
    Delivery::new(
        id,
        "acme".into(),
        notification,
        Arc::new(request),
        to,
        channel,
        NOON,
    )
}

#[test]
fn a_digest_says_its_items_in_order_and_how_many_of_each_kind() {
    let ids = IdGenerator::new(1);
    let said = |kind: &str, by: &str| {
        let request = NotificationRequest::new(kind, "social");
        let request = request.with_data(json!({ "by": by })).expect("JSON");
        member(&ids, request)
    };
    let mut members = vec![
        said("like", "Bob"),
        said("comment", "Cy"),
        said("like", "Di"),
    ];
    members[0].priority = Priority::High;
    members[1].expires_at = Some(NOON + 2 * HOUR);
    let digest = merge(&members, NOON + HOUR, |name| name.as_str() == "like.digest");
    let digest = digest.expect("of three");
    assert_eq!(digest.template_name().as_str(), "like.digest");
    assert_eq!(digest.data()["count"], 3);
    assert_eq!(digest.data()["more"], 0);
    assert_eq!(digest.data()["counts"], json!({ "comment": 1, "like": 2 }));
    assert_eq!(digest.data()["by"], "Di", "the newest speaks for itself");
    let items = digest.data()["items"].as_array().expect("a list");
    let by: Vec<_> = items.iter().map(|item| item["by"].clone()).collect();
    assert_eq!(by, ["Bob", "Cy", "Di"]);
    assert_eq!(items[1]["kind"], "comment");
    assert_eq!(digest.priority(), Some(&Priority::High));
    assert_eq!(
        digest.expires_after(),
        Some(&HOUR),
        "as short as the shortest"
    );
    assert!(digest.digest().is_some_and(Digest::is_never));
    let plain = merge(&members, NOON, |_| false).expect("of three");
    assert_eq!(plain.template_name().as_str(), "like");
    assert!(merge(&[], NOON, |_| true).is_none());
}

#[test]
fn contents_without_a_template_stand_under_each_other() {
    let ids = IdGenerator::new(1);
    let said = |title: &str, body: &str| {
        let request = NotificationRequest::new("said", "social");
        member(&ids, request.with_content(Content::new(title, body)))
    };
    let members = [said("One", "first"), said("Two", "second")];
    let digest = merge(&members, NOON, |_| false).expect("of two");
    let content = digest.content().expect("content");
    assert_eq!(content.title, "Two");
    assert_eq!(content.body, "One\nfirst\n\nTwo\nsecond");
}

#[test]
fn items_that_are_too_much_to_show_are_counted() {
    let ids = IdGenerator::new(1);
    let text = "x".repeat(60_000);
    let members: Vec<_> = (0..20)
        .map(|_| {
            let data = json!({ "text": text });
            member(&ids, request().with_data(data).expect("JSON"))
        })
        .collect();
    let digest = merge(&members, NOON, |_| true).expect("of twenty");
    let shown = digest.data()["items"].as_array().expect("a list").len();
    assert_eq!(shown, 17);
    assert_eq!(digest.data()["more"], 3);
    assert_eq!(digest.data()["count"], 20);
}
