//! How much may pass how fast: quotas of providers and of callers of the API, and caps per person.
//!
//! Two different things, kept apart on purpose. A [`Quota`] shapes traffic towards a provider or
//! from a caller: cheap, a token bucket, asked before a message is begun, and a token that is lost
//! on the way errs on the side of sending less. A [`Cap`] is a promise to one person: an exact
//! sliding window, counted in the commit that begins the message.

mod cap;
pub mod gcra;
mod in_process;
mod quota;

pub use cap::{Cap, Excess};
pub use in_process::GovernorLimiter;
pub use quota::{Quota, QuotaKey};

use async_trait::async_trait;
use std::fmt;
use std::num::NonZeroU32;

use crate::clock::Timestamp;
use crate::error::Result;

/// Whether a call may be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Verdict {
    /// The tokens were taken: go on.
    Pass,
    /// None was taken. At `until` the same call passes, if nobody else takes the tokens before.
    Wait {
        /// When to ask again: after the `now` that was asked with.
        until: Timestamp,
    },
}

impl Verdict {
    /// Whether the tokens were taken.
    #[must_use]
    pub const fn is_pass(self) -> bool {
        matches!(self, Self::Pass)
    }
}

/// Holds calls to their quotas: in this process with [`GovernorLimiter`], for several hosts in a
/// shared store.
///
/// What to do when a limiter cannot be reached is the caller's rule: critical and transactional
/// messages pass, marketing waits.
///
/// # Contract
/// - A key that has not been used for long passes its quota's `burst` at once.
/// - In any window of length `t`, at most `burst + t / per × max` pass, however the calls are mixed.
/// - Several keys pass together or not at all: a call that has to wait takes no token of any key.
/// - A call that has to wait is told when. At that time it passes, if nobody took the tokens before.
/// - Keys are independent: using up one never delays a call that does not name it.
/// - `n` tokens are as good as `n` calls; a key that is named twice in one call counts once.
/// - More tokens than a key's burst are refused with [`ErrorKind::Invalid`] and take none: they
///   could never pass.
/// - No key, or only keys without a quota: passes.
/// - A `now` before that of an earlier call never lets more pass. After a step back of more than
///   [`gcra::SKEW`] the clock counts as set: a key that was empty is empty then, and fills from there.
/// - `release` gives tokens back, never above the burst, and never fails because a key is unknown.
/// - A key without a quota of its own has that of its [scope](QuotaKey::scope), else the one
///   given at construction.
/// - `set_quota` holds from the next call on. What passed before counts against the new quota:
///   a change never hands out a second burst.
/// - Keys that are full again take no memory.
///
/// [`ErrorKind::Invalid`]: crate::ErrorKind::Invalid
#[async_trait]
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Takes `n` tokens of each of `keys`, or none at all.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if `n` is more than a key's burst;
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) or
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if a shared limiter failed: then tokens may
    /// have been taken, which errs on the side of sending less.
    async fn acquire(&self, keys: &[QuotaKey], n: NonZeroU32, now: Timestamp) -> Result<Verdict>;

    /// Gives back `n` tokens of each of `keys`, for a call that was not made after all.
    ///
    /// Best effort: a caller that cannot give back goes on. Only what was acquired may be given back.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) or
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if a shared limiter failed.
    async fn release(&self, keys: &[QuotaKey], n: NonZeroU32) -> Result<()>;

    /// Changes the quota of a key, or of a whole [scope](QuotaKey::scope); `None` takes it away.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) or
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if a shared limiter failed: then the old
    /// quota holds.
    async fn set_quota(&self, key: &QuotaKey, quota: Option<Quota>, now: Timestamp) -> Result<()>;
}

fn _object_safe(_: &dyn RateLimiter) {}
