//! The certificates that SNS signs with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::signature::sns::SnsMessage;

/// The most certificates that are kept. A region has one at a time, and a new one each year or so.
const MAX_KEPT: usize = 16;
/// The most bytes of a certificate; they have two thousand.
const MAX_BYTES: usize = 64 * 1_024;

/// Where a parser finds certificates. It must answer at once: a parser does no I/O.
pub trait CertificateSource: Send + Sync + 'static {
    /// The certificate behind this URL (X.509 in PEM), if it is here.
    fn certificate(&self, url: &str) -> Option<Arc<[u8]>>;
}

/// Certificates of SNS that the application has fetched, kept by their URLs.
///
/// Before a request is parsed the application asks [`missing`](Self::missing), and if there is an answer fetches that URL, without
/// following redirects, and gives what it got to [`insert`](Self::insert). That is once for each region and year.
///
/// ```
/// use notify_providers::email::ses::SnsCertificates;
///
/// # fn fetch(url: &str) -> Vec<u8> { Vec::new() }
/// # fn example(certificates: &SnsCertificates, body: &[u8]) {
/// if let Some(url) = certificates.missing(body) {
///     let pem = fetch(&url); // By the application's HTTP client.
///     certificates.insert(url, pem);
/// }
/// # }
/// ```
#[derive(Default)]
pub struct SnsCertificates(RwLock<BTreeMap<String, Arc<[u8]>>>);

impl SnsCertificates {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The URL of the certificate that this request's body needs and that is not here. It is at SNS: whatever a stranger writes into a
    /// body, no other server is asked.
    #[must_use]
    pub fn missing(&self, body: &[u8]) -> Option<String> {
        let message = SnsMessage::parse(body).ok()?;
        let url = message.certificate_url().ok()?;
        self.certificate(url).is_none().then(|| url.to_owned())
    }

    /// Keeps a certificate (X.509 in PEM) under the URL it came from. What is larger than 64 KiB is none; of more than 16 the one
    /// with the first URL goes.
    pub fn insert(&self, url: impl Into<String>, pem: impl Into<Vec<u8>>) {
        let pem = pem.into();
        if pem.is_empty() || pem.len() > MAX_BYTES {
            return;
        }
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.pop_first();
        }
        kept.insert(url.into(), pem.into());
    }
}

impl CertificateSource for SnsCertificates {
    fn certificate(&self, url: &str) -> Option<Arc<[u8]>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(url).cloned()
    }
}

impl fmt::Debug for SnsCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("SnsCertificates")
            .field("kept", &kept.len())
            .finish()
    }
}
