//! What is sent by itself: a report by cron, one each morning where people live, a reminder that is moved, and a process that slept.
//!
//! ```sh
//! cargo run --example scheduled
//! ```
//!
//! Days pass in a moment here: the clock is set by hand. An application leaves it out, lets `worker.run(shutdown)` run, and puts
//! its schedules at each start: the same again changes nothing.

use notify_core::clock::{Clock as _, Timestamp};
use notify_core::notification::{Missed, Schedule, SendAt};
use notify_core::schedule::{ScheduleTarget, ScheduledRequest};
use notify_core::testkit::ManualClock;
use notify_core::{Category, Content, NotificationRequest, Orchestrator, Recipient, Route};
use notify_examples::support;
use notify_providers::file::FileProvider;
use notify_store_sqlite::SqliteConfig;
use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

struct Week {
    notify: Orchestrator,
    clock: Arc<ManualClock>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = support::folder("scheduled")?;
    for file in ["notify.db", "notify.db-wal", "notify.db-shm"] {
        // What an earlier run left.
        let _ = fs::remove_file(folder.join(file));
    }
    // Sunday, 2027-03-21, 00:00 in UTC: a week before clocks change in Europe.
    let clock = ManualClock::new(Timestamp::from_micros(1_805_587_200_000_000));
    let store = SqliteConfig::new(folder.join("notify.db"))
        .with_clock(Arc::<ManualClock>::clone(&clock))
        .open()
        .await?;
    let notify = Orchestrator::builder(store)
        .provider(FileProvider::directory(&folder))
        .category(Category::transactional("garden"))
        .build()
        .await?;
    let people = [
        ("ada", "Europe/Berlin"),
        ("bruno", "America/New_York"),
        ("clara", "Asia/Tokyo"),
    ];
    let people = people.map(|(id, zone)| {
        Recipient::new(id)
            .with_email(&format!("{id}@example.com"))
            .with_zone(zone)
    });
    notify.put_recipients(&people).await?;
    let week = Week { notify, clock };
    week.put().await?;
    week.pass("Eight days", 8 * DAY).await?;
    week.mornings().await?;
    week.reminder().await?;
    week.outage().await?;
    Ok(())
}

fn say(kind: &str, text: &str) -> NotificationRequest {
    NotificationRequest::new(kind, "garden")
        .with_route(Route::to("email"))
        .with_content(Content::new(kind, text))
}

impl Week {
    async fn put(&self) -> Result<(), Box<dyn Error>> {
        let schedules = self.notify.schedules();
        let nightly = Schedule::cron("30 2 * * *", "Europe/Berlin")?;
        let report = say("nightly report", "The greenhouse is warm.");
        let report = ScheduledRequest::new("nightly-report", report, "ada", nightly);
        let all = ScheduleTarget::recipients(["ada", "bruno", "clara"]);
        let water = say("water", "The roses are thirsty.");
        let mornings = Schedule::cron_local("0 8 * * *")?.when_missed(Missed::Skip);
        let water = ScheduledRequest::new("water", water, all, mornings);
        for scheduled in [report, water] {
            let stored = schedules.put(scheduled.clone()).await?;
            let again = schedules.put(scheduled).await?;
            assert_eq!(stored, again, "the same again changes nothing");
        }
        println!("The next nightly reports, by UTC (clocks change on the 28th):");
        for at in schedules.upcoming("nightly-report", 9).await? {
            println!("  {at}");
        }
        Ok(())
    }

    /// Lets time pass, an hour a moment.
    async fn pass(&self, what: &str, time: Duration) -> Result<(), Box<dyn Error>> {
        println!("\n{what} pass.");
        let (end, worker) = (self.clock.now() + time, self.notify.worker());
        while self.clock.now() < end {
            self.clock.advance(HOUR);
            while worker.turn().await? > 0 {}
        }
        Ok(())
    }

    async fn count(&self, who: &str, kind: &str) -> Result<usize, Box<dyn Error>> {
        let all = self.notify.history(who, None, 1_000).await?;
        let sent = all.iter().filter(|one| !one.state.is_open());
        Ok(sent.filter(|one| one.request.kind() == kind).count())
    }

    async fn mornings(&self) -> Result<(), Box<dyn Error>> {
        let reports = self.count("ada", "nightly report").await?;
        println!(
            "Ada has {reports} nightly reports, also of the night in which 02:30 was jumped over."
        );
        assert_eq!(reports, 8);
        for who in ["ada", "bruno", "clara"] {
            let told = self.count(who, "water").await?;
            println!("{who} was told to water {told} times, at eight where they live.");
            assert!((7..=8).contains(&told));
        }
        let next = self
            .notify
            .schedules()
            .pending_of("bruno", None, 10)
            .await?;
        for one in &next {
            println!("Bruno is held until {}.", one.due_at);
        }
        assert_eq!(next.len(), 1, "his next morning");
        Ok(())
    }

    async fn reminder(&self) -> Result<(), Box<dyn Error>> {
        let now = self.clock.now();
        let visit = say("visit", "The gardener comes.").at(now + 5 * HOUR);
        let visit = visit.with_idempotency_key("visit:17");
        self.notify.send(visit, "ada").await?;
        let moved = SendAt::At(now + 50 * HOUR);
        let moved = self.notify.reschedule("visit:17", moved).await?;
        println!("\nThe visit is put off: {:?}", moved[0].1);
        self.pass("Two days", 49 * HOUR).await?;
        assert_eq!(self.count("ada", "visit").await?, 0);
        self.pass("Two hours", 2 * HOUR).await?;
        assert_eq!(self.count("ada", "visit").await?, 1);
        println!("Ada was reminded once.");
        Ok(())
    }

    async fn outage(&self) -> Result<(), Box<dyn Error>> {
        let before = self.count("ada", "nightly report").await?;
        let mornings = self.count("clara", "water").await?;
        // Nobody works for three days.
        self.clock.advance(3 * DAY);
        self.pass("Three days without a worker, and an hour", HOUR)
            .await?;
        let (after, later) = (
            self.count("ada", "nightly report").await?,
            self.count("clara", "water").await?,
        );
        println!(
            "One report stands for the three that were missed; mornings that are over are skipped."
        );
        assert_eq!(after, before + 1);
        assert!(later <= mornings + 1);
        let paused = self.notify.schedules().pause("nightly-report").await?;
        assert!(paused.next.is_none());
        assert!(self.notify.schedules().remove("water").await?);
        Ok(())
    }
}
