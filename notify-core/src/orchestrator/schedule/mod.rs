//! Schedules: what is sent by itself, once or again and again, and what is held until its time.

mod held;
mod tick;

pub(super) use held::reschedule;
pub use held::{NotificationRef, Rescheduled};
pub(crate) use tick::{Ticked, tick};

use std::fmt;
use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RecipientId, ScheduleId, ScheduleKey, TenantId};
use crate::notification::{Priority, Schedule, To};
use crate::orchestrator::checked::check;
use crate::orchestrator::operator::without;
use crate::orchestrator::{MAX_PAGE, Orchestrator, Parts};
use crate::queue::NewJob;
use crate::schedule::{
    ScheduleChange, ScheduleFilter, ScheduleStore, ScheduledRequest, StoredSchedule, Tick,
    TickChange,
};

/// How often a change is made again when the schedule changed meanwhile.
const MAX_CHANGES: usize = 8;

/// A schedule, by its id or by the application's own key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleRef {
    /// By its id.
    Id(ScheduleId),
    /// By the application's key.
    Key(ScheduleKey),
}

impl From<ScheduleId> for ScheduleRef {
    fn from(id: ScheduleId) -> Self {
        Self::Id(id)
    }
}

impl From<ScheduleKey> for ScheduleRef {
    fn from(key: ScheduleKey) -> Self {
        Self::Key(key)
    }
}

impl From<&str> for ScheduleRef {
    fn from(key: &str) -> Self {
        Self::Key(key.into())
    }
}

impl From<&StoredSchedule> for ScheduleRef {
    fn from(stored: &StoredSchedule) -> Self {
        Self::Id(stored.id)
    }
}

/// Schedules of one tenant. Made by [`Orchestrator::schedules`] and [`Operator::schedules`](crate::orchestrator::Operator::schedules).
///
/// Workers run them: each occurrence at most once, however many there are, and whatever fails in between. What an occurrence makes
/// is planned like any other notification: opt-outs, quiet hours and caps hold.
///
/// ```
/// use notify_core::memory::MemoryStore;
/// use notify_core::notification::Schedule;
/// use notify_core::schedule::ScheduledRequest;
/// use notify_core::{Category, Content, NotificationRequest, Orchestrator, Recipient};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> notify_core::Result<()> {
/// let notify = Orchestrator::builder(MemoryStore::new())
///     .category(Category::transactional("reports"))
///     .build()
///     .await?;
/// notify.put_recipient(Recipient::new("ada")).await?;
///
/// let report = NotificationRequest::new("weekly_report", "reports").with_content(Content::new("Your week", "All is well."));
/// let mondays = Schedule::cron("0 9 * * MON", "Europe/Berlin")?;
/// let weekly = ScheduledRequest::new("weekly-report", report, "ada", mondays);
/// let stored = notify.schedules().put(weekly.clone()).await?;
/// assert!(stored.next.is_some());
///
/// // At every start of the application: the same changes nothing.
/// assert_eq!(notify.schedules().put(weekly).await?, stored);
/// assert_eq!(notify.schedules().upcoming("weekly-report", 4).await?.len(), 4);
/// notify.schedules().pause("weekly-report").await?;
/// # Ok(())
/// # }
/// ```
pub struct Schedules {
    parts: Arc<Parts>,
    tenant: TenantId,
    actor: Actor,
}

impl fmt::Debug for Schedules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedules")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl Orchestrator {
    /// Schedules: what is sent by itself, once or again and again.
    #[must_use]
    pub fn schedules(&self) -> Schedules {
        Schedules::new(
            Arc::clone(&self.parts),
            self.tenant.clone(),
            Actor::Application,
        )
    }
}

pub(super) fn room(parts: &Parts) -> Result<Arc<dyn ScheduleStore>> {
    Arc::clone(&parts.store)
        .schedules()
        .ok_or_else(|| without("schedules"))
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such schedule").field("schedule")
}

/// How a schedule is to be.
struct Wanted {
    scheduled: ScheduledRequest,
    is_paused: bool,
    tick: TickChange,
    action: &'static str,
}

impl Schedules {
    pub(super) const fn new(parts: Arc<Parts>, tenant: TenantId, actor: Actor) -> Self {
        Self {
            parts,
            tenant,
            actor,
        }
    }

    /// Stores a schedule, or changes the one with the same key. When it returns, it is durable.
    ///
    /// The same again changes nothing: an application puts its schedules at each start. Other words or recipients change nothing
    /// of when it occurs. At other times it begins anew: from now on, and what was missed before is forgotten; an occurrence that
    /// is being made for many at that moment may not reach all of them. One that is paused stays so.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming the field: of the request as in [`send`](Orchestrator::send), `schedule.key`,
    /// `schedule.recipients`, or `schedule.when` if it never occurs any more; [`ErrorKind::Template`] as in `send`, for the default
    /// language. Then nothing is stored. [`ErrorKind::Unsupported`] if the store keeps no schedules.
    pub async fn put(&self, scheduled: ScheduledRequest) -> Result<StoredSchedule> {
        self.put_if(scheduled, None).await
    }

