//! The whole life of a notification: accepted, sent by a provider that takes everything, settled; with the full record kept.
//!
//! `idle` is the time from the call of `send` to the call of the provider when nothing else happens.
//! Run with `cargo bench --bench lifecycle`.
//!
//! Baseline (two cores, Linux, ext4 on a virtual disk whose fsync takes 0.15 ms, Rust 1.95, `--quick`, nothing else running).
//! SQLite with `synchronous=FULL`: 64 callers 37,500 notifications/s, 512 callers 20,000/s (more are accepted than are sent, so
//! that most are claimed from the queue and read again), idle 0.64 ms. Memory: 58,000 and 61,000/s, idle 0.065 ms.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use notify_benches::{Noop, OrderShipped, in_memory, on_sqlite, person, runtime, send_from};
use notify_core::Orchestrator;
use std::time::Duration;
use tokio::sync::oneshot;

const COUNT: u64 = 8_192;

fn measure(
    c: &mut Criterion,
    store: &str,
    runtime: &tokio::runtime::Runtime,
    notify: &Orchestrator,
    noop: &Noop,
) {
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let running = runtime.spawn(async move {
        worker
            .run(async {
                let _ = stopped.await;
            })
            .await
    });
    let mut group = c.benchmark_group("lifecycle");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Elements(COUNT));
    for callers in [64, 512] {
        group.bench_function(BenchmarkId::new(store, format!("{callers} callers")), |b| {
            b.to_async(runtime).iter(|| async {
                let before = noop.taken();
                send_from(notify, callers, COUNT).await;
                noop.until(before + COUNT).await;
                settled(notify).await;
            });
        });
    }
    group.throughput(Throughput::Elements(1)).sample_size(50);
    group.bench_function(BenchmarkId::new(store, "idle"), |b| {
        b.to_async(runtime).iter(|| async {
            let before = noop.taken();
            notify
                .send(OrderShipped::new(1), person(1))
                .await
                .expect("accepted");
            noop.until(before + 1).await;
        });
    });
    group.finish();
    let _ = stop.send(());
    runtime
        .block_on(running)
        .expect("no panic")
        .expect("a clean end");
}

/// Returns when nothing is left in the queue.
async fn settled(notify: &Orchestrator) {
    loop {
        let health = notify.health().await;
        if health
            .lanes
            .iter()
            .all(|lane| lane.ready + lane.waiting + lane.in_flight == 0)
        {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn lifecycle(c: &mut Criterion) {
    let runtime = runtime();
    let noop = Noop::default();
    let memory = runtime.block_on(in_memory(&noop)).expect("a system");
    measure(c, "memory", &runtime, &memory, &noop);
    let folder = tempfile::tempdir().expect("a folder");
    let noop = Noop::default();
    let sqlite = runtime
        .block_on(on_sqlite(&folder, &noop))
        .expect("a system");
    measure(c, "sqlite", &runtime, &sqlite, &noop);
}

criterion_group!(benches, lifecycle);
criterion_main!(benches);
