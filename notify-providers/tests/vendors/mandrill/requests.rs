//! What Mandrill is asked.

use super::{KEY, Mandrill, rejected};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{EmailMessage, ListUnsubscribe};
use notify_core::clock::Timestamp;
use notify_core::notification::{Attachment, Class};
use notify_core::provider::{Envelope, Fault, Provider as _, Receipt};
use notify_core::{CategoryId, DeliveryId, Message, NotificationId};
use notify_providers::email::mandrill::MandrillProvider;
use serde_json::json;

fn fake(status: &'static str) -> FakeVendor {
    FakeVendor::start(move |_| {
        Reply::json(
            200,
            json!([{"email": "a@example.org", "status": status, "_id": "m-1"}]),
        )
    })
}

fn provider(fake: &FakeVendor) -> MandrillProvider {
    let from = "Example <news@example.com>".parse().expect("a mailbox");
    let builder = MandrillProvider::builder(KEY, from).http(fake.options());
    builder.build().expect("builds")
}

fn to(number: usize, mail: EmailMessage) -> Envelope {
    let mut envelope = Envelope::new("key", Mandrill::address(number), Message::new(mail));
    envelope.delivery = DeliveryId::from_u128(number as u128);
    envelope
}

fn mail() -> EmailMessage {
    EmailMessage::new("s", "t")
}

#[tokio::test]
async fn everything_a_mail_says_is_passed_on() {
    let fake = fake("scheduled");
    let links = ListUnsubscribe::new("https://example.com/u/1").expect("a link");
    let mail = EmailMessage::new("Your order", "text")
        .with_html("<p>html</p>")
        .with_from("Shop <shop@example.com>".parse().expect("a mailbox"))
        .with_reply_to("Help, Inc. <help@example.com>".parse().expect("a mailbox"))
        .with_header("X-Own", "1")
        .with_list_unsubscribe(links)
        .with_tag("shipping")
        .with_tag("_reserved")
        .with_metadata("order", "A-17")
        .with_send_at(Timestamp::from_micros(1_767_225_600_900_000))
        .with_open_tracking(true)
        .with_click_tracking(false)
        .with_attachment(Attachment::new("a.pdf", "application/pdf", *b"PDF"))
        .with_attachment(Attachment::new("l.png", "image/png", *b"PNG").inline("logo"));
    let mut envelope = to(7, mail);
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope.class = Class::Marketing;
    let receipt = provider(&fake).send(&envelope).await.expect("is taken");
    assert_eq!(receipt.message_id.as_deref(), Some("m-1"));
    let delivery = "00000000-0000-0000-0000-000000000007";
    let notification = "00000000-0000-0000-0000-000000000008";
    let expected = json!({
        "key": KEY,
        "async": false,
        "send_at": "2026-01-01 00:00:00",
        "message": {
            "from_email": "shop@example.com",
            "from_name": "Shop",
            "to": [{"email": "reader-000007@example.org", "type": "to"}],
            "subject": "Your order",
            "text": "text",
            "html": "<p>html</p>",
            "headers": {
                "List-Unsubscribe": "<https://example.com/u/1>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "X-Notification-ID": notification,
                "X-Delivery-ID": delivery,
                "X-Own": "1",
                "Reply-To": "\"Help, Inc.\" <help@example.com>",
            },
            "metadata": {
                "delivery_id": delivery,
                "notification_id": notification,
                "tenant": "default",
                "category": "orders",
                "order": "A-17",
            },
            "tags": ["orders", "shipping"],
            "track_opens": true,
            "track_clicks": false,
            "preserve_recipients": false,
            "attachments": [{"type": "application/pdf", "name": "a.pdf", "content": "UERG"}],
            "images": [{"type": "image/png", "name": "logo", "content": "UE5H"}],
        },
    });
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn settings_of_the_account_are_on_every_mail() {
    let fake = fake("queued");
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "mandrill://{KEY}@{host}?from=news@example.com&subaccount=customer-17&reply_to=help@example.com"
    );
    let provider = MandrillProvider::from_url(&dsn).expect("reads");
    provider.send(&to(1, mail())).await.expect("is taken");
    let message = &fake.only().json()["message"];
    assert_eq!(message["subaccount"], "customer-17");
    assert_eq!(message["headers"]["Reply-To"], "help@example.com");
    assert!(message["from_name"].is_null() && message["html"].is_null());
}

#[tokio::test]
async fn a_mail_that_was_taken_without_an_id_is_taken() {
    let fake = FakeVendor::start(|_| {
        Reply::json(200, json!([{"email": "a@example.org", "status": "queued"}]))
    });
    let result = provider(&fake).send(&to(1, mail())).await;
    assert_eq!(result, Ok(Receipt::new()));
}

#[tokio::test]
async fn a_sender_that_came_with_the_mail_is_the_mails_fault() {
    let fake = FakeVendor::start(|_| rejected("unsigned"));
    let foreign = mail().with_from("x@example.net".parse().expect("a mailbox"));
    let provider = provider(&fake);
    let fault = provider.send(&to(1, foreign)).await;
    assert_eq!(fault, Err(Fault::request("sender_not_allowed")));
    let fault = provider.send(&to(1, mail())).await;
    assert_eq!(fault, Err(Fault::config("unsigned")));
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("mandrill://default?from=a@example.com", Some("key")),
        ("mandrill://hunter2@default", Some("from")),
        ("mandrill://hunter2@default?from=hunter2", Some("from")),
        (
            "mandrill://hunter2@default?from=a@example.com&hunter2=1",
            Some("parameter"),
        ),
        ("mandrill://%20@default?from=a@example.com", Some("key")),
    ] {
        let error = MandrillProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), field, "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
