//! Keeps the engines of every tenant, and follows changes of the store without a restart.

use arc_swap::ArcSwapOption;
use quick_cache::sync::Cache;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync;

use crate::clock::{Clock, Monotonic};
use crate::error::{Error, ErrorKind, Result};
use crate::id::TenantId;
use crate::template::engine::Engine;
use crate::template::model::Template;
use crate::template::options::CacheOptions;
use crate::template::release::{Release, ReleaseId};
use crate::template::set::TemplateSet;
use crate::template::store::TemplateStore;

/// How often a release that is in use is published again, so that stores see that it is. A store keeps it far longer than this.
const PUBLISH_AGAIN: Duration = Duration::from_secs(86_400);

/// The engines of all tenants: the templates of files, with those of the store laid over them.
///
/// [`current`](Self::current) only reads: planning needs no more, and may happen while a transaction of the application is open
/// that every write would wait for. What a delivery is to be pinned to comes from [`pinnable`](Self::pinnable), which publishes it
/// first, so that every host can render it. When the store fails, the engine that is there serves on. Reads are without locks; one
/// caller at a time reloads a tenant, and the others do not wait for it.
///
/// ```
/// use notify_core::clock::SystemClock;
/// use notify_core::template::{CacheOptions, Template, TemplateCache, Templates};
/// use notify_core::TenantId;
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> notify_core::Result<()> {
/// let files = Templates::new().add(Template::new("hello", "sms", "en").with_part("text", "Hi"));
/// let cache = TemplateCache::new(files, None, Arc::new(SystemClock::new()), CacheOptions::new())?;
/// let engine = cache.current(&TenantId::default()).await?;
/// assert!(engine.contains(&"hello".into()));
/// # Ok(())
/// # }
/// ```
pub struct TemplateCache {
    files: Arc<Release>,
    base: Arc<Engine>,
    store: Option<Arc<dyn TemplateStore>>,
    clock: Arc<dyn Clock>,
    options: CacheOptions,
    tenants: Cache<TenantId, Arc<Slot>>,
}

/// What is kept for one tenant.
#[derive(Default)]
struct Slot {
    current: ArcSwapOption<Current>,
    /// The most recent first.
    releases: Mutex<VecDeque<Arc<Engine>>>,
    /// Held by the one caller that reloads; what is in it is why the last one failed.
    reloading: sync::Mutex<Option<Failure>>,
    /// Held by the one caller that loads a release, or publishes one.
    pinning: sync::Mutex<()>,
}

/// A tenant's templates as they are now.
#[derive(Clone)]
struct Current {
    engine: Arc<Engine>,
    /// What the engine was compiled from.
    release: Arc<Release>,
    publishing: Arc<Mutex<Publishing>>,
    revision: u64,
    checked: Monotonic,
}

/// Whether a release is published.
#[derive(Default)]
struct Publishing {
    /// When this process published it last.
    at: Option<Monotonic>,
    /// Why it could not, the last time.
    failure: Option<Failure>,
}

impl Current {
    fn publishing(&self) -> MutexGuard<'_, Publishing> {
        self.publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

struct Failure {
    at: Monotonic,
    kind: ErrorKind,
    message: String,
}

impl Failure {
    fn new(error: &Error, at: Monotonic) -> Self {
        Self {
            at,
            kind: error.kind(),
            message: error.to_string(),
        }
    }

    /// The error again, for those who come within this time.
    fn within(&self, time: Duration, now: Monotonic) -> Option<Error> {
        (now.since(self.at) < time).then(|| Error::new(self.kind, self.message.as_str()))
    }
}

impl TemplateCache {
    /// A cache of these files, and of what the store holds.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] if the files do not compile.
    pub fn new(
        files: TemplateSet,
        store: Option<Arc<dyn TemplateStore>>,
        clock: Arc<dyn Clock>,
        options: CacheOptions,
    ) -> Result<Self> {
        let base = Arc::new(Engine::compile_within(&files, &options.limits)?);
        let tenants = Cache::new(options.tenants.max(1));
        Ok(Self {
            files: Arc::new(Release::of(files)),
            base,
            store,
            clock,
            options,
            tenants,
        })
    }

    /// The engine of the files alone.
    #[must_use]
    pub const fn files(&self) -> &Arc<Engine> {
        &self.base
    }

    /// The engine for new notifications of a tenant. Writes nothing.
    ///
    /// # Errors
    /// What the store failed with, if this tenant's templates were never read; they are asked for
    /// again after [`CacheOptions::poll`]. [`ErrorKind::Unavailable`] if it did not answer in time.
    pub async fn current(&self, tenant: &TenantId) -> Result<Arc<Engine>> {
        let Some(store) = &self.store else {
            return Ok(Arc::clone(&self.base));
        };
        let current = self.load_current(store, tenant, &self.slot(tenant)).await?;
        Ok(Arc::clone(&current.engine))
    }

    /// The same engine, once its release is published: whatever is pinned to it can be rendered by every host. Publishes once a
    /// day at most.
    ///
    /// # Errors
    /// As [`current`](Self::current), and what publishing failed with. A release that was published before serves on.
    pub async fn pinnable(&self, tenant: &TenantId) -> Result<Arc<Engine>> {
        let Some(store) = &self.store else {
            return Ok(Arc::clone(&self.base));
        };
        let slot = self.slot(tenant);
        let current = self.load_current(store, tenant, &slot).await?;
        if !self.is_published(&current) {
            let _pinning = slot.pinning.lock().await;
            if !self.is_published(&current) {
                self.publish(store, tenant, &current).await?;
            }
        }
        Ok(Arc::clone(&current.engine))
    }

    /// Reads a tenant's templates now, if they changed: what this process has just stored is used from the next call on.
    ///
    /// If they cannot be read, the old ones serve on until the next poll.
    pub async fn refresh(&self, tenant: &TenantId) {
        let Some(store) = &self.store else {
            return;
        };
        let slot = self.slot(tenant);
        // Whoever reloads now may have read the revision before the change.
        let _reloading = slot.reloading.lock().await;
        if let Some(current) = slot.current.load_full() {
            self.reload(store, tenant, &slot, &current).await;
        }
    }

    /// The engine of a release that a delivery is pinned to, loaded from the store if it must be.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the tenant never published it, [`ErrorKind::Corrupt`] if what the
    /// store holds is not what was published; otherwise what the store failed with.
    pub async fn release(&self, tenant: &TenantId, id: ReleaseId) -> Result<Arc<Engine>> {
        if self.base.release() == id {
            return Ok(Arc::clone(&self.base));
        }
        let unknown = || {
            Error::new(
                ErrorKind::NotFound,
                format!("template release {id} is not known"),
            )
        };
        let store = self.store.as_ref().ok_or_else(unknown)?;
        let slot = self.slot(tenant);
        if let Some(engine) = slot.kept(id) {
            return Ok(engine);
        }
        let _pinning = slot.pinning.lock().await;
        if let Some(engine) = slot.kept(id) {
            return Ok(engine);
        }
        let set = self
            .in_time(store.release(tenant, id))
            .await?
            .ok_or_else(unknown)?;
        if set.release_id() != id {
            let text = format!("template release {id} is not what was published under that name");
            return Err(Error::new(ErrorKind::Corrupt, text));
        }
        let engine = self.compile(set).await?;
        slot.keep(&engine, self.options.releases);
        Ok(engine)
    }

    /// Checks a template before it is saved, with the tenant's partials and translations and those of the files.
    ///
    /// # Errors
    /// As [`Engine::check`], and what the store failed with.
    pub async fn check(&self, tenant: &TenantId, template: &Template) -> Result<()> {
        let limits = &self.options.limits;
        match &self.store {
            Some(store) => {
                let stored = self.in_time(store.load_all(tenant)).await?;
                Engine::check_within(template, &self.files.set().overlaid(&stored), limits)
            }
            None => Engine::check_within(template, self.files.set(), limits),
        }
    }

    /// A tenant's templates, read if they never were or the poll is due.
    async fn load_current(
        &self,
        store: &Arc<dyn TemplateStore>,
        tenant: &TenantId,
        slot: &Slot,
    ) -> Result<Arc<Current>> {
        let Some(current) = slot.current.load_full() else {
            return self.first(store, tenant, slot).await;
        };
        let is_fresh = self.clock.monotonic().since(current.checked) < self.options.poll;
        if !is_fresh && let Ok(_reloading) = slot.reloading.try_lock() {
            return Ok(self.reload(store, tenant, slot, &current).await);
        }
        Ok(current)
    }

    fn is_published(&self, current: &Current) -> bool {
        let now = self.clock.monotonic();
        let at = current.publishing().at;
        at.is_some_and(|at| now.since(at) < PUBLISH_AGAIN)
    }

    /// Publishes a release, unless that just failed.
    async fn publish(
        &self,
        store: &Arc<dyn TemplateStore>,
        tenant: &TenantId,
        current: &Current,
    ) -> Result<()> {
        let now = self.clock.monotonic();
        let (was_published, failed) = {
            let publishing = current.publishing();
            let last = publishing.failure.as_ref();
            let failed = last.and_then(|last| last.within(self.options.poll, now));
            (publishing.at.is_some(), failed)
        };
        let result = match failed {
            Some(error) => Err(error),
            None => self.in_time(store.publish(tenant, &current.release)).await,
        };
        let now = self.clock.monotonic();
        let mut publishing = current.publishing();
        match result {
            Ok(()) => {
                *publishing = Publishing {
                    at: Some(now),
                    failure: None,
                };
                Ok(())
            }
            // It is there; only that it is still in use is not known for another while.
            Err(error) if was_published => {
                tracing::warn!(%tenant, %error, "a template release cannot be published again; going on");
                publishing.at = Some(now);
                Ok(())
            }
            Err(error) => {
                let is_new = publishing
                    .failure
                    .as_ref()
                    .is_none_or(|last| last.within(self.options.poll, now).is_none());
                if is_new {
                    publishing.failure = Some(Failure::new(&error, now));
                }
                Err(error)
            }
        }
    }

    fn slot(&self, tenant: &TenantId) -> Arc<Slot> {
        let made = self
            .tenants
            .get_or_insert_with(tenant, || Ok::<_, Infallible>(Arc::default()));
        match made {
            Ok(slot) => slot,
            Err(never) => match never {},
        }
    }

    /// Loads a tenant's templates for the first time. Whoever comes meanwhile waits for it.
    async fn first(
        &self,
        store: &Arc<dyn TemplateStore>,
        tenant: &TenantId,
        slot: &Slot,
    ) -> Result<Arc<Current>> {
        let mut failure = slot.reloading.lock().await;
        if let Some(current) = slot.current.load_full() {
            return Ok(current);
        }
        let now = self.clock.monotonic();
        let last = failure.as_ref();
        if let Some(error) = last.and_then(|last| last.within(self.options.poll, now)) {
            return Err(error);
        }
        match self.load(store, tenant, slot, None).await {
            Ok(current) => {
                *failure = None;
                Ok(current)
            }
            Err(error) => {
                *failure = Some(Failure::new(&error, self.clock.monotonic()));
                Err(error)
            }
        }
    }

    /// Reads what has changed. What cannot be read is as it was.
    async fn reload(
        &self,
        store: &Arc<dyn TemplateStore>,
        tenant: &TenantId,
        slot: &Slot,
        current: &Current,
    ) -> Arc<Current> {
        match self.load(store, tenant, slot, Some(current)).await {
            Ok(current) => current,
            Err(error) => {
                tracing::warn!(%tenant, %error, "templates cannot be reloaded; the old ones serve on");
                metrics::counter!("notifications_template_reloads_total", "result" => "failed")
                    .increment(1);
                let checked = self.clock.monotonic();
                slot.set(Current {
                    checked,
                    ..current.clone()
                })
            }
        }
    }

    async fn load(
        &self,
        store: &Arc<dyn TemplateStore>,
        tenant: &TenantId,
        slot: &Slot,
        current: Option<&Current>,
    ) -> Result<Arc<Current>> {
        // The revision is read first: a change between the two reads is met again by the next poll.
        let revision = self.in_time(store.revision(tenant)).await?;
        if let Some(current) = current.filter(|current| current.revision == revision) {
            let checked = self.clock.monotonic();
            return Ok(slot.set(Current {
                checked,
                ..current.clone()
            }));
        }
        let stored = self.in_time(store.load_all(tenant)).await?;
        let release = if stored.is_empty() {
            Arc::clone(&self.files)
        } else {
            Arc::new(Release::of(self.files.set().overlaid(&stored)))
        };
        let engine = if release.id() == self.base.release() {
            Arc::clone(&self.base)
        } else if let Some(engine) = slot.kept(release.id()) {
            engine
        } else {
            self.compile(release.set().clone()).await?
        };
        for fault in engine.faults() {
            tracing::error!(%tenant, fault, "a stored template cannot be used");
        }
        slot.keep(&engine, self.options.releases);
        metrics::counter!("notifications_template_reloads_total", "result" => "changed")
            .increment(1);
        Ok(slot.set(Current {
            engine,
            release,
            publishing: Arc::default(),
            revision,
            checked: self.clock.monotonic(),
        }))
    }

    /// Compiles away from the tasks that send: a large set takes a second.
    async fn compile(&self, set: TemplateSet) -> Result<Arc<Engine>> {
        let limits = self.options.limits;
        let compile = move || Arc::new(Engine::compile_all(&set, &limits));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(compile).await.map_err(|e| {
                Error::new(ErrorKind::Unexpected, "compiling templates did not finish").source(e)
            }),
            Err(_) => Ok(compile()),
        }
    }

    /// What a call of the store gives, unless it takes too long.
    async fn in_time<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            result = call => result,
            () = self.clock.sleep(self.options.patience) => {
                Err(Error::new(ErrorKind::Unavailable, "the template store did not answer in time"))
            }
        }
    }
}

impl Slot {
    fn set(&self, current: Current) -> Arc<Current> {
        let current = Arc::new(current);
        self.current.store(Some(Arc::clone(&current)));
        current
    }

    /// A release that is kept; it becomes the most recent.
    fn kept(&self, id: ReleaseId) -> Option<Arc<Engine>> {
        let mut releases = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        let at = releases.iter().position(|engine| engine.release() == id)?;
        let engine = releases.remove(at)?;
        releases.push_front(Arc::clone(&engine));
        Some(engine)
    }

    fn keep(&self, engine: &Arc<Engine>, most: usize) {
        if self.kept(engine.release()).is_some() {
            return;
        }
        let mut releases = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        releases.push_front(Arc::clone(engine));
        // One more for the current one, which is kept here too.
        releases.truncate(most + 1);
    }
}

impl fmt::Debug for TemplateCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateCache")
            .field("files", &self.base)
            .field("store", &self.store)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
