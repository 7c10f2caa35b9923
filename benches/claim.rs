//! What a claim costs with few and with a million deliveries waiting: it must not depend on how many wait.
//!
//! `NOTIFY_BENCH_QUEUED` sets how many wait (default 1,000,000; in test mode 2,000). Run with `cargo bench --bench claim`.
//!
//! Baseline (two cores, Linux, Rust 1.95, `--quick`): a hundred claimed and given back with 1,000 and with 1,000,000 waiting take
//! 1.60 ms and 1.47 ms on SQLite, 28 µs and 71 µs in memory.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use notify_benches::{Noop, OrderShipped, person, runtime, system};
use notify_core::clock::{Clock, SystemClock};
use notify_core::memory::MemoryStore;
use notify_core::orchestrator::WorkerOptions;
use notify_core::queue::{Claim, LaneClaim, Queue, Release};
use notify_core::{ChannelId, Orchestrator, Priority, Store};
use notify_store_sqlite::SqliteStore;
use std::sync::Arc;
use std::time::Duration;

const BATCH: u32 = 100;

fn queued() -> u64 {
    let default = if std::env::args().any(|arg| arg == "--test") {
        2_000
    } else {
        1_000_000
    };
    std::env::var("NOTIFY_BENCH_QUEUED")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(default)
}

async fn fill(notify: &Orchestrator, count: u64) {
    let mut sent = 0;
    while sent < count {
        let until = (sent + 1_000).min(count);
        let results = notify
            .send_batch((sent..until).map(|n| (OrderShipped::new(n), person(n))))
            .await;
        assert!(results.expect("accepted").iter().all(Result::is_ok));
        sent = until;
    }
}

/// Claims a batch and gives it back.
async fn claim_and_release(queue: &dyn Queue, clock: &SystemClock) {
    let now = clock.now();
    let claim = Claim {
        owner: notify_core::id::OwnerId::from_u128(1),
        lanes: vec![LaneClaim {
            priority: Priority::High,
            channel: ChannelId::EMAIL,
            limit: BATCH,
        }],
        now,
        asked_at: clock.monotonic(),
        ttl: Duration::from_secs(60),
    };
    let leases = queue.claim(&claim).await.expect("claims");
    assert_eq!(leases.len(), BATCH as usize);
    let releases: Vec<_> = leases
        .iter()
        .map(|lease| Release { lease, due: now })
        .collect();
    queue.release(&releases).await.expect("releases");
}

fn measure(
    c: &mut Criterion,
    name: &str,
    runtime: &tokio::runtime::Runtime,
    notify: &Orchestrator,
    store: &Arc<dyn Store>,
) {
    let clock = SystemClock::new();
    let mut group = c.benchmark_group("claim");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(u64::from(BATCH)));
    runtime.block_on(fill(notify, 1_000));
    for waiting in [1_000, queued()] {
        runtime.block_on(fill(notify, waiting.saturating_sub(1_000)));
        group.bench_function(BenchmarkId::new(name, waiting), |b| {
            b.to_async(runtime)
                .iter(|| claim_and_release(store.as_ref(), &clock));
        });
    }
    group.finish();
}

fn claim(c: &mut Criterion) {
    let runtime = runtime();
    let noop = Noop::default();
    let memory = MemoryStore::new();
    let notify = runtime
        .block_on(system(memory.clone(), &noop, WorkerOptions::default()))
        .expect("a system");
    let store: Arc<dyn Store> = Arc::new(memory);
    measure(c, "memory", &runtime, &notify, &store);
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = runtime
        .block_on(SqliteStore::open(folder.path().join("notify.db")))
        .expect("opens");
    let notify = runtime
        .block_on(system(sqlite.clone(), &noop, WorkerOptions::default()))
        .expect("a system");
    let store: Arc<dyn Store> = Arc::new(sqlite);
    measure(c, "sqlite", &runtime, &notify, &store);
}

criterion_group!(benches, claim);
criterion_main!(benches);
