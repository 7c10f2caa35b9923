//! "Done before send": a layer around the queue that writes what became of a delivery when it begins, and not when it ended.

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::delivery::EventKind;
use notify_core::id::OwnerId;
use notify_core::queue::{
    Acceptance, Accepted, Advance, Begun, CancelOutcome, CapQuery, CapUse, Claim, Job, KeyHash,
    LaneDepth, Lease, Outcome, Queue, Release, Retention, Settled, Settlement, Start, Swept,
};
use notify_core::{
    Delivery, DeliveryId, DeliveryState, NotificationId, Reason, RecipientId, Result, TenantId,
    Timestamp,
};
use std::sync::Arc;
use std::time::Duration;

/// Settles as sent in `begin`: a kill between that and the first byte loses the message, and no state says so.
///
/// A layer, so that the store is the one that users have. The worker's own settlement comes second and finds it done.
#[derive(Debug)]
pub(crate) struct SettledAtBegin(pub(crate) Arc<dyn Queue>);

#[async_trait]
impl Queue for SettledAtBegin {
    async fn begin(&self, starts: &[Start<'_>]) -> Result<Vec<Begun>> {
        let begun = self.0.begin(starts).await?;
        let gone = starts.iter().zip(&begun);
        let gone = gone.filter(|(_, begun)| **begun == Begun::Go);
        let settlements: Vec<_> = gone
            .map(|(start, _)| {
                let sent = Outcome::Finished(DeliveryState::Sent);
                let mut settlement = Settlement::new(start.lease, sent, EventKind::Sent, start.now);
                settlement.attempts = start.lease.sends + 1;
                settlement.provider = Some(start.provider);
                settlement.frozen = Some(start.frozen);
                settlement
            })
            .collect();
        self.0.settle(&settlements).await?;
        Ok(begun)
    }

    async fn accept(&self, batch: Vec<Acceptance>) -> Result<Vec<Accepted>> {
        self.0.accept(batch).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        self.0.claim(claim).await
    }

    async fn settle(&self, settlements: &[Settlement<'_>]) -> Result<Vec<Settled>> {
        self.0.settle(settlements).await
    }

    async fn release(&self, releases: &[Release<'_>]) -> Result<Vec<Settled>> {
        self.0.release(releases).await
    }

    async fn advance(&self, moves: &[Advance]) -> Result<Vec<Settled>> {
        self.0.advance(moves).await
    }

    async fn extend(
        &self,
        owner: OwnerId,
        leases: &[(Job, u32)],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Job>> {
        self.0.extend(owner, leases, now, ttl).await
    }

    async fn reclaim(&self, dead_owners: &[OwnerId], now: Timestamp) -> Result<u64> {
        self.0.reclaim(dead_owners, now).await
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        reason: Reason,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<CancelOutcome>> {
        self.0.cancel(tenant, ids, reason, actor, now).await
    }

    async fn dead_letters(
        &self,
        tenant: &TenantId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        self.0.dead_letters(tenant, before, limit).await
    }

    async fn requeue(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        self.0.requeue(tenant, ids, actor, now).await
    }

    async fn purge(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        self.0.purge(tenant, ids, actor, now).await
    }

    async fn depth(&self, now: Timestamp) -> Result<Vec<LaneDepth>> {
        self.0.depth(now).await
    }

    async fn sweep(&self, now: Timestamp, retention: &Retention) -> Result<Swept> {
        self.0.sweep(now, retention).await
    }

    async fn hasten(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        reasons: &[Reason],
        now: Timestamp,
    ) -> Result<u64> {
        self.0.hasten(tenant, recipient, reasons, now).await
    }

    async fn usage(
        &self,
        tenant: &TenantId,
        caps: &[CapQuery],
        now: Timestamp,
    ) -> Result<Vec<CapUse>> {
        self.0.usage(tenant, caps, now).await
    }

    async fn find_key(&self, tenant: &TenantId, key: &KeyHash) -> Result<Option<NotificationId>> {
        self.0.find_key(tenant, key).await
    }

    async fn wait(&self, timeout: Duration) {
        self.0.wait(timeout).await;
    }

    fn wake(&self) {
        self.0.wake();
    }
}
