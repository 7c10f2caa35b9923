//! One look at a schedule: makes the notifications of what is due, and moves its job on in the commit of the last of them.
//!
//! What an occurrence makes for a recipient has an id that follows from both: to make it again, after a crash or a lost answer, is
//! to find it. Every acceptance rests on the version of the schedule, so that a change stops what was planned before it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::calendar::Zone;
use crate::clock::Timestamp;
use crate::delivery::Reason;
use crate::error::{Error, ErrorKind, Result};
use crate::id::NotificationId;
use crate::notification::To;
use crate::orchestrator::Parts;
use crate::orchestrator::accept::MAX_PLANS;
use crate::orchestrator::checked::{Attempt, Checked, check};
use crate::orchestrator::report::SendReport;
use crate::orchestrator::schedule::room;
use crate::orchestrator::snapshot;
use crate::planner::{Planned, Rules, Snapshot};
use crate::preference::Preferences;
use crate::queue::{Acceptance, Accepted, Advance, Lease, Next, Premise};
use crate::recipient::Recipient;
use crate::schedule::{ScheduleFailure, ScheduleStore, StoredSchedule, Tick};
use crate::template::Engine;

/// How many notifications one look makes, if they are of several occurrences; one occurrence is made as a whole.
const CHUNK: usize = 256;

/// How often an occurrence is tried that cannot be planned, for those for whom it cannot: with the default back-off, for
/// two hours and a half.
const TRIES: u32 = 12;

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// What became of one look.
#[derive(Debug)]
pub(crate) enum Ticked {
    /// The job moved on, or is somebody else's by now.
    Moved,
    /// The schedule was changed meanwhile: again at once.
    Changed,
    /// This process does not know the category, or something else that it takes.
    Unserved(Error),
}

/// Looks at the schedule of this job.
pub(crate) async fn tick(parts: &Parts, lease: &Lease, backoff: Duration) -> Result<Ticked> {
    let store = room(parts)?;
    let tick = Tick::decode(&lease.payload)?;
    let stored = store.get(&lease.tenant, tick.schedule).await?;
    let Some(stored) = stored.filter(|stored| !stored.is_paused) else {
        move_alone(parts, lease, Next::Done).await?;
        return Ok(Ticked::Moved);
    };
    let now = parts.clock.now();
    let pending = stored.scheduled.when().pending(tick.last, now);
    let most = (CHUNK / stored.scheduled.target().named().len().max(1)).max(1);
    let occurrences = &pending[..pending.len().min(most)];
    let look = Look {
        parts,
        lease,
        store: &*store,
        stored: &stored,
        tick,
        now,
        backoff,
        rules: parts.rules(),
        engine: parts.templates(&lease.tenant).await?,
        gave_up: OnceLock::new(),
    };
    match occurrences {
        // What was missed and is not made up for is over.
        [] => look.go_on(tick.last.max(now)).await,
        occurrences => look.make(occurrences).await,
    }
}

async fn move_alone(parts: &Parts, lease: &Lease, next: Next) -> Result<()> {
    let moves = [Advance::new(lease.job, lease.epoch, next)];
    parts.queue.advance(&moves).await.map(drop)
}

/// One look at one schedule.
struct Look<'a> {
    parts: &'a Parts,
    lease: &'a Lease,
    store: &'a dyn ScheduleStore,
    stored: &'a StoredSchedule,
    tick: Tick,
    now: Timestamp,
    backoff: Duration,
    rules: Arc<Rules>,
    engine: Arc<Engine>,
    /// Why something was recorded as not to be sent, since it could never be planned.
    gave_up: OnceLock<Error>,
}

/// One notification that is to be made.
struct Item {
    id: NotificationId,
    checked: Checked,
    snapshot: Arc<Snapshot>,
}

/// What became of one item.
enum Made {
    Stored,
    /// It was there before.
    Known,
    /// The schedule was changed.
    Changed,
    /// The job is somebody else's by now.
    Fenced,
}

