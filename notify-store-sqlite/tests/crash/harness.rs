//! The parent: starts the process, kills it, looks at what is left, and again.

use notify_core::clock::{Clock, Entropy, SeededEntropy, SystemClock};
use std::collections::HashMap;
use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::child::MARK;
use crate::ledger::{Ledger, Report};
use crate::traffic::{Broken, Key, MOST_IN_BATCH, Orders, TASKS};
use crate::vendor::Vendor;
use crate::{ORDERS, database};

/// From the first answer to the kill.
const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(300);
/// Every so many cycles the kill comes at a random moment of the start: while the file is opened and put in order.
const EARLY_EVERY: u32 = 8;
const LONGEST_EARLY: Duration = Duration::from_millis(60);
/// How long a process may take to become busy, and how long to end when there is nothing left to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) cycles: u32,
    pub(crate) broken: Broken,
}

/// The seed of kill times: given, or a new one.
fn seed() -> u64 {
    let given = env::var("NOTIFY_CRASH_SEED").ok();
    let given = given.map(|seed| seed.parse().expect("NOTIFY_CRASH_SEED is a number"));
    given.unwrap_or_else(|| SeededEntropy::random().next_u64() >> 32)
}

/// Runs the plan to its end, or to the first problem.
pub(crate) async fn run(plan: Plan) -> Report {
    let (clock, seed) = (SystemClock::new(), seed());
    let started = clock.monotonic();
    let mut run = Run {
        plan,
        folder: tempfile::tempdir().expect("a folder"),
        vendor: Vendor::new(seed).await,
        entropy: SeededEntropy::new(seed),
        ledger: Ledger::default(),
        again: Vec::new(),
    };
    for cycle in 1..=plan.cycles {
        run.cycle(cycle).await;
        if !run.ledger.report.is_good() {
            break;
        }
    }
    run.drain().await;
    let mut report = run.ledger.report;
    report.seed = seed;
    report.seconds = clock.monotonic().since(started).as_secs_f64();
    // Past the test runner, which keeps what passing tests print to itself.
    let _ = writeln!(
        std::io::stderr(),
        "crash harness, {:?}: {report}",
        plan.broken
    );
    report
}

struct Run {
    plan: Plan,
    folder: TempDir,
    vendor: Vendor,
    entropy: SeededEntropy,
    ledger: Ledger,
    /// What a client had no answer for.
    again: Vec<Key>,
}

/// A process under way, and what it says.
struct Running {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(orders: &Orders) -> Self {
        let orders = serde_json::to_string(orders).expect("orders are JSON");
        let mut command = Command::new(env::current_exe().expect("this program"));
        let mut child = command
            .args([
                "--exact",
                "the_process_that_is_killed",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ORDERS, orders)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let said = child.stdout.take().expect("a pipe");
        Self {
            child,
            said: BufReader::new(said).lines(),
        }
    }

    /// What it says next; `None` at its end.
    async fn next(&mut self) -> Option<String> {
        loop {
            // A last line that was cut off by the kill is not one.
            let line = self.said.next_line().await.expect("a pipe")?;
            if let Some((_, said)) = line.split_once(MARK) {
                return Some(said.to_owned());
            }
        }
    }
}

impl Run {
    fn path(&self) -> PathBuf {
        self.folder.path().join("notify.db")
    }

    fn start(&self, cycle: u32, drain: bool) -> Running {
        Running::start(&Orders {
            path: self.path(),
            vendor: self.vendor.address,
            cycle,
            broken: self.plan.broken,
            again: self.again.iter().map(ToString::to_string).collect(),
            drain,
        })
    }

    fn within(&self, longest: Duration) -> Duration {
        longest.mul_f64(self.entropy.fraction())
    }

    /// One process, from its start to its kill.
    async fn cycle(&mut self, cycle: u32) {
        let is_early = cycle.is_multiple_of(EARLY_EVERY);
        let mut running = self.start(cycle, false);
        let mut last: HashMap<u32, u32> = HashMap::new();
        if !is_early {
            match timeout(PATIENCE, running.next()).await {
                Ok(Some(said)) => self.hear(&said, cycle, &mut last),
                ended => {
                    return self
                        .ledger
                        .report
                        .problem(format!("cycle {cycle} did not begin: {ended:?}"));
                }
            }
        }
        let life = if is_early {
            self.within(LONGEST_EARLY)
        } else {
            SHORTEST + self.within(LONGEST - SHORTEST)
        };
        let clock = SystemClock::new();
        let mut over = clock.sleep(life);
        loop {
            tokio::select! {
                () = &mut over => break,
                said = running.next() => match said {
                    Some(said) => self.hear(&said, cycle, &mut last),
                    None => return self.ledger.report.problem(format!("cycle {cycle} ended by itself")),
                },
            }
        }
        // SIGKILL: the process has no say in it.
        running.child.kill().await.expect("killed");
        while let Some(said) = running.next().await {
            self.hear(&said, cycle, &mut last);
        }
        self.look(cycle, &last).await;
    }

    fn hear(&mut self, said: &str, cycle: u32, last: &mut HashMap<u32, u32>) {
        let key = said.split_once(' ').and_then(|(_, key)| key.parse().ok());
        match (said.split(' ').next(), key) {
            (Some(word @ ("accepted" | "known")), Some(key)) => {
                self.ledger.report.known += usize::from(word == "known");
                self.ledger.accept(key);
                if key.cycle == cycle {
                    let no = last.entry(key.task).or_insert(key.no);
                    *no = key.no.max(*no);
                }
            }
            _ => self.ledger.report.problem(format!("cycle {cycle}: {said}")),
        }
    }

    /// Compares after a kill, and notes what nobody knows: it is asked for again.
    async fn look(&mut self, cycle: u32, last: &HashMap<u32, u32>) {
        let received = self.vendor.take_all().await;
        let picture = database::read(&self.path(), self.ledger.last_no()).await;
        self.ledger.after_kill(received, picture);
        self.again.retain(|key| !self.ledger.is_accepted(*key));
        for task in 0..TASKS {
            let first = last.get(&task).map_or(0, |no| no + 1);
            let nos = first..first + MOST_IN_BATCH;
            self.again.extend(nos.map(|no| Key { cycle, task, no }));
        }
    }

    /// Lets the last process finish everything, and compares.
    async fn drain(&mut self) {
        let mut running = self.start(self.plan.cycles + 1, true);
        let mut is_drained = false;
        let listening = async {
            while let Some(said) = running.next().await {
                match said.split_once(' ') {
                    Some(("requeued", key)) => self.ledger.requeue(key.parse().expect("a key")),
                    _ if said == "drained" => is_drained = true,
                    _ => self.ledger.report.problem(format!("draining: {said}")),
                }
            }
        };
        let ended = timeout(PATIENCE, listening).await;
        if ended.is_err() || !is_drained {
            running.child.kill().await.expect("killed");
            self.ledger
                .report
                .problem("what was accepted was not done in a minute, or the process ended");
        }
        running.child.wait().await.expect("ended");
        let received = self.vendor.take_all().await;
        self.ledger.arrive(received);
        let (wrong, stored) = database::examine(&self.path()).await;
        wrong
            .into_iter()
            .for_each(|wrong| self.ledger.report.problem(wrong));
        self.ledger.finish(&stored);
    }
}
