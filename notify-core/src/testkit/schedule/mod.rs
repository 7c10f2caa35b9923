//! The contract of [`ScheduleStore`], clause by clause.

mod held;
mod read;
mod write;

use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::id::{RecipientId, ScheduleId, TenantId};
use crate::notification::{Content, NotificationRequest, Priority, Schedule};
use crate::queue::{Job, JobKind, Lease, NewJob};
use crate::schedule::{
    ScheduleChange, ScheduleStore, ScheduleTarget, ScheduledRequest, StoredSchedule, TickChange,
};
use crate::testkit::world::{HOUR, World};
use crate::testkit::{StoreHarness, clauses};

clauses! {
    /// Makes a test of each clause of [`ScheduleStore`](crate::schedule::ScheduleStore). Takes an expression that makes a
    /// [`StoreHarness`](crate::testkit::StoreHarness), once for each test.
    macro $ schedule_tests for schedule: dyn StoreHarness {
        write {
            a_schedule_is_stored_with_its_job,
            a_write_that_rests_on_another_version_changes_nothing,
            a_key_names_one_schedule_of_its_tenant,
            a_key_that_was_given_up_is_free,
            of_two_writes_at_once_one_is_stored,
            a_job_that_is_replaced_or_ended_is_fenced,
            what_is_kept_stays_lent,
            what_is_removed_takes_its_job,
            a_failure_is_noted_for_its_version_until_the_next_write,
            what_operators_change_is_audited,
            an_occurrence_rests_on_an_active_schedule_of_its_version,
            an_occurrence_of_another_tenants_schedule_is_stale,
        }
        read {
            a_schedule_reads_back_by_its_id_and_by_its_key,
            schedules_of_other_tenants_are_not_there,
            next_is_when_the_job_is_due,
            a_list_comes_in_order_and_in_pages,
            a_list_has_what_its_filter_names,
            schedules_survive_a_crash,
        }
        held {
            what_is_held_comes_by_due_time_in_pages,
            what_is_held_for_one_person_comes_alone,
            only_what_waits_for_a_named_reason_is_pending,
            what_is_moved_is_due_then_and_says_so,
            what_is_moved_is_taken_from_whoever_has_it,
            what_cannot_be_moved_stays_as_it_is,
            the_key_of_what_was_moved_stands_for_the_same,
            what_operators_move_is_audited,
            what_was_moved_survives_a_crash,
        }
    }
}

const BOB: RecipientId = RecipientId::new("bob");

fn room(world: &World) -> Arc<dyn ScheduleStore> {
    let room = Arc::clone(&world.store).schedules();
    room.expect("a store with this suite keeps schedules")
}

/// Something for Ada every hour.
fn hourly(key: &str) -> ScheduledRequest {
    let request = NotificationRequest::new("reminder", "orders")
        .with_content(Content::new("Hourly", "Once more."));
    let when = Schedule::every(HOUR, Timestamp::EPOCH).expect("a schedule");
    ScheduledRequest::new(key, request, "ada", when)
}

/// The same for others.
fn for_all(scheduled: &ScheduledRequest, target: ScheduleTarget) -> ScheduledRequest {
    let (request, when) = (scheduled.request().clone(), scheduled.when().clone());
    ScheduledRequest::new(scheduled.key().clone(), request, target, when)
}

/// A new schedule whose job, which knows `bytes`, is due then.
fn begun<'a>(
    world: &'a World,
    id: ScheduleId,
    scheduled: &'a ScheduledRequest,
    due: Timestamp,
    bytes: &[u8],
) -> ScheduleChange<'a> {
    let job = tick_job(world);
    ScheduleChange {
        tenant: &world.tenant,
        id,
        scheduled,
        is_paused: false,
        expected_version: 0,
        tick: TickChange::Begin(NewJob::new(job, due, bytes.to_vec())),
        priority: Priority::Normal,
        actor: &Actor::Application,
        action: "schedule.put",
        now: world.now(),
    }
}

fn tick_job(world: &World) -> Job {
    Job::new(JobKind::Tick, world.ids.schedule(world.now()).as_u128())
}

/// The same change that rests on what is stored now.
async fn resting<'a>(world: &World, change: ScheduleChange<'a>) -> ScheduleChange<'a> {
    let expected_version = get(world, change.id)
        .await
        .map_or(0, |stored| stored.version);
    ScheduleChange {
        expected_version,
        ..change
    }
}

/// Writes what must be as the change rests on.
async fn write(world: &World, change: ScheduleChange<'_>) {
    let written = room(world).write(&change).await.expect("write");
    assert!(written, "it is as the change rests on");
}

/// Stores a schedule that is due in an hour.
async fn stored(world: &World, key: &str) -> ScheduleId {
    let (id, scheduled) = (world.ids.schedule(world.now()), hourly(key));
    let change = begun(world, id, &scheduled, world.now() + HOUR, b"0");
    write(world, change).await;
    id
}

async fn get_of(world: &World, tenant: &TenantId, id: ScheduleId) -> Option<StoredSchedule> {
    room(world).get(tenant, id).await.expect("get")
}

async fn get(world: &World, id: ScheduleId) -> Option<StoredSchedule> {
    get_of(world, &world.tenant, id).await
}

/// Claims the jobs that are no deliveries.
async fn jobs(world: &World) -> Vec<Lease> {
    world.claim_lane(NewJob::CHANNEL, 9).await
}
