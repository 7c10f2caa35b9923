//! Stories of providers that fail: what one process learns, the others know, and the next one remembers.

use async_trait::async_trait;
use notify_core::channel::{EmailChannel, Part, Reach, Rendered};
use notify_core::clock::Clock as _;
use notify_core::memory::MemoryStore;
use notify_core::message::Message;
use notify_core::provider::{
    BreakerConfig, BreakerState, Capabilities, Envelope, Provider, Receipt, Routing, Scope, Warmup,
};
use notify_core::testkit::{Act, Answer, FakeProvider, ManualClock};
use notify_core::{
    Address, Category, Channel, ChannelId, Event, Fault, Observer, Orchestrator, ProviderName,
    RetryPolicy, Timestamp,
};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::world::{guest, say};

/// It may have gone out, says a provider that does not answer.
fn silent() -> Act {
    Act::Fault(Fault::unknown("timeout"))
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// One store, one clock, and any number of processes.
struct House {
    clock: Arc<ManualClock>,
    store: MemoryStore,
}

impl House {
    fn new() -> Self {
        let clock = ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000));
        let store = MemoryStore::with_clock(Arc::<ManualClock>::clone(&clock));
        Self { clock, store }
    }

    fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    fn provider(&self, name: &'static str) -> FakeProvider {
        FakeProvider::new(name, ChannelId::EMAIL).with_clock(Arc::<ManualClock>::clone(&self.clock))
    }

    /// Another process on the same store.
    async fn process(&self, providers: &[&FakeProvider]) -> Orchestrator {
        let mut builder = Orchestrator::builder(self.store.clone())
            .breaker(BreakerConfig::default().with_silences(2))
            .category(
                Category::transactional("orders")
                    .with_retry(RetryPolicy::exponential(50, secs(1), 1).without_jitter()),
            );
        for provider in providers {
            builder = builder.provider((*provider).clone());
        }
        builder.build().await.expect("builds")
    }

    async fn send(&self, notify: &Orchestrator, guests: std::ops::Range<usize>) {
        for no in guests {
            notify
                .send(say("orders"), guest(no))
                .await
                .expect("accepted");
        }
    }
}

async fn turn(notify: &Orchestrator) {
    notify.worker().turn().await.expect("works");
}

/// What this process thinks of the provider.
async fn state(notify: &Orchestrator, provider: &str) -> &'static str {
    let health = notify.health().await;
    let mut breakers = health.breakers.iter();
    let found = breakers.find(|(name, _)| *name == provider);
    found.map_or("none", |(_, state)| state.as_str())
}

#[tokio::test]
async fn a_process_that_was_killed_while_the_breaker_was_open_comes_back_with_it_open() {
    let house = House::new();
    let vendor = house.provider("primary").otherwise(silent());
    let notify = house.process(&[&vendor]).await;
    house.send(&notify, 0..2).await;
    turn(&notify).await;
    assert_eq!(state(&notify, "primary").await, "open");
    drop(notify);

    let calls = vendor.calls().len();
    let again = house.process(&[&vendor]).await;
    assert_eq!(state(&again, "primary").await, "open");
    house.send(&again, 2..4).await;
    for _ in 0..29 {
        turn(&again).await;
        house.clock.advance(secs(1));
    }
    assert_eq!(vendor.calls().len(), calls, "nothing is called for 30 s");
}

#[tokio::test]
async fn of_two_processes_one_tries_the_provider_out_and_the_other_waits_for_what_comes_of_it() {
    let house = House::new();
    let vendor = house.provider("primary").otherwise(silent());
    let (one, other) = (
        house.process(&[&vendor]).await,
        house.process(&[&vendor]).await,
    );
    house.send(&one, 0..20).await;
    turn(&one).await;
    assert_eq!(state(&one, "primary").await, "open");
    turn(&other).await;
    assert_eq!(state(&other, "primary").await, "open", "it was told");

    vendor.forget();
    vendor.set_otherwise(Answer::Accept);
    house.clock.advance(secs(31));
    vendor.hold();
    let probing = one.worker();
    let probing = tokio::spawn(async move { probing.turn().await });
    vendor.wait_for_calls(1).await;
    turn(&other).await;
    house.clock.advance(secs(1));
    turn(&other).await;
    assert_eq!(vendor.calls().len(), 1, "one call of both");
    vendor.release();
    probing.await.expect("no panic").expect("works");
    assert_eq!(vendor.sent().len(), 1);

    for _ in 0..10 {
        house.clock.advance(secs(2));
        turn(&other).await;
    }
    assert!(vendor.sent().len() > 10, "the other goes on after the one");
}

