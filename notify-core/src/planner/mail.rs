//! What marketing mail must carry besides consent: a way to unsubscribe, and where the law asks for it the sender's address.

use crate::delivery::Reason;
use crate::id::ChannelId;
use crate::notification::{Category, Class};

/// What the application gave for marketing mail, and what is asked of it.
///
/// ```
/// use notify_core::planner::MailDuties;
///
/// let duties = MailDuties::new().with_unsubscribe(true).require_postal_address(true);
/// assert!(duties.lacks_postal_address());
/// assert!(!duties.with_postal_address("Example Inc., 1 Main St, Springfield").lacks_postal_address());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailDuties {
    unsubscribe: bool,
    by_provider: bool,
    postal_address: Option<String>,
    needs_postal_address: bool,
}

impl MailDuties {
    /// Nothing is given: marketing mail is not sent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the application's links lead to where a reader unsubscribes.
    #[must_use]
    pub const fn with_unsubscribe(mut self, is_there: bool) -> Self {
        self.unsubscribe = is_there;
        self
    }

    /// Whether the vendor puts its own way to unsubscribe into each mail.
    #[must_use]
    pub const fn with_unsubscribe_by_provider(mut self, is_there: bool) -> Self {
        self.by_provider = is_there;
        self
    }

    /// Where the sender can be reached by post, in one line.
    #[must_use]
    pub fn with_postal_address(mut self, address: impl Into<String>) -> Self {
        self.postal_address = Some(address.into()).filter(|text: &String| !text.trim().is_empty());
        self
    }

    /// Whether marketing mail without a postal address is refused: the law of the USA (CAN-SPAM, 15 U.S.C. § 7704 (a)(5)).
    #[must_use]
    pub const fn require_postal_address(mut self, is_required: bool) -> Self {
        self.needs_postal_address = is_required;
        self
    }

    /// Whether there is no way to unsubscribe.
    #[must_use]
    pub const fn lacks_unsubscribe(&self) -> bool {
        !self.unsubscribe && !self.by_provider
    }

    /// Whether a mail needs a link of the application's.
    #[must_use]
    pub const fn needs_link(&self) -> bool {
        !self.by_provider
    }

    /// Whether a postal address is missing that the law asks for.
    #[must_use]
    pub const fn lacks_postal_address(&self) -> bool {
        self.needs_postal_address && self.postal_address.is_none()
    }

    /// Where the sender can be reached by post.
    #[must_use]
    pub fn postal_address(&self) -> Option<&str> {
        self.postal_address.as_deref()
    }

    /// What is missing for a message of this category on this channel, with the rule's name; asks nothing of what is no marketing mail.
    pub(super) fn asked(
        &self,
        category: &Category,
        channel: &ChannelId,
    ) -> [Option<(&'static str, bool, Reason)>; 2] {
        if category.class() != Class::Marketing || *channel != ChannelId::EMAIL {
            return [None, None];
        }
        let unsubscribe = (
            "unsubscribe",
            self.lacks_unsubscribe(),
            Reason::NoUnsubscribe,
        );
        let address = (
            "postal_address",
            self.lacks_postal_address(),
            Reason::NoPostalAddress,
        );
        [
            Some(unsubscribe),
            self.needs_postal_address.then_some(address),
        ]
    }
}