    /// As [`put`](Self::put), if its version is still this one; 0 if there is none yet.
    ///
    /// # Errors
    /// As there; [`ErrorKind::Conflict`] if it was changed meanwhile.
    pub async fn put_expecting(
        &self,
        scheduled: ScheduledRequest,
        version: u64,
    ) -> Result<StoredSchedule> {
        self.put_if(scheduled, Some(version)).await
    }

    async fn put_if(
        &self,
        scheduled: ScheduledRequest,
        expected: Option<u64>,
    ) -> Result<StoredSchedule> {
        let (store, priority) = (room(&self.parts)?, self.check(&scheduled).await?);
        for _ in 0..MAX_CHANGES {
            let now = self.parts.clock.now();
            let before = store.find(&self.tenant, scheduled.key()).await?;
            let version = before.as_ref().map_or(0, |before| before.version);
            if expected.is_some_and(|expected| expected != version) {
                let why = format!("has version {version} by now: read it again");
                return Err(Error::new(ErrorKind::Conflict, why).field("schedule"));
            }
            let (id, wanted) = match before {
                None => {
                    let id = self.parts.ids.schedule(now);
                    let tick = self.begin(id, scheduled.when(), now)?;
                    (id, (scheduled.clone(), false, tick))
                }
                Some(before) if before.scheduled == scheduled => return Ok(before),
                Some(before) => {
                    let tick = self.change_times(&before, scheduled.when(), now)?;
                    (before.id, (scheduled.clone(), before.is_paused, tick))
                }
            };
            let (scheduled, is_paused, tick) = wanted;
            let wanted = Wanted {
                scheduled,
                is_paused,
                tick,
                action: "schedule.put",
            };
            if let Some(stored) = self.write(&*store, id, version, priority, wanted).await? {
                return Ok(stored);
            }
        }
        Err(self.busy())
    }

    /// Moves a schedule to other times: it begins anew, from now on.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such schedule; [`ErrorKind::Invalid`] naming `schedule.when` if it never occurs any more.
    pub async fn reschedule(
        &self,
        schedule: impl Into<ScheduleRef>,
        when: Schedule,
    ) -> Result<StoredSchedule> {
        self.change(schedule.into(), |before, now| {
            if *before.scheduled.when() == when {
                return Ok(None);
            }
            Ok(Some(Wanted {
                tick: self.change_times(before, &when, now)?,
                scheduled: before.scheduled.clone().with_when(when.clone()),
                is_paused: before.is_paused,
                action: "schedule.reschedule",
            }))
        })
        .await
    }

    /// Stops a schedule until it is [resumed](Self::resume): what would occur meanwhile does not happen. Once this returns, nothing more
    /// is accepted of it; what was accepted before goes its way.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such schedule.
    pub async fn pause(&self, schedule: impl Into<ScheduleRef>) -> Result<StoredSchedule> {
        self.change(schedule.into(), |before, _| {
            let wanted = Wanted {
                scheduled: before.scheduled.clone(),
                is_paused: true,
                tick: TickChange::End,
                action: "schedule.pause",
            };
            Ok((!before.is_paused).then_some(wanted))
        })
        .await
    }

    /// Lets a paused schedule go on, with its occurrences from now on.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such schedule.
    pub async fn resume(&self, schedule: impl Into<ScheduleRef>) -> Result<StoredSchedule> {
        self.change(schedule.into(), |before, now| {
            if !before.is_paused {
                return Ok(None);
            }
            // Without an occurrence left it is over.
            let tick = self.begin(before.id, before.scheduled.when(), now);
            Ok(Some(Wanted {
                scheduled: before.scheduled.clone(),
                is_paused: false,
                tick: tick.unwrap_or(TickChange::End),
                action: "schedule.resume",
            }))
        })
        .await
    }

    /// Takes a schedule away for good; answers whether there was one. Once this returns, nothing more is accepted of it.
    ///
    /// What it made before goes its way, also what is held until its time: that is found with [`pending_of`](Self::pending_of), or by
    /// [`notification_id`](StoredSchedule::notification_id), and taken back with [`cancel`](Orchestrator::cancel).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps no schedules.
    pub async fn remove(&self, schedule: impl Into<ScheduleRef>) -> Result<bool> {
        let store = room(&self.parts)?;
        let Some(stored) = self.find(&*store, &schedule.into()).await? else {
            return Ok(false);
        };
        let now = self.parts.clock.now();
        store
            .remove(&self.tenant, stored.id, &self.actor, now)
            .await
    }

    /// A schedule as it stands.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such schedule.
    pub async fn get(&self, schedule: impl Into<ScheduleRef>) -> Result<StoredSchedule> {
        let store = room(&self.parts)?;
        let found = self.find(&*store, &schedule.into()).await?;
        found.ok_or_else(missing)
    }

