//! A schedule with its job, in one transaction.

use notify_core::audit::Actor;
use notify_core::id::ScheduleId;
use notify_core::notification::Priority;
use notify_core::queue::{Job, JobKind, NewJob};
use notify_core::schedule::{ScheduleChange, TickChange};
use notify_core::{Result, TenantId, Timestamp};

use crate::audit;
use crate::engine::Engine;
use crate::names::{Whose, shard};
use crate::row::{Args, column, optional_bytes, to_readable_json};
use crate::session::Session;

/// One change of a schedule, owned by the writer.
pub(super) struct Writing {
    tenant: TenantId,
    id: ScheduleId,
    key: String,
    scheduled: String,
    recipients: Vec<String>,
    is_paused: bool,
    expected: u64,
    tick: TickChange,
    priority: Priority,
    actor: Actor,
    action: &'static str,
    now: Timestamp,
}

/// What is stored of a schedule that matters to its change.
struct Standing {
    version: i64,
    tick: Option<Job>,
    key: String,
}

async fn standing(
    db: &mut Session<'_>,
    tenant: &TenantId,
    id: ScheduleId,
) -> Result<Option<Standing>> {
    let args = Args::new().with(tenant.as_str()).with(&id.as_bytes()[..]);
    let row = db
        .first(include_str!("../../../sql/schedule_stand.sql"), args)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let tick = optional_bytes(&row, 1, "schedule")?.map(u128::from_be_bytes);
    Ok(Some(Standing {
        version: column(&row, 0)?,
        tick: tick.map(|subject| Job::new(JobKind::Tick, subject)),
        key: column(&row, 2)?,
    }))
}

/// Takes a job out of the queue, whoever has it.
async fn end(db: &mut Session<'_>, job: &Job) -> Result<()> {
    let named = || {
        Args::new()
            .with(i64::from(job.kind.code()))
            .with(&job.subject.to_be_bytes()[..])
    };
    db.execute(include_str!("../../../sql/job_dequeue.sql"), named())
        .await?;
    db.execute(include_str!("../../../sql/job_remove.sql"), named())
        .await?;
    Ok(())
}

impl Writing {
    pub(super) fn new(change: &ScheduleChange<'_>) -> Result<Self> {
        let scheduled = change.scheduled;
        let named = scheduled.target().named().iter();
        Ok(Self {
            tenant: change.tenant.clone(),
            id: change.id,
            key: scheduled.key().to_string(),
            scheduled: to_readable_json(scheduled, "schedule")?,
            recipients: named.map(ToString::to_string).collect(),
            is_paused: change.is_paused,
            expected: change.expected_version,
            tick: change.tick.clone(),
            priority: change.priority,
            actor: change.actor.clone(),
            action: change.action,
            now: change.now,
        })
    }

    /// Writes it if it is as the change rests on; answers whether, and with the job that nobody has any more.
    pub(super) async fn run(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
    ) -> Result<(bool, Option<Job>)> {
        let before = standing(db, &self.tenant, self.id).await?;
        let version = before.as_ref().map_or(0, |before| before.version);
        if i64::try_from(self.expected) != Ok(version) || self.is_taken(db).await? {
            return Ok((false, None));
        }
        let old = before.and_then(|before| before.tick);
        let (tick, ended) = match &self.tick {
            TickChange::Keep => (old, None),
            TickChange::Begin(new) => (Some(new.job), old),
            TickChange::End => (None, old),
        };
        if let Some(job) = &ended {
            end(db, job).await?;
        }
        if let TickChange::Begin(new) = &self.tick {
            self.enqueue(db, engine, new).await?;
        }
        self.put(db, version + 1, tick).await?;
        let subjects = [self.key.clone()];
        audit::record(
            db,
            &self.tenant,
            &self.actor,
            self.action,
            &subjects,
            self.now,
        )
        .await?;
        Ok((true, ended))
    }

