//! The kit for webhooks: a parser that keeps the contract passes, and each way of breaking it is noticed.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use notify_core::ProviderName;
use notify_core::clock::Timestamp;
use notify_core::provider::{
    Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser, WebhookRequest,
};
use notify_core::testkit::webhook::{CLAUSES, Sample, SignedRequest, WebhookHarness};
use serde_json::{Value, json};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(300);

/// How a parser breaks the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    /// Reads what nobody signed.
    Believes,
    /// Signs what it understood instead of what came.
    SignsTheMeaning,
    /// Takes the first of two signatures.
    TakesTheFirst,
    /// Forgets the time.
    IsPatient,
    /// Thinks that only the past can be stale.
    TrustsTheFuture,
    /// Reads the first event only.
    ReadsOne,
    /// Takes a new kind for a mistake.
    RefusesTheUnknown,
    /// Says nothing to a ping.
    IgnoresPings,
    /// Panics where there is no JSON, before it has looked at the signature.
    Panics,
    /// Shows its secret.
    Shows,
}

struct Hmac {
    secret: &'static str,
    flaw: Flaw,
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.flaw == Flaw::Shows {
            self.secret
        } else {
            "[redacted]"
        };
        f.debug_tuple("Hmac").field(&shown).finish()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(secret: &str, seconds: &str, body: &[u8]) -> String {
    let signed = [seconds.as_bytes(), body].concat();
    hex(sign(&Key::new(HMAC_SHA256, secret.as_bytes()), &signed).as_ref())
}

impl Hmac {
    fn verify(&self, request: &WebhookRequest<'_>) -> Result<(), WebhookError> {
        let header = |name| {
            let only = request.header(name);
            let first = request.headers(name).next();
            let first = first.and_then(|value| std::str::from_utf8(value).ok());
            let value = if self.flaw == Flaw::TakesTheFirst {
                first
            } else {
                only
            };
            value.ok_or(WebhookError::Unauthorized)
        };
        let (signature, seconds) = (header("x-signature")?, header("x-time")?);
        let meaning = match serde_json::from_slice::<Value>(request.body) {
            Ok(json) if self.flaw == Flaw::SignsTheMeaning => json.to_string().into_bytes(),
            Err(e) if self.flaw == Flaw::Panics => panic!("no JSON: {e}"),
            _ => request.body.to_vec(),
        };
        let expected = mac(self.secret, seconds, &meaning);
        let key = Key::new(HMAC_SHA256, b"any key compares in constant time");
        let same = verify(
            &key,
            expected.as_bytes(),
            sign(&key, signature.as_bytes()).as_ref(),
        );
        if same.is_err() && self.flaw != Flaw::Believes {
            return Err(WebhookError::Unauthorized);
        }
        let seconds: i64 = seconds.parse().map_err(|_| WebhookError::Unauthorized)?;
        let at = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        match self.flaw {
            Flaw::IsPatient => Ok(()),
            Flaw::TrustsTheFuture if at > request.received_at => Ok(()),
            _ => request.check_fresh(at, WINDOW),
        }
    }
}

impl WebhookParser for Hmac {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        self.verify(request)?;
        let body: Value = serde_json::from_slice(request.body)
            .map_err(|_| WebhookError::malformed("the body is not JSON"))?;
        let Some(list) = body["events"].as_array() else {
            return Err(WebhookError::malformed("there are no events"));
        };
        if list.is_empty() {
            return Ok(match self.flaw {
                Flaw::IgnoresPings => Parsed::default(),
                _ => Parsed::ping(),
            });
        }
        let mut events = Vec::new();
        for raw in list {
            let kind = match raw["kind"].as_str().unwrap_or_default() {
                "delivered" => ProviderEventKind::Delivered,
                _ if self.flaw == Flaw::RefusesTheUnknown => {
                    return Err(WebhookError::malformed("a kind is not known"));
                }
                other => ProviderEventKind::unknown(other),
            };
            let event = ProviderEvent::new(ProviderName::new("hmac"), kind, request.received_at);
            events.push(event.with_raw(raw.clone()));
            if self.flaw == Flaw::ReadsOne {
                break;
            }
        }
        Ok(Parsed::new(events))
    }
}

