//! The contract of [`RateLimiter`], clause by clause.

use async_trait::async_trait;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Entropy, SeededEntropy, Timestamp};
use crate::error::ErrorKind;
use crate::rate_limiter::{Quota, QuotaKey, RateLimiter, Verdict, gcra};
use crate::testkit::clauses;
use crate::testkit::world::at_once;

/// Opens one implementation of [`RateLimiter`] for one test.
#[async_trait]
pub trait LimiterHarness: Send + Sync {
    /// A limiter without quotas, of which nothing was taken. Keys without a quota of their own have
    /// `others`. Asked once for each harness.
    async fn limiter(&self, others: Option<Quota>) -> Arc<dyn RateLimiter>;

    /// How many keys take memory or rows now; `None` if nobody can tell.
    async fn tracked(&self) -> Option<usize>;
}

clauses! {
    /// One test for each clause of [`RateLimiter`](crate::rate_limiter::RateLimiter). Takes an expression
    /// that makes a [`LimiterHarness`](crate::testkit::rate_limiter::LimiterHarness).
    macro $ rate_limiter_tests for rate_limiter: dyn LimiterHarness {
        an_unused_key_passes_its_burst_at_once_and_no_more,
        tokens_come_back_one_by_one,
        a_key_that_rested_passes_its_burst_again,
        no_window_sees_more_than_burst_and_rate,
        several_keys_pass_together_or_not_at_all,
        who_waits_is_told_when_and_passes_then,
        who_waits_for_several_keys_is_told_when_the_last_has_tokens,
        keys_are_independent,
        many_tokens_are_as_good_as_many_calls,
        a_key_named_twice_in_one_call_counts_once,
        more_than_the_burst_is_refused_and_takes_nothing,
        no_key_and_keys_without_a_quota_pass,
        a_clock_that_steps_back_lets_no_more_pass,
        a_clock_that_was_set_back_delays_a_key_until_it_is_filled,
        release_gives_tokens_back,
        release_never_gives_more_than_the_burst,
        release_of_an_unknown_key_is_no_error,
        a_key_has_its_own_quota_else_its_scopes_else_the_one_for_all,
        each_key_of_a_scope_has_the_quota_by_itself,
        a_new_quota_holds_from_the_next_call_on,
        a_new_quota_hands_out_no_second_burst,
        a_new_quota_of_a_scope_holds_for_keys_in_use,
        a_quota_that_is_taken_away_limits_nothing,
        callers_at_the_same_time_take_no_more_than_the_burst,
        callers_at_the_same_time_may_name_keys_in_any_order,
        keys_that_are_full_again_take_no_memory,
    }
}

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
const MICROSECOND: Duration = Duration::from_micros(1);

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("not zero")
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn key(id: &str) -> QuotaKey {
    QuotaKey::new("provider", id)
}

/// Ten a second, one each 100 ms, and so many at once.
fn quota(burst: u32) -> Quota {
    Quota::per_second(number(10)).with_burst(number(burst))
}

/// One limiter under test, and what clauses do with it.
struct World {
    limiter: Arc<dyn RateLimiter>,
}

impl World {
    /// A limiter with these quotas; other keys have none.
    async fn new(harness: &dyn LimiterHarness, quotas: &[(&str, Quota)]) -> Self {
        let world = Self {
            limiter: harness.limiter(None).await,
        };
        for (id, quota) in quotas {
            world.set(&key(id), Some(*quota), START).await;
        }
        world
    }

    async fn set(&self, key: &QuotaKey, quota: Option<Quota>, now: Timestamp) {
        self.limiter
            .set_quota(key, quota, now)
            .await
            .expect("is set");
    }

    async fn take(&self, ids: &[&str], n: u32, now: Timestamp) -> Verdict {
        let keys: Vec<_> = ids.iter().map(|id| key(id)).collect();
        let verdict = self
            .limiter
            .acquire(&keys, number(n), now)
            .await
            .expect("answers");
        if let Verdict::Wait { until } = verdict {
            assert!(until > now, "waits until {until}, which is not after {now}");
        }
        verdict
    }

    /// How many calls of one key pass now.
    async fn passes(&self, id: &str, now: Timestamp) -> usize {
        let mut passed = 0;
        while self.take(&[id], 1, now).await.is_pass() {
            passed += 1;
            assert!(passed < 1_000, "nothing limits {id}");
        }
        passed
    }

