//! The application's own transaction: its commit sends, its rollback sends nothing.

mod support;

use notify_core::delivery::DeliveryStore;
use notify_core::id::IdGenerator;
use notify_core::queue::{Accepted, Handoff, KeyHash, Queue};
use notify_core::store::Transaction;
use notify_core::template::{Template, Templates};
use notify_core::{
    Category, Content, ErrorKind, NotificationRequest, Orchestrator, Recipient,
    RecipientResolver as _,
};
use notify_store_sqlite::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use std::time::Duration;
use support::{START, Sqlite, claim, item, run, tenant};
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
async fn the_first_notification_of_a_tenant_waits_for_no_other_transaction() {
    let world = world().await;
    let acme = world.notify.tenant("acme");
    acme.put_recipient(Recipient::new("ada"))
        .await
        .expect("stored");
    let template = Template::new("welcome", "in_app", "en")
        .with_part("title", "Welcome")
        .with_part("body", "Good to see you.");
    let other = Orchestrator::builder(world.store.clone())
        .category(Category::transactional("account"))
        .templates(Templates::new().add(template))
        .build()
        .await
        .expect("builds")
        .tenant("acme");
    let mut own = world.own(SqliteSynchronous::Full).await;
    let mut transaction = own.begin_with("BEGIN IMMEDIATE").await.expect("begins");
    let mut within = world
        .store
        .within(&mut transaction)
        .await
        .expect("is in a transaction");
    let request = NotificationRequest::new("welcome", "account");
    let sent = other.send_in(&mut within, request, "ada");
    let report = tokio::time::timeout(Duration::from_secs(5), sent)
        .await
        .expect("does not wait for the open transaction")
        .expect("accepted");
    assert!(report.is_going());
    transaction.commit().await.expect("commits");
    assert_eq!(other.worker().turn().await.expect("turn"), 1);
    let page = other.inbox("ada").page(None, 9).await.expect("page");
    assert_eq!(page[0].message.title, "Welcome");
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

async fn found(store: &SqliteStore, id: notify_core::DeliveryId) -> bool {
    DeliveryStore::load(store, &[id]).await.expect("loaded")[0].is_some()
}

#[tokio::test]
async fn the_stores_own_numbers_go_on_after_those_of_a_transaction() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let owner = ids.owner(START);
    let mut own = harness.connect("a.db").await;
    run(&mut own, "CREATE TABLE users (name TEXT)").await;
    for commits in [false, true, false, true] {
        run(&mut own, "BEGIN IMMEDIATE").await;
        run(&mut own, "INSERT INTO users VALUES ('ada')").await;
        let (one, two) = (item(&ids, "ada", START), item(&ids, "bob", START));
        let both = [one.deliveries[0].id, two.deliveries[0].id];
        let mut within = store.within(&mut own).await.expect("a transaction");
        let answers = within.accept(vec![one, two]).await.expect("accepted");
        assert_eq!(answers, [Accepted::New, Accepted::New]);
        assert!(!found(&store, both[0]).await, "not before the commit");
        run(&mut own, if commits { "COMMIT" } else { "ROLLBACK" }).await;
        for id in both {
            assert_eq!(found(&store, id).await, commits);
        }
        store
            .accept(vec![item(&ids, "eve", START)])
            .await
            .expect("accepted");
        let lent = claim(&store, owner, START).await.len();
        assert_eq!(lent, if commits { 3 } else { 1 });
    }
    let users = sqlx::query_scalar("SELECT count(*) FROM users");
    let users: i64 = users.fetch_one(&mut own).await.expect("counted");
    assert_eq!(users, 2, "the application's rows went the same way");
}

