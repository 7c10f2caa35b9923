//! Quiet hours, send windows, local times and cron against a minute by minute oracle, around the changes of clocks of the time zone
//! database from 2020 to 2040.
//!
//! Zones with the same changes are looked at once, and of each a few changes; with `NOTIFY_ALL_ZONES=1` every change.

use jiff::tz::TimeZone;
use notify_core::calendar::{Closed, Date, LocalWindow, TimeOfDay, Weekday, Weekdays, Zone};
use notify_core::notification::{Schedule, SendAt, SendWindow};
use notify_core::preference::{Defaults, Preferences, QuietHours, Settings, quiet_hours};
use notify_core::{Category, ChannelId, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: i64 = 60;
const DAY: i64 = 1_440;
const WEEK: usize = 7 * 1_440;

/// How many minutes before and after a change of clocks are looked at.
const AROUND: i64 = DAY;
/// How many minutes more the oracle knows, so that it sees the end of whatever begins there.
const MORE: i64 = 4 * DAY;

fn seconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>()
        .expect("an instant")
        .as_second()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

/// The zones that change their clocks at the same instants and in the same way.
struct Rule {
    zone: String,
    zones: usize,
    /// Instants, in seconds.
    changes: Vec<i64>,
}

/// Every different rule of the database. Zones that change nothing have one instant, to be looked at all the same.
fn rules() -> Vec<Rule> {
    let (from, to) = (
        seconds("2020-01-01T00:00:00Z"),
        seconds("2040-12-31T00:00:00Z"),
    );
    let mut rules: BTreeMap<Vec<(i64, i32)>, Rule> = BTreeMap::new();
    for name in jiff::tz::db().available() {
        let zone = TimeZone::get(name.as_str()).expect("a zone of the database");
        let start = jiff::Timestamp::from_second(from).expect("a year");
        let mut key = vec![(0, zone.to_offset(start).seconds())];
        for change in zone.following(start) {
            if change.timestamp().as_second() > to {
                break;
            }
            let offset = change.offset().seconds();
            if key.last().is_some_and(|(_, last)| *last != offset) {
                key.push((change.timestamp().as_second(), offset));
            }
        }
        let changes: Vec<i64> = key[1..].iter().map(|(at, _)| *at).collect();
        let rule = rules.entry(key).or_insert_with(|| Rule {
            zone: name.as_str().to_owned(),
            zones: 0,
            changes: if changes.is_empty() {
                vec![seconds("2026-07-01T00:00:00Z")]
            } else {
                changes
            },
        });
        rule.zones += 1;
    }
    let mut rules: Vec<Rule> = rules.into_values().collect();
    if std::env::var_os("NOTIFY_ALL_ZONES").is_none() {
        for (no, rule) in rules.iter_mut().enumerate() {
            // Two that follow each other, so that there is one of each direction, in different years.
            let first = no * 7 % rule.changes.len();
            rule.changes = rule.changes.iter().copied().skip(first).take(2).collect();
        }
    }
    rules
}

fn is_thorough() -> bool {
    std::env::var_os("NOTIFY_ALL_ZONES").is_some()
}

/// What the clock on the wall shows, minute by minute, by the time zone library alone.
struct Wall {
    start: i64,
    /// Minute of the week.
    week: Vec<usize>,
    /// Day and minute of the day.
    day: Vec<(jiff::civil::Date, i64)>,
}

impl Wall {
    fn new(zone: &TimeZone, change: i64) -> Self {
        let start = change - AROUND * MINUTE;
        let (mut week, mut day) = (Vec::new(), Vec::new());
        for no in 0..2 * AROUND + MORE {
            let instant = jiff::Timestamp::from_second(start + no * MINUTE).expect("a year");
            let local = zone.to_datetime(instant);
            assert_eq!(local.second(), 0, "offsets are whole minutes");
            let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
            let weekday = usize::from(local.weekday().to_monday_zero_offset().unsigned_abs());
            week.push(weekday * 1_440 + usize::try_from(minute).expect("a minute"));
            day.push((local.date(), minute));
        }
        Self { start, week, day }
    }

    fn at(&self, no: usize) -> Timestamp {
        at(self.start + i64::try_from(no).expect("small") * MINUTE)
    }
}

/// Whether each minute of the week is inside of one of these windows, told one by one.
fn told(windows: &[LocalWindow]) -> Vec<bool> {
    let inside = |minute: usize| {
        let (day, time) = (minute / 1_440, minute % 1_440);
        let minutes = |time: TimeOfDay| usize::from(time.hour()) * 60 + usize::from(time.minute());
        windows.iter().any(|window| {
            let (start, end) = (minutes(window.start()), minutes(window.end()));
            let begins = |day: usize| window.days().contains(Weekday::ALL[day % 7]);
            if start <= end {
                begins(day) && (start..end).contains(&time)
            } else {
                begins(day) && time >= start || begins(day + 6) && time < end
            }
        })
    };
    (0..WEEK).map(inside).collect()
}

/// Windows that begin, end, lie in and lie around what clocks jump over or repeat.
fn cases() -> Vec<Vec<LocalWindow>> {
    let window = |start, end| LocalWindow::between(start, end).expect("times");
    let sunday = Weekdays::of([Weekday::Sunday]);
    vec![
        vec![window("22:00", "08:00")],
        vec![window("02:00", "03:00")],
        vec![window("01:30", "02:30")],
        vec![window("02:30", "01:30")],
        vec![window("02:16", "02:15")],
        vec![window("00:00", "00:30"), window("23:30", "24:00")],
        vec![window("00:30", "00:29")],
        vec![
            window("18:00", "09:00").on(Weekdays::WORKDAYS),
            LocalWindow::all_day().on(Weekdays::WEEKEND),
        ],
        vec![LocalWindow::all_day().on(sunday), window("02:59", "03:01")],
        vec![window("03:00", "02:00").on(sunday)],
    ]
}

/// What is checked, and how often it was.
#[derive(Default)]
struct Count {
    zones: usize,
    rules: usize,
    changes: usize,
    instants: u64,
}

/// Compares one set of closed times with the oracle.
fn compare(what: &str, closed: &Closed, wall: &Wall, told: &[bool], count: &mut Count) {
    let is_closed: Vec<bool> = wall.week.iter().map(|minute| told[*minute]).collect();
    // Backwards: the next minute from each one on that is open.
    let (mut opens, mut next) = (vec![None; is_closed.len()], None);
    for no in (0..is_closed.len()).rev() {
        if !is_closed[no] {
            next = Some(no);
        }
        opens[no] = next;
    }
    let near = AROUND - 150..AROUND + 150;
    let (every, half) = if is_thorough() { (7, 60) } else { (61, 600) };
    for no in 0..usize::try_from(2 * AROUND).expect("small") {
        let turns = no > 0 && is_closed[no - 1] != is_closed[no];
        let place = i64::try_from(no).expect("small");
        let is_near = near.contains(&place) && (is_thorough() || no % 5 == 0);
        if !(turns || is_near || no % every == 0) {
            continue;
        }
        let (now, open) = (wall.at(no), opens[no].map(|no| wall.at(no)));
        count.instants += 1;
        assert_eq!(closed.at(now), is_closed[no], "{what} at {now}");
        assert_eq!(closed.next_open(now), open, "{what} from {now}");
        let open = open.expect("the oracle sees the end");
        assert!(!closed.at(open), "{what}: never inside");
        if turns {
            // To the microsecond.
            let before = now - Duration::from_micros(1);
            assert_eq!(closed.at(before), is_closed[no - 1], "{what} before {now}");
            if is_closed[no] {
                assert_eq!(closed.next_closed(before), Some(now), "{what} before {now}");
            } else {
                assert_eq!(closed.next_open(before), Some(now), "{what} before {now}");
            }
        }
        if no % half == 0 {
            let inside = now + Duration::from_secs(30);
            let expected = if is_closed[no] { open } else { inside };
            assert_eq!(closed.next_open(inside), Some(expected), "{what} in {now}");
        }
    }
}

/// The quiet hours of somebody who wants them in these windows.
fn quiet(windows: &[LocalWindow], zone: &Zone) -> Closed {
    let mut settings = Settings::default();
    settings.set_quiet_hours(QuietHours::on().with_windows(windows.iter().copied()));
    let preferences = Preferences::new(Settings::default(), settings);
    let category = Category::transactional("orders");
    let defaults = Defaults::default();
    let quiet = quiet_hours(&category, &ChannelId::PUSH, &defaults, Some(&preferences));
    quiet.expect("they are on").closed(zone)
}

#[test]
fn nothing_is_let_go_in_quiet_hours_and_everything_at_their_first_end() {
    let cases: Vec<_> = cases()
        .into_iter()
        .map(|windows| (told(&windows), windows))
        .collect();
    let (told_open, mut count) = (told(SendWindow::tcpa().windows()), Count::default());
    let told_closed: Vec<bool> = told_open.iter().map(|is_open| !is_open).collect();
    for rule in rules() {
        let zone = Zone::get(&rule.zone).expect("a zone");
        let library = TimeZone::get(&rule.zone).expect("a zone");
        (count.zones, count.rules) = (count.zones + rule.zones, count.rules + 1);
        for change in &rule.changes {
            count.changes += 1;
            let wall = Wall::new(&library, *change);
            for (told, windows) in &cases {
                let what = format!("{} {windows:?}", rule.zone);
                compare(&what, &quiet(windows, &zone), &wall, told, &mut count);
            }
            let law = SendWindow::tcpa().closed(&zone).expect("not always open");
            let what = format!("{} send window", rule.zone);
            compare(&what, &law, &wall, &told_closed, &mut count);
        }
    }
    println!(
        "{} zones, {} rules, {} changes, {} instants",
        count.zones, count.rules, count.changes, count.instants
    );
    assert!(count.zones > 400 && count.rules > 50 && count.changes > 100);
}

#[test]
fn a_local_time_is_the_first_instant_at_which_the_clock_shows_it_or_later() {
    let mut count = Count::default();
    for rule in rules() {
        let zone = Zone::get(&rule.zone).expect("a zone");
        let library = TimeZone::get(&rule.zone).expect("a zone");
        count.rules += 1;
        for change in &rule.changes {
            count.changes += 1;
            let wall = Wall::new(&library, *change);
            // The days on both sides of the change, which may be one.
            let middle = usize::try_from(AROUND).expect("small");
            let mut days = vec![wall.day[middle - 1].0, wall.day[middle].0];
            days.dedup();
            for day in days {
                let date = Date::new(day.year(), day.month(), day.day()).expect("a day");
                let step = if is_thorough() { 1 } else { 15 };
                for minute in (0..DAY).step_by(step) {
                    let first = wall.day.iter().position(|shown| *shown >= (day, minute));
                    let first = wall.at(first.expect("the oracle sees it"));
                    let time = TimeOfDay::new(
                        u8::try_from(minute / 60).expect("an hour"),
                        u8::try_from(minute % 60).expect("a minute"),
                    );
                    let time = time.expect("a time");
                    let what = format!("{} {date} {time}", rule.zone);
                    count.instants += 1;
                    assert_eq!(SendAt::local(date, time).instant(&zone), first, "{what}");
                    if minute % 30 == 0 {
                        assert_eq!(cron(&rule.zone, date, time), first, "cron: {what}");
                    }
                }
            }
        }
    }
    println!(
        "{} rules, {} changes, {} local times",
        count.rules, count.changes, count.instants
    );
}

#[test]
fn cron_with_wildcards_goes_by_the_clock_and_lists_have_fixed_times() {
    let mut count = Count::default();
    for rule in rules() {
        let zone = TimeZone::get(&rule.zone).expect("a zone");
        let schedule = |expression| Schedule::cron(expression, &rule.zone).expect("reads");
        let by_the_clock = schedule("*/20 * * * *");
        let fixed = schedule("10,40 0-4,22,23 * * *");
        for change in &rule.changes {
            count.changes += 1;
            let wall = Wall::new(&zone, *change);
            let end = usize::try_from(2 * AROUND).expect("small");
            let last = wall.at(end);
            let shown = (1..=end).filter(|no| wall.day[*no].1 % 20 == 0);
            let shown: Vec<_> = shown.map(|no| wall.at(no)).collect();
            let found = by_the_clock.occurrences(wall.at(0));
            let found: Vec<_> = found.take_while(|at| *at <= last).collect();
            assert_eq!(found, shown, "{} around {}", rule.zone, at(*change));
            count.instants += found.len() as u64;

            let is_due = |minute: i64| {
                let (hour, minute) = (minute / 60, minute % 60);
                (hour <= 4 || hour >= 22) && (minute == 10 || minute == 40)
            };
            let (mut due, mut latest) = (Vec::new(), wall.day[0]);
            for no in 1..=end {
                // Every time of the calendar that the clock shows, or jumps over, for the first time.
                let (mut day, mut minute) = latest;
                while (day, minute) < wall.day[no] {
                    (day, minute) = if minute + 1 < DAY {
                        (day, minute + 1)
                    } else {
                        (day.tomorrow().expect("a day"), 0)
                    };
                    if is_due(minute) {
                        due.push(wall.at(no));
                    }
                }
                latest = (day, minute);
            }
            due.dedup(); // Several times in one jump are one occurrence.
            let found = fixed.occurrences(wall.at(0));
            let found: Vec<_> = found.take_while(|at| *at <= last).collect();
            assert_eq!(found, due, "{} around {}", rule.zone, at(*change));
            count.instants += found.len() as u64;
        }
    }
    println!("{} changes, {} occurrences", count.changes, count.instants);
}

/// When a cron expression for this time of every day of the month occurs on that day.
fn cron(zone: &str, date: Date, time: TimeOfDay) -> Timestamp {
    let expression = format!(
        "{} {} {} {} *",
        time.minute(),
        time.hour(),
        date.day(),
        date.month()
    );
    let schedule = Schedule::cron(&expression, zone).expect("reads");
    let noon = format!("{date}T12:00:00Z");
    let before = at(seconds(&noon) - 40 * 3_600);
    let next = schedule.next_after(before).expect("every year");
    let after = schedule.next_after(next).expect("every year");
    assert!(
        after.since(next) > Duration::from_secs(300 * 86_400),
        "{zone} {expression}: once"
    );
    next
}
