//! The suite that every vendor passes: a vendor says how it is asked and how it answers, and `vendor_suite!` makes the tests.
//!
//! ```text
//! vendor_suite!(SendGrid);
//! ```
//!
//! The clauses of `notify_core::testkit::provider` are run over TLS against the vendor's fake; the [`cases`] are what can go wrong
//! with HTTP itself. Both are lists of names and functions, so that a table of vendors and cases can be made of them.

mod book;
pub mod cases;

pub use book::Harness;

use super::support::http::{FakeVendor, Reply, Request};
use notify_core::provider::{Envelope, Fault, FaultKind, Provider};
use notify_core::testkit::Answer;
use notify_core::{Address, Message, Result};
use serde_json::Value;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// One vendor: how it is asked, how it answers. Everything a vendor's file has to write for the suite.
pub trait Vendor: Send + Sync + Sized + 'static {
    /// Whether the provider speaks HTTP/2 only.
    const HTTP2: bool = false;
    /// Whether the vendor takes or refuses the messages of a call all together, where a call may hold several.
    const TAKES_BATCHES_WHOLE: bool = true;
    /// What must never be printed; the provider is made with them.
    const SECRETS: &'static [&'static str];

    /// The provider, in front of this fake.
    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>>;

    /// A message that the vendor takes.
    fn message() -> Message;

    /// The address with this number; all are different.
    fn address(number: usize) -> Address;

    /// The same where the address is a URL, which has to lead to the fake. Default: [`address`](Self::address).
    fn address_at(fake: &FakeVendor, number: usize) -> Address {
        let _ = fake;
        Self::address(number)
    }

    /// To which addresses a request is, as they were in the envelopes. Panics on a request that the vendor would not understand:
    /// here is the place to be strict about path, credentials and body.
    fn addresses(request: &Request) -> Vec<String>;

    /// How the vendor says yes; `ids` are new ones, one for each address.
    fn accept(request: &Request, ids: &[String]) -> Reply;

    /// How the vendor says that these addresses are dead; all of the request's.
    fn reject_recipient(request: &Request) -> Reply;

    /// How the vendor says that it will never take this content.
    fn reject_request(request: &Request) -> Reply;

    /// How the vendor says that it is too much. Default: 429 and `Retry-After`.
    fn rate_limit(wait: Duration) -> Reply {
        Reply::status(429).header("retry-after", &wait.as_secs().to_string())
    }

    /// How the vendor says that it cannot work now. Default: 503.
    fn outage() -> Reply {
        Reply::status(503)
    }

    /// How the vendor says that it does not know us. Default: 401.
    fn bad_credentials() -> Reply {
        Reply::status(401)
    }

    /// Something that is no answer, with the status of a yes. Default: a page of HTML. Vendors that answer yes by a status alone
    /// have none.
    fn nonsense() -> Option<Reply> {
        Some(Reply::html(200))
    }

    /// How the vendor answers a batch of which it takes some; only asked where [`TAKES_BATCHES_WHOLE`](Self::TAKES_BATCHES_WHOLE) is
    /// not.
    fn answer_each(request: &Request, answers: &[(Answer, String)]) -> Reply {
        panic!("{answers:?} to {}: batches are taken whole", request.path);
    }

    /// The idempotency key of a request, for vendors that honour it.
    fn key(request: &Request) -> Option<String> {
        let _ = request;
        None
    }

    /// Requests that carry no message, such as one for a token, and what the vendor answers.
    fn aside(request: &Request) -> Option<Reply> {
        let _ = request;
        None
    }

    /// Whether the vendor can say how long it wants to be left alone. Default: yes.
    fn says_how_long() -> bool {
        true
    }

    /// Whether the vendor can answer so at all; [`nonsense`](Self::nonsense) is asked besides. Default: yes.
    fn can_answer(answer: Answer) -> bool {
        let _ = answer;
        true
    }

    /// The kind of fault of an answer of this status without a word. Default: by its class.
    fn kind_of_status(status: u16) -> &'static str {
        match status {
            300..=399 | 401 | 402 | 403 | 407 => "config",
            408 | 425 | 429 | 500..=599 => "provider",
            _ => "request",
        }
    }

    /// The fault of a certificate that does not hold. Default: an operator must act.
    fn untrusted(code: &'static str) -> Fault {
        Fault::config(code)
    }

    /// Whether the vendor says of a dead address that it is one. Default: yes.
    fn names_dead_addresses() -> bool {
        true
    }

    /// Answers of the vendor's documentation and whose fault they are: at least one for each row of its table.
    fn table() -> Vec<Case>;
}