#[tokio::test]
async fn names_of_a_transaction_that_was_undone_are_not_remembered() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let mut own = harness.connect("a.db").await;
    run(&mut own, "BEGIN IMMEDIATE").await;
    let mut one = item(&ids, "ada", START);
    one.tenant = "new tenant".into();
    one.deliveries[0].channel = "chat.new".into();
    one.deliveries[0].trace.hit("new rule");
    let mut within = store.within(&mut own).await.expect("a transaction");
    within.accept(vec![one]).await.expect("accepted");
    run(&mut own, "ROLLBACK").await;
    let mut again = item(&ids, "ada", START);
    again.tenant = "another tenant".into();
    again.deliveries[0].channel = "chat.other".into();
    let id = again.deliveries[0].id;
    store.accept(vec![again]).await.expect("accepted");
    let mut read = DeliveryStore::load(&store, &[id]).await.expect("loaded");
    let read = read.remove(0).expect("found");
    assert_eq!(
        (read.tenant.as_str(), read.channel.as_str()),
        ("another tenant", "chat.other")
    );
}

#[tokio::test]
async fn a_key_that_is_taken_is_a_duplicate_and_nothing_is_lent() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let keyed = || {
        let mut one = item(&ids, "ada", START);
        one.key = Some(KeyHash::from_bytes([1; 32]));
        one
    };
    let first = keyed();
    let id = first.id;
    store.accept(vec![first]).await.expect("accepted");
    let mut own = harness.connect("a.db").await;
    run(&mut own, "BEGIN IMMEDIATE").await;
    let mut lent = item(&ids, "ada", START);
    let ttl = Duration::from_secs(60);
    let handoff = Handoff::new(ids.owner(START), ttl, |_| panic!("lent before the commit"));
    lent.deliveries[0].handoff = Some(handoff);
    let mut within = store.within(&mut own).await.expect("a transaction");
    let answers = within.accept(vec![keyed(), lent]).await.expect("answered");
    assert_eq!(answers, [Accepted::Duplicate(id), Accepted::New]);
    run(&mut own, "COMMIT").await;
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 2);
}

#[tokio::test]
async fn what_fails_leaves_the_applications_own_rows() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let first = item(&ids, "ada", START);
    let mut second = item(&ids, "bob", START);
    second.deliveries[0].id = first.deliveries[0].id;
    store.accept(vec![first]).await.expect("accepted");
    let mut own = harness.connect("a.db").await;
    run(&mut own, "CREATE TABLE users (name TEXT)").await;
    run(&mut own, "BEGIN IMMEDIATE").await;
    run(&mut own, "INSERT INTO users VALUES ('bob')").await;
    let mut within = store.within(&mut own).await.expect("a transaction");
    within
        .accept(vec![second])
        .await
        .expect_err("the id is taken");
    run(&mut own, "COMMIT").await;
    let users = sqlx::query_scalar("SELECT count(*) FROM users");
    let users: i64 = users.fetch_one(&mut own).await.expect("counted");
    assert_eq!(users, 1);
    let bob = store.history_count(&tenant(), &"bob".into()).await;
    assert_eq!(bob.expect("counted"), 0);
}

#[tokio::test]
async fn a_transaction_that_goes_on_holds_the_store_up_for_so_long_only() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let config = harness
        .config("a.db")
        .with_busy_timeout(Duration::from_millis(50));
    let store = config.open().await.expect("the store opens");
    let mut own = harness.connect("a.db").await;
    run(&mut own, "BEGIN IMMEDIATE").await;
    let refused = store.accept(vec![item(&ids, "ada", START)]).await;
    assert_eq!(refused.expect_err("busy").kind(), ErrorKind::Busy);
    run(&mut own, "COMMIT").await;
    let accepted = store.accept(vec![item(&ids, "ada", START)]).await;
    assert_eq!(accepted.expect("accepted"), [Accepted::New]);
}

#[tokio::test]
async fn a_full_disk_inside_of_the_applications_transaction_is_said_to_be_full() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let mut own = SqliteConnectOptions::new()
        .filename(harness.path("a.db"))
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .expect("connects");
    // No file of this connection may grow. SQLite undoes the whole transaction when one must.
    run(&mut own, "PRAGMA max_page_count = 1").await;
    run(&mut own, "BEGIN IMMEDIATE").await;
    let many = (0..500).map(|_| item(&ids, "ada", START)).collect();
    let mut within = store.within(&mut own).await.expect("is in a transaction");
    let error = within.accept(many).await.expect_err("there is no room");
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    drop(within);
    let later = vec![item(&ids, "ada", START)];
    assert_eq!(
        store.accept(later).await.expect("accepted"),
        [Accepted::New]
    );
}
