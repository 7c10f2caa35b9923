//! What the tests of this crate share: a server that does what it is told, certificates, and
//! readers of mail that are not ours.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of it"
)]

#[cfg(feature = "_http")]
pub mod canary;
pub mod certificate;
pub mod dkim;
#[cfg(feature = "_http")]
pub mod http;
#[cfg(feature = "_http")]
pub mod jwt;
pub mod mail;
pub mod postfix;
pub mod server;

use async_trait::async_trait;
use notify_core::channel::EmailMessage;
use notify_core::clock::{Clock, Monotonic, Timestamp};
use notify_core::provider::Envelope;
use notify_core::{Address, Message};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A mail to `to`, with a text.
pub fn envelope(key: &str, to: &str) -> Envelope {
    mail_envelope(
        key,
        to,
        EmailMessage::new("Greetings", format!("The text of {key}.")),
    )
}

/// This mail to `to`.
pub fn mail_envelope(key: &str, to: &str, mail: EmailMessage) -> Envelope {
    Envelope::new(key, Address::email(to), Message::new(mail))
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct StillClock(AtomicU64);

impl StillClock {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(
            u64::try_from(by.as_micros()).expect("short"),
            Ordering::SeqCst,
        );
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000) + self.elapsed()
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_start(self.elapsed())
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}
