//! What is held until its time: how it is looked for, and moved.

use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::Reason;
use crate::id::{DeliveryId, NotificationId, RecipientId, TenantId};
use crate::notification::NotificationRequest;

/// Asks for a page of what is held until its time.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an input that the front door builds"
)]
pub struct PendingQuery<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// For whom; `None` is for anybody.
    pub recipient: Option<&'a RecipientId>,
    /// What it is held for: one of these.
    pub reasons: &'a [Reason],
    /// Due then or later.
    pub from: Timestamp,
    /// Due before this.
    pub to: Timestamp,
    /// Only what comes after this one in the order of the page: when it was due, and its id.
    pub after: Option<(Timestamp, DeliveryId)>,
    /// At most so many.
    pub limit: u32,
}

/// Moves what is held of one notification to other times.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an input that the front door builds"
)]
pub struct HeldMove<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// Which.
    pub notification: NotificationId,
    /// What it asks for from now on: the same for another time.
    pub request: &'a Arc<NotificationRequest>,
    /// From when on it is not worth sending.
    pub expires_at: Option<Timestamp>,
    /// Which of its deliveries move, and when they are due then.
    pub dues: &'a [(DeliveryId, Timestamp)],
    /// What they may be held for.
    pub reasons: &'a [Reason],
    /// Who does it.
    pub actor: &'a Actor,
    /// Now.
    pub now: Timestamp,
}
