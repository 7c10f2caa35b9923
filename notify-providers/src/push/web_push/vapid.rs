//! VAPID (RFC 8292): who sends, said to push services.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsBigEndian as _, EcPrivateKeyBin};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use notify_core::clock::Timestamp;
use notify_core::{Error, ErrorKind, Result};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, json};
use std::fmt;
use std::time::Duration;

use crate::signature::encoding::{base64url, unbase64url};
use crate::signature::jwt::SigningKey;
use crate::signature::seconds;

/// The longest that a token may be valid (RFC 8292 §2).
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3_600);
/// How long a token is valid unless something else is asked for: room for clocks that differ.
const LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// The key pair by which push services know an application: P-256, for the whole application and for
/// years. A browser's subscription belongs to the key it was made with, so a new key needs new
/// subscriptions. `Debug` shows the public half only.
///
/// See [the module](super) for an example.
pub struct VapidKey {
    key: SigningKey,
    public_key: String,
    private_key: SecretString,
}

impl VapidKey {
    /// A new key pair. Keep [`private_key`](Self::private_key) where the application keeps its
    /// secrets.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the operating system has no randomness.
    pub fn generate() -> Result<Self> {
        let failed = |_| Error::new(ErrorKind::Unexpected, "no VAPID key can be made");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        Self::from_pair(pair)
    }

    /// A private key as [`private_key`](Self::private_key) and the usual tools write it: its 32
    /// bytes in base64url; or in PEM, PKCS#8 or SEC 1.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it is neither. The text does not show it.
    pub fn from_private_key(private_key: &SecretString) -> Result<Self> {
        if private_key.expose_secret().contains("-----BEGIN") {
            return match SigningKey::es256(private_key)? {
                SigningKey::Es256(pair) => Self::from_pair(*pair),
                SigningKey::Rs256(_) => Err(not_a_key()),
            };
        }
        let bytes = unbase64url(private_key.expose_secret().trim());
        let bytes = Zeroizing::new(bytes.ok_or_else(not_a_key)?);
        let key = PrivateKey::from_private_key(&ECDH_P256, &bytes).map_err(|_| not_a_key())?;
        let point = key.compute_public_key().map_err(|_| not_a_key())?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &bytes,
            point.as_ref(),
        );
        Self::from_pair(pair.map_err(|_| not_a_key())?)
    }

    fn from_pair(pair: EcdsaKeyPair) -> Result<Self> {
        let private: EcPrivateKeyBin<'_> = pair
            .private_key()
            .as_be_bytes()
            .map_err(|_| Error::new(ErrorKind::Unexpected, "the VAPID key cannot be written"))?;
        Ok(Self {
            public_key: base64url(pair.public_key().as_ref()),
            private_key: base64url(private.as_ref()).into(),
            key: SigningKey::Es256(Box::new(pair)),
        })
    }

    /// The public half, 65 bytes in base64url without padding: what the page gives to the browser as
    /// `applicationServerKey`.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The private half, 32 bytes in base64url without padding.
    #[must_use]
    pub fn private_key(&self) -> SecretString {
        self.private_key.clone()
    }
}

fn not_a_key() -> Error {
    let expected = "the VAPID key is neither 32 bytes in base64url nor a P-256 private key in PEM";
    Error::new(ErrorKind::Config, expected)
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VapidKey")
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}

/// A key and whom a push service may write to if something goes wrong.
#[derive(Debug)]
pub(crate) struct Vapid {
    key: VapidKey,
    contact: String,
}

