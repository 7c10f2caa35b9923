//! Turns the clauses of a contract into tests: one for each clause and implementation.
//!
//! A clause is an async function that takes a harness and panics if the implementation breaks its sentence of the contract.
//! The names of a suite's clauses are written once, in the suite; the suite's macro makes a test of each, so that a new clause
//! reaches every implementation with the next update of this crate.

use async_trait::async_trait;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::store::Store;
use crate::testkit::ManualClock;

/// After how long of real time a clause counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// Opens one implementation's store for one test. It owns what the store needs, such as a temporary folder, and is dropped last.
///
/// ```
/// use async_trait::async_trait;
/// use notify_core::{Store, clock::Timestamp, memory::MemoryStore};
/// use notify_core::testkit::{ManualClock, StoreHarness};
/// use std::sync::Arc;
///
/// struct Memory(Arc<ManualClock>);
///
/// #[async_trait]
/// impl StoreHarness for Memory {
///     async fn open(&self) -> Arc<dyn Store> {
///         let clock: Arc<ManualClock> = Arc::clone(&self.0);
///         Arc::new(MemoryStore::with_clock(clock))
///     }
///     async fn reopen(&self) -> Arc<dyn Store> {
///         self.open().await
///     }
///     fn durable(&self) -> bool {
///         false
///     }
///     fn clock(&self) -> Arc<ManualClock> {
///         Arc::clone(&self.0)
///     }
/// }
/// # let _ = Memory(ManualClock::new(Timestamp::EPOCH));
/// // In a file of `tests/`: `notify_core::queue_tests!(Memory(ManualClock::new(START)));`
/// ```
#[async_trait]
pub trait StoreHarness: Send + Sync {
    /// An empty store by [`clock`](Self::clock). Asked once for each harness, before anything else.
    async fn open(&self) -> Arc<dyn Store>;

    /// What a new process finds after the one that called [`open`](Self::open) was killed: nothing was closed. A store that is
    /// not durable is empty.
    async fn reopen(&self) -> Arc<dyn Store>;

    /// Whether the store survives its process.
    fn durable(&self) -> bool;

    /// The clock that the store goes by.
    fn clock(&self) -> Arc<ManualClock>;
}

/// One sentence of a contract, as a check.
pub struct Clause<H: ?Sized + 'static> {
    name: &'static str,
    check: fn(&H),
}

impl<H: ?Sized> Clause<H> {
    /// A clause and its check, which panics.
    #[must_use]
    pub const fn new(name: &'static str, check: fn(&H)) -> Self {
        Self { name, check }
    }

    /// What it says.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Checks one implementation.
    ///
    /// # Panics
    /// If the implementation breaks the clause.
    pub fn check(&self, harness: &H) {
        (self.check)(harness);
    }
}

/// Checks the clause with this name: what the macros of the suites expand to.
///
/// # Panics
/// If the implementation breaks the clause, or no clause has this name.
#[doc(hidden)]
pub fn check<H: ?Sized>(clauses: &[Clause<H>], name: &str, harness: &H) {
    let clause = clauses.iter().find(|clause| clause.name == name);
    clause
        .expect("the macro and the list are made from the same names")
        .check(harness);
}

/// Runs one clause on a runtime of its own.
///
/// # Panics
/// If the clause does, or does not end within two minutes.
pub fn block_on(clause: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, clause).await });
    assert!(ended.is_ok(), "the clause did not end within {PATIENCE:?}");
}

/// Writes a suite: its list of clauses as data (`CLAUSES`), and the macro that makes a test of each.
///
/// ```text
/// clauses! {
///     /// One test for each clause of `InboxStore`. Takes an expression that makes a [`StoreHarness`].
///     macro $ inbox_tests for inbox: dyn StoreHarness {
///         push_gives_each_item_the_next_sequence,
///     }
/// }
/// ```
///
/// The functions are in the module that writes the suite, which is `crate::testkit::inbox`; or, with groups
/// (`{ accept { a, b } claim { c } }`), in the modules of that name inside it.
macro_rules! clauses {
    (
        $(#[$meta:meta])*
        macro $d:tt $tests:ident for $suite:ident: $harness:ty { $($group:ident { $($clause:ident),+ $(,)? })+ }
    ) => {
        /// Every clause of the suite.
        pub const CLAUSES: &[$crate::testkit::Clause<$harness>] = &[$($(
            $crate::testkit::Clause::new(
                concat!(stringify!($group), "::", stringify!($clause)),
                |harness| $crate::testkit::block_on($group::$clause(harness)),
            ),
        )+)+];

        $(#[$meta])*
        #[macro_export]
        macro_rules! $tests {
            ($d new:expr) => {
                #[allow(unused_imports, clippy::wildcard_imports)]
                mod $suite {
                    use super::*;
                    $(mod $group {
                        use super::*;
                        $(#[test]
                        fn $clause() {
                            let name = concat!(stringify!($group), "::", stringify!($clause));
                            $crate::testkit::check($crate::testkit::$suite::CLAUSES, name, &$d new);
                        })+
                    })+
                }
            };
        }
    };
    (
        $(#[$meta:meta])*
        macro $d:tt $tests:ident for $suite:ident: $harness:ty { $($clause:ident),+ $(,)? }
    ) => {
        /// Every clause of the suite.
        pub const CLAUSES: &[$crate::testkit::Clause<$harness>] = &[$(
            $crate::testkit::Clause::new(stringify!($clause), |harness| $crate::testkit::block_on($clause(harness))),
        )+];

        $(#[$meta])*
        #[macro_export]
        macro_rules! $tests {
            ($d new:expr) => {
                #[allow(unused_imports, clippy::wildcard_imports)]
                mod $suite {
                    use super::*;
                    $(#[test]
                    fn $clause() {
                        $crate::testkit::check($crate::testkit::$suite::CLAUSES, stringify!($clause), &$d new);
                    })+
                }
            };
        }
    };
}
pub(crate) use clauses;

impl<H: ?Sized> fmt::Debug for Clause<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clause").field(&self.name).finish()
    }
}