#[tokio::test]
async fn a_probe_that_fails_keeps_the_others_away_for_longer() {
    let house = House::new();
    let vendor = house.provider("primary").otherwise(silent());
    let (one, other) = (
        house.process(&[&vendor]).await,
        house.process(&[&vendor]).await,
    );
    house.send(&one, 0..20).await;
    turn(&one).await;
    turn(&other).await;
    vendor.forget();
    house.clock.advance(secs(31));
    turn(&one).await;
    assert_eq!(vendor.calls().len(), 1);
    for _ in 0..59 {
        turn(&other).await;
        turn(&one).await;
        house.clock.advance(secs(1));
    }
    assert_eq!(vendor.calls().len(), 1, "one minute, of either");
}

#[tokio::test]
async fn a_process_that_dies_with_the_probe_holds_the_others_up_for_a_minute_at_most() {
    let house = House::new();
    let vendor = house.provider("primary").otherwise(silent());
    let (one, other) = (
        house.process(&[&vendor]).await,
        house.process(&[&vendor]).await,
    );
    house.send(&one, 0..20).await;
    turn(&one).await;
    turn(&other).await;
    vendor.forget();
    vendor.set_otherwise(Answer::Accept);
    house.clock.advance(secs(31));
    vendor.hold();
    let probing = one.worker();
    let probing = tokio::spawn(async move { probing.turn().await });
    vendor.wait_for_calls(1).await;
    probing.abort();
    let _ = probing.await;
    drop(one);
    vendor.release();
    turn(&other).await;
    assert_eq!(vendor.sent().len(), 0, "nobody knows that it died");
    house.clock.advance(secs(61));
    turn(&other).await;
    house.clock.advance(secs(1));
    turn(&other).await;
    assert!(!vendor.sent().is_empty());
}

#[tokio::test]
async fn nobody_calls_a_provider_that_asked_for_30_seconds_and_the_others_take_over() {
    let house = House::new();
    let (primary, secondary) = (house.provider("primary"), house.provider("secondary"));
    let processes = [
        house.process(&[&primary, &secondary]).await,
        house.process(&[&primary, &secondary]).await,
    ];
    primary.script([Answer::RateLimit(secs(30))]);
    house.send(&processes[0], 0..1).await;
    turn(&processes[0]).await;
    turn(&processes[0]).await;
    assert_eq!(primary.calls().len(), 1);
    assert_eq!(secondary.sent().len(), 1, "at once");
    for second in 0..29 {
        let notify = &processes[second % 2];
        house.send(notify, 100 + second..101 + second).await;
        turn(notify).await;
        house.clock.advance(secs(1));
    }
    assert_eq!(primary.calls().len(), 1, "not within its 30 s");
    assert_eq!(secondary.sent().len(), 30, "and nothing waited for it");
    house.clock.advance(secs(2));
    house.send(&processes[1], 200..201).await;
    turn(&processes[1]).await;
    assert_eq!(primary.calls().len(), 2, "then it is asked first again");
}

/// Notes every switch.
#[derive(Clone, Debug, Default)]
struct Switches(Arc<Mutex<Vec<String>>>);

impl Observer for Switches {
    fn observe(&self, event: &Event) {
        let text = match event {
            Event::Breaker {
                provider, state, ..
            } => format!("{provider} {}", state.as_str()),
            Event::Failover { from, to } => format!("{from} to {to}"),
            _ => return,
        };
        self.0.lock().expect("no panic").push(text);
    }
}

impl Switches {
    async fn so_far(&self, at_least: usize) -> Vec<String> {
        for _ in 0..1_000 {
            if self.0.lock().expect("no panic").len() >= at_least {
                break;
            }
            tokio::task::yield_now().await;
        }
        self.0.lock().expect("no panic").clone()
    }
}

