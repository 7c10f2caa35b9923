//! Where a message goes: a scheme and a value that is never printed.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::id::AddressScheme;

/// The longest address that is accepted, in characters; device tokens and addresses that are URLs may have [`MAX_TOKEN`].
pub const MAX_ADDRESS: usize = 255;
/// The longest device token, push endpoint or other URL that is accepted, in characters: those of webhooks carry keys and signatures.
pub const MAX_TOKEN: usize = 4_096;

/// Where a message goes. `Debug` shows the scheme only: an address is personal data.
///
/// The scheme is a name (`email`, `phone`, `device`, `inbox`, …), so that a channel outside this crate needs no new variant.
///
/// ```
/// use notify_core::Address;
///
/// let address = Address::email("ada@example.com");
/// assert_eq!(format!("{address:?}"), "email:[redacted]");
/// assert_eq!(address.expose(), "ada@example.com");
/// assert!(address.validate().is_ok());
/// assert!(Address::email("not an address").validate().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address {
    scheme: AddressScheme,
    value: Arc<str>,
}

impl Address {
    /// An address of any scheme. It is checked where it enters the system, by [`validate`](Self::validate).
    #[must_use]
    pub fn new(scheme: impl Into<AddressScheme>, value: impl Into<Arc<str>>) -> Self {
        Self {
            scheme: scheme.into(),
            value: value.into(),
        }
    }

    /// A mailbox, such as `ada@example.com` (RFC 5321 §4.1.2, without quoted local parts).
    #[must_use]
    pub fn email(value: impl Into<Arc<str>>) -> Self {
        Self::new(AddressScheme::EMAIL, value)
    }

    /// A phone number in E.164 form, such as `+15550100`.
    #[must_use]
    pub fn phone(value: impl Into<Arc<str>>) -> Self {
        Self::new(AddressScheme::PHONE, value)
    }

    /// A device token or a push endpoint.
    #[must_use]
    pub fn device(value: impl Into<Arc<str>>) -> Self {
        Self::new(AddressScheme::DEVICE, value)
    }

    /// The inbox inside the application of the recipient with this id.
    #[must_use]
    pub fn inbox(value: impl Into<Arc<str>>) -> Self {
        Self::new(AddressScheme::INBOX, value)
    }

    /// What kind of address this is.
    #[must_use]
    pub const fn scheme(&self) -> &AddressScheme {
        &self.scheme
    }

    /// The address itself. Not to be logged.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// Checks the shape: mailboxes by RFC 5321 without quoting, phone numbers by E.164, all others for length and control characters.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) that names the field `address` and what is wrong, without the address.
    pub fn validate(&self) -> Result<()> {
        let fail = |why: &str| Err(Error::invalid("address", format!("{} {why}", self.scheme)));
        let value = self.expose();
        let is_url = value.starts_with("https://") || value.starts_with("http://");
        let max = if self.scheme == AddressScheme::DEVICE || is_url {
            MAX_TOKEN
        } else {
            MAX_ADDRESS
        };
        if value.is_empty() {
            return fail("address is empty");
        }
        if value.chars().count() > max {
            return fail(&format!("address is longer than {max} characters"));
        }
        if value.chars().any(char::is_control) {
            return fail("address holds a control character");
        }
        if self.scheme == AddressScheme::EMAIL && !is_mailbox(value) {
            return fail("address is not a mailbox such as name@example.com");
        }
        if self.scheme == AddressScheme::PHONE && !is_e164(value) {
            return fail("number is not in E.164 form, such as +15550100");
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:[redacted]", self.scheme)
    }
}

/// `+` and 8 to 15 digits, the first of them not 0 (ITU-T E.164).
fn is_e164(value: &str) -> bool {
    value.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// Dot-atom local part of at most 64 bytes and a domain of at least one label (RFC 5321 §4.1.2, §4.5.3.1); letters beyond ASCII pass (RFC 6531).
fn is_mailbox(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else {
        return false;
    };
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
    let domain_ok = domain.len() <= 253
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c == '-' || c.is_alphanumeric())
        });
    local_ok && domain_ok
}

fn is_atom(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_addresses_pass() {
        for address in [
            Address::email("ada@example.com"),
            Address::email("o'neil+news@mail.example.co"),
            Address::email("почта@пример.рф"),
            Address::email("root@localhost"),
            Address::phone("+15550100"),
            Address::device("x".repeat(4_096)),
            Address::new("matrix", "@ada:example.org"),
            Address::new(
                "webhook",
                format!("https://h.example/{}", "x".repeat(4_078)),
            ),
        ] {
            assert!(address.validate().is_ok(), "{}", address.expose());
        }
    }

    #[test]
    fn bad_addresses_are_refused_without_being_printed() {
        for address in [
            Address::email("ada"),
            Address::email("a@b@"),
            Address::email(".ada@example.com"),
            Address::email("ada@example..com"),
            Address::email("ada@-example.com"),
            Address::email("ada@example.com\r\nBcc: x@example.com"),
            Address::email(""),
            Address::phone("25550199"),
            Address::phone("+0555010012"),
            Address::phone("+1555010a"),
            Address::device("x".repeat(4_097)),
            Address::new(
                "webhook",
                format!("https://h.example/{}", "x".repeat(4_079)),
            ),
            Address::new("webhook", "x".repeat(256)),
        ] {
            let error = address.validate().expect_err(address.expose());
            assert_eq!(error.field_name(), Some("address"));
            assert!(address.expose().is_empty() || !error.to_string().contains(address.expose()));
        }
    }
}
