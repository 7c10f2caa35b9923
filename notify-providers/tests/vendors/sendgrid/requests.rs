//! What SendGrid is asked.

use super::{KEY, SendGrid, dead_address, refused};
use crate::suite::Vendor as _;
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{EmailMessage, ListUnsubscribe};
use notify_core::clock::Timestamp;
use notify_core::notification::{Attachment, Class};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, CategoryId, DeliveryId, Message, NotificationId};
use notify_providers::email::sendgrid::SendGridProvider;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|_| Reply::status(202).header("x-message-id", "m-1"))
}

fn provider(fake: &FakeVendor) -> SendGridProvider {
    let from = "Example <news@example.com>".parse().expect("a mailbox");
    let builder = SendGridProvider::builder(KEY, from).http(fake.options());
    builder.build().expect("builds")
}

fn to(number: usize, mail: EmailMessage) -> Envelope {
    let address = Address::email(format!("reader-{number:06}@example.org"));
    let mut envelope = Envelope::new("key", address, Message::new(mail));
    envelope.delivery = DeliveryId::from_u128(number as u128);
    envelope
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
        .with_click_tracking(false)
        .with_attachment(Attachment::new("a.pdf", "application/pdf", *b"PDF"))
        .with_attachment(Attachment::new("l.png", "image/png", *b"PNG").inline("logo"));
    let mut envelope = to(7, mail);
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope.class = Class::Marketing;
    envelope.correlation_id = Some("trace-1".into());
    let receipt = provider(&fake).send(&envelope).await.expect("is taken");
    assert_eq!(receipt.message_id.as_deref(), Some("m-1"));
    let delivery = "00000000-0000-0000-0000-000000000007";
    let notification = "00000000-0000-0000-0000-000000000008";
    let expected = json!({
        "personalizations": [{
            "to": [{"email": "reader-000007@example.org"}],
            "subject": "Your order",
            "headers": {
                "List-Unsubscribe": "<https://example.com/u/1>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "X-Notification-ID": notification,
                "X-Delivery-ID": delivery,
                "X-Own": "1",
            },
            "custom_args": {
                "order": "A-17",
                "delivery_id": delivery,
                "notification_id": notification,
                "tenant": "default",
                "correlation_id": "trace-1",
            },
            "send_at": 1_767_225_600,
        }],
        "from": {"email": "shop@example.com", "name": "Shop"},
        "reply_to": {"email": "help@example.com"},
        "content": [
            {"type": "text/plain", "value": "text"},
            {"type": "text/html", "value": "<p>html</p>"},
        ],
        "categories": ["orders", "shipping"],
        "tracking_settings": {
            "open_tracking": {"enable": true},
            "click_tracking": {"enable": false, "enable_text": false},
        },
        "attachments": [
            {"content": "UERG", "type": "application/pdf", "filename": "a.pdf", "disposition": "attachment"},
            {"content": "UE5H", "type": "image/png", "filename": "l.png", "disposition": "inline", "content_id": "logo"},
        ],
    });
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn settings_of_the_account_are_on_every_mail() {
    let fake = fake();
    let url = fake.url().replace("http://", "");
    let dsn = format!(
        "sendgrid://{KEY}@{url}?from=news@example.com&sandbox=true&unsubscribe_group=17&reply_to=help@example.com"
    );
    let provider = SendGridProvider::from_url(&dsn).expect("reads");
    provider
        .send(&to(1, EmailMessage::new("s", "t")))
        .await
        .expect("is taken");
    let body = fake.only().json();
    assert_eq!(
        body["mail_settings"],
        json!({"sandbox_mode": {"enable": true}})
    );
    assert_eq!(body["asm"], json!({"group_id": 17}));
    assert_eq!(body["reply_to"], json!({"email": "help@example.com"}));
    assert_eq!(body["from"], json!({"email": "news@example.com"}));
    assert_eq!(body["content"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn mails_of_the_same_content_share_a_call_and_others_do_not() {
    let fake = fake();
    let provider = provider(&fake);
    let link = |n: usize| {
        let links = ListUnsubscribe::new(format!("https://example.com/u/{n}")).expect("a link");
        EmailMessage::new(format!("Subject {n}"), "same").with_list_unsubscribe(links)
    };
    let batch = [
        to(0, link(0)),
        to(1, EmailMessage::new("s", "other")),
        to(2, link(2)),
    ];
    let key = |n: usize| provider.batch_key(&batch[n].message);
    assert!(key(0).is_some() && key(0) == key(2) && key(0) != key(1));
    let results = provider.send_batch(&batch).await;
    let ids: Vec<_> = results
        .into_iter()
        .map(|result| result.expect("is taken").message_id)
        .collect();
    assert_eq!(
        ids,
        [None, Some("m-1".to_owned()), None],
        "mails of one call share their id"
    );
    let requests = fake.requests();
    let addresses: Vec<_> = requests.iter().map(SendGrid::addresses).collect();
    assert_eq!(
        addresses[0],
        ["reader-000000@example.org", "reader-000002@example.org"]
    );
    assert_eq!(addresses[1], ["reader-000001@example.org"]);
    let first = &requests[0].json()["personalizations"];
    assert_eq!(first[1]["subject"], "Subject 2");
    assert_eq!(
        first[1]["headers"]["List-Unsubscribe"],
        "<https://example.com/u/2>"
    );
    let delivery = "00000000-0000-0000-0000-000000000002";
    assert_eq!(first[1]["custom_args"]["delivery_id"], delivery);
}

#[tokio::test]
async fn a_thousand_mails_are_one_call_and_one_more_is_two() {
    let fake = fake();
    let batch: Vec<_> = (0..1_001)
        .map(|n| to(n, EmailMessage::new("s", "t")))
        .collect();
    let results = provider(&fake).send_batch(&batch).await;
    assert!(results.iter().all(Result::is_ok));
    let sizes: Vec<_> = fake
        .requests()
        .iter()
        .map(|request| SendGrid::addresses(request).len())
        .collect();
    assert_eq!(sizes, [1_000, 1]);
}

#[tokio::test]
async fn a_dead_address_in_a_batch_does_not_keep_the_others_back() {
    let fake = FakeVendor::start(|request| {
        let places = SendGrid::addresses(request).into_iter().enumerate();
        let dead: Vec<Value> = places
            .filter(|(_, address)| address.contains('1'))
            .map(|(place, _)| dead_address(place))
            .collect();
        if dead.is_empty() {
            Reply::status(202)
        } else {
            refused(dead)
        }
    });
    let batch: Vec<_> = (0..4).map(|n| to(n, EmailMessage::new("s", "t"))).collect();
    let results = provider(&fake).send_batch(&batch).await;
    let dead = Err(Fault::recipient("invalid_address"));
    assert_eq!(results[1], dead.map(|()| unreachable!()));
    assert!(
        [0, 2, 3].iter().all(|n: &usize| results[*n].is_ok()),
        "{results:?}"
    );
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn a_limit_ends_when_the_vendor_says() {
    let clock = Arc::new(StillClock::default());
    let fake = FakeVendor::start(|_| Reply::status(429).header("x-ratelimit-reset", "1700000007"));
    let from = "news@example.com".parse().expect("a mailbox");
    let builder = SendGridProvider::builder(KEY, from).http(fake.options().clock(clock));
    let provider = builder.build().expect("builds");
    let fault = provider.send(&to(1, EmailMessage::new("s", "t"))).await;
    let seven = Duration::from_secs(7);
    assert_eq!(fault, Err(Fault::retry_after("http_429", seven)));
}

#[tokio::test]
async fn a_sender_that_came_with_the_mail_is_the_mails_fault() {
    let fake = FakeVendor::start(|_| Reply::status(403));
    let mail = EmailMessage::new("s", "t").with_from("x@example.net".parse().expect("a mailbox"));
    let provider = provider(&fake);
    let fault = provider.send(&to(1, mail)).await;
    assert_eq!(fault, Err(Fault::request("sender_not_verified")));
    let fault = provider.send(&to(1, EmailMessage::new("s", "t"))).await;
    assert_eq!(fault, Err(Fault::config("http_403")));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = provider(&fake);
    let good = to(0, EmailMessage::new("s", "t"));
    let reserved = to(1, EmailMessage::new("s", "t").with_metadata("email", "x"));
    let mut dead = to(2, EmailMessage::new("s", "t"));
    dead.address = Address::email("nobody");
    let results = provider.send_batch(&[reserved, good, dead]).await;
    assert_eq!(results[0], Err(Fault::request("metadata_reserved")));
    assert!(results[1].is_ok());
    assert_eq!(results[2], Err(Fault::recipient("bad_address")));
    assert_eq!(SendGrid::addresses(&fake.only()).len(), 1);
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("sendgrid://default?from=a@example.com", Some("key")),
        ("sendgrid://hunter2@default", Some("from")),
        ("sendgrid://hunter2@default?from=hunter2", Some("from")),
        (
            "sendgrid://hunter2@default?from=a@example.com&sandbox=hunter2",
            Some("sandbox"),
        ),
        (
            "sendgrid://hunter2@default?from=a@example.com&hunter2=1",
            Some("parameter"),
        ),
        ("sendgrid://hunter2@?from=a@example.com", Some("host")),
        ("sendgrid://%20@default?from=a@example.com", Some("key")),
    ] {
        let error = SendGridProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), field, "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
