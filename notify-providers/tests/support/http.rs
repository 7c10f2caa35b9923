//! A vendor on this machine: an HTTP server on a thread of its own that answers as a test tells it, and keeps what it was asked.
//!
//! ```text
//! let vendor = FakeVendor::start(|request| match request.path.as_str() {
//!     "/v1/messages" => Reply::json(200, json!({"id": "m-1"})),
//!     _ => Reply::status(404),
//! });
//! let provider = MyProvider::builder("key").http(vendor.options()).build()?;
//! provider.send(&envelope).await?;
//! assert_eq!(vendor.last().json()["to"], "+15550100");
//! ```

mod reply;
mod server;

pub use reply::Reply;

use super::certificate::{Authority, Flaw};
use hyper::header::HeaderMap;
use notify_providers::http::HttpOptions;
use serde_json::Value;
use server::{Protocols, Server};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a vendor was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// As the client was given it, with the query.
    pub url: String,
    /// Without the query.
    pub path: String,
    /// As it came, without the question mark.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Which connection, from 0.
    pub connection: usize,
    pub http2: bool,
}

impl Request {
    /// The only value of a header; panics if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} comes twice");
        Some(value.to_str().expect("a header of text"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of UTF-8")
    }

    /// The body, which must be JSON and say so.
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    /// The pairs of the body, which must be a form and say so.
    pub fn form(&self) -> Vec<(String, String)> {
        let form = "application/x-www-form-urlencoded";
        assert_eq!(self.header("content-type"), Some(form));
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The only value of this name in the form.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut values = self.form().into_iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value);
        assert!(values.next().is_none(), "{name} comes twice");
        value
    }
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

/// A vendor on this machine. It ends when this is dropped.
pub struct FakeVendor {
    server: Server,
    requests: Arc<Mutex<Vec<Request>>>,
    /// What a client must trust, where there is TLS.
    roots: Option<String>,
}

impl FakeVendor {
    /// HTTP/1.1 and HTTP/2 by prior knowledge, without TLS.
    pub fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(Arc::new(script), Protocols::Plain, None)
    }

    /// HTTP/1.1 behind TLS.
    pub fn start_tls(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_certificate(Flaw::None, &["http/1.1"], script)
    }

    /// HTTP/2 behind TLS.
    pub fn start_http2(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_certificate(Flaw::None, &["h2"], script)
    }

    /// HTTP/2 behind TLS, for clients that show a certificate of this authority.
    pub fn start_http2_asking(
        clients: &Authority,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::new();
        let certificate = authority.issue(Flaw::None);
        let config = certificate.server_config_asking(&["h2"], clients);
        let protocols = Protocols::Tls(config);
        Self::serve(Arc::new(script), protocols, Some(authority.pem()))
    }

    /// TLS with a certificate that is flawed so.
    pub fn with_certificate(
        flaw: Flaw,
        protocols: &[&str],
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::new();
        let config = authority.issue(flaw).server_config_for(protocols);
        Self::serve(
            Arc::new(script),
            Protocols::Tls(config),
            Some(authority.pem()),
        )
    }

    fn serve(script: Arc<Script>, protocols: Protocols, roots: Option<String>) -> Self {
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let kept = Arc::clone(&requests);
        let handler = move |request: Request| {
            let reply = script(&request);
            kept.lock().expect("not poisoned").push(request);
            reply
        };
        Self {
            server: Server::start(protocols, Arc::new(handler)),
            requests,
            roots,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The base URL.
    pub fn url(&self) -> String {
        let scheme = if self.roots.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://127.0.0.1:{}", self.server.address.port())
    }

    /// What leads a provider here.
    pub fn options(&self) -> HttpOptions {
        let options = HttpOptions::new()
            .base_url(self.url())
            .connect_timeout(Duration::from_secs(10));
        match &self.roots {
            Some(pem) => options.root_certificates(pem.as_str()),
            None => options,
        }
    }

    /// Everything it was asked, in the order in which it was answered.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("not poisoned").clone()
    }

    /// The only request; panics if there are none or several.
    pub fn only(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "one request");
        requests.into_iter().next().expect("is there")
    }

    /// The last request; panics if there is none.
    pub fn last(&self) -> Request {
        self.requests().pop().expect("a request")
    }

    /// Closes all connections, waits until the client has noticed, and refuses the next one before TLS: nothing can be written.
    pub async fn unreachable_once(&self) {
        assert!(self.roots.is_some(), "without TLS the client writes first");
        self.server.unreachable_once().await;
    }

    /// Ends it, and waits until nobody listens any more.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
