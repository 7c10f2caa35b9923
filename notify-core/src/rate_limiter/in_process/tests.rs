//! Each clause of the [`RateLimiter`] contract, and that governor reckons as [`gcra`] does.

use super::*;
use crate::error::ErrorKind;
use proptest::prelude::*;
use std::time::Duration;

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("not zero")
}

fn key(id: &str) -> QuotaKey {
    QuotaKey::new("provider", id)
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn limiter(quotas: &[(&str, u32)]) -> GovernorLimiter {
    let quota = |max: &u32| Quota::per_second(number(*max));
    let with = |limiter: GovernorLimiter, (id, max): &(&str, u32)| {
        limiter.with_quota(&key(id), quota(max))
    };
    quotas.iter().fold(GovernorLimiter::new(), with)
}

fn acquire(limiter: &GovernorLimiter, ids: &[&str], n: u32, now: Timestamp) -> Verdict {
    let keys: Vec<_> = ids.iter().map(|id| key(id)).collect();
    limiter
        .lock()
        .acquire(&keys, number(n), now)
        .expect("within the burst")
}

/// How many single calls pass at `now`, at most 10,000.
fn passes(limiter: &GovernorLimiter, id: &str, now: Timestamp) -> usize {
    (0..10_000)
        .take_while(|_| acquire(limiter, &[id], 1, now).is_pass())
        .count()
}

#[test]
fn a_burst_passes_at_once_and_no_more() {
    assert_eq!(passes(&limiter(&[("a", 7)]), "a", START), 7);
}

#[test]
fn several_keys_pass_together_or_not_at_all() {
    let limiter = limiter(&[("wide", 10), ("narrow", 1), ("slow", 2)]);
    assert!(acquire(&limiter, &["wide", "narrow"], 1, START).is_pass());
    for order in [["wide", "narrow"], ["narrow", "wide"]] {
        let until = START + Duration::from_secs(1);
        assert_eq!(acquire(&limiter, &order, 1, START), Verdict::Wait { until });
    }
    assert_eq!(passes(&limiter, "wide", START), 9, "the refused took none");
}

#[test]
fn who_waits_is_told_when_every_key_has_a_token() {
    let limiter = limiter(&[("fast", 10), ("slow", 2)]);
    assert!(acquire(&limiter, &["fast"], 10, START).is_pass());
    assert!(acquire(&limiter, &["slow"], 2, START).is_pass());
    let Verdict::Wait { until } = acquire(&limiter, &["slow", "fast"], 1, START) else {
        panic!("both are empty");
    };
    assert_eq!(until, START + millis(500));
    assert!(acquire(&limiter, &["slow", "fast"], 1, until).is_pass());
}

#[test]
fn keys_are_independent() {
    let limiter = limiter(&[("a", 3), ("b", 3)]);
    assert_eq!(passes(&limiter, "a", START), 3);
    assert_eq!(passes(&limiter, "b", START), 3);
}

#[test]
fn a_key_named_twice_counts_once() {
    let limiter = limiter(&[("a", 2)]);
    assert!(acquire(&limiter, &["a", "a"], 1, START).is_pass());
    assert_eq!(passes(&limiter, "a", START), 1);
}

#[test]
fn more_than_the_burst_is_refused_and_takes_nothing() {
    let limiter = limiter(&[("wide", 10), ("narrow", 1)]);
    let keys = [key("wide"), key("narrow")];
    let error = limiter
        .lock()
        .acquire(&keys, number(2), START)
        .expect_err("never passes");
    assert_eq!(
        (error.kind(), error.field_name()),
        (ErrorKind::Invalid, Some("n"))
    );
    assert_eq!(passes(&limiter, "wide", START), 10);
}

#[test]
fn keys_without_a_quota_pass_unless_there_is_a_default() {
    assert!(acquire(&limiter(&[]), &[], 1, START).is_pass());
    assert_eq!(passes(&limiter(&[("a", 1)]), "other", START), 10_000);
    let limited = limiter(&[("a", 1)]).with_default(Quota::per_second(number(4)));
    assert_eq!(passes(&limited, "other", START), 4);
}

#[test]
fn each_key_of_a_scope_has_the_quota_of_the_scope() {
    let limiter = limiter(&[("vip", 5)])
        .with_quota(&QuotaKey::scope("provider"), Quota::per_second(number(2)))
        .with_default(Quota::per_second(number(9)));
    assert_eq!(passes(&limiter, "a", START), 2);
    assert_eq!(passes(&limiter, "b", START), 2);
    assert_eq!(passes(&limiter, "vip", START), 5);
}

#[test]
fn a_clock_that_steps_back_lets_no_more_pass() {
    let limiter = limiter(&[("a", 4)]);
    assert_eq!(passes(&limiter, "a", START), 4);
    for back in [1, 900, 60_000, 86_400_000] {
        assert_eq!(passes(&limiter, "a", START - millis(back)), 0);
    }
}

#[test]
fn a_clock_that_was_set_back_delays_a_key_only_until_it_is_filled() {
    let limiter = limiter(&[("a", 4)]);
    assert_eq!(passes(&limiter, "a", START), 4);
    let back = START - Duration::from_secs(86_400);
    assert_eq!(passes(&limiter, "a", back), 0);
    assert_eq!(passes(&limiter, "a", back + millis(250)), 1);
    assert_eq!(passes(&limiter, "a", back + millis(1_250)), 4);
}

#[test]
fn what_is_given_back_can_be_taken_again_and_no_more_than_the_burst() {
    let limiter = limiter(&[("a", 3)]);
    assert_eq!(passes(&limiter, "a", START), 3);
    limiter
        .lock()
        .release(&[key("a"), key("unknown"), key("a")], number(2));
    assert_eq!(passes(&limiter, "a", START), 2);
    limiter.lock().release(&[key("a")], NonZeroU32::MAX);
    assert_eq!(passes(&limiter, "a", START), 3);
}

#[test]
fn a_new_quota_holds_at_once_and_hands_out_no_second_burst() {
    let limiter = limiter(&[("a", 4)]);
    assert_eq!(passes(&limiter, "a", START), 4);
    let faster = Quota::per_second(number(10));
    limiter.lock().set_quota(&key("a"), Some(faster), START);
    assert_eq!(passes(&limiter, "a", START), 6, "four of ten have passed");
    let slower = Quota::per_minute(number(2));
    limiter.lock().set_quota(&key("a"), Some(slower), START);
    assert_eq!(passes(&limiter, "a", START), 0);
    assert_eq!(passes(&limiter, "a", START + Duration::from_secs(30)), 1);
    limiter.lock().set_quota(&key("a"), None, START);
    assert_eq!(passes(&limiter, "a", START), 10_000);
}

#[test]
fn a_new_quota_of_a_scope_holds_for_keys_in_use() {
    let scope = QuotaKey::scope("provider");
    let limiter = limiter(&[("own", 5)]).with_quota(&scope, Quota::per_second(number(2)));
    assert_eq!(passes(&limiter, "a", START), 2);
    assert_eq!(passes(&limiter, "own", START), 5);
    limiter
        .lock()
        .set_quota(&scope, Some(Quota::per_second(number(3))), START);
    assert_eq!(passes(&limiter, "a", START), 1);
    assert_eq!(passes(&limiter, "own", START), 0, "keeps its own");
}

#[test]
fn full_keys_are_forgotten() {
    let limiter = GovernorLimiter::new().with_default(Quota::per_second(number(1)));
    for n in 0..100_000_u64 {
        // A thousand new keys a second, each of which is full again a second later.
        let id = n.to_string();
        assert!(acquire(&limiter, &[&id], 1, START + millis(n)).is_pass());
    }
    assert!(
        limiter.tracked() <= 2 * 12_000,
        "{} keys are kept",
        limiter.tracked()
    );
    let later = START + Duration::from_secs(86_400);
    limiter.lock().sweep_at = 0;
    assert!(acquire(&limiter, &["last"], 1, later).is_pass());
    assert_eq!(limiter.tracked(), 1);
}

#[test]
fn nothing_of_a_key_shows_in_debug() {
    let limiter = limiter(&[("a", 1)]);
    assert!(acquire(&limiter, &["a"], 1, START).is_pass());
    assert_eq!(format!("{limiter:?}"), "GovernorLimiter { tracked: 1, .. }");
}

#[test]
fn threads_together_take_no_more_than_the_burst() {
    let limiter = limiter(&[("a", 100), ("b", 60)]);
    let passed: usize = std::thread::scope(|scope| {
        let take = || {
            let both = |_: &i32| acquire(&limiter, &["a", "b"], 1, START).is_pass();
            (0..100).filter(both).count()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum()
    });
    assert_eq!(passed, 60);
    assert_eq!(passes(&limiter, "a", START), 40);
}

proptest! {
    #[test]
    fn governor_answers_as_the_arithmetic_does(
        max in 1_u32..1_000,
        per in 0_u64..10_000_000,
        burst in 1_u32..100,
        calls in prop::collection::vec((0_u64..3_000_000, 1_u32..100), 1..60),
    ) {
        let quota = Quota::new(number(max), Duration::from_micros(per)).with_burst(number(burst));
        let limiter = GovernorLimiter::new().with_quota(&key("a"), quota);
        let (mut now, mut full_at) = (START, 0);
        for (gap, n) in calls {
            now = now + Duration::from_micros(gap);
            let governor = limiter.lock().acquire(&[key("a")], number(n), now);
            match gcra::take(&quota, Some(full_at), number(n), now) {
                Err(_) => prop_assert!(governor.is_err()),
                Ok(Err(until)) => prop_assert_eq!(governor.ok(), Some(Verdict::Wait { until })),
                Ok(Ok(next)) => {
                    full_at = next;
                    prop_assert_eq!(governor.ok(), Some(Verdict::Pass));
                    let kept = limiter.lock().full_at.get(&key("a")).copied();
                    prop_assert_eq!(kept, Some(full_at));
                }
            }
        }
    }
}
