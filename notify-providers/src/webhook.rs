//! What the webhook parsers of all vendors share: signatures, bodies, and the words for what is wrong with them.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::provider::WebhookError;
use notify_core::secret::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use std::time::Duration;

/// How long before or after its signature a request may come, where the vendor does not say: what Standard Webhooks, Slack and
/// Svix use.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);

/// Whether one of the keys made this signature, in constant time for each. Several keys are there while one is replaced.
///
/// # Errors
/// [`WebhookError::Unauthorized`].
pub(crate) fn check_hmac(
    algorithm: hmac::Algorithm,
    keys: &[SecretString],
    signed: &[u8],
    signature: &[u8],
) -> Result<(), WebhookError> {
    let made_by = |key: &SecretString| {
        let key = hmac::Key::new(algorithm, key.expose_secret().as_bytes());
        hmac::verify(&key, signed, signature).is_ok()
    };
    if keys.iter().any(made_by) {
        Ok(())
    } else {
        Err(WebhookError::Unauthorized)
    }
}

/// Whether two values are the same, in a time that says nothing about where they differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

/// The bytes of base64 with padding.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The bytes of hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

/// The body as JSON.
///
/// # Errors
/// [`WebhookError::Malformed`].
pub(crate) fn json(body: &[u8]) -> Result<Value, WebhookError> {
    serde_json::from_slice(body).map_err(|_| WebhookError::malformed("the body is not JSON"))
}

/// The pairs of a form or a query, decoded.
pub(crate) fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// The pairs as an object; of a name that comes several times, the last.
pub(crate) fn object(pairs: &[(String, String)]) -> Value {
    let pairs = pairs.iter();
    let pairs = pairs.map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// A value as text, if it is text that says something.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_whole_or_not_at_all() {
        assert_eq!(from_hex("00fFa0"), Some(vec![0, 255, 160]));
        assert_eq!(from_hex(""), Some(Vec::new()));
        for bad in ["0", "0g", "+1", "0x00", "я0"] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_of_several_keys_is_enough() {
        // RFC 4231 §4.3, test case 2.
        let mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let mac = from_hex(mac).expect("digits");
        let check = |keys: &[&str]| {
            let keys: Vec<SecretString> = keys.iter().map(|key| (*key).into()).collect();
            check_hmac(
                hmac::HMAC_SHA256,
                &keys,
                b"what do ya want for nothing?",
                &mac,
            )
        };
        assert_eq!(check(&["other", "Jefe"]), Ok(()));
        for bad in [&[][..], &["other"]] {
            assert_eq!(check(bad), Err(WebhookError::Unauthorized));
        }
    }
}