#[tokio::test]
async fn every_switch_is_told_and_a_bad_recipient_is_none() {
    let house = House::new();
    let (primary, secondary) = (house.provider("primary"), house.provider("secondary"));
    let switches = Switches::default();
    let notify = Orchestrator::builder(house.store.clone())
        .category(Category::transactional("orders"))
        .provider(primary.clone())
        .provider(secondary.clone())
        .observer(switches.clone())
        .build()
        .await
        .expect("builds");
    primary.script([Answer::RejectRecipient]);
    house.send(&notify, 0..1).await;
    turn(&notify).await;
    turn(&notify).await;
    assert_eq!(switches.so_far(0).await, Vec::<String>::new());
    assert_eq!(
        secondary.calls().len(),
        0,
        "a dead address is dead everywhere"
    );

    primary.script([Answer::RateLimit(secs(30)), Answer::Accept]);
    house.send(&notify, 1..2).await;
    turn(&notify).await;
    turn(&notify).await;
    let told = switches.so_far(2).await;
    assert_eq!(told, ["primary resting", "primary to secondary"]);
}

/// A provider that reaches many servers: its addresses are mailboxes, and their domains its scopes.
#[derive(Clone, Debug)]
struct Hosts(FakeProvider);

#[async_trait]
impl Provider for Hosts {
    fn name(&self) -> &ProviderName {
        self.0.name()
    }

    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        self.0.batch_key(message)
    }

    fn scope(&self, address: &Address) -> Option<Scope> {
        Scope::new(address.expose().split('@').next_back()?)
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        self.0.send(envelope).await
    }
}

/// Mail that goes to every mailbox of a person.
#[derive(Debug, Default)]
struct Everywhere(EmailChannel);

impl Channel for Everywhere {
    fn id(&self) -> ChannelId {
        self.0.id()
    }

    fn accepts(&self, address: &Address) -> bool {
        self.0.accepts(address)
    }

    fn reach(&self) -> Reach {
        Reach::Every
    }

    fn parts(&self) -> &[Part] {
        self.0.parts()
    }

    fn compose(&self, rendered: Rendered) -> notify_core::Result<Message> {
        self.0.compose(rendered)
    }
}

fn at(no: usize, host: &str) -> notify_core::Recipient {
    notify_core::Recipient::new(format!("at-{no}-{host}")).with_email(&format!("{no}@{host}"))
}

#[tokio::test]
async fn a_server_that_fails_holds_up_no_other_behind_the_same_provider() {
    let house = House::new();
    let vendor = house.provider("webhook");
    let build = || async {
        Orchestrator::builder(house.store.clone())
            .breaker(BreakerConfig::default().with_silences(2))
            .category(Category::transactional("orders"))
            .provider(Hosts(vendor.clone()))
            .build()
            .await
            .expect("builds")
    };
    let notify = build().await;
    for no in 0..2 {
        vendor.script_for(&format!("{no}@dead.example"), [silent()]);
        notify
            .send(say("orders"), at(no, "dead.example"))
            .await
            .expect("accepted");
    }
    vendor.script_for("0@busy.example", [Answer::RateLimit(secs(30))]);
    notify
        .send(say("orders"), at(0, "busy.example"))
        .await
        .expect("accepted");
    turn(&notify).await;
    let calls = vendor.calls().len();
    assert_eq!(calls, 3);

    for host in ["dead.example", "busy.example", "well.example"] {
        notify
            .send(say("orders"), at(7, host))
            .await
            .expect("accepted");
    }
    turn(&notify).await;
    let to: Vec<String> = vendor.calls()[calls..]
        .iter()
        .map(|call| call.to().to_owned())
        .collect();
    assert_eq!(to, ["7@well.example"]);
    let seen = notify.health().await;
    assert!(seen.breakers.iter().all(|(_, state)| state.is_closed()));
    let scopes: Vec<_> = seen
        .scopes
        .iter()
        .map(|(_, scope, state)| (scope.as_str(), state.as_str()))
        .collect();
    assert_eq!(
        scopes,
        [("busy.example", "resting"), ("dead.example", "open")]
    );

    let again = build().await;
    assert_eq!(
        again.health().await.scopes.len(),
        2,
        "the next process knows"
    );
    house.clock.advance(secs(31));
    for _ in 0..12 {
        turn(&again).await;
        house.clock.advance(secs(1));
    }
    assert_eq!(vendor.sent().len(), 6, "all arrive in the end");
}

