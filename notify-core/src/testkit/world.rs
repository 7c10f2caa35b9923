//! What the clauses about the queue begin with: an empty store, one tenant, one worker, and short words for long calls.

use std::future::Future;
use std::sync::{Arc, Barrier};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::address::Address;
use crate::clock::{Clock as _, Timestamp};
use crate::delivery::{
    Delivery, DeliveryEvent, DeliveryState, DeliveryStore, EventKind, Frozen, Reason, Target,
};
use crate::id::{
    CategoryId, ChannelId, DeliveryId, IdGenerator, OwnerId, ProviderName, RecipientId, TenantId,
};
use crate::notification::{NotificationRequest, Priority, RequestHash};
use crate::queue::{
    Acceptance, Accepted, Begun, Claim, Job, KeyHash, LaneClaim, Lease, NewDelivery, NewJob,
    Outcome, Premise, Settled, Settlement, Start,
};
use crate::store::Store;
use crate::testkit::{ManualClock, StoreHarness};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// For how long [`World::claim`] borrows.
pub(crate) const TTL: Duration = MINUTE;

/// Whom deliveries go to, unless said otherwise.
pub(crate) const ADA: RecipientId = RecipientId::new("ada");

/// Who is called.
pub(crate) static PROVIDER: ProviderName = ProviderName::new("primary");

/// A fresh store and everything that is needed to use it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ids: IdGenerator,
    pub(crate) tenant: TenantId,
    pub(crate) owner: OwnerId,
}

/// Who may answer with the key `1`, and so on.
pub(crate) const fn key(no: u8) -> KeyHash {
    KeyHash::from_bytes([no; 32])
}

/// What keys stand for.
pub(crate) const fn request_hash(no: u8) -> RequestHash {
    RequestHash::from_bytes([no; 32])
}

/// One address, nothing sent to it yet.
pub(crate) fn frozen() -> Frozen {
    let mut frozen = Frozen::new(vec![Target::new(0, Address::email("ada@example.com"))]);
    frozen.locale = Some("pt-BR".into());
    frozen.zone = Some("America/Sao_Paulo".to_owned());
    frozen.release = Some(7);
    frozen
}

/// Runs `count` calls at the same time, each on a thread of its own.
pub(crate) async fn at_once<T, F>(count: usize, call: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let together = Arc::new(Barrier::new(count));
    let begin = |no| {
        let (future, together, runtime) = (call(no), Arc::clone(&together), Handle::current());
        spawn_blocking(move || {
            together.wait();
            runtime.block_on(future)
        })
    };
    let mut answers = Vec::with_capacity(count);
    for task in (0..count).map(begin).collect::<Vec<_>>() {
        answers.push(task.await.expect("the call does not panic"));
    }
    answers
}

/// Runs two calls at the same time, each on a thread of its own.
pub(crate) async fn both<A: Send + 'static, B: Send + 'static>(
    one: impl Future<Output = A> + Send + 'static,
    other: impl Future<Output = B> + Send + 'static,
) -> (A, B) {
    let together = Arc::new(Barrier::new(2));
    let (runtime, begun) = (Handle::current(), Arc::clone(&together));
    let one = spawn_blocking(move || {
        begun.wait();
        runtime.block_on(one)
    });
    let runtime = Handle::current();
    let other = spawn_blocking(move || {
        together.wait();
        runtime.block_on(other)
    });
    let (one, other) = (one.await, other.await);
    (
        one.expect("the call does not panic"),
        other.expect("the call does not panic"),
    )
}

impl World {
    pub(crate) async fn open(harness: &dyn StoreHarness) -> Self {
        Self::of(harness, harness.open().await, IdGenerator::new(1))
    }

    /// The same world after its process was killed, with another worker. What it held is gone if the store is not durable.
    pub(crate) async fn reopen(self, harness: &dyn StoreHarness) -> Self {
        let Self { store, ids, .. } = self;
        drop(store);
        Self::of(harness, harness.reopen().await, ids)
    }