    async fn release(&self, ids: &[&str], n: u32) {
        let keys: Vec<_> = ids.iter().map(|id| key(id)).collect();
        self.limiter
            .release(&keys, number(n))
            .await
            .expect("is given back");
    }
}

async fn an_unused_key_passes_its_burst_at_once_and_no_more(harness: &dyn LimiterHarness) {
    let quotas = [
        ("a", quota(1)),
        ("b", quota(3)),
        ("c", Quota::per_day(number(25))),
    ];
    let world = World::new(harness, &quotas).await;
    for (id, burst) in [("a", 1), ("b", 3), ("c", 25)] {
        assert_eq!(world.passes(id, START).await, burst, "{id}");
        assert!(!world.take(&[id], 1, START).await.is_pass(), "{id}");
    }
}

async fn tokens_come_back_one_by_one(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(3))]).await;
    assert_eq!(world.passes("a", START).await, 3);
    for n in 1..=5 {
        let then = START + millis(100 * n);
        assert_eq!(
            world.passes("a", then - MICROSECOND).await,
            0,
            "just before token {n}"
        );
        assert_eq!(world.passes("a", then).await, 1, "token {n}");
    }
}

async fn a_key_that_rested_passes_its_burst_again(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(3))]).await;
    assert_eq!(world.passes("a", START).await, 3);
    assert_eq!(
        world.passes("a", START + millis(200)).await,
        2,
        "two came back"
    );
    assert_eq!(
        world.passes("a", START + HOUR).await,
        3,
        "never more than the burst"
    );
}

/// Random calls of three keys, with gaps and with steps back of the clock: every window that begins
/// and ends with a call that passed is checked, for each key.
async fn no_window_sees_more_than_burst_and_rate(harness: &dyn LimiterHarness) {
    let quotas = [
        ("a", quota(3)),
        (
            "b",
            Quota::new(number(7), millis(1_000)).with_burst(number(2)),
        ),
        ("c", quota(1)),
    ];
    let world = World::new(harness, &quotas).await;
    let random = SeededEntropy::new(11);
    let mut now = START;
    let mut passed: [Vec<(Timestamp, u32)>; 3] = Default::default();
    for _ in 0..400 {
        let gap = millis(random.next_u64() % 60);
        now = if random.next_u64().is_multiple_of(8) {
            now - gap
        } else {
            now + gap
        };
        let named: Vec<_> = (0..3)
            .filter(|_| random.next_u64().is_multiple_of(2))
            .collect();
        let ids: Vec<_> = named.iter().map(|no| quotas[*no].0).collect();
        let least = named
            .iter()
            .map(|no| quotas[*no].1.burst.get())
            .min()
            .unwrap_or(1);
        let n = 1 + u32::try_from(random.next_u64() % u64::from(least)).unwrap_or(0);
        if world.take(&ids, n, now).await.is_pass() {
            named.iter().for_each(|no| passed[*no].push((now, n)));
        }
    }
    for ((id, quota), passed) in quotas.iter().zip(&passed) {
        assert!(passed.len() > 20, "hardly anything passed for {id}");
        for (from, (begin, _)) in passed.iter().enumerate() {
            let mut tokens = 0;
            for (end, n) in &passed[from..] {
                tokens += u128::from(*n);
                let window = end.since(*begin).as_nanos();
                let most = u128::from(quota.burst.get()) + window / quota.interval().as_nanos();
                assert!(
                    tokens <= most,
                    "{tokens} of {id} in {window} ns, at most {most}"
                );
            }
        }
    }
}

async fn several_keys_pass_together_or_not_at_all(harness: &dyn LimiterHarness) {
    let world = World::new(
        harness,
        &[("a", quota(1)), ("b", quota(3)), ("c", quota(3))],
    )
    .await;
    assert!(world.take(&["a"], 1, START).await.is_pass());
    for keys in [["a", "b", "c"], ["b", "a", "c"], ["b", "c", "a"]] {
        assert!(
            !world.take(&keys, 1, START).await.is_pass(),
            "{keys:?}: a is used up"
        );
    }
    assert!(world.take(&["b", "c"], 1, START).await.is_pass());
    assert_eq!(
        (
            world.passes("b", START).await,
            world.passes("c", START).await
        ),
        (2, 2)
    );
}

