//! For tests of applications and of implementers: conformance suites, a clock that is set by hand, faults on demand.
//!
//! A contract is a trait, each sentence of its documentation is a clause, and each clause is a test for every implementation:
//!
//! ```text
//! // tests/conformance.rs of a store
//! notify_core::queue_tests!(MyStore::new());
//! ```
//!
//! Clauses may be added in a minor release.

mod assertion;
pub mod audit;
mod clock;
mod conformance;
pub mod delivery;
pub mod digest;
mod fake;
mod fake_webhook;
mod fault;
pub mod feedback;
pub mod health;
pub mod inbox;
mod memory;
pub mod mutant;
pub mod preference;
pub mod privacy;
pub mod provider;
pub mod provider_store;
pub mod queue;
pub mod rate_limiter;
pub mod recipient;
pub mod resolver;
pub mod sample;
pub mod schedule;
pub mod suppression;
pub mod template;
pub mod webhook;
pub(crate) mod world;

pub use assertion::{AssertSent, assert_sent};
pub use clock::ManualClock;
pub use conformance::{Clause, StoreHarness, block_on, check};
pub use fake::{Act, Call, FakeProvider};
pub use fake_webhook::FakeWebhook;
pub use fault::{Faulty, Mishap, Operation};
pub use memory::Memory;
pub use provider::{Answer, ProviderHarness};

pub(crate) use conformance::clauses;
