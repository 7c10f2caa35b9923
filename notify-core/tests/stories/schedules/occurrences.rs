//! Each occurrence once, whoever looks, whatever fails, wherever people live.

use crate::schedules::{
    DAY, HOUR, MINUTE, MONDAY, cron, deliveries, drain, for_ada, process, report, world, world_at,
};
use notify_core::calendar::Zone;
use notify_core::clock::{Clock as _, Timestamp};
use notify_core::delivery::{DeliveryState, Reason};
use notify_core::memory::MemoryStore;
use notify_core::notification::{Missed, Schedule};
use notify_core::preference::{PreferenceChange, Setting};
use notify_core::schedule::{ScheduleTarget, ScheduledRequest};
use notify_core::template::{Template, Templates};
use notify_core::testkit::{FakeProvider, Faulty, ManualClock, Mishap};
use notify_core::{
    Category, ChannelId, ErrorKind, NotificationRequest, Orchestrator, Recipient, Route, Store,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_workers_make_each_minute_of_a_week_once() {
    let world = world().await;
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(process(&world.store, &world.mail).await.worker());
    }
    world.put(for_ada("minutes", cron("* * * * *"))).await;
    let minutes = 7 * 24 * 60;
    for _ in 0..minutes {
        world.clock.advance(MINUTE);
        // The first makes it, one of the others sends it, and all look at the same time.
        let [a, b, c, d] = &workers[..] else {
            unreachable!("four")
        };
        let turns = tokio::join!(a.turn(), b.turn(), c.turn(), d.turn());
        let (a, b, c, d) = turns;
        for turn in [a, b, c, d] {
            turn.expect("turn");
        }
    }
    drain(&world.notify).await;
    let told = world.told("ada").await;
    let minute = Timestamp::from_micros(MONDAY.as_micros() - 500_000);
    let expected: Vec<_> = (1..=minutes).map(|no| minute + no * MINUTE).collect();
    assert!(told == expected, "{} of {minutes}", told.len());
    assert_eq!(world.mail.sent().len(), expected.len());
}

#[tokio::test]
async fn a_time_that_clocks_jump_over_is_the_jump_and_one_that_comes_twice_comes_once() {
    let at = |text: &str| text.parse::<jiff::Timestamp>().expect("a time");
    let time = |text| Timestamp::from_micros(at(text).as_microsecond());
    let cases = [
        (
            "2027-03-26T12:00:00Z",
            [
                "2027-03-27T01:30:00Z",
                "2027-03-28T01:00:00Z",
                "2027-03-29T00:30:00Z",
            ],
        ),
        (
            "2027-10-29T12:00:00Z",
            [
                "2027-10-30T00:30:00Z",
                "2027-10-31T00:30:00Z",
                "2027-11-01T01:30:00Z",
            ],
        ),
    ];
    for (start, expected) in cases {
        let world = world_at(time(start)).await;
        let nightly = "30 2 * * *";
        let berlin = Schedule::cron(nightly, "Europe/Berlin").expect("a schedule");
        world.put(for_ada("berlin", berlin)).await;
        let own = Schedule::cron_local(nightly).expect("a schedule");
        let own = ScheduledRequest::new("own", report(), "ada", own);
        world.put(own).await;
        world.live(3 * DAY, 30 * MINUTE).await;
        let expected = expected.map(time);
        let twice: Vec<_> = expected.iter().flat_map(|at| [*at, *at]).collect();
        let sent = deliveries(&world.notify, "ada").await;
        let sent = sent.iter().filter(|one| one.state == DeliveryState::Sent);
        let zone = Zone::get("Europe/Berlin").expect("a zone");
        let mut sent: Vec<_> = sent
            .filter_map(|one| one.request.send_at().map(|at| at.instant(&zone)))
            .collect();
        sent.sort_unstable();
        assert_eq!(sent, twice, "both by the zone's clock and by their own");
    }
}

#[tokio::test]
async fn what_a_day_without_a_worker_missed_goes_by_its_rule() {
    let world = world().await;
    let rules = [
        ("skip", Missed::Skip),
        ("once", Missed::RunOnce),
        ("all", Missed::RunAll { max: 5 }),
    ];
    for (key, rule) in rules {
        let request = report().with_source(key);
        let when = cron("15 * * * *").when_missed(rule);
        world
            .put(ScheduledRequest::new(key, request, "ada", when))
            .await;
    }
    world.clock.advance(DAY);
    let back = world.clock.now();
    drain(&world.notify).await;
    let mut by_rule: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for one in deliveries(&world.notify, "ada").await {
        let source = one.request.source().expect("a source").clone();
        let at = one.request.send_at().map(|at| at.instant(&Zone::UTC));
        by_rule.entry(source).or_default().push(at.expect("a time"));
    }
    let last = Timestamp::from_micros(back.as_micros() - 500_000) - 45 * MINUTE;
    assert_eq!(by_rule.get("skip"), None);
    assert_eq!(by_rule["once"], [last]);
    let mut all = by_rule["all"].clone();
    all.sort_unstable();
    let expected: Vec<_> = (0..5).rev().map(|no| last - no * HOUR).collect();
    assert_eq!(all, expected);
    // From then on each goes on as if nothing had been.
    world.live(HOUR, 15 * MINUTE).await;
    assert_eq!(deliveries(&world.notify, "ada").await.len(), 6 + 3);
}

