//! The arithmetic of quotas (generic cell rate algorithm) as pure functions, for limiters that keep
//! their state elsewhere: a row, a key of a shared server.
//!
//! The state of a key is one number, `full_at`: when its bucket is full again, in nanoseconds since
//! 1970, below 2⁶³ so that it fits a signed column. A key without state is full. A call of several
//! keys asks [`take`] for each and writes what comes back only if all of them pass; what [`heal`]
//! changed is written in any case.
//!
//! ```
//! use notify_core::clock::Timestamp;
//! use notify_core::rate_limiter::{Quota, gcra};
//! use std::num::NonZeroU32;
//!
//! let (quota, now) = (Quota::per_second(NonZeroU32::MIN), Timestamp::from_micros(5_000_000));
//! let full_at = gcra::take(&quota, None, NonZeroU32::MIN, now)?.expect("it is full");
//! assert_eq!(full_at, 6_000_000_000);
//! let until = gcra::take(&quota, Some(full_at), NonZeroU32::MIN, now)?.expect_err("it is empty");
//! assert_eq!(until, Timestamp::from_micros(6_000_000));
//! # Ok::<(), notify_core::Error>(())
//! ```

use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::rate_limiter::Quota;

/// By how much the clocks of callers may differ without any effect: 10 s.
///
/// A bucket that will be full later than its quota allows, by more than this, can only come from a
/// clock that was set back. It counts as empty, instead of blocking its key until that clock's time.
pub const SKEW: Duration = Duration::from_secs(10);

/// The same in nanoseconds.
const SKEW_NANOS: u64 = 10_000_000_000;
/// The last instant that can be reckoned with, in the year 2116; later ones are taken as this one.
const LAST: u64 = 1 << 62;

/// Takes `n` tokens: when the bucket is full again afterwards, or else when they would be there.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if `n` is more than the burst.
pub fn take(
    quota: &Quota,
    full_at: Option<u64>,
    n: NonZeroU32,
    now: Timestamp,
) -> Result<Result<u64, Timestamp>> {
    refuse_above_burst(quota, n)?;
    let after = debt(quota, full_at, now) + quota.interval_nanos() * u64::from(n.get());
    Ok(match after.checked_sub(quota.fill_nanos()) {
        None | Some(0) => Ok(nanos(now) + after),
        Some(missing) => Err(wait(now, missing)),
    })
}

/// The state as it is seen at `now`: unchanged, unless the clock was set back by more than [`SKEW`].
///
/// Written also when a call has to wait, or the waiting would begin anew with each call.
#[must_use]
pub fn heal(quota: &Quota, full_at: u64, now: Timestamp) -> u64 {
    full_at.min(nanos(now) + debt(quota, Some(full_at), now))
}

/// Gives `n` tokens back. What is given back to a full bucket is lost.
#[must_use]
pub fn give_back(quota: &Quota, full_at: u64, n: NonZeroU32) -> u64 {
    let given = quota.interval_nanos().saturating_mul(u64::from(n.get()));
    full_at.saturating_sub(given)
}

/// The state under a new quota: tokens that are missing stay missing, up to an empty bucket.
#[must_use]
pub fn rescale(from: &Quota, to: &Quota, full_at: u64, now: Timestamp) -> u64 {
    let missing = u128::from(debt(from, Some(full_at), now)) * u128::from(to.interval_nanos());
    let debt = missing.div_ceil(u128::from(from.interval_nanos()));
    let debt = u64::try_from(debt).unwrap_or(u64::MAX);
    nanos(now) + debt.min(to.fill_nanos())
}

/// Whether the key can be forgotten: it is full, and would be for every clock within [`SKEW`].
#[must_use]
pub fn is_idle(full_at: u64, now: Timestamp) -> bool {
    full_at.saturating_add(SKEW_NANOS) <= nanos(now)
}

/// How long the bucket needs to be full, in nanoseconds.
pub(super) fn debt(quota: &Quota, full_at: Option<u64>, now: Timestamp) -> u64 {
    let full = quota.fill_nanos();
    let ahead = full_at.unwrap_or(0).saturating_sub(nanos(now));
    if ahead > full + SKEW_NANOS {
        full
    } else {
        ahead
    }
}

