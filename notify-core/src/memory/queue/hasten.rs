//! What is held for a person is decided again, because what they want or where they live changed.

use crate::clock::Timestamp;
use crate::delivery::{DeliveryState, Reason};
use crate::id::{DeliveryId, RecipientId, TenantId};
use crate::memory::queue::Tables;
use crate::memory::queue::jobs::Hold;
use crate::queue::Job;

impl Tables {
    pub(super) fn hasten(
        &mut self,
        tenant: &TenantId,
        recipient: &RecipientId,
        reasons: &[Reason],
        now: Timestamp,
    ) -> u64 {
        let ids: Vec<DeliveryId> = self
            .person(tenant, recipient)
            .map(|ids| ids.iter().copied().collect())
            .unwrap_or_default();
        let mut hastened = 0;
        for id in ids {
            let job = Job::deliver(id);
            let (Some(row), Some(queued)) = (self.rows.get(&id), self.jobs.get(&job)) else {
                continue;
            };
            let (due, is_lent) = (queued.due, matches!(queued.hold, Hold::Leased(_)));
            if !is_lent && !matches!(queued.hold, Hold::Ready) {
                continue;
            }
            let delivery = &row.delivery;
            let is_held = delivery.state == DeliveryState::Held
                && delivery
                    .reason
                    .is_some_and(|reason| reasons.contains(&reason));
            let is_early = is_held && due > now;
            if is_early || is_lent {
                self.jobs.update(&job, |row| {
                    row.epoch += u32::from(is_lent);
                    row.ready_at(if is_early { now } else { due });
                });
            }
            hastened += u64::from(is_early);
        }
        hastened
    }
}
