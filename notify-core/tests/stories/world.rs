//! What the stories about workers have in common: guests, a provider that counts, and a worker that runs.

use async_trait::async_trait;
use notify_core::clock::{Clock as _, SystemClock};
use notify_core::memory::MemoryStore;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::worker::Drained;
use notify_core::{
    Category, Content, Message, NotificationRequest, Orchestrator, ProviderName, Recipient,
};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Something to say by mail, without a template.
pub(crate) fn say(category: &str) -> NotificationRequest {
    NotificationRequest::new("said", category.to_owned())
        .with_route(notify_core::Route::to("email"))
        .with_content(Content::new("Hi", "There"))
}

/// Somebody with a mailbox.
pub(crate) fn guest(no: usize) -> Recipient {
    Recipient::new(format!("guest-{no}")).with_email(&format!("guest-{no}@example.com"))
}

/// A system with this provider and the category `orders`.
pub(crate) async fn running(store: &MemoryStore, crowd: &Crowd) -> Orchestrator {
    Orchestrator::builder(store.clone())
        .provider(crowd.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds")
}

/// A worker that runs.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<notify_core::Result<Drained>>,
}

/// Lets a worker run.
pub(crate) fn start(notify: &Orchestrator) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let shutdown = async {
        let _ = stopped.await;
    };
    let task = tokio::spawn(async move { worker.run(shutdown).await });
    Running { stop, task }
}

impl Running {
    /// Tells it to stop.
    pub(crate) fn stop_soon(self) -> JoinHandle<notify_core::Result<Drained>> {
        let _ = self.stop.send(());
        self.task
    }

    /// Stops it.
    pub(crate) async fn stop(self) -> Drained {
        let ended = self.stop_soon().await;
        ended.expect("no panic").expect("a clean end")
    }
}

/// Waits for something that must come.
pub(crate) async fn until<F: Future<Output = bool>>(is_true: impl Fn() -> F) {
    while !is_true().await {
        SystemClock::new().sleep(Duration::from_millis(1)).await;
    }
}

/// Takes a while for each call, and remembers how many calls it had at a time, and how large they were.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    name: ProviderName,
    able: Capabilities,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    under_way: AtomicUsize,
    most: AtomicUsize,
    largest: AtomicUsize,
    messages: AtomicUsize,
}

impl Crowd {
    pub(crate) fn new(able: Capabilities) -> Self {
        Self {
            name: ProviderName::new("crowd"),
            able,
            seen: Arc::default(),
        }
    }

    /// The most calls at a time.
    pub(crate) fn most(&self) -> usize {
        self.seen.most.load(Ordering::Acquire)
    }

    /// The most messages in a call.
    pub(crate) fn largest(&self) -> usize {
        self.seen.largest.load(Ordering::Acquire)
    }

    /// How many messages it took.
    pub(crate) fn messages(&self) -> usize {
        self.seen.messages.load(Ordering::Acquire)
    }

    async fn call(&self, messages: usize) {
        let now = self.seen.under_way.fetch_add(1, Ordering::AcqRel) + 1;
        self.seen.most.fetch_max(now, Ordering::AcqRel);
        self.seen.largest.fetch_max(messages, Ordering::AcqRel);
        SystemClock::new().sleep(Duration::from_millis(5)).await;
        self.seen.under_way.fetch_sub(1, Ordering::AcqRel);
        self.seen.messages.fetch_add(messages, Ordering::AcqRel);
    }
}

#[async_trait]
impl Provider for Crowd {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    fn batch_key(&self, _: &Message) -> Option<u64> {
        (self.able.batch_max() > 1).then_some(1)
    }

    async fn send(&self, _: &Envelope) -> Result<Receipt, Fault> {
        self.call(1).await;
        Ok(Receipt::new())
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        self.call(batch.len()).await;
        batch.iter().map(|_| Ok(Receipt::new())).collect()
    }
}
