//! The rows of what is accepted: encoded for as few statements as possible.

use notify_core::delivery::{Decision, EventKind, Trace};
use notify_core::notification::Priority;
use notify_core::queue::{Acceptance, NewDelivery};
use notify_core::{ChannelId, Error, ErrorKind, Reason, Result, TenantId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::engine::Engine;
use crate::error;
use crate::events::{self, Event};
use crate::history;
use crate::names::{Whose, shard};
use crate::queue::accept::{AcceptOp, Place, is_lent, is_queued};
use crate::queue::leases::Loan;
use crate::row::{Args, class_code, to_json};
use crate::session::Session;
use crate::sql;

/// Values of one row of each table, as in `queue_accept.sql`.
const NOTIFICATION: usize = 9;
const DELIVERY: usize = 15;
const QUEUE: usize = 8;

/// The numbers of the names of a transaction.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    tenants: HashMap<TenantId, i64>,
    lanes: HashMap<(Priority, ChannelId), i64>,
    traces: HashMap<Trace, i64>,
}

impl Numbers {
    pub(super) fn tenant(&self, tenant: &TenantId) -> Result<i64> {
        self.tenants
            .get(tenant.as_str())
            .copied()
            .ok_or_else(|| error::corrupt("tenant"))
    }

    fn lane(&self, priority: Priority, channel: &ChannelId) -> Result<i64> {
        let lane = self.lanes.get(&(priority, channel.clone()));
        lane.copied().ok_or_else(|| error::corrupt("lane"))
    }

    fn trace(&self, trace: &Trace) -> Result<i64> {
        self.traces
            .get(trace)
            .copied()
            .ok_or_else(|| error::corrupt("trace"))
    }
}

/// Looks up the numbers of all names, and makes those that are new.
pub(super) async fn numbers(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &[AcceptOp],
    whose: Whose,
) -> Result<Numbers> {
    let (mut numbers, names) = (Numbers::default(), &engine.names);
    for item in ops.iter().flat_map(|op| &op.items) {
        if !numbers.tenants.contains_key(item.tenant.as_str()) {
            let no = names.tenant_no(db, &item.tenant, whose).await?;
            numbers.tenants.insert(item.tenant.clone(), no);
        }
        for delivery in &item.deliveries {
            let lane = (item.priority, delivery.channel.clone());
            if let Entry::Vacant(entry) = numbers.lanes.entry(lane) {
                let no = names.lane_no(db, entry.key(), whose).await?;
                entry.insert(no);
            }
            if !numbers.traces.contains_key(&delivery.trace) {
                let no = names
                    .word_no(db, &delivery.trace.to_string(), whose)
                    .await?;
                numbers.traces.insert(delivery.trace.clone(), no);
            }
        }
    }
    Ok(numbers)
}

/// One notification with its number.
struct NotificationRow {
    place: Place,
    no: i64,
}

/// One delivery with its number and that of its notification.
struct DeliveryRow {
    place: Place,
    delivery: usize,
    no: i64,
    notification: i64,
}

/// One entry of the queue.
struct QueueRow {
    no: i64,
    lane: i64,
    shard: i64,
    due: i64,
    loan: Option<(i64, i64)>,
}

/// Everything that is inserted, and how far that is.
#[derive(Default)]
struct Rows {
    notifications: Vec<NotificationRow>,
    deliveries: Vec<DeliveryRow>,
    queue: Vec<QueueRow>,
    events: Vec<Event>,
}

/// Inserts the items in these places.
pub(super) async fn all(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [AcceptOp],
    numbers: &Numbers,
    stored: &[Place],
    whose: Whose,
) -> Result<()> {
    // A notification without deliveries takes a number too.
    let count = |place: &Place| ops[place.op].items[place.item].deliveries.len().max(1);
    let total = stored.iter().map(count).sum();
    if total == 0 {
        return Ok(());
    }
    let first = engine.numbers.take(db, total).await?;
    let rows = number(engine, ops, numbers, stored, whose, first)?;
    let mut rest = (
        &rows.notifications[..],
        &rows.deliveries[..],
        &rows.queue[..],
    );
    while !(rest.0.is_empty() && rest.1.is_empty() && rest.2.is_empty()) {
        let piece = (cut(&mut rest.0), cut(&mut rest.1), cut(&mut rest.2));
        let size = db.size(piece.0.len().max(piece.1.len()).max(piece.2.len()));
        let args = db
            .later(include_str!("../../sql/queue_accept.sql"), size)
            .await?;
        encode(engine, ops, numbers, piece, size, args)?;
    }
    if !rows.events.is_empty() {
        events::add(db, &rows.events).await?;
    }
    let last = first + i64::try_from(total).unwrap_or(0) - 1;
    if whose == Whose::Ours && history::is_merge_due(first - 1, last) {
        history::merge(db, last).await?;
    }
    Ok(())
}

/// Cuts off as many rows as one statement takes.
fn cut<'r, T>(rows: &mut &'r [T]) -> &'r [T] {
    let (piece, rest) = rows.split_at(rows.len().min(sql::MOST_ROWS));
    *rows = rest;
    piece
}

