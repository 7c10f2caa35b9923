//! SendGrid's events.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser,
};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::email::sendgrid::SendGridWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SIGNATURE: &str = "X-Twilio-Email-Event-Webhook-Signature";
const TIMESTAMP: &str = "X-Twilio-Email-Event-Webhook-Timestamp";
const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";

/// The vendor's side: a key pair of its own.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
        Self(pair.expect("a key pair"))
    }

    /// The key as the vendor's settings show it: an uncompressed point in its SubjectPublicKeyInfo (RFC 5480 §2).
    fn public_key(&self) -> String {
        let mut der = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
            0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        der.extend_from_slice(self.0.public_key().as_ref());
        STANDARD.encode(der)
    }

    fn parser(&self) -> SendGridWebhook {
        SendGridWebhook::new("sendgrid", &self.public_key()).expect("a key")
    }

    fn sign(&self, body: impl Into<Vec<u8>>, at: Timestamp) -> SignedRequest {
        let (body, seconds) = (body.into(), (at.as_micros() / 1_000_000).to_string());
        let signed = [seconds.as_bytes(), &body].concat();
        let signature = self.0.sign(&SystemRandom::new(), &signed).expect("signs");
        SignedRequest::post("https://example.com/hooks/sendgrid", body)
            .with_header("Content-Type", "application/json")
            .with_header(SIGNATURE, STANDARD.encode(signature))
            .with_header(TIMESTAMP, seconds)
    }
}

struct Harness {
    signer: Signer,
    stranger: Signer,
}

impl Harness {
    fn new() -> Self {
        Self {
            signer: Signer::new(),
            stranger: Signer::new(),
        }
    }
}

fn delivered(id: &str) -> Value {
    json!({
        "email": "ada@example.org", "timestamp": 1_767_225_599, "event": "delivered", "sg_event_id": id,
        "sg_message_id": "Lli-03.filter0077.1-1", "category": ["orders"], "delivery_id": DELIVERY, "response": "250 OK",
    })
}

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(self.signer.parser())
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(self.stranger.parser())
    }

    fn request(&self, sample: Sample, signed_at: Timestamp) -> Option<SignedRequest> {
        let mut unknown = delivered("e-1");
        unknown["event"] = "moon_phase".into();
        let events = match sample {
            Sample::One => json!([delivered("e-1")]),
            Sample::Two => json!([delivered("e-1"), delivered("e-2")]),
            Sample::UnknownKind => json!([unknown]),
            Sample::Ping => json!([]),
            _ => return None,
        };
        // The vendor's bodies end in a line break, which is signed too.
        Some(self.signer.sign(format!("{events}\r\n"), signed_at))
    }

    fn window(&self) -> Option<Duration> {
        Some(Duration::from_secs(300))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.signer.public_key()]
    }
}

notify_core::webhook_tests!(Harness::new());

/// Source: the tests of `helpers/eventwebhook` of github.com/sendgrid/sendgrid-go.
#[test]
fn the_vendors_own_example_is_read() {
    let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    let signature = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=";
    let body = concat!(
        r#"[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","#,
        r#""sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","#,
        r#""smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]"#,
        "\r\n",
    );
    let request = SignedRequest::post("https://example.com/", body)
        .with_header(SIGNATURE, signature)
        .with_header(TIMESTAMP, "1600112502");
    let parser = SendGridWebhook::new("sendgrid", key).expect("a key");
    let at = Timestamp::from_micros(1_600_112_502_000_000);
    let parsed = request.parsed_by(&parser, at).expect("is signed");
    let event = &parsed.events[0];
    assert_eq!(event.kind, ProviderEventKind::bounced(Bounce::Suppressed));
    assert_eq!(event.message_id.as_deref(), Some("LRzXl_NHStOGhQ4kofSm_A"));
    assert_eq!(event.address, Some(Address::email("hello@world.com")));
    assert_eq!(event.at, Timestamp::from_micros(1_600_112_492_000_000));

    let mut trimmed = request;
    trimmed.body.truncate(trimmed.body.len() - 2);
    let parsed = trimmed.parsed_by(&parser, at);
    assert_eq!(
        parsed,
        Err(WebhookError::Unauthorized),
        "the line break is signed"
    );
}

