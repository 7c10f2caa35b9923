//! How providers are, between processes: what this one learns is written, what others learned is taken over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync;

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{OwnerId, ProviderName};
use crate::observer::Event;
use crate::orchestrator::guard::Guard;
use crate::orchestrator::parts::Parts;
use crate::orchestrator::providers::{ProviderSet, ProviderSlot};
use crate::provider::{
    BreakerChange, BreakerSnapshot, BreakerState, Drift, HealthPut, HealthStore, ProviderConfig,
    ProviderHealth, Scope, Warmup,
};
use crate::rate_limiter::Quota;

/// How long the store may take before a call goes on without it.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a write that met another is tried at once; later it is tried each second.
const TRIES: usize = 3;

/// For how long what nobody changes is kept: of providers that are not used any more. Longer than any wait that a provider can ask for.
const KEPT: Duration = Duration::from_secs(2 * 86_400);

/// What links this process's breakers with those of the others.
#[derive(Debug)]
pub(crate) struct Vigil {
    store: Option<Arc<dyn HealthStore>>,
    me: OwnerId,
    seen: Mutex<Option<(u64, Arc<ProviderSet>)>>,
    drift: Drift,
    /// The senders that are warmed up.
    warmups: sync::Mutex<Vec<Sender>>,
}

/// A sender that is warmed up.
#[derive(Debug)]
struct Sender {
    provider: ProviderName,
    warmup: Warmup,
    /// Whether a limit of the day was set, and which.
    set: Option<Option<Quota>>,
}

/// Whether this process may try a provider out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Yes: nobody else does.
    Mine,
    /// Not before then.
    Wait(Timestamp),
}

impl Vigil {
    pub(crate) fn new(
        store: Option<Arc<dyn HealthStore>>,
        me: OwnerId,
        drift: Drift,
        warmups: Vec<(ProviderName, Warmup)>,
    ) -> Self {
        let warmups = warmups.into_iter().map(|(provider, warmup)| Sender {
            provider,
            warmup,
            set: None,
        });
        Self {
            store,
            me,
            seen: Mutex::new(None),
            drift,
            warmups: sync::Mutex::new(warmups.collect()),
        }
    }
}

impl Vigil {
    /// The limits of configured providers were set anew: those of warm-ups go over them again.
    pub(crate) async fn limits_were_set(&self) {
        for sender in &mut *self.warmups.lock().await {
            sender.set = None;
        }
    }
}

async fn in_time<T>(clock: &dyn Clock, call: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        answer = call => answer,
        () = clock.sleep(PATIENCE) => Err(Error::new(ErrorKind::Unavailable, "the store took too long")),
    }
}

impl Parts {
    /// Asks for the one call by which a provider is tried out, of all processes. Where none is kept with the store, this one may.
    pub(crate) async fn probe(&self, slot: &ProviderSlot, guard: &Guard) -> Probe {
        let (now, wall) = (self.clock.monotonic(), self.clock.now());
        let soon = Probe::Wait(wall + PATIENCE);
        if !guard.breaker().needs_probe(now) {
            return Probe::Mine;
        }
        let Some(store) = &self.vigil.store else {
            return Probe::Mine;
        };
        let Ok(_writing) = guard.writing.try_lock() else {
            return soon;
        };
        let lasts = guard.breaker().probe_time();
        let relapses = guard.breaker().snapshot(now, wall).relapses;
        let permit = BreakerSnapshot::probe(wall + lasts, relapses);
        for _ in 0..TRIES {
            let known = guard.version();
            let health = self.record(slot, guard, permit.clone(), wall);
            match in_time(&*self.clock, store.put_health(&health, known)).await {
                Ok(HealthPut::Written(version)) => {
                    guard.wrote(version, permit);
                    return Probe::Mine;
                }
                // An answer that was lost, or what this process said before it changed its mind.
                Ok(HealthPut::Changed(Some(other)))
                    if other.by == self.vigil.me || slot.is_older(&other) =>
                {
                    guard.replaces(other.version);
                }
                Ok(HealthPut::Changed(other)) => {
                    let change = guard.adopt(other.as_ref(), now, wall);
                    self.breaker_changed(slot, guard, change);
                    return match guard.breaker().state() {
                        BreakerState::HalfOpen | BreakerState::Closed => Probe::Mine,
                        state => Probe::Wait(state.until().map_or(wall + PATIENCE, |until| {
                            wall + until.since(now).max(Duration::from_millis(1))
                        })),
                    };
                }
                Err(error) => {
                    tracing::warn!(provider = %slot.name(), error = %error, "cannot ask whether another process tries the provider out; it waits");
                    return soon;
                }
            }
        }
        soon
    }

