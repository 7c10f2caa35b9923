//! What Twilio is asked.

use super::{ACCOUNT, TOKEN, refused};
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{Overflow, SmsMessage};
use notify_core::notification::Class;
use notify_core::provider::{Envelope, Fault, Price, Provider as _};
use notify_core::{Address, DeliveryId, Message};
use notify_providers::sms::twilio::{TwilioBuilder, TwilioProvider};
use serde_json::json;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|_| Reply::json(201, json!({"sid": "SM1"})))
}

fn builder(fake: &FakeVendor) -> TwilioBuilder {
    let builder = TwilioProvider::builder(ACCOUNT, TOKEN).from("+15550199");
    builder.http(fake.options())
}

fn to(message: SmsMessage) -> Envelope {
    let address = Address::phone("+15550000007");
    let mut envelope = Envelope::new("key", address, Message::new(message));
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
    let receipt = provider.send(&to(SmsMessage::new("hi & bye €"))).await;
    assert_eq!(
        receipt.expect("is taken").message_id.as_deref(),
        Some("SM1")
    );
    let expected = [
        ("To", "+15550000007"),
        ("From", "+15550199"),
        ("Body", "hi & bye €"),
    ];
    assert_eq!(fake.only().form(), fields(&expected));
}

#[tokio::test]
async fn the_receipt_says_what_it_costs_if_the_vendor_does() {
    let said = json!({"sid": "SM1", "num_segments": "3", "price": "-0.02250", "price_unit": "USD"});
    let fake = FakeVendor::start(move |_| Reply::json(201, said.clone()));
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to(SmsMessage::new("hi"))).await;
    let receipt = receipt.expect("is taken");
    assert_eq!(receipt.segments, Some(3));
    assert_eq!(receipt.price, Price::new(22_500, "USD"));

    let said = json!({"sid": "SM1", "num_segments": "1", "price": null, "price_unit": "USD"});
    let fake = FakeVendor::start(move |_| Reply::json(201, said.clone()));
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to(SmsMessage::new("hi"))).await;
    let receipt = receipt.expect("is taken");
    assert_eq!((receipt.segments, receipt.price), (Some(1), None));
}

#[tokio::test]
async fn everything_else_is_passed_on() {
    let fake = fake();
    let provider = builder(&fake)
        .messaging_service("MG1")
        .status_callback("https://example.com/hooks?tenant=a")
        .smart_encoding(true)
        .build()
        .expect("builds");
    let message = SmsMessage::new("hi").with_validity(Duration::from_secs(300));
    provider.send(&to(message)).await.expect("is taken");
    let callback =
        "https://example.com/hooks?tenant=a&delivery_id=00000000-0000-0000-0000-000000000007";
    let expected = [
        ("To", "+15550000007"),
        ("MessagingServiceSid", "MG1"),
        ("Body", "hi"),
        ("ValidityPeriod", "300"),
        ("SmartEncoded", "true"),
        ("StatusCallback", callback),
    ];
    assert_eq!(fake.last().form(), fields(&expected));

    let own = SmsMessage::new("hi")
        .with_sender("Example")
        .with_validity(Duration::from_secs(99_999));
    provider.send(&to(own)).await.expect("is taken");
    let request = fake.last();
    assert_eq!(request.field("From").as_deref(), Some("Example"));
    assert_eq!(request.field("MessagingServiceSid"), None);
    assert_eq!(request.field("ValidityPeriod").as_deref(), Some("36000"));
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "twilio://SK1:secret@{host}?account={ACCOUNT}&from=+15550188&status_callback=https://example.com/h&name=backup"
    );
    let provider = TwilioProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "backup");
    provider
        .send(&to(SmsMessage::new("hi")))
        .await
        .expect("is taken");
    let request = fake.only();
    assert_eq!(
        request.path,
        format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    );
    assert_eq!(
        request.header("authorization"),
        Some("Basic U0sxOnNlY3JldA==")
    );
    assert_eq!(request.field("From").as_deref(), Some("+15550188"));
    let callback = request.field("StatusCallback").expect("a callback");
    assert!(
        callback.starts_with("https://example.com/h?delivery_id="),
        "{callback}"
    );
}

#[tokio::test]
async fn a_long_text_is_cut_split_or_refused() {
    let fake = fake();
    let long = "a".repeat(200);
    let body = || fake.last().field("Body").expect("a text");
    let provider = builder(&fake).build().expect("builds");
    let mut envelope = to(SmsMessage::new(long.as_str()));
    provider.send(&envelope).await.expect("is taken");
    assert_eq!(body(), long, "a receipt is split");
    envelope.class = Class::Marketing;
    provider.send(&envelope).await.expect("is taken");
    assert_eq!(body(), "a".repeat(157) + "...", "marketing is cut");
    let strict = builder(&fake)
        .overflow(Overflow::Reject)
        .build()
        .expect("builds");
    let refused = strict.send(&envelope).await;
    assert_eq!(refused, Err(Fault::request("sms_too_long")));
    assert_eq!(fake.requests().len(), 2, "it was not asked");
}

#[tokio::test]
async fn a_sender_that_came_with_the_message_is_the_messages_fault() {
    let fake = FakeVendor::start(|_| refused(400, 21606));
    let provider = builder(&fake).build().expect("builds");
    let own = SmsMessage::new("hi").with_sender("+15550111");
    assert_eq!(provider.send(&to(own)).await, Err(Fault::request("21606")));
    let usual = provider.send(&to(SmsMessage::new("hi"))).await;
    assert_eq!(usual, Err(Fault::config("21606")));
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("twilio://AC1:hunter2@default", "from"),
        ("twilio://AC1@default?from=+1555", "token"),
        ("twilio://:hunter2@default?from=+1555", "account"),
        ("twilio://AC%2F1:hunter2@default?from=+1555", "account"),
        ("twilio://AC1:@default?from=+1555", "credentials"),
        (
            "twilio://SK1:hunter2@default?account=a/b&from=+1555",
            "account",
        ),
        ("twilio://AC1:hunter2@default?from=%20", "from"),
        (
            "twilio://AC1:hunter2@default?messaging_service=hunter/2",
            "messaging_service",
        ),
        (
            "twilio://AC1:hunter2@default?from=+1555&status_callback=http://hunter2",
            "status_callback",
        ),
        (
            "twilio://AC1:hunter2@default?from=+1555&smart_encoding=hunter2",
            "smart_encoding",
        ),
        (
            "twilio://AC1:hunter2@default?from=+1555&hunter2=1",
            "parameter",
        ),
        ("twilio://AC1:hunter2@?from=+1555", "host"),
    ] {
        let error = TwilioProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
