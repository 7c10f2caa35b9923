//! Every call of every room, each of which may fail.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

use super::{Faulty, Operation, room, run};
use crate::audit::{Actor, AuditEntry, AuditStore};
use crate::clock::{Clock, Timestamp};
use crate::delivery::{Delivery, DeliveryEvent, DeliveryStore};
use crate::digest::DigestStore;
use crate::error::Result;
use crate::id::{
    ChannelId, DeliveryId, Locale, NotificationId, ProviderName, RecipientId, TenantId,
};
use crate::inbox::{InboxCounts, InboxItem, InboxLimits, InboxStore, Mark, NewInboxItem};
use crate::preference::{
    AddressHash, Pepper, PreferenceChange, PreferenceStore, Preferences, Suppression,
    SuppressionScope, SuppressionStore,
};
use crate::privacy::PrivacyStore;
use crate::provider::{HealthStore, ProviderConfig, ProviderStore};
use crate::queue::FeedbackStore;
use crate::recipient::{Recipient, RecipientResolver, RecipientStore};
use crate::schedule::ScheduleStore;
use crate::store::Store;
use crate::template::{
    Partial, ReleaseId, Template, TemplateFilter, TemplateKey, TemplatePage, TemplateSet,
    TemplateStore, Translations,
};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Faulty {
    fn clock(&self) -> Arc<dyn Clock> {
        self.store.clock()
    }

    fn inbox(self: Arc<Self>) -> Option<Arc<dyn InboxStore>> {
        if self.inbox.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn recipients(self: Arc<Self>) -> Option<Arc<dyn RecipientStore>> {
        if self.recipients.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn templates(self: Arc<Self>) -> Option<Arc<dyn TemplateStore>> {
        if self.templates.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn providers(self: Arc<Self>) -> Option<Arc<dyn ProviderStore>> {
        if self.providers.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn audit(self: Arc<Self>) -> Option<Arc<dyn AuditStore>> {
        if self.audit.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn privacy(self: Arc<Self>) -> Option<Arc<dyn PrivacyStore>> {
        if self.privacy.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn digests(self: Arc<Self>) -> Option<Arc<dyn DigestStore>> {
        if self.digests.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn feedback(self: Arc<Self>) -> Option<Arc<dyn FeedbackStore>> {
        if self.feedback.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn health(self: Arc<Self>) -> Option<Arc<dyn HealthStore>> {
        if self.health.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn schedules(self: Arc<Self>) -> Option<Arc<dyn ScheduleStore>> {
        if self.schedules.is_some() {
            Some(self)
        } else {
            None
        }
    }

    async fn check(&self) -> Result<()> {
        run!(self, Check, self.store.check())
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl DeliveryStore for Faulty {
    async fn load(&self, ids: &[DeliveryId]) -> Result<Vec<Option<Delivery>>> {
        run!(self, LoadDeliveries, self.deliveries.load(ids))
    }

    async fn of_notification(
        &self,
        tenant: &TenantId,
        id: NotificationId,
    ) -> Result<Vec<Delivery>> {
        run!(
            self,
            OfNotification,
            self.deliveries.of_notification(tenant, id)
        )
    }

    async fn history(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        run!(
            self,
            History,
            self.deliveries.history(tenant, recipient, before, limit)
        )
    }

    async fn history_count(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<u64> {
        run!(
            self,
            HistoryCount,
            self.deliveries.history_count(tenant, recipient)
        )
    }

    async fn timeline(&self, tenant: &TenantId, id: DeliveryId) -> Result<Vec<DeliveryEvent>> {
        run!(self, Timeline, self.deliveries.timeline(tenant, id))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PreferenceStore for Faulty {
    async fn load(&self, tenant: &TenantId, ids: &[RecipientId]) -> Result<Vec<Preferences>> {
        run!(self, LoadPreferences, self.preferences.load(tenant, ids))
    }

    async fn apply(
        &self,
        tenant: &TenantId,
        change: &PreferenceChange,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        run!(
            self,
            ApplyPreference,
            self.preferences.apply(tenant, change, actor, now)
        )
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RecipientResolver for Faulty {
    async fn resolve(
        &self,
        tenant: &TenantId,
        ids: &[RecipientId],
    ) -> Result<Vec<Option<Recipient>>> {
        run!(self, Resolve, self.resolver.resolve(tenant, ids))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RecipientStore for Faulty {
    async fn put(&self, tenant: &TenantId, recipients: &[Recipient], actor: &Actor) -> Result<()> {
        let table = room(self.recipients.as_ref())?;
        run!(self, PutRecipients, table.put(tenant, recipients, actor))
    }

    async fn remove(&self, tenant: &TenantId, ids: &[RecipientId], actor: &Actor) -> Result<u64> {
        let table = room(self.recipients.as_ref())?;
        run!(self, RemoveRecipients, table.remove(tenant, ids, actor))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl SuppressionStore for Faulty {
    fn pepper(&self) -> Pepper {
        self.suppressions.pepper()
    }

    async fn suppressed(
        &self,
        tenant: &TenantId,
        asked: &[(ChannelId, AddressHash)],
    ) -> Result<Vec<Option<SuppressionScope>>> {
        run!(
            self,
            Suppressed,
            self.suppressions.suppressed(tenant, asked)
        )
    }

    async fn suppress(
        &self,
        tenant: &TenantId,
        entries: &[Suppression],
        actor: &Actor,
    ) -> Result<()> {
        run!(
            self,
            Suppress,
            self.suppressions.suppress(tenant, entries, actor)
        )
    }

    async fn lift(
        &self,
        tenant: &TenantId,
        channel: &ChannelId,
        address: &AddressHash,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        run!(
            self,
            LiftSuppression,
            self.suppressions.lift(tenant, channel, address, actor, now)
        )
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl InboxStore for Faulty {
    async fn push(
        &self,
        tenant: &TenantId,
        items: &[NewInboxItem],
        limits: &InboxLimits,
    ) -> Result<Vec<u64>> {
        let inbox = room(self.inbox.as_ref())?;
        run!(self, InboxPush, inbox.push(tenant, items, limits))
    }

    async fn page(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        before: Option<u64>,
        limit: u32,
        archived: bool,
    ) -> Result<Vec<InboxItem>> {
        let inbox = room(self.inbox.as_ref())?;
        run!(
            self,
            InboxPage,
            inbox.page(tenant, recipient, before, limit, archived)
        )
    }

    async fn counts(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<InboxCounts> {
        let inbox = room(self.inbox.as_ref())?;
        run!(self, InboxCounts, inbox.counts(tenant, recipient))
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        sequences: &[u64],
        mark: Mark,
        now: Timestamp,
    ) -> Result<InboxCounts> {
        let inbox = room(self.inbox.as_ref())?;
        run!(
            self,
            InboxMark,
            inbox.mark(tenant, recipient, sequences, mark, now)
        )
    }

    async fn mark_all(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        up_to: u64,
        mark: Mark,
        now: Timestamp,
    ) -> Result<InboxCounts> {
        let inbox = room(self.inbox.as_ref())?;
        run!(
            self,
            InboxMarkAll,
            inbox.mark_all(tenant, recipient, up_to, mark, now)
        )
    }

    async fn retain(&self, tenant: &TenantId, recipient: &RecipientId, days: u8) -> Result<()> {
        let inbox = room(self.inbox.as_ref())?;
        run!(self, InboxRetain, inbox.retain(tenant, recipient, days))
    }

    async fn sweep_inbox(&self, now: Timestamp, limits: &InboxLimits) -> Result<u64> {
        let inbox = room(self.inbox.as_ref())?;
        run!(self, SweepInbox, inbox.sweep_inbox(now, limits))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl TemplateStore for Faulty {
    async fn put(
        &self,
        tenant: &TenantId,
        template: &Template,
        expected: Option<u64>,
        actor: &Actor,
    ) -> Result<Template> {
        let templates = room(self.templates.as_ref())?;
        run!(
            self,
            PutTemplate,
            templates.put(tenant, template, expected, actor)
        )
    }

    async fn put_partial(
        &self,
        tenant: &TenantId,
        partial: &Partial,
        expected: Option<u64>,
        actor: &Actor,
    ) -> Result<Partial> {
        let templates = room(self.templates.as_ref())?;
        run!(
            self,
            PutPartial,
            templates.put_partial(tenant, partial, expected, actor)
        )
    }

    async fn put_translations(
        &self,
        tenant: &TenantId,
        table: &Translations,
        expected: Option<u64>,
        actor: &Actor,
    ) -> Result<Translations> {
        let templates = room(self.templates.as_ref())?;
        run!(
            self,
            PutTranslations,
            templates.put_translations(tenant, table, expected, actor)
        )
    }

    async fn get(&self, tenant: &TenantId, key: &TemplateKey) -> Result<Option<Template>> {
        let templates = room(self.templates.as_ref())?;
        run!(self, GetTemplate, templates.get(tenant, key))
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &TemplateFilter,
        page: &TemplatePage,
    ) -> Result<Vec<Template>> {
        let templates = room(self.templates.as_ref())?;
        run!(self, ListTemplates, templates.list(tenant, filter, page))
    }

    async fn delete(&self, tenant: &TenantId, key: &TemplateKey, actor: &Actor) -> Result<bool> {
        let templates = room(self.templates.as_ref())?;
        run!(self, DeleteTemplate, templates.delete(tenant, key, actor))
    }

    async fn delete_partial(&self, tenant: &TenantId, name: &str, actor: &Actor) -> Result<bool> {
        let templates = room(self.templates.as_ref())?;
        run!(
            self,
            DeletePartial,
            templates.delete_partial(tenant, name, actor)
        )
    }

    async fn delete_translations(
        &self,
        tenant: &TenantId,
        locale: &Locale,
        actor: &Actor,
    ) -> Result<bool> {
        let templates = room(self.templates.as_ref())?;
        run!(
            self,
            DeleteTranslations,
            templates.delete_translations(tenant, locale, actor)
        )
    }

    async fn load_all(&self, tenant: &TenantId) -> Result<TemplateSet> {
        let templates = room(self.templates.as_ref())?;
        run!(self, LoadTemplates, templates.load_all(tenant))
    }

    async fn revision(&self, tenant: &TenantId) -> Result<u64> {
        let templates = room(self.templates.as_ref())?;
        run!(self, TemplateRevision, templates.revision(tenant))
    }

    async fn publish(&self, tenant: &TenantId, release: &crate::template::Release) -> Result<()> {
        let templates = room(self.templates.as_ref())?;
        run!(self, PublishRelease, templates.publish(tenant, release))
    }

    async fn release(&self, tenant: &TenantId, id: ReleaseId) -> Result<Option<TemplateSet>> {
        let templates = room(self.templates.as_ref())?;
        run!(self, ReadRelease, templates.release(tenant, id))
    }

    async fn sweep_releases(&self, now: Timestamp, keep: Duration) -> Result<u64> {
        let templates = room(self.templates.as_ref())?;
        run!(self, SweepReleases, templates.sweep_releases(now, keep))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ProviderStore for Faulty {
    async fn providers(&self) -> Result<Vec<ProviderConfig>> {
        let providers = room(self.providers.as_ref())?;
        run!(self, Providers, providers.providers())
    }

    async fn put_provider(
        &self,
        config: &ProviderConfig,
        expected: u64,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64> {
        let providers = room(self.providers.as_ref())?;
        run!(
            self,
            PutProvider,
            providers.put_provider(config, expected, actor, now)
        )
    }

    async fn remove_provider(
        &self,
        name: &ProviderName,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let providers = room(self.providers.as_ref())?;
        run!(
            self,
            RemoveProvider,
            providers.remove_provider(name, actor, now)
        )
    }

    async fn provider_revision(&self) -> Result<u64> {
        let providers = room(self.providers.as_ref())?;
        run!(self, ProviderRevision, providers.provider_revision())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AuditStore for Faulty {
    async fn audit_log(
        &self,
        tenant: &TenantId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>> {
        let audit = room(self.audit.as_ref())?;
        run!(self, AuditLog, audit.audit_log(tenant, before, limit))
    }
}