impl Vapid {
    /// A key, and a contact of the form `mailto:…` or `https://…`: some services refuse messages
    /// without one.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the contact is neither.
    pub(crate) fn new(key: VapidKey, contact: impl Into<String>) -> Result<Self> {
        let contact = contact.into();
        let rest = contact
            .strip_prefix("mailto:")
            .filter(|mailbox| mailbox.contains('@'))
            .or_else(|| contact.strip_prefix("https://"));
        let visible = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic());
        if !rest.is_some_and(visible) {
            let why = "the VAPID contact is neither `mailto:…` nor `https://…`";
            return Err(Error::new(ErrorKind::Config, why));
        }
        Ok(Self { key, contact })
    }

    /// The value of the header `Authorization` for messages to push services of one origin, valid
    /// for half a day from `now`. One serves all messages to that origin for as long.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the key does not sign.
    pub(crate) fn authorization(&self, origin: &str, now: Timestamp) -> Result<SecretString> {
        self.authorization_for(origin, now, LIFETIME)
    }

    /// The same with another lifetime, which is cut to 24 hours.
    pub(crate) fn authorization_for(
        &self,
        origin: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<SecretString> {
        let header = Map::from_iter([("typ".to_owned(), "JWT".into())]);
        let claims = json!({
            "aud": origin,
            "exp": seconds(now + lifetime.min(MAX_LIFETIME)),
            "sub": self.contact,
        });
        let token = self.key.key.token(header, &claims)?;
        let key = &self.key.public_key;
        Ok(format!("vapid t={}, k={key}", token.expose_secret()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::jwt::{VerifyingKey, verify};
    use serde_json::Value;

    /// RFC 8292 §2.4.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
    const KEY: &str =
        "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
    /// The sender of RFC 8291, appendix A: any P-256 key will do.
    const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const PUBLIC: &str =
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
    const NOW: Timestamp = Timestamp::from_micros(1_453_480_568_000_000);

    /// What a push service does with the header.
    fn read(header: &str) -> (Value, String) {
        let (token, key) = header
            .strip_prefix("vapid t=")
            .and_then(|rest| rest.split_once(", k="))
            .expect("the form of RFC 8292 §3");
        let point = unbase64url(key).expect("base64url");
        let claims = verify(token, &VerifyingKey::Es256(&point)).expect("the key's own");
        (claims, key.to_owned())
    }

    fn vapid() -> Vapid {
        let key = VapidKey::from_private_key(&PRIVATE.into()).expect("a key");
        Vapid::new(key, "mailto:push@example.com").expect("a contact")
    }

    #[test]
    fn the_header_of_rfc_8292_passes_and_ours_says_the_same() {
        let (claims, _) = read(&format!("vapid t={TOKEN}, k={KEY}"));
        let ours = vapid()
            .authorization("https://push.example.net", NOW)
            .expect("signs");
        let (our_claims, key) = read(ours.expose_secret());
        assert_eq!(key, PUBLIC);
        assert_eq!(our_claims, claims);
    }

    #[test]
    fn no_token_is_valid_for_more_than_a_day() {
        let vapid = vapid();
        let expiry = |lifetime| {
            let header = vapid.authorization_for("https://a.example", NOW, lifetime);
            read(header.expect("signs").expose_secret()).0["exp"].as_i64()
        };
        let day = Some(1_453_480_568 + 86_400);
        assert_eq!(expiry(Duration::MAX), day);
        assert_eq!(expiry(Duration::from_secs(86_401)), day);
        assert_eq!(expiry(Duration::from_secs(60)), Some(1_453_480_568 + 60));
    }

    #[test]
    fn a_key_is_made_kept_and_read_again() {
        let key = VapidKey::generate().expect("makes one");
        let point = unbase64url(key.public_key()).expect("base64url");
        assert_eq!((point.len(), point[0]), (65, 4));
        let again = VapidKey::from_private_key(&key.private_key()).expect("reads");
        assert_eq!(again.public_key(), key.public_key());
        let other = VapidKey::generate().expect("makes one");
        assert_ne!(other.public_key(), key.public_key());
        let known = VapidKey::from_private_key(&PRIVATE.into()).expect("reads");
        assert_eq!(known.public_key(), PUBLIC);
        assert_eq!(known.private_key().expose_secret(), PRIVATE);
    }

    #[test]
    fn a_key_in_pem_reads_too() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("makes one");
        let der = pair.to_pkcs8v1().expect("exports");
        let der = crate::signature::encoding::base64(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
        let key = VapidKey::from_private_key(&pem.into()).expect("reads");
        assert_eq!(key.public_key(), base64url(pair.public_key().as_ref()));
    }

    #[test]
    fn what_is_no_key_is_refused_and_never_shown() {
        let zero = base64url(&[0; 32]);
        let over = base64url(&[0xff; 32]);
        for bad in [
            "",
            "hunter2",
            PUBLIC,
            &PRIVATE[..40],
            &zero,
            &over,
            "-----BEGIN hunter2",
        ] {
            let error = VapidKey::from_private_key(&bad.into()).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let shown = format!("{:?}", vapid());
        assert!(
            shown.contains(PUBLIC) && !shown.contains(PRIVATE),
            "{shown}"
        );
    }

    #[test]
    fn a_contact_is_a_mailbox_or_a_page() {
        for (contact, good) in [
            ("mailto:ops@example.com", true),
            ("https://example.com/contact", true),
            ("ops@example.com", false),
            ("mailto:ops", false),
            ("https://", false),
            ("http://example.com", false),
            ("mailto:ops@example.com\r\nX: y", false),
        ] {
            let key = VapidKey::generate().expect("makes one");
            assert_eq!(Vapid::new(key, contact).is_ok(), good, "{contact}");
        }
    }
}
