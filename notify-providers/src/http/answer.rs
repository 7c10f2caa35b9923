//! A vendor's answer, read whole and within bounds.

use notify_core::clock::Timestamp;
use notify_core::provider::Fault;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt;

use super::retry_after;
use super::rules::Refusal;
use std::time::Duration;

/// A vendor's answer. `Debug` shows the status and the size: headers and body may repeat an address.
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether the body ended by itself: not by a broken connection, and not at the limit.
    pub(super) complete: bool,
    pub(super) received_at: Timestamp,
}

impl Answer {
    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is from 200 to 299.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The first value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, as far as it came.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// When it came, by the client's clock.
    #[must_use]
    pub const fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The body of a yes as JSON.
    ///
    /// # Errors
    /// An unknown fault: the vendor said yes, so that the message may have gone out, but not to what.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        if !self.complete {
            return Err(Fault::unknown("answer_cut"));
        }
        serde_json::from_slice(&self.body).map_err(|_| Fault::unknown("answer"))
    }

    /// The body as JSON, if it is; for refusals, which may as well come as the page of a proxy.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The beginning of a [`Fault`]: what the vendor said no with.
    pub fn refusal(&self) -> Refusal<'_> {
        Refusal::new(self)
    }

    /// How long `Retry-After` says to wait: seconds, with or without a fraction, or a date (RFC 9110 §10.2.3). Between 1 s and 24 h.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after::of_header(self.header("retry-after")?, self.received_at)
    }

    /// The same of another header that holds seconds.
    #[must_use]
    pub fn wait_seconds(&self, header: &str) -> Option<Duration> {
        retry_after::of_seconds(self.header(header)?.trim().parse().ok()?)
    }

    /// The same of a header that holds the time when the limit ends, in seconds since 1970, such as `X-RateLimit-Reset`.
    #[must_use]
    pub fn wait_until(&self, header: &str) -> Option<Duration> {
        retry_after::of_epoch(self.header(header)?.trim().parse().ok()?, self.received_at)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("complete", &self.complete)
            .finish_non_exhaustive()
    }
}
