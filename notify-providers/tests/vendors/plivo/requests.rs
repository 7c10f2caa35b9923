//! What Plivo is asked.

use super::{ACCOUNT, Plivo, TOKEN, refused, taken};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::SmsMessage;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{DeliveryId, Message};
use notify_providers::sms::plivo::{PlivoBuilder, PlivoProvider};
use serde_json::json;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|request| {
        let ids: Vec<_> = (0..Plivo::addresses(request).len())
            .map(|no| format!("id-{no}"))
            .collect();
        taken(&ids, &[])
    })
}

fn builder(fake: &FakeVendor) -> PlivoBuilder {
    let builder = PlivoProvider::builder(ACCOUNT, TOKEN).from("+15550199");
    builder.http(fake.options())
}

fn to(number: usize, message: SmsMessage) -> Envelope {
    let mut envelope = Envelope::new("key", Plivo::address(number), Message::new(message));
    envelope.delivery = DeliveryId::from_u128(7);
    envelope
}

#[tokio::test]
async fn a_message_is_json_with_what_it_needs_and_no_more() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to(7, SmsMessage::new("hi €"))).await;
    let id = receipt.expect("is taken").message_id;
    assert_eq!(id.as_deref(), Some("id-0"));
    let expected =
        json!({"src": "+15550199", "dst": "+15550000007", "text": "hi €", "type": "sms"});
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn everything_else_is_passed_on() {
    let fake = fake();
    let provider = builder(&fake)
        .powerpack("86bbb125-97bb-4d72-89fd-81d5c515b015")
        .status_callback("https://example.com/h?tenant=a")
        .build()
        .expect("builds");
    let message = SmsMessage::new("hi").with_validity(Duration::from_secs(300));
    provider.send(&to(7, message)).await.expect("is taken");
    let url = "https://example.com/h?tenant=a&delivery_id=00000000-0000-0000-0000-000000000007";
    let expected = json!({
        "powerpack_uuid": "86bbb125-97bb-4d72-89fd-81d5c515b015", "dst": "+15550000007", "text": "hi", "type": "sms",
        "message_expiry": 300, "url": url, "method": "POST",
    });
    assert_eq!(fake.last().json(), expected);
    for (seconds, expiry) in [(1, 5), (99_999, 10_800)] {
        let message = SmsMessage::new("hi")
            .with_sender("Own")
            .with_validity(Duration::from_secs(seconds));
        provider.send(&to(7, message)).await.expect("is taken");
        let body = fake.last().json();
        assert_eq!(body["message_expiry"], expiry);
        assert_eq!(
            (&body["src"], &body["powerpack_uuid"]),
            (&json!("Own"), &json!(null))
        );
    }
}

#[tokio::test]
async fn messages_with_one_text_share_a_call_and_bad_numbers_are_named() {
    let fake = FakeVendor::start(|_| {
        let ids = ["id-1".to_owned(), "id-3".to_owned()];
        taken(&ids, &["+15550000002".to_owned()])
    });
    let provider = builder(&fake).status_callback("https://example.com/h");
    let provider = provider.build().expect("builds");
    let batch = [1, 2, 3].map(|number| to(number, SmsMessage::new("a")));
    let results = provider.send_batch(&batch).await;
    let id = |no: usize| results[no].clone().map(|receipt| receipt.message_id);
    assert_eq!(id(0), Ok(Some("id-1".to_owned())));
    assert_eq!(id(1), Err(Fault::recipient("invalid_number")));
    assert_eq!(id(2), Ok(Some("id-3".to_owned())));
    let body = fake.only().json();
    assert_eq!(body["dst"], "+15550000001<+15550000002<+15550000003");
    assert_eq!(
        body["url"], "https://example.com/h",
        "it is not one delivery's"
    );
}

#[tokio::test]
async fn ids_that_belong_to_nobody_are_given_to_nobody() {
    let fake = FakeVendor::start(|_| taken(&["id-1".to_owned()], &[]));
    let provider = builder(&fake).build().expect("builds");
    let batch = [1, 2].map(|number| to(number, SmsMessage::new("a")));
    let unknown = Err(Fault::unknown("short_answer"));
    assert_eq!(
        provider.send_batch(&batch).await,
        [unknown.clone(), unknown]
    );
}

#[tokio::test]
async fn what_is_left_is_asked() {
    let fake = FakeVendor::start(|_| {
        Reply::json(200, json!({"cash_credits": "97.49250", "auth_id": ACCOUNT}))
    });
    let provider = builder(&fake).build().expect("builds");
    assert_eq!(
        provider.balance().await.expect("is said").micros,
        97_492_500
    );
    let request = fake.only();
    assert_eq!(request.method, "GET");
    assert_eq!(request.path, format!("/v1/Account/{ACCOUNT}/"));
    let fake = FakeVendor::start(|_| refused(401));
    let provider = builder(&fake).build().expect("builds");
    assert_eq!(provider.balance().await, Err(Fault::config("http_401")));
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "plivo://{ACCOUNT}:{TOKEN}@{host}?powerpack=p-1&name=backup&status_callback=https://example.com/h"
    );
    let provider = PlivoProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "backup");
    provider
        .send(&to(7, SmsMessage::new("hi")))
        .await
        .expect("is taken");
    assert_eq!(fake.only().json()["powerpack_uuid"], "p-1");
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("plivo://MA1:hunter2@default", "from"),
        ("plivo://MA1@default?from=+1555", "token"),
        ("plivo://MA%2F1:hunter2@default?from=+1555", "account"),
        ("plivo://MA1:@default?from=+1555", "token"),
        ("plivo://MA1:hunter2@default?from=%20", "from"),
        ("plivo://MA1:hunter2@default?powerpack=", "powerpack"),
        (
            "plivo://MA1:hunter2@default?from=a&status_callback=http://hunter2",
            "status_callback",
        ),
        ("plivo://MA1:hunter2@default?from=a&hunter2=1", "parameter"),
    ] {
        let error = PlivoProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