    fn of(harness: &dyn StoreHarness, store: Arc<dyn Store>, ids: IdGenerator) -> Self {
        let clock = harness.clock();
        Self {
            store,
            tenant: TenantId::new("acme"),
            owner: ids.owner(clock.now()),
            clock,
            ids,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) -> Timestamp {
        self.clock.advance(time);
        self.now()
    }

    /// Another worker.
    pub(crate) fn stranger(&self) -> OwnerId {
        self.ids.owner(self.now())
    }

    // What is accepted.

    /// To Ada by mail, at once.
    pub(crate) fn delivery(&self) -> NewDelivery {
        self.delivery_to(ADA)
    }

    pub(crate) fn delivery_to(&self, recipient: impl Into<RecipientId>) -> NewDelivery {
        let id = self.ids.delivery(self.now());
        NewDelivery::new(id, recipient.into(), ChannelId::EMAIL, self.now())
    }

    /// A notification with these deliveries.
    pub(crate) fn item(&self, deliveries: Vec<NewDelivery>) -> Acceptance {
        let request = NotificationRequest::new("order_shipped", CategoryId::new("orders"));
        let body = serde_json::to_string(&request).expect("a request is JSON");
        let (tenant, id) = (self.tenant.clone(), self.ids.notification(self.now()));
        let mut item = Acceptance::new(
            tenant,
            id,
            Arc::new(request),
            body,
            request_hash(0),
            self.now(),
        );
        item.deliveries = deliveries;
        item
    }

    /// A notification with one delivery, and the delivery.
    pub(crate) fn one(&self) -> (Acceptance, DeliveryId) {
        let delivery = self.delivery();
        let id = delivery.id;
        (self.item(vec![delivery]), id)
    }

    /// The same under a key.
    pub(crate) fn keyed(&self, key: KeyHash, hash: RequestHash) -> (Acceptance, DeliveryId) {
        let (mut item, id) = self.one();
        (item.key, item.request_hash) = (Some(key), hash);
        (item, id)
    }

    /// The same on some premises.
    pub(crate) fn provided(&self, premises: Vec<Premise>) -> (Acceptance, DeliveryId) {
        let (mut item, id) = self.one();
        item.premises = premises;
        (item, id)
    }

    pub(crate) async fn accept_all(&self, batch: Vec<Acceptance>) -> Vec<Accepted> {
        let count = batch.len();
        let answers = self.store.accept(batch).await.expect("accept");
        assert_eq!(answers.len(), count, "one answer for each item");
        answers
    }

    pub(crate) async fn accept(&self, item: Acceptance) -> Accepted {
        self.accept_all(vec![item]).await.remove(0)
    }

    /// Accepts what must be new.
    pub(crate) async fn stored(&self, item: Acceptance) {
        assert_eq!(self.accept(item).await, Accepted::New);
    }

    /// A delivery that waits for a worker.
    pub(crate) async fn queued(&self) -> DeliveryId {
        let (item, id) = self.one();
        self.stored(item).await;
        id
    }

    /// A job that is no delivery, lent to this worker.
    pub(crate) async fn other_job(&self, job: Job) -> Lease {
        let mut item = self.item(Vec::new());
        item.jobs.push(NewJob::new(job, self.now(), b"0".to_vec()));
        self.stored(item).await;
        let lease = self
            .claim_lane(NewJob::CHANNEL, 1)
            .await
            .pop()
            .expect("a job");
        assert_eq!(lease.job, job);
        lease
    }

    // What is claimed.

    pub(crate) fn claim_of(&self, owner: OwnerId, lanes: Vec<LaneClaim>) -> Claim {
        Claim {
            owner,
            lanes,
            now: self.now(),
            asked_at: self.clock.monotonic(),
            ttl: TTL,
        }
    }

    pub(crate) fn lane(channel: ChannelId, limit: u32) -> LaneClaim {
        LaneClaim {
            priority: Priority::Normal,
            channel,
            limit,
        }
    }

    pub(crate) async fn claim_lane(&self, channel: ChannelId, limit: u32) -> Vec<Lease> {
        let claim = self.claim_of(self.owner, vec![Self::lane(channel, limit)]);
        self.store.claim(&claim).await.expect("claim")
    }

    /// Claims ordinary mail for this worker.
    pub(crate) async fn claim(&self, limit: u32) -> Vec<Lease> {
        self.claim_lane(ChannelId::EMAIL, limit).await
    }

    /// Claims all ordinary mail there is, and says which deliveries came, by id.
    pub(crate) async fn claimed(&self) -> Vec<DeliveryId> {
        let leases = self.claim(1_000).await;
        let mut ids: Vec<_> = leases
            .iter()
            .filter_map(|lease| lease.job.delivery())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Claims the one delivery there is to claim.
    pub(crate) async fn claim_one(&self) -> Lease {
        let mut leases = self.claim(1_000).await;
        assert_eq!(leases.len(), 1, "one job can be claimed");
        leases.remove(0)
    }

    /// Claims this delivery, which is the only one to claim.
    pub(crate) async fn lease(&self, id: DeliveryId) -> Lease {
        let lease = self.claim_one().await;
        assert_eq!(lease.job, Job::deliver(id));
        lease
    }

    /// A delivery that this worker has.
    pub(crate) async fn lent(&self) -> (DeliveryId, Lease) {
        let id = self.queued().await;
        (id, self.lease(id).await)
    }

    // What is begun and settled.

    pub(crate) async fn begin_if(&self, lease: &Lease, premises: &[Premise]) -> Begun {
        let (provider, frozen, now) = (&PROVIDER, &frozen(), self.now());
        let start = Start {
            lease,
            provider,
            frozen,
            premises,
            now,
        };
        let mut answers = self.store.begin(&[start]).await.expect("begin");
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }

    pub(crate) async fn begin(&self, lease: &Lease) -> Begun {
        self.begin_if(lease, &[]).await
    }

    /// A delivery that this worker is sending.
    pub(crate) async fn sending(&self) -> (DeliveryId, Lease) {
        let (id, lease) = self.lent().await;
        assert_eq!(self.begin(&lease).await, Begun::Go);
        (id, lease)
    }

    pub(crate) async fn settle(&self, settlement: Settlement<'_>) -> Settled {
        let mut answers = self.store.settle(&[settlement]).await.expect("settle");
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }

    /// What follows from a call of the provider.
    pub(crate) fn settlement<'a>(&self, lease: &'a Lease, outcome: Outcome) -> Settlement<'a> {
        let event = match outcome {
            Outcome::Finished(state) => {
                EventKind::parse(state.as_str()).expect("an event for each state")
            }
            Outcome::Again { .. } => EventKind::Deferred,
        };
        let mut settlement = Settlement::new(lease, outcome, event, self.now());
        settlement.attempts = lease.sends + 1;
        settlement.provider = Some(&PROVIDER);
        settlement
    }

