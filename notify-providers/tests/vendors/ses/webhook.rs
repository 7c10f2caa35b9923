//! Events of SES by SNS.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::clock::Timestamp;
use notify_core::provider::{Parsed, ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::email::ses::{CertificateSource as _, SesWebhook, SnsCertificates};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:mail-events";
const CERTIFICATE_URL: &str = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem";
const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// SNS: a key and its certificate. They take a second to make.
struct Signer {
    pair: rsa::KeyPair,
    pem: String,
}

impl Signer {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("generates");
        let params = CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).expect("a name");
        Self {
            pem: params.self_signed(&key).expect("signs").pem(),
            pair: rsa::KeyPair::from_pkcs8(&key.serialize_der()).expect("reads"),
        }
    }

    fn sns() -> &'static Self {
        static SNS: OnceLock<Signer> = OnceLock::new();
        SNS.get_or_init(Self::new)
    }

    fn stranger() -> &'static Self {
        static STRANGER: OnceLock<Signer> = OnceLock::new();
        STRANGER.get_or_init(Self::new)
    }

    fn parser(&self) -> SesWebhook {
        let certificates = SnsCertificates::new();
        certificates.insert(CERTIFICATE_URL, self.pem.as_str());
        SesWebhook::new("ses", TOPIC, Arc::new(certificates))
    }

    /// A message with everything that is signed of it, in the order in which it is.
    fn request(&self, fields: &[(&str, &str)]) -> SignedRequest {
        let text: String = fields
            .iter()
            .map(|(name, value)| format!("{name}\n{value}\n"))
            .collect();
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        let signed = self
            .pair
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature);
        signed.expect("signs");
        let mut body = json!({
            "SignatureVersion": "2",
            "Signature": STANDARD.encode(signature),
            "SigningCertURL": CERTIFICATE_URL,
        });
        for (name, value) in fields {
            body[*name] = (*value).into();
        }
        SignedRequest::post("https://example.com/hooks/ses", body.to_string())
            .with_header("Content-Type", "text/plain; charset=UTF-8")
    }

    fn notification(&self, message: &str, at: Timestamp) -> SignedRequest {
        self.request(&[
            ("Message", message),
            ("MessageId", "n-1"),
            ("Timestamp", &at.to_string()),
            ("TopicArn", TOPIC),
            ("Type", "Notification"),
        ])
    }
}

/// With the fields of the vendor's documentation.
fn delivered() -> Value {
    json!({
        "eventType": "Delivery",
        "mail": {
            "timestamp": "2025-12-31T23:59:58.000Z",
            "source": "sender@example.com",
            "messageId": "0100-0",
            "destination": ["recipient@example.com"],
            "tags": {"delivery_id": [DELIVERY], "ses:configuration-set": ["events"]},
        },
        "delivery": {
            "timestamp": "2025-12-31T23:59:59.500Z",
            "processingTimeMillis": 11893,
            "recipients": ["recipient@example.com"],
            "smtpResponse": "250 2.6.0 Message received",
        },
    })
}

struct Harness;

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(Signer::sns().parser())
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(Signer::stranger().parser())
    }

    fn request(&self, sample: Sample, signed_at: Timestamp) -> Option<SignedRequest> {
        let mut event = delivered();
        match sample {
            Sample::One => {}
            Sample::Two => {
                event["delivery"]["recipients"] = json!(["a@example.com", "b@example.com"])
            }
            Sample::UnknownKind => event["eventType"] = "moon_phase".into(),
            Sample::Ping => {
                event = "Successfully validated SNS topic for Amazon SES event publishing.".into();
                return Some(Signer::sns().notification(event.as_str()?, signed_at));
            }
            _ => return None,
        }
        Some(Signer::sns().notification(&event.to_string(), signed_at))
    }

    fn unsigned(&self, mut request: SignedRequest) -> SignedRequest {
        let mut body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body.as_object_mut().expect("an object").remove("Signature");
        request.body = body.to_string().into_bytes();
        request
    }

    fn window(&self) -> Option<Duration> {
        Some(Duration::from_secs(3_600))
    }

    /// It covers the fields, not how they are written down.
    fn signs_body(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOPIC.to_owned()]
    }
}

notify_core::webhook_tests!(Harness);

