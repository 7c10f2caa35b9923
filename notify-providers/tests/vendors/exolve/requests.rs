//! What Exolve is asked.

use super::{Exolve, KEY};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply};
use notify_core::Message;
use notify_core::channel::SmsMessage;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_providers::sms::Transliteration;
use notify_providers::sms::exolve::{ExolveBuilder, ExolveProvider};
use serde_json::json;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|_| Reply::json(200, json!({"message_id": "439166538239448536"})))
}

fn builder(fake: &FakeVendor) -> ExolveBuilder {
    ExolveProvider::builder(KEY, "+79991112233").http(fake.options())
}

fn to(message: SmsMessage) -> Envelope {
    Envelope::new("key", Exolve::address(7), Message::new(message))
}

#[tokio::test]
async fn a_message_is_json_with_what_it_needs_and_no_more() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to(SmsMessage::new("Код"))).await;
    let id = receipt.expect("is taken").message_id;
    assert_eq!(id.as_deref(), Some("439166538239448536"));
    let expected = json!({"number": "79991112233", "destination": "79160000007", "text": "Код"});
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn everything_else_is_passed_on() {
    let fake = fake();
    let provider = builder(&fake)
        .template(123)
        .transliteration(Transliteration::new().cyrillic())
        .build()
        .expect("builds");
    let message = SmsMessage::new("Код").with_sender("Own");
    provider.send(&to(message)).await.expect("is taken");
    let expected = json!({
        "number": "Own", "destination": "79160000007", "text": "Kod", "template_resource_id": 123,
    });
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn a_validity_cannot_be_kept_and_is_refused() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let message = SmsMessage::new("Код").with_validity(Duration::from_secs(300));
    let refused = provider.send(&to(message)).await;
    assert_eq!(refused, Err(Fault::request("unsupported:validity")));
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn =
        format!("exolve://{KEY}@{host}?from=Example&template=7&name=backup&transliterate=cyrillic");
    let provider = ExolveProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "backup");
    provider
        .send(&to(SmsMessage::new("Код")))
        .await
        .expect("is taken");
    let body = fake.only().json();
    assert_eq!(
        (&body["number"], &body["text"]),
        (&json!("Example"), &json!("Kod"))
    );
    assert_eq!(body["template_resource_id"], 7);
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("exolve://hunter2@default", "from"),
        ("exolve://default?from=a", "key"),
        ("exolve://hunter%202@default?from=a", "key"),
        ("exolve://hunter2@default?from=%20", "from"),
        (
            "exolve://hunter2@default?from=a&template=hunter2",
            "template",
        ),
        ("exolve://hunter2@default?from=a&hunter2=1", "parameter"),
    ] {
        let error = ExolveProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
