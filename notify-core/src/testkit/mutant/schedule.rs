//! Schedules, to a mutant: written, read and moved with a lie.

use async_trait::async_trait;
use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Delivery, DeliveryStore};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ScheduleId, ScheduleKey, TenantId};
use crate::schedule::{
    HeldMove, PendingQuery, ScheduleChange, ScheduleFailure, ScheduleFilter, ScheduleStore,
    StoredSchedule, TickChange,
};
use crate::testkit::mutant::{MutantStore, Mutation};

impl MutantStore {
    fn planned(&self) -> Result<Arc<dyn ScheduleStore>> {
        let none = || Error::new(ErrorKind::Unsupported, "the store keeps no schedules");
        Arc::clone(&self.inner).schedules().ok_or_else(none)
    }

    fn lie_about_schedule(&self, mut stored: StoredSchedule) -> StoredSchedule {
        if self.is(Mutation::NextIsNotTold) {
            stored.next = None;
        }
        stored
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ScheduleStore for MutantStore {
    async fn write(&self, change: &ScheduleChange<'_>) -> Result<bool> {
        let room = self.planned()?;
        let mut change = change.clone();
        let before = room.get(change.tenant, change.id).await?;
        match (self.mutation, &change.tick) {
            (Some(Mutation::AnyVersionIsWritten), _) => {
                change.expected_version = before.map_or(0, |before| before.version);
            }
            (Some(Mutation::TickIsForgotten), TickChange::Begin(_)) => {
                change.tick = TickChange::Keep;
            }
            (Some(Mutation::TickIsDueAtOnce), TickChange::Begin(new)) => {
                let mut new = new.clone();
                new.due = change.now;
                change.tick = TickChange::Begin(new);
            }
            (Some(Mutation::TickIsNotEnded), TickChange::End) => change.tick = TickChange::Keep,
            (Some(Mutation::TickIsNotKept), TickChange::Keep) => change.tick = TickChange::End,
            (Some(Mutation::PauseIsForgotten), _) => change.is_paused = false,
            _ => {}
        }
        if self.is(Mutation::OperatorsAreNotAudited) {
            change.actor = &Actor::Application;
        }
        let written = room.write(&change).await?;
        Ok(written || self.is(Mutation::LostWriteIsTold))
    }

    async fn get(&self, tenant: &TenantId, id: ScheduleId) -> Result<Option<StoredSchedule>> {
        let found = self.planned()?.get(tenant, id).await?;
        Ok(found.map(|stored| self.lie_about_schedule(stored)))
    }

    async fn find(&self, tenant: &TenantId, key: &ScheduleKey) -> Result<Option<StoredSchedule>> {
        let found = self.planned()?.find(tenant, key).await?;
        Ok(found.map(|stored| self.lie_about_schedule(stored)))
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &ScheduleFilter<'_>,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<StoredSchedule>> {
        let mut asked = *filter;
        if self.is(Mutation::ListIgnoresRecipient) {
            asked.recipient = None;
        }
        if self.is(Mutation::ListIgnoresTime) {
            asked.next_before = None;
        }
        let mut found = self.planned()?.list(tenant, &asked, after, limit).await?;
        if self.is(Mutation::ListInDisorder) {
            found.reverse();
        }
        Ok(found)
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let actor = if self.is(Mutation::OperatorsAreNotAudited) {
            &Actor::Application
        } else {
            actor
        };
        self.planned()?.remove(tenant, id, actor, now).await
    }

    async fn fail(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        version: u64,
        failure: Option<&ScheduleFailure>,
    ) -> Result<bool> {
        let room = self.planned()?;
        let version = if self.is(Mutation::FailureOfAnyVersion) {
            let stored = room.get(tenant, id).await?;
            stored.map_or(version, |stored| stored.version)
        } else {
            version
        };
        room.fail(tenant, id, version, failure).await
    }

    async fn pending(&self, query: &PendingQuery<'_>) -> Result<Vec<Delivery>> {
        let mut asked = *query;
        match self.mutation {
            Some(Mutation::PendingOfAnybody) => asked.recipient = None,
            Some(Mutation::PendingForAnyReason) => asked.reasons = crate::delivery::Reason::ALL,
            Some(Mutation::PendingForgetsPage) => asked.after = None,
            _ => {}
        }
        self.planned()?.pending(&asked).await
    }

    async fn move_held(&self, moved: &HeldMove<'_>) -> Result<Vec<bool>> {
        let mut asked = *moved;
        let ids: Vec<_> = moved.dues.iter().map(|(id, _)| *id).collect();
        let before = DeliveryStore::load(&*self.inner, &ids).await?;
        let first = before.into_iter().flatten().next();
        if let Some(first) = &first {
            match self.mutation {
                Some(Mutation::MoveKeepsRequest) => asked.request = &first.request,
                Some(Mutation::MoveKeepsExpiry) => asked.expires_at = first.expires_at,
                Some(Mutation::MoveReachesAll) => asked.tenant = &first.tenant,
                Some(Mutation::MoveIgnoresReasons) => asked.reasons = crate::delivery::Reason::ALL,
                _ => {}
            }
        }
        let now = [moved.now];
        let dues: Vec<_> = ids.iter().map(|id| (*id, now[0])).collect();
        if self.is(Mutation::MovedIsDueAtOnce) {
            asked.dues = &dues;
        }
        if self.is(Mutation::OperatorsAreNotAudited) {
            asked.actor = &Actor::Application;
        }
        self.planned()?.move_held(&asked).await
    }
}
