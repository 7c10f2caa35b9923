//! Signatures in both directions: requests and tokens that vendors want signed, and requests that
//! say they come from a vendor.
//!
//! Everything here is a pure function of bytes, keys and a time that is given; nothing waits or
//! asks the network. An application needs one part of it by itself, [`StandardWebhooks`]: to sign
//! the webhooks that it sends to its customers, and to verify those that it gets.
//!
//! Verification works on the bytes as they came: a body that was parsed and written again has
//! another signature.

pub(crate) mod apns;
pub(crate) mod encoding;
pub(crate) mod google;
pub(crate) mod hmac;
pub(crate) mod jwt;
pub(crate) mod mailgun;
pub(crate) mod message_bird;
pub(crate) mod meta;
pub(crate) mod plivo;
mod refused;
pub(crate) mod sendgrid;
pub(crate) mod sigv4;
pub(crate) mod slack;
pub(crate) mod sns;
mod standard_webhooks;
pub(crate) mod twilio;
pub(crate) mod vonage;

pub(crate) use refused::Refused;
pub use standard_webhooks::StandardWebhooks;

use notify_core::clock::Timestamp;
use std::time::Duration;

/// Whole seconds since 1970.
pub(crate) fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

/// Seconds since 1970 as a vendor writes them: decimal digits, and nothing else.
///
/// # Errors
/// [`Refused::Malformed`] that names `what`.
pub(crate) fn unix_seconds(text: &str, what: &'static str) -> Result<i64, Refused> {
    let is_number = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number);
    number.ok_or(Refused::Malformed(what))
}

/// That `at`, in seconds since 1970, is no further from `now` than `tolerance`, before or after.
///
/// # Errors
/// [`Refused::Expired`] or [`Refused::Early`].
pub(crate) fn check_age(at: i64, now: Timestamp, tolerance: Duration) -> Result<(), Refused> {
    let tolerance = i64::try_from(tolerance.as_secs()).unwrap_or(i64::MAX);
    let age = seconds(now).saturating_sub(at);
    if age > tolerance {
        Err(Refused::Expired)
    } else if age < -tolerance {
        Err(Refused::Early)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `at` seconds after 1970.
    pub(super) fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn an_age_is_measured_in_both_directions() {
        let five = Duration::from_secs(300);
        assert_eq!(check_age(700, at(1_000), five), Ok(()));
        assert_eq!(check_age(699, at(1_000), five), Err(Refused::Expired));
        assert_eq!(check_age(1_300, at(1_000), five), Ok(()));
        assert_eq!(check_age(1_301, at(1_000), five), Err(Refused::Early));
        assert_eq!(check_age(i64::MIN, at(0), Duration::MAX), Ok(()));
    }

    #[test]
    fn seconds_are_digits_and_nothing_else() {
        assert_eq!(unix_seconds("1649367553", "t"), Ok(1_649_367_553));
        for bad in ["", "+1", "-1", " 1", "1.5", "0x1", "9999999999999999999"] {
            assert_eq!(
                unix_seconds(bad, "t"),
                Err(Refused::Malformed("t")),
                "{bad}"
            );
        }
    }
}