fn event(raw: Value) -> ProviderEvent {
    let (signer, now) = (Signer::new(), Timestamp::from_micros(1_767_225_600_000_000));
    let request = signer.sign(json!([raw]).to_string(), now);
    let parsed = request.parsed_by(&signer.parser(), now);
    parsed.expect("is signed").events.remove(0)
}

#[test]
fn an_event_finds_its_delivery() {
    let event = event(delivered("e-1"));
    assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(event.message_id.as_deref(), Some("Lli-03"));
    assert_eq!(event.event_id.as_deref(), Some("e-1"));
    assert_eq!(event.provider.as_str(), "sendgrid");
    assert_eq!(event.at, Timestamp::from_micros(1_767_225_599_000_000));
}

#[test]
fn each_kind_has_its_meaning() {
    for (raw, kind, fault) in [
        (json!({"event": "processed"}), "accepted", ""),
        (json!({"event": "delivered"}), "delivered", ""),
        (
            json!({"event": "deferred", "status": "4.2.1"}),
            "deferred",
            "provider fault 4.2.1",
        ),
        (
            json!({"event": "bounce", "type": "bounce", "status": "5.1.1"}),
            "bounced (Hard)",
            "recipient fault 5.1.1",
        ),
        (
            json!({"event": "bounce", "type": "blocked", "status": "5.7.1"}),
            "bounced (Blocked)",
            "request fault 5.7.1",
        ),
        (
            json!({"event": "bounce", "type": "bounce"}),
            "bounced (Hard)",
            "recipient fault bounce",
        ),
        (
            json!({"event": "dropped", "reason": "Bounced Address"}),
            "bounced (Suppressed)",
            "recipient fault bounced_address",
        ),
        (
            json!({"event": "dropped", "reason": "Spam Reporting Address"}),
            "bounced (Suppressed)",
            "recipient fault spam_reporting_address",
        ),
        (
            json!({"event": "dropped", "reason": "Unsubscribed Address"}),
            "bounced (Suppressed)",
            "recipient fault unsubscribed_address",
        ),
        (
            json!({"event": "dropped", "reason": "Invalid"}),
            "bounced (Hard)",
            "recipient fault invalid",
        ),
        (
            json!({"event": "dropped", "reason": "Spam Content"}),
            "failed",
            "request fault dropped",
        ),
        (json!({"event": "open"}), "opened", ""),
        (
            json!({"event": "click", "url": "https://example.com/"}),
            "clicked",
            "",
        ),
        (json!({"event": "spamreport"}), "complained", ""),
        (json!({"event": "unsubscribe"}), "unsubscribed", ""),
        (json!({"event": "group_unsubscribe"}), "unsubscribed", ""),
        (json!({"event": "group_resubscribe"}), "resubscribed", ""),
        (json!({"event": "account_status_change"}), "unknown", ""),
        (json!({}), "unknown", ""),
        (json!("text"), "unknown", ""),
    ] {
        let event = event(raw.clone());
        assert_eq!(format!("{:?}", event.kind), kind, "{raw}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{raw}");
    }
}

#[test]
fn a_status_that_is_none_is_not_a_code() {
    let raw = json!({"event": "bounce", "status": "550 <ada@example.org> unknown"});
    assert_eq!(
        event(raw).fault.map(|fault| fault.to_string()),
        Some("recipient fault bounce".to_owned())
    );
}

#[test]
fn both_keys_count_while_one_is_replaced() {
    let (old, new, now) = (
        Signer::new(),
        Signer::new(),
        Timestamp::from_micros(1_767_225_600_000_000),
    );
    let parser = old.parser().or_key(&new.public_key()).expect("a key");
    for signer in [old, new] {
        let request = signer.sign(json!([delivered("e-1")]).to_string(), now);
        assert!(request.parsed_by(&parser, now).is_ok());
    }
    assert!(SendGridWebhook::new("sendgrid", "bm8ga2V5").is_err());
}
