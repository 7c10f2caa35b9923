//! AWS Signature Version 4, for requests to SES and SNS.

use aws_lc_rs::hmac::Tag;
use notify_core::clock::Timestamp;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;

use super::encoding::{hex, percent_encode, sha256_hex};
use super::hmac::{Hash, sign};
use super::seconds;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// An access key and what it is used for. `Debug` shows region and service only.
pub(crate) struct Signer {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    region: String,
    service: &'static str,
}

/// The parts of a request that are signed.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// As it is sent, already encoded and without `.`, `..` and empty segments.
    pub(crate) path: &'a str,
    /// Decoded names and values.
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// `host` and what else is to be signed, each name once: `content-type` should be.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

/// The headers that a signed request gets besides its own.
pub(crate) struct Signed {
    /// `x-amz-date`.
    pub(crate) date: String,
    /// `x-amz-security-token`, with temporary credentials.
    pub(crate) security_token: Option<SecretString>,
    /// `authorization`.
    pub(crate) authorization: String,
}

impl Signer {
    /// A key for one service in one region. SES signs as `ses` although its host is `email.…`.
    pub(crate) fn new(
        access_key_id: impl Into<String>,
        secret_access_key: SecretString,
        region: impl Into<String>,
        service: &'static str,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key,
            session_token: None,
            region: region.into(),
            service,
        }
    }

    /// The token that belongs to temporary credentials.
    #[must_use]
    pub(crate) fn session_token(mut self, token: SecretString) -> Self {
        self.session_token = Some(token);
        self
    }

    /// The headers that prove who asks. AWS takes them for five minutes from `now`.
    pub(crate) fn sign(&self, request: &Request<'_>, now: Timestamp) -> Signed {
        let date = basic_date(now);
        let (canonical, names) = self.canonical_request(request, &date);
        let day = date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let hash = sha256_hex(canonical.as_bytes());
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{hash}");
        let signature = sign(
            Hash::Sha256,
            self.signing_key(day).as_ref(),
            &[text.as_bytes()],
        );
        let authorization = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            self.access_key_id,
            hex(signature.as_ref())
        );
        Signed {
            date,
            security_token: self.session_token.clone(),
            authorization,
        }
    }

    /// The canonical request, and the names of the headers in it.
    fn canonical_request(&self, request: &Request<'_>, date: &str) -> (Zeroizing<String>, String) {
        let mut headers: Vec<(String, &str)> = Vec::with_capacity(request.headers.len() + 2);
        let own = request.headers.iter();
        headers.extend(own.map(|(name, value)| (name.to_ascii_lowercase(), *value)));
        headers.push(("x-amz-date".to_owned(), date));
        if let Some(token) = &self.session_token {
            headers.push(("x-amz-security-token".to_owned(), token.expose_secret()));
        }
        headers.sort();
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");

        let query = request.query.iter();
        let mut query: Vec<_> = query
            .map(|(name, value)| (percent_encode(name, b""), percent_encode(value, b"")))
            .collect();
        query.sort();
        let query: Vec<_> = query.iter().map(|(n, v)| format!("{n}={v}")).collect();

        // Every service but S3 wants the path that is sent encoded once more.
        let path = percent_encode(request.path, b"/");
        let head = format!("{}\n{path}\n{}\n", request.method, query.join("&"));
        let mut canonical = Zeroizing::new(head);
        for (name, value) in &headers {
            canonical.push_str(name);
            let mut separator = ":";
            for word in value.split(' ').filter(|word| !word.is_empty()) {
                canonical.push_str(separator);
                canonical.push_str(word);
                separator = " ";
            }
            canonical.push_str(if separator == ":" { ":\n" } else { "\n" });
        }
        canonical.push('\n');
        canonical.push_str(&names);
        canonical.push('\n');
        canonical.push_str(&sha256_hex(request.body));
        (canonical, names)
    }

    fn signing_key(&self, day: &str) -> Tag {
        let mut secret = Zeroizing::new("AWS4".to_owned());
        secret.reserve(self.secret_access_key.expose_secret().len());
        secret.push_str(self.secret_access_key.expose_secret());
        let key = sign(Hash::Sha256, secret.as_bytes(), &[day.as_bytes()]);
        let key = sign(Hash::Sha256, key.as_ref(), &[self.region.as_bytes()]);
        let key = sign(Hash::Sha256, key.as_ref(), &[self.service.as_bytes()]);
        sign(Hash::Sha256, key.as_ref(), &[b"aws4_request"])
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("region", &self.region)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// Such as `20150830T123600Z`.
fn basic_date(at: Timestamp) -> String {
    let whole = Timestamp::from_micros(seconds(at).saturating_mul(1_000_000));
    let text = whole.to_string();
    text.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

#[cfg(test)]
mod tests;
