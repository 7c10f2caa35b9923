//! Schedules: written with their jobs in the writer's transactions, and what is held until its time.

mod held;
mod write;

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::id::{ScheduleId, ScheduleKey};
use notify_core::queue::Job;
use notify_core::schedule::{
    HeldMove, PendingQuery, ScheduleChange, ScheduleFailure, ScheduleFilter, ScheduleStore,
    StoredSchedule,
};
use notify_core::{Delivery, Result, TenantId, Timestamp};
use sqlx::sqlite::SqliteRow;
use std::sync::Arc;

use crate::queue::schedule::held::Moving;
use crate::queue::schedule::write::{Removing, Writing};
use crate::row::{Args, bytes, column, json, to_json, unsigned};
use crate::{SqliteStore, delivery};

fn stored(row: &SqliteRow) -> Result<StoredSchedule> {
    let time = |place| Ok(Timestamp::from_micros(column(row, place)?));
    let id = ScheduleId::from_bytes(bytes(row, 0, "schedule")?);
    let mut stored = StoredSchedule::new(id, json(column(row, 1)?, "schedule")?, time(4)?);
    stored.is_paused = column(row, 2)?;
    stored.version = unsigned(column(row, 3)?, "schedule")?;
    stored.updated_at = time(5)?;
    let failure = column::<Option<&str>>(row, 6)?;
    stored.failure = failure
        .map(|failure| json(failure, "schedule"))
        .transpose()?;
    stored.next = column::<Option<i64>>(row, 7)?.map(Timestamp::from_micros);
    Ok(stored)
}

impl SqliteStore {
    async fn schedule(&self, text: &'static str, args: Args) -> Result<Option<StoredSchedule>> {
        let mut reader = self.reader().await?;
        let row = reader.session()?.first(text, args).await?;
        row.map(|row| stored(&row)).transpose()
    }
}

#[async_trait]
impl ScheduleStore for SqliteStore {
    async fn write(&self, change: &ScheduleChange<'_>) -> Result<bool> {
        let writing = Arc::new(Writing::new(change)?);
        let engine = Arc::clone(self.engine());
        let written = self.writer().write_then(
            move |db| {
                let (writing, engine) = (Arc::clone(&writing), Arc::clone(&engine));
                Box::pin(async move { writing.run(db, &engine).await })
            },
            |engine, (written, ended): &(bool, Option<Job>)| {
                engine.leases.remove(*ended);
                if *written {
                    engine.ring();
                }
            },
        );
        Ok(written.await?.0)
    }

    async fn get(&self, tenant: &TenantId, id: ScheduleId) -> Result<Option<StoredSchedule>> {
        let args = Args::new().with(tenant.as_str()).with(&id.as_bytes()[..]);
        self.schedule(include_str!("../../sql/schedule_load.sql"), args)
            .await
    }

    async fn find(&self, tenant: &TenantId, key: &ScheduleKey) -> Result<Option<StoredSchedule>> {
        let args = Args::new().with(tenant.as_str()).with(key.as_str());
        self.schedule(include_str!("../../sql/schedule_find.sql"), args)
            .await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &ScheduleFilter<'_>,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<StoredSchedule>> {
        let after = after.map_or_else(Vec::new, |after| after.as_bytes().to_vec());
        let mut args = Args::new()
            .with(tenant.as_str())
            .with(after)
            .with(filter.next_before.map(Timestamp::as_micros))
            .with(i64::from(limit));
        let text = match filter.recipient {
            Some(recipient) => {
                args.push(recipient.as_str());
                include_str!("../../sql/schedule_list_of.sql")
            }
            None => include_str!("../../sql/schedule_list.sql"),
        };
        let mut reader = self.reader().await?;
        let rows = reader.session()?.all(text, args).await?;
        rows.iter().map(stored).collect()
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let removing = Arc::new(Removing {
            tenant: tenant.clone(),
            id,
            actor: actor.clone(),
            now,
        });
        let removed = self.writer().write_then(
            move |db| {
                let removing = Arc::clone(&removing);
                Box::pin(async move { removing.run(db).await })
            },
            |engine, (_, ended): &(bool, Option<Job>)| engine.leases.remove(*ended),
        );
        Ok(removed.await?.0)
    }

    async fn fail(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        version: u64,
        failure: Option<&ScheduleFailure>,
    ) -> Result<bool> {
        let (tenant, failure) = (tenant.clone(), failure.map(to_json).transpose()?);
        // No row has a version that is too large for the database.
        let version = i64::try_from(version).unwrap_or(-1);
        let noted = self.writer().write(move |db| {
            let args = Args::new()
                .with(failure.clone())
                .with(tenant.as_str())
                .with(&id.as_bytes()[..])
                .with(version);
            Box::pin(db.execute(include_str!("../../sql/schedule_fail.sql"), args))
        });
        Ok(noted.await? > 0)
    }

    async fn pending(&self, query: &PendingQuery<'_>) -> Result<Vec<Delivery>> {
        let mut reader = self.reader().await?;
        let mut db = reader.session()?;
        let names = &self.engine().names;
        let Some(tenant) = names.find_tenant(&mut db, query.tenant).await? else {
            return Ok(Vec::new());
        };
        let (text, args) = held::page(query, tenant)?;
        let rows = db.all(text, args).await?;
        rows.iter().map(delivery::read).collect()
    }

    async fn move_held(&self, moved: &HeldMove<'_>) -> Result<Vec<bool>> {
        let moving = Arc::new(Moving::new(moved)?);
        let engine = Arc::clone(self.engine());
        let moved = self.writer().write_then(
            move |db| {
                let (moving, engine) = (Arc::clone(&moving), Arc::clone(&engine));
                Box::pin(async move { moving.run(db, &engine).await })
            },
            |engine, (_, freed): &(Vec<bool>, Vec<Job>)| {
                engine.leases.remove(freed.iter().copied());
                engine.ring();
            },
        );
        Ok(moved.await?.0)
    }
}
