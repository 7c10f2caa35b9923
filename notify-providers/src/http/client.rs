//! The client: connections, time, progress and bounds of every call to one vendor.

use notify_core::clock::{Clock, Timestamp};
use notify_core::provider::{Envelope, Fault};
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{Error, ErrorKind, Result};
use reqwest::{Certificate, ClientBuilder, Identity, Request, Url, redirect, retry};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

use super::body::{Marked, Marks};
use super::call::Target;
use super::failure::fault_of;
use super::ssrf::is_loopback;
use super::{Answer, Call, Guard, HttpOptions};

/// What this client calls itself: several vendors refuse calls without a name.
const USER_AGENT: &str = concat!("notify-providers/", env!("CARGO_PKG_VERSION"));
/// The most of an answer that is read. Vendors answer with hundreds of bytes.
const MAX_BODY: usize = 1 << 20;

/// Calls one vendor.
///
/// - One call is one attempt: nothing is tried again, no redirect is followed, no proxy is used.
/// - [`Envelope::timeout`] covers everything: waiting for a place, name, connection, TLS, request and the whole answer.
/// - Connections are kept for 30 s, which is less than the vendors keep them, so that a message is rarely written into one that
///   is being closed; over HTTP/2 only ([`HttpClientBuilder::http2_only`]) for as long as they answer pings.
/// - `Debug` shows the vendor's host and no secret.
pub struct HttpClient {
    clients: Vec<reqwest::Client>,
    next: AtomicUsize,
    base: String,
    host: String,
    permits: Semaphore,
    concurrency: usize,
    timeout: Option<Duration>,
    max_body: usize,
    guard: Option<Guard>,
    clock: Arc<dyn Clock>,
}

/// What a vendor's provider says about its vendor, and the application's [`HttpOptions`].
#[derive(Debug)]
#[must_use]
pub struct HttpClientBuilder {
    base: String,
    options: HttpOptions,
    http2_only: bool,
    connections: NonZeroUsize,
    concurrency: NonZeroUsize,
    max_body: usize,
    guard: Option<Guard>,
    identity: Option<SecretString>,
}

impl HttpClientBuilder {
    /// What the application says.
    pub fn options(mut self, options: HttpOptions) -> Self {
        self.options = options;
        self
    }

    /// HTTP/2 from the first byte, several calls on one connection, and a ping each minute that keeps it: for APNs and FCM.
    pub const fn http2_only(mut self) -> Self {
        self.http2_only = true;
        self
    }

    /// How many connections share the calls over HTTP/2, where the application does not say. Default: 1.
    pub const fn connections(mut self, connections: NonZeroUsize) -> Self {
        self.connections = connections;
        self
    }

    /// How many calls are under way at a time, where the application does not say. Default: 64, as of
    /// [`Capabilities`](notify_core::provider::Capabilities).
    pub const fn concurrency(mut self, calls: NonZeroUsize) -> Self {
        self.concurrency = calls;
        self
    }

    /// How much of an answer is read. Default: 1 MiB.
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Calls go to URLs that users give: only to the public internet, as the guard says.
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Shows this certificate to the vendor: PEM, with its chain and its private key (PKCS#8). For vendors that know us by it.
    pub fn identity(mut self, pem: SecretString) -> Self {
        self.identity = Some(pem);
        self
    }

    /// Checks everything and makes the client. Opens no connection. The platform's certificates are read, which takes
    /// some 50 ms the first time.
    ///
    /// # Errors
    /// [`ErrorKind::Config`]: a base URL that is none or not protected, certificates that are none, a platform without certificates, an
    /// identity that is no certificate with its key.
    pub fn build(self) -> Result<HttpClient> {
        let options = self.options;
        let base = options.base_url.as_deref().unwrap_or(&self.base);
        let base = base.trim_end_matches('/').to_owned();
        let host = checked_host(&base)?;
        let roots = options.roots.as_deref().map(certificates).transpose()?;
        let identity = self.identity.as_ref().map(identity).transpose()?;
        let count = if self.http2_only {
            options.connections.unwrap_or(self.connections).get()
        } else {
            1
        };
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            let mut builder = ClientBuilder::new()
                .user_agent(USER_AGENT)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .no_proxy()
                .referer(false)
                .connect_timeout(options.connect_timeout);
            if let Some(roots) = &roots {
                builder = builder.tls_certs_only(roots.iter().cloned());
            }
            if let Some(identity) = &identity {
                builder = builder.identity(identity.clone());
            }
            if let Some(guard) = &self.guard {
                builder = builder.dns_resolver(guard.resolver());
            }
            builder = if self.http2_only {
                over_http2(builder)
            } else {
                over_any(builder)
            };
            clients.push(builder.build().map_err(|e| {
                config("the platform has no root certificates: install ca-certificates or give the provider its roots").source(e.without_url())
            })?);
        }
        let concurrency = options.concurrency.unwrap_or(self.concurrency).get();
        Ok(HttpClient {
            clients,
            next: AtomicUsize::new(0),
            base,
            host,
            permits: Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS)),
            concurrency,
            timeout: options.timeout,
            max_body: self.max_body,
            guard: self.guard,
            clock: options.clock,
        })
    }
}

