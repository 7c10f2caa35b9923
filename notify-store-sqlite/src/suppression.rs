//! Addresses that must not be used, as keyed hashes. Most tenants have none on most channels, which is known without asking.

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::clock::Clock as _;
use notify_core::preference::{
    AddressHash, Pepper, Suppression, SuppressionScope, SuppressionStore,
};
use notify_core::{ChannelId, Result, TenantId, Timestamp};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use tokio::sync::OnceCell;

use crate::cache::{Changing, Look};
use crate::error;
use crate::row::{Args, bytes, column};
use crate::session::Session;
use crate::{SqliteStore, audit};

/// One address on one channel.
pub(crate) type Place = (ChannelId, AddressHash);

/// The number of a scope: the wider one is the smaller. What this version does not know is the widest.
pub(crate) const fn scope_code(scope: SuppressionScope) -> i64 {
    match scope {
        SuppressionScope::Marketing => 1,
        _ => 0,
    }
}

pub(crate) fn scope(code: i64) -> Result<SuppressionScope> {
    match code {
        0 => Ok(SuppressionScope::All),
        1 => Ok(SuppressionScope::Marketing),
        _ => Err(error::corrupt("suppression")),
    }
}

/// Where there may be suppressions: at least where there are some, since whoever adds one says so
/// before. Forgets nothing until the store is opened again.
#[derive(Debug, Default)]
pub(crate) struct Populated {
    is_read: OnceCell<()>,
    channels: RwLock<HashMap<TenantId, Vec<ChannelId>>>,
}

impl Populated {
    /// Whether there is certainly none in any of these places.
    fn excludes(&self, tenant: &TenantId, asked: &[Place]) -> bool {
        let known = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        let channels = known.get(tenant);
        channels.is_none_or(|channels| asked.iter().all(|(channel, _)| !channels.contains(channel)))
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<TenantId, Vec<ChannelId>>> {
        self.channels
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn add<'c>(&self, tenant: &TenantId, channels: impl Iterator<Item = &'c ChannelId>) {
        let mut known = self.write();
        let known = known.entry(tenant.clone()).or_default();
        for channel in channels {
            if !known.contains(channel) {
                known.push(channel.clone());
            }
        }
    }

    /// Takes in what is stored; what was added since the store was opened is known already.
    async fn read(&self, store: &SqliteStore) -> Result<()> {
        let mut reader = store.reader().await?;
        let places = include_str!("../sql/suppression_places.sql");
        let rows = reader.session()?.all(places, Args::new()).await?;
        for row in rows {
            let (tenant, channel): (String, String) = (column(&row, 0)?, column(&row, 1)?);
            self.add(
                &TenantId::from(tenant),
                std::iter::once(&ChannelId::from(channel)),
            );
        }
        Ok(())
    }
}

/// Begins a change of the suppressions in these places. Asked before the change is handed to the
/// writer, and kept until after its commit.
pub(crate) fn change(
    caches: &crate::cache::Caches,
    tenant: &TenantId,
    places: &[Place],
) -> Changing {
    caches
        .populated
        .add(tenant, places.iter().map(|(channel, _)| channel));
    caches.suppressions.change(tenant, places)
}

/// Adds entries; widens those that are there. Whoever calls it holds what [`change`] returned.
pub(crate) async fn put(
    db: &mut Session<'_>,
    tenant: &TenantId,
    entries: &[Suppression],
) -> Result<()> {
    let put = include_str!("../sql/suppression_put.sql");
    db.execute_rows(put, Args::new, entries, |entry, args| {
        args.push(tenant.as_str());
        args.push(entry.channel.as_str());
        args.push(&entry.address.as_bytes()[..]);
        args.push(scope_code(entry.scope));
        args.push(entry.source.as_str());
        args.push(entry.at.as_micros());
    })
    .await?;
    Ok(())
}

async fn read(
    db: &mut Session<'_>,
    tenant: &TenantId,
    asked: &[Place],
) -> Result<Vec<(Option<SuppressionScope>, usize)>> {
    let load = include_str!("../sql/suppression_load.sql");
    let head = || Args::new().with(tenant.as_str());
    let rows = db
        .all_rows(load, head, asked, |(channel, address), args| {
            args.push(channel.as_str());
            args.push(&address.as_bytes()[..]);
        })
        .await?;
    let mut found: HashMap<Place, SuppressionScope> = HashMap::with_capacity(rows.len());
    for row in rows {
        let channel = ChannelId::from(column::<String>(&row, 0)?);
        let address = AddressHash::from_bytes(bytes(&row, 1, "suppression")?);
        found.insert((channel, address), scope(column(&row, 2)?)?);
    }
    Ok(asked
        .iter()
        .map(|place| (found.get(place).copied(), 0))
        .collect())
}

/// For what each address is suppressed, in the transaction that checks it. Copies are exact there too.
pub(crate) async fn scopes(
    db: &mut Session<'_>,
    caches: &crate::cache::Caches,
    tenant: &TenantId,
    asked: &[Place],
) -> Result<Vec<Option<SuppressionScope>>> {
    if caches.populated.is_read.initialized() && caches.populated.excludes(tenant, asked) {
        return Ok(vec![None; asked.len()]);
    }
    let look = caches.suppressions.look(tenant, asked);
    if look.is_complete() {
        return Ok(look.values().collect());
    }
    let read = read(db, tenant, asked).await?;
    Ok(read.into_iter().map(|(scope, _)| scope).collect())
}

/// What the audit log calls an entry: the address itself is nowhere.
fn subject(channel: &ChannelId, address: &AddressHash) -> String {
    let mut subject = format!("{channel}:");
    for byte in address.as_bytes() {
        // Writing to a text does not fail.
        let _ = write!(subject, "{byte:02x}");
    }
    subject
}

impl SqliteStore {
    async fn read_suppressions(
        &self,
        tenant: &TenantId,
        asked: &[Place],
        look: &mut Look<Option<SuppressionScope>>,
    ) -> Result<()> {
        let mut reader = self.reader().await?;
        let read = read(&mut reader.session()?, tenant, &look.missed(asked)).await?;
        self.engine()
            .caches
            .suppressions
            .fill(tenant, asked, look, read);
        Ok(())
    }
}

/// Entries as they are written.
struct Added {
    tenant: TenantId,
    entries: Vec<Suppression>,
    actor: Actor,
    now: Timestamp,
    _changing: Changing,
}

impl Added {
    async fn write(&self, db: &mut Session<'_>) -> Result<()> {
        put(db, &self.tenant, &self.entries).await?;
        let entries = self.entries.iter();
        let subjects: Vec<_> = entries
            .map(|entry| subject(&entry.channel, &entry.address))
            .collect();
        audit::record(
            db,
            &self.tenant,
            &self.actor,
            "suppression.add",
            &subjects,
            self.now,
        )
        .await
    }
}

/// An entry as it is removed.
struct Lifted {
    tenant: TenantId,
    place: Place,
    actor: Actor,
    now: Timestamp,
    _changing: Changing,
}

impl Lifted {
    async fn write(&self, db: &mut Session<'_>) -> Result<bool> {
        let (channel, address) = &self.place;
        let args = Args::new()
            .with(self.tenant.as_str())
            .with(channel.as_str())
            .with(&address.as_bytes()[..]);
        let gone = db
            .execute(include_str!("../sql/suppression_lift.sql"), args)
            .await?;
        if gone > 0 {
            let subjects = [subject(channel, address)];
            audit::record(
                db,
                &self.tenant,
                &self.actor,
                "suppression.lift",
                &subjects,
                self.now,
            )
            .await?;
        }
        Ok(gone > 0)
    }
}

#[async_trait]
impl SuppressionStore for SqliteStore {
    fn pepper(&self) -> Pepper {
        self.engine().pepper.clone()
    }