/// An answer and whose fault it is.
pub struct Case {
    pub reply: Reply,
    pub kind: &'static str,
    pub code: &'static str,
    pub wait: Option<Duration>,
}

impl Case {
    pub fn new(reply: Reply, kind: &'static str, code: &'static str) -> Self {
        Self {
            reply,
            kind,
            code,
            wait: None,
        }
    }

    /// An answer of JSON.
    pub fn json(status: u16, body: Value, kind: &'static str, code: &'static str) -> Self {
        Self::new(Reply::json(status, body), kind, code)
    }

    /// With how long it asks to be left alone.
    pub fn waiting(mut self, seconds: u64) -> Self {
        self.wait = Some(Duration::from_secs(seconds));
        self
    }
}

/// A good message of this vendor to its address with this number.
pub fn envelope<V: Vendor>(number: usize) -> Envelope {
    Envelope::new(format!("key-{number}"), V::address(number), V::message())
}

/// The same vendor behind HTTP/2: most negotiate it with clients that can.
pub struct OverHttp2<V>(PhantomData<V>);

impl<V: Vendor> Vendor for OverHttp2<V> {
    const HTTP2: bool = true;
    const TAKES_BATCHES_WHOLE: bool = V::TAKES_BATCHES_WHOLE;
    const SECRETS: &'static [&'static str] = V::SECRETS;

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        V::provider(fake)
    }

    fn message() -> Message {
        V::message()
    }

    fn address(number: usize) -> Address {
        V::address(number)
    }

    fn address_at(fake: &FakeVendor, number: usize) -> Address {
        V::address_at(fake, number)
    }

    fn can_answer(answer: Answer) -> bool {
        V::can_answer(answer)
    }

    fn names_dead_addresses() -> bool {
        V::names_dead_addresses()
    }

    fn kind_of_status(status: u16) -> &'static str {
        V::kind_of_status(status)
    }

    fn untrusted(code: &'static str) -> Fault {
        V::untrusted(code)
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert!(request.http2 || request.url.starts_with("http:"));
        V::addresses(request)
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        V::accept(request, ids)
    }

    fn reject_recipient(request: &Request) -> Reply {
        V::reject_recipient(request)
    }

    fn reject_request(request: &Request) -> Reply {
        V::reject_request(request)
    }

    fn rate_limit(wait: Duration) -> Reply {
        V::rate_limit(wait)
    }

    fn outage() -> Reply {
        V::outage()
    }

    fn bad_credentials() -> Reply {
        V::bad_credentials()
    }

    fn nonsense() -> Option<Reply> {
        V::nonsense()
    }

    fn answer_each(request: &Request, answers: &[(Answer, String)]) -> Reply {
        V::answer_each(request, answers)
    }

    fn key(request: &Request) -> Option<String> {
        V::key(request)
    }

    fn aside(request: &Request) -> Option<Reply> {
        V::aside(request)
    }

    fn says_how_long() -> bool {
        V::says_how_long()
    }

    fn table() -> Vec<Case> {
        V::table()
    }
}

/// The same to an address at this fake.
pub fn envelope_at<V: Vendor>(fake: &FakeVendor, number: usize) -> Envelope {
    let mut envelope = envelope::<V>(number);
    envelope.address = V::address_at(fake, number);
    envelope
}

/// How long a fault asks to be left alone.
pub fn wait_of(kind: FaultKind) -> Option<Duration> {
    match kind {
        FaultKind::Provider { retry_after } => retry_after,
        _ => None,
    }
}
