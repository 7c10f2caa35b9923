//! Templates, partials, translations and releases, by tenant.

use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::Duration;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Locale, TenantId};
use crate::memory::{MemoryStore, State};
use crate::template::{
    Partial, Release, ReleaseId, Template, TemplateFilter, TemplateKey, TemplatePage, TemplateSet,
    TemplateStore, Translations,
};

/// Everything by tenant.
#[derive(Default)]
pub(super) struct Tables {
    tenants: HashMap<TenantId, Tenant>,
}

/// What one tenant has. Deleted rows stay.
#[derive(Default)]
struct Tenant {
    revision: u64,
    templates: BTreeMap<TemplateKey, Template>,
    partials: BTreeMap<String, Partial>,
    translations: BTreeMap<Locale, Translations>,
    releases: HashMap<ReleaseId, Published>,
}

/// A release, and when it was published last.
struct Published {
    set: TemplateSet,
    at: Timestamp,
}

/// A row that stores number and date.
trait Row: Clone {
    fn version(&self) -> u64;
    fn created_at(&self) -> Timestamp;
    fn is_deleted(&self) -> bool;
    fn stamp(&mut self, version: u64, created_at: Timestamp, updated_at: Timestamp);
    fn delete(&mut self, at: Timestamp);
}

macro_rules! rows {
    ($($type:ident),*) => { $(
        impl Row for $type {
            fn version(&self) -> u64 {
                self.version
            }

            fn created_at(&self) -> Timestamp {
                self.created_at
            }

            fn is_deleted(&self) -> bool {
                self.deleted_at.is_some()
            }

            fn stamp(&mut self, version: u64, created_at: Timestamp, updated_at: Timestamp) {
                self.version = version;
                self.created_at = created_at;
                self.updated_at = updated_at;
                self.deleted_at = None;
            }

            fn delete(&mut self, at: Timestamp) {
                self.deleted_at = Some(at);
            }
        }
    )* };
}
rows!(Partial, Template, Translations);

