//! Where schedules are kept: the database of the queue, since a schedule and its job are written together.

use async_trait::async_trait;
use std::fmt;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::Delivery;
use crate::error::Result;
use crate::id::{RecipientId, ScheduleId, ScheduleKey, TenantId};
use crate::notification::Priority;
use crate::queue::NewJob;
use crate::schedule::{HeldMove, PendingQuery, ScheduleFailure, ScheduledRequest, StoredSchedule};

/// What becomes of the job of a schedule that is written.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "an input that the front door builds"
)]
pub enum TickChange {
    /// It stays as it is.
    Keep,
    /// This one takes its place, in the lane of the change's priority; whoever has the old one is fenced.
    Begin(NewJob),
    /// There is none any more; whoever has it is fenced.
    End,
}

/// What is written of a schedule.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an input that the front door builds"
)]
pub struct ScheduleChange<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// Which.
    pub id: ScheduleId,
    /// What is sent, to whom, and when.
    pub scheduled: &'a ScheduledRequest,
    /// Whether nothing is sent for now.
    pub is_paused: bool,
    /// The version that this rests on; 0 if there is none yet.
    pub expected_version: u64,
    /// What becomes of its job.
    pub tick: TickChange,
    /// The lane of its job.
    pub priority: Priority,
    /// Who does it.
    pub actor: &'a Actor,
    /// How the audit log calls it, such as `schedule.pause`.
    pub action: &'static str,
    /// Now.
    pub now: Timestamp,
}

/// Which schedules a list has.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an input that callers build from its default"
)]
pub struct ScheduleFilter<'a> {
    /// Only those that name this recipient.
    pub recipient: Option<&'a RecipientId>,
    /// Only those that a worker looks at before this.
    pub next_before: Option<Timestamp>,
}

/// Keeps schedules, each with its job in the queue, and shows and moves what is held until its time.
///
/// The database is the queue's. A store compares and writes, and decides nothing: what occurs when is arithmetic of
/// [`Schedule`](crate::notification::Schedule).
///
/// # Contract
///
/// Write:
/// - `write` stores a schedule and its job in one commit, and answers `true`. If the stored version is not the one it rests on, or
///   another schedule of the tenant has its key, the answer is `false` and nothing changes.
/// - The version is 1 at first, and grows by one with each write. A write forgets the failure.
/// - `Begin` puts a job in place of the one there is, which can be claimed from its due time on, with its payload; `End` takes it out of
///   the queue; `Keep` leaves it, lent or not. Whoever has a job that is replaced or ended is fenced.
/// - `remove` takes schedule and job away and says whether there was one.
/// - A [`Premise::Occurrence`](crate::queue::Premise::Occurrence) holds for a schedule of the tenant that is not paused and has that
///   version: once a change was answered, nothing is accepted that rests on what was before.
/// - `fail` notes a failure, or that there is none, if the version is still that; the version stays. It answers whether it is.
/// - What an operator wrote or removed leaves an audit row in the same commit, whose subject is the schedule's key.
///
/// Read:
/// - `get` and `find` give a schedule as it was written, by its id and by its key; another tenant's is not there.
/// - `next` is when its job is due, also while it is lent; `None` if there is no job.
/// - `list` gives schedules in the order of their ids, only those after `after` that the filter names, at most `limit`.
/// - What was written is there after every crash that follows.
///
/// Held:
/// - `pending` gives what is held for one of the reasons and waits in the queue, due in the span, by due time and then by id, only
///   what comes after `after`, at most `limit`. Of what a worker has at that moment nothing is said.
/// - `move_held` makes deliveries of one notification due at other times, and says of each whether it is: one that is not held for one of
///   the reasons, is being sent, is of another notification or another tenant's, is not. If any is moved, the request and the
///   expiry of the notification are those of the move in the same commit; what its key stands for stays.
/// - What is moved is held as [`Scheduled`](crate::Reason::Scheduled), with an entry in its timeline; whoever has it is fenced. For each
///   that an operator moved there is an audit row `delivery.reschedule`.
#[async_trait]
pub trait ScheduleStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a schedule with its job, if it is as the change rests on.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing is written. After
    /// [`ErrorKind::Unknown`](crate::ErrorKind::Unknown) read it again.
    async fn write(&self, change: &ScheduleChange<'_>) -> Result<bool>;

    /// The schedule with this id.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn get(&self, tenant: &TenantId, id: ScheduleId) -> Result<Option<StoredSchedule>>;

    /// The schedule with this key.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn find(&self, tenant: &TenantId, key: &ScheduleKey) -> Result<Option<StoredSchedule>>;

    /// A page of the schedules.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &ScheduleFilter<'_>,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<StoredSchedule>>;

    /// Takes a schedule and its job away; answers whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then it is still there.
    async fn remove(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool>;

    /// Notes a failure, or that there is none any more; answers whether the version is still this.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn fail(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        version: u64,
        failure: Option<&ScheduleFailure>,
    ) -> Result<bool>;

    /// A page of what is held until its time.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn pending(&self, query: &PendingQuery<'_>) -> Result<Vec<Delivery>>;

    /// Moves what is held of one notification to other times; answers for each whether it was moved.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing is moved.
    async fn move_held(&self, moved: &HeldMove<'_>) -> Result<Vec<bool>>;
}

fn _object_safe(_: &dyn ScheduleStore) {}
