//! One request of a vendor's interface, as data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use notify_core::provider::Fault;
use notify_core::secret::{ExposeSecret as _, SecretString};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use std::fmt;

/// One request, before it is sent. Setters never fail: what cannot be written is a request fault when it is sent.
///
/// `Debug` shows the method and the names of the headers only: paths, queries, values and bodies hold tokens and people.
#[must_use]
pub struct Call {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) flaw: Option<Fault>,
}

/// Where a call goes.
pub(super) enum Target {
    /// Behind the client's base URL.
    Path(String),
    /// Somewhere else.
    Url(String),
}

impl Call {
    fn new(method: Method, target: Target) -> Self {
        Self {
            method,
            target,
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            flaw: None,
        }
    }

    /// `GET` of a path behind the client's base URL; begins with `/`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, Target::Path(path.into()))
    }

    /// `POST` to a path behind the client's base URL; begins with `/`. What varies in it is encoded by [`segment`](Self::segment).
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, Target::Path(path.into()))
    }

    /// `PUT` to a path behind the client's base URL; begins with `/`.
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, Target::Path(path.into()))
    }

    /// `GET` of a whole URL.
    pub fn get_url(url: impl Into<String>) -> Self {
        Self::new(Method::GET, Target::Url(url.into()))
    }

    /// `POST` to a whole URL, such as a token endpoint, or an address that is a URL.
    pub fn post_url(url: impl Into<String>) -> Self {
        Self::new(Method::POST, Target::Url(url.into()))
    }

    /// Text as one segment of a path: all but letters, digits and `-._~` is percent-encoded.
    ///
    /// ```
    /// use notify_providers::http::Call;
    ///
    /// assert_eq!(Call::segment("a/../b c"), "a%2F..%2Fb%20c");
    /// ```
    #[must_use]
    pub fn segment(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        out
    }

    /// With more parameters in the query. Each is encoded.
    pub fn query<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let query = form_urlencoded::Serializer::new(self.query)
            .extend_pairs(pairs)
            .finish();
        self.query = query;
        self
    }

    /// With a header.
    pub fn header(self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.with(HeaderName::from_static(name), value.as_ref(), false)
    }

    /// With a header whose value is never shown.
    pub fn secret_header(self, name: &'static str, value: &SecretString) -> Self {
        self.with(HeaderName::from_static(name), value.expose_secret(), true)
    }

    /// With `Authorization: Bearer …` (RFC 6750 §2.1).
    pub fn bearer(self, token: &SecretString) -> Self {
        self.authorization("Bearer", token)
    }

    /// With `Authorization` of another scheme, such as `key` or `vapid`.
    pub fn authorization(self, scheme: &str, credentials: &SecretString) -> Self {
        let value = format!("{scheme} {}", credentials.expose_secret());
        self.with(AUTHORIZATION, &value, true)
    }

    /// With `Authorization: Basic …` (RFC 7617). The user must not hold a colon.
    pub fn basic(mut self, user: &str, password: &SecretString) -> Self {
        if user.contains(':') {
            self.flaw = Some(Fault::config("credentials"));
        }
        let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
        self.with(AUTHORIZATION, &format!("Basic {pair}"), true)
    }

    /// With JSON as the body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.bytes("application/json", bytes),
            Err(_) => {
                self.flaw = Some(Fault::request("content"));
                self
            }
        }
    }

    /// With a form as the body (`application/x-www-form-urlencoded`). A name may occur several times.
    pub fn form<N: AsRef<str>, V: AsRef<str>>(
        self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.bytes("application/x-www-form-urlencoded", form)
    }

    /// With these bytes as the body.
    pub fn bytes(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.with(CONTENT_TYPE, content_type, false)
    }

    fn with(mut self, name: HeaderName, value: &str, secret: bool) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(secret);
                self.headers.insert(name, value);
            }
            // A secret that is no header is a mistake of the configuration, anything else one of the message.
            Err(_) if secret => self.flaw = Some(Fault::config("credentials")),
            Err(_) => self.flaw = Some(Fault::request("header")),
        }
        self
    }

    /// Says that JSON is understood, where the vendor's provider has not said what is.
    pub(super) fn accept_json(&mut self) {
        self.headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret_and_no_content() {
        let secret = SecretString::from("hunter2");
        let call = Call::post("/bot-hunter2/send")
            .bearer(&secret)
            .secret_header("x-key", &secret)
            .query([("key", "hunter2")])
            .form([("text", "hunter2")]);
        let shown = format!("{call:?} {:?}", call.headers);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            !format!("{:?}", Call::get("/").basic("hunter2", &secret).headers)
                .contains("aHVudGVyMjpodW50ZXIy")
        );
    }

    #[test]
    fn basic_credentials_are_those_of_rfc_7617() {
        // RFC 7617 §2, the example.
        let call = Call::get("/").basic("Aladdin", &SecretString::from("open sesame"));
        let value = call.headers.get(AUTHORIZATION).expect("is set");
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let call = Call::get("/").basic("a:b", &SecretString::from("c"));
        assert_eq!(call.flaw, Some(Fault::config("credentials")));
    }

    #[test]
    fn what_would_break_a_header_is_a_flaw() {
        let call = Call::get("/").header("x-text", "a\r\nx-other: b");
        assert_eq!(call.flaw, Some(Fault::request("header")));
        let call = Call::get("/").bearer(&SecretString::from("a\nb"));
        assert_eq!(call.flaw, Some(Fault::config("credentials")));
    }

    #[test]
    fn a_form_may_repeat_a_name() {
        let call = Call::post("/").form([("a", "1 &"), ("a", "ü")]);
        assert_eq!(call.body, "a=1+%26&a=%C3%BC");
    }
}