async fn who_waits_is_told_when_and_passes_then(harness: &dyn LimiterHarness) {
    let third = Quota::per_second(number(3)).with_burst(number(2));
    for (id, quota) in [
        ("a", quota(5)),
        ("b", third),
        ("c", Quota::per_day(number(7))),
    ] {
        let world = World::new(harness, &[(id, quota)]).await;
        let now = START + Duration::from_micros(333);
        world.passes(id, now).await;
        for n in [1, quota.burst.get()] {
            let Verdict::Wait { until } = world.take(&[id], n, now).await else {
                panic!("{id} is used up");
            };
            let exact = quota.interval() * n;
            assert!(
                until.since(now) <= exact + MICROSECOND * 2,
                "{until} is too late for {n}"
            );
            let early = world.take(&[id], n, until - MICROSECOND).await;
            assert_eq!(
                early,
                Verdict::Wait { until },
                "asked again a moment too early"
            );
        }
        let Verdict::Wait { until } = world.take(&[id], 1, now).await else {
            panic!("used up")
        };
        assert!(
            world.take(&[id], 1, until).await.is_pass(),
            "{id} at the time that was named"
        );
    }
}

async fn who_waits_for_several_keys_is_told_when_the_last_has_tokens(harness: &dyn LimiterHarness) {
    let slow = Quota::per_minute(number(6)).with_burst(number(1));
    let world = World::new(harness, &[("a", quota(1)), ("b", slow), ("c", quota(1))]).await;
    assert!(world.take(&["a", "b"], 1, START).await.is_pass());
    let until = START + Duration::from_secs(10);
    for keys in [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]] {
        assert_eq!(
            world.take(&keys, 1, START).await,
            Verdict::Wait { until },
            "{keys:?}"
        );
    }
    assert!(world.take(&["a", "b", "c"], 1, until).await.is_pass());
}

async fn keys_are_independent(harness: &dyn LimiterHarness) {
    let world = World::new(
        harness,
        &[
            ("a", quota(2)),
            ("b", quota(2)),
            ("A", quota(2)),
            ("a ", quota(2)),
        ],
    )
    .await;
    world
        .set(&QuotaKey::new("caller", "a"), Some(quota(2)), START)
        .await;
    assert_eq!(world.passes("a", START).await, 2);
    for other in ["b", "A", "a "] {
        assert_eq!(world.passes(other, START).await, 2, "{other:?}");
    }
    let other = [QuotaKey::new("caller", "a")];
    let verdict = world
        .limiter
        .acquire(&other, number(2), START)
        .await
        .expect("answers");
    assert!(verdict.is_pass(), "the same id of another scope");
}

async fn many_tokens_are_as_good_as_many_calls(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(6)), ("b", quota(6))]).await;
    assert!(world.take(&["a"], 4, START).await.is_pass());
    for _ in 0..4 {
        assert!(world.take(&["b"], 1, START).await.is_pass());
    }
    for n in [3, 4, 6] {
        let (a, b) = (
            world.take(&["a"], n, START).await,
            world.take(&["b"], n, START).await,
        );
        assert_eq!(a, b, "{n} more");
        assert_eq!(
            a,
            Verdict::Wait {
                until: START + millis(100) * (n - 2)
            }
        );
    }
    assert_eq!(
        (
            world.passes("a", START).await,
            world.passes("b", START).await
        ),
        (2, 2)
    );
}

async fn a_key_named_twice_in_one_call_counts_once(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(3)), ("b", quota(3))]).await;
    assert!(world.take(&["a", "b", "a", "a"], 2, START).await.is_pass());
    world.release(&["a", "a"], 1).await;
    assert_eq!(
        (
            world.passes("a", START).await,
            world.passes("b", START).await
        ),
        (2, 1)
    );
}

async fn more_than_the_burst_is_refused_and_takes_nothing(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(2)), ("b", quota(9))]).await;
    for ids in [["a", "b"], ["b", "a"]] {
        let answer = world.limiter.acquire(&ids.map(key), number(3), START).await;
        let error = answer.expect_err("it could never pass");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    assert_eq!(
        (
            world.passes("a", START).await,
            world.passes("b", START).await
        ),
        (2, 9)
    );
}

async fn no_key_and_keys_without_a_quota_pass(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(1))]).await;
    for _ in 0..3 {
        assert!(world.take(&[], 1_000, START).await.is_pass());
        assert!(
            world
                .take(&["free", "also free"], 1_000, START)
                .await
                .is_pass()
        );
    }
    assert!(world.take(&["free", "a"], 1, START).await.is_pass());
    assert!(
        !world.take(&["free", "a"], 1, START).await.is_pass(),
        "one of them has a quota"
    );
}

