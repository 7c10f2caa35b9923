//! What MessageBird is asked.

use super::{KEY, MessageBird, refused};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::SmsMessage;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{DeliveryId, Message};
use notify_providers::sms::message_bird::{MessageBirdBuilder, MessageBirdProvider};
use serde_json::json;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|request| MessageBird::accept(request, &["efa6405d".to_owned()]))
}

fn builder(fake: &FakeVendor) -> MessageBirdBuilder {
    MessageBirdProvider::builder(KEY, "Example").http(fake.options())
}

fn to(number: usize, message: SmsMessage) -> Envelope {
    let mut envelope = Envelope::new("key", MessageBird::address(number), Message::new(message));
    envelope.delivery = DeliveryId::from_u128(7);
    envelope
}

#[tokio::test]
async fn a_message_is_json_with_what_it_needs_and_no_more() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to(7, SmsMessage::new("hi"))).await;
    let id = receipt.expect("is taken").message_id.expect("an id");
    assert!(id.starts_with("efa6405d-"), "{id}");
    let expected = json!({
        "originator": "Example", "recipients": [31_600_000_007_u64], "body": "hi", "datacoding": "plain",
        "reference": "00000000-0000-0000-0000-000000000007",
    });
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn everything_else_is_passed_on() {
    let fake = fake();
    let provider = builder(&fake).status_callback("https://example.com/h");
    let provider = provider.build().expect("builds");
    let message = || {
        SmsMessage::new("Код")
            .with_sender("Own")
            .with_validity(Duration::from_secs(300))
    };
    let batch = [1, 2].map(|number| to(number, message()));
    let results = provider.send_batch(&batch).await;
    let ids: Vec<_> = results
        .into_iter()
        .map(|one| one.expect("is taken").message_id)
        .collect();
    assert_ne!(ids[0], ids[1], "each number has an id of its own");
    let expected = json!({
        "originator": "Own", "recipients": [31_600_000_001_u64, 31_600_000_002_u64], "body": "Код",
        "datacoding": "unicode", "validity": 300, "reportUrl": "https://example.com/h",
    });
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn a_call_that_is_refused_for_a_number_is_made_again_for_each() {
    let fake = FakeVendor::start(|request| {
        let numbers = MessageBird::addresses(request);
        match numbers.as_slice() {
            [only] if only.ends_with('1') => MessageBird::accept(request, &["a".to_owned()]),
            _ => refused(422, 9),
        }
    });
    let provider = builder(&fake).build().expect("builds");
    let batch = [1, 2].map(|number| to(number, SmsMessage::new("a")));
    let results = provider.send_batch(&batch).await;
    assert!(
        results[0].is_ok(),
        "the good number is not taken for a dead one"
    );
    assert_eq!(results[1], Err(Fault::recipient("9")));
}

#[tokio::test]
async fn what_is_left_is_asked() {
    let fake = FakeVendor::start(|_| {
        Reply::json(
            200,
            json!({"payment": "prepaid", "type": "euros", "amount": 9.2}),
        )
    });
    let provider = builder(&fake).build().expect("builds");
    let balance = provider.balance().await.expect("is said");
    assert_eq!(
        (balance.micros, balance.currency.as_deref()),
        (9_200_000, Some("euros"))
    );
    let request = fake.only();
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("GET", "/balance")
    );
    let fake = FakeVendor::start(|_| refused(401, 2));
    let provider = builder(&fake).build().expect("builds");
    assert_eq!(provider.balance().await, Err(Fault::config("2")));
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "message-bird://{KEY}@{host}?from=Other&status_callback=https://example.com/h&name=backup"
    );
    let provider = MessageBirdProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "backup");
    provider
        .send(&to(7, SmsMessage::new("hi")))
        .await
        .expect("is taken");
    assert_eq!(fake.only().json()["originator"], "Other");
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("message-bird://hunter2@default", "from"),
        ("message-bird://default?from=a", "key"),
        ("message-bird://hunter%202@default?from=a", "key"),
        ("message-bird://hunter2@default?from=%20", "from"),
        (
            "message-bird://hunter2@default?from=a&status_callback=http://hunter2",
            "status_callback",
        ),
        (
            "message-bird://hunter2@default?from=a&hunter2=1",
            "parameter",
        ),
    ] {
        let error = MessageBirdProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
