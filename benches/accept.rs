//! How many notifications a process accepts durably: one by one, from 64 callers of the one-notification call, and in batches.
//!
//! Nothing is sent: no worker runs. Run with `cargo bench --bench accept`.
//!
//! Baseline (two cores, Linux, ext4 on a virtual disk whose fsync takes 0.15 ms, Rust 1.95, `--quick`, nothing else running).
//! SQLite with `synchronous=FULL`: one by one 3,800 notifications/s, 64 callers 52,000/s, batches of 512 65,600/s.
//! Memory: 148,000, 130,000 and 121,000/s.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use notify_benches::{Noop, OrderShipped, in_memory, on_sqlite, person, runtime, send_from};
use notify_core::Orchestrator;
use std::time::Duration;

const COUNT: u64 = 4_096;

fn measure(
    c: &mut Criterion,
    store: &str,
    runtime: &tokio::runtime::Runtime,
    notify: &Orchestrator,
) {
    let mut group = c.benchmark_group("accept");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new(store, "one by one"), |b| {
        b.to_async(runtime)
            .iter(|| notify.send(OrderShipped::new(1), person(1)));
    });
    group.throughput(Throughput::Elements(COUNT));
    group.bench_function(BenchmarkId::new(store, "64 callers"), |b| {
        b.to_async(runtime).iter(|| send_from(notify, 64, COUNT));
    });
    group.bench_function(BenchmarkId::new(store, "batches of 512"), |b| {
        b.to_async(runtime).iter(|| async {
            for batch in 0..COUNT / 512 {
                let numbers = batch * 512..(batch + 1) * 512;
                let results = notify
                    .send_batch(numbers.map(|n| (OrderShipped::new(n), person(n))))
                    .await;
                assert!(results.expect("accepted").iter().all(Result::is_ok));
            }
        });
    });
    group.finish();
}

fn accept(c: &mut Criterion) {
    let runtime = runtime();
    let noop = Noop::default();
    let memory = runtime.block_on(in_memory(&noop)).expect("a system");
    measure(c, "memory", &runtime, &memory);
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = runtime
        .block_on(on_sqlite(&folder, &noop))
        .expect("a system");
    measure(c, "sqlite", &runtime, &sqlite);
}

criterion_group!(benches, accept);
criterion_main!(benches);
