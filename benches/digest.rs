//! What it costs that events gather: 64 callers, each waiting for its own answer, for 100 people; and letting them leave.
//!
//! The baseline of the same run is a category without a digest: the same requests, stored to be sent one by one. No worker runs while
//! it is accepted. `first at once` reads before each send whether something gathers, and rests on it in the commit. Run with
//! `cargo bench --bench digest`.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use notify_benches::{Noop, runtime, templates};
use notify_core::digest::Digest;
use notify_core::memory::MemoryStore;
use notify_core::template::Template;
use notify_core::{Category, NotificationRequest, Orchestrator, Recipient, Route, Store};
use notify_store_sqlite::SqliteStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Notifications of one iteration.
const COUNT: u64 = 4_096;
const CALLERS: u64 = 64;
/// How many keys they gather under.
const KEYS: u64 = 100;
const HOUR: Duration = Duration::from_secs(3_600);

const KINDS: [&str; 3] = ["plain", "gathers", "first at once"];

fn category(kind: &str) -> Category {
    let category = Category::transactional("orders");
    let digest = Digest::after(HOUR).max_items(notify_core::digest::MAX_ITEMS);
    match kind {
        "gathers" => category.with_digest(digest),
        "first at once" => category.with_digest(digest.first_now()),
        _ => category,
    }
}

async fn system(store: impl Store, kind: &str) -> Orchestrator {
    let many = Template::new("order_shipped.digest", "email", "en")
        .with_part("subject", "{{count}} orders")
        .with_part("text", "{{#each items}}{{order}} {{/each}}");
    let notify = Orchestrator::builder(store)
        .provider(Noop::default())
        .category(category(kind))
        .templates(templates().add(many))
        .build()
        .await
        .expect("a system");
    let person = |n| Recipient::new(format!("user-{n}")).with_email(&format!("u{n}@example.com"));
    let people: Vec<_> = (0..KEYS).map(person).collect();
    notify.put_recipients(&people).await.expect("stored");
    notify
}

fn shipped(n: u64) -> NotificationRequest {
    let order = notify_benches::OrderShipped::new(n);
    NotificationRequest::new("order_shipped", "orders")
        .with_data(&order)
        .expect("JSON")
        .with_route(Route::to("email"))
}

/// Sends so many from 64 tasks, to one person after the other.
async fn send(notify: &Orchestrator, count: u64) {
    let mut tasks = JoinSet::new();
    let next = Arc::new(AtomicU64::new(0));
    for _ in 0..CALLERS {
        let (notify, next) = (notify.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return;
                }
                let to = format!("user-{}", n % KEYS);
                notify
                    .send(shipped(n), to.as_str())
                    .await
                    .expect("accepted");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task panics");
    }
}

/// Lets what gathers for everybody leave.
async fn leave(notify: &Orchestrator) {
    for n in 0..KEYS {
        let to = format!("user-{n}");
        let flushed = notify.flush_digest(to.as_str(), "orders").await;
        assert_eq!(flushed.expect("flushed"), 1);
    }
    while notify.worker().turn().await.expect("turn") > 0 {}
}

fn on_sqlite(runtime: &Runtime, folder: &TempDir, name: &str, kind: &str) -> Orchestrator {
    let open = SqliteStore::open(folder.path().join(name));
    let store = runtime.block_on(open).expect("opens");
    runtime.block_on(system(store, kind))
}

fn digest(c: &mut Criterion) {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder"));
    let mut group = c.benchmark_group("digest");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(8))
        .throughput(Throughput::Elements(COUNT));
    for (no, kind) in KINDS.into_iter().enumerate() {
        let memory = runtime.block_on(system(MemoryStore::new(), kind));
        group.bench_function(BenchmarkId::new("memory, 64 callers", kind), |b| {
            b.to_async(&runtime).iter(|| fill(&memory, kind));
        });
        let sqlite = on_sqlite(&runtime, &folder, &format!("{no}.db"), kind);
        group.bench_function(BenchmarkId::new("sqlite, 64 callers", kind), |b| {
            b.to_async(&runtime).iter(|| fill(&sqlite, kind));
        });
    }
    let sqlite = on_sqlite(&runtime, &folder, "leaves.db", "gathers");
    group.bench_function("sqlite, 100 digests leave", |b| {
        let filled = || runtime.block_on(send(&sqlite, COUNT));
        let left = |()| runtime.block_on(leave(&sqlite));
        b.iter_batched(filled, left, BatchSize::PerIteration);
    });
    group.finish();
}

/// One iteration; buckets never get full, since each begins with empty ones.
async fn fill(notify: &Orchestrator, kind: &str) {
    if kind != "plain" {
        for n in 0..KEYS {
            let to = format!("user-{n}");
            let flushed = notify.flush_digest(to.as_str(), "orders").await;
            flushed.expect("flushed");
        }
    }
    send(notify, COUNT).await;
}

criterion_group!(benches, digest);
criterion_main!(benches);
