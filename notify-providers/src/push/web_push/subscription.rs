//! What a browser hands over when somebody allows push messages.

use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, UnparsedPublicKey};
use notify_core::address::MAX_TOKEN;
use notify_core::clock::Timestamp;
use notify_core::{Error, Result};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use serde_json::Value;
use std::fmt;

use crate::signature::encoding::unbase64url;

/// A `PushSubscription` of the Push API: where a browser can be reached, and the keys that only it
/// and the application know.
///
/// Whoever has the endpoint can push to it, so it is kept like a secret: `Debug` shows its origin.
/// See [the module](super) for an example.
pub struct PushSubscription {
    endpoint: SecretString,
    origin: String,
    pub(super) p256dh: [u8; 65],
    pub(super) auth: SecretBox<[u8; 16]>,
    expires_at: Option<Timestamp>,
}

impl PushSubscription {
    /// What `JSON.stringify(subscription)` gave in the browser: `endpoint`, `keys.p256dh`,
    /// `keys.auth`, and `expirationTime` in milliseconds or `null`. Other fields are ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](notify_core::ErrorKind::Invalid) that names the field and shows
    /// nothing of it.
    pub fn from_json(json: &str) -> Result<Self> {
        let json: Value = serde_json::from_str(json)
            .map_err(|_| Error::invalid("subscription", "is not the JSON of a subscription"))?;
        let text = |pointer, name| {
            let text = json.pointer(pointer).and_then(Value::as_str);
            text.ok_or_else(|| Error::invalid(name, "is missing"))
        };
        let mut subscription = Self::new(
            text("/endpoint", "endpoint")?,
            text("/keys/p256dh", "keys.p256dh")?,
            text("/keys/auth", "keys.auth")?,
        )?;
        let expires = json.get("expirationTime").and_then(Value::as_f64);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "casts of floats saturate, and so does the time that follows"
        )]
        let expires = expires.map(|millis| Timestamp::from_micros((millis * 1_000.0) as i64));
        subscription.expires_at = expires;
        Ok(subscription)
    }

    /// An endpoint and the two keys in base64url.
    ///
    /// The endpoint must be `https`; `http` is taken on this host, for tests. Browsers hand over
    /// whatever a page tells them to: before a server calls an endpoint it has to check where it
    /// leads.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](notify_core::ErrorKind::Invalid) that names the field and shows
    /// nothing of it.
    pub fn new(endpoint: &str, p256dh: &str, auth: &str) -> Result<Self> {
        let origin = origin(endpoint).ok_or_else(|| {
            Error::invalid(
                "endpoint",
                "is not an https address of at most 4096 characters",
            )
        })?;
        let point = unbase64url(p256dh).and_then(|point| <[u8; 65]>::try_from(point).ok());
        let is_point = |point: &[u8; 65]| {
            let key = UnparsedPublicKey::new(&ECDH_P256, point);
            point[0] == 4 && ParsedPublicKey::try_from(key).is_ok()
        };
        let p256dh = point.filter(is_point).ok_or_else(|| {
            Error::invalid(
                "keys.p256dh",
                "is not a P-256 point of 65 bytes in base64url",
            )
        })?;
        let auth = unbase64url(auth).and_then(|auth| <[u8; 16]>::try_from(auth).ok());
        let auth =
            auth.ok_or_else(|| Error::invalid("keys.auth", "is not 16 bytes in base64url"))?;
        Ok(Self {
            endpoint: endpoint.into(),
            origin,
            p256dh,
            auth: SecretBox::new(Box::new(auth)),
            expires_at: None,
        })
    }

    /// Scheme, host and, where it is not the scheme's own, port of the endpoint: the push service.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// When the browser will give the subscription up, if it says so.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Where messages are sent. Not to be logged.
    pub(crate) fn endpoint(&self) -> &str {
        self.endpoint.expose_secret()
    }
}

impl fmt::Debug for PushSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushSubscription")
            .field("origin", &self.origin)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The origin of an address (RFC 6454 §6.2), if it is one that can be pushed to.
