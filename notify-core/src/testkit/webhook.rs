//! The contract of [`WebhookParser`], clause by clause, against requests that are signed as the vendor signs them.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Entropy as _, SeededEntropy, Timestamp};
use crate::provider::{Parsed, ProviderEventKind, WebhookError, WebhookParser, WebhookRequest};
use crate::testkit::clauses;

/// What a vendor reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sample {
    /// One event of a kind that is known.
    One,
    /// The vendor's test, which is no event.
    Ping,
    /// Two events in one request.
    Two,
    /// One event of a kind that nobody has heard of, under the name `moon_phase` where kinds are names.
    UnknownKind,
}

/// A request as the vendor signs and sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedRequest {
    /// The method, in capitals.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl SignedRequest {
    /// A `POST` without headers.
    #[must_use]
    pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST".to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// What a parser makes of it at this time.
    ///
    /// # Errors
    /// The parser's.
    pub fn parsed_by(
        &self,
        parser: &dyn WebhookParser,
        received_at: Timestamp,
    ) -> Result<Parsed, WebhookError> {
        let headers = self.headers.iter();
        let request = WebhookRequest::new(&self.method, &self.url, &self.body, received_at)
            .with_headers(headers.map(|(name, value)| (name.as_str(), value.as_bytes())));
        parser.parse(&request)
    }
}

/// One vendor's webhook: its parser, and its side of the signature.
pub trait WebhookHarness: Send + Sync {
    /// The parser.
    fn parser(&self) -> Arc<dyn WebhookParser>;

    /// The same parser with another secret.
    fn stranger(&self) -> Arc<dyn WebhookParser>;

    /// What the vendor sends, signed at this time with the secret of [`parser`](Self::parser); `None` if it has no such thing.
    fn request(&self, sample: Sample, signed_at: Timestamp) -> Option<SignedRequest>;

    /// The request without its signature. Default: without all headers but `content-type`.
    fn unsigned(&self, mut request: SignedRequest) -> SignedRequest {
        let kept = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        request.headers.retain(kept);
        request
    }

    /// How far apart signing and coming may be; `None` if the vendor signs no time.
    fn window(&self) -> Option<Duration>;

    /// Whether the signature covers the whole body. Default: yes. Where there is no more than a password, it does not.
    fn signs_body(&self) -> bool {
        true
    }

    /// What must never be printed.
    fn secrets(&self) -> Vec<String>;
}

clauses! {
    /// One test for each clause of [`WebhookParser`](crate::provider::WebhookParser). Takes an expression that makes a
    /// [`WebhookHarness`](crate::testkit::webhook::WebhookHarness).
    macro $ webhook_tests for webhook: dyn WebhookHarness {
        a_signed_request_is_read,
        two_events_are_two,
        an_unknown_kind_is_kept_under_its_name,
        a_ping_is_no_event_and_has_an_answer,
        a_changed_byte_is_refused,
        a_shortened_or_longer_body_is_refused,
        a_body_that_was_written_anew_is_refused,
        a_missing_signature_is_refused,
        a_doubled_signature_is_refused,
        a_foreign_signature_is_refused,
        a_request_at_the_edge_of_the_window_is_read,
        a_stale_request_is_refused,
        a_request_of_the_future_is_refused,
        the_same_request_gives_the_same_answer,
        headers_may_be_written_in_any_case,
        no_input_makes_it_panic,
        debug_and_errors_show_no_secret,
    }
}

/// When the vendor signs here: 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// A sample, or a line that says that there is none.
fn sample(harness: &dyn WebhookHarness, sample: Sample) -> Option<SignedRequest> {
    let request = harness.request(sample, NOW);
    if request.is_none() {
        println!("skipped: this vendor sends nothing like {sample:?}");
    }
    request
}

fn one(harness: &dyn WebhookHarness) -> SignedRequest {
    let request = sample(harness, Sample::One);
    request.expect("every vendor has an event")
}

/// Asserts that a request is not the vendor's.
fn assert_refused(harness: &dyn WebhookHarness, request: &SignedRequest, what: &str) {
    let parsed = request.parsed_by(&*harness.parser(), NOW);
    assert_eq!(parsed, Err(WebhookError::Unauthorized), "{what}");
}

/// Asserts that a body that was tampered with is refused. Where the signature is a part of the body, it has to be read to be found.
fn assert_body_refused(harness: &dyn WebhookHarness, request: &SignedRequest, what: &str) {
    let parsed = request.parsed_by(&*harness.parser(), NOW);
    let malformed = matches!(parsed, Err(WebhookError::Malformed(_)));
    if !(malformed && signature_headers(harness).is_empty()) {
        assert_eq!(parsed, Err(WebhookError::Unauthorized), "{what}");
    }
}

