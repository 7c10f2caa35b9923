//! What people want, the version of it, and the consent log.

use async_trait::async_trait;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{CategoryId, RecipientId, TenantId};
use crate::memory::{MemoryStore, State};
use crate::preference::{
    ConsentEntry, PreferenceChange, PreferenceStore, Preferences, Settings, Stamp,
};

/// Preferences by tenant and person.
#[derive(Default)]
pub(super) struct Tables {
    /// The number of the last change of anything: versions are numbers of changes.
    last: u64,
    tenants: HashMap<TenantId, Tenant>,
    consents: Vec<(TenantId, ConsentEntry)>,
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
            wording,
        } = change
        {
            let actor = actor.as_str().to_owned();
            let entry = ConsentEntry::new(recipient.clone(), category.clone(), *granted, actor, at);
            let entry = entry.said(source.as_str(), wording.as_str());
            self.consents.push((tenant.clone(), entry));
        }
    }

    /// One person's log, oldest first.
    pub(super) fn log(&self, tenant: &TenantId, recipient: &RecipientId) -> Vec<ConsentEntry> {
        let of_tenant = self.consents.iter().filter(|(of, _)| of == tenant);
        let log = of_tenant.map(|(_, entry)| entry);
        log.filter(|entry| entry.recipient == *recipient)
            .cloned()
            .collect()
    }

    /// Forgets what one person said. No stamp from before holds any more: the tenant's rules count as changed.
    pub(super) fn erase(
        &mut self,
        tenant: &TenantId,
        recipient: &RecipientId,
        pseudonym: &RecipientId,
    ) {
        if let Some(rules) = self.tenants.get_mut(tenant)
            && rules.people.remove(recipient).is_some()
        {
            self.last += 1;
            rules.changed = self.last;
        }
        for (of, entry) in &mut self.consents {
            if of == tenant && entry.recipient == *recipient {
                entry.recipient = pseudonym.clone();
                (entry.source, entry.wording) = (String::new(), String::new());
            }
        }
    }

    /// Forgets rows from `limit` or before that do not stand; answers how many.
    pub(super) fn sweep(&mut self, limit: Timestamp) -> u64 {
        let before = self.consents.len();
        let mut latest = HashMap::new();
        for (no, (tenant, entry)) in self.consents.iter().enumerate() {
            let whose = (
                tenant.clone(),
                entry.recipient.clone(),
                entry.category.clone(),
            );
            latest.insert(whose, no);
        }
        let standing: BTreeSet<usize> = latest.into_values().collect();
        let mut no = 0;
        self.consents.retain(|(_, entry)| {
            let stands = entry.granted && standing.contains(&no);
            no += 1;
            stands || entry.at > limit
        });
        (before - self.consents.len()) as u64
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
