//! What is sent by itself: what the stories about schedules have in common.

mod changes;
mod held;
mod occurrences;

use notify_core::calendar::Zone;
use notify_core::clock::{Clock as _, Timestamp};
use notify_core::memory::MemoryStore;
use notify_core::notification::Schedule;
use notify_core::schedule::ScheduledRequest;
use notify_core::testkit::{FakeProvider, Faulty, ManualClock};
use notify_core::worker::Worker;
use notify_core::{
    Category, ChannelId, Content, Delivery, NotificationRequest, Orchestrator, Recipient, Route,
};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A Monday, 00:00:00.5 in UTC: half a second after the minute, so that an occurrence of that minute is over.
const MONDAY: Timestamp = Timestamp::from_micros(1_799_625_600_500_000);

struct World {
    clock: Arc<ManualClock>,
    store: Arc<Faulty>,
    mail: FakeProvider,
    notify: Orchestrator,
}

async fn process(store: &Arc<Faulty>, mail: &FakeProvider) -> Orchestrator {
    Orchestrator::builder_on(Arc::<Faulty>::clone(store))
        .provider(mail.clone())
        .category(Category::transactional("reports"))
        .build()
        .await
        .expect("builds")
}

async fn world_at(start: Timestamp) -> World {
    let clock = ManualClock::new(start);
    let memory = MemoryStore::with_clock(Arc::<ManualClock>::clone(&clock));
    let store = Arc::new(Faulty::new(Arc::new(memory)));
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = process(&store, &mail).await;
    let people = [
        ("ada", "Europe/Berlin"),
        ("bob", "Pacific/Honolulu"),
        ("kai", "Pacific/Kiritimati"),
    ];
    let people = people.map(|(id, zone)| {
        Recipient::new(id)
            .with_email(&format!("{id}@example.com"))
            .with_zone(zone)
    });
    notify.put_recipients(&people).await.expect("stored");
    World {
        clock,
        store,
        mail,
        notify,
    }
}

async fn world() -> World {
    world_at(MONDAY).await
}

fn report() -> NotificationRequest {
    NotificationRequest::new("report", "reports")
        .with_route(Route::to("email"))
        .with_content(Content::new("Report", "All is well."))
}

fn cron(expression: &str) -> Schedule {
    Schedule::cron(expression, "UTC").expect("a schedule")
}

fn for_ada(key: &str, when: Schedule) -> ScheduledRequest {
    ScheduledRequest::new(key, report(), "ada", when)
}

/// Lets a worker work until nothing is left to do now.
async fn drain(notify: &Orchestrator) {
    let worker = notify.worker();
    while worker.turn().await.expect("turn") > 0 {}
}

/// All deliveries of one person, oldest first.
async fn deliveries(notify: &Orchestrator, who: &str) -> Vec<Delivery> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = notify.history(who, before, 1_000).await.expect("history");
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        found.extend(page);
    }
    found.reverse();
    found
}

/// The occurrences that one person was told of, or is to be, in their order.
async fn told(notify: &Orchestrator, who: &str) -> Vec<Timestamp> {
    let zone = |name: &str| Zone::get(name).expect("a zone");
    let zone = match who {
        "bob" => zone("Pacific/Honolulu"),
        "kai" => zone("Pacific/Kiritimati"),
        _ => zone("Europe/Berlin"),
    };
    let all = deliveries(notify, who).await;
    let at = |one: &Delivery| one.request.send_at().map(|at| at.instant(&zone));
    let mut told: Vec<_> = all.iter().filter_map(at).collect();
    told.sort_unstable();
    told
}

impl World {
    async fn put(&self, scheduled: ScheduledRequest) {
        self.notify.schedules().put(scheduled).await.expect("put");
    }

    async fn told(&self, who: &str) -> Vec<Timestamp> {
        told(&self.notify, who).await
    }

    /// A turn of a worker that may wait for a store to recover: its time passes at once. Zero where nothing could be claimed.
    async fn turn(&self, worker: &Worker) -> u64 {
        let turn = worker.turn();
        tokio::pin!(turn);
        loop {
            let patience = async {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                turned = &mut turn => return turned.unwrap_or(0),
                () = patience => drop(self.clock.advance_to_next()),
            }
        }
    }

    /// Lets time pass in steps, with a worker at each.
    async fn live(&self, time: Duration, step: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.clock.advance(step);
            drain(&self.notify).await;
        }
    }
}
