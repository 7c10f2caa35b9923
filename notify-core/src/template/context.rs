//! What a rendering depends on besides the template: the reader, and the data with the system variables.

use handlebars::Context;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{Locale, NotificationId};
use crate::recipient::Recipient;

const UNSUBSCRIBE_URL: &str = "unsubscribe_url";
const PREFERENCES_URL: &str = "preferences_url";
const POSTAL_ADDRESS: &str = "postal_address";
const REPORT_TOKEN: &str = "report_token";
const YEAR: &str = "year";
const NOTIFICATION_ID: &str = "notification_id";
const RECIPIENT: &str = "recipient";

/// Whether a name is that of a system variable.
pub(super) fn is_system(name: &str) -> bool {
    matches!(
        name,
        UNSUBSCRIBE_URL
            | PREFERENCES_URL
            | POSTAL_ADDRESS
            | REPORT_TOKEN
            | YEAR
            | NOTIFICATION_ID
            | RECIPIENT
    )
}

/// Who reads, where and when: everything besides the data that a rendering depends on.
///
/// The same template, data and context give the same text on every host, at any time: no clock is
/// read. That is why the year is the one in which the notification was accepted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RenderContext<'a> {
    /// The reader's language.
    pub locale: &'a Locale,
    /// The language of those whose own is not there.
    pub default_locale: &'a Locale,
    /// The reader's IANA time zone. Without one, or with one that is not known, times are in UTC.
    pub zone: Option<&'a str>,
    /// When the notification was accepted; gives `year`, in the reader's zone.
    pub accepted_at: Timestamp,
    /// The notification, printed as `notification_id`.
    pub notification_id: Option<NotificationId>,
    /// Where the reader unsubscribes: `unsubscribe_url`. Data cannot replace it.
    pub unsubscribe_url: Option<&'a str>,
    /// Where the reader changes preferences: `preferences_url`. Data cannot replace it.
    pub preferences_url: Option<&'a str>,
    /// Where the sender can be reached by post: `postal_address`. Data cannot replace it.
    pub postal_address: Option<&'a str>,
    /// With what the application's client reports what happens to the message: `report_token`. Data cannot replace it.
    pub report_token: Option<&'a str>,
    /// The reader: `recipient.id`, and the attributes as `recipient.name` and so on.
    pub recipient: Option<&'a Recipient>,
}

impl<'a> RenderContext<'a> {
    /// A reader of this language, of whom nothing else is known.
    #[must_use]
    pub const fn new(
        locale: &'a Locale,
        default_locale: &'a Locale,
        accepted_at: Timestamp,
    ) -> Self {
        Self {
            locale,
            default_locale,
            zone: None,
            accepted_at,
            notification_id: None,
            unsubscribe_url: None,
            preferences_url: None,
            postal_address: None,
            report_token: None,
            recipient: None,
        }
    }

    /// A reader for previews: links to `example.com`, accepted on 2 January 2026.
    #[must_use]
    pub const fn sample(locale: &'a Locale, default_locale: &'a Locale) -> Self {
        Self {
            notification_id: Some(NotificationId::from_u128(0)),
            unsubscribe_url: Some("https://example.com/unsubscribe"),
            preferences_url: Some("https://example.com/preferences"),
            postal_address: Some("Example Inc., 1 Main Street, Springfield"),
            report_token: Some("sample"),
            ..Self::new(
                locale,
                default_locale,
                Timestamp::from_micros(1_767_312_000_000_000),
            )
        }
    }

    /// In this time zone.
    #[must_use]
    pub const fn with_zone(mut self, zone: Option<&'a str>) -> Self {
        self.zone = zone;
        self
    }

    /// Told by this notification.
    #[must_use]
    pub const fn with_notification_id(mut self, id: NotificationId) -> Self {
        self.notification_id = Some(id);
        self
    }

    /// With a link to unsubscribe.
    #[must_use]
    pub const fn with_unsubscribe_url(mut self, url: Option<&'a str>) -> Self {
        self.unsubscribe_url = url;
        self
    }

    /// With a link to change preferences.
    #[must_use]
    pub const fn with_preferences_url(mut self, url: Option<&'a str>) -> Self {
        self.preferences_url = url;
        self
    }

    /// Read by this recipient.
    #[must_use]
    pub const fn with_recipient(mut self, recipient: &'a Recipient) -> Self {
        self.recipient = Some(recipient);
        self
    }
}

/// Data with the system variables, made once and rendered from for every part and template.
#[derive(Clone, Debug)]
pub struct RenderData(pub(super) Context);

impl RenderData {
    /// Adds the system variables to the data, which is moved and not copied.
    ///
    /// `unsubscribe_url`, `preferences_url`, `postal_address` and `report_token` replace fields of the data, because what a reader
    /// clicks to be left alone must work; the other variables leave fields of the data as they are.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `data` if that is neither an object nor null.
    pub fn new(data: Value, context: &RenderContext<'_>) -> Result<Self> {
        let mut map = match data {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            _ => return Err(Error::invalid("data", "must be a JSON object")),
        };
        let links = [
            (UNSUBSCRIBE_URL, context.unsubscribe_url),
            (PREFERENCES_URL, context.preferences_url),
            (POSTAL_ADDRESS, context.postal_address),
            (REPORT_TOKEN, context.report_token),
        ];
        for (name, url) in links {
            if let Some(url) = url {
                map.insert(name.to_owned(), url.into());
            }
        }
        if !map.contains_key(YEAR) {
            map.insert(YEAR.to_owned(), year(context).into());
        }
        if let Some(id) = context
            .notification_id
            .filter(|_| !map.contains_key(NOTIFICATION_ID))
        {
            map.insert(NOTIFICATION_ID.to_owned(), id.to_string().into());
        }
        if let Some(recipient) = context.recipient.filter(|_| !map.contains_key(RECIPIENT)) {
            let mut attributes = recipient.attributes().clone();
            let id = || recipient.id().as_str().into();
            attributes.entry("id").or_insert_with(id);
            map.insert(RECIPIENT.to_owned(), Value::Object(attributes));
        }
        Ok(Self(Context::from(Value::Object(map))))
    }
}

fn year(context: &RenderContext<'_>) -> i16 {
    let at = jiff::Timestamp::from_microsecond(context.accepted_at.as_micros()).unwrap_or_default();
    let zone = context
        .zone
        .and_then(|zone| jiff::tz::TimeZone::get(zone).ok());
    at.to_zoned(zone.unwrap_or(jiff::tz::TimeZone::UTC)).year()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_is_that_of_acceptance_where_the_reader_lives() {
        let locale = Locale::new("en");
        // 2026-01-01T01:00:00Z is still 2025 in New York.
        let at = Timestamp::from_micros(1_767_229_200_000_000);
        let context = RenderContext::new(&locale, &locale, at);
        assert_eq!(year(&context), 2026);
        assert_eq!(year(&context.with_zone(Some("America/New_York"))), 2025);
        assert_eq!(year(&context.with_zone(Some("Mars/Olympus"))), 2026);
    }
}
