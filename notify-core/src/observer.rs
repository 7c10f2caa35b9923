//! Is told everything that happens, and cannot fail a delivery.

use std::fmt;

use crate::delivery::DeliveryEvent;
use crate::id::{CategoryId, ChannelId, NotificationId, ProviderName, RecipientId, TenantId};
use crate::provider::{BreakerState, Scope};

/// Something that happened. Holds no address and no content.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all events are the large one"
)]
pub enum Event {
    /// Something happened to a delivery.
    Delivery {
        /// Whose.
        tenant: TenantId,
        /// Of which notification.
        notification: NotificationId,
        /// Who was to be told.
        recipient: RecipientId,
        /// Where.
        channel: ChannelId,
        /// Of which kind.
        category: CategoryId,
        /// The caller's correlation id.
        correlation_id: Option<String>,
        /// What.
        event: DeliveryEvent,
    },
    /// A provider's breaker changed.
    Breaker {
        /// Which provider.
        provider: ProviderName,
        /// Which part of what it reaches; `None` for all of it.
        scope: Option<Scope>,
        /// What it is now.
        state: BreakerState,
    },
    /// A delivery was given to another provider than the first of its route.
    Failover {
        /// The provider that was passed over.
        from: ProviderName,
        /// The provider that is asked instead.
        to: ProviderName,
    },
}

/// Is told every event after its commit.
///
/// # Contract
/// - `observe` is called in a task of its own, through a bounded channel; a slow observer loses events and slows nothing down.
///   `notifications_observer_dropped_total` counts them.
/// - A panic in `observe` is contained.
/// - It is no event stream: for something that must not lose one, read the history.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Is told one event.
    fn observe(&self, event: &Event);
}

/// How many events may wait for slow observers before they are dropped.
const BACKLOG: usize = 4_096;

/// Carries events to the observers, in a task that ends with the last handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hub {
    sender: Option<tokio::sync::mpsc::Sender<Event>>,
}

impl Hub {
    /// A hub for these observers; without any it costs nothing. Must be called inside a runtime.
    pub(crate) fn new(observers: Vec<Box<dyn Observer>>) -> Self {
        if observers.is_empty() {
            return Self::default();
        }
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<Event>(BACKLOG);
        tokio::spawn(async move {
            while let Some(event) = receiver.recv().await {
                for observer in &observers {
                    let tell = std::panic::AssertUnwindSafe(|| observer.observe(&event));
                    if std::panic::catch_unwind(tell).is_err() {
                        metrics::counter!("notifications_observer_panics_total").increment(1);
                        tracing::error!("an observer panicked; the event is lost for it");
                    }
                }
            }
        });
        Self {
            sender: Some(sender),
        }
    }

    /// Whether anybody listens.
    pub(crate) const fn is_heard(&self) -> bool {
        self.sender.is_some()
    }

    /// Tells everybody, or counts the event as dropped.
    pub(crate) fn tell(&self, event: Event) {
        if let Some(sender) = &self.sender
            && sender.try_send(event).is_err()
        {
            metrics::counter!("notifications_observer_dropped_total").increment(1);
        }
    }
}
