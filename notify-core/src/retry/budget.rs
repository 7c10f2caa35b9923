//! A budget over all retries of a provider, so that repeating never becomes the outage.

use std::sync::{Mutex, PoisonError};

use crate::clock::Monotonic;

/// Allows retries in proportion to first attempts: a token bucket, one for each provider.
///
/// A failing provider that is asked again by every caller gets several times its usual load when it
/// can bear the least. Each first attempt [deposits](Self::deposit) a fraction of a retry, each
/// retry [withdraws](Self::withdraw) a whole one, and a small floor drips in with time, so that a
/// quiet process may retry too. Over any stretch of time
///
/// `retries ≤ percent/100 × first attempts + floor × seconds + the balance at its beginning`,
///
/// and the balance is never above the capacity, so that a good day does not pay for a storm.
/// A refused retry is not lost: the caller asks again later, without having used up an attempt.
///
/// Default: 10 % (a brown-out costs the provider at most a tenth more), a floor of 1 a second (one
/// process alone cannot hurt anybody with it), and room for 100 (two seconds of retries at 500
/// messages a second). It starts with a tenth of its capacity.
///
/// ```
/// use notify_core::clock::Monotonic;
/// use notify_core::retry::RetryBudget;
///
/// let budget = RetryBudget::new(10, 0).with_capacity(5).starting_with(0);
/// let now = Monotonic::default();
/// (0..9).for_each(|_| budget.deposit());
/// assert!(!budget.withdraw(now), "nine first attempts are not yet a retry");
/// budget.deposit();
/// assert!(budget.withdraw(now));
/// assert!(!budget.withdraw(now));
/// ```
#[derive(Debug)]
pub struct RetryBudget {
    /// Millionths of a retry for each first attempt.
    share: u64,
    /// Retries a second, which is the same as millionths of a retry a microsecond.
    floor: u64,
    /// Millionths of a retry.
    capacity: u64,
    balance: Mutex<Balance>,
}

#[derive(Debug)]
struct Balance {
    /// Millionths of a retry.
    tokens: u64,
    /// Until when the floor has been paid in; `None` before the first withdrawal.
    paid_until: Option<Monotonic>,
}

/// Millionths in one retry.
const ONE: u64 = 1_000_000;

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(10, 1)
    }
}

impl RetryBudget {
    /// `percent` retries for 100 first attempts, and `floor` more a second.
    ///
    /// More than 1,000 % is taken as 1,000 %: ten retries for each message never bind.
    #[must_use]
    pub const fn new(percent: u32, floor: u32) -> Self {
        let percent = if percent > 1_000 { 1_000 } else { percent };
        Self {
            share: percent as u64 * (ONE / 100),
            floor: floor as u64,
            capacity: 100 * ONE,
            balance: Mutex::new(Balance {
                tokens: 10 * ONE,
                paid_until: None,
            }),
        }
    }

    /// Saves up at most this many retries, and starts with a tenth of them. Zero allows none at all.
    #[must_use]
    pub fn with_capacity(self, retries: u32) -> Self {
        let capacity = u64::from(retries) * ONE;
        Self {
            capacity,
            balance: Mutex::new(Balance {
                tokens: capacity / 10,
                paid_until: None,
            }),
            ..self
        }
    }

    /// Starts with this many retries, at most the capacity.
    #[must_use]
    pub fn starting_with(self, retries: u32) -> Self {
        let tokens = (u64::from(retries) * ONE).min(self.capacity);
        Self {
            balance: Mutex::new(Balance {
                tokens,
                paid_until: None,
            }),
            ..self
        }
    }

    /// A first attempt was made.
    pub fn deposit(&self) {
        self.with_balance(|balance| self.pay_in(balance, self.share));
    }

    /// Takes one retry out; `false` if there is none, and then nothing is taken.
    ///
    /// A `now` before that of an earlier call counts as that one.
    #[must_use]
    pub fn withdraw(&self, now: Monotonic) -> bool {
        self.with_balance(|balance| {
            let since = balance.paid_until.unwrap_or(now);
            let micros = u64::try_from(now.since(since).as_micros()).unwrap_or(u64::MAX);
            balance.paid_until = Some(since.max(now));
            self.pay_in(balance, micros.saturating_mul(self.floor));
            let rest = balance.tokens.checked_sub(ONE);
            balance.tokens = rest.unwrap_or(balance.tokens);
            rest.is_some()
        })
    }

    /// Puts back what was taken for a retry that was not made: no quota, a lost lease.
    ///
    /// Only what was withdrawn may be put back.
    pub fn refund(&self) {
        self.with_balance(|balance| self.pay_in(balance, ONE));
    }