    pub(crate) async fn finish(&self, lease: &Lease, state: DeliveryState) -> Settled {
        self.settle(self.settlement(lease, Outcome::Finished(state)))
            .await
    }

    /// Settles to try again now, without waiting for anything.
    pub(crate) async fn retry(&self, lease: &Lease) -> Settled {
        let outcome = Outcome::Again {
            due: self.now(),
            held: false,
        };
        self.settle(self.settlement(lease, outcome)).await
    }

    /// A delivery that ended in this state after one call.
    pub(crate) async fn ended(&self, state: DeliveryState) -> DeliveryId {
        let (id, lease) = self.sending().await;
        assert_eq!(self.finish(&lease, state).await, Settled::Applied);
        id
    }

    // What is read.

    pub(crate) async fn find(&self, id: DeliveryId) -> Option<Delivery> {
        let mut found = DeliveryStore::load(&*self.store, &[id])
            .await
            .expect("load");
        assert_eq!(found.len(), 1, "one answer for each id");
        found.remove(0)
    }

    pub(crate) async fn read(&self, id: DeliveryId) -> Delivery {
        self.find(id).await.expect("the delivery is stored")
    }

    pub(crate) async fn state(&self, id: DeliveryId) -> (DeliveryState, Option<Reason>) {
        let delivery = self.read(id).await;
        (delivery.state, delivery.reason)
    }

    pub(crate) async fn timeline(&self, id: DeliveryId) -> Vec<DeliveryEvent> {
        self.store
            .timeline(&self.tenant, id)
            .await
            .expect("timeline")
    }

    pub(crate) async fn kinds(&self, id: DeliveryId) -> Vec<EventKind> {
        self.timeline(id)
            .await
            .iter()
            .map(|event| event.kind)
            .collect()
    }

    /// Everything that can be seen of a delivery and of the queue.
    pub(crate) async fn picture(&self, id: DeliveryId) -> String {
        let mut depth = self.store.depth(self.now()).await.expect("depth");
        depth.retain(|lane| lane.ready + lane.waiting + lane.in_flight > 0);
        let (delivery, timeline) = (self.read(id).await, self.timeline(id).await);
        format!("{delivery:#?}\n{timeline:#?}\n{depth:#?}")
    }

    /// What the audit log says of the tenant: action and subject, newest first.
    pub(crate) async fn audited(&self) -> Vec<(String, String)> {
        let audit = Arc::clone(&self.store)
            .audit()
            .expect("a store with operators has an audit log");
        let rows = audit
            .audit_log(&self.tenant, None, 1_000)
            .await
            .expect("audit log");
        rows.into_iter()
            .map(|row| (row.action, row.subject))
            .collect()
    }
}
