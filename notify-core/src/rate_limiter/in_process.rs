//! Quotas of one process: governor's arithmetic behind the [`RateLimiter`] trait.

use async_trait::async_trait;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::rate_limiter::{Quota, QuotaKey, RateLimiter, Verdict, gcra};

/// Holds the calls of this process to their quotas; several processes have several times the quota.
///
/// Whether a key may pass is decided by the `governor` crate. Its own keyed limiter has one quota
/// for all keys, reads its own clock, takes from one key at a time and gives nothing back, so what
/// is kept here is a number for each key, and governor is asked against a clock that stands still:
/// the time is folded into the number. That makes several keys exact (all are measured before one
/// is written), and tests need no waiting.
///
/// All methods return at once. One lock is held for less than a microsecond a key.
///
/// ```
/// use notify_core::clock::Timestamp;
/// use notify_core::rate_limiter::{GovernorLimiter, Quota, QuotaKey, RateLimiter, Verdict};
/// use std::{num::NonZeroU32, time::Duration};
///
/// # async fn example() -> notify_core::Result<()> {
/// let twilio = QuotaKey::new("provider", "twilio");
/// let limiter = GovernorLimiter::new().with_quota(&twilio, Quota::per_second(NonZeroU32::MIN));
///
/// let now = Timestamp::from_micros(0);
/// let keys = [twilio];
/// assert_eq!(limiter.acquire(&keys, NonZeroU32::MIN, now).await?, Verdict::Pass);
/// let until = now + Duration::from_secs(1);
/// assert_eq!(limiter.acquire(&keys, NonZeroU32::MIN, now).await?, Verdict::Wait { until });
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Default)]
pub struct GovernorLimiter {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    quotas: Quotas,
    /// When each bucket is full again, as [`gcra`] keeps it. A key that is missing is full.
    full_at: HashMap<QuotaKey, u64>,
    /// Full buckets are looked for when there are this many.
    sweep_at: usize,
}

#[derive(Default)]
struct Quotas {
    keys: HashMap<QuotaKey, Quota>,
    scopes: HashMap<Cow<'static, str>, Quota>,
    others: Option<Quota>,
}

impl GovernorLimiter {
    /// A limiter without quotas: everything passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The quota of each key that has none, by itself or by its scope. Default: none, they pass.
    #[must_use]
    pub fn with_default(self, quota: Quota) -> Self {
        self.lock().quotas.others = Some(quota);
        self
    }

    /// The quota of a key, or of each key of a [scope](QuotaKey::scope).
    #[must_use]
    pub fn with_quota(self, key: &QuotaKey, quota: Quota) -> Self {
        self.lock().quotas.set(key, Some(quota));
        self
    }

