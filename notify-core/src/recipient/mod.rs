//! Who is told: a person with a locale, a zone, addresses and attributes, and where they come from.

mod store;

pub use store::{RecipientResolver, RecipientStore};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

use crate::address::Address;
use crate::calendar::Zone;
use crate::error::{Error, Result};
use crate::id::{Locale, RecipientId};
use crate::limits::{Limits, required};

/// The most addresses one recipient may have.
pub const MAX_ADDRESSES: usize = 64;

/// Who is told. `Debug` shows the id and the number of addresses only.
///
/// ```
/// use notify_core::Recipient;
///
/// let ada = Recipient::new("user-42")
///     .with_email("ada@example.com")
///     .with_locale("pt-BR")
///     .with_zone("America/Sao_Paulo")
///     .with_attribute("name", "Ada");
/// assert!(ada.validate().is_ok());
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipient {
    id: RecipientId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locale: Option<Locale>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<Address>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
}

impl Recipient {
    /// A recipient without addresses, in the application's default locale and zone.
    #[must_use]
    pub fn new(id: impl Into<RecipientId>) -> Self {
        Self {
            id: id.into(),
            locale: None,
            zone: None,
            addresses: Vec::new(),
            attributes: Map::new(),
        }
    }

    /// One more address.
    #[must_use]
    pub fn with_address(mut self, address: Address) -> Self {
        self.addresses.push(address);
        self
    }

    /// One more mailbox.
    #[must_use]
    pub fn with_email(self, email: &str) -> Self {
        self.with_address(Address::email(email))
    }

    /// One more phone number, in E.164 form.
    #[must_use]
    pub fn with_phone(self, phone: &str) -> Self {
        self.with_address(Address::phone(phone))
    }

    /// The language they read, such as `pt-BR`.
    #[must_use]
    pub fn with_locale(mut self, locale: impl Into<Locale>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// The IANA time zone they live in, such as `America/Sao_Paulo`.
    #[must_use]
    pub fn with_zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Anything templates want to say about them, such as their name.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// The application's own id.
    #[must_use]
    pub const fn id(&self) -> &RecipientId {
        &self.id
    }

    /// The language they read.
    #[must_use]
    pub const fn locale(&self) -> Option<&Locale> {
        self.locale.as_ref()
    }

    /// The IANA time zone they live in.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Their addresses, the preferred one of each kind first.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// What templates may say about them.
    #[must_use]
    pub const fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// Checks id, locale, zone and every address.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming the field, such as `recipient.addresses[0]`.
    pub fn validate(&self) -> Result<()> {
        required("recipient.id", self.id.as_str(), Limits::RECIPIENT)?;
        if let Some(locale) = &self.locale {
            required("recipient.locale", locale.as_str(), Limits::LOCALE)?;
        }
        if let Some(zone) = &self.zone {
            Zone::get(zone).ok_or_else(|| {
                Error::invalid(
                    "recipient.zone",
                    "is not an IANA time zone such as Europe/Paris",
                )
            })?;
        }
        if self.addresses.len() > MAX_ADDRESSES {
            return Err(Error::invalid(
                "recipient.addresses",
                format!("are more than {MAX_ADDRESSES}"),
            ));
        }
        for (no, address) in self.addresses.iter().enumerate() {
            address
                .validate()
                .map_err(|e| Error::invalid(format!("recipient.addresses[{no}]"), e.to_string()))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient")
            .field("id", &self.id)
            .field("addresses", &self.addresses.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_field_is_named_and_not_printed() {
        let cases = [
            ("recipient.id", Recipient::new("")),
            ("recipient.id", Recipient::new("x".repeat(256))),
            (
                "recipient.locale",
                Recipient::new("u").with_locale("x".repeat(36)),
            ),
            (
                "recipient.zone",
                Recipient::new("u").with_zone("Mars/Olympus"),
            ),
            (
                "recipient.addresses[1]",
                Recipient::new("u").with_phone("+15550100").with_email("no"),
            ),
        ];
        for (field, recipient) in cases {
            let error = recipient.validate().expect_err(field);
            assert_eq!(error.field_name(), Some(field));
        }
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let ada = Recipient::new("u")
            .with_email("ada@example.com")
            .with_attribute("name", "Ada");
        let text = format!("{ada:?}");
        assert!(!text.contains("example.com") && !text.contains("Ada"));
    }
}
