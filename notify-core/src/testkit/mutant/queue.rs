//! The queue of a mutant: that of the store it wraps, asked or answered with a lie.

use async_trait::async_trait;
use std::time::Duration;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Delivery, EventKind, Frozen, Reason};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{DeliveryId, NotificationId, OwnerId, RecipientId, TenantId};
use crate::queue::{
    Acceptance, Accepted, Advance, Begun, CancelOutcome, CapQuery, CapUse, Claim, Job, KeyHash,
    LaneDepth, Lease, Outcome, Queue, Release, Retention, Settled, Settlement, Start, Swept,
};
use crate::testkit::mutant::{MutantStore, Mutation, copy};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Queue for MutantStore {
    async fn accept(&self, mut batch: Vec<Acceptance>) -> Result<Vec<Accepted>> {
        let checked = self.check_then_store(&mut batch);
        let late = self.lie_about_items(&mut batch);
        self.lie_about_digests(&mut batch).await?;
        let answers = self.inner.accept(batch).await?;
        self.memo().checked.retain(|key| !checked.contains(key));
        for (place, handoff, lease) in late {
            if answers.get(place) == Some(&Accepted::New) {
                handoff.deliver(lease);
            }
        }
        if self.is(Mutation::NeighbourFailsBatch) && answers.iter().any(|a| *a != Accepted::New) {
            return Err(Error::new(
                ErrorKind::Storage,
                "an item of the batch was refused",
            ));
        }
        Ok(answers)
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        let mut claim = claim.clone();
        self.lie_in_claim(&mut claim);
        let mut leases = self.inner.claim(&claim).await?;
        let mut memo = self.memo();
        for lease in &mut leases {
            memo.newest.insert(lease.job, (lease.epoch, claim.owner));
        }
        if self.is(Mutation::ClaimLendsTwice) {
            let again: Vec<_> = memo.lent.iter().map(copy).collect();
            memo.lent.extend(leases.iter().map(copy));
            leases.extend(again);
        }
        drop(memo);
        leases
            .iter_mut()
            .for_each(|lease| self.lie_in_lease(lease, claim.ttl));
        Ok(leases)
    }

    async fn begin(&self, starts: &[Start<'_>]) -> Result<Vec<Begun>> {
        let leases: Vec<_> = starts
            .iter()
            .map(|start| self.presented(start.lease, Mutation::BeginIsNotFenced))
            .collect();
        let mut premises = Vec::new();
        for start in starts {
            premises.push(self.lie_about_premises(start).await?);
        }
        let nothing = Frozen::default();
        let mut asked = Vec::new();
        for ((start, lease), premises) in starts.iter().zip(&leases).zip(&premises) {
            let keeps = !self.is(Mutation::BeginKeepsNoTargets);
            let frozen = if keeps { start.frozen } else { &nothing };
            asked.push(Start {
                lease,
                frozen,
                premises,
                ..*start
            });
        }
        let mut begun = self.inner.begin(&asked).await?;
        let mut memo = self.memo();
        for (start, begun) in asked.iter().zip(&mut begun) {
            let is_new = memo.begun.insert((start.lease.job, start.lease.epoch));
            if self.is(Mutation::BeginAgainIsFenced) && !is_new {
                *begun = Begun::Fenced;
            }
            memo.sending.insert(start.lease.job, copy(start.lease));
        }
        drop(memo);
        for (begun, (start, told)) in begun.iter_mut().zip(starts.iter().zip(&premises)) {
            if let Begun::Refused { premise, .. } = begun
                && let Some(place) = told.iter().position(|told| told == premise)
            {
                // In the words of who asked.
                premise.clone_from(&start.premises[place]);
            }
        }
        Ok(begun)
    }

    async fn settle(&self, settlements: &[Settlement<'_>]) -> Result<Vec<Settled>> {
        if self.is(Mutation::SettleOneByOne) {
            let mut answers = Vec::new();
            for settlement in settlements {
                answers.extend(self.inner.settle(&[*settlement]).await?);
            }
            return Ok(answers);
        }
        let leases: Vec<_> = settlements
            .iter()
            .map(|one| self.presented(one.lease, Mutation::SettleIsNotFenced))
            .collect();
        let mut asked = Vec::new();
        for (settlement, lease) in settlements.iter().zip(&leases) {
            let mut settlement = Settlement {
                lease,
                ..*settlement
            };
            self.lie_about_settlement(&mut settlement);
            asked.push(settlement);
        }
        let answers = match self.inner.settle(&asked).await {
            Err(error)
                if self.is(Mutation::IllegalIsApplied) && error.kind() == ErrorKind::Unexpected =>
            {
                return Ok(vec![Settled::Applied; asked.len()]);
            }
            other => other?,
        };
        self.after_settle(settlements, answers).await
    }

    async fn release(&self, releases: &[Release<'_>]) -> Result<Vec<Settled>> {
        let leases: Vec<_> = releases
            .iter()
            .map(|one| self.presented(one.lease, Mutation::ReleaseIsNotFenced))
            .collect();
        let ignores = self.is(Mutation::ReleaseIgnoresDue);
        let due = |due| if ignores { Timestamp::EPOCH } else { due };
        let asked: Vec<_> = releases
            .iter()
            .zip(&leases)
            .map(|(one, lease)| Release {
                lease,
                due: due(one.due),
            })
            .collect();
        let mut answers = self.inner.release(&asked).await?;
        if self.is(Mutation::ReleaseTakesWhatWasBegun) {
            for (one, answer) in asked.iter().zip(&mut answers) {
                let outcome = Outcome::Again {
                    due: one.due,
                    held: false,
                };
                let back = Settlement::new(one.lease, outcome, EventKind::Deferred, one.due);
                *answer = self.inner.settle(&[back]).await?[0];
            }
        }
        Ok(answers)
    }

    async fn advance(&self, moves: &[Advance]) -> Result<Vec<Settled>> {
        self.inner.advance(moves).await
    }

    async fn extend(
        &self,
        owner: OwnerId,
        leases: &[(Job, u32)],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Job>> {
        if self.is(Mutation::ExtendDoesNothing) {
            return Ok(Vec::new());
        }
        let mut asked = leases.to_vec();
        if self.is(Mutation::EpochStandsStill) {
            let memo = self.memo();
            for (job, epoch) in &mut asked {
                *epoch = memo.newest.get(job).map_or(*epoch, |(newest, _)| *newest);
            }
        }
        let lost = self.inner.extend(owner, &asked, now, ttl).await?;
        Ok(if self.is(Mutation::ExtendNamesNothing) {
            Vec::new()
        } else {
            lost
        })
    }

    async fn reclaim(&self, dead_owners: &[OwnerId], now: Timestamp) -> Result<u64> {
        let owners = if self.is(Mutation::ReclaimIgnoresOwners) {
            &[]
        } else {
            dead_owners
        };
        let now = match self.mutation {
            Some(Mutation::ReclaimIgnoresTime) => Timestamp::EPOCH,
            Some(Mutation::ReclaimTakesAll) => Timestamp::MAX,
            _ => now,
        };
        let taken = self.inner.reclaim(owners, now).await?;
        self.after_reclaim(now).await?;
        Ok(taken)
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        reason: Reason,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<CancelOutcome>> {
        let actor = self.lie_about_actor(actor);
        let forgets = self.is(Mutation::CancelForgetsReason);
        let reason = if forgets { Reason::NotNeeded } else { reason };
        let mut answers = Vec::new();
        for id in ids {
            let tenant = self.lie_about_tenant(tenant, *id).await?;
            if let Some(state) = self.left_as_dead(&tenant, *id).await? {
                answers.push(CancelOutcome::TooLate(state));
                continue;
            }
            let is_ended = self.end_sending(*id, now).await?;
            let outcome = self
                .inner
                .cancel(&tenant, &[*id], reason, &actor, now)
                .await?;
            answers.extend(outcome.into_iter().map(|outcome| {
                if is_ended {
                    CancelOutcome::Cancelled
                } else {
                    outcome
                }
            }));
        }
        Ok(answers)
    }

    async fn dead_letters(
        &self,
        tenant: &TenantId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let mut found = self.inner.dead_letters(tenant, before, limit).await?;
        if self.is(Mutation::DeadLettersOldestFirst) {
            found.reverse();
        }
        Ok(found)
    }

    async fn requeue(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        let actor = self.lie_about_actor(actor);
        let mut answers = Vec::new();
        for id in ids {
            let tenant = self.lie_about_tenant(tenant, *id).await?;
            let answer = self.inner.requeue(&tenant, &[*id], &actor, now).await?;
            answers.extend(
                answer
                    .into_iter()
                    .map(|yes| yes || self.is(Mutation::RequeueSaysYes)),
            );
        }
        Ok(answers)
    }

    async fn purge(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        let actor = self.lie_about_actor(actor);
        let mut answers = Vec::new();
        for id in ids {
            let tenant = self.lie_about_tenant(tenant, *id).await?;
            answers.extend(self.inner.purge(&tenant, &[*id], &actor, now).await?);
        }
        Ok(answers)
    }

    async fn hasten(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        reasons: &[Reason],
        now: Timestamp,
    ) -> Result<u64> {
        match self.mutation {
            Some(Mutation::HastenIsForgotten) => Ok(0),
            Some(Mutation::HastenIgnoresReasons) => {
                let inner = &self.inner;
                inner.hasten(tenant, recipient, Reason::ALL, now).await
            }
            Some(Mutation::HastenFencesNobody) => {
                let deliveries = self.inner.history(tenant, recipient, None, 1_000).await?;
                let is_lent = deliveries.iter().any(|delivery| {
                    let job = Job::deliver(delivery.id);
                    delivery.state.is_open() && self.memo().newest.contains_key(&job)
                });
                if is_lent {
                    return Ok(0);
                }
                self.inner.hasten(tenant, recipient, reasons, now).await
            }
            _ => self.inner.hasten(tenant, recipient, reasons, now).await,
        }
    }

    async fn usage(
        &self,
        tenant: &TenantId,
        caps: &[CapQuery],
        now: Timestamp,
    ) -> Result<Vec<CapUse>> {
        let mut used = self.inner.usage(tenant, caps, now).await?;
        if self.is(Mutation::UsageIsFixedWindow) {
            for (used, cap) in used.iter_mut().zip(caps) {
                used.room_at = used.room_at.map(|at| at.max(now + cap.window));
            }
        }
        Ok(used)
    }

    async fn find_key(&self, tenant: &TenantId, key: &KeyHash) -> Result<Option<NotificationId>> {
        let found = self.inner.find_key(tenant, key).await?;
        Ok(found.filter(|_| !self.is(Mutation::KeysAreNotFound)))
    }

    async fn depth(&self, now: Timestamp) -> Result<Vec<LaneDepth>> {
        let mut depth = self.inner.depth(now).await?;
        if self.is(Mutation::DepthCountsAllAsReady) {
            for lane in &mut depth {
                lane.ready += std::mem::take(&mut lane.waiting);
            }
        }
        if self.is(Mutation::DepthHidesPoison) {
            depth.iter_mut().for_each(|lane| lane.poison = 0);
        }
        Ok(depth)
    }

    async fn sweep(&self, now: Timestamp, retention: &Retention) -> Result<Swept> {
        match self.mutation {
            Some(Mutation::SweepForgetsNothing) => Ok(Swept::default()),
            Some(Mutation::SweepForgetsAll) => self.inner.sweep(Timestamp::MAX, retention).await,
            Some(Mutation::SweepForgetsDeadLetters) => {
                let retention = retention.with_dead_letters(Duration::ZERO);
                self.inner.sweep(now, &retention).await
            }
            Some(Mutation::SweepCountsNoDeadLetters) => {
                let swept = self.inner.sweep(now, retention).await?;
                Ok(swept.with_dead_letters(0))
            }
            _ => self.inner.sweep(now, retention).await,
        }
    }

    async fn wait(&self, timeout: Duration) {
        match self.mutation {
            Some(Mutation::NobodyIsWoken) => self.inner.clock().sleep(timeout).await,
            Some(Mutation::NobodyWaits) => {}
            Some(Mutation::WaitHasNoEnd) => self.inner.wait(Duration::MAX).await,
            _ => self.inner.wait(timeout).await,
        }
    }

    fn wake(&self) {
        self.inner.wake();
    }
}
