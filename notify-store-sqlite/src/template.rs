//! Templates, partials and translations by tenant, and the releases that deliveries are pinned to.

mod row;

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::clock::Clock as _;
use notify_core::id::Locale;
use notify_core::template::{
    Partial, Release, ReleaseId, Template, TemplateFilter, TemplateKey, TemplatePage, TemplateSet,
    TemplateStore, Translations,
};
use notify_core::{Result, TenantId, Timestamp};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::error;
use crate::revision::Revision;
use crate::row::{Args, column, json, to_readable_json};
use crate::session::Session;
use crate::template::row::{Kept, Key};
use crate::{SqliteStore, audit};

fn revision(tenant: &TenantId) -> Revision<'_> {
    Revision {
        room: "templates",
        tenant: tenant.as_str(),
    }
}

/// Who changes something, and when.
struct By {
    tenant: TenantId,
    actor: Actor,
    now: Timestamp,
}

impl By {
    /// What goes with every change.
    async fn changed(
        &self,
        db: &mut Session<'_>,
        action: &'static str,
        subject: String,
    ) -> Result<()> {
        revision(&self.tenant).raise(db).await?;
        audit::record(db, &self.tenant, &self.actor, action, &[subject], self.now).await
    }
}

impl SqliteStore {
    fn by(&self, tenant: &TenantId, actor: &Actor) -> By {
        By {
            tenant: tenant.clone(),
            actor: actor.clone(),
            now: self.engine().clock.now(),
        }
    }

    async fn put_kept<K: Kept + Send + Sync + 'static>(
        &self,
        by: By,
        new: &K,
        expected: Option<u64>,
        action: &'static str,
    ) -> Result<K> {
        to_readable_json(new, "template")?;
        let put = Arc::new((by, new.clone()));
        let write = self.writer().write(move |db| {
            let put = Arc::clone(&put);
            Box::pin(async move {
                let (by, new) = &*put;
                let stored = row::put(db, &by.tenant, new, expected, by.now).await?;
                by.changed(db, action, new.key().subject()).await?;
                Ok(stored)
            })
        });
        write.await
    }

    async fn delete_kept(&self, by: By, key: Key, action: &'static str) -> Result<bool> {
        let delete = Arc::new((by, key));
        let write = self.writer().write(move |db| {
            let delete = Arc::clone(&delete);
            Box::pin(async move {
                let (by, key) = &*delete;
                let was_there = row::delete(db, &by.tenant, key, by.now).await?;
                if was_there {
                    by.changed(db, action, key.subject()).await?;
                }
                Ok(was_there)
            })
        });
        write.await
    }
}

/// The parameters of a page of the list.
fn page_args(tenant: &TenantId, filter: &TemplateFilter, page: &TemplatePage) -> Args {
    let mut args = Args::new().with(tenant.as_str());
    match &page.after {
        Some(key) => {
            args.push(key.name.as_str());
            args.push(key.channel.as_str());
            args.push(key.locale.as_str());
        }
        // Before all: no name is empty.
        None => ["", "", ""]
            .into_iter()
            .for_each(|nothing| args.push(nothing)),
    }
    args.push(filter.name.as_ref().map(|name| name.as_str()));
    args.push(filter.channel.as_ref().map(|channel| channel.as_str()));
    args.push(filter.locale.as_ref().map(|locale| locale.as_str()));
    args.push(filter.include_deleted);
    args.with(i64::from(page.limit.min(TemplatePage::MAX)))
}

/// A release as it is written.
struct Published {
    tenant: TenantId,
    id: ReleaseId,
    data: String,
    now: Timestamp,
}

impl Published {
    async fn write(&self, db: &mut Session<'_>) -> Result<()> {
        let (id, now) = (&self.id.as_bytes()[..], self.now.as_micros());
        let args = Args::new().with(id).with(self.data.as_str()).with(now);
        db.execute(include_str!("../sql/release_put.sql"), args)
            .await?;
        let args = Args::new().with(self.tenant.as_str()).with(id).with(now);
        db.execute(include_str!("../sql/release_tenant_put.sql"), args)
            .await?;
        Ok(())
    }
}

#[async_trait]
impl TemplateStore for SqliteStore {
    async fn put(
        &self,
        tenant: &TenantId,
        template: &Template,
        expected_version: Option<u64>,
        actor: &Actor,
    ) -> Result<Template> {
        template.validate()?;
        self.put_kept(
            self.by(tenant, actor),
            template,
            expected_version,
            "template.put",
        )
        .await
    }

    async fn put_partial(
        &self,
        tenant: &TenantId,
        partial: &Partial,
        expected_version: Option<u64>,
        actor: &Actor,
    ) -> Result<Partial> {
        partial.validate()?;
        self.put_kept(
            self.by(tenant, actor),
            partial,
            expected_version,
            "partial.put",
        )
        .await
    }

    async fn put_translations(
        &self,
        tenant: &TenantId,
        translations: &Translations,
        expected_version: Option<u64>,
        actor: &Actor,
    ) -> Result<Translations> {
        translations.validate()?;
        let by = self.by(tenant, actor);
        self.put_kept(by, translations, expected_version, "translations.put")
            .await
    }

