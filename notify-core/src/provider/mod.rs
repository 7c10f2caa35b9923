//! Sends one message once: the trait, what a provider can do, what its failures mean, and which one is asked.

mod breaker;
mod capabilities;
mod config;
mod envelope;
mod fault;
mod health;
mod routing;
mod warmup;
mod webhook;

pub use breaker::{
    Admission, Breaker, BreakerChange, BreakerConfig, BreakerSnapshot, BreakerState,
    Ticket as BreakerTicket,
};
pub use capabilities::Capabilities;
pub use config::{ProviderConfig, ProviderStore, RateLimit};
pub use envelope::{Envelope, Price, Progress, Receipt};
pub use fault::{Fault, FaultKind};
pub use health::{HealthPut, HealthStore, ProviderHealth, Scope};
pub(crate) use routing::Pace;
pub use routing::{Drift, Routing, Schemes};
pub use warmup::Warmup;
pub use webhook::{
    Bounce, Parsed, ProviderEvent, ProviderEventKind, Reply, WebhookError, WebhookParser,
    WebhookRequest,
};

use async_trait::async_trait;
use std::fmt;

use crate::address::Address;
use crate::id::ProviderName;
use crate::message::Message;

/// Sends messages through one vendor, server or device.
///
/// Data in, data out: quota, retry, failover, breaker and record are the worker's, so that every call is preceded by a durable
/// record and none hides behind another.
///
/// # Contract
/// - `name` and `capabilities` never change.
/// - `send` makes at most one attempt: no retry, no failover, no waiting for quota.
/// - `send` refuses a message of another channel with a [`FaultKind::Request`] fault, before any I/O.
/// - A failure says whose fault it is: an address that is dead is `Recipient`, bad content is `Request`, an outage or a limit is
///   `Provider`, credentials are `Config`, and what may have gone out is `Unknown`.
/// - A fault's code never holds an address, a payload or a secret.
/// - `send_batch` answers with one result for each envelope, in order.
/// - Dropping the future of `send` leaves the provider usable, and no later message is mixed up with the dropped one.
/// - `send` respects [`Envelope::timeout`] and marks its [`Progress`], so that a cut-off is not taken for a failure.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// Its name, unique in the application: in records, metrics and quotas.
    fn name(&self) -> &ProviderName;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// Messages with equal keys may share one [`send_batch`](Self::send_batch); `None` is never batched.
    fn batch_key(&self, message: &Message) -> Option<u64> {
        let _ = message;
        None
    }

    /// What of all that it reaches a message to this address depends on: `None` for all of it. A provider that reaches many servers
    /// answers with the address's [host](Scope::host_of), so that one of them that fails, or asks for patience, holds up no other.
    ///
    /// Pure, and asked for each message: the same address always has the same scope.
    fn scope(&self, address: &Address) -> Option<Scope> {
        let _ = address;
        None
    }

    /// Sends one message.
    ///
    /// # Errors
    /// A [`Fault`] that says whose it is.
    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault>;

    /// Sends several messages in one call, where the vendor can; by default one by one.
    ///
    /// The worker takes a short answer as [`FaultKind::Unknown`] for the rest.
    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let mut results = Vec::with_capacity(batch.len());
        for envelope in batch {
            results.push(self.send(envelope).await);
        }
        results
    }
}

fn _object_safe(_: &dyn Provider) {}
