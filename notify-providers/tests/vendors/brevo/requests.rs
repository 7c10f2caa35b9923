//! What Brevo is asked.

use super::{Brevo, KEY, builder, dead_address, said, taken};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{EmailMessage, ListUnsubscribe};
use notify_core::clock::Timestamp;
use notify_core::notification::{Attachment, Class};
use notify_core::provider::{Envelope, Fault, Provider as _, Receipt};
use notify_core::{CategoryId, DeliveryId, Message, NotificationId};
use notify_providers::email::brevo::BrevoProvider;
use serde_json::{Value, json};
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|request| taken(request, &Brevo::addresses(request)))
}

fn to(number: usize, mail: EmailMessage) -> Envelope {
    let key = format!("key-{number}");
    let mut envelope = Envelope::new(key, Brevo::address(number), Message::new(mail));
    envelope.delivery = DeliveryId::from_u128(number as u128);
    envelope
}

fn mail() -> EmailMessage {
    EmailMessage::new("s", "t")
}

#[tokio::test]
async fn everything_a_mail_says_is_passed_on() {
    let fake =
        FakeVendor::start(|_| Reply::json(201, json!({"messageId": "<m-1@smtp-relay.mailin.fr>"})));
    let links = ListUnsubscribe::new("https://example.com/u/1").expect("a link");
    let mail = EmailMessage::new("Your order", "text")
        .with_html("<p>html</p>")
        .with_from("Shop <shop@example.com>".parse().expect("a mailbox"))
        .with_reply_to("help@example.com".parse().expect("a mailbox"))
        .with_header("X-Own", "1")
        .with_list_unsubscribe(links)
        .with_tag("shipping")
        .with_metadata("order", "A-17")
        .with_metadata("note", "не ASCII")
        .with_send_at(Timestamp::from_micros(1_767_225_600_900_000))
        .with_attachment(Attachment::new("a.pdf", "application/pdf", *b"PDF"));
    let mut envelope = to(7, mail);
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope.class = Class::Marketing;
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&envelope).await.expect("is taken");
    assert_eq!(
        receipt.message_id.as_deref(),
        Some("m-1@smtp-relay.mailin.fr")
    );
    let delivery = "00000000-0000-0000-0000-000000000007";
    let notification = "00000000-0000-0000-0000-000000000008";
    let mut body = fake.only().json();
    let headers = body["headers"].as_object_mut().expect("an object");
    let custom = headers.remove("X-Mailin-custom").expect("is there");
    let custom: Value = serde_json::from_str(custom.as_str().expect("text")).expect("JSON");
    let expected = json!({
        "delivery_id": delivery, "notification_id": notification, "tenant": "default", "category": "orders", "order": "A-17",
    });
    assert_eq!(custom, expected);
    assert!(headers.remove("idempotencyKey").is_some());
    let expected = json!({
        "sender": {"email": "shop@example.com", "name": "Shop"},
        "to": [{"email": "reader-000007@example.org"}],
        "replyTo": {"email": "help@example.com"},
        "subject": "Your order",
        "textContent": "text",
        "htmlContent": "<p>html</p>",
        "headers": {
            "List-Unsubscribe": "<https://example.com/u/1>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "X-Notification-ID": notification,
            "X-Delivery-ID": delivery,
            "X-Own": "1",
        },
        "tags": ["orders", "shipping"],
        "scheduledAt": "2026-01-01T00:00:00Z",
        "attachment": [{"name": "a.pdf", "content": "UERG"}],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn settings_of_the_account_are_on_every_mail() {
    let fake = FakeVendor::start(|_| Reply::json(201, json!({"messageId": "m-1"})));
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "brevo://{KEY}@{host}?from=news@example.com&sandbox=true&reply_to=help@example.com"
    );
    let provider = BrevoProvider::from_url(&dsn).expect("reads");
    let quarter = Some(Duration::from_secs(900));
    assert_eq!(provider.capabilities().honours_key_for(), quarter);
    provider.send(&to(1, mail())).await.expect("is taken");
    let body = fake.only().json();
    assert_eq!(body["headers"]["X-Sib-Sandbox"], "drop");
    assert_eq!(body["replyTo"], json!({"email": "help@example.com"}));
    assert_eq!(body["sender"], json!({"email": "news@example.com"}));
    assert_eq!(body["htmlContent"], Value::Null);
}

#[tokio::test]
async fn a_mail_that_is_kept_for_later_may_have_no_id() {
    let fake = FakeVendor::start(|_| Reply::status(202));
    let provider = builder(&fake).build().expect("builds");
    let result = provider.send(&to(1, mail())).await;
    assert_eq!(result, Ok(Receipt::new()));
}

#[tokio::test]
async fn different_mails_are_versions_of_a_call_if_that_is_wanted() {
    let fake = fake();
    let provider = builder(&fake).batches(true).build().expect("builds");
    assert_eq!(provider.capabilities().honours_key_for(), None);
    let own = |n: usize| EmailMessage::new(format!("Subject {n}"), format!("text {n}"));
    let html = own(1).with_html("<p>html</p>");
    let batch = [to(0, own(0)), to(1, html), to(2, own(2))];
    let key = |n: usize| provider.batch_key(&batch[n].message);
    assert!(key(0).is_some() && key(0) == key(2) && key(0) != key(1));
    let results = provider.send_batch(&batch).await;
    let id = |n: usize| {
        results[n]
            .as_ref()
            .expect("is taken")
            .message_id
            .clone()
            .expect("an id")
    };
    assert!(id(0).starts_with("reader-000000") && id(2).starts_with("reader-000002"));
    let requests = fake.requests();
    assert_eq!(requests.len(), 2);
    let body = requests[0].json();
    assert_eq!(body["to"], Value::Null);
    let version = &body["messageVersions"][1];
    assert_eq!(version["subject"], "Subject 2");
    assert_eq!(version["textContent"], "text 2");
    assert_eq!(
        version["headers"]["X-Delivery-ID"],
        "00000000-0000-0000-0000-000000000002"
    );
    let custom = version["headers"]["X-Mailin-custom"]
        .as_str()
        .expect("text");
    assert!(custom.contains("00000000-0000-0000-0000-000000000002"));
}

#[tokio::test]
async fn a_thousand_mails_are_one_call_and_one_more_is_two() {
    let fake = fake();
    let provider = builder(&fake).batches(true).build().expect("builds");
    let batch: Vec<_> = (0..1_001).map(|n| to(n, mail())).collect();
    let results = provider.send_batch(&batch).await;
    assert!(results.iter().all(Result::is_ok));
    let sizes: Vec<_> = fake
        .requests()
        .iter()
        .map(|r| Brevo::addresses(r).len())
        .collect();
    assert_eq!(sizes, [1_000, 1]);
}

#[tokio::test]
async fn one_bad_address_does_not_spoil_a_batch() {
    let fake = FakeVendor::start(|request| {
        let to = Brevo::addresses(request);
        if to.iter().any(|one| one.contains("000002")) {
            return dead_address();
        }
        taken(request, &to)
    });
    let provider = builder(&fake).batches(true).build().expect("builds");
    let batch: Vec<_> = (0..4).map(|n| to(n, mail())).collect();
    let results = provider.send_batch(&batch).await;
    for (no, result) in results.into_iter().enumerate() {
        let expected = (no == 2).then(|| Fault::recipient("invalid_to"));
        assert_eq!(result.err(), expected, "{no}");
    }
}

#[tokio::test]
async fn a_sender_that_came_with_the_mail_is_the_mails_fault() {
    let words = "Sending has been rejected because the sender you used x@example.net is not valid";
    let fake = FakeVendor::start(move |_| said(400, "invalid_parameter", words));
    let provider = builder(&fake).build().expect("builds");
    let foreign = mail().with_from("x@example.net".parse().expect("a mailbox"));
    let fault = provider.send(&to(1, foreign)).await;
    assert_eq!(fault, Err(Fault::request("sender_not_allowed")));
    let fault = provider.send(&to(1, mail())).await;
    assert_eq!(fault, Err(Fault::config("sender_not_valid")));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let inline = Attachment::new("l.png", "image/png", *b"PNG").inline("logo");
    for (mail, code) in [
        (mail().with_open_tracking(true), "unsupported:track_opens"),
        (mail().with_click_tracking(true), "unsupported:track_clicks"),
        (
            mail().with_attachment(inline),
            "unsupported:inline_attachment",
        ),
        (
            mail().with_header("X-Own", "ю"),
            "unsupported:header_charset",
        ),
    ] {
        assert_eq!(provider.send(&to(1, mail)).await, Err(Fault::request(code)));
    }
    assert!(fake.requests().is_empty());
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("brevo://default?from=a@example.com", Some("key")),
        ("brevo://hunter2@default", Some("from")),
        (
            "brevo://hunter2@default?from=a@example.com&sandbox=hunter2",
            Some("sandbox"),
        ),
        (
            "brevo://hunter2@default?from=a@example.com&batches=hunter2",
            Some("batches"),
        ),
        (
            "brevo://hunter2@default?from=a@example.com&hunter2=1",
            Some("parameter"),
        ),
        ("brevo://%20@default?from=a@example.com", Some("key")),
    ] {
        let error = BrevoProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), field, "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
