//! The rooms of a mutant: those of the store it wraps, with a lie here and there.

use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

use crate::audit::{Actor, AuditStore};
use crate::clock::{Clock, Timestamp};
use crate::delivery::{Delivery, DeliveryEvent, DeliveryState, DeliveryStore};
use crate::digest::DigestStore;
use crate::error::Result;
use crate::id::{ChannelId, DeliveryId, NotificationId, RecipientId, TenantId};
use crate::inbox::InboxStore;
use crate::preference::{
    AddressHash, Pepper, PreferenceChange, PreferenceStore, Preferences, Suppression,
    SuppressionScope, SuppressionStore,
};
use crate::privacy::PrivacyStore;
use crate::provider::{HealthStore, ProviderStore};
use crate::queue::FeedbackStore;
use crate::recipient::{Recipient, RecipientResolver, RecipientStore};
use crate::schedule::ScheduleStore;
use crate::store::Store;
use crate::template::TemplateStore;
use crate::testkit::mutant::{MutantStore, Mutation};

impl fmt::Debug for MutantStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is(Mutation::DebugShowsRecipients) {
            write!(f, "{:?} ", self.memo().recipients)?;
        }
        fmt::Debug::fmt(&self.inner, f)
    }
}

impl MutantStore {
    fn lie_about(&self, mut delivery: Delivery) -> Delivery {
        if self.is(Mutation::SendingIsNotShown) && delivery.state == DeliveryState::Sending {
            delivery.state = DeliveryState::Queued;
        }
        if self.is(Mutation::PinnedIsKept) {
            delivery.pinned = self.memo().pinned.get(&delivery.id).map(Arc::clone);
        }
        delivery
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl DeliveryStore for MutantStore {
    async fn load(&self, ids: &[DeliveryId]) -> Result<Vec<Option<Delivery>>> {
        let mut found = DeliveryStore::load(&*self.inner, ids).await?;
        if self.is(Mutation::LoadSkipsUnknown) {
            found.retain(Option::is_some);
        }
        Ok(found
            .into_iter()
            .map(|found| found.map(|found| self.lie_about(found)))
            .collect())
    }

    async fn of_notification(
        &self,
        tenant: &TenantId,
        id: NotificationId,
    ) -> Result<Vec<Delivery>> {
        let mut found = self.inner.of_notification(tenant, id).await?;
        if self.is(Mutation::SiblingsInDisorder) {
            found.sort_by_key(|delivery| delivery.id);
        }
        Ok(found
            .into_iter()
            .map(|delivery| self.lie_about(delivery))
            .collect())
    }

    async fn history(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let limit = if self.is(Mutation::HistoryIgnoresLimit) {
            u32::MAX
        } else {
            limit
        };
        let mut found = self.inner.history(tenant, recipient, before, limit).await?;
        if self.is(Mutation::HistoryOldestFirst) {
            found.reverse();
        }
        Ok(found
            .into_iter()
            .map(|delivery| self.lie_about(delivery))
            .collect())
    }

    async fn history_count(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<u64> {
        let count = self.inner.history_count(tenant, recipient).await?;
        Ok(count + u64::from(self.is(Mutation::HistoryCountsOneMore)))
    }

    async fn timeline(&self, tenant: &TenantId, id: DeliveryId) -> Result<Vec<DeliveryEvent>> {
        let mut tenant = tenant.clone();
        if self.is(Mutation::TimelineOfAnyTenant)
            && let Some(delivery) = DeliveryStore::load(&*self.inner, &[id]).await?.remove(0)
        {
            tenant = delivery.tenant;
        }
        let mut events = self.inner.timeline(&tenant, id).await?;
        if self.is(Mutation::TimelineWithoutAccepted) && !events.is_empty() {
            events.remove(0);
        }
        let again = self.memo().written_again.get(&id).copied().unwrap_or(0);
        let last = events.last().cloned();
        events.extend(last.into_iter().cycle().take(again));
        Ok(events)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PreferenceStore for MutantStore {
    async fn load(&self, tenant: &TenantId, ids: &[RecipientId]) -> Result<Vec<Preferences>> {
        PreferenceStore::load(&*self.inner, tenant, ids).await
    }

    async fn apply(
        &self,
        tenant: &TenantId,
        change: &PreferenceChange,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        self.inner.apply(tenant, change, actor, now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RecipientResolver for MutantStore {
    async fn resolve(
        &self,
        tenant: &TenantId,
        ids: &[RecipientId],
    ) -> Result<Vec<Option<Recipient>>> {
        self.inner.resolve(tenant, ids).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl SuppressionStore for MutantStore {
    fn pepper(&self) -> Pepper {
        self.inner.pepper()
    }

    async fn suppressed(
        &self,
        tenant: &TenantId,
        asked: &[(ChannelId, AddressHash)],
    ) -> Result<Vec<Option<SuppressionScope>>> {
        self.inner.suppressed(tenant, asked).await
    }

    async fn suppress(
        &self,
        tenant: &TenantId,
        entries: &[Suppression],
        actor: &Actor,
    ) -> Result<()> {
        self.inner.suppress(tenant, entries, actor).await
    }

    async fn lift(
        &self,
        tenant: &TenantId,
        channel: &ChannelId,
        address: &AddressHash,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        self.inner.lift(tenant, channel, address, actor, now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for MutantStore {
    fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock()
    }

    fn inbox(self: Arc<Self>) -> Option<Arc<dyn InboxStore>> {
        Arc::clone(&self.inner).inbox()
    }

    fn recipients(self: Arc<Self>) -> Option<Arc<dyn RecipientStore>> {
        Arc::clone(&self.inner).recipients()
    }

    fn templates(self: Arc<Self>) -> Option<Arc<dyn TemplateStore>> {
        Arc::clone(&self.inner).templates()
    }

    fn providers(self: Arc<Self>) -> Option<Arc<dyn ProviderStore>> {
        Arc::clone(&self.inner).providers()
    }

    fn audit(self: Arc<Self>) -> Option<Arc<dyn AuditStore>> {
        Arc::clone(&self.inner).audit()
    }

    fn privacy(self: Arc<Self>) -> Option<Arc<dyn PrivacyStore>> {
        Some(self)
    }

    fn digests(self: Arc<Self>) -> Option<Arc<dyn DigestStore>> {
        Some(self)
    }

    fn feedback(self: Arc<Self>) -> Option<Arc<dyn FeedbackStore>> {
        Some(self)
    }

    fn health(self: Arc<Self>) -> Option<Arc<dyn HealthStore>> {
        Some(self)
    }

    fn schedules(self: Arc<Self>) -> Option<Arc<dyn ScheduleStore>> {
        Some(self)
    }

    async fn check(&self) -> Result<()> {
        self.inner.check().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
