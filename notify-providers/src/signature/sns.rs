//! Messages of Amazon SNS over HTTP: who signed them, and with which certificate.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use notify_core::clock::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use webpki::EndEntityCert;

use super::Refused;
use super::encoding::unbase64;

/// What SNS has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something was published to the topic.
    Notification,
    /// The address is to be confirmed as a subscriber, by a GET of
    /// [`subscribe_url`](SnsMessage::subscribe_url).
    SubscriptionConfirmation,
    /// The address was taken off the topic.
    UnsubscribeConfirmation,
}

/// A message as it came. `Debug` shows its kind only.
///
/// A right signature says that *some* topic of *some* AWS account sent it: the topic has to be
/// compared with those that are expected. [`message_id`](Self::message_id) tells repetitions.
pub(crate) struct SnsMessage {
    pub(crate) kind: Kind,
    pub(crate) message_id: String,
    pub(crate) topic_arn: String,
    /// What was published, or a sentence about the subscription.
    pub(crate) message: String,
    subject: Option<String>,
    timestamp: String,
    token: Option<String>,
    subscribe_url: Option<String>,
    signature: Vec<u8>,
    version: String,
    certificate_url: String,
}

impl SnsMessage {
    /// Reads the JSON of a request's body. It proves nothing yet.
    ///
    /// With raw delivery the body is what was published, without a signature: then this fails.
    ///
    /// # Errors
    /// [`Refused::Malformed`], [`Refused::Missing`] or [`Refused::Unsupported`] with the field.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refused> {
        let json: Value = serde_json::from_slice(body).map_err(|_| Refused::Malformed("body"))?;
        let optional = |name| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let required = |name| optional(name).ok_or(Refused::Missing(name));
        let kind = match required("Type")?.as_str() {
            "Notification" => Kind::Notification,
            "SubscriptionConfirmation" => Kind::SubscriptionConfirmation,
            "UnsubscribeConfirmation" => Kind::UnsubscribeConfirmation,
            _ => return Err(Refused::Unsupported("Type")),
        };
        let (mut token, mut subscribe_url) = (None, None);
        if kind != Kind::Notification {
            token = Some(required("Token")?);
            subscribe_url = Some(required("SubscribeURL")?);
        }
        // Lambda spells it in its own way.
        let certificate_url = required("SigningCertURL").or_else(|_| required("SigningCertUrl"));
        Ok(Self {
            kind,
            message_id: required("MessageId")?,
            topic_arn: required("TopicArn")?,
            message: required("Message")?,
            subject: optional("Subject"),
            timestamp: required("Timestamp")?,
            token,
            subscribe_url,
            signature: unbase64(&required("Signature")?).ok_or(Refused::Malformed("Signature"))?,
            version: required("SignatureVersion")?,
            certificate_url: certificate_url.map_err(|_| Refused::Missing("SigningCertURL"))?,
        })
    }

    /// Where the certificate is to be fetched, without following redirects: at AWS and nowhere else.
    ///
    /// # Errors
    /// [`Refused::Malformed`] if the address leads anywhere else.
    pub(crate) fn certificate_url(&self) -> Result<&str, Refused> {
        let malformed = Refused::Malformed("SigningCertURL");
        let path = path_at_sns(&self.certificate_url).ok_or(malformed)?;
        let is_pem = path.ends_with(".pem") && !path.contains(['?', '#']);
        is_pem
            .then_some(self.certificate_url.as_str())
            .ok_or(malformed)
    }

    /// What is to be fetched to confirm a subscription: at AWS and nowhere else.
    ///
    /// # Errors
    /// [`Refused::Missing`] for a notification; [`Refused::Malformed`] if the address leads
    /// anywhere else.
    pub(crate) fn subscribe_url(&self) -> Result<&str, Refused> {
        let url = self.subscribe_url.as_deref();
        let url = url.ok_or(Refused::Missing("SubscribeURL"))?;
        path_at_sns(url).ok_or(Refused::Malformed("SubscribeURL"))?;
        Ok(url)
    }

    /// Whether the message was signed with the key of this certificate (X.509 in PEM, from
    /// [`certificate_url`](Self::certificate_url)), no longer than `max_age` ago.
    ///
    /// Who issued the certificate and until when it is valid is not looked at: it is to be trusted
    /// because of where it came from.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn verify(
        &self,
        certificate: &[u8],
        now: Timestamp,
        max_age: Duration,
    ) -> Result<(), Refused> {
        let algorithm = match self.version.as_str() {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(Refused::Unsupported("SignatureVersion")),
        };
        let malformed = Refused::Malformed("certificate");
        let der = CertificateDer::from_pem_slice(certificate).map_err(|_| malformed)?;
        let certificate = EndEntityCert::try_from(&der).map_err(|_| malformed)?;
        let key = certificate.subject_public_key_info();
        UnparsedPublicKey::new(algorithm, key.as_ref())
            .verify(self.string_to_sign().as_bytes(), &self.signature)
            .map_err(|_| Refused::Mismatch)?;
        self.check_age(now, max_age)
    }

    fn string_to_sign(&self) -> String {
        let notification = self.kind == Kind::Notification;
        let subject = self.subject.as_ref().filter(|_| notification);
        let mut text = String::new();
        for (name, value) in [
            ("Message", Some(&self.message)),
            ("MessageId", Some(&self.message_id)),
            ("Subject", subject),
            ("SubscribeURL", self.subscribe_url.as_ref()),
            ("Timestamp", Some(&self.timestamp)),
            ("Token", self.token.as_ref()),
            ("TopicArn", Some(&self.topic_arn)),
            ("Type", Some(&format!("{:?}", self.kind))),
        ] {
            if let Some(value) = value {
                text.extend([name, "\n", value, "\n"]);
            }
        }
        text
    }

    /// Times of RFC 3339 in UTC are in the order of their text, up to the seconds.
    fn check_age(&self, now: Timestamp, max_age: Duration) -> Result<(), Refused> {
        let to_seconds = |text: &str| text.get(..19).map(str::to_owned);
        let shape = |b: &u8| if b.is_ascii_digit() { b'0' } else { *b };
        let at = to_seconds(&self.timestamp).filter(|at| {
            at.bytes().map(|b| shape(&b)).eq(*b"0000-00-00T00:00:00")
                && self.timestamp.ends_with('Z')
        });
        let at = at.ok_or(Refused::Malformed("Timestamp"))?;
        let oldest = to_seconds(&(now - max_age).to_string()).unwrap_or_default();
        let newest = to_seconds(&(now + max_age).to_string()).unwrap_or_default();
        if at < oldest {
            Err(Refused::Expired)
        } else if at > newest {
            Err(Refused::Early)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for SnsMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsMessage")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The path of an `https` address at `sns.<region>.amazonaws.com` or `….com.cn`, and of no other.
///
/// Stricter than the pattern that AWS publishes, which also takes the bucket `sns` of S3's older
/// names (`sns.s3-us-west-2.amazonaws.com`), where anybody could keep a certificate.
fn path_at_sns(url: &str) -> Option<&str> {
    if !url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return None;
    }
    let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
    let region = host.strip_prefix("sns.")?;
    let region = region.strip_suffix(".cn").unwrap_or(region);
    let region = region.strip_suffix(".amazonaws.com")?;
    let (area, number) = region.rsplit_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let is_area = area.contains('-')
        && area
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
    (is_number && is_area).then_some(path)
}

#[cfg(test)]
mod tests;
