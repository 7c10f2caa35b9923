//! The queue as a trait: each call is one commit.

use async_trait::async_trait;
use std::time::Duration;
use tokio::task::coop::consume_budget;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Delivery, Reason};
use crate::error::Result;
use crate::id::{DeliveryId, NotificationId, OwnerId, RecipientId, TenantId};
use crate::memory::queue::{Rooms, Tables};
use crate::memory::{MemoryStore, State};
use crate::queue::{
    Acceptance, Accepted, Advance, Begun, CancelOutcome, CapQuery, CapUse, Claim, Job, KeyHash,
    LaneDepth, Lease, Queue, Release, Retention, Settled, Settlement, Start, Swept,
};

impl MemoryStore {
    /// Carries out one commit, and wakes the workers if it left something to do.
    pub(in crate::memory) fn commit<R>(
        &self,
        change: impl FnOnce(&mut Tables, &mut Rooms<'_>) -> R,
    ) -> R {
        let mut guard = self.lock();
        let State {
            audit,
            preferences,
            queue,
            schedules,
            suppressions,
            ..
        } = &mut *guard;
        let mut rooms = Rooms {
            preferences,
            suppressions,
            audit,
            schedules,
            store: self.shared.id,
        };
        let answer = change(queue, &mut rooms);
        let stirred = queue.jobs.take_stirred();
        drop(guard);
        if stirred {
            self.wake();
        }
        answer
    }
}

#[async_trait]
impl Queue for MemoryStore {
    async fn accept(&self, batch: Vec<Acceptance>) -> Result<Vec<Accepted>> {
        // Nothing here ever waits: callers and workers on one thread take turns all the same. Before the commit, so that a call
        // that is dropped here did nothing.
        consume_budget().await;
        Ok(self.accept_all(batch))
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        consume_budget().await;
        Ok(self.commit(|tables, _| tables.claim(claim)))
    }

    async fn begin(&self, starts: &[Start<'_>]) -> Result<Vec<Begun>> {
        consume_budget().await;
        Ok(self.commit(|tables, rooms| {
            let begin = |start| tables.begin(start, rooms);
            starts.iter().map(begin).collect()
        }))
    }

    async fn settle(&self, settlements: &[Settlement<'_>]) -> Result<Vec<Settled>> {
        consume_budget().await;
        self.commit(|tables, rooms| {
            settlements
                .iter()
                .try_for_each(|one| tables.check_settlement(one))?;
            let settle = |one| tables.settle(one, rooms);
            Ok(settlements.iter().map(settle).collect())
        })
    }

    async fn release(&self, releases: &[Release<'_>]) -> Result<Vec<Settled>> {
        Ok(self.commit(|tables, _| releases.iter().map(|one| tables.release(one)).collect()))
    }

    async fn advance(&self, moves: &[Advance]) -> Result<Vec<Settled>> {
        Ok(self.commit(|tables, _| moves.iter().map(|one| tables.advance_alone(one)).collect()))
    }

    async fn extend(
        &self,
        owner: OwnerId,
        leases: &[(Job, u32)],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Job>> {
        Ok(self.commit(|tables, _| tables.extend(owner, leases, now + ttl)))
    }

    async fn reclaim(&self, dead_owners: &[OwnerId], now: Timestamp) -> Result<u64> {
        Ok(self.commit(|tables, _| tables.reclaim(dead_owners, now)))
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        reason: Reason,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<CancelOutcome>> {
        Ok(self.commit(|tables, rooms| {
            let mut by = rooms.operator(tenant, actor, now);
            ids.iter()
                .map(|id| tables.cancel(*id, reason, &mut by))
                .collect()
        }))
    }

    async fn dead_letters(
        &self,
        tenant: &TenantId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        Ok(self.commit(|tables, _| tables.dead_letters(tenant, before, limit)))
    }

    async fn requeue(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        Ok(self.commit(|tables, rooms| {
            let mut by = rooms.operator(tenant, actor, now);
            ids.iter().map(|id| tables.requeue(*id, &mut by)).collect()
        }))
    }

    async fn purge(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        Ok(self.commit(|tables, rooms| {
            let mut by = rooms.operator(tenant, actor, now);
            ids.iter().map(|id| tables.purge(*id, &mut by)).collect()
        }))
    }

    async fn hasten(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        reasons: &[Reason],
        now: Timestamp,
    ) -> Result<u64> {
        Ok(self.commit(|tables, _| tables.hasten(tenant, recipient, reasons, now)))
    }

    async fn usage(
        &self,
        tenant: &TenantId,
        caps: &[CapQuery],
        now: Timestamp,
    ) -> Result<Vec<CapUse>> {
        Ok(self.commit(|tables, _| {
            let used = |cap| tables.ledger.usage(tenant, cap, now);
            caps.iter().map(used).collect()
        }))
    }

    async fn find_key(&self, tenant: &TenantId, key: &KeyHash) -> Result<Option<NotificationId>> {
        Ok(self.commit(|tables, _| {
            let known = tables.keys.get(&(tenant.clone(), *key));
            known.map(|known| known.notification)
        }))
    }

    async fn depth(&self, now: Timestamp) -> Result<Vec<LaneDepth>> {
        Ok(self.commit(|tables, _| tables.jobs.index().depth(now)))
    }

    async fn sweep(&self, now: Timestamp, retention: &Retention) -> Result<Swept> {
        Ok(self.commit(|tables, _| tables.sweep(now, retention)))
    }

    async fn wait(&self, timeout: Duration) {
        tokio::select! {
            () = self.shared.wake.notified() => {}
            () = self.shared.clock.sleep(timeout) => {}
        }
    }

    fn wake(&self) {
        // All who wait now, and the next one, who may have looked just before this commit.
        self.shared.wake.notify_waiters();
        self.shared.wake.notify_one();
    }
}