    /// A page of the schedules, in the order in which they were stored first: those after `after` that the filter names, at most
    /// `limit` (up to [`MAX_PAGE`]).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps no schedules.
    pub async fn list(
        &self,
        filter: ScheduleFilter<'_>,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<StoredSchedule>> {
        room(&self.parts)?
            .list(&self.tenant, &filter, after, limit.min(MAX_PAGE))
            .await
    }

    /// The next occurrences of a schedule, at most `most` (up to [`MAX_PAGE`]), as if it were not paused.
    ///
    /// One by each recipient's own clock is given as the instant at which the first place on Earth reaches it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such schedule.
    pub async fn upcoming(
        &self,
        schedule: impl Into<ScheduleRef>,
        most: u32,
    ) -> Result<Vec<Timestamp>> {
        let stored = self.get(schedule).await?;
        let upcoming = stored.scheduled.when().occurrences(self.parts.clock.now());
        Ok(upcoming.take(most.min(MAX_PAGE) as usize).collect())
    }
}

impl Schedules {
    /// Checks everything that a `send` checks before it asks for anybody's data; answers with the lane.
    async fn check(&self, scheduled: &ScheduledRequest) -> Result<Priority> {
        scheduled.validate()?;
        let (parts, rules) = (&self.parts, self.parts.rules());
        let to = scheduled.target().named().first().cloned();
        let to = To::Id(to.unwrap_or_else(|| RecipientId::new("nobody")));
        let request = scheduled.request().clone();
        let checked = check(parts, &rules, &self.tenant, request, to)?;
        let engine = parts.templates(&self.tenant).await?;
        checked.check_templates(parts, &engine, &parts.default_locale)?;
        Ok(checked.priority())
    }

    /// The job of a schedule that begins now.
    fn begin(&self, id: ScheduleId, when: &Schedule, now: Timestamp) -> Result<TickChange> {
        let due = when.next_after(now).ok_or_else(|| {
            Error::invalid("schedule.when", "has no occurrence that is still to come")
        })?;
        let job = self.parts.ids.schedule(now).as_u128();
        Ok(TickChange::Begin(Tick::after(id, now).job(job, due)))
    }

    /// What becomes of the job of a schedule that is to occur then.
    fn change_times(
        &self,
        before: &StoredSchedule,
        when: &Schedule,
        now: Timestamp,
    ) -> Result<TickChange> {
        if before.scheduled.when() == when {
            return Ok(TickChange::Keep);
        }
        let begin = self.begin(before.id, when, now)?;
        Ok(if before.is_paused {
            TickChange::Keep
        } else {
            begin
        })
    }

    async fn find(
        &self,
        store: &dyn ScheduleStore,
        of: &ScheduleRef,
    ) -> Result<Option<StoredSchedule>> {
        match of {
            ScheduleRef::Id(id) => store.get(&self.tenant, *id).await,
            ScheduleRef::Key(key) => store.find(&self.tenant, key).await,
        }
    }

    /// Changes a schedule that is there; `None` leaves it as it is.
    async fn change(
        &self,
        of: ScheduleRef,
        change: impl Fn(&StoredSchedule, Timestamp) -> Result<Option<Wanted>>,
    ) -> Result<StoredSchedule> {
        let store = room(&self.parts)?;
        for _ in 0..MAX_CHANGES {
            let before = self.find(&*store, &of).await?.ok_or_else(missing)?;
            let now = self.parts.clock.now();
            let Some(wanted) = change(&before, now)? else {
                return Ok(before);
            };
            let priority = self.lane(before.scheduled.request());
            let (id, version) = (before.id, before.version);
            if let Some(stored) = self.write(&*store, id, version, priority, wanted).await? {
                return Ok(stored);
            }
        }
        Err(self.busy())
    }

    /// The lane of a request that was checked before; that of its category may be another by now.
    fn lane(&self, request: &crate::notification::NotificationRequest) -> Priority {
        let rules = self.parts.rules();
        let category = rules.find_category(request.category());
        let own = category.map(|category| category.priority());
        request
            .priority()
            .copied()
            .or(own)
            .unwrap_or(Priority::Normal)
    }

    /// Writes a schedule; `None` if it was changed meanwhile.
    async fn write(
        &self,
        store: &dyn ScheduleStore,
        id: ScheduleId,
        version: u64,
        priority: Priority,
        wanted: Wanted,
    ) -> Result<Option<StoredSchedule>> {
        let begins = matches!(&wanted.tick, TickChange::Begin(NewJob { .. }));
        let change = ScheduleChange {
            tenant: &self.tenant,
            id,
            scheduled: &wanted.scheduled,
            is_paused: wanted.is_paused,
            expected_version: version,
            tick: wanted.tick,
            priority,
            actor: &self.actor,
            action: wanted.action,
            now: self.parts.clock.now(),
        };
        if !store.write(&change).await? {
            return Ok(None);
        }
        if begins {
            self.parts.queue.wake();
        }
        // Somebody who removed it right now was a moment late.
        store.get(&self.tenant, id).await
    }

    fn busy(&self) -> Error {
        Error::new(
            ErrorKind::Busy,
            "the schedule kept being changed by others; ask again",
        )
    }
}
