//! What happens to a call does what it says.

use super::*;
use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::id::RecipientId;
use crate::memory::MemoryStore;
use crate::recipient::Recipient;
use crate::testkit::sample;
use std::time::Duration;

fn faulty() -> Arc<Faulty> {
    Arc::new(Faulty::new(Arc::new(MemoryStore::new())))
}

async fn put(store: &Arc<Faulty>, id: &str) -> Result<()> {
    let recipients = Arc::clone(store).recipients().expect("has a room");
    recipients
        .put(
            &sample::tenant(),
            &[Recipient::new(id)],
            &Actor::Application,
        )
        .await
}

async fn is_there(store: &Faulty, id: &str) -> Result<bool> {
    let found = store
        .resolve(&sample::tenant(), &[RecipientId::from(id)])
        .await?;
    Ok(found[0].is_some())
}

#[tokio::test]
async fn a_refused_call_does_nothing_and_the_next_one_works() {
    let store = faulty();
    store.nth_of(Operation::PutRecipients, 2, Mishap::Refuse(ErrorKind::Full));
    put(&store, "a").await.expect("the first call");
    assert_eq!(
        put(&store, "b").await.expect_err("the second call").kind(),
        ErrorKind::Full
    );
    put(&store, "c").await.expect("the third call");
    assert!(
        is_there(&store, "a").await.expect("reads") && is_there(&store, "c").await.expect("reads")
    );
    assert!(!is_there(&store, "b").await.expect("reads"));
    assert_eq!(
        (store.mishaps(), store.calls_of(Operation::PutRecipients)),
        (1, 3)
    );
}

#[tokio::test]
async fn a_lost_answer_is_of_a_call_that_worked() {
    let store = faulty();
    store.nth(1, Mishap::Lose);
    assert_eq!(
        put(&store, "a").await.expect_err("is lost").kind(),
        ErrorKind::Unknown
    );
    assert!(is_there(&store, "a").await.expect("reads"));
}

#[tokio::test]
async fn a_call_that_hangs_did_its_work_or_not() {
    for done in [false, true] {
        let store = faulty();
        store.nth(1, Mishap::Hang { done });
        let call = tokio::time::timeout(Duration::from_millis(20), put(&store, "a"));
        assert!(call.await.is_err(), "it never returns");
        assert_eq!(is_there(&store, "a").await.expect("reads"), done);
    }
}

#[tokio::test]
async fn what_always_fails_fails_until_it_is_healed() {
    let store = faulty();
    store.always(Operation::Resolve, Mishap::Refuse(ErrorKind::Unavailable));
    for _ in 0..3 {
        let error = is_there(&store, "a").await.expect_err("always fails");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        put(&store, "a").await.expect("another operation");
    }
    store.heal();
    assert!(is_there(&store, "a").await.expect("reads"));
    assert_eq!((store.calls(), store.mishaps()), (7, 3));
}

#[tokio::test]
async fn waiting_is_no_step_of_a_run() {
    let store = faulty();
    store.nth(1, Mishap::Refuse(ErrorKind::Storage));
    store.nth_of(Operation::Wait, 2, Mishap::Hang { done: false });
    store.wake();
    store.wait(Duration::ZERO).await;
    let waits = tokio::time::timeout(Duration::from_millis(20), store.wait(Duration::ZERO));
    assert!(waits.await.is_err(), "the second one hangs");
    assert_eq!((store.calls(), store.calls_of(Operation::Wait)), (0, 2));
    assert!(
        store.depth(Timestamp::EPOCH).await.is_err(),
        "the first call"
    );
    assert_eq!(Operation::Depth.to_string(), "Queue::depth");
}