impl HttpClient {
    /// A client for the vendor behind `base`, such as `https://api.example.com`.
    pub fn builder(base: impl Into<String>) -> HttpClientBuilder {
        HttpClientBuilder {
            base: base.into(),
            options: HttpOptions::new(),
            http2_only: false,
            connections: NonZeroUsize::MIN,
            concurrency: const { NonZeroUsize::new(64).expect("64 is not zero") },
            max_body: MAX_BODY,
            guard: None,
            identity: None,
        }
    }

    /// How many calls are under way at a time, for the provider's capabilities.
    #[must_use]
    pub const fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Host and port of the vendor, as the `Host` header has them, for vendors that want it signed.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The time by the client's clock, for vendors that want requests dated.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where its time comes from.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Makes the call that carries these messages: one, or a batch. Keeps their time and marks their progress.
    ///
    /// # Errors
    /// A fault, if no status came: see the [table](super#what-a-failure-means). A refusal is an answer.
    pub async fn send(&self, call: Call, envelopes: &[&Envelope]) -> Result<Answer, Fault> {
        let marks = Marks::of(envelopes);
        let call = self.call(call, Some(&marks), |written| !written);
        self.within(envelopes, call).await
    }

    /// Makes a call that carries no message, such as one for a token. It leaves progress alone, and no failure of it is unknown.
    ///
    /// # Errors
    /// A fault, if no status came.
    pub async fn fetch(&self, call: Call, limit: Duration) -> Result<Answer, Fault> {
        let limit = self.timeout.map_or(limit, |most| most.min(limit));
        match tokio::time::timeout(limit, self.call(call, None, |_| true)).await {
            Ok(result) => result,
            Err(_) => Err(Fault::provider("timeout")),
        }
    }

    /// Does all of the work for these messages within the shortest of their times: for providers that make several calls, such as
    /// a [`fetch`](Self::fetch) before the [`send`](Self::send).
    ///
    /// # Errors
    /// Those of `work`. When the time is up: a provider fault if nothing of a message was written, else an unknown one.
    pub async fn within<T>(
        &self,
        envelopes: &[&Envelope],
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let marks = Marks::of(envelopes);
        marks.connecting();
        let times = envelopes.iter().map(|envelope| envelope.timeout);
        let limit = times.chain(self.timeout).min().unwrap_or_default();
        match tokio::time::timeout(limit, work).await {
            Ok(result) => result,
            Err(_) if marks.nothing_written() => Err(Fault::provider("timeout")),
            Err(_) => Err(Fault::unknown("timeout")),
        }
    }

    /// One call. `is_definite` says whether a failure is certain to have done nothing, by whether a message was being written.
    async fn call(
        &self,
        call: Call,
        marks: Option<&Marks>,
        is_definite: fn(bool) -> bool,
    ) -> Result<Answer, Fault> {
        let request = self.request(call, marks)?;
        // It is never closed.
        let _permit = self.permits.acquire().await;
        if let (Some(marks), None) = (marks, request.body()) {
            marks.writing();
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let client = &self.clients[turn % self.clients.len()];
        let answer = client.execute(request).await.map_err(|error| {
            let written = marks.is_some_and(|marks| !marks.nothing_written());
            fault_of(&error, is_definite(written))
        })?;
        Ok(self.read(answer).await)
    }

    fn request(&self, mut call: Call, marks: Option<&Marks>) -> Result<Request, Fault> {
        call.accept_json();
        if let Some(flaw) = call.flaw {
            return Err(flaw);
        }
        let url = match call.target {
            Target::Path(path) => format!("{}{path}", self.base),
            Target::Url(url) => url,
        };
        let mut url = Url::parse(&url).map_err(|_| Fault::request("url"))?;
        if !call.query.is_empty() {
            let query = match url.query() {
                Some(before) if !before.is_empty() => format!("{before}&{}", call.query),
                _ => call.query,
            };
            url.set_query(Some(&query));
        }
        match &self.guard {
            Some(guard) => guard.check(&url)?,
            None if !is_protected(&url) => return Err(Fault::config("url_not_protected")),
            None => {}
        }
        let mut request = Request::new(call.method, url);
        *request.headers_mut() = call.headers;
        if !call.body.is_empty() {
            *request.body_mut() = Some(match marks {
                Some(marks) => reqwest::Body::wrap(Marked::new(call.body, marks.clone())),
                None => call.body.into(),
            });
        }
        Ok(request)
    }

    /// The answer, as far as it comes and is allowed to.
    async fn read(&self, mut answer: reqwest::Response) -> Answer {
        let (mut body, mut complete) = (Vec::new(), true);
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= self.max_body => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => {
                    complete = false;
                    break;
                }
            }
        }
        Answer {
            status: answer.status().as_u16(),
            headers: std::mem::take(answer.headers_mut()),
            body,
            complete,
            received_at: self.clock.now(),
        }
    }
}

