//! What SES is asked.

use super::{KEY_ID, SECRET, Ses, SesBulk, addresses, builder, said, signature, taken};
use crate::suite::Vendor as _;
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{EmailMessage, ListUnsubscribe, Mailbox};
use notify_core::clock::Timestamp;
use notify_core::notification::{Attachment, Class};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, CategoryId, DeliveryId, Message, NotificationId};
use notify_providers::email::ses::SesProvider;
use serde_json::{Value, json};
use std::sync::Arc;

fn fake() -> FakeVendor {
    FakeVendor::start(|request| {
        let ids: Vec<_> = (0..50).map(|n| format!("0100-{n}")).collect();
        let count = match request.path.ends_with("bulk-emails") {
            true => request.json()["BulkEmailEntries"]
                .as_array()
                .map_or(0, Vec::len),
            false => 1,
        };
        taken(request, &ids[..count])
    })
}

fn to(number: usize, mail: EmailMessage) -> Envelope {
    let mut envelope = Envelope::new("key", Ses::address(number), Message::new(mail));
    envelope.delivery = DeliveryId::from_u128(number as u128);
    envelope
}

fn mail() -> EmailMessage {
    EmailMessage::new("s", "t")
}

fn mailbox(text: &str) -> Mailbox {
    text.parse().expect("a mailbox")
}

#[tokio::test]
async fn everything_a_mail_says_is_passed_on() {
    let fake = fake();
    let links = ListUnsubscribe::new("https://example.com/u/1").expect("a link");
    let mail = EmailMessage::new("Your order", "text")
        .with_html("<p>html</p>")
        .with_from(mailbox("Магазин <shop@example.com>"))
        .with_reply_to(mailbox("help@example.com"))
        .with_header("X-Own", "ю")
        .with_list_unsubscribe(links)
        .with_tag("new order")
        .with_metadata("order", "A-17")
        .with_metadata("note", "not plain")
        .with_open_tracking(false)
        .with_attachment(Attachment::new("a.pdf", "application/pdf", *b"PDF"))
        .with_attachment(Attachment::new("l.png", "image/png", *b"PNG").inline("logo"));
    let mut envelope = to(7, mail);
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope.class = Class::Marketing;
    let provider = builder(&fake)
        .configuration_set("events")
        .build()
        .expect("builds");
    let receipt = provider.send(&envelope).await.expect("is taken");
    assert_eq!(receipt.message_id.as_deref(), Some("0100-0"));
    let delivery = "00000000-0000-0000-0000-000000000007";
    let notification = "00000000-0000-0000-0000-000000000008";
    let text = |text: &str| json!({"Data": text, "Charset": "UTF-8"});
    let expected = json!({
        "FromEmailAddress": "=?UTF-8?B?0JzQsNCz0LDQt9C40L0=?= <shop@example.com>",
        "Destination": {"ToAddresses": ["reader-000007@example.org"]},
        "ReplyToAddresses": ["help@example.com"],
        "ConfigurationSetName": "events",
        "Content": {"Simple": {
            "Subject": text("Your order"),
            "Body": {"Text": text("text"), "Html": text("<p>html</p>")},
            "Headers": [
                {"Name": "List-Unsubscribe", "Value": "<https://example.com/u/1>"},
                {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                {"Name": "X-Notification-ID", "Value": notification},
                {"Name": "X-Delivery-ID", "Value": delivery},
                {"Name": "X-Own", "Value": "=?UTF-8?B?0Y4=?="},
            ],
            "Attachments": [
                {
                    "FileName": "a.pdf", "RawContent": "UERG", "ContentType": "application/pdf",
                    "ContentDisposition": "ATTACHMENT", "ContentTransferEncoding": "BASE64",
                },
                {
                    "FileName": "l.png", "RawContent": "UE5H", "ContentType": "image/png",
                    "ContentDisposition": "INLINE", "ContentId": "logo", "ContentTransferEncoding": "BASE64",
                },
            ],
        }},
        "EmailTags": [
            {"Name": "delivery_id", "Value": delivery},
            {"Name": "notification_id", "Value": notification},
            {"Name": "tenant", "Value": "default"},
            {"Name": "category", "Value": "orders"},
            {"Name": "order", "Value": "A-17"},
            {"Name": "tag", "Value": "new_order"},
        ],
    });
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn credentials_are_replaced_while_it_works() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let secret = SECRET.replace('/', "%2F");
    let dsn = format!(
        "ses://{KEY_ID}:{secret}@{host}?region=eu-west-1&from=Example%20<news@example.com>&session_token=first&configuration_set=c"
    );
    let provider = SesProvider::from_url(&dsn).expect("reads");
    provider.send(&to(1, mail())).await.expect("is taken");
    provider.set_credentials("AKIDSECOND", "another-secret", None);
    provider.send(&to(2, mail())).await.expect("is taken");
    let requests = fake.requests();
    signature::check_with(&requests[0], KEY_ID, SECRET, Some("first"));
    signature::check_with(&requests[1], "AKIDSECOND", "another-secret", None);
}

#[tokio::test]
async fn a_call_is_dated_by_the_clock_that_is_given() {
    let fake = fake();
    let options = fake.options().clock(Arc::new(StillClock::default()));
    let provider = builder(&fake).http(options).build().expect("builds");
    provider.send(&to(1, mail())).await.expect("is taken");
    assert_eq!(fake.only().header("x-amz-date"), Some("20231114T221320Z"));
    signature::check(&fake.only(), None);
}

#[tokio::test]
async fn domains_are_written_in_ascii_and_other_local_parts_are_refused() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let mut envelope = to(1, mail());
    envelope.address = Address::email("ada@пример.рф");
    provider.send(&envelope).await.expect("is taken");
    assert_eq!(addresses(&fake.only()), ["ada@xn--e1afmkfd.xn--p1ai"]);
    envelope.address = Address::email("ада@example.com");
    let fault = provider.send(&envelope).await;
    assert_eq!(fault, Err(Fault::request("unsupported:smtputf8")));
}

