//! The staging wrapper: nobody is reached who was not allowed.

#[path = "support/recorder.rs"]
mod recorder;

use notify_core::channel::EmailMessage;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, Message};
use notify_providers::staging::Staging;
use recorder::Recorder;
use std::sync::Arc;

fn to(address: Address) -> Envelope {
    Envelope::new("key", address, Message::new(EmailMessage::new("s", "t")))
}

fn email(address: &str) -> Envelope {
    to(Address::email(address))
}

const REFUSED: &str = "request fault not_allowed_in_staging";

#[tokio::test]
async fn only_allowed_addresses_are_reached() {
    let recorder = Arc::new(Recorder::default());
    let staging = Staging::shared(recorder.shared())
        .allow(Address::email("Ada@Example.org"))
        .allow_domain("@Example.COM");
    for allowed in [
        "ada@example.org",
        "ADA@EXAMPLE.ORG",
        "bob@example.com",
        "eve@EXAMPLE.com",
    ] {
        staging.send(&email(allowed)).await.expect(allowed);
    }
    for refused in [
        "bob@example.org",
        "ada@sub.example.com",
        "ada@notexample.com",
        "ada@example.com.evil.test",
    ] {
        assert_eq!(
            staging
                .send(&email(refused))
                .await
                .expect_err(refused)
                .to_string(),
            REFUSED
        );
    }
    assert_eq!(
        staging
            .send(&to(Address::phone("+15550100")))
            .await
            .expect_err("refused")
            .to_string(),
        REFUSED
    );
    assert_eq!(
        recorder.addresses(),
        [
            "ada@example.org",
            "ADA@EXAMPLE.ORG",
            "bob@example.com",
            "eve@EXAMPLE.com"
        ]
    );
}

#[tokio::test]
async fn what_is_not_allowed_goes_to_the_team() {
    let recorder = Arc::new(Recorder::default());
    let staging = Staging::shared(recorder.shared())
        .allow_domain("example.com")
        .redirect_to(Address::email("first@example.net"))
        .redirect_to(Address::email("team@example.net"))
        .redirect_to(Address::phone("+15550199"));
    for address in [
        Address::email("real@customer.test"),
        Address::email("ada@example.com"),
        Address::phone("+15550100"),
    ] {
        staging
            .send(&to(address))
            .await
            .expect("redirected or allowed");
    }
    let device = to(Address::device("token"));
    assert_eq!(
        staging
            .send(&device)
            .await
            .expect_err("no address of its kind")
            .to_string(),
        REFUSED
    );
    assert_eq!(
        recorder.addresses(),
        ["team@example.net", "ada@example.com", "+15550199"]
    );
}

#[tokio::test]
async fn a_batch_keeps_its_order_and_misses_nobody() {
    let recorder = Arc::new(Recorder::default());
    let staging = Staging::shared(recorder.shared()).allow_domain("example.com");
    let batch = [
        "a@example.com",
        "b@customer.test",
        "c@example.com",
        "d@customer.test",
    ]
    .map(email);
    let results = staging.send_batch(&batch).await;
    let kinds: Vec<_> = results
        .iter()
        .map(|result| result.as_ref().map(|_| ()).map_err(ToString::to_string))
        .collect();
    assert_eq!(
        kinds,
        [
            Ok(()),
            Err(REFUSED.to_owned()),
            Ok(()),
            Err(REFUSED.to_owned())
        ]
    );
    assert_eq!(recorder.addresses(), ["a@example.com", "c@example.com"]);

    recorder.answer_only(1);
    let results = staging.send_batch(&batch).await;
    assert_eq!(results.len(), 4);
    assert_eq!(results[2], Err(Fault::unknown("short_answer")));
}

#[test]
fn it_is_the_provider_inside_in_all_else() {
    let staging = Staging::new(Recorder::default())
        .allow(Address::email("ada@example.org"))
        .redirect_to(Address::email("team@example.net"));
    assert_eq!(staging.name().as_str(), "recorder");
    assert_eq!(staging.capabilities().batch_max(), 500);
    assert_eq!(staging.batch_key(&email("a@b").message), Some(7));
    let shown = format!("{staging:?}");
    assert!(
        !shown.contains("ada@") && !shown.contains("team@"),
        "{shown}"
    );
}

#[tokio::test]
async fn progress_and_key_pass_through() {
    let staging = Staging::new(Recorder::default()).redirect_to(Address::email("team@example.net"));
    let envelope = email("real@customer.test");
    let receipt = staging.send(&envelope).await.expect("redirected");
    assert_eq!(receipt.message_id.as_deref(), Some("key"));
    assert!(
        envelope.progress.nothing_written(),
        "the provider inside marked it as connecting"
    );
}
