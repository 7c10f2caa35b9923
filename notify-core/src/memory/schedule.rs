//! Schedules by their id and by the application's key.

use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::Delivery;
use crate::error::Result;
use crate::id::{ScheduleId, ScheduleKey, TenantId};
use crate::memory::MemoryStore;
use crate::memory::queue::{Rooms, Tables};
use crate::privacy::Erasure;
use crate::queue::Job;
use crate::schedule::{
    HeldMove, PendingQuery, ScheduleChange, ScheduleFailure, ScheduleFilter, ScheduleStore,
    StoredSchedule, TickChange,
};

/// Schedules with their jobs.
#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<(TenantId, ScheduleId), Row>,
    keys: HashMap<(TenantId, ScheduleKey), ScheduleId>,
}

struct Row {
    stored: StoredSchedule,
    tick: Option<Job>,
}

impl Table {
    /// Whether a schedule is there, is not paused, and has this version.
    pub(super) fn is_active(&self, tenant: &TenantId, id: ScheduleId, version: u64) -> bool {
        let row = self.rows.get(&(tenant.clone(), id));
        row.is_some_and(|row| !row.stored.is_paused && row.stored.version == version)
    }

    /// A schedule as it is read: with what the queue knows of its job.
    fn read(&self, queue: &Tables, tenant: &TenantId, id: ScheduleId) -> Option<StoredSchedule> {
        let row = self.rows.get(&(tenant.clone(), id))?;
        Some(row.read(queue))
    }

    /// Takes a person out of every schedule, and the schedules that were for them alone away.
    pub(super) fn erase(&mut self, erasure: &Erasure) {
        let keys = &mut self.keys;
        self.rows.retain(|(tenant, _), row| {
            let scheduled = &row.stored.scheduled;
            let is_named = scheduled.target().named().contains(&erasure.recipient);
            if *tenant != erasure.tenant || !is_named {
                return true;
            }
            let Some(left) = scheduled.without(&erasure.recipient) else {
                keys.remove(&(tenant.clone(), scheduled.key().clone()));
                return false;
            };
            row.stored.scheduled = left;
            row.stored.version += 1;
            true
        });
    }

    fn id_of(&self, tenant: &TenantId, key: &ScheduleKey) -> Option<ScheduleId> {
        self.keys.get(&(tenant.clone(), key.clone())).copied()
    }

    /// Whether the table is as the change rests on.
    fn is_as_expected(&self, change: &ScheduleChange<'_>) -> bool {
        let row = self.rows.get(&(change.tenant.clone(), change.id));
        let version = row.map_or(0, |row| row.stored.version);
        let named = self.id_of(change.tenant, change.scheduled.key());
        version == change.expected_version && named.is_none_or(|named| named == change.id)
    }
}

impl Row {
    fn read(&self, queue: &Tables) -> StoredSchedule {
        let mut stored = self.stored.clone();
        stored.next = self.tick.and_then(|tick| queue.due_of(&tick));
        stored
    }
}

fn write(tables: &mut Tables, rooms: &mut Rooms<'_>, change: &ScheduleChange<'_>) -> bool {
    let table = &mut *rooms.schedules;
    if !table.is_as_expected(change) {
        return false;
    }
    let place = (change.tenant.clone(), change.id);
    let before = table.rows.remove(&place);
    let mut tick = before.as_ref().and_then(|row| row.tick);
    match &change.tick {
        TickChange::Keep => {}
        TickChange::Begin(new) => {
            tick.into_iter().for_each(|old| tables.remove_job(&old));
            tables.insert_job(change.tenant, change.priority, new);
            tick = Some(new.job);
        }
        TickChange::End => {
            tick.take()
                .into_iter()
                .for_each(|old| tables.remove_job(&old));
        }
    }
    let key = |key: &ScheduleKey| (change.tenant.clone(), key.clone());
    let mut stored = StoredSchedule::new(change.id, change.scheduled.clone(), change.now);
    if let Some(before) = before {
        table.keys.remove(&key(before.stored.scheduled.key()));
        stored.version = before.stored.version + 1;
        stored.created_at = before.stored.created_at;
    }
    stored.is_paused = change.is_paused;
    table.keys.insert(key(change.scheduled.key()), change.id);
    table.rows.insert(place, Row { stored, tick });
    let subject = change.scheduled.key().as_str();
    let (actor, action) = (change.actor, change.action);
    rooms
        .audit
        .write(change.now, change.tenant, actor, action, subject);
    true
}

#[async_trait]
impl ScheduleStore for MemoryStore {
    async fn write(&self, change: &ScheduleChange<'_>) -> Result<bool> {
        Ok(self.commit(|tables, rooms| write(tables, rooms, change)))
    }

    async fn get(&self, tenant: &TenantId, id: ScheduleId) -> Result<Option<StoredSchedule>> {
        Ok(self.commit(|tables, rooms| rooms.schedules.read(tables, tenant, id)))
    }

    async fn find(&self, tenant: &TenantId, key: &ScheduleKey) -> Result<Option<StoredSchedule>> {
        Ok(self.commit(|tables, rooms| {
            let id = rooms.schedules.id_of(tenant, key)?;
            rooms.schedules.read(tables, tenant, id)
        }))
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &ScheduleFilter<'_>,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<StoredSchedule>> {
        let place = |bits: u128| (tenant.clone(), ScheduleId::from_u128(bits));
        let from = match after {
            Some(after) => Bound::Excluded((tenant.clone(), after)),
            None => Bound::Included(place(0)),
        };
        let is_meant = |stored: &StoredSchedule| {
            let names = |id| stored.scheduled.target().named().contains(id);
            let is_before = |end| stored.next.is_some_and(|next| next < end);
            filter.recipient.is_none_or(names) && filter.next_before.is_none_or(is_before)
        };
        Ok(self.commit(|tables, rooms| {
            let to = Bound::Included(place(u128::MAX));
            let rows = rooms.schedules.rows.range((from, to));
            rows.map(|(_, row)| row.read(tables))
                .filter(is_meant)
                .take(limit as usize)
                .collect()
        }))
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(self.commit(|tables, rooms| {
            let Some(row) = rooms.schedules.rows.remove(&(tenant.clone(), id)) else {
                return false;
            };
            let key = row.stored.scheduled.key().clone();
            row.tick
                .into_iter()
                .for_each(|tick| tables.remove_job(&tick));
            let action = "schedule.remove";
            rooms.audit.write(now, tenant, actor, action, key.as_str());
            rooms.schedules.keys.remove(&(tenant.clone(), key));
            true
        }))
    }

    async fn fail(
        &self,
        tenant: &TenantId,
        id: ScheduleId,
        version: u64,
        failure: Option<&ScheduleFailure>,
    ) -> Result<bool> {
        Ok(self.commit(|_, rooms| {
            let row = rooms.schedules.rows.get_mut(&(tenant.clone(), id));
            let Some(row) = row.filter(|row| row.stored.version == version) else {
                return false;
            };
            row.stored.failure = failure.cloned();
            true
        }))
    }

    async fn pending(&self, query: &PendingQuery<'_>) -> Result<Vec<Delivery>> {
        Ok(self.commit(|tables, _| tables.pending(query)))
    }

    async fn move_held(&self, moved: &HeldMove<'_>) -> Result<Vec<bool>> {
        Ok(self.commit(|tables, rooms| tables.move_held(moved, rooms)))
    }
}
