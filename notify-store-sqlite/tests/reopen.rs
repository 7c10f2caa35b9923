//! A store that was closed can be opened again at once, and holds what it held.

use notify_core::store::Store as _;
use notify_core::{
    ErrorKind, Recipient, RecipientResolver as _, TenantId, audit::Actor,
    recipient::RecipientStore as _,
};
use notify_store_sqlite::SqliteStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_store_opens_again_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify.db");
    let tenant = TenantId::default();
    for round in 0..50 {
        let store = SqliteStore::open(&path).await.expect("opens again");
        let found = store
            .resolve(&tenant, &["ada".into()])
            .await
            .expect("answers");
        assert_eq!(found[0].is_some(), round > 0);
        store
            .put(&tenant, &[Recipient::new("ada")], &Actor::Application)
            .await
            .expect("stored");
        store.close().await;
    }
}

#[tokio::test]
async fn a_second_open_of_the_same_file_is_refused_and_names_the_way_to_several() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify.db");
    let _first = SqliteStore::open(&path).await.expect("opens");
    let error = SqliteStore::open(&path).await.expect_err("it is open");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("PostgreSQL"), "{error}");
}