    /// How many keys take memory now: those that are not full, and full ones not yet swept out.
    #[must_use]
    pub fn tracked(&self) -> usize {
        self.lock().full_at.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way, so a poisoned state is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for GovernorLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GovernorLimiter")
            .field("tracked", &self.tracked())
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RateLimiter for GovernorLimiter {
    async fn acquire(&self, keys: &[QuotaKey], n: NonZeroU32, now: Timestamp) -> Result<Verdict> {
        self.lock().acquire(keys, n, now)
    }

    async fn release(&self, keys: &[QuotaKey], n: NonZeroU32) -> Result<()> {
        self.lock().release(keys, n);
        Ok(())
    }

    async fn set_quota(&self, key: &QuotaKey, quota: Option<Quota>, now: Timestamp) -> Result<()> {
        self.lock().set_quota(key, quota, now);
        Ok(())
    }
}

impl State {
    fn acquire(&mut self, keys: &[QuotaKey], n: NonZeroU32, now: Timestamp) -> Result<Verdict> {
        let mut taken = Vec::with_capacity(keys.len());
        let mut until = None;
        for key in distinct(keys) {
            let Some(quota) = self.quotas.of(key) else {
                continue;
            };
            gcra::refuse_above_burst(&quota, n)?;
            let full_at = self.full_at.get_mut(key).map(|full_at| {
                *full_at = gcra::heal(&quota, *full_at, now);
                *full_at
            });
            match measure(&quota, gcra::debt(&quota, full_at, now), n) {
                Ok(debt) => taken.push((key, gcra::full_at(now, debt))),
                Err(missing) => until = until.max(Some(gcra::wait(now, missing))),
            }
        }
        if let Some(until) = until {
            return Ok(Verdict::Wait { until });
        }
        for (key, full_at) in taken {
            self.full_at.insert(key.clone(), full_at);
        }
        self.sweep(now);
        Ok(Verdict::Pass)
    }

    fn release(&mut self, keys: &[QuotaKey], n: NonZeroU32) {
        for key in distinct(keys) {
            if let (Some(quota), Some(full_at)) = (self.quotas.of(key), self.full_at.get_mut(key)) {
                *full_at = gcra::give_back(&quota, *full_at, n);
            }
        }
    }

    fn set_quota(&mut self, key: &QuotaKey, quota: Option<Quota>, now: Timestamp) {
        let touched = |other: &QuotaKey| other == key || other.is_in(key);
        let before: Vec<_> = self
            .full_at
            .keys()
            .filter(|other| touched(other))
            .map(|other| (other.clone(), self.quotas.of(other)))
            .collect();
        self.quotas.set(key, quota);
        for (key, old) in before {
            match (old, self.quotas.of(&key), self.full_at.get_mut(&key)) {
                (Some(old), Some(new), Some(full_at)) => {
                    *full_at = gcra::rescale(&old, &new, *full_at, now);
                }
                _ => drop(self.full_at.remove(&key)),
            }
        }
    }

    /// Forgets full buckets, each time the number of keys has doubled: at most twice as many are
    /// kept as are in use, or a thousand.
    fn sweep(&mut self, now: Timestamp) {
        if self.full_at.len() >= self.sweep_at.max(1_024) {
            self.full_at
                .retain(|_, full_at| !gcra::is_idle(*full_at, now));
            self.sweep_at = self.full_at.len() * 2;
        }
    }
}

impl Quotas {
    fn of(&self, key: &QuotaKey) -> Option<Quota> {
        let own = self
            .keys
            .get(key)
            .or_else(|| self.scopes.get(key.scope_name()));
        own.copied().or(self.others)
    }

    fn set(&mut self, key: &QuotaKey, quota: Option<Quota>) {
        let scope = || Cow::Owned(key.scope_name().to_owned());
        let _ = match (key.is_scope(), quota) {
            (true, Some(quota)) => self.scopes.insert(scope(), quota),
            (true, None) => self.scopes.remove(key.scope_name()),
            (false, Some(quota)) => self.keys.insert(key.clone(), quota),
            (false, None) => self.keys.remove(key),
        };
    }
}

fn distinct(keys: &[QuotaKey]) -> impl Iterator<Item = &QuotaKey> {
    let first = |(index, key): &(usize, &QuotaKey)| !keys[..*index].contains(key);
    keys.iter().enumerate().filter(first).map(|(_, key)| key)
}

/// Asks governor whether `n`, which is at most the burst, may pass a bucket that is full in `debt`
/// nanoseconds: the debt afterwards, or how many nanoseconds are missing.
fn measure(quota: &Quota, debt: u64, n: NonZeroU32) -> Result<u64, u64> {
    type Governor = governor::RateLimiter<NotKeyed, Debt, Still, NoOpMiddleware<Nanos>>;
    let Some(rate) = governor::Quota::with_period(quota.interval()) else {
        return Ok(0); // No time between two calls is no quota; an interval is never that short.
    };
    let rate = rate.allow_burst(quota.burst);
    let governor = Governor::new(rate, Debt(Cell::new(debt)), Still);
    match governor.check_n(n) {
        Ok(Ok(())) => Ok(governor.into_state_store().0.get()),
        Ok(Err(not_until)) => Err(not_until.earliest_possible().as_u64()),
        Err(_above_burst) => Err(quota.fill_nanos()),
    }
}

/// The one number that governor keeps for a key, relative to its clock.
struct Debt(Cell<u64>);

impl StateStore for Debt {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (answer, debt) = decide(Some(self.0.get().into()))?;
        self.0.set(debt.as_u64());
        Ok(answer)
    }
}

/// A clock that stands still.
struct Still;

impl Clock for Still {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(0)
    }
}

#[cfg(test)]
mod tests;
