//! What Postmark is asked.

use super::{Postmark, TOKEN, answered, said, taken};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::{EmailMessage, ListUnsubscribe};
use notify_core::clock::Timestamp;
use notify_core::notification::{Attachment, Class};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{CategoryId, DeliveryId, Message, NotificationId};
use notify_providers::email::postmark::PostmarkProvider;
use serde_json::json;

fn take(request: &Request) -> Reply {
    let ids = 0..Postmark::addresses(request).len();
    answered(
        request,
        200,
        ids.map(|id| taken(&format!("id-{id}"))).collect(),
    )
}

fn fake() -> FakeVendor {
    FakeVendor::start(|_| Reply::json(200, taken("m-1")))
}

fn provider(fake: &FakeVendor) -> PostmarkProvider {
    let from = "Example <news@example.com>".parse().expect("a mailbox");
    let builder = PostmarkProvider::builder(TOKEN, from).http(fake.options());
    builder.build().expect("builds")
}

fn to(number: usize, mail: EmailMessage) -> Envelope {
    let mut envelope = Envelope::new("key", Postmark::address(number), Message::new(mail));
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
        .with_from("Shop, Inc. <shop@example.com>".parse().expect("a mailbox"))
        .with_reply_to("help@example.com".parse().expect("a mailbox"))
        .with_header("X-Own", "1")
        .with_list_unsubscribe(links)
        .with_tag("shipping")
        .with_tag("second")
        .with_metadata("order", "A-17")
        .with_metadata("a_name_that_is_too_long", "x")
        .with_metadata("long", "x".repeat(81))
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
        "From": "\"Shop, Inc.\" <shop@example.com>",
        "To": "reader-000007@example.org",
        "ReplyTo": "help@example.com",
        "Subject": "Your order",
        "TextBody": "text",
        "HtmlBody": "<p>html</p>",
        "Tag": "shipping",
        "Metadata": {
            "delivery_id": delivery,
            "notification_id": notification,
            "tenant": "default",
            "category": "orders",
            "correlation_id": "trace-1",
            "order": "A-17",
        },
        "Headers": [
            {"Name": "List-Unsubscribe", "Value": "<https://example.com/u/1>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            {"Name": "X-Notification-ID", "Value": notification},
            {"Name": "X-Delivery-ID", "Value": delivery},
            {"Name": "X-Own", "Value": "1"},
        ],
        "TrackOpens": true,
        "TrackLinks": "None",
        "Attachments": [
            {"Name": "a.pdf", "Content": "UERG", "ContentType": "application/pdf"},
            {"Name": "l.png", "Content": "UE5H", "ContentType": "image/png", "ContentID": "cid:logo"},
        ],
    });
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn a_mail_that_says_little_says_nothing_else() {
    let fake = fake();
    provider(&fake)
        .send(&to(1, mail()))
        .await
        .expect("is taken");
    let body = fake.only().json();
    let names: Vec<_> = body
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        names,
        [
            "From", "Headers", "Metadata", "Subject", "Tag", "TextBody", "To"
        ]
    );
}

#[tokio::test]
async fn settings_of_the_account_are_on_every_mail() {
    let fake = FakeVendor::start(|_| Reply::json(200, taken("m-1")));
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "postmark://{TOKEN}@{host}?from=news@example.com&stream=outbound&marketing_stream=letters&reply_to=help@example.com&sandbox=true"
    );
    let provider = PostmarkProvider::from_url(&dsn).expect("reads");
    provider.send(&to(1, mail())).await.expect("is taken");
    let mut marketing = to(2, mail());
    marketing.class = Class::Marketing;
    provider.send(&marketing).await.expect("is taken");
    let requests = fake.requests();
    let token = requests[0].header("x-postmark-server-token");
    assert_eq!(token, Some("POSTMARK_API_TEST"));
    assert_eq!(requests[0].json()["MessageStream"], "outbound");
    assert_eq!(requests[1].json()["MessageStream"], "letters");
    assert_eq!(requests[0].json()["ReplyTo"], "help@example.com");
}

