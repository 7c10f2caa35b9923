//! What the webhook parsers of all vendors share: signatures, bodies, and the words for what is wrong with them.

use notify_core::provider::WebhookError;
use notify_core::secret::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use std::time::Duration;

use crate::signature::Refused;

/// How long before or after its signature a request may come, where the vendor does not say: what Standard Webhooks, Slack and
/// Svix use.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);

/// That one of several keys made a signature, while one is replaced by another. `check` tries one of them; that a request is too old
/// is only said of one that was signed.
///
/// # Errors
/// [`WebhookError::Unauthorized`], [`WebhookError::Stale`].
pub(crate) fn any_of<K>(
    keys: &[K],
    check: impl Fn(&K) -> Result<(), Refused>,
) -> Result<(), WebhookError> {
    let mut verdict = Err(WebhookError::Unauthorized);
    for key in keys {
        match check(key).map_err(WebhookError::from) {
            Ok(()) => return Ok(()),
            Err(WebhookError::Stale) => verdict = Err(WebhookError::Stale),
            Err(_) => {}
        }
    }
    verdict
}

/// As [`any_of`], for secrets that are text.
///
/// # Errors
/// As there.
pub(crate) fn any_secret(
    secrets: &[SecretString],
    check: impl Fn(&[u8]) -> Result<(), Refused>,
) -> Result<(), WebhookError> {
    any_of(secrets, |secret| check(secret.expose_secret().as_bytes()))
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

    use crate::signature::hmac::{Hash, sign, verify};

    #[test]
    fn one_of_several_keys_is_enough_and_an_empty_one_is_none() {
        let mac = sign(Hash::Sha256, b"Jefe", &[b"text"]);
        let check = |keys: &[&str]| {
            let keys: Vec<SecretString> = keys.iter().map(|key| (*key).into()).collect();
            any_secret(&keys, |key| {
                verify(Hash::Sha256, key, &[b"text"], mac.as_ref())
            })
        };
        assert_eq!(check(&["other", "Jefe"]), Ok(()));
        for bad in [&[][..], &["other"], &["", "other"]] {
            assert_eq!(check(bad), Err(WebhookError::Unauthorized));
        }
        let mac = sign(Hash::Sha256, b"", &[b"text"]);
        let empty = any_secret(&["".into()], |key| {
            verify(Hash::Sha256, key, &[b"text"], mac.as_ref())
        });
        assert_eq!(
            empty,
            Err(WebhookError::Unauthorized),
            "anybody can sign with it"
        );
    }

    #[test]
    fn a_request_is_called_stale_only_if_it_was_signed() {
        let check = |keys: &[Refused]| any_of(keys, |refused| Err(*refused));
        let (old, wrong) = (Refused::Expired, Refused::Mismatch);
        assert_eq!(check(&[wrong, old, wrong]), Err(WebhookError::Stale));
        assert_eq!(check(&[wrong]), Err(WebhookError::Unauthorized));
    }
}
