//! What Resend is asked.

use super::{KEY, Resend, builder, dead_address, said, taken};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Request};
use notify_core::channel::{EmailMessage, ListUnsubscribe};
use notify_core::clock::Timestamp;
use notify_core::notification::{Attachment, Class};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{CategoryId, DeliveryId, Message, NotificationId};
use notify_providers::email::resend::ResendProvider;
use serde_json::json;
use std::time::Duration;

fn ids(request: &Request) -> Vec<String> {
    Resend::addresses(request)
        .into_iter()
        .map(|to| format!("id-{to}"))
        .collect()
}

fn fake() -> FakeVendor {
    FakeVendor::start(|request| taken(request, &vec!["m-1".to_owned(); 100]))
}

fn to(number: usize, mail: EmailMessage) -> Envelope {
    let key = format!("key-{number}");
    let mut envelope = Envelope::new(key, Resend::address(number), Message::new(mail));
    envelope.delivery = DeliveryId::from_u128(number as u128);
    envelope
}

fn mail() -> EmailMessage {
    EmailMessage::new("s", "t")
}

#[tokio::test]
async fn everything_a_mail_says_is_passed_on() {
    let fake = fake();
    let links = ListUnsubscribe::new("https://example.com/u/1").expect("a link");
    let mail = EmailMessage::new("Your order", "text")
        .with_html("<p>html</p>")
        .with_from(
            "Shop, \"Inc.\" <shop@example.com>"
                .parse()
                .expect("a mailbox"),
        )
        .with_reply_to("help@example.com".parse().expect("a mailbox"))
        .with_header("X-Own", "1")
        .with_list_unsubscribe(links)
        .with_tag("new order")
        .with_metadata("order", "A-17")
        .with_metadata("note", "not plain")
        .with_send_at(Timestamp::from_micros(1_767_225_600_900_000))
        .with_open_tracking(false)
        .with_attachment(Attachment::new("a.pdf", "application/pdf", *b"PDF"))
        .with_attachment(Attachment::new("l.png", "image/png", *b"PNG").inline("logo"));
    let mut envelope = to(7, mail);
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope.class = Class::Marketing;
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&envelope).await.expect("is taken");
    assert_eq!(receipt.message_id.as_deref(), Some("m-1"));
    let delivery = "00000000-0000-0000-0000-000000000007";
    let notification = "00000000-0000-0000-0000-000000000008";
    let expected = json!({
        "from": "Shop Inc <shop@example.com>",
        "to": ["reader-000007@example.org"],
        "reply_to": ["help@example.com"],
        "subject": "Your order",
        "text": "text",
        "html": "<p>html</p>",
        "headers": {
            "List-Unsubscribe": "<https://example.com/u/1>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "X-Notification-ID": notification,
            "X-Delivery-ID": delivery,
            "X-Own": "1",
        },
        "tags": [
            {"name": "delivery_id", "value": delivery},
            {"name": "notification_id", "value": notification},
            {"name": "tenant", "value": "default"},
            {"name": "category", "value": "orders"},
            {"name": "order", "value": "A-17"},
            {"name": "tag", "value": "new_order"},
        ],
        "scheduled_at": "2026-01-01T00:00:00Z",
        "attachments": [
            {"filename": "a.pdf", "content": "UERG", "content_type": "application/pdf"},
            {"filename": "l.png", "content": "UE5H", "content_type": "image/png", "content_id": "logo"},
        ],
    });
    assert_eq!(fake.only().json(), expected);
    assert_eq!(fake.only().header("idempotency-key"), Some("key-7"));
}

