//! The application's own transaction: its commit sends, its rollback sends nothing.

use notify_core::{
    Category, Content, ErrorKind, NotificationRequest, Orchestrator, Recipient,
    RecipientResolver as _,
};
use notify_store_sqlite::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tempfile::TempDir;

struct World {
    folder: TempDir,
    store: SqliteStore,
    notify: Orchestrator,
}

async fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path().join("notify.db"))
        .await
        .expect("opens");
    let notify = Orchestrator::builder(store.clone())
        .category(Category::transactional("account"))
        .build()
        .await
        .expect("builds");
    notify
        .put_recipient(Recipient::new("ada"))
        .await
        .expect("stored");
    World {
        folder,
        store,
        notify,
    }
}

impl World {
    async fn own(&self, synchronous: SqliteSynchronous) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.folder.path().join("notify.db"))
            .synchronous(synchronous)
            .connect()
            .await
            .expect("connects")
    }
}

fn welcome() -> NotificationRequest {
    NotificationRequest::new("welcome", "account")
        .with_content(Content::new("Welcome", "Good to see you."))
        .with_idempotency_key("welcome:ada")
}

#[tokio::test]
async fn a_commit_sends_and_a_rollback_sends_nothing() {
    let world = world().await;
    let mut own = world.own(SqliteSynchronous::Full).await;
    for commits in [false, true] {
        let mut transaction = own.begin_with("BEGIN IMMEDIATE").await.expect("begins");
        let mut within = world
            .store
            .within(&mut transaction)
            .await
            .expect("is in a transaction");
        let report = world
            .notify
            .send_in(&mut within, welcome(), "ada")
            .await
            .expect("accepted");
        assert!(!report.duplicate);
        if commits {
            transaction.commit().await.expect("commits");
        } else {
            transaction.rollback().await.expect("rolls back");
        }
        world.notify.worker().turn().await.expect("turn");
        let unread = world
            .notify
            .inbox("ada")
            .counts()
            .await
            .expect("counts")
            .unread;
        assert_eq!(unread, u64::from(commits));
    }
    let again = world.notify.send(welcome(), "ada").await.expect("accepted");
    assert!(
        again.duplicate,
        "the key was committed with the transaction"
    );
}

#[tokio::test]
async fn a_tenant_that_was_rolled_back_is_stored_when_it_comes_again() {
    let world = world().await;
    let acme = world.notify.tenant("acme");
    // A tenant's templates are read and pinned at its first use, which is no work for an open transaction.
    acme.explain(welcome(), Recipient::new("bob"))
        .await
        .expect("explains");
    let mut own = world.own(SqliteSynchronous::Full).await;
    let mut transaction = own.begin_with("BEGIN IMMEDIATE").await.expect("begins");
    let mut within = world
        .store
        .within(&mut transaction)
        .await
        .expect("is in a transaction");
    acme.send_in(&mut within, welcome(), Recipient::new("bob"))
        .await
        .expect("accepted");
    transaction.rollback().await.expect("rolls back");
    acme.send(welcome(), Recipient::new("bob"))
        .await
        .expect("accepted");
    acme.worker().turn().await.expect("turn");
    assert_eq!(acme.inbox("bob").counts().await.expect("counts").unread, 1);
    let found = world
        .store
        .resolve(&"acme".into(), &["bob".into()])
        .await
        .expect("answers");
    assert!(
        found[0].is_none(),
        "a recipient given in the call is not stored"
    );
}

#[tokio::test]
async fn a_connection_that_could_lose_what_was_accepted_is_refused() {
    let world = world().await;
    let mut outside = world.own(SqliteSynchronous::Full).await;
    let error = world
        .store
        .within(&mut outside)
        .await
        .expect_err("not in a transaction");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let mut loose = world.own(SqliteSynchronous::Normal).await;
    let mut transaction = loose.begin_with("BEGIN IMMEDIATE").await.expect("begins");
    let error = world
        .store
        .within(&mut transaction)
        .await
        .expect_err("not durable");
    assert_eq!(error.kind(), ErrorKind::Config);
    let mut elsewhere = SqliteConnectOptions::new()
        .filename(world.folder.path().join("other.db"))
        .create_if_missing(true)
        .connect()
        .await
        .expect("connects");
    let mut transaction = elsewhere
        .begin_with("BEGIN IMMEDIATE")
        .await
        .expect("begins");
    let error = world
        .store
        .within(&mut transaction)
        .await
        .expect_err("another file");
    assert_eq!(error.field_name(), Some("connection"));
}
