//! The calls of the queue and of its reports, each of which may fail.

use async_trait::async_trait;
use std::time::Duration;

use super::{Faulty, Mishap, Operation, room, run};
use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Delivery, Reason};
use crate::error::Result;
use crate::id::{DeliveryId, NotificationId, OwnerId, RecipientId, TenantId};
use crate::queue::{
    Acceptance, Accepted, Advance, Applied, Asked, Begun, CancelOutcome, CapQuery, CapUse, Claim,
    Feedback, FeedbackStore, Found, Job, Kept, KeptReport, KeyHash, LaneDepth, Lease, Queue,
    Release, ReportKey, Retention, Settled, Settlement, Start, Swept,
};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Queue for Faulty {
    async fn accept(&self, batch: Vec<Acceptance>) -> Result<Vec<Accepted>> {
        run!(self, Accept, self.queue.accept(batch))
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        run!(self, Claim, self.queue.claim(claim))
    }

    async fn begin(&self, starts: &[Start<'_>]) -> Result<Vec<Begun>> {
        run!(self, Begin, self.queue.begin(starts))
    }

    async fn settle(&self, settlements: &[Settlement<'_>]) -> Result<Vec<Settled>> {
        run!(self, Settle, self.queue.settle(settlements))
    }

    async fn release(&self, releases: &[Release<'_>]) -> Result<Vec<Settled>> {
        run!(self, Release, self.queue.release(releases))
    }

    async fn advance(&self, moves: &[Advance]) -> Result<Vec<Settled>> {
        run!(self, Advance, self.queue.advance(moves))
    }

    async fn extend(
        &self,
        owner: OwnerId,
        leases: &[(Job, u32)],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Job>> {
        run!(self, Extend, self.queue.extend(owner, leases, now, ttl))
    }

    async fn reclaim(&self, dead_owners: &[OwnerId], now: Timestamp) -> Result<u64> {
        run!(self, Reclaim, self.queue.reclaim(dead_owners, now))
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        reason: Reason,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<CancelOutcome>> {
        run!(
            self,
            Cancel,
            self.queue.cancel(tenant, ids, reason, actor, now)
        )
    }

    async fn dead_letters(
        &self,
        tenant: &TenantId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        run!(
            self,
            DeadLetters,
            self.queue.dead_letters(tenant, before, limit)
        )
    }

    async fn requeue(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        run!(self, Requeue, self.queue.requeue(tenant, ids, actor, now))
    }

    async fn purge(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        run!(self, Purge, self.queue.purge(tenant, ids, actor, now))
    }

    async fn hasten(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        reasons: &[Reason],
        now: Timestamp,
    ) -> Result<u64> {
        run!(
            self,
            Hasten,
            self.queue.hasten(tenant, recipient, reasons, now)
        )
    }

    async fn usage(
        &self,
        tenant: &TenantId,
        caps: &[CapQuery],
        now: Timestamp,
    ) -> Result<Vec<CapUse>> {
        run!(self, Usage, self.queue.usage(tenant, caps, now))
    }

    async fn find_key(&self, tenant: &TenantId, key: &KeyHash) -> Result<Option<NotificationId>> {
        run!(self, FindKey, self.queue.find_key(tenant, key))
    }

    async fn depth(&self, now: Timestamp) -> Result<Vec<LaneDepth>> {
        run!(self, Depth, self.queue.depth(now))
    }

    async fn sweep(&self, now: Timestamp, retention: &Retention) -> Result<Swept> {
        run!(self, Sweep, self.queue.sweep(now, retention))
    }

    async fn wait(&self, timeout: Duration) {
        let planned = self.plan().next(Operation::Wait);
        match planned {
            None | Some(Mishap::Lose) => self.queue.wait(timeout).await,
            Some(Mishap::Refuse(_)) => {}
            Some(Mishap::Hang { .. }) => std::future::pending().await,
        }
    }

    fn wake(&self) {
        self.queue.wake();
    }
}
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FeedbackStore for Faulty {
    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Option<Found>>> {
        let feedback = room(self.feedback.as_ref())?;
        run!(self, FindFeedback, feedback.find(asked))
    }

    async fn apply(&self, batch: &[Feedback<'_>]) -> Result<Vec<Applied>> {
        let feedback = room(self.feedback.as_ref())?;
        run!(self, ApplyFeedback, feedback.apply(batch))
    }

    async fn keep(&self, reports: &[KeptReport]) -> Result<u64> {
        let feedback = room(self.feedback.as_ref())?;
        run!(self, KeepFeedback, feedback.keep(reports))
    }

    async fn look(&self, now: Timestamp, limit: u32) -> Result<Kept> {
        let feedback = room(self.feedback.as_ref())?;
        run!(self, LookFeedback, feedback.look(now, limit))
    }

    async fn forget(&self, keys: &[ReportKey]) -> Result<()> {
        let feedback = room(self.feedback.as_ref())?;
        run!(self, ForgetFeedback, feedback.forget(keys))
    }
}