/// The headers that make the signature.
fn signature_headers(harness: &dyn WebhookHarness) -> Vec<(String, String)> {
    let request = one(harness);
    let unsigned = harness.unsigned(request.clone());
    let mut headers = request.headers;
    headers.retain(|header| !unsigned.headers.contains(header));
    headers
}

async fn a_signed_request_is_read(harness: &dyn WebhookHarness) {
    let parsed = one(harness).parsed_by(&*harness.parser(), NOW);
    let events = parsed.expect("it is the vendor's").events;
    assert_eq!(events.len(), 1);
    let unknown = matches!(events[0].kind, ProviderEventKind::Unknown { .. });
    assert!(!unknown, "a kind that is known: {:?}", events[0]);
    assert!(!events[0].raw.is_null(), "what the vendor said is kept");
}

async fn two_events_are_two(harness: &dyn WebhookHarness) {
    if let Some(request) = sample(harness, Sample::Two) {
        let parsed = request.parsed_by(&*harness.parser(), NOW);
        let events = parsed.expect("it is the vendor's").events;
        assert_eq!(events.len(), 2);
        assert_ne!(events[0], events[1]);
    }
}

async fn an_unknown_kind_is_kept_under_its_name(harness: &dyn WebhookHarness) {
    if let Some(request) = sample(harness, Sample::UnknownKind) {
        let parsed = request.parsed_by(&*harness.parser(), NOW);
        let events = parsed.expect("an unknown kind is no error").events;
        assert_eq!(events.len(), 1);
        let ProviderEventKind::Unknown { name } = &events[0].kind else {
            panic!("nobody knows this kind: {:?}", events[0]);
        };
        assert!(!name.is_empty());
    }
}

async fn a_ping_is_no_event_and_has_an_answer(harness: &dyn WebhookHarness) {
    if let Some(request) = sample(harness, Sample::Ping) {
        let parsed = request.parsed_by(&*harness.parser(), NOW);
        let parsed = parsed.expect("a ping is no error");
        assert!(parsed.events.is_empty());
        let reply = parsed.reply.expect("a ping is answered");
        assert!((200..300).contains(&reply.status), "{}", reply.status);
    }
}

async fn a_changed_byte_is_refused(harness: &dyn WebhookHarness) {
    if !harness.signs_body() {
        println!("skipped: this vendor does not sign the body");
        return;
    }
    let request = one(harness);
    for at in 0..request.body.len() {
        let mut changed = request.clone();
        changed.body[at] ^= 1;
        // A form may be written in several ways that say the same, which is what vendors sign then.
        let before = request.parsed_by(&*harness.parser(), NOW);
        if changed.parsed_by(&*harness.parser(), NOW) != before {
            assert_body_refused(harness, &changed, &format!("byte {at} was changed"));
        }
    }
}

async fn a_shortened_or_longer_body_is_refused(harness: &dyn WebhookHarness) {
    if harness.signs_body() {
        let mut request = one(harness);
        if !request.body.is_empty() {
            let last = request.body.pop();
            assert_body_refused(harness, &request, "the last byte is missing");
            request.body.extend(last);
        }
        request.body.extend(b"&more=1");
        assert_body_refused(harness, &request, "more was added");
    }
}

async fn a_body_that_was_written_anew_is_refused(harness: &dyn WebhookHarness) {
    let request = one(harness);
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(&request.body) else {
        println!("skipped: the body is not JSON");
        return;
    };
    if harness.signs_body() {
        let anew = serde_json::to_vec_pretty(&json).expect("is JSON");
        assert_ne!(anew, request.body, "the sample must not be pretty");
        let request = SignedRequest {
            body: anew,
            ..request
        };
        assert_refused(harness, &request, "the same JSON in other bytes");
    }
}

async fn a_missing_signature_is_refused(harness: &dyn WebhookHarness) {
    let request = harness.unsigned(one(harness));
    assert_refused(harness, &request, "no signature");
}

async fn a_doubled_signature_is_refused(harness: &dyn WebhookHarness) {
    let (mut request, headers) = (one(harness), signature_headers(harness));
    if headers.is_empty() {
        println!("skipped: the signature is not in a header");
        return;
    }
    request.headers.extend(headers);
    assert_refused(harness, &request, "two signatures");
}

async fn a_foreign_signature_is_refused(harness: &dyn WebhookHarness) {
    let parsed = one(harness).parsed_by(&*harness.stranger(), NOW);
    assert_eq!(parsed, Err(WebhookError::Unauthorized));
}

