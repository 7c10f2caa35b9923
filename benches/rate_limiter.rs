//! The rate limiter in this process: one key, and three keys all or nothing.
//!
//! Run with `cargo bench --bench rate_limiter`.
//!
//! Baseline (two cores, Linux, Rust 1.95, `--quick`): one key 162 ns, three keys 218 ns.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use notify_benches::runtime;
use notify_core::Timestamp;
use notify_core::rate_limiter::{GovernorLimiter, Quota, QuotaKey, RateLimiter};
use std::hint::black_box;
use std::num::NonZeroU32;

fn rate_limiter(c: &mut Criterion) {
    let runtime = runtime();
    let fast = NonZeroU32::new(1_000_000).expect("not zero");
    let keys: Vec<QuotaKey> = ["a", "b", "c"]
        .map(|name| QuotaKey::new("provider", name))
        .to_vec();
    let limiter = keys.iter().fold(GovernorLimiter::new(), |limiter, key| {
        limiter.with_quota(key, Quota::per_second(fast))
    });
    let mut group = c.benchmark_group("rate_limiter");
    group.throughput(Throughput::Elements(1));
    for (name, count) in [("one key", 1), ("three keys", 3)] {
        let mut micros = 1_700_000_000_000_000_i64;
        group.bench_function(name, |b| {
            b.iter(|| {
                micros += 2;
                let now = Timestamp::from_micros(micros);
                black_box(runtime.block_on(limiter.acquire(&keys[..count], NonZeroU32::MIN, now)))
                    .expect("answers")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rate_limiter);
criterion_main!(benches);
