//! The front door: accept, explain, cancel, and ask what became of it.

mod accept;
mod builder;
mod checked;
mod configured;
mod consent;
mod digest;
mod engagement;
mod extras;
mod feedback;
mod guard;
mod html;
mod lend;
mod limits;
mod links;
mod local;
mod matrix;
mod operator;
mod options;
mod parts;
mod people;
mod privacy;
mod providers;
mod report;
mod schedule;
mod slots;
mod snapshot;
mod suppressions;
mod vigil;
mod vitals;

pub use builder::OrchestratorBuilder;
pub use consent::{ConsentRequest, Followed};
pub use digest::Gathered;
pub use engagement::{ClientEvent, Tracked};
pub use feedback::Ingested;
pub use limits::LimitUse;
pub use links::SignedLinks;
pub use matrix::MatrixRow;
pub use operator::Operator;
pub use options::WorkerOptions;
pub use parts::{Enrich, Links};
pub use people::{Cell, Inbox};
pub use privacy::PersonExport;
pub use report::{DeliveryReport, Explanation, SendReport};
pub use schedule::{NotificationRef, Rescheduled, ScheduleRef, Schedules};
pub use suppressions::Imported;

pub(crate) use configured::follow;
pub(crate) use digest::{DigestAccepted, Leaving, accept_digest, read_person};
pub(crate) use feedback::match_kept;
pub(crate) use guard::Guard;
pub(crate) use limits::{Counted, Limited};
pub(crate) use local::Handed;
pub(crate) use parts::{Parts, Rendering};
pub(crate) use providers::{GATHERED, ProviderSet, ProviderSlot};
pub(crate) use schedule::{Ticked, tick};
pub(crate) use slots::Slot;
pub(crate) use snapshot::{addresses, short, suppressions};
pub(crate) use vigil::{Probe, forget, watch};

use std::fmt;
use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Delivery, DeliveryEvent, Reason};
use crate::error::{Error, ErrorKind, Result};
use crate::health::Health;
use crate::id::{DeliveryId, IdempotencyKey, NotificationId, RecipientId, TenantId};
use crate::notification::{IntoRequest, NotificationRequest, To};
use crate::queue::{CancelOutcome, LaneDepth};
use crate::store::{Store, Transaction};

/// The most entries that a page of history has.
pub const MAX_PAGE: u32 = 1_000;

/// The front door of a notification system. Cheap to clone; clones are the same system.
///
/// ```
/// use notify_core::memory::MemoryStore;
/// use notify_core::{Category, ChannelId, Content, NotificationRequest, Orchestrator, Recipient};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> notify_core::Result<()> {
/// let notify = Orchestrator::builder(MemoryStore::new())
///     .category(Category::transactional("orders"))
///     .build()
///     .await?;
///
/// let shipped = NotificationRequest::new("shipped", "orders").with_content(Content::new("Shipped", "On its way."));
/// let report = notify.send(shipped, Recipient::new("ada")).await?;
/// assert_eq!(report.deliveries[0].channel, ChannelId::IN_APP);
///
/// notify.worker().turn().await?;
/// assert_eq!(notify.inbox("ada").counts().await?.unread, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Orchestrator {
    parts: Arc<Parts>,
    tenant: TenantId,
    options: WorkerOptions,
}

impl Orchestrator {
    /// Begins to put a system together on this store.
    pub fn builder(store: impl Store) -> OrchestratorBuilder {
        OrchestratorBuilder::new(Arc::new(store))
    }

    /// Begins to put a system together on a store that is shared already.
    pub fn builder_on(store: Arc<dyn Store>) -> OrchestratorBuilder {
        OrchestratorBuilder::new(store)
    }

    pub(crate) fn new(parts: Arc<Parts>, options: WorkerOptions) -> Self {
        Self {
            parts,
            tenant: TenantId::default(),
            options,
        }
    }

    pub(crate) const fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    pub(crate) const fn options(&self) -> &WorkerOptions {
        &self.options
    }