#[tokio::test]
async fn a_key_that_is_none_for_the_vendor_is_hashed() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!("resend://{KEY}@{host}?from=news@example.com&reply_to=help@example.com");
    let provider = ResendProvider::from_url(&dsn).expect("reads");
    let day = Some(Duration::from_secs(86_400));
    assert_eq!(provider.capabilities().honours_key_for(), day);
    let mut envelope = to(1, mail());
    envelope.key = "k".repeat(300).into();
    provider.send(&envelope).await.expect("is taken");
    assert_eq!(
        fake.only().header("idempotency-key").map(str::len),
        Some(64)
    );
    assert_eq!(fake.only().json()["reply_to"], json!(["help@example.com"]));
}

#[tokio::test]
async fn different_mails_share_a_call_if_that_is_wanted() {
    let fake = FakeVendor::start(|request| taken(request, &ids(request)));
    let provider = builder(&fake).batches(true).build().expect("builds");
    assert_eq!(provider.capabilities().honours_key_for(), None);
    let later = mail().with_send_at(Timestamp::from_micros(1));
    let mut batch: Vec<_> = (0..101)
        .map(|n| to(n, EmailMessage::new(format!("Subject {n}"), "t")))
        .collect();
    batch.insert(1, to(500, later));
    assert!(provider.batch_key(&batch[0].message).is_some());
    assert_eq!(provider.batch_key(&batch[1].message), None);
    let results = provider.send_batch(&batch).await;
    for (envelope, result) in batch.iter().zip(results) {
        let id = result.expect("is taken").message_id.expect("an id");
        assert_eq!(id, format!("id-{}", envelope.address.expose()));
    }
    let shapes: Vec<_> = fake
        .requests()
        .iter()
        .map(|request| (request.path.clone(), Resend::addresses(request).len()))
        .collect();
    let single = || ("/emails".to_owned(), 1);
    assert_eq!(
        shapes,
        [("/emails/batch".to_owned(), 100), single(), single()]
    );
}

#[tokio::test]
async fn a_batch_that_is_sent_again_has_its_key_again() {
    let fake = fake();
    let provider = builder(&fake).batches(true).build().expect("builds");
    let batch = |numbers: &[usize]| numbers.iter().map(|n| to(*n, mail())).collect::<Vec<_>>();
    for numbers in [&[1, 2][..], &[1, 2], &[1, 3]] {
        provider.send_batch(&batch(numbers)).await;
    }
    let requests = fake.requests();
    let key = |n: usize| requests[n].header("idempotency-key");
    assert_eq!(key(0), key(1));
    assert_ne!(key(0), key(2));
}

#[tokio::test]
async fn one_bad_mail_does_not_spoil_a_batch() {
    let fake = FakeVendor::start(|request| {
        let to = Resend::addresses(request);
        if to.iter().any(|one| one.contains("000002")) {
            return dead_address();
        }
        taken(request, &ids(request))
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
    let fake = FakeVendor::start(|_| {
        said(
            403,
            "validation_error",
            "The example.net domain is not verified.",
        )
    });
    let provider = builder(&fake).build().expect("builds");
    let foreign = mail().with_from("x@example.net".parse().expect("a mailbox"));
    let fault = provider.send(&to(1, foreign)).await;
    assert_eq!(fault, Err(Fault::request("sender_not_verified")));
    let fault = provider.send(&to(1, mail())).await;
    assert_eq!(fault, Err(Fault::config("validation_error")));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    for (mail, code) in [
        (mail().with_open_tracking(true), "unsupported:track_opens"),
        (mail().with_click_tracking(true), "unsupported:track_clicks"),
    ] {
        assert_eq!(provider.send(&to(1, mail)).await, Err(Fault::request(code)));
    }
    assert!(fake.requests().is_empty());
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("resend://default?from=a@example.com", Some("key")),
        ("resend://hunter2@default", Some("from")),
        (
            "resend://hunter2@default?from=a@example.com&batches=hunter2",
            Some("batches"),
        ),
        (
            "resend://hunter2@default?from=a@example.com&hunter2=1",
            Some("parameter"),
        ),
        ("resend://%20@default?from=a@example.com", Some("key")),
    ] {
        let error = ResendProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), field, "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
