//! What Mailgun is asked.

use super::{Field, KEY, Mailgun, dead_address, fields, said, taken};
use crate::suite::Vendor as _;
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::{EmailMessage, ListUnsubscribe};
use notify_core::clock::Timestamp;
use notify_core::notification::{Attachment, Class};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{CategoryId, DeliveryId, Message, NotificationId};
use notify_providers::email::mailgun::MailgunProvider;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|_| taken("m-1@mg.example.com"))
}

fn provider(fake: &FakeVendor) -> MailgunProvider {
    let from = "Example <news@example.com>".parse().expect("a mailbox");
    let builder = MailgunProvider::builder(KEY, "mg.example.com", from).http(fake.options());
    builder.build().expect("builds")
}

fn to(number: usize, mail: EmailMessage) -> Envelope {
    let mut envelope = Envelope::new("key", Mailgun::address(number), Message::new(mail));
    envelope.delivery = DeliveryId::from_u128(number as u128);
    envelope
}

fn mail() -> EmailMessage {
    EmailMessage::new("s", "t")
}

fn pairs(request: &Request) -> Vec<(String, String)> {
    let fields = fields(request)
        .into_iter()
        .filter(|field| field.file.is_none());
    fields
        .map(|field| (field.name.clone(), field.text()))
        .collect()
}

fn value(request: &Request, name: &str) -> Option<String> {
    let mut found = pairs(request)
        .into_iter()
        .filter(|(other, _)| other == name);
    let value = found.next().map(|(_, value)| value);
    assert!(found.next().is_none(), "{name} comes twice");
    value
}

#[tokio::test]
async fn everything_a_mail_says_is_passed_on() {
    let fake = fake();
    let links = ListUnsubscribe::new("https://example.com/u/1").expect("a link");
    let mail = EmailMessage::new("Your order", "text")
        .with_html("<p>html</p>")
        .with_from("Shop <shop@example.com>".parse().expect("a mailbox"))
        .with_reply_to("help@example.com".parse().expect("a mailbox"))
        .with_header("X-Own", "1")
        .with_list_unsubscribe(links)
        .with_tag("shipping")
        .with_metadata("order", "A-17")
        .with_send_at(Timestamp::from_micros(1_767_225_600_900_000))
        .with_open_tracking(true)
        .with_click_tracking(false);
    let mut envelope = to(7, mail);
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope.class = Class::Marketing;
    envelope.correlation_id = Some("trace-1".into());
    let receipt = provider(&fake).send(&envelope).await.expect("is taken");
    assert_eq!(receipt.message_id.as_deref(), Some("m-1@mg.example.com"));
    let delivery = "00000000-0000-0000-0000-000000000007";
    let notification = "00000000-0000-0000-0000-000000000008";
    let expected = [
        ("from", "Shop <shop@example.com>"),
        ("to", "reader-000007@example.org"),
        ("h:Reply-To", "help@example.com"),
        ("text", "text"),
        ("html", "<p>html</p>"),
        ("o:tag", "orders"),
        ("o:tag", "shipping"),
        ("o:deliverytime", "Thu, 01 Jan 2026 00:00:00 +0000"),
        ("o:tracking-opens", "yes"),
        ("o:tracking-clicks", "no"),
        ("subject", "Your order"),
        ("h:List-Unsubscribe", "<https://example.com/u/1>"),
        ("h:List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("h:X-Notification-ID", notification),
        ("h:X-Delivery-ID", delivery),
        ("h:X-Own", "1"),
        ("v:delivery_id", delivery),
        ("v:notification_id", notification),
        ("v:tenant", "default"),
        ("v:category", "orders"),
        ("v:correlation_id", "trace-1"),
        ("v:order", "A-17"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fake.only().form(), expected);
}

#[tokio::test]
async fn files_go_as_parts_of_the_form() {
    let fake = fake();
    let binary: Vec<u8> = (0..=255).chain(*b"\r\n--\r\n").collect();
    let mail = mail()
        .with_attachment(Attachment::new(
            "a \"1\".pdf",
            "application/pdf",
            binary.clone(),
        ))
        .with_attachment(Attachment::new("l.png", "image/png", *b"PNG").inline("logo"));
    provider(&fake).send(&to(1, mail)).await.expect("is taken");
    let request = fake.only();
    assert_eq!(
        value(&request, "to").as_deref(),
        Some("reader-000001@example.org")
    );
    let files: Vec<_> = fields(&request)
        .into_iter()
        .filter(|field| field.file.is_some())
        .collect();
    let file = |field: &str, name: &str, kind: &str, data: &[u8]| Field {
        name: field.to_owned(),
        file: Some((name.to_owned(), kind.to_owned())),
        data: data.to_vec(),
    };
    let expected = [
        file("attachment", "a %221%22.pdf", "application/pdf", &binary),
        file("inline", "logo", "image/png", b"PNG"),
    ];
    assert_eq!(files, expected);
}

#[tokio::test]
async fn settings_of_the_account_are_on_every_mail() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "mailgun://{KEY}@{host}?domain=mg.example.com&region=eu&from=news@example.com&sandbox=true&require_tls=true&reply_to=help@example.com"
    );
    let provider = MailgunProvider::from_url(&dsn).expect("reads");
    provider.send(&to(1, mail())).await.expect("is taken");
    let request = fake.only();
    assert_eq!(value(&request, "o:testmode").as_deref(), Some("yes"));
    assert_eq!(value(&request, "o:require-tls").as_deref(), Some("yes"));
    assert_eq!(
        value(&request, "h:Reply-To").as_deref(),
        Some("help@example.com")
    );
    assert_eq!(value(&request, "recipient-variables"), None);
}