#[tokio::test]
async fn an_occurrence_by_their_own_clock_comes_to_each_where_they_live() {
    let world = world().await;
    let own = Schedule::cron_local("0 9 * * *").expect("a schedule");
    let target = ScheduleTarget::recipients(["ada", "bob", "kai"]);
    world
        .put(ScheduledRequest::new("morning", report(), target, own))
        .await;
    world.live(3 * DAY, HOUR).await;
    for (who, zone) in [
        ("ada", "Europe/Berlin"),
        ("bob", "Pacific/Honolulu"),
        ("kai", "Pacific/Kiritimati"),
    ] {
        let zone = Zone::get(zone).expect("a zone");
        let all = deliveries(&world.notify, who).await;
        let sent: Vec<_> = all
            .iter()
            .filter(|one| one.state == DeliveryState::Sent)
            .collect();
        assert!((2..=3).contains(&sent.len()), "{who}: {}", sent.len());
        for one in sent {
            let at = one.request.send_at().expect("a time").instant(&zone);
            assert!(one.updated_at.since(at) < HOUR, "{who}: in their morning");
            assert!(one.updated_at >= at, "{who}: not before");
        }
        let told = world.told(who).await;
        let days = told.windows(2).all(|two| two[1].since(two[0]) == DAY);
        assert!(days && told.len() >= 3, "{who}: each day once, {told:?}");
    }
}

#[tokio::test]
async fn what_was_missed_where_somebody_lives_is_still_to_come_elsewhere() {
    let world = world().await;
    let own = Schedule::cron_local("0 9 * * *").expect("a schedule");
    let own = own.when_missed(Missed::Skip);
    let target = ScheduleTarget::recipients(["ada", "bob", "kai"]);
    world
        .put(ScheduledRequest::new("morning", report(), target, own))
        .await;
    // Tuesday, 18:30 in UTC: it was nine in Kiritimati and in Berlin, and is not yet in Honolulu.
    world.clock.advance(DAY + 18 * HOUR + 30 * MINUTE);
    drain(&world.notify).await;
    assert!(world.told("kai").await.is_empty(), "missed");
    assert!(world.told("ada").await.is_empty(), "missed");
    assert_eq!(world.told("bob").await.len(), 1, "half an hour to go");
    assert!(world.mail.sent().is_empty());
    world.clock.advance(30 * MINUTE);
    drain(&world.notify).await;
    let sent = world.mail.sent();
    let to: Vec<_> = sent.iter().map(|call| call.to()).collect();
    // In Kiritimati it is nine of the next day at this moment.
    assert!(to.contains(&"bob@example.com") && to.contains(&"kai@example.com"));
    assert_eq!(to.len(), 2);
}

