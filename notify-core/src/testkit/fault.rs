//! A store whose calls fail on demand: before they do anything, after they did it, or never coming back.

mod digest;
mod health;
mod privacy;
mod queue;
mod rooms;
mod schedule;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::audit::AuditStore;
use crate::delivery::DeliveryStore;
use crate::digest::DigestStore;
use crate::error::{Error, ErrorKind, Result};
use crate::inbox::InboxStore;
use crate::preference::{PreferenceStore, SuppressionStore};
use crate::privacy::PrivacyStore;
use crate::provider::{HealthStore, ProviderStore};
use crate::queue::{FeedbackStore, Queue};
use crate::recipient::{RecipientResolver, RecipientStore};
use crate::schedule::ScheduleStore;
use crate::store::Store;
use crate::template::TemplateStore;

/// Makes a call that something may happen to.
macro_rules! run {
    ($self:ident, $operation:ident, $call:expr) => {
        $self
            .run(Operation::$operation, async move { $call.await })
            .await
    };
}
use run;

/// A store whose calls fail on demand, and otherwise the store it is given.
///
/// Two ways to use it. Make one call fail that a test is about, with [`nth_of`](Self::nth_of) or
/// [`always`](Self::always). Or make the first call fail, then the second, and so on, until a run meets
/// no failure any more, and check after each run what must always hold:
///
/// ```
/// use notify_core::clock::Timestamp;
/// use notify_core::memory::MemoryStore;
/// use notify_core::testkit::{Faulty, Mishap};
/// use notify_core::{ErrorKind, PreferenceStore, Queue, TenantId};
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// for n in 1.. {
///     let store = Faulty::new(Arc::new(MemoryStore::new()));
///     store.nth(n, Mishap::Refuse(ErrorKind::Unavailable));
///     let depth = store.depth(Timestamp::EPOCH).await;
///     let loaded = PreferenceStore::load(&store, &TenantId::default(), &["ada".into()]).await;
///     assert!(depth.is_ok() || loaded.is_ok());
///     if store.mishaps() == 0 {
///         break;
///     }
/// }
/// # }
/// ```
///
/// Each of its rooms can be replaced by another one, to try a room by itself.
pub struct Faulty {
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    deliveries: Arc<dyn DeliveryStore>,
    preferences: Arc<dyn PreferenceStore>,
    resolver: Arc<dyn RecipientResolver>,
    suppressions: Arc<dyn SuppressionStore>,
    inbox: Option<Arc<dyn InboxStore>>,
    recipients: Option<Arc<dyn RecipientStore>>,
    templates: Option<Arc<dyn TemplateStore>>,
    providers: Option<Arc<dyn ProviderStore>>,
    audit: Option<Arc<dyn AuditStore>>,
    feedback: Option<Arc<dyn FeedbackStore>>,
    privacy: Option<Arc<dyn PrivacyStore>>,
    health: Option<Arc<dyn HealthStore>>,
    digests: Option<Arc<dyn DigestStore>>,
    schedules: Option<Arc<dyn ScheduleStore>>,
    plan: Mutex<Plan>,
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mishap {
    /// It does nothing and fails.
    Refuse(ErrorKind),
    /// It does what it should, and fails with [`ErrorKind::Unknown`]: the answer to a commit was lost.
    Lose,
    /// It never returns: the process hangs, or was killed.
    Hang {
        /// Whether it did what it should before.
        done: bool,
    },
}

macro_rules! operations {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// A call of a store that can fail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $(#[doc = concat!("`", $text, "`.")] $name),*
        }

        impl fmt::Display for Operation {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text),* })
            }
        }
    };
}