#[tokio::test]
async fn of_two_devices_at_two_servers_one_that_fails_leaves_the_other_alone() {
    let house = House::new();
    let vendor = house.provider("webhook");
    let notify = Orchestrator::builder(house.store.clone())
        .breaker(BreakerConfig::default().with_silences(2))
        .category(Category::transactional("orders"))
        .provider(Hosts(vendor.clone()))
        .channel(Everywhere::default())
        .build()
        .await
        .expect("builds");
    vendor.script_for("0@dead.example", [Answer::RateLimit(secs(30))]);
    notify
        .send(say("orders"), at(0, "dead.example"))
        .await
        .expect("accepted");
    turn(&notify).await;

    let both = at(1, "dead.example").with_email("1@well.example");
    let report = notify.send(say("orders"), both).await.expect("accepted");
    turn(&notify).await;
    let sent: Vec<String> = vendor
        .sent()
        .iter()
        .map(|call| call.to().to_owned())
        .collect();
    assert_eq!(sent, ["1@well.example"]);
    house.clock.advance(secs(31));
    for _ in 0..3 {
        turn(&notify).await;
        house.clock.advance(secs(1));
    }
    let mut sent: Vec<String> = vendor
        .sent()
        .iter()
        .map(|call| call.to().to_owned())
        .collect();
    sent.sort();
    assert_eq!(
        sent,
        ["0@dead.example", "1@dead.example", "1@well.example"],
        "each once"
    );
    let delivery = notify
        .delivery(report.deliveries[0].id)
        .await
        .expect("is there");
    assert_eq!(delivery.state, notify_core::DeliveryState::Sent);
}

#[tokio::test]
async fn what_an_operator_mended_is_tried_again_by_every_process() {
    let house = House::new();
    let vendor = house.provider("primary").otherwise(Answer::BadCredentials);
    let (one, other) = (
        house.process(&[&vendor]).await,
        house.process(&[&vendor]).await,
    );
    house.send(&one, 0..3).await;
    turn(&one).await;
    turn(&other).await;
    assert_eq!(state(&other, "primary").await, "config");
    vendor.set_otherwise(Answer::Accept);
    one.as_operator("op-1")
        .mend(&ProviderName::new("primary"))
        .await
        .expect("is there");
    for _ in 0..4 {
        house.clock.advance(secs(60));
        turn(&other).await;
    }
    assert_eq!(vendor.sent().len(), 3);
    assert!(matches!(
        other.health().await.breakers[..],
        [(_, BreakerState::HalfOpen | BreakerState::Closed), ..]
    ));
}

