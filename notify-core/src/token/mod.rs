//! Links that prove themselves: unsubscribe, confirm, open, click, report. Pure: made and read without a store.

mod keys;
mod text;

pub use keys::{TokenKey, TokenKeys};

use std::fmt;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{CategoryId, DeliveryId, RecipientId, TenantId};

/// The longest token that is read, in characters: it has to fit into an address that every mail program and proxy takes.
pub const MAX_TOKEN: usize = 2_000;

/// What whoever has a token may do, for one tenant and one person.
///
/// A token is signed, not sealed: its holder can read it. The id of a recipient is in those that must work when the delivery is
/// forgotten (unsubscribe, preferences, confirm); so ids should not be addresses.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grant {
    /// Switch a category off.
    Unsubscribe {
        /// Whose.
        recipient: RecipientId,
        /// Which kind.
        category: CategoryId,
        /// The delivery that carried the link, for its timeline.
        delivery: DeliveryId,
    },
    /// See and change all preferences.
    Preferences {
        /// Whose.
        recipient: RecipientId,
    },
    /// Agree to a category: the second step of a double opt-in.
    Confirm {
        /// Who.
        recipient: RecipientId,
        /// To what.
        category: CategoryId,
        /// Where they asked for it, such as `sign-up form`.
        source: String,
        /// What they read when they asked for it, word by word.
        wording: String,
    },
    /// Say that a mail was opened.
    Open {
        /// Which.
        delivery: DeliveryId,
    },
    /// Say that a link was clicked, and be sent on.
    Click {
        /// In which message.
        delivery: DeliveryId,
        /// Where to: signed, so that nobody can make the redirect lead elsewhere.
        url: String,
    },
    /// Say that a button was pressed.
    Action {
        /// In which message.
        delivery: DeliveryId,
        /// Which.
        action: String,
    },
    /// Report what happens on the device: arrived, opened, clicked, any action.
    Report {
        /// To which message.
        delivery: DeliveryId,
    },
}

impl Grant {
    /// The name in documents and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::Preferences { .. } => "preferences",
            Self::Confirm { .. } => "confirm",
            Self::Open { .. } => "open",
            Self::Click { .. } => "click",
            Self::Action { .. } => "action",
            Self::Report { .. } => "report",
        }
    }

    /// The delivery that it is about.
    #[must_use]
    pub const fn delivery(&self) -> Option<DeliveryId> {
        match self {
            Self::Unsubscribe { delivery, .. }
            | Self::Open { delivery }
            | Self::Click { delivery, .. }
            | Self::Action { delivery, .. }
            | Self::Report { delivery } => Some(*delivery),
            Self::Preferences { .. } | Self::Confirm { .. } => None,
        }
    }
}

/// Nobody's id, wording or link is shown.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token says.
///
/// ```
/// use notify_core::token::{Grant, Token, TokenKey, TokenKeys};
/// use notify_core::{DeliveryId, TenantId, Timestamp};
/// use std::time::Duration;
///
/// # fn main() -> notify_core::Result<()> {
/// let keys = TokenKeys::new(TokenKey::new(1, &[7; 32])?);
/// let now = Timestamp::from_micros(1_800_000_000_000_000);
/// let open = Grant::Open { delivery: DeliveryId::from_u128(1) };
/// let text = keys.sign(&Token::new(TenantId::default(), open.clone(), now).expires_after(Duration::from_secs(60)));
///
/// assert_eq!(keys.verify(&text, now).expect("it is fresh").grant, open);
/// assert!(keys.verify(&text, now + Duration::from_secs(60)).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// Whose customer it is about: a token of one tenant does nothing in another.
    pub tenant: TenantId,
    /// What it lets its holder do.
    pub grant: Grant,
    /// When it was made, to the second.
    pub issued_at: Timestamp,
    /// From when on it is not taken any more, to the second; `None` is never.
    pub expires_at: Option<Timestamp>,
}

impl Token {
    /// A token made now that does not expire.
    #[must_use]
    pub const fn new(tenant: TenantId, grant: Grant, now: Timestamp) -> Self {
        Self {
            tenant,
            grant,
            issued_at: now,
            expires_at: None,
        }
    }

    /// Not taken any more from this long after it was made.
    #[must_use]
    pub fn expires_after(mut self, ttl: std::time::Duration) -> Self {
        self.expires_at = Some(self.issued_at + ttl);
        self
    }
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenError {
    /// It was not made by one of the keys, or was changed since. Which of both nobody is told.
    Forged,
    /// Its time is over: offer a new one.
    Expired,
    /// It is for something else.
    WrongKind,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forged => "is not one of this system, or was changed; ask for a new link",
            Self::Expired => "has expired; ask for a new link",
            Self::WrongKind => "is for something else; use the link it came with",
        })
    }
}

impl std::error::Error for TokenError {}

impl TokenError {
    /// As an error of the library, naming the field `token`.
    #[must_use]
    pub fn into_error(self) -> Error {
        Error::invalid("token", self.to_string()).source(self)
    }
}

#[cfg(test)]
mod tests;
