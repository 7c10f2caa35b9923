//! What SNS is asked.

use super::{KEY, REGION, SECRET, Sns, check_signature};
use crate::suite::Vendor as _;
use crate::support::http::FakeVendor;
use notify_core::Message;
use notify_core::channel::SmsMessage;
use notify_core::clock::Timestamp;
use notify_core::notification::Class;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::testkit::ManualClock;
use notify_providers::sms::sns::{SnsBuilder, SnsProvider, SnsSmsType};
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|request| Sns::accept(request, &["567910cd-659e-55d4".to_owned()]))
}

fn builder(fake: &FakeVendor) -> SnsBuilder {
    let clock = ManualClock::new(Timestamp::from_micros(1_767_225_600_000_000));
    let builder = SnsProvider::builder(KEY, SECRET, REGION);
    builder.http(fake.options().clock(clock))
}

fn to(message: SmsMessage) -> Envelope {
    Envelope::new("key", Sns::address(7), Message::new(message))
}

fn attribute(no: u8, name: &str, kind: &str, value: &str) -> Vec<(String, String)> {
    let entry = format!("MessageAttributes.entry.{no}");
    [
        ("Name", name),
        ("Value.DataType", kind),
        ("Value.StringValue", value),
    ]
    .map(|(field, value)| (format!("{entry}.{field}"), value.to_owned()))
    .into()
}

fn publish(text: &str, attributes: &[Vec<(String, String)>]) -> Vec<(String, String)> {
    let mut form: Vec<(String, String)> = [
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("PhoneNumber", "+15550000007"),
        ("Message", text),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    form.extend(attributes.concat());
    form
}

#[tokio::test]
async fn a_message_is_a_signed_form_with_what_it_needs_and_no_more() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to(SmsMessage::new("hi & bye €"))).await;
    let id = receipt.expect("is taken").message_id;
    assert_eq!(id.as_deref(), Some("567910cd-659e-55d4"));
    let request = fake.only();
    check_signature(&request);
    assert_eq!(request.header("x-amz-date"), Some("20260101T000000Z"));
    let kind = attribute(1, "AWS.SNS.SMS.SMSType", "String", "Transactional");
    assert_eq!(request.form(), publish("hi & bye €", &[kind]));
}

#[tokio::test]
async fn everything_else_is_passed_on() {
    let fake = fake();
    let provider = builder(&fake)
        .from("Example")
        .max_price_micros(500_000)
        .session_token("token-of-the-session")
        .build()
        .expect("builds");
    let mut envelope = to(SmsMessage::new("hi"));
    envelope.class = Class::Marketing;
    provider.send(&envelope).await.expect("is taken");
    let request = fake.last();
    check_signature(&request);
    assert_eq!(
        request.header("x-amz-security-token"),
        Some("token-of-the-session")
    );
    let attributes = [
        attribute(1, "AWS.SNS.SMS.SMSType", "String", "Promotional"),
        attribute(2, "AWS.SNS.SMS.SenderID", "String", "Example"),
        attribute(3, "AWS.SNS.SMS.MaxPrice", "Number", "0.5"),
    ];
    assert_eq!(request.form(), publish("hi", &attributes));

    let provider = builder(&fake).sms_type(SnsSmsType::Transactional).build();
    let provider = provider.expect("builds");
    envelope.message = Message::new(SmsMessage::new("hi").with_sender("+15550199"));
    provider.send(&envelope).await.expect("is taken");
    let attributes = [
        attribute(1, "AWS.SNS.SMS.SMSType", "String", "Transactional"),
        attribute(2, "AWS.MM.SMS.OriginationNumber", "String", "+15550199"),
    ];
    assert_eq!(fake.last().form(), publish("hi", &attributes));
}

#[tokio::test]
async fn a_validity_cannot_be_kept_and_is_refused() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let message = SmsMessage::new("hi").with_validity(Duration::from_secs(300));
    let refused = provider.send(&to(message)).await;
    assert_eq!(refused, Err(Fault::request("unsupported:validity")));
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let secret = SECRET.replace('/', "%2F");
    let dsn = format!(
        "sns://{KEY}:{secret}@{host}?region={REGION}&from=Example&type=promotional&max_price_micros=1000000&name=backup"
    );
    let provider = SnsProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "backup");
    provider
        .send(&to(SmsMessage::new("hi")))
        .await
        .expect("is taken");
    let attributes = [
        attribute(1, "AWS.SNS.SMS.SMSType", "String", "Promotional"),
        attribute(2, "AWS.SNS.SMS.SenderID", "String", "Example"),
        attribute(3, "AWS.SNS.SMS.MaxPrice", "Number", "1"),
    ];
    assert_eq!(fake.only().form(), publish("hi", &attributes));
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("sns://k:hunter2@default", "region"),
        ("sns://k:hunter2@default?region=eu/hunter2", "region"),
        ("sns://k@default?region=eu-west-1", "secret_access_key"),
        ("sns://k:@default?region=eu-west-1", "secret_access_key"),
        ("sns://:hunter2@default?region=eu-west-1", "access_key_id"),
        (
            "sns://k:hunter2@default?region=eu-west-1&type=hunter2",
            "type",
        ),
        (
            "sns://k:hunter2@default?region=eu-west-1&session_token=",
            "session_token",
        ),
        (
            "sns://k:hunter2@default?region=eu-west-1&max_price_micros=hunter2",
            "max_price_micros",
        ),
        (
            "sns://k:hunter2@default?region=eu-west-1&hunter2=1",
            "parameter",
        ),
    ] {
        let error = SnsProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let china = SnsProvider::builder("k", "s", "cn-north-1")
        .build()
        .expect("builds");
    assert!(format!("{china:?}").contains("sns.cn-north-1.amazonaws.com.cn"));
}
