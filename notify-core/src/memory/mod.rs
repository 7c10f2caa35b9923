//! Every store in memory, in one process: for tests, for trying things out, and for applications that can afford to forget.
//!
//! Passes the same conformance suites as the SQL stores. What it holds ends with its last handle.

mod audit;
mod delivery;
mod health;
mod inbox;
mod preference;
mod privacy;
mod provider;
mod queue;
mod recipient;
mod schedule;
mod suppression;
mod template;

use async_trait::async_trait;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

use crate::audit::AuditStore;
use crate::clock::{Clock, Entropy, SeededEntropy, SystemClock};
use crate::digest::DigestStore;
use crate::error::Result;
use crate::inbox::InboxStore;
use crate::preference::Pepper;
use crate::privacy::PrivacyStore;
use crate::provider::{HealthStore, ProviderStore};
use crate::queue::FeedbackStore;
use crate::recipient::RecipientStore;
use crate::schedule::ScheduleStore;
use crate::store::Store;
use crate::template::TemplateStore;

/// Every store in memory. Clones share what they hold.
///
/// ```
/// use notify_core::memory::MemoryStore;
/// use notify_core::{Recipient, RecipientResolver, TenantId, audit::Actor, recipient::RecipientStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> notify_core::Result<()> {
/// let store = MemoryStore::new();
/// let ada = Recipient::new("ada").with_email("ada@example.com");
/// store.put(&TenantId::default(), &[ada], &Actor::Application).await?;
/// let found = store.resolve(&TenantId::default(), &["ada".into()]).await?;
/// assert!(found[0].is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    wake: Notify,
    pepper: Pepper,
    /// Which database issued a stamp.
    id: u128,
}

/// All tables, behind one lock: one call is one commit.
#[derive(Default)]
struct State {
    audit: audit::Table,
    health: health::Table,
    inbox: inbox::Tables,
    preferences: preference::Tables,
    providers: provider::Table,
    queue: queue::Tables,
    recipients: recipient::Table,
    schedules: schedule::Table,
    suppressions: suppression::Table,
    templates: template::Tables,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store by the host's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock::new()))
    }

    /// An empty store by this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let entropy = SeededEntropy::random();
        let mut secret = [0; 32];
        for chunk in secret.chunks_exact_mut(8) {
            chunk.copy_from_slice(&entropy.next_u64().to_le_bytes());
        }
        let id = (u128::from(entropy.next_u64()) << 64) | u128::from(entropy.next_u64());
        let shared = Shared {
            state: Mutex::default(),
            clock,
            wake: Notify::new(),
            pepper: Pepper::new(&secret),
            id,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The lock on all tables. A panic while it was held cannot have left them half written in a way that matters: tables are changed
    /// only after everything that can fail has been checked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.shared.clock)
    }

    fn inbox(self: Arc<Self>) -> Option<Arc<dyn InboxStore>> {
        Some(self)
    }

    fn recipients(self: Arc<Self>) -> Option<Arc<dyn RecipientStore>> {
        Some(self)
    }

    fn templates(self: Arc<Self>) -> Option<Arc<dyn TemplateStore>> {
        Some(self)
    }

    fn providers(self: Arc<Self>) -> Option<Arc<dyn ProviderStore>> {
        Some(self)
    }

    fn audit(self: Arc<Self>) -> Option<Arc<dyn AuditStore>> {
        Some(self)
    }

    fn feedback(self: Arc<Self>) -> Option<Arc<dyn FeedbackStore>> {
        Some(self)
    }

    fn privacy(self: Arc<Self>) -> Option<Arc<dyn PrivacyStore>> {
        Some(self)
    }

    fn health(self: Arc<Self>) -> Option<Arc<dyn HealthStore>> {
        Some(self)
    }

    fn digests(self: Arc<Self>) -> Option<Arc<dyn DigestStore>> {
        Some(self)
    }

    fn schedules(self: Arc<Self>) -> Option<Arc<dyn ScheduleStore>> {
        Some(self)
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) {}
}
