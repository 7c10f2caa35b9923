//! Addresses that must not be used: dead ones, and those of people who complained.

use async_trait::async_trait;
use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::address::Address;
use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChannelId, TenantId};

/// A store's own key for hashing what must be compared but not read back: addresses, keys. Never printed.
#[derive(Clone)]
pub struct Pepper(hmac::Key);

impl Pepper {
    /// A pepper of 32 secret bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// HMAC-SHA-256 of `text` for `purpose`: the same text under two purposes has two hashes.
    #[must_use]
    pub fn hash(&self, purpose: &str, text: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(text.as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    /// The hash of an address. Mailboxes are compared without regard to case.
    #[must_use]
    pub fn address(&self, address: &Address) -> AddressHash {
        let value = address.expose();
        AddressHash(if *address.scheme() == crate::id::AddressScheme::EMAIL {
            self.hash(address.scheme().as_str(), &value.to_lowercase())
        } else {
            self.hash(address.scheme().as_str(), value)
        })
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper([redacted])")
    }
}

/// A keyed hash of an address: phone numbers could be guessed from a plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressHash([u8; 32]);

impl AddressHash {
    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, as stores keep them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What a suppressed address must not be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SuppressionScope {
    /// Anything: it is dead.
    All,
    /// Marketing: its owner complained.
    Marketing,
}

impl SuppressionScope {
    /// The name in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Marketing => "marketing",
        }
    }
}

/// Why an address is suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SuppressionSource {
    /// A provider called it dead.
    Bounce,
    /// Its owner reported spam.
    Complaint,
    /// Its owner unsubscribed or sent STOP.
    Unsubscribe,
    /// An operator.
    Manual,
    /// Taken over from another system.
    Import,
}

impl SuppressionSource {
    /// The name in tables and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
            Self::Unsubscribe => "unsubscribe",
            Self::Manual => "manual",
            Self::Import => "import",
        }
    }
}

/// One address that must not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suppression {
    /// On which channel.
    pub channel: ChannelId,
    /// Which address.
    pub address: AddressHash,
    /// For what.
    pub scope: SuppressionScope,
    /// Why.
    pub source: SuppressionSource,
    /// Since when.
    pub at: Timestamp,
}

impl Suppression {
    /// An entry.
    #[must_use]
    pub const fn new(
        channel: ChannelId,
        address: AddressHash,
        scope: SuppressionScope,
        source: SuppressionSource,
        at: Timestamp,
    ) -> Self {
        Self {
            channel,
            address,
            scope,
            source,
            at,
        }
    }
}

/// Keeps the addresses that must not be used.
///
/// # Contract
/// - `suppressed` answers one entry for each question, in order; an address that is not suppressed has `None`.
/// - `suppress` of an address that is suppressed widens its scope, and never narrows it.
/// - `lift` says whether there was anything to lift.
/// - Both, by an operator, write one audit row in the same commit.
/// - Entries of one tenant or channel say nothing about another.
#[async_trait]
pub trait SuppressionStore: fmt::Debug + Send + Sync + 'static {
    /// The key with which this store hashes addresses. It does not change over the life of the store.
    fn pepper(&self) -> Pepper;

    /// Looks addresses up.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn suppressed(
        &self,
        tenant: &TenantId,
        asked: &[(ChannelId, AddressHash)],
    ) -> Result<Vec<Option<SuppressionScope>>>;

    /// Adds entries, all or none.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then none is added.
    async fn suppress(
        &self,
        tenant: &TenantId,
        entries: &[Suppression],
        actor: &Actor,
    ) -> Result<()>;

    /// Removes an entry; returns whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing changed.
    async fn lift(
        &self,
        tenant: &TenantId,
        channel: &ChannelId,
        address: &AddressHash,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_hash_alike_in_any_case_and_schemes_differ() {
        let pepper = Pepper::new(&[7; 32]);
        assert_eq!(
            pepper.address(&Address::email("Ada@Example.com")),
            pepper.address(&Address::email("ada@example.com"))
        );
        assert_ne!(
            pepper.address(&Address::device("x")),
            pepper.address(&Address::inbox("x"))
        );
        assert_ne!(
            pepper.address(&Address::device("x")),
            Pepper::new(&[8; 32]).address(&Address::device("x"))
        );
    }
}