async fn a_clock_that_steps_back_lets_no_more_pass(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(2))]).await;
    assert_eq!(world.passes("a", START).await, 2);
    for back in [MICROSECOND, millis(50), millis(9_999)] {
        assert_eq!(world.passes("a", START - back).await, 0, "{back:?} back");
    }
    assert_eq!(world.passes("a", START + millis(100)).await, 1);
    assert_eq!(world.passes("a", START).await, 0, "back again");
    assert_eq!(world.passes("a", START + millis(200)).await, 1);
}

async fn a_clock_that_was_set_back_delays_a_key_until_it_is_filled(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(2))]).await;
    assert_eq!(world.passes("a", START).await, 2);
    let back = START - gcra::SKEW - HOUR;
    let Verdict::Wait { until } = world.take(&["a"], 2, back).await else {
        panic!("it is empty, whatever the clock says");
    };
    assert_eq!(until, back + millis(200), "it fills from there");
    assert_eq!(world.passes("a", back + millis(100)).await, 1);
    assert_eq!(world.passes("a", back + millis(200)).await, 1);
}

async fn release_gives_tokens_back(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(4)), ("b", quota(4))]).await;
    assert!(world.take(&["a", "b"], 4, START).await.is_pass());
    world.release(&["a"], 3).await;
    world.release(&["b", "unknown"], 1).await;
    assert_eq!(
        (
            world.passes("a", START).await,
            world.passes("b", START).await
        ),
        (3, 1)
    );
}

async fn release_never_gives_more_than_the_burst(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(3))]).await;
    world.release(&["a"], 100).await;
    assert_eq!(world.passes("a", START).await, 3, "an unused key");
    world.release(&["a"], 100).await;
    assert_eq!(world.passes("a", START).await, 3, "a used key");
    world.release(&["a"], u32::MAX).await;
    assert_eq!(world.passes("a", START + HOUR).await, 3, "an hour later");
}

async fn release_of_an_unknown_key_is_no_error(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[]).await;
    world.release(&["unknown"], 1).await;
    world.release(&[], 1).await;
    assert!(world.take(&["unknown"], 1, START).await.is_pass());
}

async fn a_key_has_its_own_quota_else_its_scopes_else_the_one_for_all(
    harness: &dyn LimiterHarness,
) {
    let world = World {
        limiter: harness.limiter(Some(quota(4))).await,
    };
    world
        .set(&QuotaKey::scope("provider"), Some(quota(2)), START)
        .await;
    world.set(&key("own"), Some(quota(3)), START).await;
    assert_eq!(world.passes("own", START).await, 3);
    assert_eq!(world.passes("of the scope", START).await, 2);
    let other = [QuotaKey::new("caller", "x")];
    let answer = world.limiter.acquire(&other, number(5), START).await;
    assert_eq!(answer.expect_err("more than 4").kind(), ErrorKind::Invalid);
    let verdict = world
        .limiter
        .acquire(&other, number(4), START)
        .await
        .expect("answers");
    assert!(verdict.is_pass(), "the quota for all");
}

async fn each_key_of_a_scope_has_the_quota_by_itself(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[]).await;
    world
        .set(&QuotaKey::scope("provider"), Some(quota(2)), START)
        .await;
    for id in ["a", "b", "c"] {
        assert_eq!(world.passes(id, START).await, 2, "{id}");
    }
    let other = [QuotaKey::new("provider_day", "a")];
    let verdict = world
        .limiter
        .acquire(&other, number(1_000), START)
        .await
        .expect("answers");
    assert!(verdict.is_pass(), "a scope whose name begins alike");
}

async fn a_new_quota_holds_from_the_next_call_on(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(5))]).await;
    assert!(world.take(&["a"], 1, START).await.is_pass());
    world
        .set(&key("a"), Some(Quota::per_minute(number(2))), START)
        .await;
    let answer = world.limiter.acquire(&[key("a")], number(3), START).await;
    assert_eq!(answer.expect_err("more than 2").kind(), ErrorKind::Invalid);
    assert_eq!(
        world.passes("a", START).await,
        1,
        "of the two, one passed before"
    );
    assert_eq!(world.passes("a", START + Duration::from_secs(29)).await, 0);
    assert_eq!(world.passes("a", START + Duration::from_secs(30)).await, 1);
}

