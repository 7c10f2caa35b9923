//! The token that says who we are: signed here, seldom, and shared by all calls.

use notify_core::clock::Clock;
use notify_core::provider::Fault;
use notify_core::secret::SecretString;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::push::token::Moment;
use crate::signature::apns::ApnsKey;

/// At which age a token is replaced: Apple takes it for 60 minutes.
const MAX_AGE: Duration = Duration::from_secs(50 * 60);
/// How long it stays at least: who signs more often is refused (`TooManyProviderTokenUpdates`).
const MIN_AGE: Duration = Duration::from_secs(20 * 60);

/// The token of one account.
#[derive(Debug)]
pub(super) struct ProviderTokens {
    key: ApnsKey,
    held: Mutex<Option<ProviderToken>>,
}

/// A token, and when it was signed.
#[derive(Clone)]
pub(super) struct ProviderToken {
    pub(super) secret: SecretString,
    signed_at: Moment,
    number: u64,
}

impl ProviderTokens {
    pub(super) const fn new(key: ApnsKey) -> Self {
        Self {
            key,
            held: Mutex::new(None),
        }
    }

    /// The token that is there, or a new one if it is too old.
    ///
    /// # Errors
    /// A config fault `key` if the key does not sign.
    pub(super) fn get(&self, clock: &dyn Clock) -> Result<ProviderToken, Fault> {
        let mut held = self.held();
        match &*held {
            Some(token) if token.signed_at.age(clock) < MAX_AGE => Ok(token.clone()),
            old => {
                let signed_at = Moment::now(clock);
                let secret = self.key.token(signed_at.wall);
                let token = ProviderToken {
                    secret: secret.map_err(|_| Fault::config("key"))?,
                    signed_at,
                    number: old.as_ref().map_or(0, |token| token.number + 1),
                };
                *held = Some(token.clone());
                Ok(token)
            }
        }
    }

    /// Replaces a token that Apple calls expired. Whether there is another one now: a young one stays, for then a clock is wrong.
    pub(super) fn refuse(&self, clock: &dyn Clock, token: &ProviderToken) -> bool {
        let mut held = self.held();
        match &mut *held {
            Some(current) if current.number == token.number => {
                let is_old = current.signed_at.age(clock) >= MIN_AGE;
                let signed_at = Moment::now(clock);
                let secret = is_old.then(|| self.key.token(signed_at.wall).ok());
                let Some(secret) = secret.flatten() else {
                    return false;
                };
                current.secret = secret;
                current.signed_at = signed_at;
                current.number += 1;
                true
            }
            // Another call was faster.
            _ => true,
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<ProviderToken>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ProviderToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderToken")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
