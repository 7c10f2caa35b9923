//! What people want: a row for each person, one for each tenant, versions that only grow, and the consent log.
//!
//! A stamp's version is the sum of the person's and the tenant's. Each of the two only grows, so the sum
//! that a commit finds equals that of an earlier read only if neither has changed since.

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::preference::{PreferenceChange, Settings, Stamp};
use notify_core::{
    CategoryId, PreferenceStore, Preferences, RecipientId, Result, TenantId, Timestamp,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::cache::{Caches, Changing, Look};
use crate::row::{Args, column, json, to_json, unsigned};
use crate::session::Session;
use crate::{SqliteStore, audit};

/// What one person said.
#[derive(Debug)]
pub(crate) struct Person {
    settings: Settings,
    consents: BTreeSet<CategoryId>,
    version: u64,
}

/// What holds for everybody of a tenant.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    settings: Arc<Settings>,
    version: u64,
}

/// Someone's settings, and how long their row is; `None` of someone who said nothing.
type Loaded = (Option<Arc<Person>>, usize);

/// Reads preferences on this connection: one entry for each id, in order.
pub(crate) async fn load_on(
    db: &mut Session<'_>,
    store: u128,
    tenant: &TenantId,
    ids: &[RecipientId],
) -> Result<Vec<Preferences>> {
    let (rules, _) = rules(db, tenant).await?;
    let people = people(db, tenant, ids).await?;
    Ok(people
        .iter()
        .map(|(person, _)| preferences(store, &rules, person.as_deref()))
        .collect())
}

fn preferences(store: u128, rules: &Rules, person: Option<&Person>) -> Preferences {
    let version = rules.version + person.map_or(0, |person| person.version);
    let settings = person.map_or_else(Settings::default, |person| person.settings.clone());
    let mut found = Preferences::new(Arc::clone(&rules.settings), settings);
    if let Some(person) = person {
        found.consents.clone_from(&person.consents);
    }
    found.with_stamp(Stamp::new(store, version))
}

async fn people(
    db: &mut Session<'_>,
    tenant: &TenantId,
    ids: &[RecipientId],
) -> Result<Vec<Loaded>> {
    let load = include_str!("../sql/preference_load.sql");
    let head = || Args::new().with(tenant.as_str());
    let rows = db
        .all_rows(load, head, ids, |id, args| args.push(id.as_str()))
        .await?;
    let mut found: HashMap<RecipientId, Loaded> = HashMap::with_capacity(rows.len());
    for row in rows {
        let (id, settings, consents): (String, String, String) =
            (column(&row, 0)?, column(&row, 1)?, column(&row, 2)?);
        let person = Person {
            settings: json(&settings, "preference")?,
            consents: json(&consents, "consent")?,
            version: unsigned(column(&row, 3)?, "preference")?,
        };
        found.insert(
            id.into(),
            (Some(Arc::new(person)), settings.len() + consents.len()),
        );
    }
    Ok(ids
        .iter()
        .map(|id| found.get(id).cloned().unwrap_or_default())
        .collect())
}

/// The tenant's rules, and how long their row is.
async fn rules(db: &mut Session<'_>, tenant: &TenantId) -> Result<(Arc<Rules>, usize)> {
    let args = Args::new().with(tenant.as_str());
    let row = db
        .first(include_str!("../sql/tenant_settings_load.sql"), args)
        .await?;
    let Some(row) = row else {
        return Ok((Arc::default(), 0));
    };
    let settings: String = column(&row, 0)?;
    let rules = Rules {
        settings: Arc::new(json(&settings, "tenant's rules")?),
        version: unsigned(column(&row, 1)?, "tenant's rules")?,
    };
    Ok((Arc::new(rules), settings.len()))
}

/// The version that a stamp of each person must have, in the transaction that checks it. A copy is exact there too: before a change
/// is handed to the writer there is none any more.
pub(crate) async fn versions(
    db: &mut Session<'_>,
    caches: &Caches,
    tenant: &TenantId,
    ids: &[RecipientId],
) -> Result<Vec<u64>> {
    let rules = match caches.tenants.look(tenant, &[()]).values().next() {
        Some(rules) => rules,
        None => rules(db, tenant).await?.0,
    };
    let look = caches.people.look(tenant, ids);
    let version =
        |person: Option<&Person>| rules.version + person.map_or(0, |person| person.version);
    if look.is_complete() {
        return Ok(look
            .values()
            .map(|person| version(person.as_deref()))
            .collect());
    }
    let people = people(db, tenant, ids).await?;
    Ok(people
        .iter()
        .map(|(person, _)| version(person.as_deref()))
        .collect())
}

