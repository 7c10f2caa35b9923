//! Schedules are put, paused, moved and removed while workers look at them.

use crate::schedules::{
    HOUR, MINUTE, MONDAY, cron, deliveries, drain, for_ada, process, report, world,
};
use notify_core::clock::Clock as _;
use notify_core::notification::{Missed, Schedule};
use notify_core::schedule::{ScheduleFilter, ScheduleTarget, ScheduledRequest};
use notify_core::{Content, ErrorKind, NotificationRequest, Priority, RecipientId};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn once_a_pause_is_answered_nothing_more_is_made() {
    for _ in 0..8 {
        let world = world().await;
        world.put(for_ada("minutes", cron("* * * * *"))).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for no in 0..2 {
            let (notify, stop) = (process(&world.store, &world.mail).await, Arc::clone(&stop));
            let clock = Arc::clone(&world.clock);
            tasks.push(tokio::spawn(async move {
                let worker = notify.worker();
                // One of them makes the time pass, and leaves enough of each minute for what it brings.
                while !stop.load(Ordering::Acquire) {
                    if no == 0 {
                        clock.advance(MINUTE);
                    }
                    for _ in 0..4 {
                        worker.turn().await.expect("turn");
                        tokio::task::yield_now().await;
                    }
                }
            }));
        }
        while deliveries(&world.notify, "ada").await.len() < 5 {
            tokio::task::yield_now().await;
        }
        world
            .notify
            .schedules()
            .pause("minutes")
            .await
            .expect("paused");
        let made = deliveries(&world.notify, "ada").await.len();
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        stop.store(true, Ordering::Release);
        for task in tasks {
            task.await.expect("no panic");
        }
        world.live(2 * MINUTE, MINUTE).await;
        assert_eq!(deliveries(&world.notify, "ada").await.len(), made);
    }
}

#[tokio::test]
async fn the_same_schedule_put_again_forgets_nothing_that_was_missed() {
    let world = world().await;
    let hourly = for_ada("hourly", cron("15 * * * *"));
    world.put(hourly.clone()).await;
    let first = world
        .notify
        .schedules()
        .get("hourly")
        .await
        .expect("stored");
    // The process was down when it was due, and puts what it always puts.
    world.clock.advance(HOUR);
    world.put(hourly.clone()).await;
    let again = world
        .notify
        .schedules()
        .get("hourly")
        .await
        .expect("stored");
    assert_eq!(again, first);
    // Other words change nothing of its times.
    let words = report().with_content(Content::new("Report", "Other words."));
    let when = hourly.when().clone();
    let other = ScheduledRequest::new("hourly", words, "ada", when);
    world.put(other).await;
    drain(&world.notify).await;
    let all = deliveries(&world.notify, "ada").await;
    assert_eq!(all.len(), 1);
    let said = all[0].request.content().expect("content");
    assert_eq!(said.body, "Other words.");
    // Other times do.
    world.clock.advance(HOUR);
    let moved = hourly.with_when(cron("45 * * * *"));
    world.put(moved).await;
    drain(&world.notify).await;
    assert_eq!(deliveries(&world.notify, "ada").await.len(), 1);
    let next = world
        .notify
        .schedules()
        .get("hourly")
        .await
        .expect("stored");
    let expected = MONDAY - Duration::from_millis(500) + 2 * HOUR + 45 * MINUTE;
    assert_eq!(next.next, Some(expected));
}