/// Creates or replaces a row; answers with what is stored now.
fn put<K: Ord, R: Row>(
    rows: &mut BTreeMap<K, R>,
    key: K,
    new: &R,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<R> {
    let known = rows.get(&key);
    let current = known.filter(|row| !row.is_deleted());
    if current.map(R::version) != expected {
        let why = match current {
            Some(row) => format!("version {} is stored: read it again", row.version()),
            None => "there is none with this version: read it again".to_owned(),
        };
        return Err(Error::new(ErrorKind::Conflict, why));
    }
    let mut row = new.clone();
    let version = known.map_or(0, R::version) + 1;
    row.stamp(version, current.map_or(now, R::created_at), now);
    rows.insert(key, row.clone());
    Ok(row)
}

/// Marks a row as deleted; whether there was one.
fn delete<R: Row>(row: Option<&mut R>, now: Timestamp) -> bool {
    let row = row.filter(|row| !row.is_deleted());
    row.map(|row| row.delete(now)).is_some()
}

/// What is not deleted, in order.
fn current<K, R: Row>(rows: &BTreeMap<K, R>) -> Vec<R> {
    rows.values()
        .filter(|row| !row.is_deleted())
        .cloned()
        .collect()
}

impl Tenant {
    fn list(&self, filter: &TemplateFilter, page: &TemplatePage) -> Vec<Template> {
        let after = page
            .after
            .as_ref()
            .map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self
            .templates
            .range((after, Bound::Unbounded))
            .map(|(_, row)| row);
        let limit = page.limit.min(TemplatePage::MAX) as usize;
        rows.filter(|row| filter.matches(row))
            .take(limit)
            .cloned()
            .collect()
    }

    fn load_all(&self) -> TemplateSet {
        let mut set = TemplateSet::new();
        set.templates = current(&self.templates);
        set.partials = current(&self.partials);
        set.translations = current(&self.translations);
        set
    }
}

/// What the audit log calls a template.
fn subject(key: &TemplateKey) -> String {
    format!("{}/{}/{}", key.name, key.channel, key.locale)
}

impl MemoryStore {
    /// Carries out one commit on what one tenant has. If it changed something, the revision grows and
    /// an operator leaves an audit row.
    fn change<R>(
        &self,
        tenant: &TenantId,
        actor: &Actor,
        (action, subject): (&'static str, String),
        change: impl FnOnce(&mut Tenant, Timestamp) -> Result<Option<R>>,
    ) -> Result<Option<R>> {
        let now = self.shared.clock.now();
        let mut guard = self.lock();
        let State {
            audit, templates, ..
        } = &mut *guard;
        let tables = templates.tenants.entry(tenant.clone()).or_default();
        let changed = change(tables, now)?;
        if changed.is_some() {
            tables.revision += 1;
            audit.write(now, tenant, actor, action, subject);
        }
        Ok(changed)
    }

    /// As [`change`](Self::change), for what always changes something.
    fn stored<R>(
        &self,
        tenant: &TenantId,
        actor: &Actor,
        what: (&'static str, String),
        put: impl FnOnce(&mut Tenant, Timestamp) -> Result<R>,
    ) -> Result<R> {
        let stored = self.change(tenant, actor, what, |tables, now| {
            put(tables, now).map(Some)
        })?;
        stored.ok_or_else(|| Error::new(ErrorKind::Unexpected, "a put stores or fails"))
    }

    /// As [`change`](Self::change), for what may find nothing to delete.
    fn deleted(
        &self,
        tenant: &TenantId,
        actor: &Actor,
        what: (&'static str, String),
        delete: impl FnOnce(&mut Tenant, Timestamp) -> bool,
    ) -> Result<bool> {
        let delete = |tables: &mut Tenant, now| Ok(delete(tables, now).then_some(()));
        self.change(tenant, actor, what, delete)
            .map(|deleted| deleted.is_some())
    }

    fn of_tenant<R: Default>(&self, tenant: &TenantId, read: impl FnOnce(&Tenant) -> R) -> R {
        self.lock()
            .templates
            .tenants
            .get(tenant)
            .map_or_else(R::default, read)
    }
}

#[async_trait]
impl TemplateStore for MemoryStore {
    async fn put(
        &self,
        tenant: &TenantId,
        template: &Template,
        expected_version: Option<u64>,
        actor: &Actor,
    ) -> Result<Template> {
        template.validate()?;
        let key = TemplateKey::from(template);
        self.stored(
            tenant,
            actor,
            ("template.put", subject(&key)),
            |tables, now| put(&mut tables.templates, key, template, expected_version, now),
        )
    }

    async fn put_partial(
        &self,
        tenant: &TenantId,
        partial: &Partial,
        expected_version: Option<u64>,
        actor: &Actor,
    ) -> Result<Partial> {
        partial.validate()?;
        let name = partial.name.clone();
        self.stored(
            tenant,
            actor,
            ("partial.put", name.clone()),
            |tables, now| put(&mut tables.partials, name, partial, expected_version, now),
        )
    }

    async fn put_translations(
        &self,
        tenant: &TenantId,
        translations: &Translations,
        expected_version: Option<u64>,
        actor: &Actor,
    ) -> Result<Translations> {
        translations.validate()?;
        let locale = translations.locale.clone();
        let what = ("translations.put", locale.to_string());
        self.stored(tenant, actor, what, |tables, now| {
            put(
                &mut tables.translations,
                locale,
                translations,
                expected_version,
                now,
            )
        })
    }

    async fn get(&self, tenant: &TenantId, key: &TemplateKey) -> Result<Option<Template>> {
        Ok(self.of_tenant(tenant, |tables| {
            tables
                .templates
                .get(key)
                .filter(|row| !row.is_deleted())
                .cloned()
        }))
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &TemplateFilter,
        page: &TemplatePage,
    ) -> Result<Vec<Template>> {
        Ok(self.of_tenant(tenant, |tables| tables.list(filter, page)))
    }

    async fn delete(&self, tenant: &TenantId, key: &TemplateKey, actor: &Actor) -> Result<bool> {
        self.deleted(
            tenant,
            actor,
            ("template.delete", subject(key)),
            |tables, now| delete(tables.templates.get_mut(key), now),
        )
    }

    async fn delete_partial(&self, tenant: &TenantId, name: &str, actor: &Actor) -> Result<bool> {
        self.deleted(
            tenant,
            actor,
            ("partial.delete", name.to_owned()),
            |tables, now| delete(tables.partials.get_mut(name), now),
        )
    }

    async fn delete_translations(
        &self,
        tenant: &TenantId,
        locale: &Locale,
        actor: &Actor,
    ) -> Result<bool> {
        self.deleted(
            tenant,
            actor,
            ("translations.delete", locale.to_string()),
            |tables, now| delete(tables.translations.get_mut(locale), now),
        )
    }

    async fn load_all(&self, tenant: &TenantId) -> Result<TemplateSet> {
        Ok(self.of_tenant(tenant, Tenant::load_all))
    }

    async fn revision(&self, tenant: &TenantId) -> Result<u64> {
        Ok(self.of_tenant(tenant, |tables| tables.revision))
    }

    async fn publish(&self, tenant: &TenantId, release: &Release) -> Result<()> {
        let at = self.shared.clock.now();
        let mut state = self.lock();
        let tables = state.templates.tenants.entry(tenant.clone()).or_default();
        tables
            .releases
            .entry(release.id())
            .and_modify(|published| published.at = published.at.max(at))
            .or_insert_with(|| Published {
                set: release.set().clone(),
                at,
            });
        Ok(())
    }

    async fn release(&self, tenant: &TenantId, id: ReleaseId) -> Result<Option<TemplateSet>> {
        Ok(self.of_tenant(tenant, |tables| {
            let published = tables.releases.get(&id);
            published.map(|published| published.set.clone())
        }))
    }

    async fn sweep_releases(&self, now: Timestamp, keep: Duration) -> Result<u64> {
        let mut state = self.lock();
        let State {
            queue, templates, ..
        } = &mut *state;
        let mut forgotten = 0;
        for (tenant, tables) in &mut templates.tenants {
            let ages = tables.releases.iter().map(|(id, one)| (one.at, *id));
            let newest = ages.max().map(|(_, id)| id);
            let before = tables.releases.len();
            tables.releases.retain(|id, published| {
                published.at + keep > now
                    || newest == Some(*id)
                    || queue.is_pinned(tenant, id.as_u128())
            });
            forgotten += before - tables.releases.len();
        }
        Ok(forgotten as u64)
    }
}
