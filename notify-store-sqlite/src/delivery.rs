//! Reads deliveries: one view of what the queue wrote, in the order that is asked for.

use async_trait::async_trait;
use notify_core::clock::Timestamp;
use notify_core::delivery::{DeliveryEvent, DeliveryStore, EventKind, Trace};
use notify_core::provider::Price;
use notify_core::{
    ChannelId, Delivery, DeliveryId, NotificationId, ProviderName, Reason, RecipientId, Result,
    TenantId,
};
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::row::{Args, bytes, class, column, json, priority, state, unsigned};
use crate::session::Session;
use crate::{SqliteStore, error, history, queue};

/// One row of `notify_delivery_view`.
pub(crate) fn read(row: &SqliteRow) -> Result<Delivery> {
    let text = |place| column::<Option<&str>>(row, place);
    let time = |place| Ok(column::<Option<i64>>(row, place)?.map(Timestamp::from_micros));
    let accepted_at = Timestamp::from_micros(column(row, 15)?);
    let mut delivery = Delivery::new(
        DeliveryId::from_bytes(bytes(row, 1, "delivery id")?),
        TenantId::from(column::<&str>(row, 2)?),
        NotificationId::from_bytes(bytes(row, 3, "notification id")?),
        Arc::new(json(column(row, 4)?, "request")?),
        RecipientId::from(column::<&str>(row, 5)?),
        ChannelId::from(column::<&str>(row, 8)?),
        accepted_at,
    );
    let pinned = text(6)?
        .map(|pinned| json(pinned, "recipient"))
        .transpose()?;
    delivery.pinned = pinned.map(Arc::new);
    delivery.priority = priority(column(row, 7)?)?;
    delivery.step = unsigned(column(row, 9)?, "step")?;
    delivery.after = text(10)?.map(|after| json(after, "step")).transpose()?;
    delivery.class = class(column(row, 11)?)?;
    delivery.state = state(column(row, 12)?)?;
    delivery.reason = text(13)?.map(reason).transpose()?;
    delivery.trace = text(14)?.map_or_else(Trace::default, |trace| Trace::from(trace.to_owned()));
    delivery.due_at = Timestamp::from_micros(column(row, 16)?);
    delivery.expires_at = time(17)?;
    delivery.updated_at = Timestamp::from_micros(column(row, 18)?);
    delivery.seen_at = time(19)?;
    delivery.read_at = time(20)?;
    delivery.attempts = unsigned(column(row, 21)?, "delivery")?;
    delivery.provider = text(22)?.map(ProviderName::from);
    delivery.message_id = text(23)?.map(str::to_owned);
    delivery.fault = text(24)?.map(|fault| json(fault, "fault")).transpose()?;
    Ok(delivery)
}

/// Rows of the view, with the digests that they left in.
async fn read_all(db: &mut Session<'_>, rows: &[SqliteRow]) -> Result<Vec<Delivery>> {
    let mut deliveries = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    queue::add_merged(db, &mut deliveries).await?;
    Ok(deliveries)
}

fn reason(word: &str) -> Result<Reason> {
    word.parse().map_err(|_| error::corrupt("reason"))
}

fn event(row: &SqliteRow, delivery: DeliveryId) -> Result<DeliveryEvent> {
    let kind = EventKind::parse(column(row, 1)?).ok_or_else(|| error::corrupt("event"))?;
    let at = Timestamp::from_micros(column(row, 0)?);
    let mut event = DeliveryEvent::new(delivery, at, kind);
    event.reason = column::<Option<&str>>(row, 2)?.map(reason).transpose()?;
    let attempt: Option<i64> = column(row, 3)?;
    event.attempt = attempt
        .map(|attempt| unsigned(attempt, "event"))
        .transpose()?;
    event.provider = column::<Option<&str>>(row, 4)?.map(ProviderName::from);
    event.message_id = column(row, 5)?;
    let fault: Option<&str> = column(row, 6)?;
    event.fault = fault.map(|fault| json(fault, "fault")).transpose()?;
    let report: Option<&str> = column(row, 7)?;
    event.report = report.map(|report| json(report, "report")).transpose()?;
    let price: (Option<i64>, Option<&str>) = (column(row, 8)?, column(row, 9)?);
    if let (Some(micros), Some(currency)) = price {
        let price = Price::new(unsigned(micros, "price")?, currency);
        event.price = Some(price.ok_or_else(|| error::corrupt("price"))?);
    }
    let segments: Option<i64> = column(row, 10)?;
    event.segments = segments
        .map(|segments| unsigned(segments, "event"))
        .transpose()?;
    Ok(event)
}