async fn a_new_quota_hands_out_no_second_burst(harness: &dyn LimiterHarness) {
    for (from, to) in [(5, 5), (5, 3), (3, 5), (1, 9)] {
        let world = World::new(harness, &[("a", quota(from))]).await;
        assert_eq!(world.passes("a", START).await, from as usize);
        world.set(&key("a"), Some(quota(to)), START).await;
        let passed = world.passes("a", START).await;
        let most = to.saturating_sub(from) as usize;
        assert!(
            passed <= most,
            "{from} passed, then the burst was {to}, and {passed} more passed"
        );
        assert_eq!(
            world.passes("a", START + HOUR).await,
            to as usize,
            "after a rest"
        );
    }
}

async fn a_new_quota_of_a_scope_holds_for_keys_in_use(harness: &dyn LimiterHarness) {
    let (world, scope) = (World::new(harness, &[]).await, QuotaKey::scope("provider"));
    world.set(&scope, Some(quota(4)), START).await;
    world.set(&key("own"), Some(quota(9)), START).await;
    for id in ["a", "own"] {
        assert!(world.take(&[id], 2, START).await.is_pass());
    }
    world.set(&scope, Some(quota(3)), START).await;
    assert_eq!(
        world.passes("a", START).await,
        1,
        "two of three passed before"
    );
    assert_eq!(
        world.passes("own", START).await,
        7,
        "its own quota is as it was"
    );
}

async fn a_quota_that_is_taken_away_limits_nothing(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(1)), ("b", quota(1))]).await;
    world
        .set(&QuotaKey::scope("provider"), Some(quota(3)), START)
        .await;
    assert_eq!(world.passes("b", START).await, 1);
    world.set(&key("a"), None, START).await;
    assert_eq!(
        world.passes("a", START).await,
        3,
        "it has that of its scope"
    );
    world.set(&QuotaKey::scope("provider"), None, START).await;
    assert!(
        world.take(&["a"], 1_000, START).await.is_pass(),
        "it has none"
    );
    assert!(
        !world.take(&["b"], 1, START).await.is_pass(),
        "its own is as it was"
    );
    world.set(&key("unknown"), None, START).await;
}

async fn callers_at_the_same_time_take_no_more_than_the_burst(harness: &dyn LimiterHarness) {
    let world = World::new(harness, &[("a", quota(5))]).await;
    let take = |_| {
        let limiter = Arc::clone(&world.limiter);
        async move { limiter.acquire(&[key("a")], number(1), START).await }
    };
    let mut passed = 0;
    for verdict in at_once(16, take).await {
        passed += usize::from(verdict.expect("answers").is_pass());
    }
    assert_eq!(passed, 5);
}

async fn callers_at_the_same_time_may_name_keys_in_any_order(harness: &dyn LimiterHarness) {
    let world = World::new(
        harness,
        &[("a", quota(9)), ("b", quota(5)), ("c", quota(9))],
    )
    .await;
    let take = |n: usize| {
        let limiter = Arc::clone(&world.limiter);
        let mut keys = ["a", "b", "c"].map(key);
        keys.rotate_left(n % 3);
        async move { limiter.acquire(&keys, number(1), START).await }
    };
    let mut passed = 0;
    for verdict in at_once(16, take).await {
        passed += usize::from(verdict.expect("answers").is_pass());
    }
    assert_eq!(passed, 5, "as many as the tightest lets through");
    assert_eq!(
        (
            world.passes("a", START).await,
            world.passes("c", START).await
        ),
        (4, 4)
    );
}

/// Six thousand keys are used, 250 in each hour, so that all but the last are full again.
async fn keys_that_are_full_again_take_no_memory(harness: &dyn LimiterHarness) {
    let world = World {
        limiter: harness.limiter(Some(quota(1))).await,
    };
    for round in 0_u32..24 {
        let keys: Vec<_> = (0..250).map(|n| key(&format!("{round}-{n}"))).collect();
        let verdict = world
            .limiter
            .acquire(&keys, number(1), START + HOUR * round)
            .await;
        assert!(verdict.expect("answers").is_pass());
    }
    if let Some(tracked) = harness.tracked().await {
        assert!(
            tracked <= 2_048,
            "{tracked} of 6,000 keys are tracked, of which 250 are in use"
        );
    }
}