/// HTTP/2 where the vendor has it. Its one connection takes all calls: one that is dead must not take them for long.
fn over_any(builder: ClientBuilder) -> ClientBuilder {
    builder
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(30))
}

fn over_http2(builder: ClientBuilder) -> ClientBuilder {
    builder
        .http2_prior_knowledge()
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(Duration::from_secs(60))
        .http2_keep_alive_timeout(Duration::from_secs(15))
        .http2_keep_alive_while_idle(true)
        .pool_idle_timeout(None)
}

fn config(why: &str) -> Error {
    Error::new(ErrorKind::Config, why)
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>> {
    let why = "the root certificates of a provider are not PEM certificates";
    let certificates =
        Certificate::from_pem_bundle(pem).map_err(|e| config(why).source(e.without_url()))?;
    if certificates.is_empty() {
        return Err(config(why));
    }
    Ok(certificates)
}

fn identity(pem: &SecretString) -> Result<Identity> {
    let why = "the identity of a provider is not a certificate and its private key in PEM";
    // Its cause is not kept: it may show a part of the key.
    Identity::from_pem(pem.expose_secret().as_bytes()).map_err(|_| config(why).field("certificate"))
}

/// The host and port of a base URL.
fn checked_host(base: &str) -> Result<String> {
    let error = |why: &str| config(why).field("base_url");
    // Not kept as the cause: it may show the URL.
    let url =
        Url::parse(base).map_err(|_| error("must be a URL such as https://api.example.com"))?;
    if !is_protected(&url) {
        return Err(error("must be https://, or http:// for this host only"));
    }
    let plain = url.username().is_empty() && url.password().is_none();
    if !plain || url.query().is_some() || url.fragment().is_some() {
        return Err(error("must not hold credentials, a query or a fragment"));
    }
    let host = url.host_str().unwrap_or_default();
    Ok(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Whether credentials may go there.
fn is_protected(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => url.host_str().is_some_and(is_loopback),
        _ => false,
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("host", &self.host)
            .field("connections", &self.clients.len())
            .field("concurrency", &self.concurrency)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(base: &str) -> Result<HttpClient> {
        HttpClient::builder("https://api.example.com")
            .options(HttpOptions::new().base_url(base))
            .build()
    }

    #[test]
    fn credentials_are_not_sent_in_plain_text_to_another_host() {
        for bad in [
            "http://api.example.com",
            "http://localhost.example.com",
            "ftp://api.example.com",
            "https://",
            "api.example.com",
            "https://user:hunter2@api.example.com",
            "https://api.example.com/?key=hunter2",
            "https://api.example.com/#hunter2",
            "data:hunter2",
        ] {
            let error = built(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Config, "{bad}");
            assert_eq!(error.field_name(), Some("base_url"), "{bad}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        for good in [
            "http://localhost:8080",
            "http://127.0.0.1:1/v1",
            "http://[::1]:1",
            "https://eu.example.com/",
        ] {
            assert!(built(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn roots_that_are_none_are_refused() {
        for bad in ["", "not pem"] {
            let options = HttpOptions::new().root_certificates(bad);
            let client = HttpClient::builder("https://api.example.com").options(options);
            assert_eq!(client.build().expect_err(bad).kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn a_call_goes_behind_the_base_or_to_its_own_url() {
        let client = built("https://eu.example.com/api/").expect("builds");
        let url = |call: Call| {
            client
                .request(call, None)
                .map(|request| request.url().to_string())
        };
        let at = |text: &str| Ok(text.to_owned());
        assert_eq!(
            url(Call::get("/v1/a")),
            at("https://eu.example.com/api/v1/a")
        );
        let call = Call::get("/v1/a?b=1").query([("c", "d e&")]);
        assert_eq!(
            url(call),
            at("https://eu.example.com/api/v1/a?b=1&c=d+e%26")
        );
        let own = Call::post_url("https://other.example.com/x");
        assert_eq!(url(own), at("https://other.example.com/x"));
        for (bad, fault) in [
            (
                "http://other.example.com/",
                Fault::config("url_not_protected"),
            ),
            ("not a url", Fault::request("url")),
        ] {
            assert_eq!(url(Call::post_url(bad)), Err(fault), "{bad}");
        }
    }
}