#[tokio::test]
async fn different_mails_share_a_bulk_call_and_keep_what_is_theirs() {
    let fake = fake();
    let provider = builder(&fake).bulk(true).build().expect("builds");
    let html = |n: usize| {
        EmailMessage::new(format!("Subject {n}"), format!("text {n}"))
            .with_html(format!("<b>{{{{{n}}}}}</b>"))
    };
    let file = Attachment::new("a.pdf", "application/pdf", *b"PDF");
    let batch = [
        to(0, html(0)),
        to(1, mail()),
        to(2, html(2)),
        to(3, html(3).with_attachment(file)),
    ];
    let key = |n: usize| provider.batch_key(&batch[n].message);
    assert!(key(0).is_some() && key(0) == key(2) && key(0) != key(1));
    assert_eq!(key(3), None, "files go alone");
    let results = provider.send_batch(&batch).await;
    let id = |n: usize| results[n].as_ref().expect("is taken").message_id.clone();
    assert_eq!(
        (id(0).as_deref(), id(2).as_deref()),
        (Some("0100-0"), Some("0100-1"))
    );
    let requests = fake.requests();
    assert_eq!(requests.len(), 3);
    let body = requests[0].json();
    let template = json!({"Subject": "{{subject}}", "Text": "{{text}}", "Html": "{{html}}"});
    assert_eq!(
        body["DefaultContent"]["Template"]["TemplateContent"],
        template
    );
    let entry = &body["BulkEmailEntries"][1];
    let data = &entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"];
    let data: Value = serde_json::from_str(data.as_str().expect("text")).expect("JSON");
    assert_eq!(
        data,
        json!({"subject": "Subject 2", "text": "text 2", "html": "<b>{{2}}</b>"})
    );
    let delivery = json!({"Name": "delivery_id", "Value": "00000000-0000-0000-0000-000000000002"});
    assert_eq!(entry["ReplacementTags"][0], delivery);
    let names = entry["ReplacementHeaders"]
        .as_array()
        .expect("a list")
        .iter();
    assert!(
        names
            .into_iter()
            .any(|header| header["Name"] == "X-Delivery-ID")
    );
    assert_eq!(requests[1].path, "/v2/email/outbound-emails");
}

#[tokio::test]
async fn fifty_mails_are_one_call_and_one_more_is_two() {
    let fake = fake();
    let provider = builder(&fake).bulk(true).build().expect("builds");
    assert_eq!(provider.capabilities().batch_max(), 50);
    let batch: Vec<_> = (0..51).map(|n| to(n, mail())).collect();
    let results = provider.send_batch(&batch).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let sizes: Vec<_> = fake
        .requests()
        .iter()
        .map(|r| SesBulk::addresses(r).len())
        .collect();
    assert_eq!(sizes, [50, 1]);
}