struct Harness(Flaw);

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        let (secret, flaw) = ("correct horse", self.0);
        Arc::new(Hmac { secret, flaw })
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        let (secret, flaw) = ("battery staple", self.0);
        Arc::new(Hmac { secret, flaw })
    }

    fn request(&self, sample: Sample, signed_at: Timestamp) -> Option<SignedRequest> {
        let event = |no: u32, kind: &str| json!({"no": no, "kind": kind});
        let events = match sample {
            Sample::One => json!([event(1, "delivered")]),
            Sample::Two => json!([event(1, "delivered"), event(2, "delivered")]),
            Sample::UnknownKind => json!([event(1, "moon_phase")]),
            _ => json!([]),
        };
        let body = json!({ "events": events }).to_string();
        let seconds = (signed_at.as_micros() / 1_000_000).to_string();
        let signature = mac("correct horse", &seconds, body.as_bytes());
        let request = SignedRequest::post("https://example.com/hooks", body);
        let request = request.with_header("X-Time", seconds);
        Some(request.with_header("X-Signature", signature))
    }

    fn window(&self) -> Option<Duration> {
        Some(WINDOW)
    }

    fn secrets(&self) -> Vec<String> {
        vec!["correct horse".to_owned(), "battery staple".to_owned()]
    }
}

notify_core::webhook_tests!(Harness(Flaw::None));

#[test]
fn each_broken_promise_is_noticed_by_its_clause() {
    for (flaw, clause) in [
        (Flaw::Believes, "a_foreign_signature_is_refused"),
        (Flaw::Believes, "a_changed_byte_is_refused"),
        (
            Flaw::SignsTheMeaning,
            "a_body_that_was_written_anew_is_refused",
        ),
        (Flaw::TakesTheFirst, "a_doubled_signature_is_refused"),
        (Flaw::IsPatient, "a_stale_request_is_refused"),
        (Flaw::TrustsTheFuture, "a_request_of_the_future_is_refused"),
        (Flaw::ReadsOne, "two_events_are_two"),
        (
            Flaw::RefusesTheUnknown,
            "an_unknown_kind_is_kept_under_its_name",
        ),
        (Flaw::IgnoresPings, "a_ping_is_no_event_and_has_an_answer"),
        (Flaw::Panics, "no_input_makes_it_panic"),
        (Flaw::Shows, "debug_and_errors_show_no_secret"),
    ] {
        let all = CLAUSES.iter().find(|other| other.name() == clause);
        let found = all.expect("the kit has this clause");
        let outcome = catch_unwind(AssertUnwindSafe(|| found.check(&Harness(flaw))));
        assert!(outcome.is_err(), "{clause} does not notice {flaw:?}");
    }
}

/// The webhook that applications test with.
mod fake {
    use super::*;
    use notify_core::testkit::FakeWebhook;

    struct Fake;

    impl WebhookHarness for Fake {
        fn parser(&self) -> Arc<dyn WebhookParser> {
            Arc::new(FakeWebhook::new("fake", "correct horse"))
        }

        fn stranger(&self) -> Arc<dyn WebhookParser> {
            Arc::new(FakeWebhook::new("fake", "battery staple"))
        }

        fn request(&self, sample: Sample, signed_at: Timestamp) -> Option<SignedRequest> {
            let vendor = FakeWebhook::new("fake", "correct horse");
            let event = |id| {
                let delivered = vendor.event(ProviderEventKind::Delivered, signed_at);
                delivered.with_event_id(id)
            };
            let unknown = ProviderEventKind::unknown("moon_phase");
            let events = match sample {
                Sample::One => vec![event("1")],
                Sample::Two => vec![event("1"), event("2")],
                Sample::UnknownKind => vec![vendor.event(unknown, signed_at)],
                _ => Vec::new(),
            };
            Some(vendor.sign(&events, signed_at))
        }

        fn window(&self) -> Option<Duration> {
            Some(WINDOW)
        }

        fn secrets(&self) -> Vec<String> {
            vec!["correct horse".to_owned(), "battery staple".to_owned()]
        }
    }

    notify_core::webhook_tests!(Fake);
}
