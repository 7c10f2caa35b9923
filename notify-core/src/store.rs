//! What `Orchestrator::builder` takes: one value that holds every room of storage.

use async_trait::async_trait;
use std::sync::Arc;

use crate::audit::AuditStore;
use crate::clock::Clock;
use crate::delivery::DeliveryStore;
use crate::digest::DigestStore;
use crate::error::Result;
use crate::id::{RecipientId, TenantId};
use crate::inbox::InboxStore;
use crate::preference::{PreferenceStore, Preferences, SuppressionStore};
use crate::privacy::PrivacyStore;
use crate::provider::{HealthStore, ProviderStore};
use crate::queue::{Acceptance, Accepted, FeedbackStore, Queue};
use crate::recipient::{Recipient, RecipientResolver, RecipientStore};
use crate::schedule::ScheduleStore;
use crate::template::TemplateStore;

/// Everything a notification system keeps, in one database.
///
/// Required rooms are supertraits. Further rooms are accessors with a default, so that a new one breaks no implementation; a builder
/// that is given something that needs a missing room says so.
#[async_trait]
pub trait Store:
    Queue + DeliveryStore + PreferenceStore + RecipientResolver + SuppressionStore
{
    /// The clock by which this store's times are told. A store shared by several hosts follows its database's clock.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Inboxes.
    fn inbox(self: Arc<Self>) -> Option<Arc<dyn InboxStore>> {
        None
    }

    /// Recipients that can be changed.
    fn recipients(self: Arc<Self>) -> Option<Arc<dyn RecipientStore>> {
        None
    }

    /// Templates that can be changed while the system runs.
    fn templates(self: Arc<Self>) -> Option<Arc<dyn TemplateStore>> {
        None
    }

    /// Provider configurations that can be changed while the system runs.
    fn providers(self: Arc<Self>) -> Option<Arc<dyn ProviderStore>> {
        None
    }

    /// The audit log.
    fn audit(self: Arc<Self>) -> Option<Arc<dyn AuditStore>> {
        None
    }

    /// What vendors report: state and timeline of deliveries, of the same database as the queue.
    fn feedback(self: Arc<Self>) -> Option<Arc<dyn FeedbackStore>> {
        None
    }

    /// One person's data in all rooms of this database.
    fn privacy(self: Arc<Self>) -> Option<Arc<dyn PrivacyStore>> {
        None
    }

    /// What is known of providers that are not well, for all processes. Without it each process learns by itself, and anew.
    fn health(self: Arc<Self>) -> Option<Arc<dyn HealthStore>> {
        None
    }

    /// What gathers until it leaves as one message, of the same database as the queue.
    fn digests(self: Arc<Self>) -> Option<Arc<dyn DigestStore>> {
        None
    }

    /// Schedules, and what is held until its time: of the same database as the queue.
    fn schedules(self: Arc<Self>) -> Option<Arc<dyn ScheduleStore>> {
        None
    }

    /// Writes and reads something small: whether the store works now.
    ///
    /// # Errors
    /// The error that a `send` would meet.
    async fn check(&self) -> Result<()>;

    /// Finishes what is under way and lets go of the database. Later calls fail.
    async fn close(&self);
}

/// Reads and accepts inside the application's own transaction: its commit sends, its rollback sends nothing.
///
/// A SQL store makes one with `store.within(&mut tx)`. What the transaction wrote before is seen by the reads.
#[async_trait]
pub trait Transaction: Send {
    /// Looks recipients up, as [`RecipientResolver::resolve`] does.
    ///
    /// # Errors
    /// As there.
    async fn resolve(
        &mut self,
        tenant: &TenantId,
        ids: &[RecipientId],
    ) -> Result<Vec<Option<Recipient>>>;

    /// Reads preferences, as [`PreferenceStore::load`] does.
    ///
    /// # Errors
    /// As there.
    async fn preferences(
        &mut self,
        tenant: &TenantId,
        ids: &[RecipientId],
    ) -> Result<Vec<Preferences>>;

    /// Writes notifications, as [`Queue::accept`] does. Handoffs are dropped: nothing is lent before the caller's commit.
    ///
    /// # Errors
    /// As there.
    async fn accept(&mut self, batch: Vec<Acceptance>) -> Result<Vec<Accepted>>;
}

/// Wraps the store's queue, for brokers that carry claimed leases between hosts. A broker cannot replace it: the rows stay the truth.
pub trait QueueLayer {
    /// The wrapped queue.
    fn layer(self, inner: Arc<dyn Queue>) -> Arc<dyn Queue>;
}

impl<F: FnOnce(Arc<dyn Queue>) -> Arc<dyn Queue>> QueueLayer for F {
    fn layer(self, inner: Arc<dyn Queue>) -> Arc<dyn Queue> {
        self(inner)
    }
}

fn _object_safe(_: &dyn Store, _: &dyn Transaction) {}
