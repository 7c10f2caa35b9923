//! What people do with Slack's buttons and menus.

use aws_lc_rs::hmac;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEventKind, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::chat::slack::SlackWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(super) const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";

/// Slack's side of the signature.
pub(super) fn sign(content_type: &str, body: &str, at: Timestamp) -> SignedRequest {
    let seconds = at.as_micros() / 1_000_000;
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{seconds}:{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    SignedRequest::post("https://example.com/hooks/slack", body)
        .with_header("Content-Type", content_type)
        .with_header("X-Slack-Request-Timestamp", seconds.to_string())
        .with_header("X-Slack-Signature", format!("v0={hex}"))
}

fn form(payload: &Value, at: Timestamp) -> SignedRequest {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish();
    sign("application/x-www-form-urlencoded", &body, at)
}

/// After the example of Slack's documentation, "Block actions payload".
fn block_actions() -> Value {
    json!({
        "type": "block_actions",
        "team": {"id": "T9TK3CUKW", "domain": "example"},
        "user": {"id": "UA8RXUSPL", "username": "ada", "team_id": "T9TK3CUKW"},
        "api_app_id": "AABA1ABCD",
        "token": "9s8d9as89d8as9d8as989",
        "container": {"type": "message", "message_ts": "1548261231.000200", "channel_id": "CBR2V3XEX", "is_ephemeral": false},
        "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
        "channel": {"id": "CBR2V3XEX", "name": "review-updates"},
        "message": {
            "bot_id": "BAH5CA16Z", "type": "message", "text": "This content can't be displayed.", "ts": "1548261231.000200",
            "metadata": {"event_type": "notification", "event_payload": {"delivery_id": DELIVERY}},
        },
        "response_url": "https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091209",
        "actions": [{
            "action_id": "WaXA", "block_id": "=qXel", "type": "button", "value": "click_me_123", "action_ts": "1548426417.840180",
            "text": {"type": "plain_text", "text": "View", "emoji": true},
        }],
    })
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
        let mut payload = block_actions();
        match sample {
            Sample::One => {}
            Sample::Two => {
                let again = payload["actions"][0].clone();
                payload["actions"]
                    .as_array_mut()
                    .expect("a list")
                    .push(again);
            }
            Sample::UnknownKind => payload["type"] = "moon_phase".into(),
            Sample::Ping => {
                let form = "application/x-www-form-urlencoded";
                return Some(sign(form, "ssl_check=1&token=x", signed_at));
            }
            _ => return None,
        }
        Some(form(&payload, signed_at))
    }

    fn window(&self) -> Option<Duration> {
        Some(Duration::from_secs(300))
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned()]
    }
}

notify_core::webhook_tests!(Harness);

fn parsed(payload: &Value) -> Vec<notify_core::provider::ProviderEvent> {
    let parser = SlackWebhook::new("slack", SECRET);
    let parsed = form(payload, NOW).parsed_by(&parser, NOW);
    parsed.expect("is signed").events
}

#[test]
fn a_button_finds_its_message_and_delivery() {
    let events = parsed(&block_actions());
    let event = &events[0];
    assert_eq!(event.kind, ProviderEventKind::clicked(None));
    assert_eq!(
        event.message_id.as_deref(),
        Some("CBR2V3XEX:1548261231.000200")
    );
    assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(event.address, Some(Address::new("slack", "UA8RXUSPL")));
    assert_eq!(event.at, Timestamp::from_micros(1_548_426_417_840_180));
    assert_eq!(event.event_id.as_deref(), Some("1548426417.840180:0"));
    assert_eq!(
        event.raw["action"]["value"], "click_me_123",
        "what was chosen"
    );
}

#[test]
fn a_button_that_is_a_link_says_which() {
    let mut payload = block_actions();
    payload["actions"][0]["url"] = "https://example.com/orders/17".into();
    let link = Some("https://example.com/orders/17".to_owned());
    assert_eq!(parsed(&payload)[0].kind, ProviderEventKind::clicked(link));
}

#[test]
fn a_button_of_the_older_kind_is_read_too() {
    let payload = json!({
        "type": "interactive_message", "callback_id": "orders", "action_ts": "1548426417.840180", "message_ts": "1548261231.000200",
        "actions": [{"name": "ok", "type": "button", "value": "yes"}],
        "channel": {"id": "C1"}, "user": {"id": "U1"},
    });
    let event = parsed(&payload).remove(0);
    assert_eq!(event.kind, ProviderEventKind::clicked(None));
    assert_eq!(event.message_id.as_deref(), Some("C1:1548261231.000200"));
    assert_eq!(event.at, Timestamp::from_micros(1_548_426_417_840_180));
}

#[test]
fn other_interactions_keep_their_name() {
    for name in [
        "shortcut",
        "message_action",
        "view_submission",
        "view_closed",
        "block_suggestion",
    ] {
        let event = parsed(&json!({"type": name, "user": {"id": "U1"}})).remove(0);
        assert_eq!(event.kind, ProviderEventKind::unknown(name));
        assert_eq!(event.address, Some(Address::new("slack", "U1")));
    }
}

#[test]
fn a_payload_that_is_none_is_malformed() {
    for payload in [json!([]), json!("x"), json!(null)] {
        let parser = SlackWebhook::new("slack", SECRET);
        let parsed = form(&payload, NOW).parsed_by(&parser, NOW);
        assert!(
            matches!(parsed, Err(WebhookError::Malformed(_))),
            "{payload}"
        );
    }
}

/// Source: Slack's documentation, "Verifying requests from Slack".
#[test]
fn the_vendors_own_example_is_read() {
    let body = concat!(
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar",
        "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=",
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN",
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
    );
    let request = SignedRequest::post("https://example.com/", body)
        .with_header("content-type", "application/x-www-form-urlencoded")
        .with_header("x-slack-request-timestamp", "1531420618")
        .with_header(
            "x-slack-signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        );
    let at = Timestamp::from_micros(1_531_420_618_000_000);
    let parser = SlackWebhook::new("slack", "an older secret").or_secret(SECRET);
    let event = request
        .parsed_by(&parser, at)
        .expect("is signed")
        .events
        .remove(0);
    assert_eq!(event.kind, ProviderEventKind::unknown("command"));
    assert_eq!(event.address, Some(Address::new("slack", "U2CERLKJA")));
    assert_eq!(event.raw["command"], "/webhook-collect");
}
