//! One thing that a vendor says happened to a message, in the same words for all vendors.

use serde::{Deserialize, Serialize};
use std::fmt;

use crate::address::Address;
use crate::clock::Timestamp;
use crate::id::{DeliveryId, ProviderName};
use crate::provider::Fault;

/// Why a message came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Bounce {
    /// Policy or reputation: the content or the sender was refused, the address is fine.
    Blocked,
    /// The address is dead.
    Hard,
    /// It did not work for too long, such as a full mailbox; the address may live.
    Soft,
    /// The vendor did not try, because the address is on a list of its own: bounced, complained or unsubscribed before.
    Suppressed,
}

/// What happened to a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProviderEventKind {
    /// A button was pressed.
    Acted {
        /// Which, by the application's own name.
        action: String,
    },
    /// The vendor works on it: accepted, queued, handed on.
    Accepted,
    /// It came back.
    Bounced {
        /// Why.
        bounce: Bounce,
    },
    /// A link was clicked.
    Clicked {
        /// Which one; may hold a token of the reader.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// The reader reported spam.
    Complained,
    /// It has not worked yet; the vendor tries again by itself.
    Deferred,
    /// It arrived.
    Delivered,
    /// The vendor gave up for a reason that says nothing about the address: filtered, expired, its own failure.
    Failed,
    /// It was opened or read.
    Opened,
    /// The reader answered.
    Replied,
    /// The reader wants messages again, such as by `START`.
    Resubscribed,
    /// A kind that is not known here.
    Unknown {
        /// The vendor's name of it.
        name: String,
    },
    /// The reader wants no more messages, such as by `STOP`.
    Unsubscribed,
}

impl ProviderEventKind {
    /// The name in tables, metrics and documents.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Acted { .. } => "acted",
            Self::Accepted => "accepted",
            Self::Bounced { .. } => "bounced",
            Self::Clicked { .. } => "clicked",
            Self::Complained => "complained",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Opened => "opened",
            Self::Replied => "replied",
            Self::Resubscribed => "resubscribed",
            Self::Unknown { .. } => "unknown",
            Self::Unsubscribed => "unsubscribed",
        }
    }

    /// It came back for this reason.
    #[must_use]
    pub const fn bounced(bounce: Bounce) -> Self {
        Self::Bounced { bounce }
    }

    /// This link was clicked.
    #[must_use]
    pub const fn clicked(url: Option<String>) -> Self {
        Self::Clicked { url }
    }

    /// This button was pressed.
    #[must_use]
    pub fn acted(action: impl Into<String>) -> Self {
        Self::Acted {
            action: action.into(),
        }
    }

    /// A kind that is not known here, under the vendor's name.
    #[must_use]
    pub fn unknown(name: impl Into<String>) -> Self {
        Self::Unknown { name: name.into() }
    }
}

/// The link of a click is not shown.
impl fmt::Debug for ProviderEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bounced { bounce } => write!(f, "bounced ({bounce:?})"),
            _ => f.write_str(self.as_str()),
        }
    }
}

/// One thing that a vendor says happened to a message.
///
/// It finds its delivery by [`delivery`](Self::delivery), which the vendor gave back from our metadata, else by
/// [`message_id`](Self::message_id). Vendors tell the same twice and in any order; [`event_id`](Self::event_id) tells them apart where
/// the vendor has one. `Debug` shows neither address nor content.
///
/// ```
/// use notify_core::clock::Timestamp;
/// use notify_core::provider::{Bounce, Fault, ProviderEvent, ProviderEventKind};
/// use notify_core::{Address, ProviderName};
///
/// let bounced = ProviderEventKind::bounced(Bounce::Hard);
/// let event = ProviderEvent::new(ProviderName::new("sendgrid"), bounced, Timestamp::EPOCH)
///     .with_message_id("Lli-03")
///     .with_address(Address::email("ada@example.com"))
///     .with_fault(Fault::recipient("5.1.1"));
/// assert_eq!(event.kind.as_str(), "bounced");
/// assert!(!format!("{event:?}").contains("ada"));
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProviderEvent {
    /// The configured provider whose vendor says so.
    pub provider: ProviderName,
    /// What happened.
    #[serde(flatten)]
    pub kind: ProviderEventKind,
    /// When, by the vendor's clock; where the vendor does not say, when the request came.
    pub at: Timestamp,
    /// The vendor's id of the event, the same each time it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The vendor's id of the message, as in [`Receipt::message_id`](crate::provider::Receipt::message_id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The delivery, where the vendor gives our metadata back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryId>,
    /// Whose it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Whose fault it was, for what came back, failed or was put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What the vendor said, as JSON; a form is an object of texts. Personal data.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub raw: serde_json::Value,
}

impl ProviderEvent {
    /// Something happened at this time.
    #[must_use]
    pub const fn new(provider: ProviderName, kind: ProviderEventKind, at: Timestamp) -> Self {
        Self {
            provider,
            kind,
            at,
            event_id: None,
            message_id: None,
            delivery: None,
            address: None,
            fault: None,
            raw: serde_json::Value::Null,
        }
    }

    /// Under this id of the vendor's.
    #[must_use]
    pub fn with_event_id(mut self, id: impl Into<String>) -> Self {
        self.event_id = Some(id.into());
        self
    }

    /// To the message with this id of the vendor's.
    #[must_use]
    pub fn with_message_id(mut self, id: impl Into<String>) -> Self {
        self.message_id = Some(id.into());
        self
    }

    /// To this delivery.
    #[must_use]
    pub const fn with_delivery(mut self, delivery: DeliveryId) -> Self {
        self.delivery = Some(delivery);
        self
    }

    /// About this address.
    #[must_use]
    pub fn with_address(mut self, address: Address) -> Self {
        self.address = Some(address);
        self
    }

    /// By this fault.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// As the vendor said it.
    #[must_use]
    pub fn with_raw(mut self, raw: serde_json::Value) -> Self {
        self.raw = raw;
        self
    }
}

impl fmt::Debug for ProviderEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderEvent")
            .field("provider", &self.provider)
            .field("kind", &self.kind)
            .field("at", &self.at)
            .field("event_id", &self.event_id)
            .field("message_id", &self.message_id)
            .field("delivery", &self.delivery)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_back_as_it_was_written() {
        let kinds = [
            ProviderEventKind::Delivered,
            ProviderEventKind::bounced(Bounce::Soft),
            ProviderEventKind::clicked(Some("https://example.com/t/1".to_owned())),
            ProviderEventKind::unknown("moon_phase"),
        ];
        for kind in kinds {
            let event = ProviderEvent::new(ProviderName::new("p"), kind, Timestamp::EPOCH)
                .with_event_id("e")
                .with_message_id("m")
                .with_delivery(DeliveryId::from_u128(7))
                .with_address(Address::phone("+15550100"))
                .with_fault(Fault::recipient("30005"))
                .with_raw(serde_json::json!({"a": [1, "b"]}));
            let json = serde_json::to_string(&event).expect("is data");
            let back: ProviderEvent = serde_json::from_str(&json).expect("reads");
            assert_eq!(back, event, "{json}");
        }
    }

    #[test]
    fn debug_shows_neither_address_nor_link_nor_content() {
        let kind = ProviderEventKind::clicked(Some("https://example.com/hunter2".to_owned()));
        let event = ProviderEvent::new(ProviderName::new("p"), kind, Timestamp::EPOCH)
            .with_address(Address::email("hunter2@example.com"))
            .with_raw(serde_json::json!("hunter2"));
        assert!(!format!("{event:?} {:?}", event.kind).contains("hunter2"));
    }
}
