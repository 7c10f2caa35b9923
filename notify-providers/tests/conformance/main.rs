//! Every provider of this crate against the contract of `notify_core::provider::Provider`, clause by clause.

#![cfg(all(feature = "file", feature = "log", feature = "smtp"))]

#[path = "../support/mod.rs"]
mod support;

mod files;
mod journal;
mod server;

use notify_core::channel::EmailMessage;
use notify_core::{Address, Message};
use std::sync::atomic::{AtomicUsize, Ordering};

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// An address that no other clause uses.
fn fresh_address() -> Address {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Address::email(format!("reader-{number:06}@example.org"))
}

fn mail() -> Message {
    Message::new(EmailMessage::new("Greetings", "hello\n.\nand goodbye"))
}
