//! Copies in memory are exact: whoever reads after a change was answered sees it, however many read and change.

use notify_core::preference::{
    PreferenceChange, Settings, Suppression, SuppressionScope, SuppressionSource, SuppressionStore,
};
use notify_core::store::Store;
use notify_core::{Address, ChannelId, PreferenceStore, Recipient, RecipientResolver, TenantId};
use notify_store_sqlite::SqliteStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::world::{ME, NOW, World, cell, put};

/// Someone changes the same thing again and again, and says after each change how often; readers
/// never see less than was said before they began, nor less than they saw before.
async fn readers_keep_up<C, R>(
    change: impl Fn(u64) -> C + Send + 'static,
    read: impl Fn() -> R + Clone + Send + 'static,
) where
    C: Future<Output = ()> + Send,
    R: Future<Output = u64> + Send,
{
    let (said, is_over) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut readers = Vec::new();
    for _ in 0..4 {
        let (said, is_over, read) = (Arc::clone(&said), Arc::clone(&is_over), read.clone());
        readers.push(tokio::spawn(async move {
            let (mut last, mut reads) = (0, 0_u64);
            while !is_over.load(Ordering::Acquire) {
                let before = said.load(Ordering::Acquire);
                let found = read().await;
                assert!(found >= before, "{found} was read after {before} was said");
                assert!(found >= last, "{found} was read after {last}");
                (last, reads) = (found, reads + 1);
                if reads % 16 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            reads
        }));
    }
    for n in 1..=300 {
        change(n).await;
        said.store(n, Ordering::Release);
        if n % 8 == 0 {
            assert_eq!(read().await, n, "the one who changes it sees it");
        }
    }
    is_over.store(true, Ordering::Release);
    for reader in readers {
        assert!(reader.await.expect("a reader") > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_that_begins_after_a_recipient_was_put_sees_it() {
    let world = World::new().await;
    let (store, tenant) = (world.store.clone(), world.tenant.clone());
    let put = move |n| {
        let (store, tenant) = (store.clone(), tenant.clone());
        async move {
            let ada = Recipient::new("ada").with_attribute("n", n);
            put(&store, &tenant, &[ada]).await.expect("is stored");
        }
    };
    let (store, tenant) = (world.store.clone(), world.tenant.clone());
    let read = move || {
        let (store, tenant) = (store.clone(), tenant.clone());
        async move {
            let found = store
                .resolve(&tenant, &["ada".into()])
                .await
                .expect("reads")
                .remove(0);
            found.map_or(0, |ada| ada.attributes()["n"].as_u64().expect("a number"))
        }
    };
    readers_keep_up(put, read).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_that_begins_after_preferences_changed_sees_it() {
    let world = World::new().await;
    let (store, tenant) = (world.store.clone(), world.tenant.clone());
    let apply = move |n| {
        let (store, tenant) = (store.clone(), tenant.clone());
        async move {
            // The person's and the tenant's in turn: the stamp is the sum of both.
            let rules = || PreferenceChange::Tenant {
                settings: Settings::default(),
            };
            let change = if n % 3 == 0 { rules() } else { cell("ada", n) };
            store
                .apply(&tenant, &change, &ME, NOW)
                .await
                .expect("is applied");
        }
    };
    let (store, tenant) = (world.store.clone(), world.tenant.clone());
    let read = move || {
        let (store, tenant) = (store.clone(), tenant.clone());
        async move {
            let found = store
                .load(&tenant, &["ada".into()])
                .await
                .expect("reads")
                .remove(0);
            found.stamp.expect("a stamp").version
        }
    };
    readers_keep_up(apply, read).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_that_begins_after_an_address_was_suppressed_or_lifted_sees_it() {
    let world = World::new().await;
    let hash = world
        .store
        .pepper()
        .address(&Address::email("ada@example.com"));
    // Odd while it changes: then either answer is right.
    let changes = Arc::new(AtomicU64::new(0));
    let (quiet, is_over) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut readers = Vec::new();
    for _ in 0..4 {
        let (store, tenant) = (world.store.clone(), world.tenant.clone());
        let (changes, quiet) = (Arc::clone(&changes), Arc::clone(&quiet));
        let is_over = Arc::clone(&is_over);
        readers.push(tokio::spawn(async move {
            while !is_over.load(Ordering::Acquire) {
                let before = changes.load(Ordering::Acquire);
                let asked = [(ChannelId::EMAIL, hash)];
                let found = store.suppressed(&tenant, &asked).await.expect("reads")[0];
                if before.is_multiple_of(2) && changes.load(Ordering::Acquire) == before {
                    assert_eq!(
                        found.is_some(),
                        before / 2 % 2 == 1,
                        "after {before} changes"
                    );
                    quiet.fetch_add(1, Ordering::AcqRel);
                }
                tokio::task::yield_now().await;
            }
        }));
    }
    for n in 0..200 {
        changes.fetch_add(1, Ordering::AcqRel);
        if n % 2 == 0 {
            let (scope, source) = (SuppressionScope::All, SuppressionSource::Bounce);
            let entry = Suppression::new(ChannelId::EMAIL, hash, scope, source, NOW);
            world
                .store
                .suppress(&world.tenant, &[entry], &ME)
                .await
                .expect("is added");
        } else {
            let (store, tenant) = (&world.store, &world.tenant);
            let lifted = store.lift(tenant, &ChannelId::EMAIL, &hash, &ME, NOW).await;
            assert!(lifted.expect("is lifted"));
        }
        changes.fetch_add(1, Ordering::AcqRel);
        let before = quiet.load(Ordering::Acquire);
        while quiet.load(Ordering::Acquire) < before + 4 && !readers.iter().any(|r| r.is_finished())
        {
            tokio::task::yield_now().await;
        }
    }
    is_over.store(true, Ordering::Release);
    for reader in readers {
        reader.await.expect("a reader");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_that_is_dropped_leaves_no_old_copy() {
    let world = World::new().await;
    for n in 0..100_u64 {
        let (store, tenant) = (world.store.clone(), world.tenant.clone());
        let read = |store: SqliteStore, tenant: TenantId| async move {
            let found = store
                .load(&tenant, &["ada".into()])
                .await
                .expect("reads")
                .remove(0);
            found.stamp.expect("a stamp").version
        };
        read(store.clone(), tenant.clone()).await;
        let apply = {
            let (store, tenant) = (store.clone(), tenant.clone());
            async move { store.apply(&tenant, &cell("ada", n), &ME, NOW).await }
        };
        let task = tokio::spawn(apply);
        for _ in 0..n % 7 {
            read(store.clone(), tenant.clone()).await;
        }
        task.abort();
        let _ = task.await;
        // Whatever became of it, it is over when what came after it is.
        store.check().await.expect("works");
        let stored = world
            .number("SELECT coalesce(sum(version), 0) FROM notify_preferences")
            .await;
        let found = read(store, tenant).await;
        assert_eq!(i64::try_from(found), Ok(stored), "after {n}");
    }
}

#[tokio::test]
async fn what_failed_is_read_as_it_was_before() {
    let world = World::new().await;
    let (store, tenant) = (&world.store, &world.tenant);
    let ids = ["ada".into(), "bob".into()];
    put(store, tenant, &[Recipient::new("ada")])
        .await
        .expect("is stored");
    assert!(store.resolve(tenant, &ids).await.expect("reads")[0].is_some());
    let bad = [
        Recipient::new("bob"),
        Recipient::new("ada").with_email("no mailbox"),
    ];
    put(store, tenant, &bad)
        .await
        .expect_err("does not validate");
    let found = store.resolve(tenant, &ids).await.expect("reads");
    assert!(found[1].is_none(), "none is stored");
    assert!(
        found[0]
            .as_ref()
            .is_some_and(|ada| ada.addresses().is_empty())
    );
}
