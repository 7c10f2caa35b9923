//! What the law asks: consent in two steps, a way out in every advertisement, links that prove themselves, and being forgotten.

use notify_core::channel::{EmailMessage, PushMessage};
use notify_core::clock::Clock as _;
use notify_core::delivery::{DeliveryState, EventKind, Reason};
use notify_core::digest::Digest;
use notify_core::notification::{Schedule, Tracking};
use notify_core::orchestrator::{
    ClientEvent, ConsentRequest, DeliveryReport, OrchestratorBuilder, SignedLinks,
};
use notify_core::preference::{Allowed, ListFormat, PreferenceChange, Setting, SuppressionScope};
use notify_core::schedule::{ScheduleFilter, ScheduleTarget, ScheduledRequest};
use notify_core::store::Store;
use notify_core::testkit::{FakeProvider, ManualClock, Memory, StoreHarness};
use notify_core::token::{TokenKey, TokenKeys};
use notify_core::{
    Address, Category, ChannelId, Content, DeliveryId, ErrorKind, Locale, NotificationRequest,
    Orchestrator, Recipient, Route, TenantId, When,
};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const BASE: &str = "https://example.com/n";

struct World {
    clock: Arc<ManualClock>,
    mail: FakeProvider,
    push: FakeProvider,
    store: Arc<dyn Store>,
    notify: Orchestrator,
}

fn keys() -> TokenKeys {
    TokenKeys::new(TokenKey::new(1, &[7; 32]).expect("long enough"))
}

fn links() -> SignedLinks {
    SignedLinks::new(BASE, keys()).expect("an address")
}

async fn world_with(change: impl FnOnce(OrchestratorBuilder) -> OrchestratorBuilder) -> World {
    let harness = Memory::new();
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let push = FakeProvider::new("push", ChannelId::PUSH);
    let all = Tracking::none().with_opens().with_clicks().with_reports();
    let store = harness.open().await;
    let builder = Orchestrator::builder_on(Arc::clone(&store))
        .provider(mail.clone())
        .provider(push.clone())
        .category(Category::marketing("news").with_tracking(all))
        .category(Category::transactional("account"))
        .category(Category::transactional("tips").with_tracking(all))
        .category(Category::critical("security"));
    let notify = change(builder).build().await.expect("builds");
    let ada = Recipient::new("ada")
        .with_email("ada@example.com")
        .with_address(Address::device("device"));
    notify.put_recipient(ada).await.expect("stored");
    World {
        clock: harness.clock(),
        mail,
        push,
        store,
        notify,
    }
}

async fn world() -> World {
    world_with(|builder| builder.signed_links(links())).await
}

fn html(category: &'static str, html: &str) -> NotificationRequest {
    let mut content = Content::new("Hi", "There");
    content.html = Some(html.to_owned());
    NotificationRequest::new("said", category)
        .with_route(Route::to(ChannelId::EMAIL))
        .with_content(content)
}

fn say(category: &'static str) -> NotificationRequest {
    html(category, "<p>There</p>")
}

impl World {
    async fn send(&self, request: NotificationRequest) -> DeliveryReport {
        let report = self.notify.send(request, "ada").await.expect("accepted");
        self.notify.worker().turn().await.expect("turn");
        report.deliveries[0].clone()
    }

    async fn agree(&self) {
        let agreed = PreferenceChange::agree("ada", "news", "form", "Send me news");
        let changed = self.notify.change_preferences(&agreed).await;
        changed.expect("is changed");
    }

    fn last_mail(&self) -> EmailMessage {
        let calls = self.mail.calls();
        let call = calls.last().expect("a mail went out");
        let mail = call.envelope.message.body::<EmailMessage>();
        mail.expect("it is a mail").clone()
    }

    async fn state(&self, id: DeliveryId) -> (DeliveryState, Option<Reason>) {
        let delivery = self.notify.delivery(id).await.expect("it is there");
        (delivery.state, delivery.reason)
    }

    async fn kinds(&self, id: DeliveryId) -> Vec<EventKind> {
        let timeline = self.notify.timeline(id).await.expect("timeline");
        timeline.iter().map(|event| event.kind).collect()
    }
}

/// The token behind the first link of this kind.
fn token(text: &str, kind: &str) -> String {
    let start = format!("{BASE}/{kind}/");
    let rest = text.split_once(&start).expect("there is such a link").1;
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    rest.split(ends).next().expect("a token").to_owned()
}