#[tokio::test]
async fn a_vendor_that_dies_in_the_middle_of_a_flood_loses_nothing_and_doubles_nothing() {
    const FLOOD: usize = 600;
    let house = House::new();
    let sms = |name: &'static str| {
        FakeProvider::new(name, ChannelId::SMS).with_clock(Arc::<ManualClock>::clone(&house.clock))
    };
    let (primary, secondary) = (sms("primary"), sms("secondary"));
    let notify = Orchestrator::builder(house.store.clone())
        .category(Category::critical("codes"))
        .provider(primary.clone())
        .provider(secondary.clone())
        .build()
        .await
        .expect("builds");
    let mut accepted = Vec::new();
    for no in 0..FLOOD {
        let request = say("codes").with_route(notify_core::Route::to("sms"));
        let who =
            notify_core::Recipient::new(format!("g-{no}")).with_phone(&format!("+1555{no:07}"));
        let report = notify.send(request, who).await.expect("accepted");
        accepted.push(report.deliveries[0].id);
    }
    let worker = notify.worker();
    worker.turn().await.expect("works");
    let first = primary.sent().len();
    assert!((50..400).contains(&first), "it works at first, for {first}");
    let died_at = house.clock_now();
    primary.set_otherwise(Answer::Outage);
    let mut late = Duration::ZERO;
    for _ in 0..60 {
        worker.turn().await.expect("works");
        if primary.sent().len() + secondary.sent().len() == FLOOD {
            late = house.clock_now().since(died_at);
            break;
        }
        house.clock.advance(Duration::from_millis(250));
    }
    let mut to: Vec<String> = primary
        .sent()
        .iter()
        .chain(&secondary.sent())
        .map(|call| call.to().to_owned())
        .collect();
    assert_eq!(to.len(), FLOOD, "none is lost, none goes twice");
    to.sort();
    to.dedup();
    assert_eq!(to.len(), FLOOD, "each once");
    assert!(
        late <= secs(1),
        "the first retry of the policy, not {late:?}"
    );
    for id in accepted {
        let delivery = notify.delivery(id).await.expect("known");
        assert_eq!(delivery.state, notify_core::DeliveryState::Sent);
        assert!(delivery.attempts <= 2, "the one that died, and the other");
    }
    let asked = primary.calls().len() - primary.sent().len();
    assert!(asked <= 300, "its breaker keeps the rest away: {asked}");
    assert_eq!(state(&notify, "primary").await, "open");
}

/// Lets a worker work through, with a clock that moves for as long as calls take.
async fn work_through(house: &House, notify: &Orchestrator, providers: [&FakeProvider; 2]) {
    let worker = notify.worker();
    let turn = tokio::spawn(async move { worker.turn().await });
    while !turn.is_finished() {
        tokio::task::yield_now().await;
        if providers.iter().any(|provider| provider.under_way() > 0) {
            house.clock.advance(Duration::from_millis(100));
        }
    }
    turn.await.expect("no panic").expect("works");
}

#[tokio::test]
async fn a_slow_provider_loses_its_share_of_a_spread_but_not_when_all_are_slow() {
    for (other, expected) in [(Duration::ZERO, 1..45), (secs(4), 46..80)] {
        let house = House::new();
        let slow = house.provider("primary").with_latency(secs(4));
        let fast = house.provider("secondary").with_latency(other);
        let notify = Orchestrator::builder(house.store.clone())
            .category(Category::transactional("orders"))
            .provider(slow.clone())
            .provider(fast.clone())
            .routing(
                "email",
                Routing::spread([(1, Routing::one("primary")), (1, Routing::one("secondary"))]),
            )
            .build()
            .await
            .expect("builds");
        for minute in 0..8 {
            house.send(&notify, minute * 60..minute * 60 + 60).await;
            work_through(&house, &notify, [&slow, &fast]).await;
            house.clock.advance(secs(61));
        }
        slow.forget();
        fast.forget();
        house.send(&notify, 1_000..1_120).await;
        work_through(&house, &notify, [&slow, &fast]).await;
        let calls = slow.calls().len();
        assert_eq!(calls + fast.calls().len(), 120);
        assert!(
            expected.contains(&calls),
            "{calls} of 120, the other took {other:?}"
        );
    }
}

#[tokio::test]
async fn a_new_sender_sends_a_little_more_each_day() {
    let house = House::new();
    let mail = house.provider("primary");
    let number = |n| NonZeroU32::new(n).expect("not zero");
    let warmup = Warmup::new(house.clock_now(), number(24), number(100)).with_growth(200);
    let notify = Orchestrator::builder(house.store.clone())
        .category(Category::transactional("orders"))
        .provider(mail.clone())
        .warmup("primary", warmup)
        .build()
        .await
        .expect("builds");
    house.send(&notify, 0..400).await;
    let mut days = Vec::new();
    for _ in 0..4 {
        for _ in 0..24 * 4 {
            turn(&notify).await;
            house.clock.advance(secs(900));
        }
        days.push(mail.sent().len());
        mail.forget();
    }
    assert!((24..=25).contains(&days[0]), "{days:?}");
    assert!((46..=50).contains(&days[1]), "{days:?}");
    assert!((90..=100).contains(&days[2]), "{days:?}");
    assert!(days[3] > 200, "it is warm: {days:?}");
}
