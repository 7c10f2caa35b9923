//! Each row of the table of states, and a model under random calls.

use super::*;
use crate::clock::Timestamp;
use proptest::prelude::*;

const START: Monotonic = Monotonic::from_start(Duration::from_secs(1_000));

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn breaker() -> Breaker {
    Breaker::new(BreakerConfig::default())
}

fn ticket(admission: Admission) -> Option<Ticket> {
    match admission {
        Admission::Go(ticket) | Admission::Probe(ticket) => Some(ticket),
        Admission::Refuse { .. } => None,
    }
}

/// Makes one call if it may be made, and returns whether it was.
fn call(breaker: &mut Breaker, result: Result<(), &Fault>, now: Monotonic) -> bool {
    let admitted = ticket(breaker.admit(now).0);
    if let Some(ticket) = admitted {
        breaker.record(ticket, result, now);
    }
    admitted.is_some()
}

fn opened() -> Breaker {
    let mut breaker = breaker();
    let silence = Fault::unknown("timeout");
    assert!((0..5).all(|_| call(&mut breaker, Err(&silence), START)));
    assert_eq!(
        breaker.state(),
        BreakerState::Open {
            until: START + secs(30)
        }
    );
    breaker
}

#[test]
fn half_of_twenty_calls_in_ten_seconds_open_it() {
    let mut breaker = breaker();
    let fault = Fault::provider("500");
    for n in 0..10 {
        assert!(call(
            &mut breaker,
            Ok(()),
            START + Duration::from_millis(n * 500)
        ));
    }
    for n in 0..9 {
        assert!(call(
            &mut breaker,
            Err(&fault),
            START + Duration::from_millis(5_000 + n * 400)
        ));
    }
    assert_eq!(
        breaker.state(),
        BreakerState::Closed,
        "19 calls say nothing about a rate"
    );
    let ticket = ticket(breaker.admit(START + secs(9)).0).expect("closed");
    let change = breaker
        .record(ticket, Err(&fault), START + secs(9))
        .expect("opens");
    let until = START + secs(39);
    assert_eq!(
        (change.from, change.to),
        (BreakerState::Closed, BreakerState::Open { until })
    );
    assert_eq!(change.at, START + secs(9));
}

#[test]
fn faults_that_have_left_the_window_no_longer_count() {
    let mut breaker = breaker();
    let fault = Fault::provider("500");
    assert!((0..15).all(|_| call(&mut breaker, Err(&fault), START)));
    assert!((0..16).all(|_| call(&mut breaker, Ok(()), START + secs(11))));
    assert!((0..15).all(|_| call(&mut breaker, Err(&fault), START + secs(12))));
    assert_eq!(
        breaker.state(),
        BreakerState::Closed,
        "15 of 31, the first 15 are too old"
    );
    assert!(call(&mut breaker, Err(&fault), START + secs(12)));
    assert_eq!(breaker.state().as_str(), "open");
}

#[test]
fn the_window_moves_on_slot_by_slot() {
    let mut breaker = breaker();
    let fault = Fault::provider("500");
    assert!((0..15).all(|_| call(&mut breaker, Err(&fault), START)));
    assert!((1..=11).all(|n| call(&mut breaker, Ok(()), START + secs(n))));
    assert!((0..9).all(|_| call(&mut breaker, Err(&fault), START + secs(11))));
    assert_eq!(
        breaker.state(),
        BreakerState::Closed,
        "9 of 19 in the last ten seconds"
    );
}

#[test]
fn twenty_faults_in_a_row_open_it_however_slowly_they_come() {
    let mut breaker = breaker();
    let fault = Fault::provider("500");
    assert!((0..20).all(|n| call(&mut breaker, Err(&fault), START + secs(n * 60))));
    assert_eq!(breaker.state().as_str(), "open");
}

