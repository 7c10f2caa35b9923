//! What a mutant asks and answers instead of the truth.

use std::collections::HashSet;
use std::mem::take;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Decision, DeliveryState, DeliveryStore, EventKind, Reason};
use crate::error::Result;
use crate::id::{DeliveryId, IdGenerator, TenantId};
use crate::notification::{Priority, RequestHash};
use crate::preference::{PreferenceStore, Suppression};
use crate::queue::{
    Acceptance, Claim, Effect, Handoff, Job, KeyHash, LaneClaim, Lease, NewDelivery, Outcome,
    Premise, Settled, Settlement, Start,
};
use crate::testkit::mutant::{MutantStore, Mutation, copy};

/// A handoff that is called after the commit, for the item at this place.
type Late = (usize, Handoff, Lease);

impl MutantStore {
    /// Looks keys up, waits, and lets an item go without its key if another call is just looking it up.
    pub(super) fn check_then_store(&self, batch: &mut [Acceptance]) -> Vec<KeyHash> {
        if !self.is(Mutation::KeyIsCheckedThenStored) {
            return Vec::new();
        }
        let mut checked = Vec::new();
        for key in batch.iter_mut().map(|item| &mut item.key) {
            if let Some(hash) = *key {
                if self.memo().checked.insert(hash) {
                    checked.push(hash);
                } else if !checked.contains(&hash) {
                    *key = None;
                }
            }
        }
        // Until another caller looks it up too, or none comes.
        self.memo().looking += 1;
        for _ in 0..20_000 {
            if self.memo().looking > 1 {
                break;
            }
            std::thread::yield_now();
        }
        self.memo().looking -= 1;
        checked
    }

    pub(super) fn lie_about_items(&self, batch: &mut [Acceptance]) -> Vec<Late> {
        let mut late = Vec::new();
        let mut seen = HashSet::new();
        for (place, item) in batch.iter_mut().enumerate() {
            self.remember(item);
            match self.mutation {
                Some(Mutation::ConflictIsDuplicate) => {
                    item.request_hash = RequestHash::from_bytes([0; 32]);
                }
                Some(Mutation::KeysOfOneBatchDiffer)
                    if item.key.is_some_and(|key| !seen.insert(key)) =>
                {
                    item.key = None;
                }
                Some(Mutation::KeysAreSharedByTenants) => {
                    if let Some(tenant) =
                        item.key.and_then(|key| self.memo().keys.get(&key).cloned())
                    {
                        item.tenant = tenant;
                    }
                }
                Some(Mutation::AcceptIgnoresPremises) => item.premises.clear(),
                Some(Mutation::AdvanceIsForgotten) => item.advance = None,
                Some(Mutation::AdvanceIsNotFenced) => {
                    if let Some(advance) = &mut item.advance
                        && let Some((epoch, _)) = self.memo().newest.get(&advance.job)
                    {
                        advance.epoch = *epoch;
                    }
                }
                Some(Mutation::JobsAreDropped) => item.jobs.clear(),
                _ => {}
            }
            for delivery in &mut item.deliveries {
                match self.mutation {
                    Some(Mutation::DueTimeIsIgnored) => delivery.due = item.accepted_at,
                    Some(Mutation::SuppressedIsSent) => delivery.decision = Decision::Send,
                    _ => {}
                }
                if let Some(handoff) = delivery.handoff.take() {
                    let (tenant, priority) = (item.tenant.clone(), item.priority);
                    let told = self.lie_about_handoff(handoff, delivery, tenant, priority);
                    late.extend(told.map(|(handoff, lease)| (place, handoff, lease)));
                }
            }
        }
        late
    }

    fn remember(&self, item: &Acceptance) {
        let mut memo = self.memo();
        memo.tenants.insert(item.tenant.clone());
        if let Some(key) = item.key {
            memo.keys.entry(key).or_insert_with(|| item.tenant.clone());
        }
        for delivery in &item.deliveries {
            memo.recipients.push(delivery.recipient.to_string());
            if let Some(pinned) = &delivery.pinned {
                memo.pinned.insert(delivery.id, Arc::clone(pinned));
            }
        }
    }

