//! Recipients: a row of JSON each, and copies in memory for those who are often told something.

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::clock::Clock as _;
use notify_core::recipient::RecipientStore;
use notify_core::{Recipient, RecipientId, RecipientResolver, Result, TenantId, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;

use crate::cache::{Changing, Look};
use crate::row::{Args, column, json, to_readable_json};
use crate::session::Session;
use crate::{SqliteStore, audit};

/// A recipient, and how long their row is.
type Loaded = (Option<Arc<Recipient>>, usize);

/// Looks recipients up on this connection: one entry for each id, in order.
pub(crate) async fn resolve_on(
    db: &mut Session<'_>,
    tenant: &TenantId,
    ids: &[RecipientId],
) -> Result<Vec<Option<Recipient>>> {
    Ok(owned(
        read(db, tenant, ids)
            .await?
            .into_iter()
            .map(|(found, _)| found),
    ))
}

fn owned(found: impl Iterator<Item = Option<Arc<Recipient>>>) -> Vec<Option<Recipient>> {
    found.map(|found| found.map(Arc::unwrap_or_clone)).collect()
}

async fn read(db: &mut Session<'_>, tenant: &TenantId, ids: &[RecipientId]) -> Result<Vec<Loaded>> {
    let load = include_str!("../sql/recipient_load.sql");
    let head = || Args::new().with(tenant.as_str());
    let rows = db
        .all_rows(load, head, ids, |id, args| args.push(id.as_str()))
        .await?;
    let mut found: HashMap<RecipientId, Loaded> = HashMap::with_capacity(rows.len());
    for row in rows {
        let (id, data): (String, String) = (column(&row, 0)?, column(&row, 1)?);
        let recipient: Recipient = json(&data, "recipient")?;
        found.insert(id.into(), (Some(Arc::new(recipient)), data.len()));
    }
    Ok(ids
        .iter()
        .map(|id| found.get(id).cloned().unwrap_or_default())
        .collect())
}

impl SqliteStore {
    async fn read_recipients(
        &self,
        tenant: &TenantId,
        ids: &[RecipientId],
        look: &mut Look<Option<Arc<Recipient>>>,
    ) -> Result<()> {
        let mut reader = self.reader().await?;
        let read = read(&mut reader.session()?, tenant, &look.missed(ids)).await?;
        self.engine()
            .caches
            .recipients
            .fill(tenant, ids, look, read);
        Ok(())
    }
}

#[async_trait]
impl RecipientResolver for SqliteStore {
    async fn resolve(
        &self,
        tenant: &TenantId,
        ids: &[RecipientId],
    ) -> Result<Vec<Option<Recipient>>> {
        let mut look = self.engine().caches.recipients.look(tenant, ids);
        if !look.is_complete() {
            // On the heap, so that the common case carries no state of it.
            Box::pin(self.read_recipients(tenant, ids, &mut look)).await?;
        }
        Ok(owned(look.values()))
    }
}

/// What is written of recipients.
struct Change {
    tenant: TenantId,
    ids: Vec<RecipientId>,
    /// The rows to put, or none where they are removed.
    rows: Vec<String>,
    actor: Actor,
    now: Timestamp,
    _changing: Changing,
}

impl Change {
    fn subjects(&self) -> impl Iterator<Item = String> {
        self.ids.iter().map(|id| id.as_str().to_owned())
    }

    async fn put(&self, db: &mut Session<'_>) -> Result<()> {
        let put = include_str!("../sql/recipient_put.sql");
        let rows: Vec<_> = self.ids.iter().zip(&self.rows).collect();
        db.execute_rows(put, Args::new, &rows, |(id, data), args| {
            args.push(self.tenant.as_str());
            args.push(id.as_str());
            args.push(data.as_str());
            args.push(self.now.as_micros());
        })
        .await?;
        let subjects: Vec<_> = self.subjects().collect();
        audit::record(
            db,
            &self.tenant,
            &self.actor,
            "recipient.put",
            &subjects,
            self.now,
        )
        .await
    }

    async fn remove(&self, db: &mut Session<'_>) -> Result<u64> {
        let remove = include_str!("../sql/recipient_remove.sql");
        let head = || Args::new().with(self.tenant.as_str());
        let rows = db
            .all_rows(remove, head, &self.ids, |id, args| args.push(id.as_str()))
            .await?;
        let mut gone = rows
            .iter()
            .map(|row| column(row, 0))
            .collect::<Result<Vec<String>>>()?;
        gone.sort_unstable();
        audit::record(
            db,
            &self.tenant,
            &self.actor,
            "recipient.remove",
            &gone,
            self.now,
        )
        .await?;
        Ok(gone.len() as u64)
    }
}

impl SqliteStore {
    fn change_recipients(
        &self,
        tenant: &TenantId,
        ids: Vec<RecipientId>,
        rows: Vec<String>,
        actor: &Actor,
    ) -> Arc<Change> {
        let engine = self.engine();
        let changing = engine.caches.recipients.change(tenant, &ids);
        let (tenant, actor, now) = (tenant.clone(), actor.clone(), engine.clock.now());
        Arc::new(Change {
            tenant,
            ids,
            rows,
            actor,
            now,
            _changing: changing,
        })
    }
}

#[async_trait]
impl RecipientStore for SqliteStore {
    async fn put(&self, tenant: &TenantId, recipients: &[Recipient], actor: &Actor) -> Result<()> {
        recipients.iter().try_for_each(Recipient::validate)?;
        if recipients.is_empty() {
            return Ok(());
        }
        let ids = recipients
            .iter()
            .map(|recipient| recipient.id().clone())
            .collect();
        let row = |recipient| to_readable_json(recipient, "recipient.attributes");
        let rows = recipients.iter().map(row).collect::<Result<_>>()?;
        let change = self.change_recipients(tenant, ids, rows, actor);
        let write = self.writer().write(move |db| {
            let change = Arc::clone(&change);
            Box::pin(async move { change.put(db).await })
        });
        write.await
    }

    async fn remove(&self, tenant: &TenantId, ids: &[RecipientId], actor: &Actor) -> Result<u64> {
        if ids.is_empty() {
            return Ok(0);
        }
        let change = self.change_recipients(tenant, ids.to_vec(), Vec::new(), actor);
        let write = self.writer().write(move |db| {
            let change = Arc::clone(&change);
            Box::pin(async move { change.remove(db).await })
        });
        write.await
    }
}
