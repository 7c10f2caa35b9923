//! What the benches share: a provider that takes everything, and systems on each store.

use async_trait::async_trait;
use notify_core::memory::MemoryStore;
use notify_core::orchestrator::WorkerOptions;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::template::{Template, Templates};
use notify_core::{
    Category, ChannelId, IdempotencyKey, Notification, Orchestrator, ProviderName, Recipient,
    Route, Store,
};
use notify_store_sqlite::SqliteStore;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// How many recipients the systems know.
pub const PEOPLE: u64 = 1_000;

/// Takes every message at once, and counts them.
#[derive(Clone, Debug)]
pub struct Noop {
    name: ProviderName,
    able: Capabilities,
    taken: Arc<AtomicU64>,
    took: Arc<Notify>,
}

impl Default for Noop {
    fn default() -> Self {
        Self {
            name: ProviderName::new("noop"),
            able: Capabilities::for_channel(ChannelId::EMAIL).with_concurrency(4_096),
            taken: Arc::default(),
            took: Arc::default(),
        }
    }
}

impl Noop {
    /// How many messages it took.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    /// Returns when it has taken so many.
    pub async fn until(&self, count: u64) {
        loop {
            let took = self.took.notified();
            if self.taken() >= count {
                return;
            }
            took.await;
        }
    }
}

#[async_trait]
impl Provider for Noop {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    async fn send(&self, _: &Envelope) -> Result<Receipt, Fault> {
        self.taken.fetch_add(1, Ordering::AcqRel);
        self.took.notify_waiters();
        Ok(Receipt::new())
    }
}

/// What the benches send: about 300 bytes of JSON.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct OrderShipped {
    /// The number of the order.
    pub order: u64,
    /// What fills it up.
    pub note: &'static str,
    /// Whether it comes with a key.
    #[serde(skip)]
    pub keyed: bool,
}

impl OrderShipped {
    /// The `order`-th of its kind, without a key.
    #[must_use]
    pub const fn new(order: u64) -> Self {
        Self {
            order,
            note: "Your order has left our house and is on its way to you. The carrier will tell you the day before it arrives, and \
                   if nobody is at home leaves it with a neighbour. This text is here to make the data as large as data usually is, \
                   which is about three hundred bytes.",
            keyed: false,
        }
    }
}

impl Notification for OrderShipped {
    const KIND: &'static str = "order_shipped";
    const CATEGORY: &'static str = "orders";

    fn idempotency_key(&self) -> Option<IdempotencyKey> {
        self.keyed.then(|| format!("shipped:{}", self.order).into())
    }

    fn route(&self) -> Option<Route> {
        Some(Route::to(ChannelId::EMAIL))
    }
}

/// The templates of the benches: a subject and a text.
#[must_use]
pub fn templates() -> Templates {
    Templates::new().add(
        Template::new("order_shipped", "email", "en")
            .with_part("subject", "Order {{order}} is on its way")
            .with_part(
                "text",
                "Hello {{recipient.name}},\n\n{{note}}\n\nOrder {{order}}",
            ),
    )
}

/// The `n`-th recipient's id.
#[must_use]
pub fn person(n: u64) -> String {
    format!("user-{}", n % PEOPLE)
}

/// A system on this store, with a provider that takes everything and a thousand recipients.
///
/// # Errors
/// Whatever the store says.
pub async fn system(
    store: impl Store,
    noop: &Noop,
    options: WorkerOptions,
) -> notify_core::Result<Orchestrator> {
    let notify = Orchestrator::builder(store)
        .provider(noop.clone())
        .category(Category::transactional("orders"))
        .templates(templates())
        .worker_options(options)
        .build()
        .await?;
    let people: Vec<Recipient> = (0..PEOPLE)
        .map(|n| {
            Recipient::new(person(n))
                .with_email(&format!("user{n}@example.com"))
                .with_attribute("name", "Ada")
        })
        .collect();
    notify.put_recipients(&people).await?;
    Ok(notify)
}

/// A system in memory.
///
/// # Errors
/// Whatever the store says.
pub async fn in_memory(noop: &Noop) -> notify_core::Result<Orchestrator> {
    system(MemoryStore::new(), noop, WorkerOptions::default()).await
}

/// A system on a SQLite file in this folder: WAL, `synchronous=FULL`.
///
/// # Errors
/// Whatever the store says.
pub async fn on_sqlite(
    folder: &tempfile::TempDir,
    noop: &Noop,
) -> notify_core::Result<Orchestrator> {
    let store = SqliteStore::open(folder.path().join("notify.db")).await?;
    system(store, noop, WorkerOptions::default()).await
}

/// A runtime like an application's: as many threads as cores.
///
/// # Panics
/// If the operating system gives no threads.
#[must_use]
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the operating system gives threads")
}

/// Sends `count` notifications from `callers` tasks at a time, each waiting for its own answer.
///
/// # Panics
/// If one is not accepted.
pub async fn send_from(notify: &Orchestrator, callers: u64, count: u64) {
    let mut tasks = tokio::task::JoinSet::new();
    let next = Arc::new(AtomicU64::new(0));
    for _ in 0..callers {
        let (notify, next) = (notify.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return;
                }
                notify
                    .send(OrderShipped::new(n), person(n))
                    .await
                    .expect("accepted");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task panics");
    }
}
