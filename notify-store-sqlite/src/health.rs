//! Providers that are not well: a row each, written when a breaker changes.

use async_trait::async_trait;
use notify_core::id::OwnerId;
use notify_core::provider::{BreakerSnapshot, HealthPut, HealthStore, ProviderHealth, Scope};
use notify_core::{ProviderName, Result, Timestamp};
use sqlx::sqlite::SqliteRow;
use std::sync::Arc;

use crate::SqliteStore;
use crate::error;
use crate::revision::Revision;
use crate::row::{Args, bytes, column, unsigned};
use crate::session::Session;

const REVISION: Revision<'static> = Revision {
    room: "health",
    tenant: "",
};

fn health(row: &SqliteRow) -> Result<ProviderHealth> {
    let (provider, scope): (&str, &str) = (column(row, 0)?, column(row, 1)?);
    let scope = match scope {
        "" => None,
        name => Some(Scope::new(name).ok_or_else(|| error::corrupt("scope"))?),
    };
    let until = column::<Option<i64>>(row, 3)?.map(Timestamp::from_micros);
    let relapses = unsigned(column(row, 4)?, "health")?;
    let breaker = BreakerSnapshot::new(column::<&str>(row, 2)?, until, relapses);
    let since = Timestamp::from_micros(column(row, 5)?);
    let by = OwnerId::from_u128(u128::from_be_bytes(bytes(row, 6, "owner")?));
    let health = ProviderHealth::new(ProviderName::from(provider), scope, breaker, since, by);
    Ok(health.stored(unsigned(column(row, 7)?, "health")?))
}

fn key(health: &ProviderHealth) -> Args {
    let scope = health.scope.as_ref().map_or("", Scope::as_str);
    Args::new().with(health.provider.as_str()).with(scope)
}

async fn put(db: &mut Session<'_>, new: &ProviderHealth, expected: u64) -> Result<HealthPut> {
    let load = include_str!("../sql/health_load.sql");
    let row = db.first(load, key(new)).await?;
    let stored = row.as_ref().map(health).transpose()?;
    if stored.as_ref().map_or(0, |stored| stored.version) != expected {
        return Ok(HealthPut::Changed(stored));
    }
    if new.is_well() {
        if stored.is_some() {
            let remove = include_str!("../sql/health_remove.sql");
            db.execute(remove, key(new)).await?;
            REVISION.raise(db).await?;
        }
        return Ok(HealthPut::Written(0));
    }
    REVISION.raise(db).await?;
    let version = REVISION.load(db).await?;
    let args = key(new)
        .with(new.breaker.state.as_str())
        .with(new.breaker.until.map(Timestamp::as_micros))
        .with(i64::from(new.breaker.relapses))
        .with(new.since.as_micros())
        .with(new.by.as_u128().to_be_bytes().to_vec())
        .with(i64::try_from(version).map_err(|_| error::corrupt("revision"))?);
    db.execute(include_str!("../sql/health_put.sql"), args)
        .await?;
    Ok(HealthPut::Written(version))
}

async fn sweep(db: &mut Session<'_>, before: Timestamp) -> Result<u64> {
    let args = Args::new().with(before.as_micros());
    let swept = db
        .execute(include_str!("../sql/health_sweep.sql"), args)
        .await?;
    if swept > 0 {
        REVISION.raise(db).await?;
    }
    Ok(swept)
}

#[async_trait]
impl HealthStore for SqliteStore {
    async fn healths(&self) -> Result<Vec<ProviderHealth>> {
        let mut reader = self.reader().await?;
        let all = include_str!("../sql/health_all.sql");
        let rows = reader.session()?.all(all, Args::new()).await?;
        rows.iter().map(health).collect()
    }

    async fn put_health(
        &self,
        health: &ProviderHealth,
        expected_version: u64,
    ) -> Result<HealthPut> {
        let new = Arc::new(health.clone());
        let write = self.writer().write(move |db| {
            let new = Arc::clone(&new);
            Box::pin(async move { put(db, &new, expected_version).await })
        });
        write.await
    }

    async fn health_revision(&self) -> Result<u64> {
        REVISION.load(&mut self.reader().await?.session()?).await
    }

    async fn sweep_health(&self, before: Timestamp) -> Result<u64> {
        let write = self
            .writer()
            .write(move |db| Box::pin(async move { sweep(db, before).await }));
        write.await
    }
}