    fn lie_about_handoff(
        &self,
        handoff: Handoff,
        delivery: &mut NewDelivery,
        tenant: TenantId,
        priority: Priority,
    ) -> Option<(Handoff, Lease)> {
        let (owner, ttl) = (handoff.owner, handoff.ttl);
        let (job, channel) = (Job::deliver(delivery.id), delivery.channel.clone());
        let until = self.inner.clock().monotonic() + ttl;
        let lease = Lease::new(tenant, job, priority, channel, 1, until);
        match self.mutation {
            Some(Mutation::HandoffBeforeCommit) => {
                delivery.handoff = Some(Handoff::new(owner, ttl, |_| {}));
                handoff.deliver(lease);
                None
            }
            Some(Mutation::HandoffIsForgotten) => {
                delivery.handoff = Some(Handoff::new(owner, ttl, move |_| drop(handoff)));
                None
            }
            Some(Mutation::HandoffIsNotLent) => Some((handoff, lease)),
            _ => {
                let memo = Arc::clone(&self.memo);
                delivery.handoff = Some(Handoff::new(owner, ttl, move |lease| {
                    let mut memo = memo.lock().unwrap_or_else(PoisonError::into_inner);
                    memo.newest.insert(lease.job, (lease.epoch, owner));
                    drop(memo);
                    handoff.deliver(lease);
                }));
                None
            }
        }
    }

    pub(super) fn lie_in_claim(&self, claim: &mut Claim) {
        match self.mutation {
            Some(Mutation::ClaimLendsEarly) => claim.now = Timestamp::MAX,
            Some(Mutation::ClaimIgnoresLimits) => {
                claim.lanes.iter_mut().for_each(|lane| lane.limit += 1);
            }
            Some(Mutation::ClaimIgnoresLanes) => {
                let lanes = take(&mut claim.lanes).into_iter();
                let all = lanes.flat_map(|lane| {
                    Priority::ALL.map(|priority| LaneClaim {
                        priority,
                        ..lane.clone()
                    })
                });
                claim.lanes = all.collect();
            }
            _ => {}
        }
    }

    pub(super) fn lie_in_lease(&self, lease: &mut Lease, ttl: Duration) {
        match self.mutation {
            Some(Mutation::ClaimForgetsInterruption) => lease.interrupted = false,
            Some(Mutation::ClaimForgetsCalls) => lease.sends = 0,
            Some(Mutation::ClaimForgetsTargets) => lease.frozen = None,
            Some(Mutation::LeaseHoldsTooLong) => lease.until = lease.until + ttl,
            Some(Mutation::EpochStandsStill) => lease.epoch = 1,
            _ => {}
        }
    }

    /// The lease as it is shown to the wrapped store: the newest one, if nobody looks.
    pub(super) fn presented(&self, lease: &Lease, mutation: Mutation) -> Lease {
        let mut shown = copy(lease);
        if (self.is(mutation) || self.is(Mutation::EpochStandsStill))
            && let Some((epoch, _)) = self.memo().newest.get(&lease.job)
        {
            shown.epoch = *epoch;
        }
        shown
    }

    pub(super) async fn lie_about_premises(&self, start: &Start<'_>) -> Result<Vec<Premise>> {
        let mut premises = start.premises.to_vec();
        match self.mutation {
            Some(Mutation::BeginIgnoresPremises) => premises.clear(),
            Some(Mutation::BeginChecksOnePremise) => premises.truncate(1),
            Some(Mutation::CapCountsBegins) => {
                for premise in &mut premises {
                    if let Premise::Cap { counted_as, .. } = premise {
                        *counted_as = IdGenerator::random().delivery(start.now);
                    }
                }
            }
            Some(Mutation::StaleStampHolds) => {
                for premise in &mut premises {
                    if let Premise::Preferences { recipient, stamp } = premise {
                        let ids = [recipient.clone()];
                        let found =
                            PreferenceStore::load(&*self.inner, &start.lease.tenant, &ids).await?;
                        *stamp = found[0].stamp.unwrap_or(*stamp);
                    }
                }
            }
            _ => {}
        }
        Ok(premises)
    }

    pub(super) fn lie_about_settlement(&self, settlement: &mut Settlement<'_>) {
        match self.mutation {
            Some(Mutation::CapGivesNothingBack) => settlement.nothing_went_out = false,
            Some(Mutation::CapGivesAllBack) => settlement.nothing_went_out = true,
            Some(Mutation::SettleForgetsMessages) => settlement.messages = &[],
            Some(Mutation::EffectsAreForgotten) => settlement.effects = &[],
            Some(Mutation::SettleForgetsPrice) => settlement.price = None,
            Some(Mutation::SettleForgetsReason) => settlement.reason = None,
            _ => {}
        }
    }