fn origin(url: &str) -> Option<String> {
    if url.len() > MAX_TOKEN || !url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest[..end].to_ascii_lowercase();
    let port_at = authority
        .rfind(':')
        .filter(|at| !authority[at + 1..].contains(']'));
    let (host, port) = match port_at {
        Some(at) => (
            &authority[..at],
            Some(authority[at + 1..].parse::<u16>().ok()?),
        ),
        None => (authority.as_str(), None),
    };
    let is_name = |host: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        !host.is_empty() && host.bytes().all(allowed)
    };
    let v6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_v6 = v6.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let (scheme, own_port) = match scheme.to_ascii_lowercase().as_str() {
        "https" => ("https", 443),
        "http" if is_here => ("http", 80),
        _ => return None,
    };
    if !is_name(host) && !is_v6 {
        return None;
    }
    Some(match port.filter(|port| *port != own_port) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::encoding::base64url;
    use serde_json::json;

    /// The receiver of RFC 8291, appendix A.
    const P256DH: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    fn browser() -> Value {
        json!({
            "endpoint": "https://push.example.net/p/secret",
            "expirationTime": null,
            "keys": {"p256dh": P256DH, "auth": AUTH},
        })
    }

    #[test]
    fn what_a_browser_hands_over_reads() {
        let subscription = PushSubscription::from_json(&browser().to_string()).expect("reads");
        assert_eq!(subscription.endpoint(), "https://push.example.net/p/secret");
        assert_eq!(subscription.origin(), "https://push.example.net");
        assert_eq!(subscription.expires_at(), None);
        let mut json = browser();
        json["expirationTime"] = 1_700_000_000_000_i64.into();
        // Some libraries hand the keys on with padding.
        json["keys"]["auth"] = format!("{AUTH}==").into();
        let subscription = PushSubscription::from_json(&json.to_string()).expect("reads");
        let expires = Timestamp::from_micros(1_700_000_000_000_000);
        assert_eq!(subscription.expires_at(), Some(expires));
    }

    #[test]
    fn what_does_not_read_is_named_and_not_shown() {
        let off_curve = {
            let mut point = unbase64url(P256DH).expect("base64url");
            point[64] ^= 1;
            base64url(&point)
        };
        let infinity = base64url(&[0; 65]);
        for (pointer, value, field) in [
            (
                "/endpoint",
                json!("http://push.example.net/p/secret"),
                "endpoint",
            ),
            ("/endpoint", json!(7), "endpoint"),
            ("/keys/p256dh", json!(off_curve), "keys.p256dh"),
            ("/keys/p256dh", json!(infinity), "keys.p256dh"),
            ("/keys/p256dh", json!(P256DH[..86]), "keys.p256dh"),
            ("/keys/p256dh", json!("secret!"), "keys.p256dh"),
            ("/keys/auth", json!(P256DH), "keys.auth"),
            ("/keys/auth", Value::Null, "keys.auth"),
        ] {
            let mut json = browser();
            *json.pointer_mut(pointer).expect("a field") = value;
            let error = PushSubscription::from_json(&json.to_string()).expect_err(field);
            assert_eq!(error.field_name(), Some(field));
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        let error = PushSubscription::from_json("secret").expect_err("no JSON");
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn debug_shows_the_push_service_and_nothing_else() {
        let subscription = PushSubscription::from_json(&browser().to_string()).expect("reads");
        let shown = format!("{subscription:?}");
        assert!(shown.contains("https://push.example.net"), "{shown}");
        for hidden in ["secret", P256DH, AUTH, "p256dh", "auth"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }

    #[test]
    fn an_origin_has_no_path_and_no_port_of_its_own() {
        for (url, expected) in [
            (
                "https://fcm.googleapis.com/fcm/send/abc:def",
                "https://fcm.googleapis.com",
            ),
            ("HTTPS://Push.Example.NET:443?x", "https://push.example.net"),
            (
                "https://push.example.net:8443",
                "https://push.example.net:8443",
            ),
            ("https://[2001:db8::1]:443/p", "https://[2001:db8::1]"),
            ("http://127.0.0.1:9000/p", "http://127.0.0.1:9000"),
            ("http://localhost/p", "http://localhost"),
        ] {
            assert_eq!(origin(url).as_deref(), Some(expected), "{url}");
        }
        let long = format!("https://push.example.net/{}", "x".repeat(MAX_TOKEN));
        for bad in [
            "https://user@push.example.net/p",
            "https://push.example.net:x/p",
            "https://push.example.net:99999/p",
            "https://push.example.net\\@127.0.0.1/p",
            "https://пуш.example.net/p",
            "https://push.example.net/a b",
            "https:///p",
            "https://:443/p",
            "https://[::1/p",
            "ftp://push.example.net/p",
            "http://127.0.0.1.example.net/p",
            "push.example.net/p",
            "",
            &long,
        ] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}
