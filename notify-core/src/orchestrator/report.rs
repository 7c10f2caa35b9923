//! What a call answers: an id, and what was decided for each recipient and channel.

use crate::clock::Timestamp;
use crate::delivery::{Decision, Delivery, DeliveryState, Reason, Trace};
use crate::id::{ChannelId, DeliveryId, NotificationId, RecipientId};
use crate::orchestrator::limits::LimitUse;
use crate::planner::Planned;

/// What became of a `send`: durable when it is returned.
///
/// ```
/// # use notify_core::orchestrator::SendReport;
/// fn log(report: &SendReport) {
///     for delivery in &report.deliveries {
///         println!("{} on {}: {} {:?}", delivery.recipient, delivery.channel, delivery.state, delivery.reason);
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SendReport {
    /// The notification's id: of the first call, if this one repeats it.
    pub id: NotificationId,
    /// Whether the idempotency key was used for the same request before. Then nothing new was stored.
    pub duplicate: bool,
    /// One for each recipient and step of the route.
    pub deliveries: Vec<DeliveryReport>,
}

impl SendReport {
    /// Whether at least one delivery is on its way or waits.
    #[must_use]
    pub fn is_going(&self) -> bool {
        self.deliveries
            .iter()
            .any(|delivery| delivery.state.is_open())
    }
}

/// Where one delivery of a `send` stands, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Its id.
    pub id: DeliveryId,
    /// Who is told.
    pub recipient: RecipientId,
    /// Where.
    pub channel: ChannelId,
    /// Which step of the route.
    pub step: u8,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why, if that is not the ordinary course.
    pub reason: Option<Reason>,
    /// Every rule that was asked.
    pub trace: Trace,
    /// When it may go.
    pub due_at: Timestamp,
}

impl DeliveryReport {
    pub(crate) fn planned(id: DeliveryId, recipient: RecipientId, planned: &Planned) -> Self {
        let (state, reason) = match &planned.decision {
            Decision::Send => (DeliveryState::Queued, None),
            Decision::Hold { reason, .. } => (DeliveryState::Held, Some(*reason)),
            Decision::Digest { .. } => (DeliveryState::Held, Some(Reason::Digest)),
            Decision::Suppress { reason } => (DeliveryState::Suppressed, Some(*reason)),
        };
        Self {
            id,
            recipient,
            channel: planned.channel.clone(),
            step: planned.step,
            state,
            reason,
            trace: planned.trace.clone(),
            due_at: planned.due,
        }
    }
}

impl From<&Delivery> for DeliveryReport {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id,
            recipient: delivery.recipient.clone(),
            channel: delivery.channel.clone(),
            step: delivery.step,
            state: delivery.state,
            reason: delivery.reason,
            trace: delivery.trace.clone(),
            due_at: delivery.due_at,
        }
    }
}

/// What a `send` would decide now. Nothing was stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// Who would be told.
    pub recipient: RecipientId,
    /// One for each step of the route.
    pub steps: Vec<Planned>,
    /// How much is used of the limits of the steps that would go now, or would if there were room.
    pub limits: Vec<LimitUse>,
}