/// What may go wrong with one item.
enum Failed {
    /// It cannot be planned.
    Plan(Error),
    Other(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Look<'_> {
    /// What becomes of the job when everything up to `last` was seen to.
    fn next(&self, last: Timestamp) -> Next {
        match self.stored.scheduled.when().next_after(last) {
            Some(due) => Next::Again {
                due,
                cursor: Tick::after(self.stored.id, last).encode(),
            },
            None => Next::Done,
        }
    }

    async fn go_on(&self, last: Timestamp) -> Result<Ticked> {
        move_alone(self.parts, self.lease, self.next(last)).await?;
        Ok(Ticked::Moved)
    }

    fn gives_up(&self) -> bool {
        self.tick.tries + 1 >= TRIES
    }

    async fn make(&self, occurrences: &[Timestamp]) -> Result<Ticked> {
        let (mut items, last) = match self.items(occurrences).await? {
            Ok(items) => (items, occurrences[occurrences.len() - 1]),
            Err(missing) => return Ok(Ticked::Unserved(missing)),
        };
        let Some(mut final_item) = items.pop() else {
            // Over for everybody.
            return self.go_on(last).await;
        };
        let made = items.len() + 1;
        let mut failure = match self.make_all(items).await? {
            Ok(failure) => failure,
            Err(Ticked::Moved) => return Ok(Ticked::Moved),
            Err(other) => return Ok(other),
        };
        // Only once all others are there the job moves on.
        let goes_on = failure.is_none() || self.gives_up();
        let advance = goes_on.then(|| self.next(last));
        let known = match self.make_one(&mut final_item, advance.as_ref()).await {
            Ok(Made::Stored) => false,
            Ok(Made::Known) => true,
            Ok(Made::Changed) => return Ok(Ticked::Changed),
            Ok(Made::Fenced) => return Ok(Ticked::Moved),
            Err(Failed::Plan(error)) => {
                failure = Some(error);
                true
            }
            Err(Failed::Other(error)) => return Err(error),
        };
        if let Some(error) = failure.as_ref().or(self.gave_up.get()) {
            self.note_failure(error, occurrences[0]).await?;
            if !self.gives_up() {
                return self.try_again(last).await;
            }
        } else if self.stored.failure.is_some() {
            let (tenant, id, version) = (&self.lease.tenant, self.stored.id, self.stored.version);
            self.store.fail(tenant, id, version, None).await?;
        }
        metrics::counter!("notifications_scheduled_total").increment(made as u64);
        if known {
            // It was made by a look that could not move the job on, or whose answer was lost: then this finds it moved.
            move_alone(self.parts, self.lease, self.next(last)).await?;
        }
        Ok(Ticked::Moved)
    }

    /// Everything that is to be made of these occurrences; or what this process does not know.
    async fn items(&self, occurrences: &[Timestamp]) -> Result<Result<Vec<Item>, Error>> {
        let scheduled = &self.stored.scheduled;
        let (tenant, people) = (&self.lease.tenant, scheduled.target().named());
        let mut checked = Vec::with_capacity(occurrences.len() * people.len());
        for occurrence in occurrences {
            let request = scheduled.at(*occurrence);
            for id in people {
                let to = To::Id(id.clone());
                match check(self.parts, &self.rules, tenant, request.clone(), to) {
                    Ok(one) => checked.push((*occurrence, one)),
                    Err(missing) => return Ok(Err(missing)),
                }
            }
        }
        let asked = checked.iter().take(people.len());
        let asked: Vec<_> = asked.map(|(_, one)| (&one.to, &one.route)).collect();
        let mandatory = checked.iter().all(|(_, one)| one.is_mandatory());
        let snapshots = snapshot::read(self.parts, &self.rules, tenant, &asked, mandatory).await?;
        let snapshots: Vec<_> = snapshots.into_iter().map(|one| self.known(one)).collect();
        let mut items = Vec::with_capacity(checked.len());
        for ((occurrence, checked), snapshot) in checked.into_iter().zip(snapshots.iter().cycle()) {
            let zone = snapshot.recipient.as_ref().and_then(Recipient::zone);
            let zone = Zone::get_or(zone, self.rules.zone());
            if scheduled.when().is_for(occurrence, &zone, self.now) {
                items.push(Item {
                    id: self.stored.notification_id(occurrence, checked.to.id()),
                    checked,
                    snapshot: Arc::clone(snapshot),
                });
            }
        }
        Ok(Ok(items))
    }

    /// Nobody who is asked is there to hear of an unknown recipient: that is an outcome like any other.
    fn known(&self, snapshot: Option<Arc<Snapshot>>) -> Arc<Snapshot> {
        let nobody = || {
            let wishes = Some(Preferences::default());
            Arc::new(Snapshot::new(None, wishes, Vec::new(), self.now))
        };
        snapshot.unwrap_or_else(nobody)
    }

    fn plan(&self, item: &Item) -> Result<Vec<Planned>, Failed> {
        let (checked, snapshot) = (&item.checked, &item.snapshot);
        match checked.plan(self.parts, &self.rules, &self.engine, snapshot) {
            Err(error) if self.gives_up() => {
                // The first one is told.
                let _ = self.gave_up.set(error);
                Ok(checked.unsendable(Reason::TemplateFailed, "template", snapshot.now))
            }
            planned => planned.map_err(Failed::Plan),
        }
    }

    fn acceptance(&self, item: &Item, planned: &[Planned]) -> (Acceptance, SendReport) {
        let (tenant, id) = (&self.lease.tenant, Some(item.id));
        let made =
            item.checked
                .acceptance_of(self.parts, tenant, id, &item.snapshot, planned, true);
        let (mut acceptance, report) = made;
        acceptance.premises.push(Premise::Occurrence {
            schedule: self.stored.id,
            version: self.stored.version,
        });
        (acceptance, report)
    }

    /// Makes all of these, and lets one that cannot be planned keep nobody else. Answers with the last of such failures.
    async fn make_all(&self, items: Vec<Item>) -> Result<Result<Option<Error>, Ticked>> {
        let (mut failure, mut acceptances, mut pending) = (None, Vec::new(), Vec::new());
        for item in items {
            match self.plan(&item) {
                Ok(planned) => {
                    let (acceptance, report) = self.acceptance(&item, &planned);
                    acceptances.push(acceptance);
                    pending.push((item, report));
                }
                Err(Failed::Plan(error)) => failure = Some(error),
                Err(Failed::Other(error)) => return Err(error),
            }
        }
        if acceptances.is_empty() {
            return Ok(Ok(failure));
        }
        let answers = self.parts.queue.accept(acceptances).await?;
        if answers.len() != pending.len() {
            return Err(snapshot::short("a queue"));
        }
        for ((mut item, report), answer) in pending.into_iter().zip(answers) {
            let made = match self.made(&mut item, answer, report).await? {
                Some(made) => made,
                // Rare: alone, so that what the neighbours changed is seen.
                None => match self.make_one(&mut item, None).await {
                    Ok(made) => made,
                    Err(Failed::Plan(error)) => {
                        failure = Some(error);
                        continue;
                    }
                    Err(Failed::Other(error)) => return Err(error),
                },
            };
            match made {
                Made::Stored | Made::Known => {}
                Made::Changed => return Ok(Err(Ticked::Changed)),
                Made::Fenced => return Ok(Err(Ticked::Moved)),
            }
        }
        Ok(Ok(failure))
    }

    /// Makes one by itself, and moves the job on in the same commit.
    async fn make_one(&self, item: &mut Item, next: Option<&Next>) -> Result<Made, Failed> {
        for round in 0..MAX_PLANS {
            if round > 0 {
                item.snapshot = self.read_again(item).await?;
            }
            let planned = self.plan(item)?;
            let (mut acceptance, report) = self.acceptance(item, &planned);
            let advance =
                |next: &Next| Advance::new(self.lease.job, self.lease.epoch, next.clone());
            acceptance.advance = next.map(advance);
            let accepted = self.parts.queue.accept(vec![acceptance]).await?.pop();
            let accepted = accepted.ok_or_else(|| snapshot::short("a queue"))?;
            if let Some(made) = self.made(item, accepted, report).await? {
                return Ok(made);
            }
        }
        Err(Failed::Other(Error::new(
            ErrorKind::Busy,
            "what the decision rests on kept changing; trying again later",
        )))
    }

    async fn read_again(&self, item: &Item) -> Result<Arc<Snapshot>> {
        let (checked, tenant) = (&item.checked, &self.lease.tenant);
        let asked = [(&checked.to, &checked.route)];
        let mandatory = checked.is_mandatory();
        let read = snapshot::read(self.parts, &self.rules, tenant, &asked, mandatory).await?;
        Ok(self.known(read.into_iter().next().flatten()))
    }

    /// What an answer means; `None` if it is to be planned again.
    async fn made(
        &self,
        item: &mut Item,
        accepted: Accepted,
        report: SendReport,
    ) -> Result<Option<Made>> {
        Ok(match accepted {
            Accepted::Duplicate(_) => Some(Made::Known),
            Accepted::Fenced => Some(Made::Fenced),
            Accepted::Stale(Premise::Occurrence { .. }) => Some(Made::Changed),
            other => {
                let tenant = &self.lease.tenant;
                match item
                    .checked
                    .answer(self.parts, tenant, other, report)
                    .await?
                {
                    Attempt::Done(_) => {
                        self.parts.commits.note(self.parts.clock.monotonic());
                        Some(Made::Stored)
                    }
                    Attempt::Again => None,
                }
            }
        })
    }

    async fn note_failure(&self, error: &Error, occurrence: Timestamp) -> Result<()> {
        let tries = self.tick.tries + 1;
        tracing::error!(
            schedule = %self.stored.id,
            error = %error,
            tries,
            gives_up = self.gives_up(),
            "an occurrence cannot be planned for everybody"
        );
        metrics::counter!("notifications_schedule_failures_total").increment(1);
        let failure = ScheduleFailure::new(occurrence, self.now, tries, error.to_string());
        let (tenant, id, version) = (&self.lease.tenant, self.stored.id, self.stored.version);
        let noted = self.store.fail(tenant, id, version, Some(&failure)).await;
        noted.map(drop)
    }

    /// Leaves the occurrence for a while, twice as long each time, and at most until the one after `last`: that is for others, too.
    async fn try_again(&self, last: Timestamp) -> Result<Ticked> {
        let wait = self.backoff.saturating_mul(1 << self.tick.tries.min(16));
        let mut tick = self.tick;
        tick.tries += 1;
        let due = self.now + wait.min(LONGEST_WAIT);
        let following = self.stored.scheduled.when().next_after(last);
        let next = Next::Again {
            due: following
                .filter(|at| *at > self.now)
                .map_or(due, |at| at.min(due)),
            cursor: tick.encode(),
        };
        move_alone(self.parts, self.lease, next).await?;
        Ok(Ticked::Moved)
    }
}
