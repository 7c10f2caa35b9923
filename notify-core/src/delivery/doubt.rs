//! Calls whose outcome nobody knows: who was called, and since when.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::ProviderName;

/// A call of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Called {
    /// Who.
    pub provider: ProviderName,
    /// When it was begun.
    pub at: Timestamp,
}

impl Called {
    /// This provider was called then.
    #[must_use]
    pub const fn new(provider: ProviderName, at: Timestamp) -> Self {
        Self { provider, at }
    }
}

/// A message that may have gone out. Only the provider that was called can tell: it knows the idempotency key, for as long as it keeps
/// keys. To another one the message is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Doubt {
    /// Who was called.
    pub provider: ProviderName,
    /// When it was first called with the key.
    pub since: Timestamp,
    /// When it was last called without an answer.
    pub last: Timestamp,
}

impl Doubt {
    /// Nobody knows what came of this call, nor of those that `earlier` is about.
    #[must_use]
    pub fn of(called: &Called, earlier: Option<&Self>) -> Self {
        let earlier = earlier.filter(|doubt| doubt.provider == called.provider);
        Self {
            provider: called.provider.clone(),
            since: earlier.map_or(called.at, |doubt| doubt.since),
            last: called.at,
        }
    }

    /// Until when a provider that keeps keys for so long takes the message for the one it may have.
    #[must_use]
    pub fn known_until(&self, keys_live: Duration) -> Timestamp {
        self.since + keys_live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lives_from_its_first_call_and_another_provider_has_another() {
        let at = |second| Timestamp::EPOCH + Duration::from_secs(second);
        let call = |name: &'static str, second| Called::new(ProviderName::new(name), at(second));
        let first = Doubt::of(&call("a", 10), None);
        let second = Doubt::of(&call("a", 20), Some(&first));
        assert_eq!((second.since, second.last), (at(10), at(20)));
        assert_eq!(second.known_until(Duration::from_secs(60)), at(70));
        assert_eq!(Doubt::of(&call("b", 30), Some(&second)).since, at(30));
    }
}
