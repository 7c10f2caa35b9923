//! Reading instants and writing them by a pattern.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::format::Format;

/// A day, or a day and a time, where the reader lives.
#[derive(Clone, Copy, Debug)]
pub(in crate::template) struct Moment {
    pub(super) at: DateTime,
    pub(super) has_time: bool,
}

impl Moment {
    /// Reads `2026-03-05T12:00:00Z`, microseconds since 1970, or a day such as `2026-03-05`, which
    /// is the same day everywhere.
    pub(in crate::template) fn read(value: &Value, zone: &TimeZone) -> Option<Self> {
        let instant = match value {
            Value::Number(micros) => jiff::Timestamp::from_microsecond(micros.as_i64()?).ok()?,
            Value::String(text) if text.len() == 10 => {
                let day: Date = text.parse().ok()?;
                return Some(Self {
                    at: day.to_datetime(jiff::civil::Time::midnight()),
                    has_time: false,
                });
            }
            Value::String(text) => text.parse().ok()?,
            _ => return None,
        };
        Some(Self {
            at: instant.to_zoned(zone.clone()).datetime(),
            has_time: true,
        })
    }
}

impl Format {
    /// Writes a moment; `None` if there is no such format, or no time to write.
    pub(in crate::template) fn date(&self, moment: &Moment, format: &str) -> Option<String> {
        let mut text = String::with_capacity(32);
        let pattern = match format {
            "short" => self.short,
            "medium" | "datetime" => self.medium,
            "long" => self.long,
            "full" => self.full,
            "time" if moment.has_time => self.time,
            _ => return None,
        };
        self.pattern(pattern, &moment.at, &mut text);
        if format == "datetime" && moment.has_time {
            text.push_str(self.join);
            self.pattern(self.time, &moment.at, &mut text);
        }
        Some(text)
    }

    /// Writes by a pattern of the CLDR: `d`, `M`, `y`, `E`, `H`, `h`, `m`, `a`, and text in quotes.
    fn pattern(&self, pattern: &str, at: &DateTime, out: &mut String) {
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            if c == '\'' {
                let (quoted, after) = rest[1..].split_once('\'').unwrap_or((&rest[1..], ""));
                out.push_str(quoted);
                rest = after;
                continue;
            }
            let count = rest.chars().take_while(|next| *next == c).count();
            rest = &rest[count * c.len_utf8()..];
            let month = at.month().unsigned_abs().into();
            match (c, count) {
                ('d', _) => number(at.day().into(), count, out),
                ('M', 1 | 2) => number(at.month().into(), count, out),
                ('M', 3) => out.push_str(name(self.short_months, month)),
                ('M', _) => out.push_str(name(self.months, month)),
                ('y', 2) => number((at.year() % 100).abs().into(), 2, out),
                ('y', _) => number(at.year().into(), 1, out),
                ('E', _) => {
                    let day = at.weekday().to_monday_one_offset();
                    out.push_str(name(self.days, day.unsigned_abs().into()));
                }
                ('H', _) => number(at.hour().into(), count, out),
                ('h', _) => number(i64::from((at.hour() + 11) % 12 + 1), count, out),
                ('m', _) => number(at.minute().into(), count, out),
                ('a', _) => out.push_str(self.halves[usize::from(at.hour() >= 12)]),
                _ => out.extend(std::iter::repeat_n(c, count)),
            }
        }
    }
}

/// The name with this number, from 1.
fn name(names: &str, number: usize) -> &str {
    names
        .split(' ')
        .nth(number.saturating_sub(1))
        .unwrap_or_default()
}

fn number(number: i64, digits: usize, out: &mut String) {
    out.push_str(&format!("{number:0digits$}"));
}
