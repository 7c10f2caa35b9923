//! What operators do: each action leaves an audit row in the same commit.

use std::sync::Arc;

use crate::address::Address;
use crate::audit::{Actor, AuditEntry};
use crate::delivery::Reason;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChannelId, DeliveryId, ProviderName, TenantId};
use crate::notification::SendAt;
use crate::orchestrator::schedule::{NotificationRef, Rescheduled, Schedules, reschedule};
use crate::orchestrator::{Parts, follow};
use crate::preference::{PreferenceChange, Suppression, SuppressionScope, SuppressionSource};
use crate::provider::ProviderConfig;
use crate::queue::CancelOutcome;
use crate::template::{Template, TemplateKey, TemplateStore};

/// An operator at work. Made by [`Orchestrator::as_operator`](crate::Orchestrator::as_operator).
#[derive(Debug)]
pub struct Operator {
    parts: Arc<Parts>,
    tenant: TenantId,
    actor: Actor,
}

impl Operator {
    pub(crate) const fn new(parts: Arc<Parts>, tenant: TenantId, actor: Actor) -> Self {
        Self {
            parts,
            tenant,
            actor,
        }
    }

    /// Who acts, for whom.
    pub(super) const fn acting(&self) -> (&Arc<Parts>, &TenantId, &Actor) {
        (&self.parts, &self.tenant, &self.actor)
    }

    /// Queues dead letters again, with a fresh set of attempts; answers for each whether it was one.
    ///
    /// One whose outcome was unknown may reach its recipient twice.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed: then none is requeued.
    pub async fn requeue(&self, ids: &[DeliveryId]) -> Result<Vec<bool>> {
        self.parts
            .queue
            .requeue(&self.tenant, ids, &self.actor, self.parts.clock.now())
            .await
    }

    /// Ends dead letters for good; answers for each whether it was one. Their records stay.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed: then none is purged.
    pub async fn purge(&self, ids: &[DeliveryId]) -> Result<Vec<bool>> {
        self.parts
            .queue
            .purge(&self.tenant, ids, &self.actor, self.parts.clock.now())
            .await
    }

    /// Takes deliveries back that no provider has yet, and ends dead letters for good; answers for each.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed: then none is cancelled.
    pub async fn cancel(&self, ids: &[DeliveryId]) -> Result<Vec<CancelOutcome>> {
        let now = self.parts.clock.now();
        self.parts
            .queue
            .cancel(&self.tenant, ids, Reason::Cancelled, &self.actor, now)
            .await
    }

    /// Moves a notification that is held until its time to another, as [`Orchestrator::reschedule`](crate::Orchestrator::reschedule).
    ///
    /// # Errors
    /// As there.
    pub async fn reschedule(
        &self,
        notification: impl Into<NotificationRef>,
        at: SendAt,
    ) -> Result<Vec<(DeliveryId, Rescheduled)>> {
        let which = notification.into();
        reschedule(&self.parts, &self.tenant, &which, at, &self.actor).await
    }

    /// Schedules, changed by this operator.
    #[must_use]
    pub fn schedules(&self) -> Schedules {
        let (parts, tenant) = (Arc::clone(&self.parts), self.tenant.clone());
        Schedules::new(parts, tenant, self.actor.clone())
    }

    /// Puts an address on the suppression list of a channel.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is no address.
    pub async fn suppress(
        &self,
        channel: &ChannelId,
        address: &Address,
        scope: SuppressionScope,
    ) -> Result<()> {
        address.validate()?;
        let hash = self.parts.pepper.address(address);
        let now = self.parts.clock.now();
        let entry = Suppression::new(channel.clone(), hash, scope, SuppressionSource::Manual, now);
        self.parts
            .suppressions
            .suppress(&self.tenant, &[entry], &self.actor)
            .await
    }

