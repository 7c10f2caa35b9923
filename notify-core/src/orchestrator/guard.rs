//! What stands between a provider and its calls in this process: a breaker for all of it, or one for each part that fails by itself.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync;

use crate::clock::{Monotonic, Timestamp};
use crate::provider::{
    Breaker, BreakerChange, BreakerConfig, BreakerSnapshot, BreakerState, ProviderHealth, Scope,
};

/// How many parts of one provider are told apart. Beyond, the one that was asked for longest ago is forgotten, a healthy one first.
const MOST_SCOPES: usize = 1_024;

/// One breaker, and what the store knows of it.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) scope: Option<Scope>,
    breaker: Mutex<Breaker>,
    stored: Mutex<Stored>,
    /// Held by the one who writes: two writes of this process must not meet.
    pub(super) writing: sync::Mutex<()>,
    /// When it was last asked for, by a counter of all.
    asked: AtomicU64,
}

/// What is stored, as far as this process knows.
#[derive(Debug)]
struct Stored {
    /// 0 for nothing.
    version: u64,
    /// Whether this process wrote it.
    mine: bool,
    /// Where this process's breaker stood when it wrote or read it.
    breaker: BreakerSnapshot,
}

impl Guard {
    fn new(scope: Option<Scope>, config: BreakerConfig) -> Self {
        Self {
            scope,
            breaker: Mutex::new(Breaker::new(config)),
            stored: Mutex::new(Stored {
                version: 0,
                mine: false,
                breaker: BreakerSnapshot::closed(),
            }),
            writing: sync::Mutex::default(),
            asked: AtomicU64::new(0),
        }
    }

    pub(crate) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version that is stored, as far as this process knows; 0 for none.
    pub(super) fn version(&self) -> u64 {
        self.lock_stored().version
    }

    /// An operator said that it was mended: others are told, whoever wrote what is stored.
    pub(super) fn mended(&self) {
        let mut stored = self.lock_stored();
        stored.mine = stored.version > 0;
        stored.breaker.until = stored.breaker.until.or(Some(Timestamp::EPOCH));
    }

    fn lock_stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what this process wrote.
    pub(super) fn wrote(&self, version: u64, breaker: BreakerSnapshot) {
        *self.lock_stored() = Stored {
            version,
            mine: true,
            breaker,
        };
    }

    /// Notes that something is stored which this process means to replace.
    pub(super) fn replaces(&self, version: u64) {
        let mut stored = self.lock_stored();
        stored.version = version;
        stored.breaker.state.clear();
    }

    /// What is to be written, and instead of which version; `None` if the store knows. A healthy call gets here too, and is done with
    /// two locks that nobody holds for long.
    pub(super) fn unwritten(
        &self,
        now: Monotonic,
        wall: Timestamp,
    ) -> Option<(BreakerSnapshot, u64)> {
        let breaker = self.breaker();
        let stored = self.lock_stored();
        let is_news = match breaker.state() {
            BreakerState::Closed => stored.version > 0,
            // The first call of the one process that may try it out was taken: others may, too.
            BreakerState::HalfOpen => {
                stored.mine
                    && stored.breaker.until.is_some()
                    && breaker.snapshot(now, wall).until.is_none()
            }
            _ => {
                let own = breaker.snapshot(now, wall);
                // That the time to refuse is over is none.
                let is_over = !own.refuses(wall) && !stored.breaker.refuses(wall);
                let is_known = own.state == stored.breaker.state && is_over;
                !own.says(&stored.breaker) && !is_known
            }
        };
        is_news.then(|| (breaker.snapshot(now, wall), stored.version))
    }

    /// Takes over what the store holds, if it is another's and news.
    pub(super) fn adopt(
        &self,
        health: Option<&ProviderHealth>,
        now: Monotonic,
        wall: Timestamp,
    ) -> Option<BreakerChange> {
        let mut breaker = self.breaker();
        let mut stored = self.lock_stored();
        let version = health.map_or(0, |health| health.version);
        if stored.version == version {
            return None;
        }
        let closed = BreakerSnapshot::closed();
        let snapshot = health.map_or(&closed, |health| &health.breaker);
        let change = breaker.adopt(snapshot, now, wall);
        *stored = Stored {
            version,
            mine: false,
            breaker: breaker.snapshot(now, wall),
        };
        change
    }
}

