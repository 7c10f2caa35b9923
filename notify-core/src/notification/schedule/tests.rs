//! Schedules over changes of clocks, leap years and ends of months.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

fn time(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().expect("an instant");
    Timestamp::from_micros(at.as_microsecond())
}

/// The first occurrences after an instant, as text.
fn first(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    let found = schedule.occurrences(time(after)).take(count);
    found.map(|at| at.to_string()).collect()
}

fn cron(expression: &str, zone: &str) -> Schedule {
    Schedule::cron(expression, zone).expect(expression)
}

#[test]
fn each_bad_field_of_a_cron_expression_is_named() {
    let cases = [
        ("60 * * * *", "cron.minute"),
        ("-1 * * * *", "cron.minute"),
        ("a * * * *", "cron.minute"),
        ("JAN * * * *", "cron.minute"),
        ("*/0 * * * *", "cron.minute"),
        ("5-1 * * * *", "cron.minute"),
        ("0 24 * * *", "cron.hour"),
        ("0 MON * * *", "cron.hour"),
        ("0 0 32 * *", "cron.day_of_month"),
        ("0 0 0 * *", "cron.day_of_month"),
        ("0 0 * 13 *", "cron.month"),
        ("0 0 * FOO *", "cron.month"),
        ("0 0 * * 8", "cron.day_of_week"),
        ("0 0 * * MON#6", "cron.day_of_week"),
        ("0 0 * *", "cron"),
        ("0 0 0 * * *", "cron"),
        ("", "cron"),
        ("@never", "cron"),
        ("0 0 30 2 *", "cron"),
        ("0 0 31 4,6,9,11 *", "cron"),
    ];
    for (expression, field) in cases {
        let error = Schedule::cron(expression, "UTC").expect_err(expression);
        assert_eq!(error.field_name(), Some(field), "{expression}: {error}");
    }
    let long = format!("{} * * * *", "1,".repeat(200));
    assert!(Schedule::cron(&long, "UTC").is_err());
    let error = Schedule::cron("0 9 * * *", "Mars/Olympus").expect_err("no zone");
    assert_eq!(error.field_name(), Some("schedule.zone"));
    let error = Schedule::every(Duration::from_millis(999), Timestamp::EPOCH).expect_err("short");
    assert_eq!(error.field_name(), Some("schedule.every"));
}

#[test]
fn a_fixed_time_that_clocks_jump_over_is_the_jump_and_one_that_comes_twice_comes_once() {
    let early = cron("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        first(&early, "2026-03-28T00:00:00Z", 3),
        [
            "2026-03-28T01:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-30T00:30:00Z"
        ]
    );
    assert_eq!(
        first(&early, "2026-10-24T00:00:00Z", 3),
        [
            "2026-10-24T00:30:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-26T01:30:00Z"
        ]
    );
    let between_the_passes = "2026-10-25T01:00:00Z";
    assert_eq!(
        first(&early, between_the_passes, 1),
        ["2026-10-26T01:30:00Z"],
        "the second pass is none of its own"
    );
}

#[test]
fn steps_go_by_the_clock_through_both_passes() {
    let half_hours = cron("*/30 * * * *", "Europe/Berlin");
    assert_eq!(
        first(&half_hours, "2026-10-25T00:29:59Z", 4),
        [
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z"
        ]
    );
    assert_eq!(
        first(&half_hours, "2026-03-29T00:29:59Z", 3),
        [
            "2026-03-29T00:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T01:30:00Z"
        ]
    );
}

#[test]
fn leap_days_and_ends_of_months_are_found() {
    assert_eq!(
        first(&cron("0 0 29 2 *", "UTC"), "2026-01-01T00:00:00Z", 2),
        ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]
    );
    assert_eq!(
        first(&cron("0 0 L 2 *", "UTC"), "2027-01-01T00:00:00Z", 2),
        ["2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z"]
    );
    assert_eq!(
        first(&cron("0 12 31 * *", "UTC"), "2026-01-31T12:00:00Z", 2),
        ["2026-03-31T12:00:00Z", "2026-05-31T12:00:00Z"],
        "short months are passed over"
    );
    assert_eq!(
        first(&cron("0 0 29 2 *", "UTC"), "2096-03-01T00:00:00Z", 1),
        ["2104-02-29T00:00:00Z"],
        "2100 is no leap year"
    );
}

#[test]
fn an_occurrence_is_after_the_instant_that_is_asked_with() {
    let nine = cron("0 9 * * *", "UTC");
    assert_eq!(
        first(&nine, "2026-01-01T08:59:59.999999Z", 1),
        ["2026-01-01T09:00:00Z"]
    );
    for after in ["2026-01-01T09:00:00Z", "2026-01-01T09:00:00.000001Z"] {
        assert_eq!(first(&nine, after, 1), ["2026-01-02T09:00:00Z"], "{after}");
    }
    assert_eq!(
        first(&nine, "1969-12-31T08:59:59.5Z", 1),
        ["1969-12-31T09:00:00Z"]
    );
    assert_eq!(nine.next_after(Timestamp::MAX), None);
}