    pub(super) async fn after_settle(
        &self,
        settlements: &[Settlement<'_>],
        mut answers: Vec<Settled>,
    ) -> Result<Vec<Settled>> {
        for (settlement, answer) in settlements.iter().zip(&mut answers) {
            let lease = settlement.lease;
            let is_new = self.memo().settled.insert((lease.job, lease.epoch));
            if self.is(Mutation::SettleAgainIsFenced) && !is_new {
                *answer = Settled::Fenced;
            }
            if self.is(Mutation::SettleAgainIsWritten)
                && !is_new
                && let Some(id) = lease.job.delivery()
            {
                *self.memo().written_again.entry(id).or_default() += 1;
            }
            if self.is(Mutation::CancelledIsApplied)
                && let Some(id) = lease.job.delivery()
                && let [Some(delivery)] = &DeliveryStore::load(&*self.inner, &[id]).await?[..]
                && delivery.state == DeliveryState::Cancelled
            {
                *answer = Settled::Applied;
            }
            if self.is(Mutation::EffectsOfTheFenced) && *answer == Settled::Fenced {
                self.suppress_all(settlement).await?;
            }
        }
        Ok(answers)
    }

    async fn suppress_all(&self, settlement: &Settlement<'_>) -> Result<()> {
        for effect in settlement.effects {
            if let Effect::Suppress {
                channel,
                address,
                scope,
                source,
            } = effect
            {
                let now = settlement.now;
                let entry = Suppression::new(channel.clone(), *address, *scope, *source, now);
                let tenant = &settlement.lease.tenant;
                self.inner
                    .suppress(tenant, &[entry], &Actor::Application)
                    .await?;
            }
        }
        Ok(())
    }

    pub(super) async fn after_reclaim(&self, now: Timestamp) -> Result<()> {
        if !self.is(Mutation::PoisonNeverDies) {
            return Ok(());
        }
        let tenants = self.memo().tenants.clone();
        for tenant in tenants {
            let mut dead = self.inner.dead_letters(&tenant, None, u32::MAX).await?;
            dead.retain(|delivery| delivery.reason == Some(Reason::Poison));
            let ids: Vec<_> = dead.iter().map(|delivery| delivery.id).collect();
            self.inner
                .requeue(&tenant, &ids, &Actor::Application, now)
                .await?;
        }
        Ok(())
    }

    pub(super) fn lie_about_actor(&self, actor: &Actor) -> Actor {
        let is_hidden = self.is(Mutation::OperatorsAreNotAudited);
        if is_hidden {
            Actor::Application
        } else {
            actor.clone()
        }
    }

    pub(super) async fn lie_about_tenant(
        &self,
        tenant: &TenantId,
        id: DeliveryId,
    ) -> Result<TenantId> {
        if self.is(Mutation::OperatorsReachAll)
            && let Some(delivery) = DeliveryStore::load(&*self.inner, &[id]).await?.remove(0)
        {
            return Ok(delivery.tenant);
        }
        Ok(tenant.clone())
    }

    /// The state of a dead letter that cancel leaves as it is.
    pub(super) async fn left_as_dead(
        &self,
        tenant: &TenantId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryState>> {
        if !self.is(Mutation::CancelLeavesDeadLetters) {
            return Ok(None);
        }
        let found = DeliveryStore::load(&*self.inner, &[id]).await?.remove(0);
        let found = found.filter(|found| found.tenant == *tenant);
        Ok(found
            .map(|found| found.state)
            .filter(|state| state.is_dead_letter()))
    }

    /// Ends a delivery while a provider is being called.
    pub(super) async fn end_sending(&self, id: DeliveryId, now: Timestamp) -> Result<bool> {
        if !self.is(Mutation::CancelEndsSending) {
            return Ok(false);
        }
        let begun = {
            let memo = self.memo();
            memo.sending.get(&Job::deliver(id)).map(copy)
        };
        let found = DeliveryStore::load(&*self.inner, &[id]).await?.remove(0);
        let is_sending = found.is_some_and(|found| found.state == DeliveryState::Sending);
        let Some(lease) = begun.filter(|_| is_sending) else {
            return Ok(false);
        };
        let outcome = Outcome::Finished(DeliveryState::Cancelled);
        let settlement = Settlement::new(&lease, outcome, EventKind::Cancelled, now);
        Ok(self.inner.settle(&[settlement]).await? == [Settled::Applied])
    }
}