async fn a_request_at_the_edge_of_the_window_is_read(harness: &dyn WebhookHarness) {
    let window = harness.window().unwrap_or(Duration::from_secs(86_400));
    for at in [NOW + window, NOW - window] {
        let parsed = one(harness).parsed_by(&*harness.parser(), at);
        assert_eq!(parsed.map(|parsed| parsed.events.len()), Ok(1), "{at}");
    }
}

async fn a_stale_request_is_refused(harness: &dyn WebhookHarness) {
    if let Some(window) = harness.window() {
        let late = NOW + window + Duration::from_secs(1);
        let parsed = one(harness).parsed_by(&*harness.parser(), late);
        assert_eq!(parsed, Err(WebhookError::Stale));
    }
}

async fn a_request_of_the_future_is_refused(harness: &dyn WebhookHarness) {
    if let Some(window) = harness.window() {
        let early = NOW - window - Duration::from_secs(1);
        let parsed = one(harness).parsed_by(&*harness.parser(), early);
        assert_eq!(parsed, Err(WebhookError::Stale));
    }
}

async fn the_same_request_gives_the_same_answer(harness: &dyn WebhookHarness) {
    let request = one(harness);
    let parser = harness.parser();
    let first = request.parsed_by(&*parser, NOW);
    assert_eq!(request.parsed_by(&*parser, NOW), first);
}

async fn headers_may_be_written_in_any_case(harness: &dyn WebhookHarness) {
    let mut request = one(harness);
    let before = request.parsed_by(&*harness.parser(), NOW);
    for (name, _) in &mut request.headers {
        *name = name.to_ascii_uppercase();
    }
    assert_eq!(request.parsed_by(&*harness.parser(), NOW), before);
    for (name, _) in &mut request.headers {
        *name = name.to_ascii_lowercase();
    }
    assert_eq!(request.parsed_by(&*harness.parser(), NOW), before);
}

async fn no_input_makes_it_panic(harness: &dyn WebhookHarness) {
    let (parser, random) = (harness.parser(), SeededEntropy::new(7));
    let below = |limit: usize| {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(random.next_u64() % limit).unwrap_or(0)
    };
    let samples = [Sample::One, Sample::Two, Sample::Ping, Sample::UnknownKind];
    let requests: Vec<_> = samples
        .iter()
        .filter_map(|sample| harness.request(*sample, NOW))
        .collect();
    for round in 0..2_000 {
        let mut request = requests[round % requests.len()].clone();
        for _ in 0..=below(4) {
            let end = request.body.len();
            match below(7) {
                0 => request.body.truncate(below(end + 1)),
                1 => request.body = (0..below(200)).map(|_| random.next_u64() as u8).collect(),
                2 if end > 0 => request.body[below(end)] = random.next_u64() as u8,
                3 => request.headers.truncate(below(request.headers.len() + 1)),
                4 => {
                    let no = below(request.headers.len());
                    if let Some((_, value)) = request.headers.get_mut(no) {
                        *value = value.chars().rev().skip(below(3)).collect();
                    }
                }
                5 => request.url = request.url.chars().skip(below(40)).collect(),
                _ => request.body.extend_from_slice(b"[{\"\xff"),
            }
        }
        // What it answers is the other clauses' matter.
        let _ = request.parsed_by(&*parser, NOW);
    }
}

async fn debug_and_errors_show_no_secret(harness: &dyn WebhookHarness) {
    let request = one(harness);
    let mut printed = format!("{0:?} {0:#?} {1:?}", harness.parser(), harness.stranger());
    let unsigned = harness.unsigned(request.clone());
    for error in [
        request.parsed_by(&*harness.stranger(), NOW),
        unsigned.parsed_by(&*harness.parser(), NOW),
        request.parsed_by(&*harness.parser(), Timestamp::EPOCH),
    ] {
        if let Err(error) = error {
            printed.push_str(&format!("{error} {error:?}"));
        }
    }
    if let Ok(parsed) = request.parsed_by(&*harness.parser(), NOW) {
        printed.push_str(&format!("{parsed:?}"));
        for event in parsed.events {
            let address = event.address.as_ref().map(|address| address.expose());
            let shown = address.is_some_and(|address| printed.contains(address));
            assert!(!shown, "the address is printed");
        }
    }
    for (no, secret) in harness.secrets().iter().enumerate() {
        assert!(secret.len() > 3, "secret {no} is too short to look for");
        assert!(!printed.contains(secret.as_str()), "secret {no} is printed");
    }
}