#[test]
fn a_schedule_that_happens_once_happens_once() {
    let at = Schedule::at(time("2026-03-29T01:30:00Z"));
    assert_eq!(
        first(&at, "2026-01-01T00:00:00Z", 9),
        ["2026-03-29T01:30:00Z"]
    );
    assert!(first(&at, "2026-03-29T01:30:00Z", 9).is_empty());
    let day = "2026-03-29".parse().expect("a day");
    let local = Schedule::local_time(day, TimeOfDay::hours(9));
    let first_place = "2026-03-28T19:00:00Z";
    assert_eq!(first(&local, "2026-01-01T00:00:00Z", 9), [first_place]);
    assert!(local.is_local() && !at.is_local());
    let send_at = local.send_at(time(first_place));
    assert_eq!(send_at, SendAt::local(day, TimeOfDay::hours(9)));
    let berlin = Zone::get("Europe/Berlin").expect("a zone");
    assert_eq!(send_at.instant(&berlin), time("2026-03-29T07:00:00Z"));
}

#[test]
fn a_local_schedule_comes_up_before_anybody_reaches_it() {
    let weekly = Schedule::cron_local("0 9 * * MON").expect("reads");
    for at in weekly.occurrences(time("2026-01-01T00:00:00Z")).take(60) {
        let send_at = weekly.send_at(at);
        for zone in ["Pacific/Kiritimati", "Europe/Berlin", "Pacific/Niue"] {
            let zone = Zone::get(zone).expect("a zone");
            assert!(send_at.instant(&zone) >= at, "{zone:?}");
            assert_eq!(zone.local(send_at.instant(&zone)).1, TimeOfDay::hours(9));
        }
    }
}

#[test]
fn bounds_hold_for_every_kind() {
    let (start, end) = (time("2026-01-02T09:00:00Z"), time("2026-01-04T09:00:00Z"));
    let nine = cron("0 9 * * *", "UTC").starting(start).ending(end);
    assert_eq!(
        first(&nine, "2020-01-01T00:00:00Z", 9),
        ["2026-01-02T09:00:00Z", "2026-01-03T09:00:00Z"],
        "the start is in, the end is not"
    );
    let daily = Schedule::every(DAY, start - 10 * DAY).expect("long enough");
    assert_eq!(
        first(
            &daily.starting(start).ending(end),
            "2020-01-01T00:00:00Z",
            9
        ),
        ["2026-01-02T09:00:00Z", "2026-01-03T09:00:00Z"]
    );
    assert_eq!(Schedule::at(end).ending(end).next_after(start), None);
    assert_eq!(
        Schedule::at(start)
            .starting(end)
            .next_after(Timestamp::EPOCH),
        None
    );
}

#[test]
fn even_steps_do_not_care_for_clocks_and_do_not_drift() {
    let from = time("2026-01-01T00:00:00Z");
    let every = Schedule::every(Duration::from_secs(100), from).expect("long enough");
    assert_eq!(every.next_after(from - HOUR), Some(from));
    assert_eq!(
        every.next_after(from),
        Some(from + Duration::from_secs(100))
    );
    let late = from + 1_000 * DAY + Duration::from_secs(1);
    let next = every.next_after(late).expect("endless");
    assert_eq!(next.since(from).as_secs() % 100, 0);
    assert!(next > late && next.since(late) <= Duration::from_secs(100));
    assert_eq!(every.next_after(Timestamp::MAX), None);
}

#[test]
fn missed_occurrences_are_skipped_run_once_or_run_all() {
    let hourly = cron("0 * * * *", "UTC");
    let (last, now) = (time("2026-01-01T00:00:00Z"), time("2026-01-01T05:00:30Z"));
    let due = |rule, now| hourly.clone().when_missed(rule).due(last, now);
    let five = time("2026-01-01T05:00:00Z");
    assert_eq!(due(Missed::Skip, now), [five], "half a minute is not late");
    assert_eq!(due(Missed::Skip, now + HOUR / 2), []);
    assert_eq!(due(Missed::RunOnce, now + HOUR / 2), [five]);
    let all = due(Missed::RunAll { max: 100 }, now);
    assert_eq!(
        all,
        [
            five - 4 * HOUR,
            five - 3 * HOUR,
            five - 2 * HOUR,
            five - HOUR,
            five
        ]
    );
    let some = due(Missed::RunAll { max: 2 }, now);
    assert_eq!(some, [five - HOUR, five], "the last ones");
    assert_eq!(due(Missed::RunAll { max: 0 }, now), []);
    assert_eq!(hourly.due(now, now), []);
    assert_eq!(hourly.due(now, last), [], "a clock that was set back");
    assert_eq!(hourly.due(five - HOUR, five), [five], "on the minute");
    assert_eq!(hourly.due(five, five + HOUR / 2), [], "once only");
}

