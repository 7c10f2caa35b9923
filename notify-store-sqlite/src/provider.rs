//! Providers as operators configure them: a row each, with the names of secrets and never a secret.

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::provider::{ProviderConfig, ProviderStore};
use notify_core::{Error, ErrorKind, ProviderName, Result, TenantId, Timestamp};
use sqlx::sqlite::SqliteRow;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::error;
use crate::revision::Revision;
use crate::row::{Args, column, unsigned};
use crate::session::Session;
use crate::{SqliteStore, audit};

const REVISION: Revision<'static> = Revision {
    room: "providers",
    tenant: "",
};

fn config(row: &SqliteRow) -> Result<ProviderConfig> {
    let corrupt = || error::corrupt("provider");
    let (name, channel, dsn): (String, String, String) =
        (column(row, 0)?, column(row, 1)?, column(row, 2)?);
    let mut config = ProviderConfig::new(channel, name, dsn)
        .with_enabled(column(row, 3)?)
        .with_priority(unsigned(column(row, 4)?, "provider")?)
        .with_weight(unsigned(column(row, 5)?, "provider")?);
    if let Some(limit) = column::<Option<&str>>(row, 6)? {
        config = config.with_rate_limit(limit.parse().map_err(|_| corrupt())?);
    }
    if let Some(max) = column::<Option<i64>>(row, 7)? {
        let max: u32 = unsigned(max, "provider")?;
        config = config.with_daily_max(NonZeroU32::new(max).ok_or_else(corrupt)?);
    }
    let updated_at = Timestamp::from_micros(column(row, 9)?);
    Ok(config.stored(unsigned(column(row, 8)?, "provider")?, updated_at))
}

/// A configuration as it is written.
struct Put {
    config: ProviderConfig,
    expected: u64,
    actor: Actor,
    now: Timestamp,
}

impl Put {
    async fn run(&self, db: &mut Session<'_>) -> Result<u64> {
        let name = &self.config.name;
        let args = Args::new().with(name.as_str());
        let row = db
            .first(include_str!("../sql/provider_version.sql"), args)
            .await?;
        let stored: i64 = row.map_or(Ok(0), |row| column(&row, 0))?;
        if i64::try_from(self.expected) != Ok(stored) {
            let why = format!("provider {name} has version {stored}: read it again");
            return Err(Error::new(ErrorKind::Conflict, why));
        }
        let version = stored + 1;
        db.execute(include_str!("../sql/provider_put.sql"), self.args(version))
            .await?;
        changed(db, "provider.put", name, &self.actor, self.now).await?;
        unsigned(version, "provider")
    }

    fn args(&self, version: i64) -> Args {
        let config = &self.config;
        Args::new()
            .with(config.name.as_str())
            .with(config.channel.as_str())
            .with(config.dsn_text())
            .with(config.enabled)
            .with(i64::from(config.priority))
            .with(i64::from(config.weight))
            .with(config.rate_limit.map(|limit| limit.to_string()))
            .with(config.daily_max.map(|max| i64::from(max.get())))
            .with(version)
            .with(self.now.as_micros())
    }
}

/// What goes with every change.
async fn changed(
    db: &mut Session<'_>,
    action: &'static str,
    name: &ProviderName,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    REVISION.raise(db).await?;
    let subjects = [name.as_str().to_owned()];
    audit::record(db, &TenantId::default(), actor, action, &subjects, now).await
}

async fn remove(
    db: &mut Session<'_>,
    name: &ProviderName,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let args = Args::new().with(name.as_str());
    let was_there = db
        .execute(include_str!("../sql/provider_remove.sql"), args)
        .await?
        > 0;
    if was_there {
        changed(db, "provider.remove", name, actor, now).await?;
    }
    Ok(was_there)
}

#[async_trait]
impl ProviderStore for SqliteStore {
    async fn providers(&self) -> Result<Vec<ProviderConfig>> {
        let mut reader = self.reader().await?;
        let all = include_str!("../sql/provider_all.sql");
        let rows = reader.session()?.all(all, Args::new()).await?;
        rows.iter().map(config).collect()
    }

    async fn put_provider(
        &self,
        config: &ProviderConfig,
        expected_version: u64,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64> {
        config.validate()?;
        let (config, actor) = (config.clone(), actor.clone());
        let put = Arc::new(Put {
            config,
            expected: expected_version,
            actor,
            now,
        });
        let write = self.writer().write(move |db| {
            let put = Arc::clone(&put);
            Box::pin(async move { put.run(db).await })
        });
        write.await
    }

    async fn remove_provider(
        &self,
        name: &ProviderName,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let who = Arc::new((name.clone(), actor.clone()));
        let write = self.writer().write(move |db| {
            let who = Arc::clone(&who);
            Box::pin(async move { remove(db, &who.0, &who.1, now).await })
        });
        write.await
    }

    async fn provider_revision(&self) -> Result<u64> {
        REVISION.load(&mut self.reader().await?.session()?).await
    }
}