    /// Writes what this process learned of a provider, if it is news. What cannot be written now is tried again by housekeeping.
    pub(crate) async fn publish(&self, slot: &ProviderSlot, guard: &Guard) {
        let Some(store) = &self.vigil.store else {
            return;
        };
        if guard
            .unwritten(self.clock.monotonic(), self.clock.now())
            .is_none()
        {
            return;
        }
        // Who writes now looks again afterwards: nobody waits behind a store that hangs.
        let Ok(_writing) = guard.writing.try_lock() else {
            return;
        };
        for _ in 0..TRIES {
            let (now, wall) = (self.clock.monotonic(), self.clock.now());
            let Some((own, known)) = guard.unwritten(now, wall) else {
                return;
            };
            let health = self.record(slot, guard, own.clone(), wall);
            match in_time(&*self.clock, store.put_health(&health, known)).await {
                Ok(HealthPut::Written(version)) => guard.wrote(version, own),
                Ok(HealthPut::Changed(None)) => guard.replaces(0),
                Ok(HealthPut::Changed(Some(other)))
                    if slot.is_older(&other)
                        || other.by == self.vigil.me
                        || own.outweighs(&other.breaker, wall) =>
                {
                    guard.replaces(other.version);
                }
                Ok(HealthPut::Changed(other)) => {
                    let change = guard.adopt(other.as_ref(), now, wall);
                    self.breaker_changed(slot, guard, change);
                    return;
                }
                Err(error) => {
                    tracing::warn!(provider = %slot.name(), error = %error, "cannot write how the provider is; trying again");
                    return;
                }
            }
        }
    }

    /// An operator said that a provider was mended: it is tried again now, in every process.
    pub(crate) async fn mend(&self, slot: &ProviderSlot) {
        for guard in slot.guards.all() {
            let change = guard.breaker().mend(self.clock.monotonic());
            guard.mended();
            self.breaker_changed(slot, &guard, change);
            self.publish(slot, &guard).await;
        }
    }

    fn record(
        &self,
        slot: &ProviderSlot,
        guard: &Guard,
        breaker: BreakerSnapshot,
        wall: Timestamp,
    ) -> ProviderHealth {
        let scope = guard.scope.clone();
        ProviderHealth::new(slot.name().clone(), scope, breaker, wall, self.vigil.me)
    }

    /// Tells a change of a breaker.
    pub(crate) fn breaker_changed(
        &self,
        slot: &ProviderSlot,
        guard: &Guard,
        change: Option<BreakerChange>,
    ) {
        let Some(change) = change else { return };
        let scope = guard.scope.as_ref().map(tracing::field::display);
        match change.to {
            BreakerState::Config { .. } => tracing::warn!(
                provider = %slot.name(), scope,
                "the provider refuses our credentials or account: its deliveries wait until an operator says that it was mended"
            ),
            to => {
                tracing::warn!(provider = %slot.name(), scope, from = change.from.as_str(), to = to.as_str(), "breaker changed");
            }
        }
        metrics::counter!("notifications_breaker_changes_total", "provider" => slot.name().to_string()).increment(1);
        self.hub.tell(Event::Breaker {
            provider: slot.name().clone(),
            scope: guard.scope.clone(),
            state: change.to,
        });
    }
}

