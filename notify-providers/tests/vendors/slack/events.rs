//! Slack's events.

use super::webhook::{NOW, SECRET, sign};
use notify_core::Address;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, ProviderEventKind, Reply, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_providers::chat::slack::SlackWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// After the example of Slack's documentation, "Events API".
fn callback(event: Value) -> Value {
    json!({
        "token": "z26uFbvR1xHJEdHE1OQiO6t8", "team_id": "T123ABC456", "api_app_id": "A123ABC456", "type": "event_callback",
        "event": event, "authed_users": ["U222"], "event_id": "Ev123ABC456", "event_time": 1_767_225_599,
    })
}

fn said() -> Value {
    json!({"type": "message", "channel": "D1", "user": "U1", "text": "thanks", "ts": "1767225599.000100", "thread_ts": "1767225500.000100", "channel_type": "im"})
}

struct Harness;

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(SlackWebhook::new("slack", SECRET))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(SlackWebhook::new("slack", "another secret"))
    }

    fn request(&self, sample: Sample, signed_at: Timestamp) -> Option<SignedRequest> {
        let body = match sample {
            Sample::One => callback(said()),
            Sample::UnknownKind => callback(json!({"type": "moon_phase"})),
            Sample::Ping => {
                json!({"token": "x", "challenge": "3eZbrw1aB", "type": "url_verification"})
            }
            _ => return None,
        };
        Some(sign("application/json", &body.to_string(), signed_at))
    }

    fn window(&self) -> Option<Duration> {
        Some(Duration::from_secs(300))
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned()]
    }
}

notify_core::webhook_tests!(Harness);

fn event(inner: Value) -> ProviderEvent {
    let body = callback(inner).to_string();
    let parser = SlackWebhook::new("slack", SECRET);
    let parsed = sign("application/json; charset=utf-8", &body, NOW).parsed_by(&parser, NOW);
    parsed.expect("is signed").events.remove(0)
}

#[test]
fn a_challenge_is_answered_by_itself() {
    let request = Harness.request(Sample::Ping, NOW).expect("is there");
    let parsed = request
        .parsed_by(&*Harness.parser(), NOW)
        .expect("is signed");
    assert_eq!(parsed.reply, Some(Reply::text("3eZbrw1aB")));
}

#[test]
fn an_answer_in_a_thread_finds_its_message() {
    let event = event(said());
    assert_eq!(event.kind, ProviderEventKind::Replied);
    assert_eq!(event.message_id.as_deref(), Some("D1:1767225500.000100"));
    assert_eq!(event.address, Some(Address::new("slack", "U1")));
    assert_eq!(event.event_id.as_deref(), Some("Ev123ABC456"));
    assert_eq!(event.at, Timestamp::from_micros(1_767_225_599_000_000));
}

#[test]
fn what_no_person_said_is_no_answer() {
    for (field, value) in [
        ("bot_id", "B1"),
        ("subtype", "channel_join"),
        ("subtype", "message_changed"),
    ] {
        let mut message = said();
        message[field] = value.into();
        assert_eq!(
            event(message).kind,
            ProviderEventKind::unknown("message"),
            "{value}"
        );
    }
    let mut file = said();
    file["subtype"] = "file_share".into();
    assert_eq!(event(file).kind, ProviderEventKind::Replied);
}

#[test]
fn a_channel_that_is_gone_is_a_dead_address() {
    for name in [
        "channel_archive",
        "channel_deleted",
        "channel_left",
        "group_archive",
        "group_deleted",
        "group_left",
    ] {
        let event = event(json!({"type": name, "channel": "C1", "user": "U1"}));
        assert_eq!(format!("{:?}", event.kind), "bounced (Hard)", "{name}");
        let fault = event.fault.expect("says why").to_string();
        assert_eq!(fault, format!("recipient fault {name}"));
        assert_eq!(event.address, Some(Address::new("slack", "C1")));
    }
}

#[test]
fn other_events_keep_their_name_and_message() {
    let reaction = json!({
        "type": "reaction_added", "user": "U1", "reaction": "thumbsup",
        "item": {"type": "message", "channel": "C1", "ts": "1767225500.000100"},
    });
    let event = event(reaction);
    assert_eq!(event.kind, ProviderEventKind::unknown("reaction_added"));
    assert_eq!(event.message_id.as_deref(), Some("C1:1767225500.000100"));
    assert_eq!(event.raw["event"]["reaction"], "thumbsup");
}