    /// Takes an address off the suppression list; answers whether it was on it.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed.
    pub async fn lift(&self, channel: &ChannelId, address: &Address) -> Result<bool> {
        let hash = self.parts.pepper.address(address);
        self.parts
            .suppressions
            .lift(
                &self.tenant,
                channel,
                &hash,
                &self.actor,
                self.parts.clock.now(),
            )
            .await
    }

    /// Changes a person's or the tenant's preferences.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for quiet hours that cannot be; [`ErrorKind::Storage`] if the store failed.
    pub async fn change_preferences(&self, change: &PreferenceChange) -> Result<()> {
        self.parts
            .change_preferences(&self.tenant, change, &self.actor)
            .await
    }

    /// Stores a template, after it was compiled and rendered against its sample. This process uses it from now on, every other
    /// within a second.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] if it cannot be compiled or rendered; [`ErrorKind::Conflict`] if it was changed meanwhile;
    /// [`ErrorKind::Unsupported`] if the store keeps no templates.
    pub async fn put_template(
        &self,
        template: &Template,
        expected_version: Option<u64>,
    ) -> Result<Template> {
        let store = self.templates()?;
        self.parts.cache.check(&self.tenant, template).await?;
        let stored = store
            .put(&self.tenant, template, expected_version, &self.actor)
            .await;
        self.parts.cache.refresh(&self.tenant).await;
        stored
    }

    /// Deletes a template; answers whether there was one. What was sent before, and is tried again, still says the same. This
    /// process uses it no more from now on, every other within a second.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps no templates.
    pub async fn delete_template(&self, key: &TemplateKey) -> Result<bool> {
        let store = self.templates()?;
        let deleted = store.delete(&self.tenant, key, &self.actor).await;
        self.parts.cache.refresh(&self.tenant).await;
        deleted
    }

    fn templates(&self) -> Result<Arc<dyn TemplateStore>> {
        Arc::clone(&self.parts.store)
            .templates()
            .ok_or_else(|| without("templates"))
    }

    /// Stores a provider's configuration; every process follows it within a second. Answers with its new version.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it does not validate; [`ErrorKind::Conflict`] if it was changed meanwhile;
    /// [`ErrorKind::Unsupported`] if the store keeps no providers.
    pub async fn put_provider(
        &self,
        config: &ProviderConfig,
        expected_version: u64,
    ) -> Result<u64> {
        let store = Arc::clone(&self.parts.store)
            .providers()
            .ok_or_else(|| without("providers"))?;
        let version = store
            .put_provider(
                config,
                expected_version,
                &self.actor,
                self.parts.clock.now(),
            )
            .await?;
        follow(&self.parts).await?;
        Ok(version)
    }

    /// Forgets a provider's configuration; answers whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps no providers.
    pub async fn remove_provider(&self, name: &ProviderName) -> Result<bool> {
        let store = Arc::clone(&self.parts.store)
            .providers()
            .ok_or_else(|| without("providers"))?;
        let removed = store
            .remove_provider(name, &self.actor, self.parts.clock.now())
            .await?;
        follow(&self.parts).await?;
        Ok(removed)
    }

    /// Says that a provider's credentials or account were mended: it is tried again now, in every process.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if no provider has this name.
    pub async fn mend(&self, provider: &ProviderName) -> Result<()> {
        let providers = self.parts.providers.load_full();
        let slot = providers.get(provider).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("there is no provider {provider}"),
            )
        })?;
        self.parts.mend(slot).await;
        self.parts.queue.wake();
        Ok(())
    }

    /// A page of the audit log, newest first.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps none.
    pub async fn audit_log(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditEntry>> {
        let store = Arc::clone(&self.parts.store)
            .audit()
            .ok_or_else(|| without("an audit log"))?;
        store
            .audit_log(
                &self.tenant,
                before,
                limit.min(crate::orchestrator::MAX_PAGE),
            )
            .await
    }
}

pub(crate) fn without(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the store keeps no {what}"))
}
