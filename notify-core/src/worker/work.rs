//! What travels through the worker: claimed work, and what became of it.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::{
    Delivery, DeliveryState, EventKind, Frozen, MessageRef, Reason, TargetState,
};
use crate::id::ProviderName;
use crate::orchestrator::{Handed, Slot};
use crate::planner::Snapshot;
use crate::provider::{Fault, Price};
use crate::queue::{Effect, Lease, Outcome, Settlement};
use crate::worker::doubt::may_have_gone_out;
use crate::worker::inflight::{Held, Inflight};

/// One delivery on loan.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) lease: Lease,
    pub(crate) delivery: Delivery,
    /// What was read when it was accepted here; `None` must be read now.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    /// Its place in this worker: free again when the work is dropped.
    #[expect(dead_code, reason = "held until the work is dropped")]
    pub(crate) slot: Slot,
    /// Its place among the leases that are prolonged.
    #[expect(dead_code, reason = "held until the work is dropped")]
    pub(crate) held: Held,
}

/// What became of one job on loan: to be written.
#[derive(Debug)]
pub(crate) enum Done {
    /// Its state changes.
    Settle(Box<Finished>),
    /// It is given back as it was, due then.
    Release { work: Box<Work>, due: Timestamp },
}

/// A settlement that owns what it says.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) work: Work,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Reason>,
    pub(crate) event: EventKind,
    pub(crate) attempts: u32,
    pub(crate) provider: Option<ProviderName>,
    pub(crate) message_id: Option<String>,
    pub(crate) price: Option<Price>,
    pub(crate) segments: Option<u16>,
    pub(crate) messages: Vec<MessageRef>,
    pub(crate) fault: Option<Fault>,
    pub(crate) frozen: Option<Frozen>,
    pub(crate) nothing_went_out: bool,
    pub(crate) effects: Vec<Effect>,
    pub(crate) now: Timestamp,
}

impl Finished {
    /// An end without a call. Where an earlier call reached one of several targets, the person was told, and the end is `Sent`.
    /// What ends without ever having been begun takes no place in a cap.
    pub(crate) fn without_call(
        work: Work,
        outcome: Outcome,
        reason: Reason,
        event: EventKind,
        now: Timestamp,
    ) -> Done {
        let attempts = work.lease.sends;
        let was_begun = attempts > 0 || work.lease.frozen.is_some();
        let nothing_went_out = matches!(outcome, Outcome::Finished(_)) && !was_begun;
        let (outcome, event) = match outcome {
            Outcome::Finished(_) if work.was_reached() => {
                (Outcome::Finished(DeliveryState::Sent), EventKind::Sent)
            }
            other => (other, event),
        };
        Done::Settle(Box::new(Self {
            work,
            outcome,
            reason: Some(reason),
            event,
            attempts,
            provider: None,
            message_id: None,
            price: None,
            segments: None,
            messages: Vec::new(),
            fault: None,
            frozen: None,
            nothing_went_out,
            effects: Vec::new(),
            now,
        }))
    }

    /// An end of what was begun and not called: caps give it back.
    pub(crate) fn not_called(
        work: Work,
        outcome: Outcome,
        reason: Reason,
        event: EventKind,
        now: Timestamp,
    ) -> Done {
        let mut done = Self::without_call(work, outcome, reason, event, now);
        if let Done::Settle(one) = &mut done {
            let went_out = one.work.was_reached() || may_have_gone_out(&one.work.lease);
            one.nothing_went_out = !went_out;
        }
        done
    }

    /// The settlement, borrowed.
    pub(crate) fn settlement(&self) -> Settlement<'_> {
        Settlement {
            lease: &self.work.lease,
            outcome: self.outcome,
            reason: self.reason,
            event: self.event,
            attempts: self.attempts,
            provider: self.provider.as_ref(),
            message_id: self.message_id.as_deref(),
            price: self.price,
            segments: self.segments,
            messages: &self.messages,
            fault: self.fault.as_ref(),
            frozen: self.frozen.as_ref(),
            nothing_went_out: self.nothing_went_out,
            effects: &self.effects,
            now: self.now,
        }
    }
}

impl Work {
    /// What was handed over by `send`.
    pub(crate) fn handed(handed: Handed, inflight: &Arc<Inflight>) -> Self {
        let Handed {
            lease,
            delivery,
            snapshot,
            slot,
        } = handed;
        Self {
            held: inflight.hold(&lease),
            lease,
            delivery,
            snapshot,
            slot,
        }
    }

    /// Gives it back as it was, due then.
    pub(crate) fn release(self, due: Timestamp) -> Done {
        Done::Release {
            work: Box::new(self),
            due,
        }
    }

    /// Whether a provider took it for one of its targets.
    fn was_reached(&self) -> bool {
        let targets = self.lease.frozen.iter().flat_map(|frozen| &frozen.targets);
        let mut states = targets.map(|target| &target.state);
        states.any(|state| matches!(state, TargetState::Sent { .. }))
    }

    /// The same, to be read anew.
    pub(crate) fn unread(mut self) -> Self {
        self.snapshot = None;
        self
    }

    /// Gives it back as it was, due as before: it keeps its turn.
    pub(crate) fn hand_back(self) -> Done {
        let due = self.delivery.due_at;
        self.release(due)
    }
}
