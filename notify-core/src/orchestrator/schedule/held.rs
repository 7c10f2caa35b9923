//! What is held until its time: listed, and moved to another.

use std::collections::HashMap;
use std::sync::Arc;

use crate::audit::Actor;
use crate::calendar::Zone;
use crate::clock::Timestamp;
use crate::delivery::{Delivery, DeliveryState, Reason};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{DeliveryId, IdempotencyKey, NotificationId, RecipientId, TenantId};
use crate::notification::SendAt;
use crate::orchestrator::schedule::{Schedules, room};
use crate::orchestrator::{MAX_PAGE, Orchestrator, Parts, short};
use crate::recipient::Recipient;
use crate::schedule::{HeldMove, PendingQuery};

/// Why something is held until its time.
const BY_THE_CLOCK: &[Reason] = &[
    Reason::Scheduled,
    Reason::QuietHours,
    Reason::OutsideSendWindow,
];

/// A notification, by its id or by the idempotency key that it was sent under.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotificationRef {
    /// By its id.
    Id(NotificationId),
    /// By the application's key.
    Key(IdempotencyKey),
}

impl From<NotificationId> for NotificationRef {
    fn from(id: NotificationId) -> Self {
        Self::Id(id)
    }
}

impl From<IdempotencyKey> for NotificationRef {
    fn from(key: IdempotencyKey) -> Self {
        Self::Key(key)
    }
}

impl From<&str> for NotificationRef {
    fn from(key: &str) -> Self {
        Self::Key(key.into())
    }
}

/// What became of a delivery whose notification was to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rescheduled {
    /// It is held until then.
    Until(Timestamp),
    /// It stays as it is: a provider has it or may have it, it has ended, or it waits for something else than its time, such as
    /// another step, which it follows.
    Unmoved(DeliveryState),
}

impl Schedules {
    /// A page of what is held for a person until its time, by due time: for a schedule, quiet hours or a send window. Only what comes
    /// after `after`, the due time and id of the last one of the page before; at most `limit` (up to [`MAX_PAGE`]).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps no schedules.
    pub async fn pending_of(
        &self,
        recipient: impl Into<RecipientId>,
        after: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let recipient = recipient.into();
        let span = (Timestamp::from_micros(i64::MIN), Timestamp::MAX);
        self.pending(Some(&recipient), span, after, limit).await
    }

    /// A page of what is held for anybody until its time and due from `from` on and before `to`; otherwise as
    /// [`pending_of`](Self::pending_of).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps no schedules.
    pub async fn pending_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        self.pending(None, (from, to), after, limit).await
    }

    async fn pending(
        &self,
        recipient: Option<&RecipientId>,
        (from, to): (Timestamp, Timestamp),
        after: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let query = PendingQuery {
            tenant: &self.tenant,
            recipient,
            reasons: BY_THE_CLOCK,
            from,
            to,
            after,
            limit: limit.min(MAX_PAGE),
        };
        room(&self.parts)?.pending(&query).await
    }
}

impl Orchestrator {
    /// Moves a notification that is held until its time to another time: earlier or later, at an instant or by each recipient's own
    /// clock. What is past is now. Answers for each of its deliveries.
    ///
    /// It is as if it had been sent for that time: when it comes, everything is decided again, and what it is worth (`expires_after`)
    /// counts from then. Its idempotency key stands for what was sent first.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such notification; [`ErrorKind::Unsupported`] if the store keeps no schedules.
    pub async fn reschedule(
        &self,
        notification: impl Into<NotificationRef>,
        at: SendAt,
    ) -> Result<Vec<(DeliveryId, Rescheduled)>> {
        let by = Actor::Application;
        reschedule(&self.parts, &self.tenant, &notification.into(), at, &by).await
    }
}