#[tokio::test]
async fn each_mail_of_a_bulk_call_has_its_own_fault() {
    let statuses = [
        ("SUCCESS", "ok"),
        ("MESSAGE_REJECTED", "request fault MESSAGE_REJECTED"),
        (
            "MAIL_FROM_DOMAIN_NOT_VERIFIED",
            "config fault MAIL_FROM_DOMAIN_NOT_VERIFIED",
        ),
        (
            "CONFIGURATION_SET_NOT_FOUND",
            "config fault CONFIGURATION_SET_NOT_FOUND",
        ),
        ("TEMPLATE_NOT_FOUND", "config fault TEMPLATE_NOT_FOUND"),
        ("ACCOUNT_SUSPENDED", "config fault ACCOUNT_SUSPENDED"),
        ("ACCOUNT_THROTTLED", "provider fault ACCOUNT_THROTTLED"),
        (
            "ACCOUNT_DAILY_QUOTA_EXCEEDED",
            "provider fault ACCOUNT_DAILY_QUOTA_EXCEEDED",
        ),
        (
            "INVALID_SENDING_POOL_NAME",
            "config fault INVALID_SENDING_POOL_NAME",
        ),
        (
            "ACCOUNT_SENDING_PAUSED",
            "config fault ACCOUNT_SENDING_PAUSED",
        ),
        (
            "CONFIGURATION_SET_SENDING_PAUSED",
            "config fault CONFIGURATION_SET_SENDING_PAUSED",
        ),
        ("INVALID_PARAMETER", "request fault INVALID_PARAMETER"),
        ("TRANSIENT_FAILURE", "provider fault TRANSIENT_FAILURE"),
        ("FAILED", "provider fault FAILED"),
    ];
    let fake = FakeVendor::start(move |_| {
        let entry = |(status, _): &(&str, &str)| json!({"Status": status, "Error": "words", "MessageId": ""});
        let entries: Vec<_> = statuses.iter().map(entry).collect();
        Reply::json(200, json!({"BulkEmailEntryResults": entries}))
    });
    let provider = builder(&fake).bulk(true).build().expect("builds");
    let batch: Vec<_> = (0..=statuses.len()).map(|n| to(n, mail())).collect();
    let results = provider.send_batch(&batch).await;
    for ((status, expected), result) in statuses.iter().zip(&results) {
        let shown = result
            .as_ref()
            .map_or_else(ToString::to_string, |_| "ok".to_owned());
        assert!(shown.starts_with(expected), "{status}: {shown}");
    }
    assert_eq!(results[statuses.len()], Err(Fault::unknown("short_answer")));
}

#[tokio::test]
async fn one_bad_address_does_not_spoil_a_bulk_call() {
    let fake = FakeVendor::start(|request| {
        let to = addresses(request);
        if to.iter().any(|one| one.contains("000002")) {
            return said(
                400,
                "BadRequestException",
                "Domain contains illegal character",
            );
        }
        taken(request, &to)
    });
    let provider = builder(&fake).bulk(true).build().expect("builds");
    let batch: Vec<_> = (0..4).map(|n| to(n, mail())).collect();
    let results = provider.send_batch(&batch).await;
    for (no, result) in results.into_iter().enumerate() {
        let expected = (no == 2).then(|| Fault::recipient("invalid_address"));
        assert_eq!(result.err(), expected, "{no}");
    }
}

#[tokio::test]
async fn a_sender_that_came_with_the_mail_is_the_mails_fault() {
    let words = "Email address is not verified.";
    let fake = FakeVendor::start(move |_| said(400, "MessageRejected", words));
    let provider = builder(&fake).build().expect("builds");
    let foreign = mail().with_from(mailbox("x@example.net"));
    let fault = provider.send(&to(1, foreign)).await;
    assert_eq!(fault, Err(Fault::request("sender_not_verified")));
    let fault = provider.send(&to(1, mail())).await;
    assert_eq!(fault, Err(Fault::config("identity_not_verified")));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let many = (0..12).fold(mail(), |mail, n| mail.with_header(format!("X-{n}"), "1"));
    for (mail, code) in [
        (
            mail().with_send_at(Timestamp::from_micros(1)),
            "unsupported:send_at",
        ),
        (mail().with_open_tracking(true), "unsupported:track_opens"),
        (mail().with_click_tracking(true), "unsupported:track_clicks"),
        (many, "unsupported:headers"),
        (
            mail().with_header("X-Long", "x".repeat(996)),
            "header_value",
        ),
    ] {
        assert_eq!(provider.send(&to(1, mail)).await, Err(Fault::request(code)));
    }
    assert!(fake.requests().is_empty());
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        (
            "ses://default?region=eu-west-1&from=a@example.com",
            Some("access_key_id"),
        ),
        (
            "ses://a@default?region=eu-west-1&from=a@example.com",
            Some("secret_access_key"),
        ),
        ("ses://a:hunter2@default?from=a@example.com", Some("region")),
        (
            "ses://a:hunter2@default?region=evil.example.com/&from=a@example.com",
            Some("region"),
        ),
        ("ses://a:hunter2@default?region=eu-west-1", Some("from")),
        (
            "ses://a:hunter2@default?region=eu-west-1&from=a@example.com&bulk=hunter2",
            Some("bulk"),
        ),
        (
            "ses://a:hunter2@default?region=eu-west-1&from=a@example.com&hunter2=1",
            Some("parameter"),
        ),
    ] {
        let error = SesProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), field, "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
