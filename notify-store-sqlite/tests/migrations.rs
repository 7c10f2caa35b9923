//! Files: new ones, old ones, newer ones, ones that others use too, and ones whose migrations somebody changed.

mod support;

use notify_core::delivery::DeliveryStore;
use notify_core::id::IdGenerator;
use notify_core::preference::SuppressionStore;
use notify_core::queue::Queue;
use notify_core::store::Store;
use notify_core::testkit::StoreHarness;
use notify_core::{Address, Error, ErrorKind};
use sqlx::{AssertSqlSafe, Connection, Row};
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;
use support::{START, Sqlite, claim, item, run, tenant};

/// Changes the file by other means.
async fn alter(harness: &Sqlite, sql: &'static str) {
    let mut connection = harness.connect("a.db").await;
    run(&mut connection, sql).await;
    connection.close().await.expect("closed");
}

/// The first column of what a query finds.
async fn texts(harness: &Sqlite, sql: &str) -> Vec<String> {
    let mut connection = harness.connect("a.db").await;
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    let rows = query.fetch_all(&mut connection).await.expect("it reads");
    connection.close().await.expect("closed");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn refusal(harness: &Sqlite) -> Error {
    harness.config("a.db").open().await.expect_err("refused")
}

/// A store that was used and closed.
async fn used(harness: &Sqlite) {
    let (store, ids) = (harness.store().await, IdGenerator::new(1));
    store
        .accept(vec![item(&ids, "ada", START)])
        .await
        .expect("accepted");
    store.close().await;
}

/// Numbers and names of the migrations of this version, as its files say.
fn known() -> Vec<(i64, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let files = fs::read_dir(folder).expect("migrations");
    let mut known: Vec<_> = files
        .map(|file| {
            let name = file
                .expect("a file")
                .file_name()
                .into_string()
                .expect("a name");
            let stem = name.strip_suffix(".sql").expect("SQL");
            let (number, name) = stem.split_once('_').expect("a number and a name");
            (number.parse().expect("a number"), name.to_owned())
        })
        .collect();
    known.sort();
    known
}

const APPLIED: &str =
    "SELECT number || ' ' || name || ' ' || applied_at FROM notify_migrations ORDER BY number";

#[tokio::test]
async fn a_new_file_gets_every_migration_in_order_and_an_old_one_none() {
    let harness = Sqlite::new();
    used(&harness).await;
    let first = texts(&harness, APPLIED).await;
    let at = START.as_micros();
    let expected: Vec<_> = known()
        .iter()
        .map(|(no, name)| format!("{no} {name} {at}"))
        .collect();
    assert_eq!(first, expected);
    assert!(
        (1..).zip(known()).all(|(no, known)| known.0 == no),
        "without a gap"
    );

    harness.pass(Duration::from_secs(3_600));
    const SCHEMA: &str = "SELECT group_concat(sql, ';' ORDER BY name) FROM sqlite_schema";
    let schema = texts(&harness, SCHEMA).await;
    let version = texts(
        &harness,
        "SELECT CAST(schema_version AS TEXT) FROM pragma_schema_version",
    )
    .await;
    harness.store().await.close().await;
    assert_eq!(texts(&harness, APPLIED).await, first);
    assert_eq!(texts(&harness, SCHEMA).await, schema);
    let later = texts(
        &harness,
        "SELECT CAST(schema_version AS TEXT) FROM pragma_schema_version",
    )
    .await;
    assert_eq!(later, version, "nothing was made or changed");
}

#[tokio::test]
async fn every_table_of_a_new_file_has_the_prefix() {
    let harness = Sqlite::new();
    let config = harness.config("a.db").with_table_prefix("app1_");
    config.open().await.expect("opens").close().await;
    let names = texts(
        &harness,
        "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
    )
    .await;
    assert!(names.len() > 20, "{names:?}");
    let others: BTreeSet<_> = names
        .iter()
        .filter(|name| !name.starts_with("app1_"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
    let text = texts(&harness, "SELECT coalesce(sql, '') FROM sqlite_schema").await;
    assert!(
        text.iter().all(|sql| !sql.contains("notify_")),
        "a name in a definition"
    );
}

#[tokio::test]
async fn what_was_stored_is_there_when_the_file_is_opened_again() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(2));
    let store = harness.store().await;
    let address = Address::email("ada@example.com");
    let hash = store.pepper().address(&address);
    let one = item(&ids, "ada", START);
    let id = one.deliveries[0].id;
    store.accept(vec![one]).await.expect("accepted");
    store.close().await;
    assert_eq!(
        store.check().await.expect_err("closed").kind(),
        ErrorKind::Unavailable
    );
    let history = store.history(&tenant(), &"ada".into(), None, 1).await;
    assert_eq!(history.expect_err("closed").kind(), ErrorKind::Unavailable);

    let store = harness.store().await;
    assert_eq!(
        store.pepper().address(&address),
        hash,
        "hashes stay comparable"
    );
    let found = DeliveryStore::load(&store, &[id]).await.expect("loaded");
    assert!(found[0].is_some());
    store
        .accept(vec![item(&ids, "bob", START)])
        .await
        .expect("accepted");
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 2);
}