fn unsubscribe_token(mail: &EmailMessage) -> String {
    let links = mail.list_unsubscribe.as_ref().expect("the header is there");
    token(&links.https, "unsubscribe")
}

#[tokio::test]
async fn an_advertisement_without_a_way_to_unsubscribe_does_not_go() {
    let world = world_with(|builder| builder).await;
    world.agree().await;
    let explained = world.notify.explain(say("news"), "ada").await;
    let planned = &explained.expect("explained").steps[0];
    assert_eq!(planned.trace.decisive(), Some("unsubscribe"));
    let report = world.send(say("news")).await;
    assert_eq!(
        (report.state, report.reason),
        (DeliveryState::Suppressed, Some(Reason::NoUnsubscribe))
    );
    let account = world.send(say("account")).await;
    assert_eq!(account.state, DeliveryState::Queued, "no advertisement");
    let by_vendor = world_with(OrchestratorBuilder::unsubscribe_by_provider).await;
    by_vendor.agree().await;
    let report = by_vendor.send(say("news")).await;
    assert_eq!(by_vendor.state(report.id).await.0, DeliveryState::Sent);
}

#[tokio::test]
async fn where_the_law_asks_for_a_postal_address_it_is_there_or_nothing_goes() {
    let usa = |builder: OrchestratorBuilder| builder.signed_links(links()).require_postal_address();
    let without = world_with(usa).await;
    without.agree().await;
    let report = without.send(say("news")).await;
    assert_eq!(report.reason, Some(Reason::NoPostalAddress));
    let address = "Example Inc., 1 Main St, Springfield";
    let with = world_with(|builder| usa(builder).postal_address(address)).await;
    with.agree().await;
    with.send(say("news")).await;
    let mail = with.last_mail();
    assert!(mail.html.expect("html").contains(address));
    assert!(mail.text.expect("text").contains(address));
    with.send(say("account")).await;
    assert!(!with.last_mail().html.expect("html").contains(address));
}

#[tokio::test]
async fn one_click_unsubscribes_at_once_and_again_changes_nothing() {
    let world = world().await;
    world.agree().await;
    let sent = world.send(say("news")).await;
    let token = unsubscribe_token(&world.last_mail());
    let waiting = world.notify.send(say("news"), "ada").await;
    let waiting = waiting.expect("accepted").deliveries[0].id;

    let followed = world.notify.unsubscribe(&token).await.expect("is heard");
    assert!(followed.changed && followed.recipient == "ada");
    assert_eq!(followed.category, Some("news".into()));
    world.notify.worker().turn().await.expect("turn");
    assert_eq!(
        world.state(waiting).await,
        (DeliveryState::Suppressed, Some(Reason::NoConsent)),
        "also what was queued"
    );
    assert_eq!(
        world.kinds(sent.id).await.last(),
        Some(&EventKind::Unsubscribed)
    );
    let again = world.notify.unsubscribe(&token).await.expect("is heard");
    assert!(!again.changed);
    let log = world.notify.consents("ada").await.expect("log");
    let said: Vec<_> = log
        .iter()
        .map(|row| (row.granted, row.source.as_str()))
        .collect();
    assert_eq!(said, [(true, "form"), (false, "unsubscribe link")]);
}

#[tokio::test]
async fn whoever_unsubscribes_from_what_is_no_advertisement_is_left_alone_on_every_channel() {
    let world = world().await;
    let links = links();
    let notify = &world.notify;
    let report = world.send(say("tips")).await;
    let made = notify_core::orchestrator::Links::unsubscribe(
        &links,
        &TenantId::default(),
        &"ada".into(),
        &"tips".into(),
        report.id,
    );
    let token = token(&made.expect("a link").https, "unsubscribe");
    assert!(notify.unsubscribe(&token).await.expect("is heard").changed);
    let cells = notify.preferences("ada").await.expect("cells");
    let mut tips = cells.iter().filter(|cell| cell.category == "tips");
    assert!(tips.all(|cell| cell.allowed == Allowed::OptedOut));
    let log = notify.consents("ada").await.expect("log");
    assert_eq!(
        log.last().map(|row| row.source.as_str()),
        Some("unsubscribe link")
    );
    let refused = notify
        .opt_out("ada", "security", None, "settings page")
        .await;
    assert_eq!(
        refused.expect_err("is mandatory").kind(),
        ErrorKind::Unsupported
    );
}