/// Gives numbers to everything, and notes what is lent.
fn number(
    engine: &Engine,
    ops: &mut [AcceptOp],
    numbers: &Numbers,
    stored: &[Place],
    whose: Whose,
    first: i64,
) -> Result<Rows> {
    let (mut rows, mut next) = (Rows::default(), first);
    for place in stored {
        let AcceptOp {
            items,
            lent,
            has_ready,
            ..
        } = &mut ops[place.op];
        let item = &items[place.item];
        let (notification, tenant) = (next, numbers.tenant(&item.tenant)?);
        // One that leaves neither deliveries nor a key leaves nothing to be found again.
        if !item.deliveries.is_empty() || item.key.is_some() {
            rows.notifications.push(NotificationRow {
                place: *place,
                no: notification,
            });
        }
        for (index, delivery) in item.deliveries.iter().enumerate() {
            let no = next;
            next += 1;
            rows.deliveries.push(DeliveryRow {
                place: *place,
                delivery: index,
                no,
                notification,
            });
            rows.events.extend(decided(engine, item, delivery, no));
            if !is_queued(&delivery.decision) {
                continue;
            }
            let lane = numbers.lane(item.priority, &delivery.channel)?;
            let mut row = QueueRow {
                no,
                lane,
                shard: shard(tenant),
                due: delivery.due.as_micros(),
                loan: None,
            };
            match &delivery.handoff {
                Some(handoff) if whose == Whose::Ours && is_lent(item, index) => {
                    let (owner, until) = (handoff.owner, item.accepted_at + handoff.ttl);
                    row.loan = Some((engine.leases.owner_no(owner), until.as_micros()));
                    let loan = Loan {
                        no,
                        epoch: 1,
                        owner,
                        until,
                        lane,
                        is_sending: false,
                    };
                    lent.push((place.item, index, loan));
                }
                _ => *has_ready = true,
            }
            rows.queue.push(row);
        }
        next = next.max(notification + 1);
    }
    Ok(rows)
}

/// What the timeline says of the decision, besides that it was accepted.
fn decided(engine: &Engine, item: &Acceptance, delivery: &NewDelivery, no: i64) -> Option<Event> {
    let (kind, reason) = match &delivery.decision {
        Decision::Hold { reason, .. } => (EventKind::Held, Some(*reason)),
        Decision::Digest { .. } => (EventKind::Held, Some(Reason::Digest)),
        Decision::Suppress { reason } => (EventKind::Suppressed, Some(*reason)),
        _ => return None,
    };
    Some(Event::new(engine, no, kind, reason, item.accepted_at))
}

/// The parameters of `queue_accept.sql` for one piece.
fn encode(
    engine: &Engine,
    ops: &[AcceptOp],
    numbers: &Numbers,
    piece: (&[NotificationRow], &[DeliveryRow], &[QueueRow]),
    size: usize,
    args: &mut Args,
) -> Result<()> {
    let (notifications, deliveries, queue) = piece;
    args.reserve(size * (NOTIFICATION + DELIVERY + QUEUE) + 3);
    for row in notifications {
        let item = &ops[row.place.op].items[row.place.item];
        args.push(row.no);
        args.push(&item.id.as_bytes()[..]);
        args.push(numbers.tenant(&item.tenant)?);
        args.push(item.key.map(|key| key.as_bytes().to_vec()));
        args.push(item.key.map(|_| item.request_hash.as_bytes().to_vec()));
        args.push(item.accepted_at.as_micros());
        args.push(item.expires_at.map(|at| at.as_micros()));
        args.push(class_code(item.class));
        args.push(std::sync::Arc::clone(&item.body));
    }
    args.pad((size - notifications.len()) * NOTIFICATION);
    for row in deliveries {
        let item = &ops[row.place.op].items[row.place.item];
        encode_delivery(engine, item, row, numbers, args)?;
    }
    args.pad((size - deliveries.len()) * DELIVERY);
    let range = deliveries.first().zip(deliveries.last());
    let (first, last) = range.map_or((1, 0), |(first, last)| (first.no, last.no));
    args.push(first);
    args.push(last);
    args.push_count(deliveries.len());
    for row in queue {
        args.push(row.no);
        args.push(row.lane);
        args.push(row.shard);
        args.push(row.due);
        args.push(i64::from(row.loan.is_some()));
        args.push(i64::from(row.loan.is_some()));
        args.push(row.loan.map(|(owner, _)| owner));
        args.push(row.loan.map(|(_, until)| until));
    }
    args.pad((size - queue.len()) * QUEUE);
    Ok(())
}

fn encode_delivery(
    engine: &Engine,
    item: &Acceptance,
    row: &DeliveryRow,
    numbers: &Numbers,
    args: &mut Args,
) -> Result<()> {
    let delivery = &item.deliveries[row.delivery];
    let (state, reason) = state(&delivery.decision)?;
    let is_open = state.is_open();
    args.push(row.no);
    args.push(&delivery.id.as_bytes()[..]);
    args.push(row.notification);
    args.push(numbers.tenant(&item.tenant)?);
    args.push(delivery.recipient.as_str());
    args.push(history::bucket(&item.tenant, &delivery.recipient));
    args.push(numbers.lane(item.priority, &delivery.channel)?);
    args.push(i64::from(delivery.step));
    args.push(i64::from(state.code()));
    args.push(delivery.due.as_micros());
    args.push(item.accepted_at.as_micros());
    args.push(reason.and_then(|reason| engine.names.known().word(reason.as_str())));
    args.push(numbers.trace(&delivery.trace)?);
    args.push(delivery.after.as_ref().map(to_json).transpose()?);
    let pinned = delivery.pinned.as_deref().filter(|_| is_open);
    args.push(pinned.map(to_json).transpose()?);
    Ok(())
}

/// Where a decision puts a delivery.
fn state(decision: &Decision) -> Result<(notify_core::DeliveryState, Option<Reason>)> {
    use notify_core::DeliveryState::{Held, Queued, Suppressed};
    Ok(match decision {
        Decision::Send => (Queued, None),
        Decision::Hold { reason, .. } => (Held, Some(*reason)),
        Decision::Digest { .. } => (Held, Some(Reason::Digest)),
        Decision::Suppress { reason } => (Suppressed, Some(*reason)),
        _ => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this store does not know the decision; use a newer one",
            ));
        }
    })
}
