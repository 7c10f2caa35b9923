//! The calls of the schedules, each of which may fail.

use async_trait::async_trait;

use super::{Faulty, Operation, room, run};
use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::Delivery;
use crate::error::Result;
use crate::id::{ScheduleId, ScheduleKey, TenantId};
use crate::schedule::{
    HeldMove, PendingQuery, ScheduleChange, ScheduleFailure, ScheduleFilter, ScheduleStore,
    StoredSchedule,
};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ScheduleStore for Faulty {
    async fn write(&self, change: &ScheduleChange<'_>) -> Result<bool> {
        let schedules = room(self.schedules.as_ref())?;
        run!(self, WriteSchedule, schedules.write(change))
    }

    async fn get(&self, tenant: &TenantId, id: ScheduleId) -> Result<Option<StoredSchedule>> {
        let schedules = room(self.schedules.as_ref())?;
        run!(self, GetSchedule, schedules.get(tenant, id))
    }

    async fn find(&self, tenant: &TenantId, key: &ScheduleKey) -> Result<Option<StoredSchedule>> {
        let schedules = room(self.schedules.as_ref())?;
        run!(self, FindSchedule, schedules.find(tenant, key))
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &ScheduleFilter<'_>,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<StoredSchedule>> {
        let schedules = room(self.schedules.as_ref())?;
        run!(
            self,
            ListSchedules,
            schedules.list(tenant, filter, after, limit)
        )
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let schedules = room(self.schedules.as_ref())?;
        run!(
            self,
            RemoveSchedule,
            schedules.remove(tenant, id, actor, now)
        )
    }

    async fn fail(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        version: u64,
        failure: Option<&ScheduleFailure>,
    ) -> Result<bool> {
        let schedules = room(self.schedules.as_ref())?;
        run!(
            self,
            FailSchedule,
            schedules.fail(tenant, id, version, failure)
        )
    }

    async fn pending(&self, query: &PendingQuery<'_>) -> Result<Vec<Delivery>> {
        let schedules = room(self.schedules.as_ref())?;
        run!(self, Pending, schedules.pending(query))
    }

    async fn move_held(&self, moved: &HeldMove<'_>) -> Result<Vec<bool>> {
        let schedules = room(self.schedules.as_ref())?;
        run!(self, MoveHeld, schedules.move_held(moved))
    }
}
