//! What travels through the worker: claimed work, and what became of it.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::{Delivery, EventKind, Frozen, Reason};
use crate::id::ProviderName;
use crate::orchestrator::{Handed, Slot};
use crate::planner::Snapshot;
use crate::provider::Fault;
use crate::queue::{Effect, Lease, Outcome, Settlement};

/// One delivery on loan.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) lease: Lease,
    pub(crate) delivery: Delivery,
    /// What was read when it was accepted here; `None` must be read now.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    pub(crate) slot: Slot,
}

impl From<Handed> for Work {
    fn from(handed: Handed) -> Self {
        let Handed {
            lease,
            delivery,
            snapshot,
            slot,
        } = handed;
        Self {
            lease,
            delivery,
            snapshot,
            slot,
        }
    }
}

/// What became of one job on loan: to be written.
#[derive(Debug)]
pub(crate) enum Done {
    /// Its state changes.
    Settle(Box<Finished>),
    /// The lease was lost: somebody else has it.
    Lost { slot: Slot },
    /// It is given back as it was.
    Release {
        lease: Box<Lease>,
        due: Timestamp,
        slot: Slot,
    },
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
    pub(crate) fault: Option<Fault>,
    pub(crate) frozen: Option<Frozen>,
    pub(crate) nothing_went_out: bool,
    pub(crate) effects: Vec<Effect>,
    pub(crate) now: Timestamp,
}

impl Finished {
    /// An end without a call.
    pub(crate) fn without_call(
        work: Work,
        outcome: Outcome,
        reason: Reason,
        event: EventKind,
        now: Timestamp,
    ) -> Done {
        let attempts = work.lease.sends;
        Done::Settle(Box::new(Self {
            work,
            outcome,
            reason: Some(reason),
            event,
            attempts,
            provider: None,
            message_id: None,
            fault: None,
            frozen: None,
            nothing_went_out: false,
            effects: Vec::new(),
            now,
        }))
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
            fault: self.fault.as_ref(),
            frozen: self.frozen.as_ref(),
            nothing_went_out: self.nothing_went_out,
            effects: &self.effects,
            now: self.now,
        }
    }
}

impl Work {
    /// Gives it back as it was, due then.
    pub(crate) fn release(self, due: Timestamp) -> Done {
        Done::Release {
            lease: Box::new(self.lease),
            due,
            slot: self.slot,
        }
    }
}