pub(in crate::orchestrator) async fn reschedule(
    parts: &Parts,
    tenant: &TenantId,
    which: &NotificationRef,
    at: SendAt,
    actor: &Actor,
) -> Result<Vec<(DeliveryId, Rescheduled)>> {
    let store = room(parts)?;
    let notification = match which {
        NotificationRef::Id(id) => Some(*id),
        NotificationRef::Key(key) => {
            let key = parts.key_hash(tenant, key);
            parts.queue.find_key(tenant, &key).await?
        }
    };
    let missing = || Error::new(ErrorKind::NotFound, "there is no such notification");
    let notification = notification.ok_or_else(missing)?;
    let deliveries = parts
        .deliveries
        .of_notification(tenant, notification)
        .await?;
    let first = deliveries.first().ok_or_else(missing)?;
    let now = parts.clock.now();
    let (held, others): (Vec<&Delivery>, Vec<&Delivery>) =
        deliveries.iter().partition(|delivery| is_held(delivery));
    let zones = zones(parts, tenant, &held).await?;
    let utc = Zone::UTC;
    let zone = |delivery: &Delivery| zones.get(&delivery.recipient).unwrap_or(&utc);
    let dues: Vec<(DeliveryId, Timestamp)> = held
        .iter()
        .map(|delivery| (delivery.id, at.instant(zone(delivery)).max(now)))
        .collect();
    let request = Arc::new((*first.request).clone().for_time(at));
    // What it is worth is as long as before.
    let expires_at = first.expires_at.map(|end| {
        let before = first.request.send_at().map(|at| at.instant(zone(first)));
        let began = before.map_or(first.accepted_at, |at| at.max(first.accepted_at));
        at.instant(zone(first)).max(now) + end.since(began)
    });
    let moved = HeldMove {
        tenant,
        notification,
        request: &request,
        expires_at,
        dues: &dues,
        reasons: BY_THE_CLOCK,
        actor,
        now,
    };
    let answers = if dues.is_empty() {
        Vec::new()
    } else {
        store.move_held(&moved).await?
    };
    if answers.len() != dues.len() {
        return Err(short("a schedule store"));
    }
    parts.queue.wake();
    let unmoved = |delivery: &&Delivery| (delivery.id, Rescheduled::Unmoved(delivery.state));
    let mut outcomes: Vec<_> = others.iter().map(unmoved).collect();
    let mut late = Vec::new();
    for ((id, due), is_moved) in dues.into_iter().zip(answers) {
        if is_moved {
            outcomes.push((id, Rescheduled::Until(due)));
        } else {
            late.push(id);
        }
    }
    // Its time came meanwhile: how it stands now is the answer.
    let found = parts.deliveries.load(&late).await?;
    let states = found.iter().flatten();
    outcomes.extend(states.map(|delivery| (delivery.id, Rescheduled::Unmoved(delivery.state))));
    Ok(outcomes)
}

fn is_held(delivery: &Delivery) -> bool {
    let reason = delivery.reason;
    delivery.state == DeliveryState::Held
        && reason.is_some_and(|reason| BY_THE_CLOCK.contains(&reason))
}

/// Where these people live.
async fn zones(
    parts: &Parts,
    tenant: &TenantId,
    held: &[&Delivery],
) -> Result<HashMap<RecipientId, Zone>> {
    let rules = parts.rules();
    let zone = |who: &Recipient| Zone::get_or(who.zone(), rules.zone());
    let mut zones = HashMap::new();
    let mut ids = Vec::new();
    for delivery in held {
        let recipient = &delivery.recipient;
        match &delivery.pinned {
            Some(pinned) => drop(zones.insert(recipient.clone(), zone(pinned))),
            None if !ids.contains(recipient) => ids.push(recipient.clone()),
            None => {}
        }
    }
    if !ids.is_empty() {
        let found = parts.recipients.resolve(tenant, &ids).await?;
        for (id, found) in ids.into_iter().zip(found) {
            let zone = found.as_ref().map_or_else(|| rules.zone().clone(), &zone);
            zones.insert(id, zone);
        }
    }
    Ok(zones)
}
