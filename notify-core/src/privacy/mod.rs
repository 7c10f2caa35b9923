//! One person's data: read as a whole, erased, and forgotten in time.

mod store;

pub use store::PrivacyStore;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::id::{RecipientId, TenantId};

/// Whom to erase.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an input that the front door builds"
)]
pub struct Erasure {
    /// Whose customer.
    pub tenant: TenantId,
    /// Whom.
    pub recipient: RecipientId,
    /// Under which name their deliveries stay, so that counts stay right: random, and nowhere kept beside the id. See
    /// [`pseudonym`](Self::pseudonym).
    pub pseudonym: RecipientId,
    /// Who asked for it.
    pub actor: Actor,
    /// Now.
    pub now: Timestamp,
}

impl Erasure {
    /// What every pseudonym begins with.
    pub const PREFIX: &'static str = "erased:";

    /// A name that says nothing, of these random bits.
    #[must_use]
    pub fn pseudonym(random: u128) -> RecipientId {
        RecipientId::from(format!("{}{random:032x}", Self::PREFIX))
    }

    /// Whether a recipient is what is left of an erased person.
    #[must_use]
    pub fn is_pseudonym(recipient: &RecipientId) -> bool {
        recipient.as_str().starts_with(Self::PREFIX)
    }
}

/// What an erasure did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// How many deliveries lost the person.
    pub deliveries: u64,
    /// How many of theirs a provider is being called for: they keep what the call needs until it is over. Ask again then.
    pub sending: u64,
    /// Whether there is more to erase at once: ask again.
    pub more: bool,
}

impl Erased {
    /// So many deliveries, of which so many more are being sent, and whether there is more.
    #[must_use]
    pub const fn new(deliveries: u64, sending: u64, more: bool) -> Self {
        Self {
            deliveries,
            sending,
            more,
        }
    }

    /// Whether nothing of the person is left.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        !self.more && self.sending == 0
    }
}