impl SqliteStore {
    async fn read_rules(&self, tenant: &TenantId, look: &mut Look<Arc<Rules>>) -> Result<()> {
        let mut reader = self.reader().await?;
        let read = rules(&mut reader.session()?, tenant).await?;
        self.engine()
            .caches
            .tenants
            .fill(tenant, &[()], look, [read]);
        Ok(())
    }

    async fn read_people(
        &self,
        tenant: &TenantId,
        ids: &[RecipientId],
        look: &mut Look<Option<Arc<Person>>>,
    ) -> Result<()> {
        let mut reader = self.reader().await?;
        let read = people(&mut reader.session()?, tenant, &look.missed(ids)).await?;
        self.engine().caches.people.fill(tenant, ids, look, read);
        Ok(())
    }
}

/// A change as it is written.
struct Change {
    tenant: TenantId,
    change: PreferenceChange,
    actor: Actor,
    now: Timestamp,
    _changing: Changing,
}

impl Change {
    async fn write(&self, db: &mut Session<'_>) -> Result<()> {
        let (action, subject) = match self.change.recipient() {
            Some(recipient) => {
                self.write_person(db, recipient).await?;
                ("preference.apply", recipient.as_str())
            }
            None => {
                self.write_tenant(db).await?;
                ("preference.tenant", self.tenant.as_str())
            }
        };
        let subjects = [subject.to_owned()];
        audit::record(db, &self.tenant, &self.actor, action, &subjects, self.now).await
    }

    async fn write_person(&self, db: &mut Session<'_>, recipient: &RecipientId) -> Result<()> {
        let found = people(db, &self.tenant, std::slice::from_ref(recipient)).await?;
        let mut changed = Preferences::default();
        if let Some((Some(person), _)) = found.first() {
            changed.user = person.settings.clone();
            changed.consents.clone_from(&person.consents);
        }
        self.change.apply(&mut changed);
        let args = Args::new()
            .with(self.tenant.as_str())
            .with(recipient.as_str())
            .with(to_json(&changed.user)?)
            .with(to_json(&changed.consents)?)
            .with(self.now.as_micros());
        db.execute(include_str!("../sql/preference_put.sql"), args)
            .await?;
        self.write_consent(db).await
    }

    async fn write_consent(&self, db: &mut Session<'_>) -> Result<()> {
        let PreferenceChange::Consent {
            recipient,
            category,
            granted,
            source,
            wording,
        } = &self.change
        else {
            return Ok(());
        };
        let args = Args::new()
            .with(self.tenant.as_str())
            .with(recipient.as_str())
            .with(category.as_str())
            .with(*granted)
            .with(source.as_str())
            .with(wording.as_str())
            .with(self.actor.as_str())
            .with(self.now.as_micros());
        db.execute(include_str!("../sql/consent_insert.sql"), args)
            .await?;
        Ok(())
    }

    async fn write_tenant(&self, db: &mut Session<'_>) -> Result<()> {
        let mut changed = Preferences::default();
        self.change.apply(&mut changed);
        let args = Args::new()
            .with(self.tenant.as_str())
            .with(to_json(&*changed.tenant)?)
            .with(self.now.as_micros());
        db.execute(include_str!("../sql/tenant_settings_put.sql"), args)
            .await?;
        Ok(())
    }
}

#[async_trait]
impl PreferenceStore for SqliteStore {
    async fn load(&self, tenant: &TenantId, ids: &[RecipientId]) -> Result<Vec<Preferences>> {
        let engine = self.engine();
        let mut rules = engine.caches.tenants.look(tenant, &[()]);
        if !rules.is_complete() {
            Box::pin(self.read_rules(tenant, &mut rules)).await?;
        }
        let mut people = engine.caches.people.look(tenant, ids);
        if !people.is_complete() {
            // On the heap, so that the common case carries no state of it.
            Box::pin(self.read_people(tenant, ids, &mut people)).await?;
        }
        let rules = rules.values().next().unwrap_or_default();
        let each = people.values();
        Ok(each
            .map(|person| preferences(engine.id, &rules, person.as_deref()))
            .collect())
    }

    async fn apply(
        &self,
        tenant: &TenantId,
        change: &PreferenceChange,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let caches = &self.engine().caches;
        let changing = match change.recipient() {
            Some(recipient) => caches.people.change(tenant, [recipient]),
            None => caches.tenants.change(tenant, [&()]),
        };
        let (tenant, change, actor) = (tenant.clone(), change.clone(), actor.clone());
        let change = Arc::new(Change {
            tenant,
            change,
            actor,
            now,
            _changing: changing,
        });
        let write = self.writer().write(move |db| {
            let change = Arc::clone(&change);
            Box::pin(async move { change.write(db).await })
        });
        write.await
    }
}
