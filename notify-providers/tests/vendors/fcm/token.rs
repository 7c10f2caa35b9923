//! The access token: asked for once, renewed in time, replaced once if it is refused.

use super::{asserted, fcm, granted, key_file, refused, unauthenticated};
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::PushMessage;
use notify_core::provider::{Envelope, Fault, Provider as _, Receipt};
use notify_core::{Address, Message};
use notify_providers::push::fcm::FcmProvider;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// FCM with tokens `t-1`, `t-2` …, which it takes until they are withdrawn.
struct World {
    fake: FakeVendor,
    provider: Arc<FcmProvider>,
    clock: Arc<StillClock>,
    withdrawn: Arc<Mutex<BTreeSet<String>>>,
}

fn world() -> World {
    let withdrawn: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let (given, refused) = (AtomicUsize::new(0), Arc::clone(&withdrawn));
    let script = move |request: &Request| {
        if request.path == "/token" {
            asserted(request);
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            return granted(&format!("t-{number}"));
        }
        let bearer = request.header("authorization").expect("a token");
        let token = bearer.strip_prefix("Bearer ").expect("a bearer");
        if refused.lock().expect("not poisoned").contains(token) {
            unauthenticated()
        } else {
            Reply::json(200, json!({"name": format!("projects/p/messages/{token}")}))
        }
    };
    let fake = FakeVendor::start(script);
    let clock = Arc::new(StillClock::default());
    let shared: Arc<StillClock> = Arc::clone(&clock);
    let builder = FcmProvider::builder(key_file(&fake)).http(fake.options().clock(shared));
    World {
        provider: Arc::new(builder.build().expect("builds")),
        fake,
        clock,
        withdrawn,
    }
}

fn envelope() -> Envelope {
    let push = PushMessage::new("t", "b");
    Envelope::new("key", Address::device("token-1"), Message::new(push))
}

impl World {
    async fn send(&self) -> Result<Receipt, Fault> {
        self.provider.send(&envelope()).await
    }

    fn withdraw(&self, token: &str) {
        let mut withdrawn = self.withdrawn.lock().expect("not poisoned");
        withdrawn.insert(token.to_owned());
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// How often a token and how often a message was asked for.
    fn asked(&self) -> (usize, usize) {
        let requests = self.fake.requests();
        let tokens = requests.iter().filter(|one| one.path == "/token").count();
        (tokens, requests.len() - tokens)
    }
}

fn sent_with(token: &str) -> Result<Receipt, Fault> {
    Ok(Receipt::with_message_id(format!(
        "projects/p/messages/{token}"
    )))
}

#[tokio::test]
async fn messages_at_the_same_time_share_one_token_and_its_connections() {
    let world = world();
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        let provider = Arc::clone(&world.provider);
        calls.spawn(async move { provider.send(&envelope()).await });
    }
    for result in calls.join_all().await {
        assert_eq!(result, sent_with("t-1"));
    }
    assert_eq!(world.asked(), (1, 40));
    let requests = world.fake.requests();
    let connections: BTreeSet<_> = requests.iter().map(|one| one.connection).collect();
    assert!(connections.len() <= 2, "{connections:?}");
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let world = world();
    assert_eq!(world.send().await, sent_with("t-1"));
    // 3,599 s, less five minutes.
    world.pass(3_298);
    assert_eq!(world.send().await, sent_with("t-1"));
    world.pass(1);
    assert_eq!(world.send().await, sent_with("t-2"));
    assert_eq!(world.asked(), (2, 3));
}

#[tokio::test]
async fn a_token_that_was_withdrawn_is_replaced_and_the_message_goes() {
    let world = world();
    assert_eq!(world.send().await, sent_with("t-1"));
    world.withdraw("t-1");
    world.pass(60);
    assert_eq!(world.send().await, sent_with("t-2"));
    assert_eq!(world.asked(), (2, 3));
}

