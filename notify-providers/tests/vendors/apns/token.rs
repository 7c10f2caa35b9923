//! The provider token: signed seldom, and anew when Apple calls it expired.

use super::{Apns, builder, refused, signed_at};
use crate::suite::Vendor as _;
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Request};
use notify_core::channel::PushMessage;
use notify_core::provider::{Envelope, Fault, Provider as _, Receipt};
use notify_core::{Address, Message};
use notify_providers::push::apns::ApnsProvider;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// When the tests begin.
const START: i64 = 1_700_000_000;

/// Apple, for which tokens signed before an instant have expired.
struct World {
    fake: FakeVendor,
    provider: Arc<ApnsProvider>,
    clock: Arc<StillClock>,
    oldest: Arc<AtomicI64>,
}

fn world() -> World {
    let oldest = Arc::new(AtomicI64::new(0));
    let limit = Arc::clone(&oldest);
    let fake = FakeVendor::start(move |request| {
        if signed_at(request) < limit.load(Ordering::SeqCst) {
            refused(403, "ExpiredProviderToken")
        } else {
            Apns::accept(request, &[])
        }
    });
    let clock = Arc::new(StillClock::default());
    let shared: Arc<StillClock> = Arc::clone(&clock);
    let provider = builder(&fake).http(fake.options().clock(shared)).build();
    World {
        provider: Arc::new(provider.expect("builds")),
        fake,
        clock,
        oldest,
    }
}

fn envelope() -> Envelope {
    let push = PushMessage::new("t", "b");
    Envelope::new("key", Address::device("00ff"), Message::new(push))
}

impl World {
    async fn send(&self) -> Result<Receipt, Fault> {
        self.provider.send(&envelope()).await
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Tokens signed before so many seconds after the start have expired.
    fn expire(&self, seconds: i64) {
        self.oldest.store(START + seconds, Ordering::SeqCst);
    }

    /// When the tokens of all requests were signed, in seconds after the start.
    fn signed(&self) -> Vec<i64> {
        let requests = self.fake.requests();
        let signed = |request: &Request| signed_at(request) - START;
        requests.iter().map(signed).collect()
    }
}

#[tokio::test]
async fn one_token_serves_all_calls_for_fifty_minutes() {
    let world = world();
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let provider = Arc::clone(&world.provider);
        calls.spawn(async move { provider.send(&envelope()).await });
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    world.pass(50 * 60 - 1);
    world.send().await.expect("is taken");
    let requests = world.fake.requests();
    let tokens: BTreeSet<_> = requests
        .iter()
        .map(|request| request.header("authorization"))
        .collect();
    assert_eq!((requests.len(), tokens.len()), (21, 1));
    world.pass(1);
    world.send().await.expect("is taken");
    assert_eq!(world.signed().last(), Some(&3_000));
}

#[tokio::test]
async fn an_expired_token_is_signed_anew_and_the_message_goes() {
    let world = world();
    world.send().await.expect("is taken");
    world.pass(20 * 60);
    world.expire(1);
    world.send().await.expect("is taken");
    world.send().await.expect("is taken");
    assert_eq!(world.signed(), [0, 0, 1_200, 1_200]);
}

#[tokio::test]
async fn nothing_is_signed_more_often_than_apple_allows() {
    let world = world();
    world.send().await.expect("is taken");
    world.pass(20 * 60 - 1);
    // Apple's clock is ahead of ours.
    world.expire(10_000);
    let fault = Err(Fault::config("ExpiredProviderToken"));
    assert_eq!(world.send().await, fault);
    assert_eq!(world.signed(), [0, 0]);
    world.pass(1);
    assert_eq!(world.send().await, fault, "once, and not again");
    assert_eq!(world.send().await, fault);
    assert_eq!(world.signed(), [0, 0, 0, 1_200, 1_200]);
}
