//! Helpers that speak the reader's language: translations, numbers, amounts and dates.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, JsonRender, RenderContext, RenderError, ScopedJson,
};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::text::escape_html;
use super::{Frame, argument, fail, option};
use crate::id::Locale;
use crate::template::locale::{Decimal, Format, Moment};
use crate::template::translate::{Segment, Translator};

/// What is needed to speak to one reader.
#[derive(Clone, Copy, Debug)]
pub(in crate::template) struct Words<'a> {
    pub(in crate::template) translator: &'a Translator,
    pub(in crate::template) locale: &'a Locale,
    pub(in crate::template) default_locale: &'a Locale,
    pub(in crate::template) format: &'static Format,
    pub(in crate::template) zone: Option<&'a str>,
}

/// A helper's function, of its arguments and of what it was told.
pub(super) type Function = fn(&Helper<'_>, &Frame<'_>, is_raw: bool) -> Result<String, RenderError>;

/// A helper of one rendering.
pub(super) struct Told<'f> {
    pub(super) frame: &'f Frame<'f>,
    pub(super) function: Function,
}

impl HelperDef for Told<'_> {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let text = (self.function)(h, self.frame, rc.is_disable_escape())?;
        Ok(ScopedJson::Derived(Value::String(text)))
    }
}

/// `{{t "cart.items" count=n name=x}}`. In `{{{t …}}}` the text is taken as HTML, its arguments are not.
pub(super) fn translate(
    h: &Helper<'_>,
    frame: &Frame<'_>,
    is_raw: bool,
) -> Result<String, RenderError> {
    let words = &frame.words;
    let key = argument(h, 0)?
        .as_str()
        .ok_or_else(|| fail("the key of t is no text"))?;
    let found = words
        .translator
        .find(key, words.locale, words.default_locale);
    let entry = found.ok_or_else(|| {
        // A key that is computed may hold data, which errors must not show.
        let is_written = h
            .param(0)
            .is_some_and(|key| key.try_get_constant_value().is_some());
        let key = if is_written { key } else { "that was computed" };
        fail(format!(
            "there is no translation {key} in {} or {}",
            words.locale, words.default_locale
        ))
    })?;
    let count = option(h, "count")?;
    let count = match count {
        Some(value) => {
            Some(Decimal::read(value).ok_or_else(|| fail("the count of t is no number"))?)
        }
        None => None,
    };
    let segments = entry
        .segments(count.as_ref())
        .ok_or_else(|| fail("the translation has plural forms and needs count=…"))?;
    let mut text = String::new();
    for segment in segments {
        let name = match segment {
            Segment::Text(plain) => {
                text.push_str(plain);
                continue;
            }
            Segment::Argument(name) => name.as_str(),
        };
        let printed = match (name, &count) {
            ("count", Some(count)) => entry.format().number(count),
            _ => match option(h, name)? {
                Some(value) => value.render(),
                None => return Err(fail(format!("the translation needs {name}=…"))),
            },
        };
        let needs_escape = is_raw && frame.is_html;
        text.push_str(&if needs_escape {
            escape_html(&printed)
        } else {
            printed
        });
    }
    // What is built from long arguments is work too.
    frame.charge(1 + text.len() as u64 / 256)?;
    Ok(text)
}

/// `{{number x decimals=2}}`.
pub(super) fn number(h: &Helper<'_>, frame: &Frame<'_>, _: bool) -> Result<String, RenderError> {
    let value = argument(h, 0)?;
    if value.is_null() {
        return Ok(String::new());
    }
    let mut number = Decimal::read(value).ok_or_else(|| fail("the argument of number is none"))?;
    if let Some(decimals) = decimals(h)? {
        number = number.rounded(decimals);
    }
    Ok(frame.words.format.number(&number))
}

/// `{{currency x "EUR"}}`.
pub(super) fn currency(h: &Helper<'_>, frame: &Frame<'_>, _: bool) -> Result<String, RenderError> {
    let value = argument(h, 0)?;
    if value.is_null() {
        return Ok(String::new());
    }
    let amount = Decimal::read(value).ok_or_else(|| fail("the amount of currency is no number"))?;
    let code = argument(h, 1)?
        .as_str()
        .filter(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()));
    let code = code.ok_or_else(|| fail("the code of currency is none, such as EUR"))?;
    Ok(frame.words.format.currency(&amount, code, decimals(h)?))
}

fn decimals(h: &Helper<'_>) -> Result<Option<usize>, RenderError> {
    let Some(value) = option(h, "decimals")? else {
        return Ok(None);
    };
    let number = value
        .as_u64()
        .filter(|n| *n <= 20)
        .and_then(|n| usize::try_from(n).ok());
    number
        .map(Some)
        .ok_or_else(|| fail("decimals is no number from 0 to 20"))
}

/// `{{date at format="long"}}`.
pub(super) fn date(h: &Helper<'_>, frame: &Frame<'_>, _: bool) -> Result<String, RenderError> {
    let value = argument(h, 0)?;
    if value.is_null() {
        return Ok(String::new());
    }
    let zone = match option(h, "zone")? {
        Some(name) => {
            let zone = name.as_str().and_then(|name| TimeZone::get(name).ok());
            zone.ok_or_else(|| fail("zone is no IANA time zone such as Europe/Paris"))?
        }
        // A zone that this build does not know must not stop the message.
        None => frame
            .words
            .zone
            .and_then(|name| TimeZone::get(name).ok())
            .unwrap_or(TimeZone::UTC),
    };
    let moment = Moment::read(value, &zone).ok_or_else(|| {
        fail("the argument of date is no instant: 2026-03-05T12:00:00Z, a date, or microseconds")
    })?;
    let format = option(h, "format")?
        .map_or(Some("medium"), Value::as_str)
        .unwrap_or_default();
    let text = frame.words.format.date(&moment, format);
    text.ok_or_else(|| {
        fail("the format of date is one of short, medium, long, full, time, datetime")
    })
}