#[tokio::test]
async fn a_second_refusal_is_for_an_operator() {
    let world = world();
    assert_eq!(world.send().await, sent_with("t-1"));
    world.withdraw("t-1");
    world.withdraw("t-2");
    world.pass(60);
    let fault = Err(Fault::config("UNAUTHENTICATED"));
    assert_eq!(world.send().await, fault);
    assert_eq!(world.asked(), (2, 3));
    // The token is young: another one would be refused as well.
    assert_eq!(world.send().await, fault);
    assert_eq!(world.asked(), (2, 4));
}

/// A 401 as well, but about what FCM shows to Apple.
#[tokio::test]
async fn a_refusal_by_apple_costs_no_token() {
    let script = |request: &Request| match request.path.as_str() {
        "/token" => granted("t-1"),
        _ => refused(
            401,
            "UNAUTHENTICATED",
            "…",
            &[fcm("THIRD_PARTY_AUTH_ERROR")],
        ),
    };
    let fake = FakeVendor::start(script);
    let clock = Arc::new(StillClock::default());
    let shared: Arc<StillClock> = Arc::clone(&clock);
    let builder = FcmProvider::builder(key_file(&fake)).http(fake.options().clock(shared));
    let provider = builder.build().expect("builds");
    for _ in 0..2 {
        let fault = provider.send(&envelope()).await;
        assert_eq!(fault, Err(Fault::config("THIRD_PARTY_AUTH_ERROR")));
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(fake.requests().len(), 3);
}

/// The first answer was a no, and then the time is up before there was a second call.
#[tokio::test]
async fn a_new_token_that_does_not_come_is_a_definite_failure() {
    let given = AtomicUsize::new(0);
    let fake = FakeVendor::start(move |request| match request.path.as_str() {
        "/token" if given.fetch_add(1, Ordering::SeqCst) == 0 => granted("t-1"),
        "/token" => Reply::hang(),
        _ => unauthenticated(),
    });
    let clock = Arc::new(StillClock::default());
    let shared: Arc<StillClock> = Arc::clone(&clock);
    let builder = FcmProvider::builder(key_file(&fake)).http(fake.options().clock(shared));
    let provider = builder.build().expect("builds");
    let first = provider.send(&envelope()).await;
    assert_eq!(first, Err(Fault::config("UNAUTHENTICATED")));
    clock.advance(Duration::from_secs(60));
    let mut envelope = envelope();
    envelope.timeout = Duration::from_millis(300);
    let fault = provider.send(&envelope).await;
    assert_eq!(fault, Err(Fault::provider("timeout")));
    assert!(envelope.progress.nothing_written());
}

/// A token endpoint that answers so, and no message that is asked for.
async fn without_token(reply: Reply) -> Fault {
    let fake = FakeVendor::start(move |request| {
        assert_eq!(request.path, "/token");
        reply.clone()
    });
    let builder = FcmProvider::builder(key_file(&fake)).http(fake.options());
    let envelope = envelope();
    let provider = builder.build().expect("builds");
    let fault = provider.send(&envelope).await.expect_err("no token");
    assert!(envelope.progress.nothing_written());
    assert_eq!(fake.requests().len(), 1);
    fault
}

#[tokio::test]
async fn no_token_is_never_unknown_and_never_the_messages_fault() {
    let grant = json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."});
    for (reply, fault) in [
        (Reply::json(400, grant), Fault::config("invalid_grant")),
        (Reply::status(401), Fault::config("http_401")),
        (Reply::status(404), Fault::config("http_404")),
        (Reply::status(413), Fault::config("http_413")),
        (Reply::html(503), Fault::provider("http_503")),
        (Reply::status(999), Fault::provider("http_999")),
        (Reply::html(200), Fault::provider("token")),
        (Reply::json(200, json!({})), Fault::provider("token")),
        (granted("t").cut_after(9), Fault::provider("token")),
        (
            Reply::status(429).header("retry-after", "7"),
            Fault::retry_after("http_429", Duration::from_secs(7)),
        ),
        (granted("line\nbreak"), Fault::config("credentials")),
    ] {
        assert_eq!(without_token(reply).await, fault);
    }
}