operations! {
    Accept = "Queue::accept",
    Advance = "Queue::advance",
    ApplyFeedback = "FeedbackStore::apply",
    ApplyPreference = "PreferenceStore::apply",
    AuditLog = "AuditStore::audit_log",
    Begin = "Queue::begin",
    Bucket = "DigestStore::bucket",
    BucketsOf = "DigestStore::buckets_of",
    BucketsOpen = "DigestStore::are_open",
    Cancel = "Queue::cancel",
    Check = "Store::check",
    Claim = "Queue::claim",
    Consents = "PrivacyStore::consents",
    DeadLetters = "Queue::dead_letters",
    DeletePartial = "TemplateStore::delete_partial",
    DeleteTemplate = "TemplateStore::delete",
    DeleteTranslations = "TemplateStore::delete_translations",
    Depth = "Queue::depth",
    Erase = "PrivacyStore::erase",
    Extend = "Queue::extend",
    FailSchedule = "ScheduleStore::fail",
    FindFeedback = "FeedbackStore::find",
    FindKey = "Queue::find_key",
    FlushDigest = "DigestStore::flush",
    FindSchedule = "ScheduleStore::find",
    ForgetFeedback = "FeedbackStore::forget",
    GetSchedule = "ScheduleStore::get",
    GetTemplate = "TemplateStore::get",
    Hasten = "Queue::hasten",
    HealthRevision = "HealthStore::health_revision",
    Healths = "HealthStore::healths",
    History = "DeliveryStore::history",
    HistoryCount = "DeliveryStore::history_count",
    InboxCounts = "InboxStore::counts",
    InboxMark = "InboxStore::mark",
    InboxMarkAll = "InboxStore::mark_all",
    InboxPage = "InboxStore::page",
    InboxPush = "InboxStore::push",
    InboxRetain = "InboxStore::retain",
    KeepFeedback = "FeedbackStore::keep",
    LiftSuppression = "SuppressionStore::lift",
    ListSuppressions = "PrivacyStore::suppressions",
    ListSchedules = "ScheduleStore::list",
    ListTemplates = "TemplateStore::list",
    LoadDeliveries = "DeliveryStore::load",
    LoadPreferences = "PreferenceStore::load",
    LoadTemplates = "TemplateStore::load_all",
    LookFeedback = "FeedbackStore::look",
    MoveHeld = "ScheduleStore::move_held",
    OfNotification = "DeliveryStore::of_notification",
    Pending = "ScheduleStore::pending",
    ProviderRevision = "ProviderStore::provider_revision",
    Providers = "ProviderStore::providers",
    PublishRelease = "TemplateStore::publish",
    Purge = "Queue::purge",
    PutHealth = "HealthStore::put_health",
    PutPartial = "TemplateStore::put_partial",
    PutProvider = "ProviderStore::put_provider",
    PutRecipients = "RecipientStore::put",
    PutTemplate = "TemplateStore::put",
    PutTranslations = "TemplateStore::put_translations",
    ReadRelease = "TemplateStore::release",
    RecheckDigest = "DigestStore::recheck",
    Reclaim = "Queue::reclaim",
    Release = "Queue::release",
    RemoveProvider = "ProviderStore::remove_provider",
    RemoveRecipients = "RecipientStore::remove",
    RemoveSchedule = "ScheduleStore::remove",
    Requeue = "Queue::requeue",
    Resolve = "RecipientResolver::resolve",
    Scrub = "PrivacyStore::scrub",
    SealDigest = "DigestStore::seal",
    Settle = "Queue::settle",
    Suppress = "SuppressionStore::suppress",
    Suppressed = "SuppressionStore::suppressed",
    Sweep = "Queue::sweep",
    SweepHealth = "HealthStore::sweep_health",
    SweepInbox = "InboxStore::sweep_inbox",
    SweepRecords = "PrivacyStore::sweep_records",
    SweepReleases = "TemplateStore::sweep_releases",
    TemplateRevision = "TemplateStore::revision",
    Timeline = "DeliveryStore::timeline",
    Usage = "Queue::usage",
    Wait = "Queue::wait",
    WriteSchedule = "ScheduleStore::write",
}

/// What is to happen, and what did.
#[derive(Default)]
struct Plan {
    planned: Vec<Planned>,
    calls: HashMap<Operation, u64>,
    total: u64,
    mishaps: u64,
}

struct Planned {
    /// `None` is any.
    operation: Option<Operation>,
    /// At which call, counted from the first of all; `None` is each.
    at: Option<u64>,
    mishap: Mishap,
}

impl Plan {
    /// Counts a call; answers with what happens to it.
    fn next(&mut self, operation: Operation) -> Option<Mishap> {
        let calls = self.calls.entry(operation).or_default();
        *calls += 1;
        // Workers wait as often as they like: that is no step of a run.
        self.total += u64::from(operation != Operation::Wait);
        let (calls, total) = (*calls, self.total);
        let due = |planned: &Planned| match planned.operation {
            Some(named) => named == operation && planned.at.is_none_or(|at| at == calls),
            None => operation != Operation::Wait && planned.at.is_none_or(|at| at == total),
        };
        let no = self.planned.iter().position(due)?;
        self.mishaps += 1;
        let mishap = self.planned[no].mishap;
        if self.planned[no].at.is_some() {
            self.planned.remove(no);
        }
        Some(mishap)
    }
}