#[test]
fn a_year_without_a_worker_is_not_gone_through_minute_by_minute() {
    let minutely = cron("* * * * *", "UTC").when_missed(Missed::RunAll { max: u32::MAX });
    let now = time("2027-01-01T00:00:00Z");
    let due = minutely.due(now - 365 * DAY, now);
    assert_eq!(due.len(), MAX_DUE);
    assert_eq!(due.last(), Some(&now));
    assert!(
        due.windows(2)
            .all(|pair| pair[1].since(pair[0]) == HOUR / 60)
    );
    let rare = cron("0 0 29 2 *", "UTC");
    assert_eq!(
        rare.due(time("2000-01-01T00:00:00Z"), now),
        [time("2024-02-29T00:00:00Z")]
    );
}

#[test]
fn asking_in_any_steps_finds_every_occurrence_once() {
    let schedules = [
        cron("*/7 1-3 * * *", "Europe/Berlin"),
        cron("30 2 * * *", "America/New_York"),
        Schedule::every(Duration::from_secs(777), time("2026-03-28T03:00:00Z")).expect("long"),
    ];
    let (start, end) = (time("2026-03-07T00:00:00Z"), time("2026-03-31T00:00:00Z"));
    for schedule in schedules {
        let schedule = schedule.when_missed(Missed::RunAll { max: 1_000 });
        let all: Vec<_> = schedule
            .occurrences(start)
            .take_while(|at| *at <= end)
            .collect();
        let (mut found, mut last) = (Vec::new(), start);
        for minutes in (0..).map(|no| 1 + no * 37 % 900) {
            let now = (last + minutes * HOUR / 60).min(end);
            found.extend(schedule.due(last, now));
            last = now;
            if now == end {
                break;
            }
        }
        assert_eq!(found, all);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}

#[test]
fn schedules_read_back_and_what_cannot_be_read_is_refused() {
    let schedules = [
        Schedule::at(Timestamp::EPOCH),
        Schedule::local_time("2026-03-29".parse().expect("a day"), TimeOfDay::MIDNIGHT),
        cron("0 9 * * MON-FRI", "Asia/Kathmandu").when_missed(Missed::RunAll { max: 3 }),
        Schedule::cron_local("@daily")
            .expect("reads")
            .ending(Timestamp::EPOCH),
        Schedule::every(DAY, Timestamp::EPOCH)
            .expect("long")
            .starting(Timestamp::EPOCH),
    ];
    for schedule in schedules {
        let json = serde_json::to_string(&schedule).expect("writes");
        assert_eq!(
            serde_json::from_str::<Schedule>(&json).expect(&json),
            schedule
        );
    }
    let bad = r#"{"when":{"cron":{"expression":"61 * * * *"}}}"#;
    assert!(serde_json::from_str::<Schedule>(bad).is_err());
    let bad = r#"{"when":{"cron":{"expression":"1 * * * *","zone":"Mars/Olympus"}}}"#;
    assert!(serde_json::from_str::<Schedule>(bad).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_written_is_read_or_refused_and_never_goes_back(
        fields in prop::collection::vec("[*0-9/,#LWA-Z?+-]{1,6}", 4..7),
        after in prop_oneof![any::<i64>(), 0..4_000_000_000_000_000_i64],
    ) {
        let after = Timestamp::from_micros(after);
        if let Ok(schedule) = Schedule::cron(&fields.join(" "), "Europe/Berlin") {
            let json = serde_json::to_string(&schedule).expect("writes");
            prop_assert_eq!(&serde_json::from_str::<Schedule>(&json).expect("reads"), &schedule);
            let next = schedule.next_after(after);
            prop_assert!(next.is_none_or(|next| next > after));
            prop_assert!(schedule.due(after, after + HOUR).len() <= 61);
        }
    }

    #[test]
    fn expressions_of_numbers_are_read(
        minute in 0..60_u8, hour in 0..24_u8, day in 1..29_u8, month in 1..13_u8, after in 0..4_000_000_000_i64,
    ) {
        let schedule = cron(&format!("{minute} {hour} {day} {month} *"), "America/Santiago");
        let after = Timestamp::from_micros(after * 1_000_000);
        let next = schedule.next_after(after).expect("every year");
        prop_assert!(next > after && next.since(after) <= 367 * DAY);
    }
}