#[tokio::test]
async fn a_token_that_is_forged_expired_or_for_something_else_does_nothing() {
    let world = world().await;
    world.agree().await;
    world
        .send(html("news", "<a href=\"https://shop.example/\">x</a>"))
        .await;
    let mail = world.last_mail();
    let unsubscribe = unsubscribe_token(&mail);
    let click = token(mail.html.as_deref().expect("html"), "click");
    let mut forged = unsubscribe.clone();
    let last = if forged.ends_with('A') { 'Q' } else { 'A' };
    forged.pop();
    forged.push(last);
    for bad in [&forged, &click, &String::new(), &"x".repeat(5_000)] {
        let error = world.notify.unsubscribe(bad).await.expect_err("is refused");
        assert_eq!(error.field_name(), Some("token"), "{error}");
    }
    world.clock.advance(731 * DAY);
    let error = world
        .notify
        .unsubscribe(&unsubscribe)
        .await
        .expect_err("too late");
    assert!(error.to_string().contains("expired"), "{error}");
}

#[tokio::test]
async fn what_somebody_agrees_to_counts_when_they_have_confirmed_it() {
    let world = world().await;
    let notify = &world.notify;
    let message = NotificationRequest::new("confirm_news", "account")
        .with_route(Route::to(ChannelId::EMAIL))
        .with_content(Content::new("Please confirm", "Follow the link"));
    let asked = ConsentRequest::new("news", "sign-up form", "Send me the newsletter");
    let refused = notify
        .request_consent("ada", asked.clone(), NotificationRequest::new("x", "news"))
        .await;
    assert_eq!(
        refused.expect_err("is marketing").field_name(),
        Some("category")
    );

    let report = notify
        .request_consent("ada", asked.clone(), message.clone())
        .await;
    let report = report.expect("accepted");
    let delivery = notify
        .delivery(report.deliveries[0].id)
        .await
        .expect("is there");
    let url = delivery.request.data()["confirm_url"]
        .as_str()
        .expect("a link");
    let first = token(url, "confirm");
    assert_eq!(
        world.send(say("news")).await.reason,
        Some(Reason::NoConsent)
    );

    world.clock.advance(60 * SECOND);
    assert!(notify.confirm(&first).await.expect("is confirmed").changed);
    assert!(!notify.confirm(&first).await.expect("again").changed);
    let log = notify.consents("ada").await.expect("log");
    assert_eq!(log.len(), 1);
    assert_eq!(
        (log[0].source.as_str(), log[0].wording.as_str(), log[0].at),
        (
            "sign-up form, confirmed by link",
            "Send me the newsletter",
            world.clock.now()
        )
    );
    world.send(say("news")).await;

    world.clock.advance(60 * SECOND);
    let out = unsubscribe_token(&world.last_mail());
    notify.unsubscribe(&out).await.expect("is heard");
    let scanner = notify.confirm(&first).await.expect_err("they left since");
    assert_eq!(scanner.kind(), ErrorKind::Conflict);
    assert_eq!(
        world.send(say("news")).await.reason,
        Some(Reason::NoConsent)
    );
}

#[tokio::test]
async fn opens_and_clicks_are_counted_and_the_first_one_is_when_it_was_seen() {
    let world = world().await;
    let request = html(
        "tips",
        "<body><a href=\"https://shop.example/?a=1&amp;b=2\">x</a></body>",
    );
    let id = world.send(request).await.id;
    let mail = world.last_mail();
    assert_eq!(
        (mail.track_opens, mail.track_clicks),
        (Some(false), Some(false))
    );
    let html = mail.html.expect("html");
    let (open, click) = (token(&html, "open"), token(&html, "click"));

    world.clock.advance(SECOND);
    let first = world.clock.now();
    assert!(world.notify.track(&open).await.expect("counted").recorded);
    world.clock.advance(SECOND);
    world.notify.track(&open).await.expect("counted");
    let clicked = world.notify.track(&click).await.expect("counted");
    assert_eq!(
        clicked.redirect.as_deref(),
        Some("https://shop.example/?a=1&b=2")
    );
    let delivery = world.notify.delivery(id).await.expect("is there");
    assert_eq!(delivery.seen_at, Some(first));
    let engaged = [EventKind::Opened, EventKind::Opened, EventKind::Clicked];
    assert!(world.kinds(id).await.ends_with(&engaged));
}

