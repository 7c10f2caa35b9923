//! One notification × one recipient × one step: its state, the decisions about it, its events, and where they are read.

mod decision;
mod doubt;
mod event;
mod report;
mod state;
mod store;
mod target;

pub use decision::{Decision, Reason, Trace};
pub use doubt::{Called, Doubt};
pub use event::{DeliveryEvent, EventKind};
pub use report::{MessageRef, Report, reported};
pub use state::{Cause, DeliveryState, aggregate, transition};
pub use store::DeliveryStore;
pub use target::{Frozen, Target, TargetState};

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::{ChannelId, DeliveryId, NotificationId, ProviderName, RecipientId, TenantId};
use crate::notification::{Class, NotificationRequest, Priority, When};
use crate::provider::Fault;
use crate::recipient::Recipient;

/// One delivery, as stores read it back: what the worker acts on, and what users of the history see.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// Its id; later ones are greater.
    pub id: DeliveryId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What happened.
    pub notification: NotificationId,
    /// What the caller asked for.
    pub request: Arc<NotificationRequest>,
    /// Who is told.
    pub recipient: RecipientId,
    /// The recipient as given in the call; kept until the delivery ends.
    pub pinned: Option<Arc<Recipient>>,
    /// Where.
    pub channel: ChannelId,
    /// Which step of the route.
    pub step: u8,
    /// The delivery it waits for, and on what condition.
    pub after: Option<(DeliveryId, When)>,
    /// What the category was in law when it was accepted.
    pub class: Class,
    /// Its lane.
    pub priority: Priority,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why it stands there, if that is not the ordinary course.
    pub reason: Option<Reason>,
    /// How it was decided at accept.
    pub trace: Trace,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it may go.
    pub due_at: Timestamp,
    /// From when on it is not worth sending.
    pub expires_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was seen, in the inbox or by report of the application.
    pub seen_at: Option<Timestamp>,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// How many calls of providers were made for it.
    pub attempts: u32,
    /// The provider called last.
    pub provider: Option<ProviderName>,
    /// The provider's id of the message.
    pub message_id: Option<String>,
    /// The fault of the last failed call.
    pub fault: Option<Fault>,
    /// The digest that it left in, once it is [`Merged`](DeliveryState::Merged).
    pub merged_into: Option<DeliveryId>,
}

impl Delivery {
    /// A delivery as it is right after it was accepted; stores set the other fields.
    #[must_use]
    pub fn new(
        id: DeliveryId,
        tenant: TenantId,
        notification: NotificationId,
        request: Arc<NotificationRequest>,
        recipient: RecipientId,
        channel: ChannelId,
        accepted_at: Timestamp,
    ) -> Self {
        Self {
            id,
            tenant,
            notification,
            request,
            recipient,
            pinned: None,
            channel,
            step: 0,
            after: None,
            class: Class::Transactional,
            priority: Priority::Normal,
            state: DeliveryState::Queued,
            reason: None,
            trace: Trace::default(),
            accepted_at,
            due_at: accepted_at,
            expires_at: None,
            updated_at: accepted_at,
            seen_at: None,
            read_at: None,
            attempts: 0,
            provider: None,
            message_id: None,
            fault: None,
            merged_into: None,
        }
    }
}