impl Faulty {
    /// This store, all of whose calls succeed as long as nothing else is planned.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            queue: Arc::<dyn Store>::clone(&store),
            deliveries: Arc::<dyn Store>::clone(&store),
            preferences: Arc::<dyn Store>::clone(&store),
            resolver: Arc::<dyn Store>::clone(&store),
            suppressions: Arc::<dyn Store>::clone(&store),
            inbox: Arc::clone(&store).inbox(),
            recipients: Arc::clone(&store).recipients(),
            templates: Arc::clone(&store).templates(),
            providers: Arc::clone(&store).providers(),
            audit: Arc::clone(&store).audit(),
            feedback: Arc::clone(&store).feedback(),
            privacy: Arc::clone(&store).privacy(),
            health: Arc::clone(&store).health(),
            digests: Arc::clone(&store).digests(),
            schedules: Arc::clone(&store).schedules(),
            store,
            plan: Mutex::default(),
        }
    }

    /// With another queue.
    #[must_use]
    pub fn with_queue(mut self, queue: Arc<dyn Queue>) -> Self {
        self.queue = queue;
        self
    }

    /// With another read model of deliveries.
    #[must_use]
    pub fn with_deliveries(mut self, deliveries: Arc<dyn DeliveryStore>) -> Self {
        self.deliveries = deliveries;
        self
    }

    /// With other preferences.
    #[must_use]
    pub fn with_preferences(mut self, preferences: Arc<dyn PreferenceStore>) -> Self {
        self.preferences = preferences;
        self
    }

    /// With other recipients.
    #[must_use]
    pub fn with_recipients(mut self, recipients: Arc<dyn RecipientStore>) -> Self {
        self.resolver = Arc::<dyn RecipientStore>::clone(&recipients);
        self.recipients = Some(recipients);
        self
    }

    /// With other suppressions.
    #[must_use]
    pub fn with_suppressions(mut self, suppressions: Arc<dyn SuppressionStore>) -> Self {
        self.suppressions = suppressions;
        self
    }

    /// With other inboxes.
    #[must_use]
    pub fn with_inbox(mut self, inbox: Arc<dyn InboxStore>) -> Self {
        self.inbox = Some(inbox);
        self
    }

    /// With other templates.
    #[must_use]
    pub fn with_templates(mut self, templates: Arc<dyn TemplateStore>) -> Self {
        self.templates = Some(templates);
        self
    }

    /// With other provider configurations.
    #[must_use]
    pub fn with_providers(mut self, providers: Arc<dyn ProviderStore>) -> Self {
        self.providers = Some(providers);
        self
    }

    /// With another audit log.
    #[must_use]
    pub fn with_audit(mut self, audit: Arc<dyn AuditStore>) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Something happens to the `n`-th call from now, whichever it is; 1 is the next one.
    /// Calls of [`Queue::wait`] do not count.
    pub fn nth(&self, n: u64, mishap: Mishap) {
        let mut plan = self.plan();
        let at = Some(plan.total + n);
        plan.planned.push(Planned {
            operation: None,
            at,
            mishap,
        });
    }

    /// Something happens to the `n`-th call of this operation from now; 1 is the next one.
    pub fn nth_of(&self, operation: Operation, n: u64, mishap: Mishap) {
        let mut plan = self.plan();
        let at = Some(plan.calls.get(&operation).copied().unwrap_or(0) + n);
        plan.planned.push(Planned {
            operation: Some(operation),
            at,
            mishap,
        });
    }

    /// Something happens to every call of this operation, until [`heal`](Self::heal).
    pub fn always(&self, operation: Operation, mishap: Mishap) {
        self.plan().planned.push(Planned {
            operation: Some(operation),
            at: None,
            mishap,
        });
    }

    /// Something happens to every call but [`Queue::wait`], until [`heal`](Self::heal).
    pub fn always_any(&self, mishap: Mishap) {
        self.plan().planned.push(Planned {
            operation: None,
            at: None,
            mishap,
        });
    }

    /// Nothing is planned any more. Calls that hang go on hanging.
    pub fn heal(&self) {
        self.plan().planned.clear();
    }

    /// How many calls were made, without those of [`Queue::wait`].
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.plan().total
    }

    /// How many calls of this operation were made.
    #[must_use]
    pub fn calls_of(&self, operation: Operation) -> u64 {
        self.plan().calls.get(&operation).copied().unwrap_or(0)
    }

    /// To how many calls something happened.
    #[must_use]
    pub fn mishaps(&self) -> u64 {
        self.plan().mishaps
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call, and lets happen to it what is planned.
    async fn run<T: Send>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let planned = self.plan().next(operation);
        match planned {
            None => call.await,
            Some(Mishap::Refuse(kind)) => {
                drop(call);
                Err(Error::new(kind, format!("{operation} was told to fail")))
            }
            Some(Mishap::Lose) => {
                let _ = call.await;
                let why = format!("{operation} was told to lose its answer");
                Err(Error::new(ErrorKind::Unknown, why))
            }
            Some(Mishap::Hang { done }) => {
                if done {
                    let _ = call.await;
                }
                std::future::pending().await
            }
        }
    }
}

/// The room, or the error of a store that has none.
fn room<T: ?Sized>(room: Option<&Arc<T>>) -> Result<&T> {
    let missing = || Error::new(ErrorKind::Unsupported, "the store has no such room");
    room.map(Arc::as_ref).ok_or_else(missing)
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
