//! Accepts work durably, lends it fenced, settles it: the one transactional boundary.

mod acceptance;
mod claim;
mod dead_letter;
mod feedback;
mod lease;
mod premise;
mod settlement;

pub use acceptance::{
    Acceptance, Accepted, Advance, Flush, Handoff, Joining, KeyHash, NewDelivery, NewJob, Next,
};
pub use claim::{Claim, LaneClaim, LaneDepth};
pub use dead_letter::{CancelOutcome, Retention, Swept};
pub use feedback::{
    Applied, Asked, Feedback, FeedbackStore, Found, FoundBy, Kept, KeptReport, ReportKey,
};
pub use lease::{Job, JobKind, Lease};
pub use premise::{CapQuery, CapUse, Premise};
pub use settlement::{Begun, Effect, Outcome, Release, Settled, Settlement, Start};

use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Delivery, Reason};
use crate::error::Result;
use crate::id::{DeliveryId, NotificationId, OwnerId, RecipientId, TenantId};

/// Accepts work durably, lends it fenced, settles it.
///
/// Every method is one commit for the whole of what it is given, and safe to repeat: `accept` for the same idempotency key, the
/// others for the same (job, epoch). One item's result never fails its neighbours: all that can differ is a value. An error means
/// that nothing of the call was stored, except [`ErrorKind::Unknown`](crate::ErrorKind::Unknown), after which the same call may be repeated.
///
/// # Contract
///
/// Accept:
/// - What `accept` answered with `New` is there after every crash that follows.
/// - The same key with the same request hash is a `Duplicate` with the first id, with another hash a `Conflict`; neither stores
///   anything. This holds within one batch and between callers at the same time. Keys of different tenants are different keys.
/// - A notification id that is stored already is a `Duplicate` with that id, so that asking again is safe without a key too.
/// - A premise that does not hold makes the item `Stale`, names the premise, and stores nothing of it.
/// - An `advance` whose job is not on loan at that epoch makes the item `Fenced`, and stores nothing of it.
/// - An `advance` takes effect in the commit of its item: the job is done, or due again with its cursor, and its lease is spent.
/// - A delivery decided `Send` or `Hold` can be claimed from its due time on; one decided `Suppress` ends at once with its reason.
/// - One decided `Digest` is held, and gathers with others, as [`DigestStore`](crate::digest::DigestStore) says; so does a `flush` let
///   them leave.
/// - Other jobs, of known kinds or not, wait in the lane of [`NewJob::CHANNEL`] and the notification's priority with their payload;
///   one that is there already stays as it is.
/// - A handoff is called once, after the commit, with a lease of epoch 1; if nothing was stored, or the delivery is not to be sent
///   at once, it is dropped.
/// - The lease of a handoff holds like any other, and for as long as it says: nobody else claims the job.
///
/// Claim:
/// - `claim` lends only jobs that are due at `now`, of the lanes it names, and at most as many of each as it says.
/// - A job is lent to one owner at a time, and each claim or reclaim raises its epoch by exactly one.
/// - Within a lane and tenant, what is due earlier is lent earlier.
/// - A job that was being sent when its owner died comes with `interrupted`, until it is settled.
///
/// Begin, settle, release, extend:
/// - Each carries the lease's epoch; if the stored one differs, or the job is not on loan, the answer is `Fenced` and nothing changes.
/// - `begin` checks the premises in the commit that makes the delivery `Sending`; one that fails is `Refused`, and nothing changes.
///   A store may also raise the epochs of a person's jobs in the commit that changes their preferences: then it is `Fenced`.
/// - `begin` counts one call and keeps what is frozen and who is called, also for whoever takes over; asking again with the same
///   lease answers `Go` and counts once.
/// - A cap counts a delivery once however often it begins, from its last begin on, and gives it back when a settlement says that
///   nothing went out. Where a cap refuses, it says when there is room again.
/// - `settle` writes state, event, targets and effects together; asking again with the same lease answers `Applied` and changes
///   nothing, until the job is settled under a later one.
/// - `settle` to an illegal state, or to an open one as `Finished`, is refused as an error of kind `Unexpected`, and nothing changes.
/// - What a settlement says was taken is where the reports of vendors find the delivery: see [`FeedbackStore`].
/// - A settlement `Again` makes the job due at that time for anyone; `Finished` removes it.
/// - A recipient that was given in the call is erased when the delivery ends; a dead letter keeps it for a requeue.
/// - The effect `Release` makes a delivery that is held due then, `Queued` if that is now, and raises its epoch; `Cancel` ends one
///   that is held or queued; whoever has either is fenced. `Suppress` suppresses the address. No effect touches what is being sent,
///   has ended, or is another tenant's.
/// - `release` gives a job back as it was, due when it says: no call is counted. What was begun is not given back: `Fenced`.
/// - `advance` moves a job on that is no delivery, as an acceptance's `advance` does, and makes nothing. One that is not on loan at that
///   epoch is `Fenced`, a delivery is too, and asking again is: its loan is spent.
/// - `extend` prolongs the leases it names and answers with those that are lost.
///
/// Reclaim:
/// - `reclaim` takes every lease of the owners that are named, and every lease that ended before `now`; each leaves a `reclaimed` event
///   and counts no call. It counts one crash if a provider was being called, or if the job is no delivery: what only waited for its
///   turn is not to blame.
/// - A job with three crashes is not lent again: its delivery is `Dead` for `Poison`.
///
/// Operators:
/// - `cancel` ends what is held or queued, also if it is lent, and dead letters: what was taken back is not to be requeued by
///   somebody who does not know. `purge` ends dead letters only, for `Purged`. Both say of each what happened.
/// - `cancel` never ends a delivery that is being sent, or ended otherwise: it answers `TooLate`.
/// - `requeue` puts a dead letter back with a fresh set of attempts and a higher epoch. What was frozen stays frozen, and every
///   target that no provider took is open again.
/// - `dead_letters` gives what is `Dead` or `Parked`, newest first, only those before `before`, at most `limit`.
/// - For each delivery that an operator changed there is one audit row in the same commit: `delivery.cancel`, `delivery.requeue`
///   or `delivery.purge`.
/// - None of them reads or touches another tenant's deliveries.
///
/// People:
/// - `hasten` makes what is held for one person for one of the named reasons due at `now`, unless it is due earlier, and says how many
///   those are; states, reasons and timelines stay. What is held for other reasons keeps its time.
/// - It gives back what of theirs is lent and not begun, and fences whoever had it: what they decided rests on what was known before.
/// - What is being sent, has ended, or is another person's or tenant's stays as it is.
/// - `usage` counts what [`Premise::Cap`] would count, without counting anything, and says when there is room.
/// - `find_key` finds the notification that was accepted under a key of the tenant, for as long as the key is kept.
///
/// Upkeep:
/// - `depth` counts what is ready, waits for its time and is lent, by lane, and the jobs that are no deliveries and killed three
///   owners; an empty lane may be left out.
/// - `sweep` forgets keys and ended deliveries, with their events, that are older than their retention, and never an open
///   delivery, nor the key of a notification that has one.
///   Dead letters have a [retention of their own](Retention::of), and are counted apart.
/// - `wait` returns when a job became ready through this store, on `wake`, and when its time is over.
/// - No `Debug` output of a store holds data of recipients, keys or tenants.
#[async_trait]
pub trait Queue: fmt::Debug + Send + Sync + 'static {
    /// Stores notifications with their deliveries, jobs and keys.
    ///
    /// # Errors
    /// A kind that says what to do; `Unknown` is settled by asking again with the same items and keys.
    async fn accept(&self, batch: Vec<Acceptance>) -> Result<Vec<Accepted>>;

    /// Lends due jobs.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed; then no job is lent, or its lease ends by time.
    async fn claim(&self, claim: &Claim) -> Result<Vec<Lease>>;

    /// Makes deliveries `Sending`, before the first byte.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing may be sent.
    async fn begin(&self, starts: &[Start<'_>]) -> Result<Vec<Begun>>;

    /// Writes what became of claimed jobs.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then ask again with the same settlements.
    async fn settle(&self, settlements: &[Settlement<'_>]) -> Result<Vec<Settled>>;

    /// Gives jobs back that were not started.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then the leases end by time.
    async fn release(&self, releases: &[Release<'_>]) -> Result<Vec<Settled>>;

    /// Moves jobs on that are no deliveries, where there is nothing to make.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then ask again, or let the leases end by time.
    async fn advance(&self, moves: &[Advance]) -> Result<Vec<Settled>>;

    /// Prolongs leases of one owner by `ttl` from `now`; answers with the jobs that are no longer theirs.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then no lease is prolonged.
    async fn extend(
        &self,
        owner: OwnerId,
        leases: &[(Job, u32)],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Job>>;

    /// Takes back the leases of dead owners and those that ended; answers how many.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing is taken back.
    async fn reclaim(&self, dead_owners: &[OwnerId], now: Timestamp) -> Result<u64>;

    /// Takes deliveries back that no provider has yet.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing is cancelled.
    async fn cancel(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        reason: Reason,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<CancelOutcome>>;

    /// A page of the dead letters, newest first.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn dead_letters(
        &self,
        tenant: &TenantId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>>;

    /// Queues dead letters again; answers for each whether it was one.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then none is requeued.
    async fn requeue(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>>;

    /// Ends dead letters for good; answers for each whether it was one. Their records stay.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then none is purged.
    async fn purge(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>>;

    /// Makes what is held for a person due now, to be decided again; answers how many those are.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing changed.
    async fn hasten(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        reasons: &[Reason],
        now: Timestamp,
    ) -> Result<u64>;

    /// How much of each cap is used, in the order of the questions.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn usage(
        &self,
        tenant: &TenantId,
        caps: &[CapQuery],
        now: Timestamp,
    ) -> Result<Vec<CapUse>>;

    /// The notification that was accepted under this key.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn find_key(&self, tenant: &TenantId, key: &KeyHash) -> Result<Option<NotificationId>>;

    /// How much waits in each lane.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn depth(&self, now: Timestamp) -> Result<Vec<LaneDepth>>;

    /// Forgets what has been kept long enough: keys, cap entries, ended deliveries. At most a bounded piece a call.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing is forgotten.
    async fn sweep(&self, now: Timestamp, retention: &Retention) -> Result<Swept>;

    /// Returns when there may be work, at the latest after `timeout`.
    async fn wait(&self, timeout: Duration);

    /// Makes `wait` return: after the caller's own transaction was committed.
    fn wake(&self);
}

fn _object_safe(_: &dyn Queue) {}