    async fn suppressed(
        &self,
        tenant: &TenantId,
        asked: &[Place],
    ) -> Result<Vec<Option<SuppressionScope>>> {
        let caches = &self.engine().caches;
        if !caches.populated.is_read.initialized() {
            let read = || caches.populated.read(self);
            Box::pin(caches.populated.is_read.get_or_try_init(read)).await?;
        }
        if caches.populated.excludes(tenant, asked) {
            return Ok(vec![None; asked.len()]);
        }
        let mut look = caches.suppressions.look(tenant, asked);
        if !look.is_complete() {
            // On the heap, so that the common case carries no state of it.
            Box::pin(self.read_suppressions(tenant, asked, &mut look)).await?;
        }
        Ok(look.values().collect())
    }

    async fn suppress(
        &self,
        tenant: &TenantId,
        entries: &[Suppression],
        actor: &Actor,
    ) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let engine = self.engine();
        let places: Vec<_> = entries
            .iter()
            .map(|entry| (entry.channel.clone(), entry.address))
            .collect();
        let changing = change(&engine.caches, tenant, &places);
        let (tenant, entries, actor) = (tenant.clone(), entries.to_vec(), actor.clone());
        let now = engine.clock.now();
        let added = Arc::new(Added {
            tenant,
            entries,
            actor,
            now,
            _changing: changing,
        });
        let write = self.writer().write(move |db| {
            let added = Arc::clone(&added);
            Box::pin(async move { added.write(db).await })
        });
        write.await
    }

    async fn lift(
        &self,
        tenant: &TenantId,
        channel: &ChannelId,
        address: &AddressHash,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let place = (channel.clone(), *address);
        let changing = self
            .engine()
            .caches
            .suppressions
            .change(tenant, std::slice::from_ref(&place));
        let (tenant, actor) = (tenant.clone(), actor.clone());
        let lifted = Arc::new(Lifted {
            tenant,
            place,
            actor,
            now,
            _changing: changing,
        });
        let write = self.writer().write(move |db| {
            let lifted = Arc::clone(&lifted);
            Box::pin(async move { lifted.write(db).await })
        });
        write.await
    }
}
