//! What an application may say about the HTTP side of any vendor.

use notify_core::clock::{Clock, SystemClock};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// What an application may say about the HTTP side of any vendor; every vendor's builder takes it.
///
/// ```
/// use notify_providers::http::HttpOptions;
/// use std::time::Duration;
///
/// let options = HttpOptions::new()
///     .base_url("https://api.eu.example.com")
///     .connect_timeout(Duration::from_secs(2));
/// ```
///
/// There is no proxy, whatever the environment says: variables of the process must not lead credentials elsewhere.
#[derive(Clone)]
#[must_use]
pub struct HttpOptions {
    pub(super) base_url: Option<String>,
    pub(super) roots: Option<Vec<u8>>,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Option<Duration>,
    pub(super) connections: Option<NonZeroUsize>,
    pub(super) concurrency: Option<NonZeroUsize>,
    pub(super) clock: Arc<dyn Clock>,
}

impl HttpOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            base_url: None,
            roots: None,
            connect_timeout: Duration::from_secs(5),
            timeout: None,
            connections: None,
            concurrency: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Asks this server instead of the vendor's usual one: a region's, or one on this host in tests. It begins with `https://`, or
    /// with `http://` for this host, since credentials go there; it may end in a path, which the vendor's paths are put behind.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Trusts these certificates (PEM) and no others. Default: the platform's.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// How long finding and opening a connection may take, TLS included. Default: 5 s, so that half of a usual call's time is left
    /// for the call.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The longest a call may take, if its envelope allows more. Default: what the envelope allows.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How many connections share the calls, for vendors whose calls share connections (HTTP/2 only: APNs, FCM). Default: the
    /// vendor's.
    pub const fn connections(mut self, connections: NonZeroUsize) -> Self {
        self.connections = Some(connections);
        self
    }

    /// How many calls are under way at a time; further ones wait, as part of their time. Default: the vendor's, usually 64.
    pub const fn concurrency(mut self, calls: NonZeroUsize) -> Self {
        self.concurrency = Some(calls);
        self
    }

    /// Where the time comes from, for limits that a vendor gives as a date. Default: the host's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The base URL is not shown: it may hold a key.
impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("connections", &self.connections)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}
