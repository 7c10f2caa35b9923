//! Vonage: the `sig` of the SMS API in both directions, and the token of webhooks.

use notify_core::clock::Timestamp;
use notify_core::{Error, ErrorKind, Result};
use serde_json::Value;
use std::time::Duration;

use super::encoding::{hex, unhex};
use super::hmac::{self, Hash};
use super::jwt::{VerifyingKey, check_hash_claim, time_claim, verify as verify_token};
use super::{Refused, check_age, unix_seconds};

/// The hash that the account's settings name, such as `sha256`.
///
/// # Errors
/// [`ErrorKind::Config`] for the MD5 methods: there is no MD5 here, and the setting can be changed
/// in Vonage's dashboard.
pub(crate) fn hash(setting: &str) -> Result<Hash> {
    match setting {
        "sha1" => Ok(Hash::Sha1),
        "sha256" => Ok(Hash::Sha256),
        "sha512" => Ok(Hash::Sha512),
        "md5" | "md5hash" => Err(Error::new(
            ErrorKind::Config,
            "Vonage's MD5 signatures are not supported; choose SHA-256 HMAC in its dashboard",
        )),
        _ => Err(Error::new(
            ErrorKind::Config,
            "the signature method of Vonage is one of sha1, sha256 and sha512",
        )),
    }
}

/// The value of `sig` for a request with these parameters, `timestamp` among them.
pub(crate) fn sign(secret: &[u8], hash: Hash, parameters: &[(String, String)]) -> String {
    hex(tag(secret, hash, parameters).as_ref())
}

/// Whether the `sig` among the parameters of a delivery receipt or an incoming SMS was made with the
/// signature secret no longer than `max_age` ago.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify(
    secret: &[u8],
    hash: Hash,
    parameters: &[(String, String)],
    now: Timestamp,
    max_age: Duration,
) -> Result<(), Refused> {
    let value = |wanted: &'static str| {
        let mut found = parameters.iter().filter(|(name, _)| name == wanted);
        let (_, value) = found.next().ok_or(Refused::Missing(wanted))?;
        // Of two values nobody knows which one the application reads.
        found
            .next()
            .map_or(Ok(value), |_| Err(Refused::Malformed(wanted)))
    };
    if secret.is_empty() {
        return Err(Refused::Missing("key"));
    }
    let expected = unhex(value("sig")?).ok_or(Refused::Malformed("sig"))?;
    if !hmac::is_same(tag(secret, hash, parameters).as_ref(), &expected) {
        return Err(Refused::Mismatch);
    }
    check_age(
        unix_seconds(value("timestamp")?, "timestamp")?,
        now,
        max_age,
    )
}

fn tag(secret: &[u8], hash: Hash, parameters: &[(String, String)]) -> aws_lc_rs::hmac::Tag {
    let mut parameters: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| name != "sig")
        .collect();
    parameters.sort();
    let mut text = String::new();
    for (name, value) in parameters {
        text.push('&');
        text.push_str(name);
        text.push('=');
        text.push_str(&value.replace(['&', '='], "_"));
    }
    hmac::sign(hash, secret, &[text.as_bytes()])
}

