//! Everything one call of a provider needs, and its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::address::Address;
use crate::id::{CategoryId, DeliveryId, NotificationId, TenantId};
use crate::message::Message;
use crate::notification::Class;

/// How far a call got: what a cut-off means.
///
/// A provider calls [`connecting`](Self::connecting) before it opens or takes a connection, and [`writing`](Self::writing) before the
/// first byte of the message. A call that is cut off in between is a definite failure; one that is not tracked, or was writing, is unknown.
#[derive(Debug, Default)]
pub struct Progress(AtomicU8);

impl Progress {
    /// Nothing of the message has been written yet.
    pub fn connecting(&self) {
        self.0.store(1, Ordering::Release);
    }

    /// From now on the message may have gone out.
    pub fn writing(&self) {
        self.0.store(2, Ordering::Release);
    }

    /// Whether it is certain that the message did not go out.
    #[must_use]
    pub fn nothing_written(&self) -> bool {
        self.0.load(Ordering::Acquire) == 1
    }
}

/// One message to one address, with everything a provider may pass on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Envelope {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it belongs to; goes into the vendor's metadata, so that events find their way back.
    pub notification: NotificationId,
    /// The delivery; goes into the vendor's metadata.
    pub delivery: DeliveryId,
    /// The idempotency key: the same for every attempt of this (delivery, address) with this provider.
    pub key: Arc<str>,
    /// Where it goes.
    pub address: Address,
    /// What it says.
    pub message: Message,
    /// What it is in law.
    pub class: Class,
    /// The category, for tags.
    pub category: CategoryId,
    /// The caller's correlation id, for the vendor's metadata.
    pub correlation_id: Option<Arc<str>>,
    /// How long the call may take, from now. The provider cuts itself off; the worker does shortly after.
    pub timeout: Duration,
    /// How far the call got.
    pub progress: Arc<Progress>,
}

impl Envelope {
    /// An envelope with default metadata and 10 s of time, for tests and for calling a provider by hand.
    #[must_use]
    pub fn new(key: impl Into<Arc<str>>, address: Address, message: Message) -> Self {
        Self {
            tenant: TenantId::default(),
            notification: NotificationId::from_u128(0),
            delivery: DeliveryId::from_u128(0),
            key: key.into(),
            address,
            message,
            class: Class::Transactional,
            category: CategoryId::new("default"),
            correlation_id: None,
            timeout: Duration::from_secs(10),
            progress: Arc::default(),
        }
    }
}

/// A provider's yes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The provider's id of the message, by which its later events are found.
    pub message_id: Option<String>,
}

impl Receipt {
    /// A yes without an id.
    #[must_use]
    pub const fn new() -> Self {
        Self { message_id: None }
    }

    /// A yes with the provider's id of the message.
    #[must_use]
    pub fn with_message_id(message_id: impl Into<String>) -> Self {
        Self {
            message_id: Some(message_id.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tracked_call_that_wrote_nothing_is_a_definite_failure() {
        let progress = Progress::default();
        assert!(!progress.nothing_written(), "untracked is unknown");
        progress.connecting();
        assert!(progress.nothing_written());
        progress.writing();
        assert!(!progress.nothing_written());
    }
}
