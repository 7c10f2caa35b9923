//! What the webhook parsers of text vendors share: secrets in the URL, numbers and times.

use notify_core::Address;
use notify_core::DeliveryId;
use notify_core::clock::Timestamp;
use notify_core::provider::{Envelope, WebhookError, WebhookRequest};
use notify_core::secret::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::http::metadata;
use crate::signature::encoding::unbase64;
use crate::signature::hmac::is_same;
use crate::webhook::{form, json, object};

/// The name of the parameter that holds the secret of a URL.
const SECRET: &str = "secret";

/// Whether a request of a vendor that signs nothing knows one of these secrets: as `secret` in the query of the URL, or as the
/// password of Basic authentication, which vendors take from the URL.
///
/// # Errors
/// [`WebhookError::Unauthorized`].
pub(crate) fn check_url(
    secrets: &[SecretString],
    request: &WebhookRequest<'_>,
) -> Result<(), WebhookError> {
    let query = form(request.query().as_bytes());
    let mut said = query.iter().filter(|(name, _)| name == SECRET);
    let in_query = match (said.next(), said.next()) {
        (Some((_, secret)), None) => Some(secret.clone()),
        _ => None,
    };
    let said = in_query.or_else(|| password(request));
    let said = said.ok_or(WebhookError::Unauthorized)?;
    let known = |secret: &SecretString| {
        let secret = secret.expose_secret();
        !secret.is_empty() && is_same(secret.as_bytes(), said.as_bytes())
    };
    if secrets.iter().any(known) {
        Ok(())
    } else {
        Err(WebhookError::Unauthorized)
    }
}

fn password(request: &WebhookRequest<'_>) -> Option<String> {
    let (scheme, pair) = request.header("authorization")?.split_once(' ')?;
    let pair = String::from_utf8(unbase64(pair.trim())?).ok()?;
    let (_, password) = pair.split_once(':')?;
    scheme
        .eq_ignore_ascii_case("basic")
        .then(|| password.to_owned())
}

/// Whether the body says that it is JSON.
pub(crate) fn is_json(request: &WebhookRequest<'_>) -> bool {
    let content_type = request.header("content-type").unwrap_or_default();
    content_type.to_ascii_lowercase().contains("json")
}

/// The fields of a form: of the query for a `GET`, else of the body.
pub(crate) fn fields(request: &WebhookRequest<'_>) -> Vec<(String, String)> {
    match request.method {
        "GET" => form(request.query().as_bytes()),
        _ => form(request.body),
    }
}

/// What was reported, in whichever way: the query of a `GET`, JSON, or a form.
///
/// # Errors
/// [`WebhookError::Malformed`].
pub(crate) fn report(request: &WebhookRequest<'_>) -> Result<Value, WebhookError> {
    if request.method != "GET" && is_json(request) {
        return json(request.body);
    }
    let mut fields = fields(request);
    fields.retain(|(name, _)| name != SECRET);
    Ok(object(&fields))
}