#[tokio::test]
async fn a_client_that_reports_an_arrival_ends_what_waits_for_it() {
    let world = world().await;
    let later = When::NotSeenWithin(Duration::from_secs(600));
    let route = Route::to(ChannelId::PUSH).fallback(later, ChannelId::EMAIL);
    let request = NotificationRequest::new("said", "tips")
        .with_route(route)
        .with_content(Content::new("Hi", "There"));
    let report = world.notify.send(request, "ada").await.expect("accepted");
    world.notify.worker().turn().await.expect("turn");
    let (push, mail) = (report.deliveries[0].id, report.deliveries[1].id);
    let calls = world.push.calls();
    let body = calls[0]
        .envelope
        .message
        .body::<PushMessage>()
        .expect("a push")
        .clone();
    let token = &body.data["report_token"];
    let notify = &world.notify;

    let arrived = notify.report(token, ClientEvent::delivered()).await;
    assert!(arrived.expect("taken").recorded);
    let again = notify.report(token, ClientEvent::delivered()).await;
    assert!(!again.expect("taken").recorded, "it arrived once");
    assert_eq!(world.state(push).await.0, DeliveryState::Delivered);
    let pressed = ClientEvent::action("accept").with_id("1");
    assert!(
        notify
            .report(token, pressed.clone())
            .await
            .expect("taken")
            .recorded
    );
    assert!(!notify.report(token, pressed).await.expect("taken").recorded);
    let timeline = notify.timeline(push).await.expect("timeline");
    let acted = timeline.last().expect("an entry");
    let name = acted
        .report
        .as_ref()
        .and_then(|report| report.name.as_deref());
    assert_eq!((acted.kind, name), (EventKind::Acted, Some("accept")));
    assert_eq!(
        world.state(mail).await,
        (DeliveryState::Cancelled, Some(Reason::NotNeeded)),
        "whoever pressed a button has seen it"
    );
    let wrong = notify.track(token).await.expect_err("is for reports");
    assert_eq!(wrong.field_name(), Some("token"));
}

#[tokio::test]
async fn a_page_of_settings_is_in_the_readers_language_and_says_what_is_locked() {
    let world = world_with(|builder| {
        let tips = Category::transactional("hints").describe("Hints", "Now and then");
        builder.category(tips.describe_in("de", "Hinweise", "Ab und zu"))
    })
    .await;
    let rows = world
        .notify
        .preference_matrix("ada", &Locale::new("de-CH"))
        .await;
    let rows = rows.expect("rows");
    let row = |id: &str| rows.iter().find(|row| row.category == *id).expect("a row");
    assert_eq!(row("hints").title, "Hinweise");
    assert_eq!(row("account").title, "account");
    assert!(row("security").mandatory);
    assert!(row("security").cells.iter().all(|cell| cell.locked));
    let mut settings = notify_core::preference::Settings::default();
    settings.set("security", ChannelId::EMAIL, Setting::No);
    let replace = PreferenceChange::Replace {
        recipient: "ada".into(),
        settings,
    };
    let refused = world.notify.change_preferences(&replace).await;
    assert_eq!(
        refused.expect_err("is mandatory").kind(),
        ErrorKind::Unsupported
    );
}

#[tokio::test]
async fn everything_about_a_person_is_exported_and_then_erased() {
    let world = world().await;
    world.agree().await;
    let secret = "hunter2-of-ada";
    let told = say("news")
        .with_data(serde_json::json!({ "note": secret }))
        .expect("json");
    let id = world.send(told).await.id;
    let notify = &world.notify;
    let export = notify.export_person("ada").await.expect("exported");
    let text = export.json().to_string();
    for part in [secret, "ada@example.com", "Send me news", "sent"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!format!("{export:?}").contains("ada@"));

    let withdraw = PreferenceChange::withdraw("ada", "news", "letter");
    notify.change_preferences(&withdraw).await.expect("changed");
    let eve = notify.as_operator("eve");
    let erased = eve.erase_person("ada").await.expect("erased");
    assert!(erased.is_complete() && erased.deliveries == 1);
    let after = notify.delivery(id).await.expect("counts stay right");
    assert_eq!(after.state, DeliveryState::Sent);
    assert!(after.recipient.as_str().starts_with("erased:"));
    assert!(after.request.data().is_null());
    let export = notify.export_person("ada").await.expect("exported");
    let text = export.json().to_string();
    assert!(!text.contains(secret) && !text.contains("ada@"), "{text}");
    assert_eq!(notify.history_count("ada").await.expect("counts"), 0);
    let audit = eve.audit_log(None, 10).await.expect("log");
    assert_eq!(audit[0].action, "person.erase");
    assert!(audit.iter().all(|row| row.subject != "ada"));

    let ada = Recipient::new("ada").with_email("ada@example.com");
    notify.put_recipient(ada).await.expect("stored");
    world.agree().await;
    let report = world.send(say("news")).await;
    assert_eq!(report.reason, Some(Reason::AddressSuppressed), "by a hash");
}