#[test]
fn every_field_counts() {
    let request = Signer::sns().notification(&delivered().to_string(), NOW);
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    for name in [
        "Message",
        "MessageId",
        "Timestamp",
        "TopicArn",
        "Type",
        "Signature",
        "SigningCertURL",
    ] {
        let mut changed = body.clone();
        changed[name] = format!("x{}", changed[name].as_str().expect("text")).into();
        let request = SignedRequest::post("https://example.com/", changed.to_string());
        assert!(
            request.parsed_by(&Signer::sns().parser(), NOW).is_err(),
            "{name}"
        );
    }
}

#[test]
fn messages_of_other_topics_are_refused() {
    let other = "arn:aws:sns:eu-west-1:999999999999:mine";
    let fields = [
        ("Message", "{}"),
        ("MessageId", "n-1"),
        ("Timestamp", "2026-01-01T00:00:00.000Z"),
        ("TopicArn", other),
        ("Type", "Notification"),
    ];
    let request = Signer::sns().request(&fields);
    let parser = Signer::sns().parser();
    assert_eq!(
        request.parsed_by(&parser, NOW),
        Err(WebhookError::Unauthorized)
    );
    assert!(request.parsed_by(&parser.or_topic(other), NOW).is_ok());
}

#[test]
fn a_subscription_is_to_be_confirmed_at_sns_and_nowhere_else() {
    for (url, confirm) in [
        (
            "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
            true,
        ),
        ("https://example.com/?Action=ConfirmSubscription", false),
    ] {
        let fields = [
            ("Message", "You have chosen to subscribe to the topic."),
            ("MessageId", "s-1"),
            ("SubscribeURL", url),
            ("Timestamp", "2026-01-01T00:00:00.000Z"),
            ("Token", "1"),
            ("TopicArn", TOPIC),
            ("Type", "SubscriptionConfirmation"),
        ];
        let parsed = Signer::sns()
            .request(&fields)
            .parsed_by(&Signer::sns().parser(), NOW);
        if confirm {
            assert_eq!(parsed, Ok(Parsed::ping().with_confirm(url)));
        } else {
            assert!(
                matches!(parsed, Err(WebhookError::Malformed(_))),
                "{parsed:?}"
            );
        }
    }
}

#[test]
fn a_certificate_is_asked_for_once_and_at_sns_only() {
    let certificates = Arc::new(SnsCertificates::new());
    let parser = SesWebhook::new("ses", TOPIC, Arc::clone(&certificates) as _);
    let request = Signer::sns().notification(&delivered().to_string(), NOW);
    let early = request.parsed_by(&parser, NOW);
    assert!(
        matches!(early, Err(WebhookError::Malformed(_))),
        "{early:?}"
    );
    assert_eq!(
        certificates.missing(&request.body).as_deref(),
        Some(CERTIFICATE_URL)
    );
    certificates.insert(CERTIFICATE_URL, Signer::sns().pem.as_str());
    assert_eq!(certificates.missing(&request.body), None);
    assert!(request.parsed_by(&parser, NOW).is_ok());

    let body = String::from_utf8(request.body).expect("text");
    let elsewhere = body.replace("sns.eu-west-1.amazonaws.com", "evil.example.com");
    assert_eq!(certificates.missing(elsewhere.as_bytes()), None);
    assert_eq!(certificates.missing(b"{}"), None);
    certificates.insert(
        "https://sns.eu-west-1.amazonaws.com/big.pem",
        vec![b'x'; 70_000],
    );
    assert!(
        certificates
            .certificate("https://sns.eu-west-1.amazonaws.com/big.pem")
            .is_none()
    );
    for n in 0..40 {
        certificates.insert(format!("https://sns.eu-west-1.amazonaws.com/{n}.pem"), "x");
    }
    assert!(
        format!("{certificates:?}").contains("kept: 16"),
        "{certificates:?}"
    );
}

fn events(raw: &Value) -> Vec<ProviderEvent> {
    let request = Signer::sns().notification(&raw.to_string(), NOW);
    request
        .parsed_by(&Signer::sns().parser(), NOW)
        .expect("is signed")
        .events
}