    /// How many whole retries could be taken out now, without what has dripped in since the last
    /// withdrawal. For gauges.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.with_balance(|balance| balance.tokens / ONE)
    }

    fn pay_in(&self, balance: &mut Balance, tokens: u64) {
        balance.tokens = balance.tokens.saturating_add(tokens).min(self.capacity);
    }

    fn with_balance<T>(&self, change: impl FnOnce(&mut Balance) -> T) -> T {
        // No change can panic half-way, so a poisoned balance is a whole one.
        change(&mut self.balance.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn at(micros: u64) -> Monotonic {
        Monotonic::from_start(Duration::from_micros(micros))
    }

    #[test]
    fn a_quiet_process_may_retry_at_the_floor_and_no_faster() {
        let budget = RetryBudget::new(10, 2).starting_with(0);
        assert!(!budget.withdraw(at(0)));
        let granted = (1..=10_000).filter(|n| budget.withdraw(at(n * 1_000)));
        assert_eq!(granted.count(), 20, "two a second for ten seconds");
    }

    #[test]
    fn a_good_day_does_not_pay_for_a_storm() {
        let budget = RetryBudget::default();
        (0..1_000_000).for_each(|_| budget.deposit());
        assert_eq!((0..1_000).filter(|_| budget.withdraw(at(0))).count(), 100);
    }

    #[test]
    fn a_clock_that_steps_back_pays_nothing_twice() {
        let budget = RetryBudget::new(0, 1).starting_with(0);
        assert!(!budget.withdraw(at(0)));
        assert!(budget.withdraw(at(1_000_000)));
        assert!(!budget.withdraw(at(0)));
        assert!(!budget.withdraw(at(1_000_000)));
        assert!(budget.withdraw(at(2_000_000)));
    }

    #[test]
    fn a_retry_that_was_not_made_costs_nothing() {
        let budget = RetryBudget::new(0, 0).with_capacity(3).starting_with(3);
        for _ in 0..10 {
            assert!(budget.withdraw(at(0)));
            budget.refund();
        }
        assert_eq!(budget.available(), 3);
        budget.refund();
        assert_eq!(budget.available(), 3, "never above the capacity");
    }

    #[test]
    fn no_capacity_is_no_retry() {
        let budget = RetryBudget::new(100, 1_000).with_capacity(0);
        (0..10).for_each(|_| budget.deposit());
        assert!(!budget.withdraw(at(0)) && !budget.withdraw(at(u64::MAX)));
    }

    #[test]
    fn threads_together_take_no_more_than_there_is() {
        let budget = RetryBudget::new(0, 0).with_capacity(50).starting_with(50);
        let taken: usize = std::thread::scope(|scope| {
            let take = || (0..100).filter(|_| budget.withdraw(at(0))).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, usize>| thread.join();
            threads
                .into_iter()
                .map(|t| join(t).expect("no panic"))
                .sum()
        });
        assert_eq!(taken, 50);
    }

    proptest! {
        /// From any moment on: withdrawals ≤ share × deposits + floor × time + balance then.
        #[test]
        fn retries_stay_within_the_budget_from_any_moment_on(
            percent in 0_u32..=100,
            floor in 0_u32..5,
            start in 0_u32..20,
            from in 0_usize..200,
            steps in prop::collection::vec(prop_oneof![
                3 => Just(None),
                2 => (0_u64..2_000_000).prop_map(Some),
            ], 1..400),
        ) {
            let budget = RetryBudget::new(percent, floor).starting_with(start);
            let mut now = 0;
            let (mut deposits, mut withdrawals, mut balance, mut since) = (0, 0, u64::from(start) * ONE, 0);
            for (index, step) in steps.into_iter().enumerate() {
                if index == from {
                    (deposits, withdrawals, since) = (0, 0, now);
                    balance = budget.with_balance(|b| b.tokens);
                    // What has dripped in before belongs to the balance too.
                    let paid = budget.with_balance(|b| b.paid_until).unwrap_or(at(now));
                    balance += at(now).since(paid).as_micros() as u64 * u64::from(floor);
                }
                match step {
                    None => { budget.deposit(); deposits += 1; }
                    Some(wait) => { now += wait; withdrawals += u64::from(budget.withdraw(at(now))); }
                }
                let earned = deposits * u64::from(percent) * (ONE / 100)
                    + (now - since) * u64::from(floor);
                prop_assert!(withdrawals * ONE <= earned + balance);
                prop_assert!(budget.available() <= 100);
            }
        }
    }
}
