//! Standard Webhooks: signing what is sent to customers, and verifying what comes in.

use aws_lc_rs::rand;
use notify_core::clock::Timestamp;
use notify_core::{Error, ErrorKind, Result};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use std::fmt;
use std::time::Duration;

use super::encoding::{base64, unbase64};
use super::hmac::{self, Hash};
use super::{Refused, check_age, seconds, unix_seconds};

/// What a secret in its text form begins with.
const PREFIX: &str = "whsec_";
/// How many bytes a new secret has; the specification asks for 24 to 64.
const NEW_SECRET: usize = 32;
/// The fewest bytes of a secret that is accepted: 128 bits. Svix hands out some of 18.
const MIN_SECRET: usize = 16;
/// The most bytes of a secret that is accepted.
const MAX_SECRET: usize = 128;
/// How far the two clocks may differ, as in the specification's own libraries.
const TOLERANCE: Duration = Duration::from_secs(300);
/// The most signatures of one request that are looked at.
const MAX_SIGNATURES: usize = 16;

/// Signs webhooks and verifies them, by the symmetric scheme of
/// [Standard Webhooks](https://www.standardwebhooks.com) (`v1`: HMAC-SHA-256 over id, time and body).
/// Svix uses the same scheme.
///
/// For two sides: an application that sends webhooks to its customers signs them, and one that gets
/// webhooks from such a service verifies them. Both sides may have several secrets while one is
/// replaced: what is sent is signed with each of them, and what comes in has to match one. `Debug`
/// shows no secret.
///
/// ```
/// use notify_core::clock::Timestamp;
/// use notify_providers::signature::StandardWebhooks;
///
/// // The test vector of the specification's own library.
/// let webhooks = StandardWebhooks::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")?;
/// let body = br#"{"email":"test@example.com","username":"test_user"}"#;
/// let now = Timestamp::from_micros(1_649_367_553_000_000);
///
/// let headers = webhooks.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", body, now)?;
/// assert_eq!(headers[2].0, "webhook-signature");
/// assert_eq!(headers[2].1, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
///
/// // On the other side, with the headers of the request and its raw body:
/// let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
/// webhooks.verify(header, body, now)?;
/// assert!(webhooks.verify(header, b"{}", now).is_err());
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone)]
pub struct StandardWebhooks {
    secrets: Vec<SecretSlice<u8>>,
    tolerance: Duration,
}

impl StandardWebhooks {
    /// Signs and verifies with this secret: base64 of 16 to 128 bytes, with `whsec_` in front of it
    /// or without.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it is none. The text does not show it.
    pub fn new(secret: impl Into<SecretString>) -> Result<Self> {
        Ok(Self {
            secrets: vec![read(&secret.into())?],
            tolerance: TOLERANCE,
        })
    }

    /// A second secret, or a third, while one takes the place of another.
    ///
    /// Whoever sends gives the new one first and the old one here; both signatures go into the one
    /// header, and each receiver finds its own.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it is none. The text does not show it.
    pub fn and(mut self, secret: impl Into<SecretString>) -> Result<Self> {
        self.secrets.push(read(&secret.into())?);
        Ok(self)
    }

    /// How old a webhook may be when it is verified, and how far ahead its clock: 5 minutes unless
    /// set, as in the specification's libraries. More gives more time to whoever wants to send a
    /// webhook again that is not theirs.
    #[must_use]
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// A new secret of 32 random bytes, such as `whsec_…`: for a new customer, or to replace one.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the operating system has no randomness.
    pub fn generate_secret() -> Result<SecretString> {
        let mut bytes = Zeroizing::new([0; NEW_SECRET]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| {
            Error::new(
                ErrorKind::Unexpected,
                "the operating system has no randomness",
            )
        })?;
        let text = Zeroizing::new(base64(bytes.as_slice()));
        Ok(format!("{PREFIX}{}", text.as_str()).into())
    }