    /// The same system, for one customer of the application. Nothing of one tenant is seen by another.
    #[must_use]
    pub fn tenant(&self, tenant: impl Into<TenantId>) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
            tenant: tenant.into(),
            options: self.options,
        }
    }

    /// What an operator may do; each action leaves an audit row.
    #[must_use]
    pub fn as_operator(&self, id: impl Into<String>) -> Operator {
        Operator::new(
            Arc::clone(&self.parts),
            self.tenant.clone(),
            Actor::operator(id),
        )
    }

    /// Tells one person that something happened. When it returns, it is durable.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming the field; [`ErrorKind::NotFound`] for an unknown recipient; [`ErrorKind::Template`] naming the
    /// template or variable; [`ErrorKind::Conflict`] if the idempotency key stands for another request: then nothing is stored.
    /// [`ErrorKind::Unknown`] if the answer to the commit was lost: repeat it with the same key.
    pub async fn send(
        &self,
        notification: impl IntoRequest,
        to: impl Into<To>,
    ) -> Result<SendReport> {
        accept::send(
            &self.parts,
            &self.tenant,
            notification.into_request()?,
            to.into(),
        )
        .await
    }

    /// Tells many people, or many different things; each has its own result, in order, and they share reads and commits.
    ///
    /// # Errors
    /// An error of the store that concerns all of them. What concerns one is in its own result.
    pub async fn send_batch<N: IntoRequest, T: Into<To>>(
        &self,
        batch: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Vec<Result<SendReport>>> {
        let batch = batch
            .into_iter()
            .map(|(notification, to)| {
                notification
                    .into_request()
                    .map(|request| (request, to.into()))
            })
            .collect();
        accept::send_batch(&self.parts, &self.tenant, batch).await
    }

    /// Tells one person inside the application's own transaction: its commit sends, its rollback sends nothing.
    ///
    /// The report is durable when the transaction is. After the commit, [`wake`](Self::wake) spares the worker a poll. That of a
    /// duplicate of what the same transaction sent before names no deliveries: nobody can read them yet.
    ///
    /// Nothing else is written: also the first notification of a tenant waits for no other transaction.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`ErrorKind::Busy`] asks to repeat the transaction, which only the caller can.
    pub async fn send_in(
        &self,
        transaction: &mut dyn Transaction,
        notification: impl IntoRequest,
        to: impl Into<To>,
    ) -> Result<SendReport> {
        let request: NotificationRequest = notification.into_request()?;
        accept::send_in(&self.parts, transaction, &self.tenant, request, to.into()).await
    }

    /// Lets the workers look for work now: after a transaction with [`send_in`](Self::send_in) was committed.
    pub fn wake(&self) {
        self.parts.queue.wake();
    }

    /// What [`send`](Self::send) would decide now, and why. Nothing is stored.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn explain(
        &self,
        notification: impl IntoRequest,
        to: impl Into<To>,
    ) -> Result<Explanation> {
        accept::explain(
            &self.parts,
            &self.tenant,
            notification.into_request()?,
            to.into(),
        )
        .await
    }

    /// Takes one delivery back, if no provider has it yet. A dead letter is ended for good: nobody can requeue it any more.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed.
    pub async fn cancel(&self, id: DeliveryId) -> Result<CancelOutcome> {
        let now = self.parts.clock.now();
        let answer = self
            .parts
            .queue
            .cancel(
                &self.tenant,
                &[id],
                Reason::Cancelled,
                &Actor::Application,
                now,
            )
            .await?;
        answer.into_iter().next().ok_or_else(|| short("a queue"))
    }

    /// Takes back every delivery of a notification that no provider has yet, dead letters among them; answers for each.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such notification.
    pub async fn cancel_notification(
        &self,
        id: NotificationId,
    ) -> Result<Vec<(DeliveryId, CancelOutcome)>> {
        let ids: Vec<_> = self
            .notification(id)
            .await?
            .iter()
            .map(|delivery| delivery.id)
            .collect();
        let now = self.parts.clock.now();
        let answers = self
            .parts
            .queue
            .cancel(
                &self.tenant,
                &ids,
                Reason::Cancelled,
                &Actor::Application,
                now,
            )
            .await?;
        Ok(ids.into_iter().zip(answers).collect())
    }

    /// Takes back every delivery of the notification that was sent under this idempotency key; answers for each, as
    /// [`cancel_notification`](Self::cancel_notification).
    ///
    /// A key is kept at least as long as one of its deliveries is open.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if nothing was sent under this key, or it was forgotten since.
    pub async fn cancel_by_key(
        &self,
        key: impl Into<IdempotencyKey>,
    ) -> Result<Vec<(DeliveryId, CancelOutcome)>> {
        let key = self.parts.key_hash(&self.tenant, &key.into());
        match self.parts.queue.find_key(&self.tenant, &key).await? {
            Some(id) => self.cancel_notification(id).await,
            None => Err(Error::new(
                ErrorKind::NotFound,
                "stands for no notification that is known",
            )
            .field("idempotency_key")),
        }
    }

    /// Every delivery of a notification.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such notification.
    pub async fn notification(&self, id: NotificationId) -> Result<Vec<Delivery>> {
        let deliveries = self
            .parts
            .deliveries
            .of_notification(&self.tenant, id)
            .await?;
        if deliveries.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFound,
                "there is no such notification",
            ));
        }
        Ok(deliveries)
    }

    /// One delivery as it stands.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such delivery.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Delivery> {
        let found = self
            .parts
            .deliveries
            .load(&[id])
            .await?
            .into_iter()
            .next()
            .flatten();
        found
            .filter(|delivery| delivery.tenant == self.tenant)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such delivery"))
    }

    /// Everything that happened to one delivery, oldest first.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such delivery.
    pub async fn timeline(&self, id: DeliveryId) -> Result<Vec<DeliveryEvent>> {
        let events = self.parts.deliveries.timeline(&self.tenant, id).await?;
        if events.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "there is no such delivery"));
        }
        Ok(events)
    }

    /// A page of one person's deliveries, newest first: those before `before`, at most `limit` (up to [`MAX_PAGE`]).
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed.
    pub async fn history(
        &self,
        recipient: impl Into<RecipientId>,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        self.parts
            .deliveries
            .history(&self.tenant, &recipient.into(), before, limit.min(MAX_PAGE))
            .await
    }

    /// How many deliveries one person has.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed.
    pub async fn history_count(&self, recipient: impl Into<RecipientId>) -> Result<u64> {
        self.parts
            .deliveries
            .history_count(&self.tenant, &recipient.into())
            .await
    }

    /// The deliveries that wait for an operator: attempts spent, or outcome unknown. Newest first.
    ///
    /// They stay until they are requeued, purged or cancelled, or older than
    /// [`Retention::dead_letters`](crate::queue::Retention::dead_letters).
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed.
    pub async fn dead_letters(
        &self,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        self.parts
            .queue
            .dead_letters(&self.tenant, before, limit.min(MAX_PAGE))
            .await
    }

    /// How much waits in each lane, of all tenants. Only reads: for dashboards, autoscaling and tools.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed.
    pub async fn depth(&self) -> Result<Vec<LaneDepth>> {
        self.parts.queue.depth(self.parts.clock.now()).await
    }

    /// Whether the process should be kept running: false if the workers of this process have not asked for work for
    /// [`Health::STUCK_AFTER`]. Never touches the store, whose failure no restart would mend.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let now = self.parts.clock.monotonic();
        let within = Health::STUCK_AFTER.saturating_add(self.options.poll);
        self.parts.local.is_asking(within, now)
    }

    /// Whether the system works: alive and ready are two things.
    ///
    /// Cheap enough to be asked every second: it reads, and writes something small only if nothing was committed for
    /// [`Health::PROBE_AFTER`].
    pub async fn health(&self) -> Health {
        let depth = self.depth().await;
        let (store, lanes) = match depth {
            Ok(lanes) => (self.probe().await, lanes),
            Err(error) => (Err(error), Vec::new()),
        };
        let store = store.map_err(|error| error.to_string());
        let mut health = Health::new(self.is_live(), store.is_ok(), store);
        health.lanes = lanes;
        let providers = self.parts.providers.load();
        health.breakers = providers.breakers();
        health.scopes = providers.scopes();
        health.last_claim = self.parts.local.last_claim();
        health.unserved = self.parts.unserved.entries();
        health
    }

    /// Whether the store can be written: seen from the last commit, or tried.
    async fn probe(&self) -> Result<()> {
        let commits = &self.parts.commits;
        let now = self.parts.clock.monotonic();
        if commits
            .last()
            .is_some_and(|last| now.since(last) < Health::PROBE_AFTER)
        {
            return Ok(());
        }
        self.parts.store.check().await?;
        commits.note(now);
        Ok(())
    }

    /// The time by the store's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}

impl fmt::Debug for Orchestrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orchestrator")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