#[tokio::test]
async fn what_could_not_be_sent_is_refused_when_it_is_put() {
    let world = world().await;
    let when = || cron("15 * * * *");
    let of = |request| ScheduledRequest::new("bad", request, "ada", when());
    let nobody: [&str; 0] = [];
    let cases = [
        (
            "category",
            of(NotificationRequest::new("report", "unknown")),
        ),
        ("priority", of(report().with_priority(Priority::Critical))),
        (
            "template",
            of(NotificationRequest::new("report", "reports")),
        ),
        ("send_at", of(report().at(MONDAY + HOUR))),
        ("idempotency_key", of(report().with_idempotency_key("key"))),
        (
            "schedule.key",
            ScheduledRequest::new("", report(), "ada", when()),
        ),
        (
            "schedule.recipients",
            ScheduledRequest::new("bad", report(), ScheduleTarget::recipients(nobody), when()),
        ),
        (
            "schedule.recipients",
            ScheduledRequest::new(
                "bad",
                report(),
                ScheduleTarget::recipients(["ada", "ada"]),
                when(),
            ),
        ),
        ("schedule.when", for_ada("bad", Schedule::at(MONDAY - HOUR))),
    ];
    for (field, bad) in cases {
        let error = world.notify.schedules().put(bad).await.expect_err(field);
        assert_eq!(error.field_name(), Some(field), "{error}");
    }
    let all = world.notify.schedules();
    let all = all.list(ScheduleFilter::default(), None, 9).await;
    assert!(all.expect("list").is_empty(), "nothing was stored");
    world.put(for_ada("good", when())).await;
    let conflict = world.notify.schedules();
    let conflict = conflict
        .put_expecting(for_ada("good", cron("45 * * * *")), 7)
        .await;
    let conflict = conflict.expect_err("another version");
    assert_eq!(conflict.kind(), ErrorKind::Conflict);
    for error in [
        world.notify.schedules().get("unknown").await,
        world.notify.schedules().pause("unknown").await,
    ] {
        assert_eq!(error.expect_err("none").kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_schedule_is_removed_listed_and_found_by_whom_it_is_for() {
    let world = world().await;
    let schedules = world.notify.schedules();
    world.put(for_ada("a", cron("15 * * * *"))).await;
    let both = ScheduleTarget::recipients(["ada", "bob"]);
    world
        .put(ScheduledRequest::new(
            "b",
            report(),
            both,
            cron("45 * * * *"),
        ))
        .await;
    let keys = async |who: Option<&RecipientId>, before| {
        let filter = ScheduleFilter {
            recipient: who,
            next_before: before,
        };
        let found = schedules.list(filter, None, 9).await.expect("list");
        let key = |one: &notify_core::schedule::StoredSchedule| one.scheduled.key().to_string();
        found.iter().map(key).collect::<Vec<_>>()
    };
    let (ada, bob) = (RecipientId::new("ada"), RecipientId::new("bob"));
    assert_eq!(keys(Some(&ada), None).await, ["a", "b"]);
    assert_eq!(keys(Some(&bob), None).await, ["b"]);
    assert_eq!(keys(None, Some(MONDAY + 30 * MINUTE)).await, ["a"]);
    let stored = schedules.get("b").await.expect("stored");
    let upcoming = schedules.upcoming(&stored, 3).await.expect("stored");
    assert_eq!(upcoming.len(), 3);
    assert_eq!(stored.next, upcoming.first().copied());
    assert!(schedules.remove(stored.id).await.expect("removed"));
    assert!(!schedules.remove("b").await.expect("nothing there"));
    world.live(HOUR, 15 * MINUTE).await;
    assert!(world.told("bob").await.is_empty());
    let told = world.told("ada").await;
    assert_eq!(told.len(), 1);
    let id = schedules.get("a").await.expect("stored");
    let id = id.notification_id(told[0], &ada);
    assert_eq!(world.notify.notification(id).await.expect("known").len(), 1);
}

#[tokio::test]
async fn what_operators_do_to_schedules_is_audited() {
    let world = world().await;
    world.put(for_ada("hourly", cron("15 * * * *"))).await;
    let operator = world.notify.as_operator("op-1");
    let schedules = operator.schedules();
    schedules.pause("hourly").await.expect("paused");
    schedules.pause("hourly").await.expect("paused already");
    schedules.resume("hourly").await.expect("resumed");
    let when = cron("45 * * * *");
    schedules.reschedule("hourly", when).await.expect("moved");
    assert!(schedules.remove("hourly").await.expect("removed"));
    let log = operator.audit_log(None, 9).await.expect("log");
    let mut actions: Vec<_> = log.iter().map(|row| row.action.as_str()).collect();
    actions.reverse();
    let expected = ["pause", "resume", "reschedule", "remove"];
    assert_eq!(actions, expected.map(|action| format!("schedule.{action}")));
    assert!(log.iter().all(|row| row.subject == "hourly"));
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Pass(u64),
    Pause,
    Resume,
    Reschedule(u64),
    Work,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1_u64..200).prop_map(Act::Pass),
        1 => Just(Act::Pause),
        2 => Just(Act::Resume),
        2 => (1_u64..6).prop_map(Act::Reschedule),
        4 => Just(Act::Work),
    ]
}

fn every(minutes: u64) -> Schedule {
    let step = Duration::from_secs(60 * minutes);
    let when = Schedule::every(step, MONDAY).expect("a schedule");
    when.when_missed(Missed::RunAll { max: 1_000 })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_done_to_a_schedule_each_occurrence_comes_as_its_times_were(
        acts in proptest::collection::vec(act(), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let world = world().await;
            let schedules = world.notify.schedules();
            world.put(for_ada("s", every(3))).await;
            let (mut minutes, mut since, mut expected) = (3, Some(MONDAY), Vec::new());
            for act in acts.into_iter().chain([Act::Work]) {
                let now = world.clock.now();
                match act {
                    Act::Pass(passed) => world.clock.advance(Duration::from_secs(passed)),
                    Act::Pause => {
                        schedules.pause("s").await.expect("paused");
                        since = None;
                    }
                    Act::Resume => {
                        schedules.resume("s").await.expect("resumed");
                        since = since.or(Some(now));
                    }
                    Act::Reschedule(other) => {
                        schedules.reschedule("s", every(other)).await.expect("moved");
                        if other != minutes {
                            (minutes, since) = (other, since.map(|_| now));
                        }
                    }
                    Act::Work => {
                        drain(&world.notify).await;
                        if let Some(from) = since {
                            let due = every(minutes);
                            expected.extend(due.occurrences(from).take_while(|at| *at <= now));
                            since = Some(now);
                        }
                    }
                }
            }
            expected.sort_unstable();
            assert_eq!(world.told("ada").await, expected);
        });
    }
}
