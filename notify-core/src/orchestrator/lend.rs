//! What is lent to this process in the commit that stores it.

use std::sync::Arc;

use crate::delivery::{Decision, Delivery, DeliveryState};
use crate::orchestrator::local::Handed;
use crate::orchestrator::parts::Parts;
use crate::planner::Snapshot;
use crate::queue::{Acceptance, Handoff};

/// Lends what can go at once to the worker of this process, if there is one with a free place.
pub(super) fn lend_to_this_process(
    parts: &Parts,
    acceptance: &mut Acceptance,
    snapshot: &Arc<Snapshot>,
) {
    let now = parts.clock.monotonic();
    let (tenant, priority) = (acceptance.tenant.clone(), acceptance.priority);
    for delivery in &mut acceptance.deliveries {
        if delivery.decision != Decision::Send {
            continue;
        }
        let Some(door) = parts.local.enter(priority, &delivery.channel, now) else {
            parts.local.lane_has_work(priority, &delivery.channel);
            continue;
        };
        let mut handed = Delivery::new(
            delivery.id,
            tenant.clone(),
            acceptance.id,
            Arc::clone(&acceptance.request),
            delivery.recipient.clone(),
            delivery.channel.clone(),
            acceptance.accepted_at,
        );
        handed.pinned.clone_from(&delivery.pinned);
        handed.step = delivery.step;
        handed.class = acceptance.class;
        handed.priority = priority;
        handed.state = DeliveryState::Queued;
        handed.expires_at = acceptance.expires_at;
        let snapshot = Arc::clone(snapshot);
        delivery.handoff = Some(Handoff::new(door.owner, door.lease, move |lease| {
            // A worker that is gone leaves the lease to end by time, or to be taken over.
            let handed = Handed {
                lease,
                delivery: handed,
                snapshot: Some(snapshot),
                slot: door.slot,
            };
            let _ = door.sender.send(handed);
        }));
    }
}