/// The instant at which a bucket with this debt is full.
pub(super) fn full_at(now: Timestamp, debt: u64) -> u64 {
    nanos(now) + debt
}

/// The first instant at least `nanos` later that callers can name.
pub(super) fn wait(now: Timestamp, nanos: u64) -> Timestamp {
    now + Duration::from_micros(nanos.div_ceil(1_000))
}

pub(super) fn refuse_above_burst(quota: &Quota, n: NonZeroU32) -> Result<()> {
    if n <= quota.burst {
        return Ok(());
    }
    let why = format!("asks for {n} tokens at once, the burst is {}", quota.burst);
    Err(Error::invalid("n", why))
}

fn nanos(now: Timestamp) -> u64 {
    let micros = u64::try_from(now.as_micros()).unwrap_or(0);
    micros.saturating_mul(1_000).min(LAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: i64 = 1_700_000_000_000_000;

    fn number(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).expect("not zero")
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(START + micros)
    }

    fn quotas() -> impl Strategy<Value = Quota> {
        (1_u32..50, 1_u64..2_000_000, 1_u32..20).prop_map(|(max, per, burst)| {
            Quota::new(number(max), Duration::from_micros(per)).with_burst(number(burst))
        })
    }

    /// Gaps between calls, some of them backwards by less than the skew, and tokens asked for.
    fn calls() -> impl Strategy<Value = Vec<(i64, u32)>> {
        prop::collection::vec(
            (prop_oneof![Just(0), -5_000..500_000_i64], 1_u32..4),
            1..200,
        )
    }

    #[test]
    fn more_than_the_burst_is_refused() {
        let quota = Quota::per_second(number(5));
        let error = take(&quota, None, number(6), at(0)).expect_err("never passes");
        assert_eq!(error.field_name(), Some("n"));
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let slow = Quota::new(number(1), Duration::MAX).with_burst(NonZeroU32::MAX);
        for now in [i64::MIN, -1, 0, i64::MAX] {
            for full_at in [None, Some(0), Some(u64::MAX)] {
                let now = Timestamp::from_micros(now);
                let taken = take(&slow, full_at, NonZeroU32::MAX, now).expect("within the burst");
                let full_at = taken.unwrap_or(u64::MAX);
                assert!(i64::try_from(heal(&slow, full_at, now)).is_ok());
                assert!(i64::try_from(rescale(&slow, &slow, full_at, now)).is_ok());
                let _ = (
                    give_back(&slow, full_at, NonZeroU32::MAX),
                    is_idle(full_at, now),
                );
            }
        }
    }

    #[test]
    fn a_clock_set_back_delays_by_no_more_than_filling_takes() {
        let quota = Quota::per_minute(number(2));
        let mut full_at = 0;
        for _ in 0..2 {
            full_at = take(&quota, Some(full_at), number(1), at(0))
                .expect("fits")
                .expect("full");
        }
        let back = at(-3_600_000_000);
        full_at = heal(&quota, full_at, back);
        let until = take(&quota, Some(full_at), number(1), back)
            .expect("fits")
            .expect_err("empty");
        assert_eq!(until, back + Duration::from_secs(30));
        assert_eq!(heal(&quota, full_at, until), full_at);
        assert!(
            take(&quota, Some(full_at), number(1), until)
                .expect("fits")
                .is_ok()
        );
    }

    #[test]
    fn a_new_quota_counts_what_passed_under_the_old_one() {
        let (old, new) = (Quota::per_second(number(10)), Quota::per_minute(number(4)));
        let mut full_at = take(&old, None, number(3), at(0))
            .expect("fits")
            .expect("full");
        full_at = rescale(&old, &new, full_at, at(0));
        assert!(
            take(&new, Some(full_at), number(2), at(0))
                .expect("fits")
                .is_err()
        );
        assert!(
            take(&new, Some(full_at), number(1), at(0))
                .expect("fits")
                .is_ok()
        );
    }

    #[test]
    fn a_new_quota_rounds_what_is_missing_up() {
        let (slow, fast) = (Quota::new(number(1), SKEW), Quota::per_second(number(1)));
        let just_not_full = nanos(at(0)) + 1;
        assert_eq!(rescale(&slow, &fast, just_not_full, at(0)), just_not_full);
    }

    proptest! {
        #[test]
        fn no_window_sees_more_than_burst_and_rate(quota in quotas(), calls in calls()) {
            let (mut now, mut latest, mut full_at) = (0, 0, 0);
            let mut passed: Vec<(i64, u64)> = Vec::new();
            for (gap, n) in calls {
                now += gap;
                latest = latest.max(now);
                let Ok(Ok(next)) = take(&quota, Some(full_at), number(n), at(now)) else { continue };
                full_at = next;
                // By the caller's own clock: one that was set back has the time until the latest before it again.
                passed.push((now, u64::from(n)));
                for (index, (from, _)) in passed.iter().enumerate() {
                    let tokens: u64 = passed[index..].iter().map(|(_, n)| n).sum();
                    let window = u64::try_from(latest - from).expect("in order") * 1_000;
                    let refilled = window / quota.interval_nanos();
                    prop_assert!(tokens <= u64::from(quota.burst.get()) + refilled);
                }
            }
        }

        #[test]
        fn whoever_waits_until_the_named_time_passes_and_not_before(quota in quotas(), calls in calls()) {
            let (mut now, mut full_at) = (0, 0);
            for (gap, n) in calls {
                now += gap;
                match take(&quota, Some(full_at), number(n), at(now)) {
                    Err(_) => prop_assert!(n > quota.burst.get()),
                    Ok(Ok(next)) => full_at = next,
                    Ok(Err(until)) => {
                        prop_assert!(until > at(now));
                        let then = take(&quota, Some(full_at), number(n), until);
                        prop_assert!(matches!(then, Ok(Ok(_))));
                        let before = until - Duration::from_micros(1);
                        let early = take(&quota, Some(full_at), number(n), before);
                        prop_assert!(matches!(early, Ok(Err(again)) if again == until));
                    }
                }
            }
        }

        #[test]
        fn many_tokens_are_as_good_as_many_calls(quota in quotas(), n in 1_u32..20, full_at in 0_u64..5_000_000_000) {
            prop_assume!(n <= quota.burst.get());
            let full_at = START as u64 * 1_000 + full_at;
            let together = take(&quota, Some(full_at), number(n), at(0)).expect("fits").ok();
            let one = |full_at, _| take(&quota, Some(full_at), number(1), at(0)).expect("fits").ok();
            prop_assert_eq!(together, (0..n).try_fold(full_at, one));
        }

        #[test]
        fn giving_back_undoes_taking(quota in quotas(), calls in calls()) {
            let (mut now, mut full_at) = (0, 0);
            for (gap, n) in calls {
                now += gap;
                if let Ok(Ok(next)) = take(&quota, Some(full_at), number(n), at(now)) {
                    let back = give_back(&quota, next, number(n));
                    let (is, was) = (debt(&quota, Some(back), at(now)), debt(&quota, Some(full_at), at(now)));
                    prop_assert_eq!(is, was);
                    full_at = next;
                }
            }
        }

        #[test]
        fn a_forgotten_key_grants_no_more_than_a_kept_one(quota in quotas(), full_at in 0_u64..50_000_000_000, now in 0_i64..100_000_000, back in 0_i64..10_000_000) {
            let full_at = START as u64 * 1_000 + full_at;
            if is_idle(full_at, at(now)) {
                prop_assert_eq!(debt(&quota, Some(full_at), at(now - back)), 0);
            }
        }

        #[test]
        fn a_new_quota_never_hands_out_a_second_burst(old in quotas(), new in quotas(), wait in 0_i64..1_000_000) {
            let full_at = take(&old, None, old.burst, at(0)).expect("fits").expect("full");
            let same = rescale(&old, &old, full_at, at(wait));
            prop_assert_eq!(debt(&old, Some(same), at(wait)), debt(&old, Some(full_at), at(wait)));
            let full_at = rescale(&old, &new, full_at, at(0));
            let spent = old.burst.min(new.burst).get();
            let free = (1..=new.burst.get()).rev().find(|n| {
                matches!(take(&new, Some(full_at), number(*n), at(0)), Ok(Ok(_)))
            });
            prop_assert!(free.unwrap_or(0) + spent <= new.burst.get());
        }
    }
}