    /// Whether another schedule has its key.
    async fn is_taken(&self, db: &mut Session<'_>) -> Result<bool> {
        let args = Args::new().with(self.tenant.as_str()).with(&*self.key);
        let row = db
            .first(include_str!("../../../sql/schedule_named.sql"), args)
            .await?;
        let named: Option<[u8; 16]> = row
            .map(|row| optional_bytes(&row, 0, "schedule"))
            .transpose()?
            .flatten();
        Ok(named.is_some_and(|named| named != *self.id.as_bytes()))
    }

    async fn enqueue(&self, db: &mut Session<'_>, engine: &Engine, new: &NewJob) -> Result<()> {
        let names = &engine.names;
        let tenant = names.tenant_no(db, &self.tenant, Whose::Ours).await?;
        let lane = (self.priority, NewJob::CHANNEL);
        let lane = names.lane_no(db, &lane, Whose::Ours).await?;
        let no = engine.numbers.take(db, 1).await?;
        let args = Args::new()
            .with(no)
            .with(tenant)
            .with(i64::from(new.job.kind.code()))
            .with(&new.job.subject.to_be_bytes()[..])
            .with(&new.payload[..]);
        db.execute(include_str!("../../../sql/job_insert.sql"), args)
            .await?;
        let args = Args::new()
            .with(no)
            .with(lane)
            .with(shard(tenant))
            .with(new.due.as_micros());
        db.execute(include_str!("../../../sql/job_enqueue.sql"), args)
            .await?;
        Ok(())
    }

    async fn put(&self, db: &mut Session<'_>, version: i64, tick: Option<Job>) -> Result<()> {
        let (tenant, id) = (self.tenant.as_str(), &self.id.as_bytes()[..]);
        let args = Args::new()
            .with(tenant)
            .with(id)
            .with(&*self.key)
            .with(&*self.scheduled)
            .with(self.is_paused)
            .with(version)
            .with(self.now.as_micros())
            .with(self.now.as_micros())
            .with(tick.map(|tick| tick.subject.to_be_bytes().to_vec()));
        db.execute(include_str!("../../../sql/schedule_put.sql"), args)
            .await?;
        clear_recipients(db, &self.tenant, self.id).await?;
        let insert = include_str!("../../../sql/schedule_recipient_put.sql");
        db.execute_rows(insert, Args::new, &self.recipients, |recipient, args| {
            args.push(tenant);
            args.push(&**recipient);
            args.push(id);
        })
        .await?;
        Ok(())
    }
}

async fn clear_recipients(db: &mut Session<'_>, tenant: &TenantId, id: ScheduleId) -> Result<()> {
    let args = Args::new().with(tenant.as_str()).with(&id.as_bytes()[..]);
    db.execute(
        include_str!("../../../sql/schedule_recipient_clear.sql"),
        args,
    )
    .await
    .map(drop)
}

/// Takes a schedule away, owned by the writer.
pub(super) struct Removing {
    pub(super) tenant: TenantId,
    pub(super) id: ScheduleId,
    pub(super) actor: Actor,
    pub(super) now: Timestamp,
}

impl Removing {
    /// Removes it with its job; answers whether it was there, and with the job that nobody has any more.
    pub(super) async fn run(&self, db: &mut Session<'_>) -> Result<(bool, Option<Job>)> {
        let Some(before) = standing(db, &self.tenant, self.id).await? else {
            return Ok((false, None));
        };
        if let Some(job) = &before.tick {
            end(db, job).await?;
        }
        let args = Args::new()
            .with(self.tenant.as_str())
            .with(&self.id.as_bytes()[..]);
        db.execute(include_str!("../../../sql/schedule_remove.sql"), args)
            .await?;
        clear_recipients(db, &self.tenant, self.id).await?;
        let (action, subjects) = ("schedule.remove", [before.key]);
        audit::record(db, &self.tenant, &self.actor, action, &subjects, self.now).await?;
        Ok((true, before.tick))
    }
}
