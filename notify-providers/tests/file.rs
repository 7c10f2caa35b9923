//! The file provider: whole files, one for each key, and faults that say what to mend.

#![cfg(feature = "file")]

mod support;

use notify_core::ChannelId;
use notify_core::channel::{EmailMessage, SmsMessage};
use notify_core::clock::{Clock, Timestamp};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, Message};
use notify_providers::file::FileProvider;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use support::mail::Part;
use support::{StillClock, envelope, mail_envelope};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn sms(key: &str) -> Envelope {
    Envelope::new(
        key,
        Address::phone("+15550100"),
        Message::new(SmsMessage::new("hello")),
    )
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("readable");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_mail_is_a_file_that_reads_back() {
    let folder = folder();
    let provider = FileProvider::directory(folder.path())
        .with_from("Example <news@example.com>".parse().expect("a mailbox"));
    let mail = mail_envelope(
        "a/b:c",
        "ada@example.org",
        EmailMessage::new("Тема", "Привет"),
    );
    let receipt = provider.send(&mail).await.expect("written");
    assert_eq!(names(folder.path()), ["a=2fb=3ac.eml"]);
    let mail = Part::parse(&fs::read(folder.path().join("a=2fb=3ac.eml")).expect("readable"));
    assert_eq!(mail.header("Subject").as_deref(), Some("Тема"));
    assert_eq!(mail.raw("From"), Some("Example <news@example.com>"));
    assert_eq!(mail.text().trim_end(), "Привет");
    assert_eq!(
        mail.raw("Message-ID").map(|id| id.trim_matches(['<', '>'])),
        receipt.message_id.as_deref()
    );
}

#[tokio::test]
async fn a_second_attempt_replaces_the_first() {
    let folder = folder();
    let provider = FileProvider::directory(folder.path());
    assert!(provider.capabilities().honours_key_for().is_some());
    for _ in 0..2 {
        provider
            .send(&envelope("key", "ada@example.org"))
            .await
            .expect("written");
    }
    assert_eq!(names(folder.path()), ["key.eml"]);
}

#[tokio::test]
async fn a_message_of_another_channel_is_json() {
    let folder = folder();
    let provider = FileProvider::directory(folder.path()).and_channel(ChannelId::SMS);
    provider.send(&sms("key")).await.expect("written");
    let text = fs::read_to_string(folder.path().join("key.json")).expect("readable");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (
            document["channel"].as_str(),
            document["address"]["value"].as_str()
        ),
        (Some("sms"), Some("+15550100"))
    );
    assert_eq!(document["content"]["text"], "hello");
}

#[tokio::test]
async fn a_channel_that_was_not_given_is_refused_before_any_file() {
    let folder = folder();
    let mails_only = FileProvider::directory(folder.path());
    assert_eq!(
        mails_only.send(&sms("key")).await.expect_err("refused"),
        Fault::request("wrong_channel")
    );
    let mbox = FileProvider::mbox(folder.path().join("mbox")).and_channel(ChannelId::SMS);
    assert!(!mbox.capabilities().serves(&ChannelId::SMS));
    assert_eq!(
        mbox.send(&sms("key")).await.expect_err("refused"),
        Fault::request("wrong_channel")
    );
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn an_mbox_keeps_every_mail() {
    let folder = folder();
    let path = folder.path().join("mbox");
    let clock: Arc<StillClock> = Arc::default();
    assert_eq!(clock.now(), Timestamp::from_micros(1_700_000_000_000_000));
    let provider = FileProvider::mbox(&path).with_clock(clock);
    for text in ["From the first\n>From it", "second"] {
        provider
            .send(&mail_envelope(
                "key",
                "ada@example.org",
                EmailMessage::new("s", text),
            ))
            .await
            .expect("written");
    }
    let text = fs::read_to_string(&path).expect("readable");
    let begin = "From notify@localhost Tue Nov 14 22:13:20 2023\n";
    assert_eq!(text.matches(begin).count(), 2, "{text}");
    assert!(text.starts_with(begin) && text.ends_with("\n\n") && !text.contains('\r'));
    assert!(text.contains("\n\n>From the first\n>>From it\n"), "{text}");
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("From "))
            .count(),
        2
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_for_an_operator() {
    let folder = folder();
    let provider = FileProvider::directory(folder.path().join("missing"));
    assert_eq!(
        provider
            .send(&envelope("key", "ada@example.org"))
            .await
            .expect_err("refused"),
        Fault::config("path")
    );
    let occupied = FileProvider::mbox(folder.path());
    assert_eq!(
        occupied
            .send(&envelope("key", "ada@example.org"))
            .await
            .expect_err("refused"),
        Fault::config("path")
    );
    assert!(
        names(folder.path()).is_empty(),
        "nothing half-written is left"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_a_time_are_all_whole() {
    let folder = folder();
    let directory = Arc::new(FileProvider::directory(folder.path()));
    let mbox = Arc::new(FileProvider::mbox(folder.path().join("mbox")));
    let mut sends = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (directory, mbox) = (Arc::clone(&directory), Arc::clone(&mbox));
        sends.spawn(async move {
            // Five attempts for each key, side by side.
            directory
                .send(&envelope(&format!("key-{}", n % 20), "ada@example.org"))
                .await
                .expect("written");
            mbox.send(&envelope(&format!("key-{n}"), "ada@example.org"))
                .await
                .expect("written");
        });
    }
    while let Some(result) = sends.join_next().await {
        result.expect("no panic");
    }
    assert_eq!(names(folder.path()).len(), 20 + 1);
    for n in 0..20 {
        let mail =
            Part::parse(&fs::read(folder.path().join(format!("key-{n}.eml"))).expect("readable"));
        assert_eq!(mail.text().trim_end(), format!("The text of key-{n}."));
    }
    let text = fs::read_to_string(folder.path().join("mbox")).expect("readable");
    assert_eq!(text.split("\n\nFrom ").count(), 100);
}
