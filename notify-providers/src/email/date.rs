//! Times as vendors write and read them.

use notify_core::clock::Timestamp;
use std::time::{Duration, UNIX_EPOCH};

const SECOND: i64 = 1_000_000;
/// The last second that a date of four digits can say everywhere on Earth.
const LAST: i64 = 253_402_207_200;

/// In whole seconds, such as `2026-01-01T10:00:00Z` (RFC 3339).
pub(crate) fn rfc3339(at: Timestamp) -> String {
    Timestamp::from_micros(seconds(at) * SECOND).to_string()
}

/// Such as `Thu, 01 Jan 2026 10:00:00 +0000` (RFC 5322 §3.3).
pub(crate) fn rfc5322(at: Timestamp) -> String {
    let seconds = Duration::from_secs(seconds(at).unsigned_abs());
    httpdate::fmt_http_date(UNIX_EPOCH + seconds).replace("GMT", "+0000")
}

fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(SECOND).clamp(0, LAST)
}

/// Reads a time of RFC 3339, with any number of digits behind the point, and a space in place of the `T`.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        let is_number = digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|_| is_number)
    };
    let separator = |at: usize, allowed: &[u8]| {
        let byte = text.as_bytes().get(at)?;
        allowed.contains(byte).then_some(())
    };
    for (at, allowed) in [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")] {
        separator(at, allowed.as_bytes())?;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let rest = text.get(19..)?;
    let digits = rest.strip_prefix('.').map_or(0, |rest| {
        rest.bytes().take_while(u8::is_ascii_digit).count()
    });
    let fraction = rest.get(1..=digits).unwrap_or_default();
    let micros: i64 = format!("{fraction:0<6.6}").parse().ok()?;
    let offset = rest.get(if digits > 0 { digits + 1 } else { 0 }..)?;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let seconds = seconds - offset_seconds(offset)?;
    Some(Timestamp::from_micros(seconds * SECOND + micros))
}

/// `Z`, `+01:00`, `+0100` or `+01`.
fn offset_seconds(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let digits = rest.replace(':', "");
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits
        .get(2..)
        .filter(|rest| !rest.is_empty())
        .map_or(Some(0), |rest| rest.parse().ok())?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

/// Days since 1970 in the Gregorian calendar, years beginning in March so that a leap day is the last one.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_form_of_a_time_is_read() {
        // 2026-01-01T00:00:00Z.
        let base = 1_767_225_600_000_000;
        for (text, micros) in [
            ("2026-01-01T00:00:00Z", base),
            ("2026-01-01t00:00:00z", base),
            ("2026-01-01T00:00:00.1234567Z", base + 123_456),
            ("2026-01-01T00:00:00.5Z", base + 500_000),
            ("2026-01-01 01:00:00.000+01:00", base),
            ("2025-12-31T20:00:00-0400", base),
            ("2026-01-01 00:00:00.25+00", base + 250_000),
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000),
        ] {
            assert_eq!(read(text), Some(Timestamp::from_micros(micros)), "{text}");
        }
        for bad in [
            "",
            "2026",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00Zebra",
            "2026-01-01T00:00:00+1",
            "2026-01-01T00:00:00+ё",
            "Thu, 01 Jan 2026",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_written_in_whole_seconds() {
        let at = Timestamp::from_micros(1_767_225_600_900_000);
        assert_eq!(rfc3339(at), "2026-01-01T00:00:00Z");
        assert_eq!(rfc5322(at), "Thu, 01 Jan 2026 00:00:00 +0000");
        assert_eq!(rfc3339(Timestamp::MAX), "9999-12-30T22:00:00Z");
        assert_eq!(rfc5322(Timestamp::MAX), "Thu, 30 Dec 9999 22:00:00 +0000");
        let before = Timestamp::from_micros(-1);
        assert_eq!(rfc5322(before), "Thu, 01 Jan 1970 00:00:00 +0000");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(micros in 0_i64..LAST * SECOND) {
            let at = Timestamp::from_micros(micros);
            prop_assert_eq!(read(&at.to_string()), Some(at));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", tail in "[0-9.:TZ+ё -]{0,20}") {
            read(&text);
            read(&format!("2026-01-01T00:00:00{tail}"));
        }
    }
}
