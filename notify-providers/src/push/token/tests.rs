//! Tokens: one fetch for many, replaced in time, and never twice for one refusal.

use super::*;
use notify_core::secret::ExposeSecret as _;
use notify_core::testkit::ManualClock;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Tokens `token-1`, `token-2` … for one hour each; the vendor answers when it may.
struct Vendor {
    clock: Arc<ManualClock>,
    tokens: Tokens,
    asked: AtomicUsize,
    may_answer: Semaphore,
}

impl Vendor {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: ManualClock::new(Timestamp::EPOCH),
            tokens: Tokens::new(),
            asked: AtomicUsize::new(0),
            may_answer: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    async fn get(&self) -> Result<String, Fault> {
        self.get_or(None).await
    }

    async fn get_or(&self, failing: Option<Fault>) -> Result<String, Fault> {
        let fetch = || async {
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            let permit = self.may_answer.acquire().await.expect("stays open");
            permit.forget();
            failing.map_or_else(
                || {
                    Ok(Fresh {
                        secret: format!("token-{number}").into(),
                        lifetime: Duration::from_secs(3_600),
                    })
                },
                Err,
            )
        };
        let token = self.tokens.get(&*self.clock, fetch).await?;
        Ok(token.secret.expose_secret().to_owned())
    }

    async fn current(&self) -> Token {
        let fetch = || async { Err(Fault::provider("asked")) };
        self.tokens
            .get(&*self.clock, fetch)
            .await
            .expect("is there")
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn token(number: usize) -> Result<String, Fault> {
    Ok(format!("token-{number}"))
}

#[tokio::test]
async fn a_token_serves_until_shortly_before_its_end() {
    let vendor = Vendor::new();
    assert_eq!(vendor.get().await, token(1));
    vendor.pass(3_299);
    assert_eq!(vendor.get().await, token(1));
    vendor.pass(1);
    assert_eq!(vendor.get().await, token(2));
    assert_eq!(vendor.get().await, token(2));
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_fetch() {
    let vendor = Vendor::new();
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let vendor = Arc::clone(&vendor);
        calls.spawn(async move { vendor.get().await });
    }
    for result in calls.join_all().await {
        assert_eq!(result, token(1));
    }
    assert_eq!(vendor.asked(), 1);
}

#[tokio::test]
async fn those_who_waited_share_the_failure_and_the_next_one_asks_anew() {
    let vendor = Vendor::new();
    vendor.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let vendor = Arc::clone(&vendor);
        calls.spawn(async move { vendor.get_or(Some(Fault::config("invalid_grant"))).await });
    }
    while vendor.asked() == 0 {
        tokio::task::yield_now().await;
    }
    vendor.may_answer.add_permits(1_000);
    for result in calls.join_all().await {
        assert_eq!(result, Err(Fault::config("invalid_grant")));
    }
    assert_eq!(vendor.asked(), 1);
    assert_eq!(vendor.get().await, token(2));
}

#[tokio::test]
async fn a_fetch_that_is_dropped_leaves_its_turn_to_the_next() {
    let vendor = Vendor::new();
    vendor.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    let dropped = Box::pin(vendor.get());
    let _ = tokio::time::timeout(Duration::ZERO, dropped).await;
    assert_eq!(vendor.asked(), 1);
    vendor.may_answer.add_permits(1);
    assert_eq!(vendor.get().await, token(2));
}

#[tokio::test]
async fn while_one_call_renews_the_others_go_on() {
    let vendor = Vendor::new();
    assert_eq!(vendor.get().await, token(1));
    vendor.pass(3_300);
    vendor.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    let mut renewing = Box::pin(vendor.get());
    let pending = tokio::time::timeout(Duration::ZERO, &mut renewing).await;
    assert!(pending.is_err(), "the vendor has not answered");
    assert_eq!(vendor.get().await, token(1));
    assert_eq!(vendor.asked(), 2);
    vendor.may_answer.add_permits(1);
    assert_eq!(renewing.await, token(2));
}

#[tokio::test]
async fn a_renewal_that_fails_or_hangs_costs_nothing_while_the_old_token_is_good() {
    let vendor = Vendor::new();
    assert_eq!(vendor.get().await, token(1));
    vendor.pass(3_300);
    let down = Some(Fault::provider("http_503"));
    assert_eq!(vendor.get_or(down.clone()).await, token(1));
    assert_eq!(vendor.get_or(down.clone()).await, token(1));
    assert_eq!(vendor.asked(), 2, "the next one is not tried at once");
    vendor.pass(31);
    vendor.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    let hanging = async {
        let patience = async {
            vendor.clock.sleepers(1).await;
            vendor.pass(2);
        };
        tokio::join!(vendor.get(), patience).0
    };
    assert_eq!(hanging.await, token(1));
    assert_eq!(vendor.asked(), 3);
    vendor.may_answer.add_permits(10);
    vendor.pass(300);
    assert_eq!(vendor.get_or(down.clone()).await.err(), down);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_unless_it_is_young() {
    let vendor = Vendor::new();
    assert_eq!(vendor.get().await, token(1));
    let first = vendor.current().await;
    assert!(!vendor.tokens.refuse(&*vendor.clock, &first));
    assert_eq!(vendor.get().await, token(1));
    vendor.pass(60);
    assert!(vendor.tokens.refuse(&*vendor.clock, &first));
    assert_eq!(vendor.get().await, token(2));
    // The second of two calls that were refused with the same token.
    assert!(vendor.tokens.refuse(&*vendor.clock, &first));
    assert_eq!(vendor.get().await, token(2));
    assert_eq!(vendor.asked(), 2);
}