#[test]
fn each_region_has_its_host() {
    for (eu, host) in [(false, "api.mailgun.net"), (true, "api.eu.mailgun.net")] {
        let from = "news@example.com".parse().expect("a mailbox");
        let builder = MailgunProvider::builder(KEY, "mg.example.com", from).eu(eu);
        let shown = format!("{:?}", builder.build().expect("builds"));
        assert!(shown.contains(&format!("\"{host}\"")), "{shown}");
    }
}

#[tokio::test]
async fn mails_of_the_same_content_share_a_call_by_variables() {
    let fake = fake();
    let provider = provider(&fake);
    let mail = |n: usize| {
        let links = ListUnsubscribe::new(format!("https://example.com/u/{n}")).expect("a link");
        EmailMessage::new(format!("Subject {n}"), "same")
            .with_list_unsubscribe(links)
            .with_metadata("order", format!("A-{n}"))
    };
    let batch = [
        to(0, mail(0)),
        to(1, EmailMessage::new("s", "other")),
        to(2, mail(2)),
    ];
    let key = |n: usize| provider.batch_key(&batch[n].message);
    assert!(key(0).is_some() && key(0) == key(2) && key(0) != key(1));
    let results = provider.send_batch(&batch).await;
    let ids: Vec<_> = results
        .into_iter()
        .map(|result| result.expect("is taken").message_id)
        .collect();
    let own = Some("m-1@mg.example.com".to_owned());
    assert_eq!(ids, [None, own, None], "mails of one call share their id");
    let request = &fake.requests()[0];
    assert_eq!(
        Mailgun::addresses(request),
        ["reader-000000@example.org", "reader-000002@example.org"]
    );
    let variables = value(request, "recipient-variables").expect("is there");
    let variables: Value = serde_json::from_str(&variables).expect("JSON");
    // As the vendor puts a reader's mail together.
    let read = |name: &str, to: &str| {
        let mut text = value(request, name).expect("is there");
        for (variable, value) in variables[to].as_object().expect("an object") {
            let value = value.as_str().expect("text");
            text = text.replace(&format!("%recipient.{variable}%"), value);
        }
        text
    };
    let to = "reader-000002@example.org";
    assert_eq!(read("subject", to), "Subject 2");
    assert_eq!(read("h:List-Unsubscribe", to), "<https://example.com/u/2>");
    assert_eq!(
        read("h:List-Unsubscribe-Post", to),
        "List-Unsubscribe=One-Click"
    );
    assert_eq!(
        read("v:delivery_id", to),
        "00000000-0000-0000-0000-000000000002"
    );
    assert_eq!(read("v:order", "reader-000000@example.org"), "A-0");
    assert_eq!(read("text", to), "same");
}

#[tokio::test]
async fn what_would_be_mixed_up_goes_alone() {
    let fake = fake();
    let provider = provider(&fake);
    let variable = || EmailMessage::new("s", "Dear %recipient.name%");
    let batch = [
        to(1, mail()),
        to(1, mail()),
        to(2, variable()),
        to(3, variable()),
        to(4, mail().with_header("X-Own", "1")),
        to(5, mail().with_metadata("order", "%recipient_fname%")),
    ];
    let results = provider.send_batch(&batch).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let sizes: Vec<_> = fake
        .requests()
        .iter()
        .map(|r| Mailgun::addresses(r).len())
        .collect();
    assert_eq!(
        sizes, [1; 6],
        "an address has one set of variables, content is not rewritten"
    );
}

