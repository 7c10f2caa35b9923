//! What happened to a delivery: its timeline.

use serde::{Deserialize, Serialize};
use std::fmt;

use crate::clock::Timestamp;
use crate::delivery::{Reason, Report};
use crate::id::{DeliveryId, ProviderName};
use crate::provider::{Fault, Price};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)?) => {
        /// What happened. Engagement (opened, clicked, seen, read) is an event, never a state.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum EventKind { $($(#[$doc])* $variant),* }

        impl EventKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in tables, metrics and documents.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The kind with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
            }
        }
    };
}

kinds! {
    /// Accepted and durable.
    Accepted = "accepted",
    /// Decided not to be sent.
    Suppressed = "suppressed",
    /// Decided to wait.
    Held = "held",
    /// Ready for a worker.
    Queued = "queued",
    /// A provider is being called.
    Sending = "sending",
    /// A provider took it.
    Sent = "sent",
    /// It arrived.
    Delivered = "delivered",
    /// A call failed and is made again later.
    Deferred = "deferred",
    /// The provider gave it back.
    Bounced = "bounced",
    /// The mail was opened.
    Opened = "opened",
    /// A link was clicked.
    Clicked = "clicked",
    /// The reader reported spam.
    Complained = "complained",
    /// The reader unsubscribed.
    Unsubscribed = "unsubscribed",
    /// A permanent fault.
    Failed = "failed",
    /// The attempts are spent.
    Dead = "dead",
    /// The outcome is unknown and it is not sent again.
    Parked = "parked",
    /// It was not sent in time.
    Expired = "expired",
    /// Taken back.
    Cancelled = "cancelled",
    /// An operator queued it again.
    Requeued = "requeued",
    /// Its worker died; another takes it over.
    Reclaimed = "reclaimed",
    /// Left as part of a digest.
    Merged = "merged",
    /// Seen in the inbox.
    Seen = "seen",
    /// Read in the inbox.
    Read = "read",
    /// The vendor works on it.
    Processing = "processing",
    /// The reader answered.
    Replied = "replied",
    /// The reader wants messages again.
    Resubscribed = "resubscribed",
    /// A button was pressed; see [`Report::name`](crate::delivery::Report::name).
    Acted = "acted",
    /// The vendor reported something that has no name here; see [`Report::name`](crate::delivery::Report::name).
    Reported = "reported",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of a delivery's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveryEvent {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Which call of a provider it belongs to; the first is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Which provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderName>,
    /// The provider's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What the provider says that the call costs, all messages of it together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Into how many parts the provider cut what it took, all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<u16>,
    /// The provider's failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What the vendor reported, where it did: everything else is the system's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

impl DeliveryEvent {
    /// Something happened to a delivery.
    #[must_use]
    pub const fn new(delivery: DeliveryId, at: Timestamp, kind: EventKind) -> Self {
        Self {
            delivery,
            at,
            kind,
            reason: None,
            attempt: None,
            provider: None,
            message_id: None,
            price: None,
            segments: None,
            fault: None,
            report: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_back() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(*kind));
        }
    }
}
