//! Writes what reports change, each only if its delivery is still as it was when that was decided.

use notify_core::delivery::{DeliveryEvent, DeliveryState};
use notify_core::queue::{Applied, Effect, Feedback, Job, ReportKey};
use notify_core::{Result, TenantId, Timestamp};

use crate::cache::Changing;
use crate::engine::Engine;
use crate::names::Whose;
use crate::queue::feedback::kept;
use crate::queue::status::{self, Status};
use crate::queue::{bounce, effect};
use crate::row::{Args, column, to_json};
use crate::session::Session;
use crate::suppression;

/// One report as it is written.
struct Item {
    tenant: TenantId,
    event: DeliveryEvent,
    entries: usize,
    from: Vec<DeliveryState>,
    to: Option<DeliveryState>,
    seen_at: Option<Timestamp>,
    answer: Option<String>,
    effects: Vec<Effect>,
    kept: Option<ReportKey>,
    now: Timestamp,
}

/// The reports of one call.
pub(super) struct Applying {
    items: Vec<Item>,
    /// No copy of the suppressions is kept until this is over.
    _changing: Vec<Changing>,
}

/// What was done.
pub(super) struct Done {
    pub(super) answers: Vec<Applied>,
    /// Jobs that nobody has any more.
    pub(super) freed: Vec<Job>,
}

impl Applying {
    pub(super) fn new(engine: &Engine, batch: &[Feedback<'_>]) -> Result<Self> {
        let mut changing = Vec::new();
        for item in batch {
            let places = bounce::places(item.effects);
            if !places.is_empty() {
                changing.push(suppression::change(&engine.caches, item.tenant, &places));
            }
        }
        let item = |one: &Feedback<'_>| Item {
            tenant: one.tenant.clone(),
            event: one.event.clone(),
            entries: one.entries,
            from: one.from.to_vec(),
            to: one.to,
            seen_at: one.seen_at,
            answer: one.answer.map(str::to_owned),
            effects: one.effects.to_vec(),
            kept: one.kept,
            now: one.now,
        };
        Ok(Self {
            items: batch.iter().map(item).collect(),
            _changing: changing,
        })
    }

    /// One after the other: of two of the same delivery the second finds what the first left.
    pub(super) async fn run(&self, db: &mut Session<'_>, engine: &Engine) -> Result<Done> {
        let mut done = Done {
            answers: Vec::with_capacity(self.items.len()),
            freed: Vec::new(),
        };
        for item in &self.items {
            let answer = match item.stand(db, engine).await? {
                Some(status) => {
                    item.write(db, engine, &status, &mut done.freed).await?;
                    Applied::Applied
                }
                None => Applied::Stale,
            };
            done.answers.push(answer);
        }
        Ok(done)
    }
}

impl Item {
    /// The delivery, if it is as it was when this was decided.
    async fn stand(&self, db: &mut Session<'_>, engine: &Engine) -> Result<Option<Status>> {
        let Some(tenant) = engine.names.find_tenant(db, &self.tenant).await? else {
            return Ok(None);
        };
        let job = Job::deliver(self.event.delivery);
        let Some(status) = status::find(db, &[job]).await?.pop().flatten() else {
            return Ok(None);
        };
        if status.tenant != tenant || !self.from.contains(&status.seen_state()) {
            return Ok(None);
        }
        let args = Args::new().with(status.no);
        let row = db
            .first(include_str!("../../../sql/event_count.sql"), args)
            .await?;
        let others: i64 = row.map_or(Ok(0), |row| column(&row, 0))?;
        // `accepted` is told by the delivery itself.
        let is_as_seen = i64::try_from(self.entries).is_ok_and(|entries| entries == others + 1);
        Ok(is_as_seen.then_some(status))
    }

    async fn write(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
        status: &Status,
        freed: &mut Vec<Job>,
    ) -> Result<()> {
        if let Some(to) = self.to {
            effect::move_all(db, &[*status], to, None, self.now).await?;
            if status.queued.is_some() {
                freed.push(Job::deliver(self.event.delivery));
            }
        }
        if let Some(seen_at) = self.seen_at {
            let (at, no) = (seen_at.as_micros(), status.no);
            let args = Args::new().with(at).with(at).with(no);
            db.execute(include_str!("../../../sql/delivery_seen_at.sql"), args)
                .await?;
        }
        self.write_event(db, engine, status.no).await?;
        self.write_answer(db, engine, status.no).await?;
        freed.extend(effect::carry_out(db, engine, &self.tenant, &self.effects, self.now).await?);
        bounce::carry_out(db, &self.tenant, &self.effects, self.now).await?;
        match self.kept {
            Some(key) => kept::remove(db, &[key]).await,
            None => Ok(()),
        }
    }

    async fn write_answer(&self, db: &mut Session<'_>, engine: &Engine, no: i64) -> Result<()> {
        let (Some(answer), Some(provider)) = (&self.answer, &self.event.provider) else {
            return Ok(());
        };
        let names = &engine.names;
        let provider = names.word_no(db, provider.as_str(), Whose::Ours).await?;
        let args = Args::new()
            .with(no)
            .with(no)
            .with(provider)
            .with(answer.as_str());
        db.execute(include_str!("../../../sql/message_answer.sql"), args)
            .await?;
        Ok(())
    }

    async fn write_event(&self, db: &mut Session<'_>, engine: &Engine, no: i64) -> Result<()> {
        let event = &self.event;
        let provider = match &event.provider {
            Some(provider) => {
                let names = &engine.names;
                Some(names.word_no(db, provider.as_str(), Whose::Ours).await?)
            }
            None => None,
        };
        let word = |word: &str| engine.names.known().word(word);
        let args = Args::new()
            .with(no)
            .with(event.at.as_micros())
            .with(word(event.kind.as_str()))
            .with(event.reason.and_then(|reason| word(reason.as_str())))
            .with(event.attempt.map(i64::from))
            .with(provider)
            .with(event.message_id.as_deref())
            .with(event.fault.as_ref().map(to_json).transpose()?)
            .with(event.report.as_ref().map(to_json).transpose()?);
        db.execute(include_str!("../../../sql/event_report.sql"), args)
            .await?;
        Ok(())
    }
}