#[test]
fn an_event_finds_its_delivery() {
    let found = events(&delivered()).remove(0);
    assert_eq!(found.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(found.message_id.as_deref(), Some("0100-0"));
    assert_eq!(found.event_id.as_deref(), Some("n-1"));
    assert_eq!(found.address, Some(Address::email("recipient@example.com")));
    assert_eq!(found.at, Timestamp::from_micros(1_767_225_599_500_000));
    let mut plain = delivered();
    plain["mail"]["tags"] = Value::Null;
    plain["mail"]["headers"] = json!([{"name": "X-Delivery-ID", "value": DELIVERY}]);
    assert_eq!(events(&plain)[0].delivery, Some(DeliveryId::from_u128(7)));
}

#[test]
fn each_reader_has_an_event() {
    let raw = json!({"notificationType": "Bounce", "bounce": {
        "bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2012-06-19T01:07:52.000Z",
        "bouncedRecipients": [
            {"emailAddress": "a@example.com", "status": "5.1.1", "action": "failed"},
            {"emailAddress": "b@example.com"},
        ],
    }});
    let found = events(&raw);
    let shown: Vec<_> = found
        .iter()
        .map(|event| event.event_id.as_deref().unwrap_or_default())
        .collect();
    assert_eq!(shown, ["n-1", "n-1:1"]);
    assert_eq!(found[1].address, Some(Address::email("b@example.com")));
    assert_eq!(
        found[1].fault.as_ref().map(ToString::to_string).as_deref(),
        Some("recipient fault General")
    );
}

/// Each event has this kind and this fault.
fn assert_kinds(rows: Vec<(Value, &str, &str)>) {
    for (raw, kind, fault) in rows {
        let found = events(&raw).remove(0);
        assert_eq!(format!("{:?}", found.kind), kind, "{raw}");
        let shown = found.fault.map(|fault| fault.to_string());
        assert_eq!(shown.unwrap_or_default(), fault, "{raw}");
    }
}

#[test]
fn each_kind_has_its_meaning() {
    let complaint = |feedback: Value, part: Value| json!({"eventType": "Complaint", "complaint": {"complaintFeedbackType": feedback, "complaintSubType": part}});
    let unsubscribed = |all: bool| json!({"eventType": "Subscription", "subscription": {"newTopicPreferences": {"unsubscribeAll": all}}});
    assert_kinds(vec![
        (json!({"eventType": "Send"}), "accepted", ""),
        (json!({"eventType": "Delivery"}), "delivered", ""),
        (json!({"eventType": "Open"}), "opened", ""),
        (
            json!({"eventType": "Click", "click": {"link": "https://example.com/"}}),
            "clicked",
            "",
        ),
        (
            json!({"eventType": "DeliveryDelay", "deliveryDelay": {"delayType": "MailboxFull"}}),
            "deferred",
            "provider fault MailboxFull",
        ),
        (
            json!({"eventType": "Reject", "reject": {"reason": "Bad content"}}),
            "failed",
            "request fault reject",
        ),
        (
            json!({"eventType": "Rendering Failure"}),
            "failed",
            "request fault rendering_failure",
        ),
        (complaint(json!("abuse"), Value::Null), "complained", ""),
        (complaint(Value::Null, Value::Null), "complained", ""),
        (complaint(json!("not-spam"), Value::Null), "unknown", ""),
        (
            complaint(Value::Null, json!("OnAccountSuppressionList")),
            "bounced (Suppressed)",
            "recipient fault OnAccountSuppressionList",
        ),
        (unsubscribed(true), "unsubscribed", ""),
        (unsubscribed(false), "unknown", ""),
        (json!({"eventType": "Tomorrow"}), "unknown", ""),
        (json!({}), "unknown", ""),
        (json!(17), "unknown", ""),
    ]);
}

#[test]
fn each_reason_to_come_back_has_its_meaning() {
    let bounce = |kind: &str, part: &str| {
        json!({"eventType": "Bounce", "bounce": {
            "bounceType": kind, "bounceSubType": part, "bouncedRecipients": [{"emailAddress": "a@example.com", "status": "5.1.1"}],
        }})
    };
    assert_kinds(vec![
        (
            bounce("Permanent", "General"),
            "bounced (Hard)",
            "recipient fault 5.1.1",
        ),
        (
            bounce("Permanent", "NoEmail"),
            "bounced (Hard)",
            "recipient fault 5.1.1",
        ),
        (
            bounce("Permanent", "Suppressed"),
            "bounced (Suppressed)",
            "recipient fault Suppressed",
        ),
        (
            bounce("Permanent", "OnAccountSuppressionList"),
            "bounced (Suppressed)",
            "recipient fault OnAccountSuppressionList",
        ),
        (
            bounce("Transient", "MailboxFull"),
            "bounced (Soft)",
            "provider fault 5.1.1",
        ),
        (
            bounce("Transient", "ContentRejected"),
            "bounced (Blocked)",
            "request fault ContentRejected",
        ),
        (
            bounce("Undetermined", "Undetermined"),
            "bounced (Soft)",
            "provider fault 5.1.1",
        ),
    ]);
}
