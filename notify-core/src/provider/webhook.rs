//! What vendors report back: one HTTP request, verified and read into events.

mod event;
mod request;

pub use event::{Bounce, ProviderEvent, ProviderEventKind};
pub use request::WebhookRequest;

use std::borrow::Cow;
use std::fmt;

/// Verifies a vendor's webhook and reads its events.
///
/// Pure: no I/O, no clock, no state. Applying the events, telling twice-told ones apart and answering the vendor in time are the
/// caller's.
///
/// # Contract
/// - The signature is checked in constant time, over the bytes as they came, before anything of them is believed. One changed byte, a
///   missing, a doubled or a foreign signature is [`WebhookError::Unauthorized`].
/// - Where the vendor signs a time, a request that was signed too long before or after [`WebhookRequest::received_at`] is
///   [`WebhookError::Stale`].
/// - One request may hold many events, of many messages; their order is the vendor's.
/// - A kind of event that is not known is [`ProviderEventKind::Unknown`] with its name, never an error: vendors add kinds without asking.
/// - A vendor's test ping is no event, and [`Parsed`] says what to answer.
/// - No input makes it panic.
/// - The same request gives the same answer.
/// - Neither errors nor `Debug` show a secret, an address or a payload.
pub trait WebhookParser: fmt::Debug + Send + Sync + 'static {
    /// Verifies and reads one request.
    ///
    /// # Errors
    /// [`WebhookError`]; its [`status`](WebhookError::status) is what to answer.
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError>;
}

fn _object_safe(_: &dyn WebhookParser) {}

/// What was in a request that is the vendor's.
///
/// ```
/// use notify_core::provider::{Parsed, Reply};
///
/// let ping = Parsed::new(Vec::new()).with_reply(Reply::text("challenge-17"));
/// assert!(ping.events.is_empty());
/// assert_eq!(ping.reply.map(|reply| reply.status), Some(200));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Parsed {
    /// What happened, in the vendor's order.
    pub events: Vec<ProviderEvent>,
    /// What the vendor expects as the answer, such as an echo of a challenge. `None`: any status from 200 to 299, once the events are
    /// stored.
    pub reply: Option<Reply>,
    /// The address that has to be asked by GET once, for vendors that want a subscription confirmed. It is the vendor's: the parser
    /// has checked that.
    pub confirm: Option<String>,
}

impl Parsed {
    /// Events, and nothing special to answer.
    #[must_use]
    pub const fn new(events: Vec<ProviderEvent>) -> Self {
        Self {
            events,
            reply: None,
            confirm: None,
        }
    }

    /// A test of the vendor: no event, answered by 200.
    #[must_use]
    pub fn ping() -> Self {
        Self::new(Vec::new()).with_reply(Reply::ok())
    }

    /// To be answered so.
    #[must_use]
    pub fn with_reply(mut self, reply: Reply) -> Self {
        self.reply = Some(reply);
        self
    }

    /// To be confirmed by a GET of this address.
    #[must_use]
    pub fn with_confirm(mut self, url: impl Into<String>) -> Self {
        self.confirm = Some(url.into());
        self
    }
}

/// The answer that a vendor expects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// 200 without a body.
    #[must_use]
    pub const fn ok() -> Self {
        Self {
            status: 200,
            content_type: "text/plain",
            body: Vec::new(),
        }
    }

    /// 200 with a text.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self {
            body: body.into().into_bytes(),
            ..Self::ok()
        }
    }

    /// 200 with JSON.
    #[must_use]
    pub fn json(body: &serde_json::Value) -> Self {
        Self {
            content_type: "application/json",
            body: body.to_string().into_bytes(),
            ..Self::ok()
        }
    }

    /// With another status.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// Why a request was not read. The words are for logs: they hold nothing of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookError {
    /// It is the vendor's, but not what the vendor documents.
    Malformed(Cow<'static, str>),
    /// It was signed too long before or after it came: a recording, or a clock that is wrong.
    Stale,
    /// Its signature is missing or is not the vendor's.
    Unauthorized,
}

impl WebhookError {
    /// Not what the vendor documents; says in what, without quoting.
    #[must_use]
    pub fn malformed(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(what.into())
    }

    /// The HTTP status to answer: 400 for what cannot be read, which vendors send again for a while; 401 for all else.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Stale | Self::Unauthorized => 401,
        }
    }
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "the webhook cannot be read: {what}"),
            Self::Stale => f.write_str("the webhook was not signed just now"),
            Self::Unauthorized => f.write_str("the webhook is not signed by the vendor"),
        }
    }
}

impl std::error::Error for WebhookError {}
