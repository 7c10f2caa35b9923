//! What people want, the version of it, and the consent log.

use async_trait::async_trait;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{CategoryId, RecipientId, TenantId};
use crate::memory::{MemoryStore, State};
use crate::preference::{PreferenceChange, PreferenceStore, Preferences, Settings, Stamp};

/// Preferences by tenant and person.
#[derive(Default)]
pub(super) struct Tables {
    /// The number of the last change of anything: versions are numbers of changes.
    last: u64,
    tenants: HashMap<TenantId, Tenant>,
    consents: Vec<ConsentEntry>,
}

/// One tenant's rules, and its people.
#[derive(Default)]
struct Tenant {
    settings: Arc<Settings>,
    changed: u64,
    people: HashMap<RecipientId, Person>,
}

/// What one person said.
#[derive(Default)]
struct Person {
    settings: Settings,
    consents: BTreeSet<CategoryId>,
    changed: u64,
}

/// One row of the consent log.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsentEntry {
    pub tenant: TenantId,
    pub recipient: RecipientId,
    pub category: CategoryId,
    pub granted: bool,
    pub source: String,
    pub actor: Actor,
    pub at: Timestamp,
}

impl Tables {
    /// The version of one person's preferences: the number of the last change of theirs or the tenant's.
    pub(super) fn version(&self, tenant: &TenantId, recipient: &RecipientId) -> u64 {
        self.tenants.get(tenant).map_or(0, |tenant| {
            let person = tenant
                .people
                .get(recipient)
                .map_or(0, |person| person.changed);
            person.max(tenant.changed)
        })
    }

    fn load(&self, tenant: &TenantId, recipient: &RecipientId, store: u128) -> Preferences {
        let mut found = Preferences::default();
        if let Some(rules) = self.tenants.get(tenant) {
            found.tenant = Arc::clone(&rules.settings);
            if let Some(person) = rules.people.get(recipient) {
                found.user = person.settings.clone();
                found.consents = person.consents.clone();
            }
        }
        found.with_stamp(Stamp::new(store, self.version(tenant, recipient)))
    }

    fn apply(
        &mut self,
        tenant: &TenantId,
        change: &PreferenceChange,
        actor: &Actor,
        at: Timestamp,
    ) {
        let mut changed = Preferences::default();
        self.last += 1;
        let rules = self.tenants.entry(tenant.clone()).or_default();
        let Some(recipient) = change.recipient() else {
            change.apply(&mut changed);
            (rules.settings, rules.changed) = (changed.tenant, self.last);
            return;
        };
        let person = rules.people.entry(recipient.clone()).or_default();
        changed.user = std::mem::take(&mut person.settings);
        changed.consents = std::mem::take(&mut person.consents);
        change.apply(&mut changed);
        let (settings, consents) = (changed.user, changed.consents);
        *person = Person {
            settings,
            consents,
            changed: self.last,
        };
        if let PreferenceChange::Consent {
            recipient,
            category,
            granted,
            source,
        } = change
        {
            self.consents.push(ConsentEntry {
                tenant: tenant.clone(),
                recipient: recipient.clone(),
                category: category.clone(),
                granted: *granted,
                source: source.clone(),
                actor: actor.clone(),
                at,
            });
        }
    }
}

impl MemoryStore {
    /// What one person agreed to and withdrew from, oldest first.
    #[doc(hidden)]
    #[must_use]
    pub fn consent_log(&self, tenant: &TenantId, recipient: &RecipientId) -> Vec<ConsentEntry> {
        let mut log = self.lock().preferences.consents.clone();
        log.retain(|entry| entry.tenant == *tenant && entry.recipient == *recipient);
        log
    }
}

/// What the audit log calls a change, and its subject.
fn audited<'a>(tenant: &'a TenantId, change: &'a PreferenceChange) -> (&'static str, &'a str) {
    match change.recipient() {
        Some(recipient) => ("preference.apply", recipient.as_str()),
        None => ("preference.tenant", tenant.as_str()),
    }
}

#[async_trait]
impl PreferenceStore for MemoryStore {
    async fn load(&self, tenant: &TenantId, ids: &[RecipientId]) -> Result<Vec<Preferences>> {
        let state = self.lock();
        let store = self.shared.id;
        Ok(ids
            .iter()
            .map(|id| state.preferences.load(tenant, id, store))
            .collect())
    }

    async fn apply(
        &self,
        tenant: &TenantId,
        change: &PreferenceChange,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let mut guard = self.lock();
        let State {
            audit, preferences, ..
        } = &mut *guard;
        let (action, subject) = audited(tenant, change);
        audit.write(now, tenant, actor, action, subject);
        preferences.apply(tenant, change, actor, now);
        Ok(())
    }
}