/// The value of a field that says something, be it text or number.
pub(crate) fn word(raw: &Value, name: &str) -> Option<String> {
    match raw.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The number of a phone, with or without its plus.
pub(crate) fn number(text: &str) -> Option<Address> {
    let address = Address::phone(format!("+{}", text.trim().trim_start_matches('+')));
    address.validate().is_ok().then_some(address)
}

/// The address for reports about one message: its delivery is in the query.
pub(crate) fn url_of(callback: &str, envelope: &Envelope) -> String {
    let separator = if callback.contains('?') { '&' } else { '?' };
    let (name, id) = (metadata::DELIVERY, envelope.delivery);
    format!("{callback}{separator}{name}={id}")
}

/// The delivery that was put into the query of the callback.
pub(crate) fn delivery(request: &WebhookRequest<'_>) -> Option<DeliveryId> {
    let query = form(request.query().as_bytes());
    let id = query.iter().find(|(name, _)| name == metadata::DELIVERY);
    id?.1.parse().ok()
}

/// Seconds since 1970, as text.
pub(crate) fn epoch(text: &str) -> Option<Timestamp> {
    let seconds: i64 = text.trim().parse().ok()?;
    let micros = seconds.checked_mul(1_000_000)?;
    (seconds > 0).then(|| Timestamp::from_micros(micros))
}

/// A time as RFC 3339 has it, or the same with a space and without a zone, which is UTC. Fractions of a second are dropped.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (day, rest) = (text.get(..10)?, text.get(11..)?);
    let time = rest.get(..8)?;
    let number = |text: &str, from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        let all = digits.bytes().all(|b| b.is_ascii_digit());
        all.then(|| digits.parse().ok()).flatten()
    };
    let (year, month, day) = (number(day, 0, 4)?, number(day, 5, 7)?, number(day, 8, 10)?);
    let (hour, minute) = (number(time, 0, 2)?, number(time, 3, 5)?);
    let second = number(time, 6, 8)?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    let zone = rest[8..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone.as_bytes().first() {
        None | Some(b'Z' | b'z') => 0,
        Some(sign @ (b'+' | b'-')) => {
            let minutes = number(zone, 4, 6).or_else(|| number(zone, 3, 5))?;
            let seconds = (number(zone, 1, 3)? * 60 + minutes) * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        Some(_) => return None,
    };
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(Timestamp::from_micros((seconds - offset) * 1_000_000))
}

/// Days since 1970 of a day of the Gregorian calendar (Fliegel and van Flandern, CACM 11/10, 1968).
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let before = (month - 14) / 12;
    let julian = (1_461 * (year + 4_800 + before)) / 4 + (367 * (month - 2 - 12 * before)) / 12
        - (3 * ((year + 4_900 + before) / 100)) / 4
        + day
        - 32_075;
    julian - 2_440_588
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_of_vendors() {
        for (text, expected) in [
            ("2026-01-01T00:00:00Z", Some("2026-01-01T00:00:00Z")),
            ("2024-02-29 23:59:59", Some("2024-02-29T23:59:59Z")),
            ("2016-05-11T13:04:05+00:00", Some("2016-05-11T13:04:05Z")),
            (
                "2026-01-01T03:00:00.123+03:00",
                Some("2026-01-01T00:00:00.000Z"),
            ),
            ("2025-12-31T19:00:00-0500", Some("2026-01-01T00:00:00Z")),
            ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
            ("2026-13-01T00:00:00Z", None),
            ("2026-01-01", None),
            ("2026-01-01T00:00:00 MSK", None),
            ("", None),
            ("яяяяяяяяяяяяяяяяяяяя", None),
        ] {
            let found = date(text).map(|at| at.to_string().replace(".000000", ""));
            let expected = expected.map(|text| text.replace(".000", ""));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_number_is_one_with_and_without_its_plus() {
        let address = Address::phone("+79991234567");
        assert_eq!(number("79991234567"), Some(address.clone()));
        assert_eq!(number(" +79991234567"), Some(address));
        for bad in ["", "Example", "7999", "0799912345"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_is_in_the_query_or_is_the_password_and_never_empty() {
        let ask = |url: &str, header: Option<&str>, secrets: &[&str]| {
            let secrets: Vec<SecretString> = secrets.iter().map(|s| (*s).into()).collect();
            let request = WebhookRequest::new("POST", url, b"", Timestamp::EPOCH);
            let header = header.map(|value| ("Authorization", value.as_bytes()));
            check_url(&secrets, &request.with_headers(header)).is_ok()
        };
        // RFC 7617 §2, the example.
        let basic = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(ask(
            "https://a.example/h?secret=hunter2",
            None,
            &["old", "hunter2"]
        ));
        assert!(ask("https://a.example/h", basic, &["open sesame"]));
        for (url, header, secrets) in [
            ("https://a.example/h?secret=hunter3", None, &["hunter2"][..]),
            (
                "https://a.example/h?secret=hunter2&secret=hunter2",
                None,
                &["hunter2"],
            ),
            ("https://a.example/h?secret=", None, &[""]),
            ("https://a.example/h", None, &["hunter2"]),
            ("https://a.example/h", basic, &["hunter2"]),
            ("https://a.example/h", Some("Bearer hunter2"), &["hunter2"]),
        ] {
            assert!(!ask(url, header, secrets), "{url} {header:?}");
        }
    }
}