#[tokio::test]
async fn what_gathers_and_what_is_scheduled_for_an_erased_person_is_gone_too() {
    let social = Category::transactional("social")
        .with_route(Route::to(ChannelId::EMAIL))
        .with_digest(Digest::after(HOUR));
    let world = world_with(|builder| builder.category(social)).await;
    let (notify, store) = (&world.notify, &world.store);
    for _ in 0..2 {
        notify.send(say("social"), "ada").await.expect("accepted");
    }
    let hourly = || Schedule::cron("0 * * * *", "UTC").expect("reads");
    let alone = ScheduledRequest::new("alone", say("tips"), "ada", hourly());
    let target = ScheduleTarget::recipients(["ada", "bruno"]);
    let both = ScheduledRequest::new("both", say("tips"), target, hourly());
    let schedules = notify.schedules();
    schedules.put(alone).await.expect("stored");
    schedules.put(both).await.expect("stored");

    notify.erase_person("ada").await.expect("erased");
    let left = schedules.list(ScheduleFilter::default(), None, 9);
    let left = left.await.expect("list");
    let named: Vec<_> = left
        .iter()
        .map(|one| (one.scheduled.key().as_str(), one.scheduled.target().named()))
        .collect();
    assert_eq!(named, [("both", &["bruno".into()][..])]);
    assert_eq!(left[0].version, 2, "who read it before writes nothing back");
    let digests = Arc::clone(store).digests().expect("the room");
    let buckets = digests
        .buckets_of(&TenantId::default(), &"ada".into())
        .await;
    assert_eq!(buckets.expect("read"), []);
    // Whoever comes back under the same id begins anew.
    let ada = Recipient::new("ada").with_email("ada@example.com");
    notify.put_recipient(ada).await.expect("stored");
    notify.send(say("social"), "ada").await.expect("accepted");
    let buckets = digests
        .buckets_of(&TenantId::default(), &"ada".into())
        .await;
    assert_eq!(buckets.expect("read")[0].members.len(), 1);
}

#[tokio::test]
async fn nothing_is_recorded_of_what_somebody_does_who_was_erased() {
    let world = world().await;
    let id = world.send(say("tips")).await.id;
    let open = token(&world.last_mail().html.expect("html"), "open");
    world.notify.erase_person("ada").await.expect("erased");
    let tracked = world.notify.track(&open).await.expect("the token is good");
    assert!(!tracked.recorded);
    assert!(!world.kinds(id).await.contains(&EventKind::Opened));
}

#[tokio::test]
async fn a_suppression_list_is_taken_over_and_given_back() {
    let world = world().await;
    let eve = world.notify.as_operator("eve");
    let list = "channel,address,hash,scope,source,at\n\
        email,ADA@example.com,,all,bounce,\n\
        sms,+15550100,,marketing,unsubscribe,1700000000000000\n\
        email,nonsense,,,,\n";
    let imported = eve.import_suppressions(ListFormat::Csv, list.lines()).await;
    let imported = imported.expect("imported");
    assert_eq!((imported.stored, imported.refused), (2, 1));
    assert_eq!(imported.errors[0].0, 4);
    let report = world.send(say("account")).await;
    assert_eq!(report.reason, Some(Reason::AddressSuppressed));

    let all = eve.suppressions(None, 10).await.expect("a page");
    let lines: Vec<_> = all
        .iter()
        .map(|one| ListFormat::Ndjson.write(one))
        .collect();
    assert!(!lines.concat().contains("ada") && !lines.concat().contains("15550100"));
    eve.lift(&ChannelId::EMAIL, &Address::email("ada@example.com"))
        .await
        .expect("lifted");
    let back = eve.import_suppressions(ListFormat::Ndjson, &lines).await;
    assert_eq!(back.expect("imported").stored, 2);
    let again = eve.suppressions(None, 10).await.expect("a page");
    assert_eq!(again, all);
    assert_eq!(again[0].scope, SuppressionScope::All);
}