/// Notes that people saw or read what these deliveries brought, if it is the first time: with them, and in their timelines.
pub(crate) async fn engaged(
    db: &mut Session<'_>,
    tenant: &TenantId,
    ids: &[DeliveryId],
    kind: EventKind,
    now: Timestamp,
) -> Result<()> {
    let update = match kind {
        EventKind::Read => include_str!("../sql/delivery_read.sql"),
        _ => include_str!("../sql/delivery_seen.sql"),
    };
    let head = || Args::new().with(now.as_micros()).with(tenant.as_str());
    let first = db
        .all_rows(update, head, ids, |id, args| args.push(&id.as_bytes()[..]))
        .await?;
    let numbers: Vec<i64> = first
        .iter()
        .map(|row| column(row, 0))
        .collect::<Result<_>>()?;
    let text = include_str!("../sql/event_engaged.sql");
    let head = || Args::new().with(now.as_micros()).with(kind.as_str());
    db.execute_rows(text, head, &numbers, |no, args| args.push(*no))
        .await?;
    Ok(())
}

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn load(&self, ids: &[DeliveryId]) -> Result<Vec<Option<Delivery>>> {
        let mut reader = self.reader().await?;
        let text = include_str!("../sql/delivery_load.sql");
        let row = |id: &DeliveryId, args: &mut Args| args.push(&id.as_bytes()[..]);
        let mut db = reader.session()?;
        let rows = db.all_rows(text, Args::new, ids, row).await?;
        let deliveries = read_all(&mut db, &rows).await?;
        let mut found: HashMap<DeliveryId, Delivery> =
            deliveries.into_iter().map(|one| (one.id, one)).collect();
        if found.len() == ids.len() {
            // Each once, which is the ordinary case: nothing is copied.
            return Ok(ids.iter().map(|id| found.remove(id)).collect());
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn of_notification(
        &self,
        tenant: &TenantId,
        id: NotificationId,
    ) -> Result<Vec<Delivery>> {
        let mut reader = self.reader().await?;
        let args = Args::new().with(&id.as_bytes()[..]).with(tenant.as_str());
        let text = include_str!("../sql/delivery_of_notification.sql");
        let mut db = reader.session()?;
        let rows = db.all(text, args).await?;
        read_all(&mut db, &rows).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let id = before.map_or([0; 16], |id| *id.as_bytes());
        let args = Args::new()
            .with(history::bucket(tenant, recipient))
            .with(tenant.as_str())
            .with(recipient.as_str())
            // The newest delivery need not have the greatest id: commits overtake each other.
            .with(before.is_none())
            .with(&id[..])
            .with(&id[..])
            .with(i64::from(limit));
        let mut reader = self.reader().await?;
        let mut db = reader.session()?;
        let rows = db
            .all(include_str!("../sql/history_page.sql"), args)
            .await?;
        read_all(&mut db, &rows).await
    }

    async fn history_count(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<u64> {
        let args = Args::new()
            .with(history::bucket(tenant, recipient))
            .with(tenant.as_str())
            .with(recipient.as_str());
        let mut reader = self.reader().await?;
        let row = reader
            .session()?
            .first(include_str!("../sql/history_count.sql"), args)
            .await?;
        row.map_or(Ok(0), |row| unsigned(column(&row, 0)?, "history"))
    }

    async fn timeline(&self, tenant: &TenantId, id: DeliveryId) -> Result<Vec<DeliveryEvent>> {
        let mut reader = self.reader().await?;
        let args = Args::new().with(&id.as_bytes()[..]).with(tenant.as_str());
        let rows = reader
            .session()?
            .all(include_str!("../sql/delivery_timeline.sql"), args)
            .await?;
        rows.iter().map(|row| event(row, id)).collect()
    }
}