/// Whether the token in `Authorization: Bearer <token>` of a webhook was made with the signature
/// secret no longer than `max_age` ago, and for this body where it says so. Returns its claims:
/// `api_key` names the account.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify_webhook(
    secret: &[u8],
    token: &str,
    body: &[u8],
    now: Timestamp,
    max_age: Duration,
) -> Result<Value, Refused> {
    let claims = verify_token(token, &VerifyingKey::Hmac(secret, &[Hash::Sha256]))?;
    check_age(time_claim(&claims, "iat")?, now, max_age)?;
    if claims.get("payload_hash").is_some() {
        check_hash_claim(&claims, "payload_hash", body)?;
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::super::encoding::{base64url, form_pairs, sha256_hex};
    use super::super::tests::at;
    use super::*;

    const FIVE_MINUTES: Duration = Duration::from_secs(300);
    /// The tests of vonage-python-sdk: parameters and their HMAC-SHA-256 under `signature_secret`.
    const SIGNED: &str = "param1=value1&param2=value2&timestamp=1234567890";
    const SECRET: &[u8] = b"signature_secret";
    const SIG: &str = "280c4320703dbc98bfa22db676655ed2acfbfe8792b062ff7622e67f1183c287";

    #[test]
    fn the_published_parameters_are_signed_and_verified() {
        let parameters = form_pairs(SIGNED);
        assert_eq!(sign(SECRET, Hash::Sha256, &parameters), SIG);
        let received = form_pairs(&format!("sig={SIG}&{SIGNED}"));
        let verdict = |now| verify(SECRET, Hash::Sha256, &received, at(now), FIVE_MINUTES);
        assert_eq!(verdict(1_234_567_890), Ok(()));
        assert_eq!(verdict(1_234_568_190), Ok(()));
        assert_eq!(verdict(1_234_568_191), Err(Refused::Expired));
    }

    #[test]
    fn anything_that_was_changed_is_refused() {
        let verdict = |received: &str, secret: &[u8]| {
            let now = at(1_234_567_890);
            verify(
                secret,
                Hash::Sha256,
                &form_pairs(received),
                now,
                FIVE_MINUTES,
            )
        };
        let refused = Err(Refused::Mismatch);
        let received = format!("{SIGNED}&sig={SIG}");
        assert_eq!(verdict(&received, b"other"), refused);
        assert_eq!(
            verdict(&received.replace("value1", "value9"), SECRET),
            refused
        );
        assert_eq!(verdict(&format!("{received}&more=1"), SECRET), refused);
        assert_eq!(verdict(SIGNED, SECRET), Err(Refused::Missing("sig")));
        let twice = format!("{received}&sig=00");
        assert_eq!(verdict(&twice, SECRET), Err(Refused::Malformed("sig")));
        assert_eq!(verdict(&received, b""), Err(Refused::Missing("key")));
    }

    #[test]
    fn a_value_cannot_pass_for_another_parameter() {
        let one = [("a".to_owned(), "1&b=2".to_owned())];
        let two = form_pairs("a=1&b=2");
        let as_sent = [("a".to_owned(), "1_b_2".to_owned())];
        let sig = |parameters| sign(SECRET, Hash::Sha256, parameters);
        assert_ne!(sig(&one), sig(&two));
        assert_eq!(sig(&one), sig(&as_sent));
    }

    #[test]
    fn md5_is_refused_with_what_to_do() {
        // Vonage also publishes 724c2bf6ca423c36e20631b11d1c5753 for HMAC-MD5.
        for setting in ["md5", "md5hash"] {
            let error = hash(setting).expect_err("no MD5");
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("SHA-256"));
        }
        assert_eq!(hash("sha512").expect("known"), Hash::Sha512);
        assert!(hash("").is_err());
    }

    #[test]
    fn the_published_webhook_tokens_pass_with_their_secrets() {
        // The tests of vonage-python-sdk, and of the Vonage bridge of Symfony.
        for (secret, issued, token) in [
            (
                &b"qwertyuiopasdfghjklzxcvbnm123456"[..],
                1_697_634_680,
                "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJPbmxpbmUgSldUIEJ1aWxkZXIiLCJpYXQiOjE2OTc2MzQ2ODAsImV4cCI6MzMyNTQ1NDA4MjgsImF1ZCI6IiIsInN1YiI6IiJ9.88vJc3I2HhuqEDixHXVhc9R30tA6U_HQHZTC29y6CGM",
            ),
            (
                b"secret-key",
                1_516_239_022,
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.kK9JnTXZwzNo3BYNXJT57PGLnQk-Xyu7IBhRWFmc4C0",
            ),
        ] {
            let verdict = |secret, now| verify_webhook(secret, token, b"{}", at(now), FIVE_MINUTES);
            assert_eq!(verdict(secret, issued).expect("passes")["iat"], issued);
            assert_eq!(verdict(b"wrong", issued), Err(Refused::Mismatch));
            assert_eq!(verdict(secret, issued + 301), Err(Refused::Expired));
        }
    }

    #[test]
    fn a_token_that_names_its_body_passes_with_no_other() {
        let claims = format!(r#"{{"iat":1000,"payload_hash":"{}"}}"#, sha256_hex(b"{}"));
        let header = base64url(br#"{"alg":"HS256"}"#);
        let signed = format!("{header}.{}", base64url(claims.as_bytes()));
        let tag = hmac::sign(Hash::Sha256, SECRET, &[signed.as_bytes()]);
        let token = format!("{signed}.{}", base64url(tag.as_ref()));
        let verdict = |body| verify_webhook(SECRET, &token, body, at(1_000), FIVE_MINUTES);
        assert!(verdict(b"{}").is_ok());
        assert_eq!(verdict(b"[]"), Err(Refused::Mismatch));
    }
}
