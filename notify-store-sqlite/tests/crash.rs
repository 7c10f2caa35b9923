//! Kills a process that accepts and sends, again and again, and proves from outside that nothing is lost.
//!
//! The test program starts itself as a child, which opens a store on a file, accepts by several tasks and delivers to a vendor in
//! the parent, over a socket: what arrived is known whatever happens to the child. At a random moment the child gets a SIGKILL; the
//! next one goes on with the same file. After each kill and at the end:
//!
//! - what a caller was told to be accepted is in the file, once, and is delivered in the end;
//! - what was delivered is in the file: nothing is sent whose commit did not happen;
//! - each duplicate is explained by a kill at which that delivery was being sent;
//! - a vendor that takes keys gets the same key again, so that people see nothing twice;
//! - what may be sent at most once is sent at most once, and is parked where nobody knows;
//! - the file is sound.
//!
//! A harness that finds nothing proves little, so it is run on two stores that are broken on purpose, and must notice.
//!
//! `NOTIFY_CRASH_CYCLES` says how often to kill, `NOTIFY_CRASH_SEED` when (the seed is printed; the scheduler has a say too).

#![cfg(unix)]

#[path = "crash/broken.rs"]
mod broken;
#[path = "crash/child.rs"]
mod child;
#[path = "crash/database.rs"]
mod database;
#[path = "crash/harness.rs"]
mod harness;
#[path = "crash/ledger.rs"]
mod ledger;
#[path = "crash/traffic.rs"]
mod traffic;
#[path = "crash/vendor.rs"]
mod vendor;

use harness::{Plan, run};
use std::env;
use traffic::Broken;

/// Where a child finds its orders. What has none is no child.
const ORDERS: &str = "NOTIFY_CRASH_ORDERS";
/// How many kills a broken store is given to be noticed in.
const CYCLES_TO_NOTICE: u32 = 40;

fn cycles() -> u32 {
    let given = env::var("NOTIFY_CRASH_CYCLES").ok();
    let given = given.map(|cycles| cycles.parse().expect("NOTIFY_CRASH_CYCLES is a number"));
    given.unwrap_or(12)
}

/// Not a test: the child. Without orders there is nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    if let Ok(orders) = env::var(ORDERS) {
        child::run(serde_json::from_str(&orders).expect("orders are JSON")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_accepted_is_lost_and_every_duplicate_is_explained() {
    let (cycles, broken) = (cycles(), Broken::Nothing);
    let report = run(Plan { cycles, broken }).await;
    assert!(report.is_good(), "{report}");
    assert_eq!((report.lost, report.seen_twice), (0, 0), "{report}");
    assert!(report.duplicates <= report.bound, "{report}");
    // That something was at stake: a harness that kills idle processes finds nothing.
    assert_eq!(report.kills, u64::from(cycles), "{report}");
    assert!(report.accepted >= 10 * cycles as usize, "{report}");
    assert!(
        report.bound > 0 || cycles < 5,
        "nothing was ever being sent: {report}"
    );
}

/// Each caller is told that its notification is accepted before `COMMIT` runs: as with a store that does not wait for the disk, but
/// so that a kill of the process shows it already.
#[cfg(feature = "mutants")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_answers_before_its_commit_is_noticed() {
    let (cycles, broken) = (CYCLES_TO_NOTICE, Broken::AnswerBeforeCommit);
    let report = run(Plan { cycles, broken }).await;
    assert!(!report.is_good(), "the harness did not notice: {report}");
    assert!(report.lost > 0, "{report}");
}

/// What became of a delivery is written before it is sent; see [`broken`].
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_done_before_it_has_sent_is_noticed() {
    let (cycles, broken) = (CYCLES_TO_NOTICE.min(10), Broken::DoneBeforeSend);
    let report = run(Plan { cycles, broken }).await;
    assert!(!report.is_good(), "the harness did not notice: {report}");
    assert!(report.lost > 0, "{report}");
}
