//! What MegaFon is asked.

use super::{LOGIN, Megafon, PASSWORD, answer};
use crate::suite::Vendor as _;
use crate::support::http::FakeVendor;
use notify_core::channel::SmsMessage;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{DeliveryId, Message};
use notify_providers::sms::Transliteration;
use notify_providers::sms::megafon::{MegafonBuilder, MegafonProvider};
use serde_json::json;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|_| answer(json!(0), json!("m-1")))
}

fn builder(fake: &FakeVendor) -> MegafonBuilder {
    MegafonProvider::builder(LOGIN, PASSWORD, "Example").http(fake.options())
}

fn to(message: SmsMessage) -> Envelope {
    let mut envelope = Envelope::new("key", Megafon::address(7), Message::new(message));
    envelope.delivery = DeliveryId::from_u128(7);
    envelope
}

#[tokio::test]
async fn a_message_is_json_with_what_it_needs_and_no_more() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to(SmsMessage::new("Код"))).await;
    let id = receipt.expect("is taken").message_id;
    assert_eq!(id.as_deref(), Some("m-1"));
    let expected = json!({"from": "Example", "to": 79_260_000_007_u64, "message": "Код"});
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn everything_else_is_passed_on() {
    let fake = fake();
    let provider = builder(&fake)
        .status_callback("https://example.com/h?secret=s")
        .transliteration(Transliteration::new().cyrillic())
        .build()
        .expect("builds");
    let message = SmsMessage::new("Код").with_sender("Own");
    provider.send(&to(message)).await.expect("is taken");
    let url = "https://example.com/h?secret=s&delivery_id=00000000-0000-0000-0000-000000000007";
    let expected = json!({
        "from": "Own", "to": 79_260_000_007_u64, "message": "Kod", "callback_url": url,
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
    let dsn = format!(
        "megafon://{LOGIN}:{PASSWORD}@{host}?from=Other&name=backup&status_callback=https://example.com/h"
    );
    let provider = MegafonProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "backup");
    provider
        .send(&to(SmsMessage::new("Код")))
        .await
        .expect("is taken");
    assert_eq!(fake.only().json()["from"], "Other");
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("megafon://l:hunter2@default", "from"),
        ("megafon://l@default?from=a", "password"),
        ("megafon://l:@default?from=a", "password"),
        ("megafon://:hunter2@default?from=a", "login"),
        ("megafon://l%3Al:hunter2@default?from=a", "login"),
        ("megafon://l:hunter2@default?from=%20", "from"),
        (
            "megafon://l:hunter2@default?from=a&status_callback=http://hunter2",
            "status_callback",
        ),
        ("megafon://l:hunter2@default?from=a&hunter2=1", "parameter"),
    ] {
        let error = MegafonProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