/// Looks after providers: shares, the limits of senders that are warmed up, and what other processes learned.
///
/// # Errors
/// An error of the store or the rate limiter; what is known here goes on.
pub(crate) async fn watch(parts: &Parts) -> Result<()> {
    let now = parts.clock.monotonic();
    parts.providers.load().drift(&parts.vigil.drift, now);
    warm_up(parts).await?;
    exchange(parts).await
}

/// Sets the limits of a new day.
async fn warm_up(parts: &Parts) -> Result<()> {
    let now = parts.clock.now();
    for sender in &mut *parts.vigil.warmups.lock().await {
        let name = &sender.provider;
        let usual = || parts.providers.load().get(name).and_then(|slot| slot.daily);
        let quota = sender.warmup.quota(now).or_else(usual);
        if sender.set != Some(quota) {
            let [_, day] = ProviderConfig::quota_keys(name);
            parts.limiter.set_quota(&day, quota, now).await?;
            sender.set = Some(quota);
        }
    }
    Ok(())
}

/// Takes over what other processes learned of providers, and writes what could not be written before.
///
/// # Errors
/// An error of the store; what is known here goes on.
async fn exchange(parts: &Parts) -> Result<()> {
    let Some(store) = &parts.vigil.store else {
        return Ok(());
    };
    let providers = parts.providers.load_full();
    let revision = store.health_revision().await?;
    let is_seen =
        |seen: &(u64, Arc<ProviderSet>)| seen.0 == revision && Arc::ptr_eq(&seen.1, &providers);
    let is_new = {
        let seen = parts
            .vigil
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        !seen.as_ref().is_some_and(is_seen)
    };
    if is_new {
        let found: BTreeMap<_, _> = store
            .healths()
            .await?
            .into_iter()
            .map(|health| ((health.provider.clone(), health.scope.clone()), health))
            .collect();
        if take_over(parts, &providers, &found, revision) {
            *parts
                .vigil
                .seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some((revision, Arc::clone(&providers)));
        }
    }
    for slot in providers.slots() {
        for guard in slot.guards.all() {
            parts.publish(slot, &guard).await;
        }
    }
    Ok(())
}

/// What is stored, by what it is about.
type Found = BTreeMap<(ProviderName, Option<Scope>), ProviderHealth>;

/// Takes over what was read at least as new as this revision; answers whether that was all of it.
fn take_over(parts: &Parts, providers: &ProviderSet, found: &Found, revision: u64) -> bool {
    let (now, wall) = (parts.clock.monotonic(), parts.clock.now());
    let mut is_all = true;
    for ((name, scope), health) in found {
        let Some(slot) = providers.get(name).filter(|slot| !slot.is_older(health)) else {
            continue;
        };
        let guard = slot.guards.of(scope.as_ref());
        // Somebody writes: what is read here may be from before.
        let Ok(_writing) = guard.writing.try_lock() else {
            is_all = false;
            continue;
        };
        if health.by != parts.vigil.me && guard.version() < health.version {
            let change = guard.adopt(Some(health), now, wall);
            parts.breaker_changed(slot, &guard, change);
        }
    }
    for slot in providers.slots() {
        for guard in slot.guards.all() {
            let key = (slot.name().clone(), guard.scope.clone());
            let Ok(_writing) = guard.writing.try_lock() else {
                is_all = false;
                continue;
            };
            // What was written after the reading is not missing.
            if !found.contains_key(&key) && (1..=revision).contains(&guard.version()) {
                let change = guard.adopt(None, now, wall);
                parts.breaker_changed(slot, &guard, change);
            }
        }
    }
    is_all
}

/// Forgets what is known of providers that are not used any more.
///
/// # Errors
/// An error of the store.
pub(crate) async fn forget(parts: &Parts) -> Result<()> {
    if let Some(store) = &parts.vigil.store {
        store.sweep_health(parts.clock.now() - KEPT).await?;
    }
    Ok(())
}
