//! Messages that AWS really signed in 2013, from the test data of django-bouncy, and messages
//! signed here with the second version.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::json;

use super::super::encoding::base64;
use super::super::tests::at;
use super::*;

const NOTIFICATION: &str = include_str!("notification.json");
const CONFIRMATION: &str = include_str!("confirmation.json");
const CERTIFICATE: &[u8] = include_bytes!("certificate.pem");
/// 2013-10-18T15:50:45Z, when the notification was sent.
const SENT: i64 = 1_382_111_445;
const HOUR: Duration = Duration::from_secs(3_600);

fn parse(json: &str) -> SnsMessage {
    SnsMessage::parse(json.as_bytes()).expect("reads")
}

fn verdict(json: &str) -> Result<(), Refused> {
    parse(json).verify(CERTIFICATE, at(SENT), HOUR)
}

#[test]
fn what_aws_signed_passes() {
    assert_eq!(verdict(NOTIFICATION), Ok(()));
    assert_eq!(verdict(CONFIRMATION), Ok(()));
    let message = parse(NOTIFICATION);
    assert_eq!(message.kind, Kind::Notification);
    assert_eq!(message.message_id, "f34c6922-c3a1-54a1-bd88-23f998b43978");
    assert!(message.topic_arn.ends_with(":Demo_App_Unsubscribes"));
    assert!(
        message
            .message
            .starts_with(r#"{"notificationType":"Bounce""#)
    );
    let url = message.certificate_url().expect("at AWS");
    assert!(url.ends_with("SimpleNotificationService-e372f8ca30337fdb084e8ac449342c77.pem"));
    assert_eq!(
        message.subscribe_url(),
        Err(Refused::Missing("SubscribeURL"))
    );
    let confirm = parse(CONFIRMATION);
    assert!(
        confirm
            .subscribe_url()
            .expect("at AWS")
            .contains("Action=ConfirmSubscription")
    );
}

#[test]
fn any_field_that_was_changed_is_refused() {
    for (json, from, to) in [
        (NOTIFICATION, "username@example.com", "somebody@example.com"),
        (NOTIFICATION, "f34c6922", "f34c6923"),
        (NOTIFICATION, "15:50:45.484Z", "15:50:45.485Z"),
        (NOTIFICATION, ":Demo_App_Unsubscribes\"", ":Other\""),
        (
            NOTIFICATION,
            "\"MessageId\"",
            "\"Subject\": \"\", \"MessageId\"",
        ),
        (NOTIFICATION, "PHAc2BryPY", "PHAc2BryPZ"),
        (
            NOTIFICATION,
            "\"SignatureVersion\" : \"1\"",
            "\"SignatureVersion\" : \"2\"",
        ),
        (
            CONFIRMATION,
            "2336412f37fb687f5d51e6e241d164b05333037a74406d8dba969d354ea74d83709cd31e96da0cd0a3a0ee0e27b1327ffe742b592fbd94724bef9e6b34405815f36381b22a27ba71d23d5e9219ecdc786e8d9a32d028cf2c433403ac5f19a911c8248f581af32bb9459f6f5318aa707cb71f43438cdb0c84fd169d8b803ba5f1\",",
            "0\",",
        ),
        (
            CONFIRMATION,
            "SubscriptionConfirmation",
            "UnsubscribeConfirmation",
        ),
        (
            CONFIRMATION,
            "https://sns.us-east-1.amazonaws.com/?",
            "https://sns.us-east-2.amazonaws.com/?",
        ),
    ] {
        let changed = json.replacen(from, to, 1);
        assert_ne!(changed, json, "{from}");
        assert_eq!(verdict(&changed), Err(Refused::Mismatch), "{from}");
    }
}

#[test]
fn an_old_message_and_one_from_the_future_are_refused() {
    let verdict = |now| parse(NOTIFICATION).verify(CERTIFICATE, at(now), HOUR);
    assert_eq!(verdict(SENT + 3_600), Ok(()));
    assert_eq!(verdict(SENT + 3_601), Err(Refused::Expired));
    assert_eq!(verdict(SENT - 3_600), Ok(()));
    assert_eq!(verdict(SENT - 3_601), Err(Refused::Early));
}

#[test]
fn what_is_no_certificate_verifies_nothing() {
    let malformed = Err(Refused::Malformed("certificate"));
    let cut = &CERTIFICATE[..CERTIFICATE.len() / 2];
    let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for bad in [&b""[..], b"hello", cut, garbage] {
        assert_eq!(parse(NOTIFICATION).verify(bad, at(SENT), HOUR), malformed);
    }
}

#[test]
fn a_body_without_a_signature_is_refused() {
    let raw = SnsMessage::parse(br#"{"notificationType":"Bounce"}"#).expect_err("raw delivery");
    assert_eq!(raw, Refused::Missing("Type"));
    assert_eq!(
        SnsMessage::parse(b"hello").expect_err("no JSON"),
        Refused::Malformed("body")
    );
    for name in [
        "MessageId",
        "Signature",
        "SignatureVersion",
        "SigningCertURL",
        "Timestamp",
    ] {
        let mut json: Value = serde_json::from_str(NOTIFICATION).expect("JSON");
        json.as_object_mut().expect("an object").remove(name);
        let refused = SnsMessage::parse(json.to_string().as_bytes()).expect_err(name);
        assert_eq!(refused, Refused::Missing(name));
    }
    let other = NOTIFICATION.replace("\"Notification\"", "\"Advertisement\"");
    let refused = SnsMessage::parse(other.as_bytes()).expect_err("unknown");
    assert_eq!(refused, Refused::Unsupported("Type"));
}

#[test]
fn certificates_come_from_sns_at_aws_and_nowhere_else() {
    let ok = |url: &str| {
        let json = NOTIFICATION.replace(
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-e372f8ca30337fdb084e8ac449342c77.pem",
            url,
        );
        parse(&json).certificate_url().is_ok()
    };
    for good in [
        "https://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-gov-west-1.amazonaws.com/a.pem",
        "https://sns.cn-north-1.amazonaws.com.cn/a/b.pem",
        "https://sns.ap-southeast-12.amazonaws.com/a.pem",
    ] {
        assert!(ok(good), "{good}");
    }
    for bad in [
        "http://sns.us-east-1.amazonaws.com/a.pem",
        "HTTPS://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com.example.com/a.pem",
        "https://sns.us-east-1.amazonaws.com:8443/a.pem",
        "https://sns.us-east-1.amazonaws.com@example.com/a.pem",
        "https://example.com/sns.us-east-1.amazonaws.com/a.pem",
        "https://example.com#@sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.s3-us-west-2.amazonaws.com/a.pem",
        "https://sns.s3.amazonaws.com/a.pem",
        "https://sns.x.sns.us-east-1.amazonaws.com/a.pem",
        "https://xsns.us-east-1.amazonaws.com/a.pem",
        "https://sns..amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem?x",
        "https://sns.us-east-1.amazonaws.com/a?x=.pem",
        "https://sns.us-east-1.amazonaws.com/a.txt",
        "https://sns.us-east-1.amazonaws.com",
        "https://sns.us-east-1.amazonaws.com\\\\@example.com/a.pem",
        "https://sns.us-east-1.amazonaws.com/ a.pem",
        "",
    ] {
        assert!(!ok(bad), "{bad}");
    }
    let elsewhere = CONFIRMATION.replace(
        "https://sns.us-east-1.amazonaws.com/?",
        "https://example.com/?",
    );
    let verdict = parse(&elsewhere);
    assert_eq!(
        verdict.subscribe_url(),
        Err(Refused::Malformed("SubscribeURL"))
    );
}

/// A key, its certificate and a message with a subject, signed with SHA-256 as SNS does now.
#[test]
fn the_second_version_passes_with_a_subject() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("generates");
    let names = vec!["sns.amazonaws.com".to_owned()];
    let params = CertificateParams::new(names).expect("a name");
    let certificate = params.self_signed(&key).expect("signs").pem();
    let text = "Message\nhello\nMessageId\n1\nSubject\nhi\nTimestamp\n2026-01-01T00:00:00.000Z\nTopicArn\narn:aws:sns:us-east-1:1:t\nType\nNotification\n";
    let pair = rsa::KeyPair::from_pkcs8(&key.serialize_der()).expect("reads");
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
        .expect("signs");
    let mut json = json!({
        "Type": "Notification", "MessageId": "1", "Subject": "hi", "Message": "hello",
        "Timestamp": "2026-01-01T00:00:00.000Z", "TopicArn": "arn:aws:sns:us-east-1:1:t",
        "SignatureVersion": "2", "Signature": base64(&signature),
        "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/a.pem",
    });
    let now = at(1_767_225_600);
    let verdict = |json: &Value| parse(&json.to_string()).verify(certificate.as_bytes(), now, HOUR);
    assert_eq!(verdict(&json), Ok(()));
    json["Subject"] = Value::Null;
    assert_eq!(
        verdict(&json),
        Err(Refused::Mismatch),
        "the subject is signed"
    );
    json["SignatureVersion"] = "3".into();
    assert_eq!(
        verdict(&json),
        Err(Refused::Unsupported("SignatureVersion"))
    );
}
