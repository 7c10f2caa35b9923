//! What Vonage is asked.

use super::{KEY, SECRET, Vonage, answer, refused, taken};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use notify_core::channel::SmsMessage;
use notify_core::clock::Timestamp;
use notify_core::provider::{Envelope, Fault, Price, Provider as _};
use notify_core::testkit::ManualClock;
use notify_core::{DeliveryId, Message};
use notify_providers::sms::Transliteration;
use notify_providers::sms::vonage::{VonageBuilder, VonageProvider, VonageSignature};
use serde_json::json;
use std::time::Duration;

const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";

fn fake() -> FakeVendor {
    FakeVendor::start(|_| answer(json!([taken("0A1"), taken("0A2")])))
}

fn builder(fake: &FakeVendor) -> VonageBuilder {
    VonageProvider::builder(KEY, SECRET, "+447700900000").http(fake.options())
}

fn to(message: SmsMessage) -> Envelope {
    let mut envelope = Envelope::new("key", Vonage::address(7), Message::new(message));
    envelope.delivery = DeliveryId::from_u128(7);
    envelope
}

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[tokio::test]
async fn a_message_is_a_form_with_what_it_needs_and_no_more() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to(SmsMessage::new("hi & bye"))).await;
    let receipt = receipt.expect("is taken");
    let id = receipt.message_id.as_deref();
    assert_eq!(id, Some("0A1"), "that of the first segment");
    assert_eq!(receipt.segments, Some(2));
    assert_eq!(receipt.price, Price::new(60_000, "EUR"), "of both");
    let expected = [
        ("api_key", KEY),
        ("from", "447700900000"),
        ("to", "447700000007"),
        ("text", "hi & bye"),
        ("client-ref", DELIVERY),
        ("api_secret", SECRET),
    ];
    assert_eq!(fake.only().form(), fields(&expected));
}

#[tokio::test]
async fn everything_else_is_passed_on() {
    let fake = fake();
    let provider = builder(&fake)
        .status_callback("https://example.com/h")
        .build()
        .expect("builds");
    let message = SmsMessage::new("Код")
        .with_sender("Own")
        .with_validity(Duration::from_secs(300));
    provider.send(&to(message)).await.expect("is taken");
    let expected = [
        ("api_key", KEY),
        ("from", "Own"),
        ("to", "447700000007"),
        ("text", "Код"),
        ("type", "unicode"),
        ("client-ref", DELIVERY),
        ("ttl", "300000"),
        ("status-report-req", "1"),
        ("callback", "https://example.com/h"),
        ("api_secret", SECRET),
    ];
    assert_eq!(fake.last().form(), fields(&expected));
    for (seconds, ttl) in [(1, "20000"), (9_999_999, "604800000")] {
        let message = SmsMessage::new("a").with_validity(Duration::from_secs(seconds));
        provider.send(&to(message)).await.expect("is taken");
        assert_eq!(fake.last().field("ttl").as_deref(), Some(ttl));
    }
    let latin = builder(&fake).transliteration(Transliteration::new().cyrillic());
    let latin = latin.build().expect("builds");
    latin
        .send(&to(SmsMessage::new("Код")))
        .await
        .expect("is taken");
    assert_eq!(fake.last().field("text").as_deref(), Some("Kod"));
    assert_eq!(fake.last().field("type"), None);
}

#[tokio::test]
async fn a_signed_request_carries_no_secret() {
    let fake = fake();
    let clock = ManualClock::new(Timestamp::from_micros(1_767_225_600_000_000));
    let provider = builder(&fake)
        .signed(VonageSignature::Sha256, "signature_secret")
        .http(fake.options().clock(clock))
        .build()
        .expect("builds");
    provider
        .send(&to(SmsMessage::new("a=1&b")))
        .await
        .expect("is taken");
    let request = fake.only();
    assert_eq!(request.field("api_secret"), None);
    assert_eq!(request.field("timestamp").as_deref(), Some("1767225600"));
    // Names in order, `&` and `=` of values written as `_`.
    let signed = format!(
        "&api_key={KEY}&client-ref={DELIVERY}&from=447700900000&text=a_1_b&timestamp=1767225600&to=447700000007"
    );
    let tag = sign(
        &Key::new(HMAC_SHA256, b"signature_secret"),
        signed.as_bytes(),
    );
    let sig: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(request.field("sig"), Some(sig));
}

#[tokio::test]
async fn a_sender_that_came_with_the_message_is_the_messages_fault() {
    let fake = FakeVendor::start(|_| answer(json!([refused("15")])));
    let provider = builder(&fake).build().expect("builds");
    let own = provider
        .send(&to(SmsMessage::new("a").with_sender("Own")))
        .await;
    assert_eq!(own, Err(Fault::request("15")));
    let usual = provider.send(&to(SmsMessage::new("a"))).await;
    assert_eq!(usual, Err(Fault::config("15")));
}

#[tokio::test]
async fn what_is_left_is_asked_without_the_secret_in_the_url() {
    let fake =
        FakeVendor::start(|_| Reply::json(200, json!({"value": 10.28, "autoReload": false})));
    let provider = builder(&fake).build().expect("builds");
    let balance = provider.balance().await.expect("is said");
    assert_eq!(balance.micros, 10_280_000);
    assert_eq!(balance.currency.as_deref(), Some("EUR"));
    let request = fake.only();
    assert_eq!(
        (request.path.as_str(), request.query.as_str()),
        ("/account/get-balance", "")
    );
    assert!(
        request
            .header("authorization")
            .expect("a login")
            .starts_with("Basic ")
    );
    let fake = FakeVendor::start(|_| Reply::status(401));
    let provider = builder(&fake).build().expect("builds");
    assert_eq!(provider.balance().await, Err(Fault::config("http_401")));
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "vonage://{KEY}:{SECRET}@{host}?from=Example&name=backup&signature=sha512&signature_secret=s3cr3t&status_callback=https://example.com/h"
    );
    let provider = VonageProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "backup");
    provider
        .send(&to(SmsMessage::new("hi")))
        .await
        .expect("is taken");
    let request = fake.only();
    assert_eq!(request.field("from").as_deref(), Some("Example"));
    assert_eq!(request.field("sig").map(|sig| sig.len()), Some(128));
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    let long = format!(
        "vonage://k:hunter2@default?from=a&status_callback=https://{}",
        "a".repeat(93)
    );
    for (dsn, field) in [
        ("vonage://k:hunter2@default", "from"),
        ("vonage://k@default?from=a", "secret"),
        ("vonage://:hunter2@default?from=a", "key"),
        ("vonage://k:@default?from=a", "secret"),
        ("vonage://k:hunter2@default?from=%20", "from"),
        (
            "vonage://k:hunter2@default?from=a&status_callback=http://hunter2",
            "status_callback",
        ),
        (&long, "status_callback"),
        (
            "vonage://k:hunter2@default?from=a&signature=md5",
            "signature",
        ),
        (
            "vonage://k:hunter2@default?from=a&signature=sha256",
            "signature_secret",
        ),
        (
            "vonage://k:hunter2@default?from=a&signature=sha1&signature_secret=",
            "signature_secret",
        ),
        ("vonage://k:hunter2@default?from=a&hunter2=1", "parameter"),
    ] {
        let error = VonageProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