#[tokio::test]
async fn the_clock_goes_on_from_where_it_was() {
    let harness = Sqlite::new();
    let store = harness.store().await;
    harness.pass(Duration::from_secs(3_600));
    store.check().await.expect("the clock is kept");
    let before = store.clock().now();
    store.close().await;
    harness.clock().set(START);
    let store = harness.store().await;
    assert_eq!(store.clock().now(), before, "not earlier than it was told");
    harness.clock().set(before + Duration::from_secs(1));
    assert_eq!(store.clock().now(), before + Duration::from_secs(1));
}

#[tokio::test]
async fn a_prefix_keeps_stores_and_the_applications_tables_apart() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    alter(&harness, "CREATE TABLE notify_settings (x)").await;
    alter(&harness, "CREATE TABLE users (name TEXT)").await;
    used(&harness).await;
    alter(&harness, "CREATE TABLE notify_more (x)").await;
    alter(&harness, "INSERT INTO users VALUES ('ada')").await;
    let other = harness.config("a.db").with_table_prefix("other_");
    let store = other.clone().open().await.expect("a second store");
    assert!(
        claim(&store, ids.owner(START), START).await.is_empty(),
        "it has nothing of the first"
    );
    store
        .accept(vec![item(&ids, "bob", START)])
        .await
        .expect("accepted");
    store
        .accept(vec![item(&ids, "eve", START)])
        .await
        .expect("accepted");
    store.close().await;
    let store = harness.store().await;
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 1);
    store.close().await;
    let store = other.open().await.expect("the second again");
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 2);
    store.close().await;
    assert_eq!(texts(&harness, "SELECT name FROM users").await, ["ada"]);
}

#[tokio::test]
async fn two_prefixes_of_one_file_are_not_open_at_the_same_time() {
    let harness = Sqlite::new();
    let store = harness.store().await;
    // One file has one writer: the other's commits would wait for ours, and the file's owner would not be known.
    let refused = harness
        .config("a.db")
        .with_table_prefix("other_")
        .open()
        .await;
    let refused = refused.expect_err("the file is open");
    assert_eq!(refused.kind(), ErrorKind::Config);
    assert!(refused.to_string().contains("open"), "{refused}");
    store.check().await.expect("the first is not disturbed");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let harness = Sqlite::new();
    used(&harness).await;
    alter(
        &harness,
        "INSERT INTO notify_migrations VALUES (99, 'later', 0)",
    )
    .await;
    let before = fs::read(harness.path("a.db")).expect("read");
    let refused = refusal(&harness).await;
    assert_eq!(refused.kind(), ErrorKind::Config);
    let text = refused.to_string();
    assert!(text.contains("99") && text.contains("schema"), "{text}");
    assert!(
        fs::read(harness.path("a.db")).expect("read") == before,
        "nothing was changed"
    );
}

#[tokio::test]
async fn migrations_that_are_missing_or_others_are_refused_and_the_file_is_left_alone() {
    for change in [
        "DELETE FROM notify_migrations",
        "DELETE FROM notify_migrations WHERE number = 1",
        "UPDATE notify_migrations SET name = 'another' WHERE number = 1",
        "UPDATE notify_migrations SET number = 0 WHERE number = 1",
        "INSERT INTO notify_migrations VALUES (0, 'before', 0)",
        "DROP TABLE notify_migrations",
    ] {
        let harness = Sqlite::new();
        used(&harness).await;
        alter(&harness, change).await;
        let before = fs::read(harness.path("a.db")).expect("read");
        for _ in 0..2 {
            let refused = refusal(&harness).await;
            assert_eq!(refused.kind(), ErrorKind::Corrupt, "{change}: {refused:?}");
            assert!(
                fs::read(harness.path("a.db")).expect("read") == before,
                "{change}"
            );
        }
    }
}

#[tokio::test]
async fn a_table_of_the_application_in_the_way_is_refused_and_left_alone() {
    let harness = Sqlite::new();
    alter(&harness, "CREATE TABLE notify_inbox (mail TEXT)").await;
    let before = fs::read(harness.path("a.db")).expect("read");
    let refused = refusal(&harness).await;
    assert_eq!(refused.kind(), ErrorKind::Config, "{refused:?}");
    let text = refused.to_string();
    assert!(
        text.contains("notify_inbox") && text.contains("prefix"),
        "{text}"
    );
    let after = fs::read(harness.path("a.db")).expect("read");
    assert_eq!(
        texts(&harness, "SELECT name FROM sqlite_schema").await,
        ["notify_inbox"]
    );
    assert!(before == after, "not even its journal mode was changed");
    let other = harness.config("a.db").with_table_prefix("ntf_");
    other
        .open()
        .await
        .expect("another prefix")
        .check()
        .await
        .expect("it works");
}
