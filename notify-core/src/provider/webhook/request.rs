//! A vendor's request as it came, before anything of it is believed.

use std::fmt;
use std::time::Duration;

use super::WebhookError;
use crate::clock::Timestamp;

/// A vendor's request, exactly as it came. `Debug` shows no content.
///
/// ```
/// use notify_core::clock::Timestamp;
/// use notify_core::provider::WebhookRequest;
///
/// let request = WebhookRequest::new("POST", "https://example.com/hooks/sms?t=1", b"a=1", Timestamp::EPOCH)
///     .with_headers([("X-Signature", b"abc".as_slice())]);
/// assert_eq!(request.header("x-signature"), Some("abc"));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct WebhookRequest<'a> {
    /// `POST` or `GET`, in capitals.
    pub method: &'a str,
    /// The whole URL as the vendor called it, with scheme, host and query: some vendors sign it. Behind a proxy it is made of
    /// configuration, not of the `Host` header.
    pub url: &'a str,
    /// The bytes of the body, as they came.
    pub body: &'a [u8],
    /// When it came.
    pub received_at: Timestamp,
    headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> WebhookRequest<'a> {
    /// A request without headers.
    #[must_use]
    pub const fn new(
        method: &'a str,
        url: &'a str,
        body: &'a [u8],
        received_at: Timestamp,
    ) -> Self {
        Self {
            method,
            url,
            body,
            received_at,
            headers: Vec::new(),
        }
    }

    /// With more headers, in the order in which they came. A name may occur several times.
    #[must_use]
    pub fn with_headers(mut self, headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The only value of a header, whatever the case of its name. `None` if there is none, if it is not text, or if there are several:
    /// whoever adds a second signature must not choose which one counts.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut values = self.headers(name);
        match (values.next(), values.next()) {
            (Some(value), None) => std::str::from_utf8(value).ok().map(str::trim),
            _ => None,
        }
    }

    /// All values of a header, whatever the case of its name.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let all = self.headers.iter();
        all.filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// What follows the question mark of the URL, not decoded; empty where there is none.
    #[must_use]
    pub fn query(&self) -> &'a str {
        let url = self.url.split_once('#').map_or(self.url, |(url, _)| url);
        url.split_once('?').map_or("", |(_, query)| query)
    }

    /// Checks that a signed time is at most `window` before or after this request came.
    ///
    /// # Errors
    /// [`WebhookError::Stale`].
    pub fn check_fresh(&self, signed_at: Timestamp, window: Duration) -> Result<(), WebhookError> {
        let apart = self
            .received_at
            .since(signed_at)
            .max(signed_at.since(self.received_at));
        if apart > window {
            return Err(WebhookError::Stale);
        }
        Ok(())
    }
}

impl fmt::Debug for WebhookRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("WebhookRequest")
            .field("method", &self.method)
            .field("headers", &names)
            .field("bytes", &self.body.len())
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> WebhookRequest<'_> {
        WebhookRequest::new("POST", url, b"", Timestamp::from_micros(1_000_000_000))
    }

    #[test]
    fn a_header_counts_only_if_it_is_there_once() {
        let headers = [
            ("X-One", b" a ".as_slice()),
            ("x-two", b"b"),
            ("X-TWO", b"c"),
            ("x-bytes", b"\xff"),
        ];
        let request = request("https://example.com").with_headers(headers);
        assert_eq!(request.header("x-one"), Some("a"));
        for name in ["x-two", "x-bytes", "x-none"] {
            assert_eq!(request.header(name), None, "{name}");
        }
        assert_eq!(request.headers("x-two").count(), 2);
    }

    #[test]
    fn the_query_ends_before_the_fragment() {
        for (url, query) in [
            ("https://example.com/a?b=c&d", "b=c&d"),
            ("https://example.com/a?b#c?d", "b"),
            ("https://example.com/a#?d", ""),
            ("https://example.com/a", ""),
        ] {
            assert_eq!(request(url).query(), query, "{url}");
        }
    }

    #[test]
    fn a_time_is_fresh_on_both_sides_of_now() {
        let request = request("https://example.com");
        let (at, minute) = (request.received_at, Duration::from_secs(60));
        for fresh in [at, at + minute, at - minute] {
            assert_eq!(request.check_fresh(fresh, minute), Ok(()));
        }
        let more = minute + Duration::from_micros(1);
        for stale in [
            at + more,
            at - more,
            Timestamp::MAX,
            Timestamp::from_micros(i64::MIN),
        ] {
            assert_eq!(
                request.check_fresh(stale, minute),
                Err(WebhookError::Stale),
                "{stale}"
            );
        }
    }

    #[test]
    fn debug_shows_no_content() {
        let request = request("https://example.com/?token=hunter2")
            .with_headers([("authorization", b"hunter2".as_slice())]);
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}
