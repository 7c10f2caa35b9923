//! How many occurrences workers make: 10,000 schedules, all due in the same moment, each for one recipient.
//!
//! Measured from when they are due until a provider has every message. Run with `cargo bench --bench schedule`.

use async_trait::async_trait;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use notify_benches::{Noop, runtime};
use notify_core::clock::{Clock, Monotonic, SystemClock, Timestamp};
use notify_core::memory::MemoryStore;
use notify_core::notification::Schedule;
use notify_core::schedule::ScheduledRequest;
use notify_core::{Category, Content, NotificationRequest, Orchestrator, Recipient, Route, Store};
use notify_store_sqlite::SqliteConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const COUNT: u64 = 10_000;
const HOUR: Duration = Duration::from_secs(3_600);

/// The host's clock, some hours ahead.
#[derive(Debug, Default)]
struct Ahead {
    clock: SystemClock,
    hours: AtomicU32,
}

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.clock.now() + HOUR * self.hours.load(Ordering::Acquire)
    }

    fn monotonic(&self) -> Monotonic {
        self.clock.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

/// A system with 10,000 schedules that are due each hour, for the first time in half an hour.
async fn system(store: Arc<dyn Store>, noop: &Noop, now: Timestamp) -> Orchestrator {
    let notify = Orchestrator::builder_on(store)
        .provider(noop.clone())
        .category(Category::transactional("reports"))
        .build()
        .await
        .expect("a system");
    let ada = Recipient::new("ada").with_email("ada@example.com");
    notify.put_recipients(&[ada]).await.expect("stored");
    let hourly = Schedule::every(HOUR, now + HOUR / 2).expect("a schedule");
    let mut puts = JoinSet::new();
    for no in 0..COUNT {
        let schedules = notify.schedules();
        let request = NotificationRequest::new("report", "reports")
            .with_route(Route::to("email"))
            .with_content(Content::new("Report", "All is well."));
        let key = format!("report-{no}");
        let scheduled = ScheduledRequest::new(key, request, "ada", hourly.clone());
        puts.spawn(async move { schedules.put(scheduled).await.expect("put") });
    }
    while let Some(put) = puts.join_next().await {
        put.expect("no panic");
    }
    notify
}

fn measure(
    c: &mut Criterion,
    name: &str,
    runtime: &Runtime,
    store: Arc<dyn Store>,
    clock: &Arc<Ahead>,
) {
    let noop = Noop::default();
    let notify = runtime.block_on(system(store, &noop, clock.now()));
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let running = runtime.spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        worker.run(stopped).await.expect("a clean end")
    });
    let mut group = c.benchmark_group("schedule");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(20))
        .throughput(Throughput::Elements(COUNT));
    group.bench_function(BenchmarkId::new(name, "10,000 due at once"), |b| {
        b.to_async(runtime).iter(|| async {
            let expected = noop.taken() + COUNT;
            clock.hours.fetch_add(1, Ordering::AcqRel);
            notify.wake();
            noop.until(expected).await;
        });
    });
    group.finish();
    let _ = stop.send(());
    runtime.block_on(running).expect("no panic");
}

fn schedule(c: &mut Criterion) {
    let runtime = runtime();
    let clock = Arc::new(Ahead::default());
    let shared: Arc<dyn Clock> = Arc::<Ahead>::clone(&clock);
    let memory = Arc::new(MemoryStore::with_clock(shared));
    measure(c, "memory", &runtime, memory, &clock);
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Ahead::default());
    let shared: Arc<dyn Clock> = Arc::<Ahead>::clone(&clock);
    let config = SqliteConfig::new(folder.path().join("notify.db")).with_clock(shared);
    let sqlite = runtime.block_on(config.open()).expect("a store");
    measure(c, "sqlite", &runtime, Arc::new(sqlite), &clock);
}

criterion_group!(benches, schedule);
criterion_main!(benches);
