//! The log provider: what it writes, and what it keeps to itself.

#![cfg(feature = "log")]

use notify_core::channel::{EmailMessage, SmsMessage};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, ChannelId, Message};
use notify_providers::log::LogProvider;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps the fields of every event as text.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<String>>);

impl Subscriber for Journal {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Line<'a>(&'a mut String);
        impl Visit for Line<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                write!(self.0, "{field}={value:?} ").expect("a String takes every write");
            }
        }
        event.record(&mut Line(&mut self.0.lock().expect("not poisoned")));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

async fn logged(provider: LogProvider, envelope: &Envelope) -> String {
    let journal = Journal::default();
    let _guard = tracing::subscriber::set_default(journal.clone());
    provider.send(envelope).await.expect("logged");
    journal.0.lock().expect("not poisoned").clone()
}

fn mail() -> Envelope {
    Envelope::new(
        "key",
        Address::email("ada@example.org"),
        Message::new(EmailMessage::new("Your code", "123456")),
    )
}

#[tokio::test]
async fn nothing_personal_is_written() {
    let line = logged(LogProvider::new(ChannelId::EMAIL), &mail()).await;
    assert!(
        line.contains("channel=email") && line.contains("delivery=0000") && line.contains("bytes="),
        "{line}"
    );
    for secret in ["ada@", "123456", "Your code"] {
        assert!(!line.contains(secret), "{secret} in {line}");
    }
}

#[tokio::test]
async fn content_is_written_when_it_is_asked_for() {
    let line = logged(LogProvider::new(ChannelId::EMAIL).with_content(), &mail()).await;
    assert!(
        line.contains("ada@example.org") && line.contains("123456"),
        "{line}"
    );
}

#[tokio::test]
async fn only_its_channels_are_taken() {
    let provider = LogProvider::new(ChannelId::EMAIL)
        .and_channel(ChannelId::PUSH)
        .with_name("console");
    assert_eq!(provider.name().as_str(), "console");
    let sms = Envelope::new(
        "key",
        Address::phone("+15550100"),
        Message::new(SmsMessage::new("hello")),
    );
    assert_eq!(
        provider.send(&sms).await.expect_err("refused"),
        Fault::request("wrong_channel")
    );
    assert!(LogProvider::new(ChannelId::SMS).send(&sms).await.is_ok());
}
