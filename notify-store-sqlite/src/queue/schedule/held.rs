//! What is held until its time: by page, and moved to another.

use notify_core::audit::Actor;
use notify_core::delivery::EventKind;
use notify_core::queue::Job;
use notify_core::schedule::{HeldMove, PendingQuery};
use notify_core::{DeliveryId, DeliveryState, NotificationId, Reason, Result, TenantId, Timestamp};

use crate::engine::Engine;
use crate::events::{self, Event};
use crate::names::shard;
use crate::queue::status::Hold;
use crate::row::{Args, column, state, to_json, unsigned};
use crate::session::Session;
use crate::{audit, error, history};

/// The statement of a page, and its parameters; the tenant has this number.
pub(super) fn page(query: &PendingQuery<'_>, tenant: i64) -> Result<(&'static str, Args)> {
    let words: Vec<&str> = query.reasons.iter().map(|one| one.as_str()).collect();
    let (due, id) = query.after.map_or((i64::MIN, Vec::new()), |(due, id)| {
        (due.as_micros(), id.as_bytes().to_vec())
    });
    let place = match query.recipient {
        Some(recipient) => history::bucket(query.tenant, recipient),
        None => shard(tenant),
    };
    let mut args = Args::new()
        .with(tenant)
        .with(place)
        .with(query.from.as_micros().max(due))
        .with(query.to.as_micros())
        .with(due)
        .with(id)
        .with(i64::from(DeliveryState::Held.code()))
        .with(to_json(&words)?)
        .with(i64::from(query.limit));
    Ok(match query.recipient {
        Some(recipient) => {
            args.push(recipient.as_str());
            (include_str!("../../../sql/queue_pending_of.sql"), args)
        }
        None => (include_str!("../../../sql/queue_pending.sql"), args),
    })
}

/// What is to be moved, owned by the writer.
pub(super) struct Moving {
    tenant: TenantId,
    notification: NotificationId,
    request: String,
    expires_at: Option<Timestamp>,
    dues: Vec<(DeliveryId, Timestamp)>,
    reasons: Vec<Reason>,
    actor: Actor,
    now: Timestamp,
}

/// A delivery that can be moved.
struct Movable {
    no: i64,
    due: Timestamp,
    is_lent: bool,
}

impl Moving {
    pub(super) fn new(moved: &HeldMove<'_>) -> Result<Self> {
        Ok(Self {
            tenant: moved.tenant.clone(),
            notification: moved.notification,
            request: to_json(&**moved.request)?,
            expires_at: moved.expires_at,
            dues: moved.dues.to_vec(),
            reasons: moved.reasons.to_vec(),
            actor: moved.actor.clone(),
            now: moved.now,
        })
    }

    /// Moves what can be moved. Answers for each, and with the jobs that nobody has any more.
    pub(super) async fn run(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
    ) -> Result<(Vec<bool>, Vec<Job>)> {
        let mut answers = vec![false; self.dues.len()];
        let (mut movable, mut notification, mut done) = (Vec::new(), None, Vec::new());
        let numbered: Vec<_> = (0_i64..).zip(&self.dues).collect();
        let head = || {
            Args::new()
                .with(&self.notification.as_bytes()[..])
                .with(self.tenant.as_str())
        };
        let row = |(place, (id, _)): &(i64, &(DeliveryId, Timestamp)), args: &mut Args| {
            args.push(*place);
            args.push(&id.as_bytes()[..]);
        };
        let text = include_str!("../../../sql/queue_movable.sql");
        for row in db.all_rows(text, head, &numbered, row).await? {
            let place: usize = unsigned(column(&row, 0)?, "delivery")?;
            let hold = Hold::of(column(&row, 5)?).ok_or_else(|| error::corrupt("queue entry"))?;
            let reason = column::<Option<&str>>(&row, 4)?;
            let is_held = state(column(&row, 3)?)? == DeliveryState::Held
                && self.reasons.iter().any(|one| reason == Some(one.as_str()))
                && matches!(hold, Hold::Ready | Hold::Leased);
            let Some((id, due)) = self.dues.get(place).filter(|_| is_held) else {
                continue;
            };
            answers[place] = true;
            notification = Some(column::<i64>(&row, 2)?);
            done.push(*id);
            movable.push(Movable {
                no: column(&row, 1)?,
                due: *due,
                is_lent: hold == Hold::Leased,
            });
        }
        if let Some(no) = notification {
            self.write(db, engine, no, &movable).await?;
            let subjects: Vec<String> = done.iter().map(DeliveryId::to_string).collect();
            let action = "delivery.reschedule";
            audit::record(db, &self.tenant, &self.actor, action, &subjects, self.now).await?;
        }
        Ok((answers, done.into_iter().map(Job::deliver).collect()))
    }

    async fn write(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
        notification: i64,
        movable: &[Movable],
    ) -> Result<()> {
        let args = Args::new()
            .with(&*self.request)
            .with(self.expires_at.map(Timestamp::as_micros))
            .with(notification);
        db.execute(include_str!("../../../sql/notification_move.sql"), args)
            .await?;
        let text = include_str!("../../../sql/queue_hasten.sql");
        db.execute_rows(text, Args::new, movable, |one, args| {
            args.push(one.no);
            args.push(one.due.as_micros());
            args.push(i64::from(one.is_lent));
        })
        .await?;
        let word = engine.names.known().word(Reason::Scheduled.as_str());
        let head = || {
            Args::new()
                .with(i64::from(DeliveryState::Held.code()))
                .with(word)
                .with(self.now.as_micros())
        };
        let text = include_str!("../../../sql/delivery_hold.sql");
        db.execute_rows(text, head, movable, |one, args| args.push(one.no))
            .await?;
        let reason = Some(Reason::Scheduled);
        let event = |one: &Movable| Event::new(engine, one.no, EventKind::Held, reason, self.now);
        events::add(db, &movable.iter().map(event).collect::<Vec<_>>()).await
    }
}