    /// The three headers that a webhook is sent with: `webhook-id`, `webhook-timestamp` and
    /// `webhook-signature`.
    ///
    /// `id` is the event's: the same for every attempt, so that the receiver can tell repetitions.
    /// The time is the attempt's: sign each attempt anew. `body` must be sent as it is given here.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if `id` is empty or holds anything but visible ASCII without dots.
    pub fn sign(
        &self,
        id: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<[(&'static str, String); 3]> {
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_graphic() && b != b'.') {
            let why = "must be visible ASCII characters without dots";
            return Err(Error::invalid("webhook-id", why));
        }
        let timestamp = seconds(now).to_string();
        let signed = signed(id, &timestamp, body);
        let sign = |secret: &SecretSlice<u8>| {
            let tag = hmac::sign(Hash::Sha256, secret.expose_secret(), &signed);
            format!("v1,{}", base64(tag.as_ref()))
        };
        let signatures: Vec<_> = self.secrets.iter().map(sign).collect();
        Ok([
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signatures.join(" ")),
        ])
    }

    /// Checks that a webhook was signed with one of the secrets, and not long ago.
    ///
    /// `header` looks up a header by its name in lower case; `webhook-…` is asked for, and `svix-…`
    /// if there is none. `body` must be as it came, before it was parsed. Afterwards compare the
    /// id with those of the last minutes: the same webhook may come again.
    ///
    /// ```no_run
    /// # use notify_core::clock::{Clock, SystemClock};
    /// # use std::collections::HashMap;
    /// # fn handle(webhooks: &notify_providers::signature::StandardWebhooks, headers: HashMap<String, String>, body: &[u8]) -> notify_core::Result<()> {
    /// webhooks.verify(|name| headers.get(name).map(String::as_str), body, SystemClock::new().now())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for the field `signature`; the text says what is missing, old or
    /// different, without showing it. Answer 401 and do not say more.
    pub fn verify<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<()> {
        Ok(self.check(header, body, now)?)
    }

    pub(crate) fn check<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Refused> {
        let find = |name: &'static str, alias| {
            let value = header(name).or_else(|| header(alias));
            value.ok_or(Refused::Missing(name))
        };
        let id = find("webhook-id", "svix-id")?;
        let timestamp = find("webhook-timestamp", "svix-timestamp")?;
        let signatures = find("webhook-signature", "svix-signature")?;
        let signed = signed(id, timestamp, body);
        let sign =
            |secret: &SecretSlice<u8>| hmac::sign(Hash::Sha256, secret.expose_secret(), &signed);
        let tags: Vec<_> = self.secrets.iter().map(sign).collect();
        // Other versions stand beside ours: `v1a` is asymmetric.
        let mut given = signatures
            .split(' ')
            .take(MAX_SIGNATURES)
            .filter_map(|signature| unbase64(signature.strip_prefix("v1,")?));
        if !given.any(|given| tags.iter().any(|tag| hmac::is_same(tag.as_ref(), &given))) {
            return Err(Refused::Mismatch);
        }
        check_age(
            unix_seconds(timestamp, "webhook-timestamp")?,
            now,
            self.tolerance,
        )
    }
}

fn signed<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

fn read(secret: &SecretString) -> Result<SecretSlice<u8>> {
    let text = secret.expose_secret().trim();
    let bytes = unbase64(text.strip_prefix(PREFIX).unwrap_or(text)).map(Zeroizing::new);
    match bytes {
        // Copied, because what is converted may be moved and leave a trace.
        Some(bytes) if (MIN_SECRET..=MAX_SECRET).contains(&bytes.len()) => {
            Ok(bytes.to_vec().into())
        }
        _ => Err(Error::new(
            ErrorKind::Config,
            "the webhook secret is not base64 of 16 to 128 bytes, with `whsec_` in front or without",
        )),
    }
}

impl fmt::Debug for StandardWebhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandardWebhooks")
            .field("secrets", &self.secrets.len())
            .field("tolerance", &self.tolerance)
            .finish()
    }
}

#[cfg(test)]
mod tests;