#[tokio::test]
async fn five_hundred_different_mails_are_one_call_and_one_more_is_two() {
    let fake = FakeVendor::start(take);
    let batch: Vec<_> = (0..501)
        .map(|n| {
            to(
                n,
                EmailMessage::new(format!("Subject {n}"), format!("text {n}")),
            )
        })
        .collect();
    let provider = provider(&fake);
    assert_eq!(
        provider.batch_key(&batch[0].message),
        provider.batch_key(&batch[1].message)
    );
    let results = provider.send_batch(&batch).await;
    let id = |n: usize| results[n].as_ref().expect("is taken").message_id.clone();
    assert_eq!(id(0).as_deref(), Some("id-0"));
    assert_eq!(id(499).as_deref(), Some("id-499"));
    assert_eq!(id(500).as_deref(), Some("id-0"), "of the second call");
    let requests = fake.requests();
    assert_eq!(Postmark::addresses(&requests[0]).len(), 500);
    assert_eq!(requests[0].json()[7]["Subject"], "Subject 7");
    assert_eq!(requests[1].path, "/email/batch");
}

#[tokio::test]
async fn large_files_make_a_batch_two_calls() {
    let fake = FakeVendor::start(take);
    let file = Attachment::new("a.bin", "application/octet-stream", vec![0_u8; 9_000_000]);
    let batch: Vec<_> = (0..4)
        .map(|n| to(n, mail().with_attachment(file.clone())))
        .collect();
    let results = provider(&fake).send_batch(&batch).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let sizes: Vec<_> = fake
        .requests()
        .iter()
        .map(|r| Postmark::addresses(r).len())
        .collect();
    assert_eq!(sizes, [3, 1]);
}

#[tokio::test]
async fn each_mail_of_a_batch_has_the_fault_that_is_its_own() {
    let fake = FakeVendor::start(|request| {
        let outcomes = vec![
            taken("a"),
            json!({"ErrorCode": 406, "Message": "inactive"}),
            json!({"ErrorCode": 300, "Message": "Invalid 'To' address: 'b'."}),
            json!({"ErrorCode": 400, "Message": "The 'From' address is not a Sender Signature."}),
            json!({"Message": "Message accepted, but delivery may be delayed.", "MessageID": "e"}),
        ];
        answered(request, 200, outcomes)
    });
    let foreign = mail().with_from("x@example.net".parse().expect("a mailbox"));
    let mut batch: Vec<_> = (0..6).map(|n| to(n, mail())).collect();
    batch[3] = to(3, foreign);
    let results = provider(&fake).send_batch(&batch).await;
    let shown: Vec<_> = results
        .iter()
        .map(|result| match result {
            Ok(receipt) => receipt.message_id.clone().unwrap_or_default(),
            Err(fault) => fault.to_string(),
        })
        .collect();
    let expected = [
        "a",
        "recipient fault 406",
        "recipient fault invalid_to",
        "request fault sender_not_verified",
        "e",
        "unknown fault short_answer",
    ];
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_batch_that_is_refused_whole_has_one_fault_for_all() {
    let fake = FakeVendor::start(|_| said(401, 10, "Bad token"));
    let batch = [to(0, mail()), to(1, mail())];
    let results = provider(&fake).send_batch(&batch).await;
    assert_eq!(
        results,
        [Err(Fault::config("10")), Err(Fault::config("10"))]
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let later = mail().with_send_at(Timestamp::from_micros(1));
    let fault = provider(&fake).send(&to(1, later)).await;
    assert_eq!(fault, Err(Fault::request("unsupported:send_at")));
    assert!(fake.requests().is_empty());
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("postmark://default?from=a@example.com", Some("token")),
        ("postmark://hunter2@default", Some("from")),
        ("postmark://hunter2@default?from=hunter2", Some("from")),
        (
            "postmark://hunter2@default?from=a@example.com&sandbox=hunter2",
            Some("sandbox"),
        ),
        (
            "postmark://hunter2@default?from=a@example.com&hunter2=1",
            Some("parameter"),
        ),
        ("postmark://%20@default?from=a@example.com", Some("token")),
    ] {
        let error = PostmarkProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), field, "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
