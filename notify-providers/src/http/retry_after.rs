//! How long a vendor wants to be left alone, in the forms in which vendors say it.

use notify_core::clock::Timestamp;
use std::time::{Duration, UNIX_EPOCH};

/// A vendor that says "now" is not asked again within the same second.
const LEAST: Duration = Duration::from_secs(1);
/// A vendor that says "in a year" made a mistake, or means an operator.
const MOST: Duration = Duration::from_secs(24 * 3_600);

/// Seconds, with or without a fraction. Nothing that is no time.
pub(super) fn of_seconds(seconds: f64) -> Option<Duration> {
    if !seconds.is_finite() {
        return None;
    }
    let seconds = seconds.clamp(LEAST.as_secs_f64(), MOST.as_secs_f64());
    Some(Duration::from_secs_f64(seconds))
}

/// A time in seconds since 1970.
pub(super) fn of_epoch(seconds: f64, now: Timestamp) -> Option<Duration> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time to the microsecond is more than a wait needs"
    )]
    let now = now.as_micros() as f64 / 1e6;
    of_seconds(seconds - now)
}

/// The value of `Retry-After`: seconds or a date.
pub(super) fn of_header(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return of_seconds(seconds);
    }
    let date = httpdate::parse_http_date(value).ok()?;
    of_epoch(date.duration_since(UNIX_EPOCH).ok()?.as_secs_f64(), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read_and_bounded() {
        // RFC 9110 §5.6.7 has the three forms of this date.
        let now = Timestamp::from_micros(784_111_777_000_000 - 120_000_000);
        for (value, millis) in [
            ("7", Some(7_000)),
            (" 7 ", Some(7_000)),
            ("1.5", Some(1_500)),
            ("0", Some(1_000)),
            ("-5", Some(1_000)),
            ("99999999", Some(86_400_000)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(120_000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(120_000)),
            ("Sun Nov  6 08:49:37 1994", Some(120_000)),
            ("Sun, 06 Nov 1993 08:49:37 GMT", None),
            ("soon", None),
            ("", None),
            ("nan", None),
            ("inf", None),
        ] {
            let wait = of_header(value, now).map(|wait| wait.as_millis());
            assert_eq!(wait, millis, "{value}");
        }
        let past = "Sat, 06 Nov 1993 08:49:37 GMT";
        assert_eq!(of_header(past, now), Some(LEAST), "a date that has passed");
    }

    #[test]
    fn a_reset_is_counted_from_now() {
        let now = Timestamp::from_micros(1_700_000_000_500_000);
        assert_eq!(
            of_epoch(1_700_000_008.0, now),
            Some(Duration::from_millis(7_500))
        );
        assert_eq!(of_epoch(1_600_000_000.0, now), Some(LEAST));
        assert_eq!(of_epoch(f64::NAN, now), None);
    }
}