/// The guards of one provider.
#[derive(Debug)]
pub(crate) struct Guards {
    config: BreakerConfig,
    whole: Arc<Guard>,
    scopes: Mutex<HashMap<Scope, Arc<Guard>>>,
    clock: AtomicU64,
}

impl Guards {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            whole: Arc::new(Guard::new(None, config)),
            scopes: Mutex::default(),
            clock: AtomicU64::new(0),
        }
    }

    /// The one for all of the provider.
    pub(crate) const fn whole(&self) -> &Arc<Guard> {
        &self.whole
    }

    /// The one for this part.
    pub(crate) fn of(&self, scope: Option<&Scope>) -> Arc<Guard> {
        let Some(scope) = scope else {
            return Arc::clone(&self.whole);
        };
        let asked = self.clock.fetch_add(1, Ordering::Relaxed);
        let mut scopes = self.lock();
        if let Some(guard) = scopes.get(scope) {
            guard.asked.store(asked, Ordering::Relaxed);
            return Arc::clone(guard);
        }
        if scopes.len() >= MOST_SCOPES {
            forget_one(&mut scopes);
        }
        let guard = Arc::new(Guard::new(Some(scope.clone()), self.config));
        guard.asked.store(asked, Ordering::Relaxed);
        scopes.insert(scope.clone(), Arc::clone(&guard));
        guard
    }

    /// All there are, the one for all of the provider first.
    pub(crate) fn all(&self) -> Vec<Arc<Guard>> {
        let mut all = vec![Arc::clone(&self.whole)];
        all.extend(self.lock().values().map(Arc::clone));
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Scope, Arc<Guard>>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_one(scopes: &mut HashMap<Scope, Arc<Guard>>) {
    let oldest = scopes.values().min_by_key(|guard| {
        let is_closed = guard.breaker().state().is_closed();
        (!is_closed, guard.asked.load(Ordering::Relaxed))
    });
    if let Some(scope) = oldest.and_then(|guard| guard.scope.clone()) {
        scopes.remove(&scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Admission, Fault};

    fn host(no: usize) -> Scope {
        Scope::new(&format!("host-{no}")).expect("is a name")
    }

    fn open(guard: &Guard) {
        for _ in 0..5 {
            let (Admission::Go(ticket), _) = guard.breaker().admit(Monotonic::default()) else {
                unreachable!("it is closed")
            };
            let silent = Err(&Fault::unknown("timeout"));
            guard.breaker().record(ticket, silent, Monotonic::default());
        }
        assert!(matches!(guard.breaker().state(), BreakerState::Open { .. }));
    }

    #[test]
    fn many_hosts_are_told_apart_and_the_failing_are_remembered_longest() {
        let guards = Guards::new(BreakerConfig::default());
        open(&guards.of(Some(&host(0))));
        for no in 1..3 * MOST_SCOPES {
            guards.of(Some(&host(no)));
        }
        assert_eq!(guards.all().len(), MOST_SCOPES + 1);
        let state = guards.of(Some(&host(0))).breaker().state();
        assert!(matches!(state, BreakerState::Open { .. }));
    }

    #[test]
    fn a_healthy_provider_has_nothing_to_write() {
        let guard = Guard::new(None, BreakerConfig::default());
        let (now, wall) = (Monotonic::default(), Timestamp::EPOCH);
        assert_eq!(guard.unwritten(now, wall), None);
        open(&guard);
        let (own, version) = guard.unwritten(now, wall).expect("is news");
        assert_eq!((own.state.as_str(), version), ("open", 0));
        guard.wrote(7, own);
        assert_eq!(guard.unwritten(now, wall), None);
    }
}