#[test]
fn a_brown_out_of_thirty_percent_does_not_open_it() {
    let mut breaker = breaker();
    let fault = Fault::provider("500");
    for n in 0..10_000 {
        let result = if n % 10 < 3 { Err(&fault) } else { Ok(()) };
        assert!(call(
            &mut breaker,
            result,
            START + Duration::from_millis(n * 10)
        ));
    }
}

#[test]
fn five_silences_in_a_row_open_it_and_an_answer_between_them_does_not() {
    for silence in [
        Fault::unknown("reset"),
        Fault::provider("timeout"),
        Fault::provider("connect"),
    ] {
        let mut breaker = breaker();
        let bad = Fault::request("550");
        assert!((0..4).all(|_| call(&mut breaker, Err(&silence), START)));
        assert!(call(&mut breaker, Err(&bad), START));
        assert!((0..4).all(|_| call(&mut breaker, Err(&silence), START)));
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(call(&mut breaker, Err(&silence), START));
        assert_eq!(breaker.state().as_str(), "open");
    }
}

#[test]
fn bad_recipients_and_bad_messages_never_open_it() {
    let mut breaker = breaker();
    for fault in [Fault::recipient("5.1.1"), Fault::request("5.7.1")] {
        assert!((0..1_000).all(|_| call(&mut breaker, Err(&fault), START)));
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn after_its_time_one_probe_goes_then_each_round_trip_twice_as_many() {
    let mut breaker = opened();
    let until = START + secs(30);
    let almost = START + Duration::from_millis(29_999);
    assert_eq!(
        breaker.admit(almost),
        (Admission::Refuse { until: Some(until) }, None)
    );
    assert!(!breaker.would_admit(almost) && breaker.would_admit(until));
    let (admission, change) = breaker.admit(until);
    assert!(matches!(admission, Admission::Probe(_)));
    assert_eq!(change.map(|change| change.to), Some(BreakerState::HalfOpen));
    let mut under_way: Vec<_> = ticket(admission).into_iter().collect();
    let mut sizes = Vec::new();
    while breaker.state() == BreakerState::HalfOpen {
        while let Admission::Go(ticket) = breaker.admit(until).0 {
            under_way.push(ticket);
        }
        assert_eq!(breaker.admit(until).0, Admission::Refuse { until: None });
        sizes.push(under_way.len());
        for ticket in under_way.drain(..) {
            breaker.record(ticket, Ok(()), until);
        }
    }
    assert_eq!(
        (sizes, breaker.state()),
        (vec![1, 2, 4, 8], BreakerState::Closed)
    );
}

#[test]
fn a_failed_probe_doubles_the_time_up_to_five_minutes_and_recovery_resets_it() {
    let (mut breaker, fault) = (opened(), Fault::provider("503"));
    let mut now = START;
    for wait in [30, 60, 120, 240, 300, 300] {
        assert_eq!(
            breaker.state(),
            BreakerState::Open {
                until: now + secs(wait)
            }
        );
        now = now + secs(wait);
        assert!(call(&mut breaker, Err(&fault), now));
    }
    now = now + secs(300);
    assert!((0..15).all(|_| call(&mut breaker, Ok(()), now)));
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert!((0..20).all(|_| call(&mut breaker, Err(&fault), now)));
    assert_eq!(
        breaker.state(),
        BreakerState::Open {
            until: now + secs(30)
        }
    );
}

#[test]
fn a_fault_in_the_middle_of_the_ramp_opens_it_without_waiting_longer() {
    let (mut breaker, now) = (opened(), START + secs(30));
    assert!((0..8).all(|_| call(&mut breaker, Ok(()), now)));
    assert!(call(&mut breaker, Err(&Fault::provider("503")), now));
    assert_eq!(
        breaker.state(),
        BreakerState::Open {
            until: now + secs(30)
        }
    );
}

#[test]
fn a_provider_that_asks_for_patience_rests_and_is_tried_gently() {
    let mut breaker = breaker();
    let patience = Fault::retry_after("429", secs(7));
    let first = ticket(breaker.admit(START).0).expect("closed");
    let second = ticket(breaker.admit(START).0).expect("closed");
    let until = START + secs(7);
    let change = breaker.record(first, Err(&patience), START).expect("rests");
    assert_eq!(change.to, BreakerState::Resting { until });
    assert!(!change.to.is_down());
    assert_eq!(
        breaker.record(second, Err(&Fault::config("401")), START),
        None,
        "too late"
    );
    assert_eq!(
        breaker.admit(START + secs(6)).0,
        Admission::Refuse { until: Some(until) }
    );
    assert!(matches!(breaker.admit(until).0, Admission::Probe(_)));
}

#[test]
fn an_absurd_retry_after_is_cut_to_an_hour_and_none_at_all_is_an_ordinary_fault() {
    let mut breaker = breaker();
    assert!(call(
        &mut breaker,
        Err(&Fault::retry_after("429", Duration::ZERO)),
        START
    ));
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert!(call(
        &mut breaker,
        Err(&Fault::retry_after("429", Duration::MAX)),
        START
    ));
    assert_eq!(
        breaker.state(),
        BreakerState::Resting {
            until: START + secs(3_600)
        }
    );
}

#[test]
fn five_rests_in_a_row_are_an_outage() {
    let (mut breaker, mut now) = (breaker(), START);
    let patience = Fault::retry_after("503", secs(1));
    for _ in 0..4 {
        assert!(call(&mut breaker, Err(&patience), now));
        assert_eq!(
            breaker.state(),
            BreakerState::Resting {
                until: now + secs(1)
            }
        );
        now = now + secs(1);
    }
    assert!(call(&mut breaker, Err(&patience), now));
    assert_eq!(
        breaker.state(),
        BreakerState::Open {
            until: now + secs(30)
        }
    );
}

#[test]
fn an_outage_lasts_at_least_as_long_as_the_provider_asked_for() {
    let (mut breaker, mut now) = (breaker(), START);
    for _ in 0..5 {
        assert!(call(
            &mut breaker,
            Err(&Fault::retry_after("503", secs(900))),
            now
        ));
        now = now + secs(900);
    }
    assert_eq!(breaker.state(), BreakerState::Open { until: now });
}

#[test]
fn refused_credentials_stop_everything_until_they_are_mended() {
    let mut breaker = breaker();
    assert!(call(&mut breaker, Err(&Fault::config("401")), START));
    let probe_at = START + secs(300);
    assert_eq!(breaker.state(), BreakerState::Config { probe_at });
    assert!(breaker.state().is_down());
    assert_eq!(
        breaker.admit(START + secs(299)).0,
        Admission::Refuse {
            until: Some(probe_at)
        }
    );
    let change = breaker.mend(START + secs(5)).expect("tries again");
    assert_eq!(change.to, BreakerState::HalfOpen);
    assert!((0..15).all(|_| call(&mut breaker, Ok(()), START + secs(5))));
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_mend_at_the_vendors_side_heals_by_itself_and_an_outage_there_says_nothing() {
    let mut breaker = breaker();
    let mut now = START;
    assert!(call(&mut breaker, Err(&Fault::config("403")), now));
    for fault in [
        Fault::config("403"),
        Fault::provider("500"),
        Fault::unknown("timeout"),
    ] {
        now = now + secs(300);
        assert!(call(&mut breaker, Err(&fault), now));
        assert_eq!(
            breaker.state(),
            BreakerState::Config {
                probe_at: now + secs(300)
            }
        );
    }
    now = now + secs(300);
    assert!(
        call(&mut breaker, Err(&Fault::recipient("5.1.1")), now),
        "it was let in"
    );
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert!(call(&mut breaker, Err(&Fault::provider("500")), now));
    assert_eq!(
        breaker.state(),
        BreakerState::Open {
            until: now + secs(30)
        },
        "an ordinary fault now"
    );
}

#[test]
fn results_under_the_old_configuration_do_not_count_after_a_mend() {
    let mut breaker = breaker();
    let old = ticket(breaker.admit(START).0).expect("closed");
    assert_eq!(breaker.mend(START), None);
    assert_eq!(breaker.record(old, Err(&Fault::config("401")), START), None);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_rest_goes_on_when_the_configuration_changes() {
    let mut breaker = breaker();
    assert!(call(
        &mut breaker,
        Err(&Fault::retry_after("429", secs(60))),
        START
    ));
    assert_eq!(breaker.mend(START + secs(1)), None);
    assert!(!breaker.would_admit(START + secs(59)));
}

#[test]
fn a_probe_that_is_given_back_can_be_taken_by_another() {
    let (mut breaker, now) = (opened(), START + secs(30));
    let probe = ticket(breaker.admit(now).0).expect("a probe");
    assert_eq!(breaker.admit(now).0, Admission::Refuse { until: None });
    breaker.abandon(probe);
    assert!(matches!(breaker.admit(now).0, Admission::Probe(_)));
}

#[test]
fn a_probe_that_never_comes_back_counts_as_lost_after_a_minute() {
    let (mut breaker, now) = (opened(), START + secs(30));
    let lost = ticket(breaker.admit(now).0).expect("a probe");
    assert!(!breaker.would_admit(now + secs(59)));
    assert!(matches!(
        breaker.admit(now + secs(60)).0,
        Admission::Probe(_)
    ));
    assert_eq!(breaker.record(lost, Ok(()), now + secs(61)), None);
    assert_eq!(
        breaker.admit(now + secs(61)).0,
        Admission::Refuse { until: None }
    );
}

#[test]
fn an_outage_of_ten_minutes_costs_a_handful_of_calls() {
    let (mut breaker, fault) = (breaker(), Fault::provider("503"));
    let calls = (0..60_000_u64).filter(|n| {
        call(
            &mut breaker,
            Err(&fault),
            START + Duration::from_millis(n * 10),
        )
    });
    assert!(calls.count() <= 20 + 5);
}

#[test]
fn a_snapshot_goes_on_in_another_process_with_other_clocks() {
    let wall = Timestamp::from_micros(1_700_000_000_000_000);
    let restore = |snapshot: &BreakerSnapshot, wall| {
        let json = serde_json::to_string(snapshot).expect("serialises");
        let read = serde_json::from_str(&json).expect("reads");
        Breaker::restore(BreakerConfig::default(), &read, Monotonic::default(), wall)
    };
    let mut relapsed = opened();
    assert!(call(
        &mut relapsed,
        Err(&Fault::provider("503")),
        START + secs(30)
    ));
    let snapshot = relapsed.snapshot(START + secs(30), wall);
    assert_eq!(snapshot.until, Some(wall + secs(60)));
    let mut other = restore(&snapshot, wall + secs(10));
    let until = Monotonic::from_start(secs(50));
    assert_eq!(other.state(), BreakerState::Open { until });
    assert!(call(&mut other, Err(&Fault::provider("503")), until));
    assert_eq!(
        other.state(),
        BreakerState::Open {
            until: until + secs(120)
        }
    );

    let skewed = restore(&snapshot, wall - secs(1_000_000));
    assert_eq!(
        skewed.state().until(),
        Some(Monotonic::from_start(secs(3_600)))
    );
    for name in ["closed", "half_open", "resting", "config"] {
        let snapshot = BreakerSnapshot::new(name, Some(wall), 0);
        assert_eq!(restore(&snapshot, wall).state().as_str(), name);
    }
    let unknown = BreakerSnapshot::new("molten", None, 3);
    assert_eq!(restore(&unknown, wall).state(), BreakerState::Closed);
}

#[derive(Clone, Debug)]
enum Step {
    Abandon(usize),
    Admit,
    Mend,
    Pass(u64),
    Record(usize, Option<Fault>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fault = prop_oneof![
        6 => Just(None),
        6 => Just(Some(Fault::provider("500"))),
        3 => Just(Some(Fault::unknown("timeout"))),
        1 => Just(Some(Fault::retry_after("429", secs(5)))),
        1 => Just(Some(Fault::config("401"))),
        1 => Just(Some(Fault::recipient("5.1.1"))),
    ];
    let step = prop_oneof![
        8 => Just(Step::Admit),
        8 => (0_usize..30, fault).prop_map(|(which, result)| Step::Record(which, result)),
        4 => (0_u64..40_000).prop_map(Step::Pass),
        1 => (0_usize..30).prop_map(Step::Abandon),
        1 => Just(Step::Mend),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    /// Goal: while it refuses, no call goes; while half-open, at most one more call is under way
    /// than successes have been seen, so at first exactly one.
    ///
    /// Method: random interleavings of calls and results; the model counts tickets and successes of
    /// the current half-open phase by itself, from the published changes only.
    #[test]
    fn no_call_while_it_refuses_and_one_probe_while_half_open(steps in steps()) {
        let mut breaker = breaker();
        let (mut now, mut last_admitted) = (START, START);
        // Tickets under way, and those of them that belong to the current phase.
        let (mut tickets, mut current): (Vec<Ticket>, Vec<Ticket>) = (Vec::new(), Vec::new());
        let mut successes = 0;
        for step in steps {
            let before = breaker.state();
            let change = match step {
                Step::Pass(millis) => { now = now + Duration::from_millis(millis); None }
                Step::Mend => {
                    let change = breaker.mend(now);
                    if before != BreakerState::Closed && !matches!(before, BreakerState::Resting { .. }) {
                        current.clear();
                        successes = 0;
                    }
                    change
                }
                Step::Admit => {
                    let (admission, change) = breaker.admit(now);
                    if let Some(until) = before.until() {
                        prop_assert_eq!(now < until, admission == Admission::Refuse { until: Some(until) });
                    }
                    if change.is_some() { current.clear(); successes = 0; }
                    if let Some(ticket) = ticket(admission) {
                        if breaker.state() == BreakerState::HalfOpen && current.len() > successes {
                            prop_assert!(now.since(last_admitted) >= secs(60), "only if one was lost");
                            current.clear();
                            successes = 0;
                        }
                        let probe = breaker.state() == BreakerState::HalfOpen && successes == 0;
                        prop_assert_eq!(matches!(admission, Admission::Probe(_)), probe);
                        last_admitted = now;
                        tickets.push(ticket);
                        current.push(ticket);
                    }
                    change
                }
                Step::Abandon(which) if !tickets.is_empty() => {
                    let ticket = tickets.swap_remove(which % tickets.len());
                    breaker.abandon(ticket);
                    if let Some(at) = current.iter().position(|t| *t == ticket) { current.remove(at); }
                    None
                }
                Step::Record(which, result) if !tickets.is_empty() => {
                    let ticket = tickets.swap_remove(which % tickets.len());
                    let is_current = current.iter().position(|t| *t == ticket);
                    let change = breaker.record(ticket, result.as_ref().map_or(Ok(()), Err), now);
                    if let Some(at) = is_current { current.remove(at); successes += 1; }
                    else { prop_assert_eq!(change, None, "a late result changes nothing"); }
                    change
                }
                Step::Abandon(_) | Step::Record(..) => None,
            };
            match change.map(|change| change.to) {
                None => prop_assert_eq!(breaker.state(), before),
                Some(to) => {
                    prop_assert_eq!(breaker.state(), to);
                    if to.until().is_some() { current.clear(); }
                    if matches!(to, BreakerState::Open { .. } | BreakerState::Resting { .. }) {
                        prop_assert!(!breaker.would_admit(now));
                    }
                }
            }
            if breaker.state() == BreakerState::HalfOpen {
                prop_assert!(current.len() <= 1 + successes);
            }
        }
    }
}