#[tokio::test]
async fn a_thousand_mails_are_one_call_and_one_more_is_two() {
    let fake = fake();
    let batch: Vec<_> = (0..1_001).map(|n| to(n, mail())).collect();
    let results = provider(&fake).send_batch(&batch).await;
    assert!(results.iter().all(Result::is_ok));
    let sizes: Vec<_> = fake
        .requests()
        .iter()
        .map(|r| Mailgun::addresses(r).len())
        .collect();
    assert_eq!(sizes, [1_000, 1]);
}

#[tokio::test]
async fn a_dead_address_in_a_batch_does_not_keep_the_others_back() {
    let fake = FakeVendor::start(|request| {
        let dead = |address: &String| address.contains("000003");
        if Mailgun::addresses(request).iter().any(dead) {
            dead_address()
        } else {
            taken("m-1")
        }
    });
    let batch: Vec<_> = (0..8).map(|n| to(n, mail())).collect();
    let results = provider(&fake).send_batch(&batch).await;
    for (no, result) in results.into_iter().enumerate() {
        let expected = (no == 3).then(|| Fault::recipient("invalid_to"));
        assert_eq!(result.err(), expected, "{no}");
    }
    assert_eq!(fake.requests().len(), 7);
}

#[tokio::test]
async fn content_that_is_refused_is_not_sent_again_in_halves() {
    let fake = FakeVendor::start(|_| said(413, "Request entity too large"));
    let batch: Vec<_> = (0..8).map(|n| to(n, mail())).collect();
    let results = provider(&fake).send_batch(&batch).await;
    assert_eq!(results, vec![Err(Fault::request("http_413")); 8]);
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_limit_ends_when_the_vendor_says_in_either_unit() {
    for reset in ["1700000007", "1700000007000"] {
        let fake =
            FakeVendor::start(move |_| Reply::status(429).header("x-ratelimit-reset", reset));
        let from = "news@example.com".parse().expect("a mailbox");
        let options = fake.options().clock(Arc::new(StillClock::default()));
        let builder = MailgunProvider::builder(KEY, "mg.example.com", from).http(options);
        let provider = builder.build().expect("builds");
        let fault = provider.send(&to(1, mail())).await;
        let seven = Duration::from_secs(7);
        assert_eq!(fault, Err(Fault::retry_after("http_429", seven)), "{reset}");
    }
}

#[tokio::test]
async fn a_sender_that_came_with_the_mail_is_the_mails_fault() {
    let words = json!({"message": "The domain of the from address is not allowed for this key"});
    let fake = FakeVendor::start(move |_| Reply::json(403, words.clone()));
    let foreign = mail().with_from("x@example.net".parse().expect("a mailbox"));
    let provider = provider(&fake);
    let fault = provider.send(&to(1, foreign)).await;
    assert_eq!(fault, Err(Fault::request("sender_not_allowed")));
    let fault = provider.send(&to(1, mail())).await;
    assert_eq!(fault, Err(Fault::config("http_403")));
}

#[tokio::test]
async fn a_file_that_would_break_out_of_the_form_is_refused() {
    let fake = fake();
    let file = Attachment::new("a", "text/plain\r\n\r\nforged", *b"x");
    let fault = provider(&fake)
        .send(&to(1, mail().with_attachment(file)))
        .await;
    assert_eq!(fault, Err(Fault::request("attachment_media_type")));
    assert!(fake.requests().is_empty());
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        (
            "mailgun://default?domain=mg.example.com&from=a@example.com",
            Some("key"),
        ),
        (
            "mailgun://hunter2@default?from=a@example.com",
            Some("domain"),
        ),
        (
            "mailgun://hunter2@default?domain=hunter2/x.y&from=a@example.com",
            Some("domain"),
        ),
        (
            "mailgun://hunter2@default?domain=mg.example.com",
            Some("from"),
        ),
        (
            "mailgun://hunter2@default?domain=mg.example.com&from=a@example.com&region=hunter2",
            Some("region"),
        ),
        (
            "mailgun://hunter2@default?domain=mg.example.com&from=a@example.com&hunter2=1",
            Some("parameter"),
        ),
    ] {
        let error = MailgunProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), field, "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