    async fn get(&self, tenant: &TenantId, key: &TemplateKey) -> Result<Option<Template>> {
        let mut reader = self.reader().await?;
        let found = row::load(&mut reader.session()?, tenant, &Key::template(key)).await?;
        match found {
            Some(found) if row::is_current(&found)? => row::read(&found).map(Some),
            _ => Ok(None),
        }
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &TemplateFilter,
        page: &TemplatePage,
    ) -> Result<Vec<Template>> {
        let mut reader = self.reader().await?;
        let list = include_str!("../sql/template_list.sql");
        let rows = reader
            .session()?
            .all(list, page_args(tenant, filter, page))
            .await?;
        rows.iter().map(row::read).collect()
    }

    async fn delete(&self, tenant: &TenantId, key: &TemplateKey, actor: &Actor) -> Result<bool> {
        let by = self.by(tenant, actor);
        self.delete_kept(by, Key::template(key), "template.delete")
            .await
    }

    async fn delete_partial(&self, tenant: &TenantId, name: &str, actor: &Actor) -> Result<bool> {
        self.delete_kept(self.by(tenant, actor), Key::partial(name), "partial.delete")
            .await
    }

    async fn delete_translations(
        &self,
        tenant: &TenantId,
        locale: &Locale,
        actor: &Actor,
    ) -> Result<bool> {
        let by = self.by(tenant, actor);
        self.delete_kept(by, Key::translations(locale), "translations.delete")
            .await
    }

    async fn load_all(&self, tenant: &TenantId) -> Result<TemplateSet> {
        let mut reader = self.reader().await?;
        let all = include_str!("../sql/template_load_all.sql");
        let rows = reader
            .session()?
            .all(all, Args::new().with(tenant.as_str()))
            .await?;
        let mut set = TemplateSet::new();
        for found in &rows {
            match column::<&str>(found, 5)? {
                Key::TEMPLATE => set.templates.push(row::read(found)?),
                Key::PARTIAL => set.partials.push(row::read(found)?),
                Key::TRANSLATIONS => set.translations.push(row::read(found)?),
                _ => return Err(error::corrupt("template")),
            }
        }
        Ok(set)
    }

    async fn revision(&self, tenant: &TenantId) -> Result<u64> {
        let mut reader = self.reader().await?;
        revision(tenant).load(&mut reader.session()?).await
    }

    async fn publish(&self, tenant: &TenantId, release: &Release) -> Result<()> {
        let published = Arc::new(Published {
            tenant: tenant.clone(),
            id: release.id(),
            data: to_readable_json(release.set(), "release")?,
            now: self.engine().clock.now(),
        });
        let write = self.writer().write(move |db| {
            let published = Arc::clone(&published);
            Box::pin(async move { published.write(db).await })
        });
        write.await
    }

    async fn release(&self, tenant: &TenantId, id: ReleaseId) -> Result<Option<TemplateSet>> {
        let args = Args::new().with(tenant.as_str()).with(&id.as_bytes()[..]);
        let mut reader = self.reader().await?;
        let row = reader
            .session()?
            .first(include_str!("../sql/release_load.sql"), args)
            .await?;
        row.map(|row| json(column(&row, 0)?, "template release"))
            .transpose()
    }

    async fn sweep_releases(&self, now: Timestamp, keep: Duration) -> Result<u64> {
        let limit = (now - keep).as_micros();
        let old = self.old_releases(limit).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let old = Arc::new(old);
        let write = self.writer().write(move |db| {
            let old = Arc::clone(&old);
            Box::pin(async move {
                let forget = include_str!("../sql/sweep_release_forget.sql");
                let head = || Args::new().with(limit);
                let row = |(tenant, id): &(String, Vec<u8>), args: &mut Args| {
                    args.push(tenant.as_str());
                    args.push(&id[..]);
                };
                let forgotten = db.execute_rows(forget, head, &old, row).await?;
                let orphans = include_str!("../sql/sweep_release_orphans.sql");
                db.execute(orphans, Args::new()).await?;
                Ok(forgotten)
            })
        });
        write.await
    }
}

impl SqliteStore {
    /// Tenants and releases that were last published at `limit` or before and that nobody needs.
    ///
    /// Looked up beside the writer: what is pinned anew is published anew before, and so is not among them any more.
    async fn old_releases(&self, limit: i64) -> Result<Vec<(String, Vec<u8>)>> {
        let mut reader = self.reader().await?;
        let text = include_str!("../sql/sweep_releases.sql");
        let rows = reader.session()?.all(text, Args::new().with(limit)).await?;
        let mut old: Vec<(String, Vec<u8>)> = rows
            .iter()
            .map(|row| Ok((column(row, 0)?, column(row, 1)?)))
            .collect::<Result<_>>()?;
        if old.is_empty() {
            return Ok(old);
        }
        let text = include_str!("../sql/sweep_releases_pinned.sql");
        let rows = reader.session()?.all(text, Args::new()).await?;
        let mut pinned: HashSet<(String, Vec<u8>)> = HashSet::new();
        for row in &rows {
            let release: u128 = json(column(row, 1)?, "template release")?;
            let id = ReleaseId::from_u128(release).as_bytes().to_vec();
            pinned.insert((column(row, 0)?, id));
        }
        old.retain(|release| !pinned.contains(release));
        Ok(old)
    }
}