#[tokio::test]
async fn whichever_call_fails_nothing_is_skipped_or_repeated() {
    let mishaps = [Mishap::Refuse(ErrorKind::Unavailable), Mishap::Lose];
    for mishap in mishaps {
        for n in 1.. {
            let world = world().await;
            let when = cron("* * * * *").when_missed(Missed::RunAll { max: 100 });
            let when = when.ending(MONDAY + 4 * MINUTE);
            let target = ScheduleTarget::recipients(["ada", "bob", "kai"]);
            world
                .put(ScheduledRequest::new("minutes", report(), target, when))
                .await;
            let worker = world.notify.worker();
            let before = world.store.mishaps();
            world.store.nth(n, mishap);
            // Four minutes, and then what a back-off and a lease take.
            for step in [60, 60, 60, 60, 10, 10, 60, 10, 60, 10] {
                world.clock.advance(Duration::from_secs(step));
                while world.turn(&worker).await > 0 {}
            }
            let hit = world.store.mishaps() > before;
            world.store.heal();
            drain(&world.notify).await;
            for who in ["ada", "bob", "kai"] {
                let told = world.told(who).await;
                let expected: Vec<_> = (1..=4)
                    .map(|no| MONDAY - Duration::from_millis(500) + no * MINUTE)
                    .collect();
                assert_eq!(told, expected, "{who}: call {n}, {mishap:?}");
            }
            let stored = world.notify.schedules().get("minutes").await;
            assert!(stored.expect("stored").is_over(), "call {n}, {mishap:?}");
            if !hit {
                assert!(n > 20, "only {n} calls were made");
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_people_want_holds_for_what_is_scheduled() {
    let world = world().await;
    let off = PreferenceChange::Cell {
        recipient: "bob".into(),
        category: "reports".into(),
        channel: ChannelId::EMAIL,
        setting: Setting::No,
    };
    world
        .notify
        .change_preferences(&off)
        .await
        .expect("changed");
    let target = ScheduleTarget::recipients(["ada", "bob", "ghost"]);
    world
        .put(ScheduledRequest::new(
            "hourly",
            report(),
            target,
            cron("15 * * * *"),
        ))
        .await;
    world.live(HOUR, 15 * MINUTE).await;
    let outcome = async |who: &str| {
        let all = deliveries(&world.notify, who).await;
        assert_eq!(all.len(), 1, "{who} has one recorded outcome");
        (all[0].state, all[0].reason)
    };
    assert_eq!(outcome("ada").await, (DeliveryState::Sent, None));
    let suppressed = |reason| (DeliveryState::Suppressed, Some(reason));
    assert_eq!(outcome("bob").await, suppressed(Reason::OptedOut));
    assert_eq!(outcome("ghost").await, suppressed(Reason::UnknownRecipient));
}

#[tokio::test]
async fn a_process_that_does_not_know_the_category_leaves_it_to_another() {
    let world = world().await;
    world.put(for_ada("hourly", cron("15 * * * *"))).await;
    let old = Orchestrator::builder_on(Arc::<Faulty>::clone(&world.store))
        .category(Category::transactional("other"))
        .build()
        .await
        .expect("builds");
    world.clock.advance(16 * MINUTE);
    assert_eq!(old.worker().turn().await.expect("turn"), 0);
    assert!(!old.health().await.unserved.is_empty(), "it says so");
    assert!(world.told("ada").await.is_empty());
    world.clock.advance(MINUTE);
    drain(&world.notify).await;
    assert_eq!(world.told("ada").await.len(), 1, "late, and not lost");
    let stored = world
        .notify
        .schedules()
        .get("hourly")
        .await
        .expect("stored");
    assert_eq!(stored.failure, None, "no fault of the schedule");
}

#[tokio::test]
async fn one_whose_template_is_broken_keeps_nobody_else_and_is_told_in_the_end() {
    let clock = ManualClock::new(MONDAY);
    let store: Arc<dyn Store> =
        Arc::new(MemoryStore::with_clock(Arc::<ManualClock>::clone(&clock)));
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let template = |locale: &str, body: &str| {
        Template::new("report", "email", locale)
            .with_part("subject", "Report")
            .with_part("text", body)
    };
    let templates = Templates::new()
        .add(template("en", "Hello"))
        .add(template("de", "Hallo {{missing}}"));
    let notify = Orchestrator::builder_on(store)
        .provider(mail.clone())
        .category(Category::transactional("reports"))
        .templates(templates)
        .build()
        .await
        .expect("builds");
    let person = |id: &str, locale: &str| {
        let address = format!("{id}@example.com");
        Recipient::new(id).with_email(&address).with_locale(locale)
    };
    let people = [
        person("ada", "en"),
        person("uwe", "de"),
        person("zoe", "en"),
    ];
    notify.put_recipients(&people).await.expect("stored");
    let request = NotificationRequest::new("report", "reports").with_route(Route::to("email"));
    let target = ScheduleTarget::recipients(["ada", "uwe", "zoe"]);
    let daily = cron("15 0 * * *");
    let scheduled = ScheduledRequest::new("daily", request, target, daily);
    notify.schedules().put(scheduled).await.expect("put");
    let world_of = async |who: &str| {
        let all = deliveries(&notify, who).await;
        all.iter()
            .map(|one| (one.state, one.reason))
            .collect::<Vec<_>>()
    };
    clock.advance(16 * MINUTE);
    drain(&notify).await;
    let sent = (DeliveryState::Sent, None);
    assert_eq!(world_of("ada").await, [sent]);
    assert_eq!(world_of("zoe").await, [sent], "also who comes after");
    assert!(world_of("uwe").await.is_empty(), "it is tried again");
    let failure = notify
        .schedules()
        .get("daily")
        .await
        .expect("stored")
        .failure;
    let failure = failure.expect("it is noted");
    assert_eq!(failure.tries, 1);
    assert!(failure.message.contains("missing"), "{}", failure.message);
    for _ in 0..(8 * 60) {
        clock.advance(MINUTE);
        drain(&notify).await;
    }
    let failed = (DeliveryState::Suppressed, Some(Reason::TemplateFailed));
    assert_eq!(world_of("uwe").await, [failed], "a recorded outcome");
    assert_eq!(world_of("ada").await, [sent], "once");
    let stored = notify.schedules().get("daily").await.expect("stored");
    assert_eq!(stored.failure.expect("still noted").tries, 12);
    // The next day is a new one.
    for _ in 0..(24 * 6) {
        clock.advance(10 * MINUTE);
        drain(&notify).await;
    }
    assert_eq!(world_of("ada").await, [sent, sent]);
}
