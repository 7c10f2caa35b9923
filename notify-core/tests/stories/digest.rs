//! Stories about digests: what gathers, when it leaves, what is in it, and what no failure changes about that.

use notify_core::calendar::{Date, Zone};
use notify_core::clock::Clock;
use notify_core::delivery::{DeliveryState, EventKind, Reason};
use notify_core::digest::Digest;
use notify_core::memory::MemoryStore;
use notify_core::notification::InQuietHours;
use notify_core::orchestrator::OrchestratorBuilder;
use notify_core::preference::{PreferenceChange, QuietHours, Setting};
use notify_core::queue::CancelOutcome;
use notify_core::rate_limiter::Excess;
use notify_core::template::{Template, Templates};
use notify_core::testkit::{FakeProvider, Faulty, ManualClock, Mishap, assert_sent};
use notify_core::{
    Category, ChannelId, DeliveryId, ErrorKind, NotificationRequest, Orchestrator, Recipient,
    Route, Store, Timestamp,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const ZONE: &str = "Europe/Berlin";

/// An instant in Berlin.
fn berlin(date: &str, time: &str) -> Timestamp {
    let zone = Zone::get(ZONE).expect("a zone");
    let date: Date = date.parse().expect("a day");
    zone.instant(date, time.parse().expect("a time"))
}

fn noon() -> Timestamp {
    berlin("2026-07-01", "12:00")
}

/// A single comment, and several.
fn templates() -> Templates {
    let one = Template::new("comment", "email", "en")
        .with_part("subject", "{{by}} commented")
        .with_part("text", "alone: {{by}}");
    let many = Template::new("comment.digest", "email", "en")
        .with_part("subject", "{{count}} comments, last by {{by}}")
        .with_part("text", "{{#each items}}<{{by}}>{{/each}} of {{count}}");
    Templates::new().add(one).add(many)
}

fn comment(by: impl Into<String>) -> NotificationRequest {
    NotificationRequest::new("comment", "social")
        .with_data(json!({ "by": by.into() }))
        .expect("JSON")
        .with_route(Route::to("email"))
}

/// Ada lives in Berlin, by the clock of a store that may fail.
struct World {
    clock: Arc<ManualClock>,
    store: Arc<Faulty>,
    notify: Orchestrator,
    mail: FakeProvider,
}

impl World {
    async fn of(digest: Digest) -> Self {
        let social = Category::transactional("social").with_digest(digest);
        Self::with(|builder| builder.category(social)).await
    }

    async fn with(change: impl FnOnce(OrchestratorBuilder) -> OrchestratorBuilder) -> Self {
        let clock = ManualClock::new(noon());
        let memory = MemoryStore::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let store = Arc::new(Faulty::new(Arc::new(memory)));
        let mail = FakeProvider::new("mail", ChannelId::EMAIL);
        let builder = Orchestrator::builder_on(Arc::clone(&store) as Arc<dyn Store>)
            .provider(mail.clone())
            .templates(templates());
        let notify = change(builder).build().await.expect("builds");
        let ada = Recipient::new("ada").with_email("ada@example.com");
        let ada = ada.with_zone(ZONE);
        notify.put_recipient(ada).await.expect("stored");
        Self {
            clock,
            store,
            notify,
            mail,
        }
    }

    async fn send(&self, request: NotificationRequest) -> DeliveryId {
        let report = self.notify.send(request, "ada").await.expect("accepted");
        report.deliveries[0].id
    }

    async fn say(&self, by: &str) -> DeliveryId {
        self.send(comment(by)).await
    }

    async fn state(&self, id: DeliveryId) -> (DeliveryState, Option<Reason>) {
        let delivery = self.notify.delivery(id).await.expect("known");
        (delivery.state, delivery.reason)
    }

    /// Lets the workers do all there is to do.
    async fn work(&self) {
        while self.notify.worker().turn().await.expect("turn") > 0 {}
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.work().await;
    }

    fn texts(&self) -> Vec<String> {
        let text = |call: notify_core::testkit::Call| {
            let json = call.envelope.message.to_json().expect("JSON");
            json["text"].as_str().expect("a text").to_owned()
        };
        self.mail.sent().into_iter().map(text).collect()
    }

    async fn change(&self, change: PreferenceChange) {
        let changed = self.notify.change_preferences(&change).await;
        changed.expect("stored");
    }
}

const WAITS: (DeliveryState, Option<Reason>) = (DeliveryState::Held, Some(Reason::Digest));

#[tokio::test]
async fn several_events_become_one_message_with_their_items_in_order() {
    let world = World::of(Digest::after(10 * MINUTE)).await;
    let mut ids = Vec::new();
    for by in ["Bob", "Cy", "Di"] {
        ids.push(world.say(by).await);
        world.pass(MINUTE).await;
    }
    assert_eq!(world.state(ids[0]).await, WAITS);
    assert!(world.mail.calls().is_empty());
    let gathered = world.notify.digests("ada").await.expect("read");
    assert_eq!(gathered[0].members, ids);
    world.pass(7 * MINUTE - SECOND).await;
    assert!(world.mail.calls().is_empty(), "not a second early");
    world.pass(SECOND).await;
    assert_eq!(world.texts(), ["<Bob><Cy><Di> of 3"]);
    assert_sent(&world.mail)
        .to("ada@example.com")
        .containing("3 comments, last by Di")
        .once();
    let merged = world.notify.delivery(ids[0]).await.expect("known");
    assert_eq!(merged.state, DeliveryState::Merged);
    let digest = merged.merged_into.expect("it says where");
    assert_eq!(world.state(digest).await.0, DeliveryState::Sent);
    let timeline = world.notify.timeline(ids[1]).await.expect("known");
    let kinds: Vec<_> = timeline.iter().map(|event| event.kind).collect();
    let expected = [EventKind::Accepted, EventKind::Held, EventKind::Merged];
    assert_eq!(kinds, expected);
    assert!(world.notify.digests("ada").await.expect("read").is_empty());
}

/// Sends so many comments at once; answers with their deliveries.
async fn crowd(world: &World, count: usize) -> Vec<DeliveryId> {
    let mut tasks = JoinSet::new();
    for no in 0..count {
        let notify = world.notify.clone();
        tasks.spawn(async move { notify.send(comment(format!("{no}")), "ada").await });
    }
    let mut ids = Vec::new();
    while let Some(sent) = tasks.join_next().await {
        let report = sent.expect("no panic").expect("accepted");
        ids.push(report.deliveries[0].id);
    }
    ids
}

/// Who is named in a text.
fn named(text: &str) -> Vec<usize> {
    let names = text
        .split('<')
        .skip(1)
        .filter_map(|one| one.split('>').next());
    names.map(|name| name.parse().expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_events_at_once_one_digest_holds_all() {
    let world = World::of(Digest::after(HOUR)).await;
    let ids = crowd(&world, 1_000).await;
    world.pass(HOUR).await;
    let texts = world.texts();
    assert_eq!(texts.len(), 1, "one message");
    let names: BTreeSet<_> = named(&texts[0]).into_iter().collect();
    assert_eq!(names, (0..1_000).collect(), "each of them");
    assert_eq!(named(&texts[0]).len(), 1_000, "and each once");
    for id in ids {
        assert_eq!(world.state(id).await.0, DeliveryState::Merged);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_events_at_once_exactly_one_goes_at_once_and_the_rest_later() {
    let world = World::of(Digest::after(HOUR).first_now()).await;
    crowd(&world, 1_000).await;
    world.work().await;
    let first = world.texts();
    assert_eq!(first.len(), 1, "exactly one");
    assert!(first[0].starts_with("alone: "));
    world.pass(HOUR).await;
    let texts = world.texts();
    assert_eq!(texts.len(), 2);
    assert_eq!(named(&texts[1]).len(), 999);
    let mut all: BTreeSet<_> = named(&texts[1]).into_iter().collect();
    all.insert(first[0]["alone: ".len()..].parse().expect("a number"));
    assert_eq!(all, (0..1_000).collect());
    world.say("next").await;
    world.work().await;
    assert_eq!(world.texts()[2], "alone: next", "and so on");
}

#[tokio::test]
async fn a_daily_digest_leaves_at_its_time_where_the_person_lives() {
    let eight = "08:00".parse().expect("a time");
    let world = World::of(Digest::daily_at(eight)).await;
    world.say("Bob").await;
    world.say("Cy").await;
    world.clock.set(berlin("2026-07-02", "08:00"));
    world.clock.advance(Duration::ZERO);
    let before = berlin("2026-07-02", "08:00").since(noon());
    assert_eq!(before, 20 * HOUR);
    world.work().await;
    assert_eq!(world.texts(), ["<Bob><Cy> of 2"]);
}

#[tokio::test]
async fn a_full_digest_leaves_at_once_and_the_next_one_begins() {
    let world = World::of(Digest::after(HOUR).max_items(2)).await;
    for by in ["Bob", "Cy", "Di"] {
        world.say(by).await;
    }
    world.work().await;
    assert_eq!(world.texts(), ["<Bob><Cy> of 2"]);
    world.pass(HOUR).await;
    assert_eq!(world.texts()[1], "alone: Di", "what is alone is what it is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn full_digests_hold_exactly_as_many_as_they_may_however_many_come_at_once() {
    let world = World::of(Digest::after(HOUR).first_now().max_items(10)).await;
    crowd(&world, 221).await;
    world.work().await;
    world.pass(HOUR).await;
    let (alone, many): (Vec<_>, Vec<_>) = world
        .texts()
        .into_iter()
        .partition(|text| text.starts_with("alone"));
    // After each that is full the next one is a first again: one at once and ten later, twenty times, and one more of each.
    let full = many.iter().filter(|text| named(text).len() == 10).count();
    let told: usize = many.iter().map(|text| named(text).len()).sum();
    assert_eq!(told + alone.len(), 221);
    assert!(full >= 20 && many.len() - full <= 1, "{full} of {many:?}");
}

#[tokio::test]
async fn keys_of_requests_gather_apart() {
    let world = World::of(Digest::after(HOUR)).await;
    for (by, post) in [("Bob", "p1"), ("Cy", "p2"), ("Di", "p1"), ("Ed", "p2")] {
        world.send(comment(by).with_digest_key(post)).await;
    }
    world.pass(HOUR).await;
    let mut texts = world.texts();
    texts.sort();
    assert_eq!(texts, ["<Bob><Di> of 2", "<Cy><Ed> of 2"]);
}

#[tokio::test]
async fn what_gathers_leaves_by_call() {
    let world = World::of(Digest::after(HOUR)).await;
    world.say("Bob").await;
    world.say("Cy").await;
    let flush = async |category: &'static str| world.notify.flush_digest("ada", category).await;
    assert_eq!(flush("other").await.expect("flushed"), 0);
    assert_eq!(flush("social").await.expect("flushed"), 1);
    world.say("Di").await;
    world.work().await;
    assert_eq!(world.texts(), ["<Bob><Cy> of 2"]);
    assert_eq!(flush("social").await.expect("flushed"), 1);
    world.work().await;
    assert_eq!(world.texts()[1], "alone: Di");
    assert_eq!(flush("social").await.expect("flushed"), 0);
}

#[tokio::test]
async fn what_was_taken_back_or_expired_is_not_in_the_digest() {
    let world = World::of(Digest::after(HOUR)).await;
    world.say("Bob").await;
    let taken_back = world.say("Cy").await;
    world.pass(30 * MINUTE).await;
    // In time for the digest as it would be if it began now, but not for this one put off by the night.
    let short = comment("Di").with_expires_after(2 * HOUR);
    let short = world.send(short).await;
    world.say("Ed").await;
    let cancelled = world.notify.cancel(taken_back).await.expect("cancelled");
    assert_eq!(cancelled, CancelOutcome::Cancelled);
    // The worker comes three hours late.
    world.clock.advance(3 * HOUR);
    world.work().await;
    assert_eq!(world.texts(), ["<Bob><Ed> of 2"]);
    let expired = (DeliveryState::Expired, Some(Reason::Expired));
    assert_eq!(world.state(short).await, expired);
    assert_eq!(world.state(taken_back).await.0, DeliveryState::Cancelled);
}

#[tokio::test]
async fn an_opt_out_before_it_leaves_holds_for_all_that_gathered() {
    let world = World::of(Digest::after(HOUR)).await;
    let ids = [world.say("Bob").await, world.say("Cy").await];
    let no = PreferenceChange::Cell {
        recipient: "ada".into(),
        category: "social".into(),
        channel: ChannelId::EMAIL,
        setting: Setting::No,
    };
    world.change(no).await;
    world.pass(HOUR).await;
    assert!(world.mail.calls().is_empty());
    for id in ids {
        let opted_out = (DeliveryState::Suppressed, Some(Reason::OptedOut));
        assert_eq!(world.state(id).await, opted_out);
    }
    assert!(world.notify.digests("ada").await.expect("read").is_empty());
}

#[tokio::test]
async fn what_gathers_for_someone_who_is_gone_ends_with_that_reason() {
    let world = World::of(Digest::after(HOUR)).await;
    let ids = [world.say("Bob").await, world.say("Cy").await];
    let removed = world.notify.remove_recipients(&["ada".into()]).await;
    assert_eq!(removed.expect("removed"), 1);
    world.pass(HOUR).await;
    for id in ids {
        let gone = (DeliveryState::Suppressed, Some(Reason::UnknownRecipient));
        assert_eq!(world.state(id).await, gone);
    }
}

#[tokio::test]
async fn recipients_given_in_the_call_are_told_and_then_erased() {
    let world = World::of(Digest::after(HOUR)).await;
    let guest = || Recipient::new("guest").with_email("guest@example.com");
    let mut ids = Vec::new();
    for by in ["Bob", "Cy"] {
        let report = world.notify.send(comment(by), guest()).await;
        ids.push(report.expect("accepted").deliveries[0].id);
    }
    world.pass(HOUR).await;
    assert_sent(&world.mail).to("guest@example.com").once();
    for id in ids {
        let member = world.notify.delivery(id).await.expect("known");
        assert!(member.pinned.is_none());
    }
}

fn gathers_at_night() -> Category {
    Category::transactional("social").in_quiet_hours(InQuietHours::Digest)
}

fn nights() -> PreferenceChange {
    PreferenceChange::QuietHours {
        recipient: "ada".into(),
        quiet_hours: QuietHours::on(),
    }
}

#[tokio::test]
async fn what_quiet_hours_hold_leaves_as_one_message_at_their_end() {
    let world = World::with(|builder| builder.category(gathers_at_night())).await;
    world.change(nights()).await;
    world.say("Bob").await;
    world.work().await;
    assert_eq!(world.texts(), ["alone: Bob"], "by day each goes at once");
    world.clock.set(berlin("2026-07-01", "23:00"));
    let ids = [world.say("Cy").await, world.say("Di").await];
    assert_eq!(world.state(ids[1]).await, WAITS);
    world.clock.set(berlin("2026-07-02", "07:59"));
    world.work().await;
    assert_eq!(world.texts().len(), 1);
    world.clock.set(berlin("2026-07-02", "08:00"));
    world.work().await;
    assert_eq!(world.texts()[1..], ["<Cy><Di> of 2"]);
}

#[tokio::test]
async fn quiet_hours_that_are_switched_off_let_go_what_gathered_for_them() {
    let world = World::with(|builder| builder.category(gathers_at_night())).await;
    world.change(nights()).await;
    world.clock.set(berlin("2026-07-01", "23:00"));
    world.say("Bob").await;
    world.say("Cy").await;
    let changed = world.notify.preferences_changed("ada").await;
    assert_eq!(changed.expect("asked"), 1, "looked at, and still night");
    world.work().await;
    assert!(world.mail.calls().is_empty());
    let off = PreferenceChange::QuietHours {
        recipient: "ada".into(),
        quiet_hours: QuietHours::off(),
    };
    world.change(off).await;
    world.work().await;
    assert_eq!(world.texts(), ["<Bob><Cy> of 2"]);
}

#[tokio::test]
async fn a_window_that_ends_at_night_waits_for_the_morning_and_takes_the_night_along() {
    let world = World::with(|builder| {
        let social = gathers_at_night().with_digest(Digest::after(HOUR));
        builder.category(social)
    })
    .await;
    world.change(nights()).await;
    world.clock.set(berlin("2026-07-01", "21:30"));
    world.say("Bob").await;
    world.clock.set(berlin("2026-07-02", "03:00"));
    world.say("Cy").await;
    world.work().await;
    assert!(world.mail.calls().is_empty());
    world.clock.set(berlin("2026-07-02", "08:00"));
    world.work().await;
    assert_eq!(world.texts(), ["<Bob><Cy> of 2"]);
}

#[tokio::test]
async fn a_cap_counts_the_digest_once_and_none_of_its_members() {
    let world = World::with(|builder| {
        let social = Category::transactional("social").with_digest(Digest::after(HOUR));
        builder.category(social.at_most(2, 24 * HOUR).on_excess(Excess::Drop))
    })
    .await;
    for round in 0..3 {
        for by in ["Bob", "Cy", "Di"] {
            world.say(by).await;
        }
        world.pass(HOUR).await;
        assert_eq!(world.texts().len(), 2.min(round + 1));
    }
    let history = world.notify.history("ada", None, 100).await.expect("read");
    let limited = history
        .iter()
        .filter(|one| one.reason == Some(Reason::RateLimited));
    let limited: Vec<_> = limited.map(|one| one.id).collect();
    assert_eq!(limited.len(), 1, "the third digest, as a whole");
    let in_it = history
        .iter()
        .filter(|one| one.merged_into == limited.first().copied());
    assert_eq!(in_it.count(), 3);
}

#[tokio::test]
async fn the_same_key_is_in_a_digest_once() {
    let world = World::of(Digest::after(HOUR)).await;
    for _ in 0..3 {
        let keyed = comment("Bob").with_idempotency_key("comment:1");
        world.send(keyed).await;
    }
    world.say("Cy").await;
    world.pass(HOUR).await;
    assert_eq!(world.texts(), ["<Bob><Cy> of 2"]);
    let other = comment("Bob")
        .with_idempotency_key("comment:1")
        .with_digest_key("post:1");
    let error = world.notify.send(other, "ada").await.expect_err("another");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn an_explanation_says_that_it_would_gather() {
    let world = World::of(Digest::after(HOUR).first_now()).await;
    let explained = async || {
        let found = world.notify.explain(comment("Bob"), "ada").await;
        let step = found.expect("explained").steps.remove(0);
        (step.decision, step.trace.to_string())
    };
    let (decision, trace) = explained().await;
    assert_eq!(decision, notify_core::Decision::Send);
    assert!(trace.contains("digest:pass"), "{trace}");
    world.say("Bob").await;
    let (decision, trace) = explained().await;
    let until = noon() + HOUR;
    assert_eq!(decision, notify_core::Decision::Digest { until });
    assert!(trace.contains("digest:hit"), "{trace}");
}

/// What is sent with a key, and so can be sent again when the answer was lost.
async fn send_surely(world: &World, by: usize) {
    let request = || comment(format!("{by}")).with_idempotency_key(format!("comment:{by}"));
    for _ in 0..3 {
        if world.notify.send(request(), "ada").await.is_ok() {
            return;
        }
    }
    panic!("one call fails, and not three");
}

/// One turn of a worker, with time for what it tries again.
async fn turn(world: &World) {
    let worker = world.notify.worker();
    let mut turn = std::pin::pin!(worker.turn());
    loop {
        tokio::select! {
            biased;
            _ = &mut turn => return,
            () = tokio::task::yield_now() => world.clock.advance(Duration::from_millis(1)),
        }
    }
}

/// One failure at the `n`-th call of all that is done; answers whether there are so many.
async fn one_failure(digest: Digest, n: u64, mishap: Mishap) -> bool {
    let world = World::of(digest).await;
    world.store.nth(n, mishap);
    for by in 0..5 {
        send_surely(&world, by).await;
        // A worker that sees the first one go.
        turn(&world).await;
    }
    world.clock.advance(HOUR);
    for _ in 0..12 {
        turn(&world).await;
        world.clock.advance(61 * SECOND);
    }
    let failed = world.store.mishaps() > 0;
    world.store.heal();
    let mut told = BTreeSet::new();
    for text in world.texts() {
        for by in named(&text) {
            assert!(told.insert(by), "{by} is told twice: {:?}", world.texts());
        }
        if let Some(by) = text.strip_prefix("alone: ") {
            let by = by.parse().expect("a number");
            assert!(told.insert(by), "{by} is told twice: {:?}", world.texts());
        }
    }
    let at = format!("call {n}: {mishap:?}");
    assert_eq!(told, (0..5).collect(), "{at}");
    let history = world.notify.history("ada", None, 100).await.expect("read");
    let open = history.iter().filter(|one| one.state.is_open());
    assert_eq!(open.count(), 0, "{at}");
    let messages = if digest.is_first_now() { 2 } else { 1 };
    assert_eq!(world.texts().len(), messages, "{at}");
    let gathered = world.notify.digests("ada").await.expect("read");
    assert!(gathered.is_empty(), "{at}");
    failed
}

#[tokio::test]
async fn whatever_call_fails_nothing_is_lost_split_or_told_twice() {
    for digest in [Digest::after(HOUR), Digest::after(HOUR).first_now()] {
        for mishap in [Mishap::Refuse(ErrorKind::Storage), Mishap::Lose] {
            let mut n = 1;
            while one_failure(digest, n, mishap).await {
                n += 1;
            }
            assert!(n > 40, "saw only {n} calls");
        }
    }
}

#[tokio::test]
async fn a_worker_that_dies_at_any_call_leaves_the_digest_to_another() {
    for done in [false, true] {
        let mut n = 1;
        loop {
            let world = World::of(Digest::after(HOUR)).await;
            for by in 0..4 {
                world.say(&by.to_string()).await;
            }
            world.clock.advance(HOUR);
            world.store.nth(n, Mishap::Hang { done });
            let dying = world.notify.worker();
            let turn = async {
                for _ in 0..6 {
                    let _ = dying.turn().await;
                }
            };
            // It hangs for ever, which is to say it was killed.
            let dead = tokio::time::timeout(Duration::from_millis(100), turn).await;
            drop(dying);
            if dead.is_ok() && world.store.mishaps() == 0 {
                break;
            }
            world.store.heal();
            for _ in 0..6 {
                world.clock.advance(61 * SECOND);
                world.work().await;
            }
            let texts: BTreeSet<_> = world.texts().into_iter().collect();
            let whole = BTreeSet::from(["<0><1><2><3> of 4".to_owned()]);
            assert_eq!(texts, whole, "call {n}, done: {done}");
            n += 1;
        }
        assert!(n > 10, "saw only {n} calls");
    }
}
