//! The contract of [`AuditStore`], clause by clause. That a change leaves a row is a clause of the
//! store that makes the change.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::{Actor, AuditEntry, AuditStore};
use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::preference::{PreferenceChange, Setting};
use crate::store::Store;
use crate::testkit::world::at_once;
use crate::testkit::{StoreHarness, clauses, sample};

clauses! {
    /// One test for each clause of [`AuditStore`](crate::audit::AuditStore). Takes an expression that
    /// makes a [`StoreHarness`](crate::testkit::StoreHarness) whose store has one.
    macro $ audit_tests for audit: dyn StoreHarness {
        an_empty_log_has_no_page,
        an_entry_reads_back_whole,
        entries_come_newest_first,
        a_page_has_only_entries_before_the_one_named,
        a_page_has_at_most_so_many_entries,
        pages_neither_repeat_nor_skip_an_entry,
        a_log_shows_only_the_tenants_entries,
        the_sequence_grows_by_one_with_each_entry_of_the_store,
        callers_at_the_same_time_all_leave_an_entry,
        entries_outlive_the_process,
    }
}

const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// One store under test, and what clauses do with it.
struct World {
    store: Arc<dyn Store>,
    audit: Arc<dyn AuditStore>,
}

impl World {
    async fn new(harness: &dyn StoreHarness) -> Self {
        Self::of(harness.open().await)
    }

    fn of(store: Arc<dyn Store>) -> Self {
        let audit = Arc::clone(&store)
            .audit()
            .expect("the store keeps an audit log");
        Self { store, audit }
    }

    /// Leaves an entry: by a change that every store can make.
    async fn act(&self, tenant: &TenantId, operator: &str, subject: &str, at: Timestamp) {
        let change = PreferenceChange::Marketing {
            recipient: subject.into(),
            setting: Setting::No,
        };
        let applied = self
            .store
            .apply(tenant, &change, &Actor::operator(operator), at)
            .await;
        applied.expect("the change is applied");
    }

    async fn act_times(&self, times: u64) {
        for n in 0..times {
            let at = AT + Duration::from_secs(n);
            self.act(&sample::tenant(), "op", &format!("person {n}"), at)
                .await;
        }
    }

    async fn page(&self, before: Option<u64>, limit: u32) -> Vec<AuditEntry> {
        self.audit
            .audit_log(&sample::tenant(), before, limit)
            .await
            .expect("reads")
    }
}

fn subjects(page: &[AuditEntry]) -> Vec<&str> {
    page.iter().map(|entry| entry.subject.as_str()).collect()
}

async fn an_empty_log_has_no_page(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert!(world.page(None, 10).await.is_empty());
    assert!(world.page(Some(7), 10).await.is_empty());
}

async fn an_entry_reads_back_whole(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let at = Timestamp::from_micros(1_800_000_000_123_457);
    let operator = "zoë o'neil \"op\" \\ 👩‍🚀";
    world
        .act(&sample::tenant(), operator, "it's a person", at)
        .await;
    let page = world.page(None, 10).await;
    assert_eq!(page.len(), 1, "{page:?}");
    let sequence = page[0].sequence;
    let expected = AuditEntry::new(
        sequence,
        at,
        sample::tenant(),
        operator,
        "preference.apply",
        "it's a person",
    );
    assert_eq!(page[0], expected);
}

async fn entries_come_newest_first(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.act_times(3).await;
    // The order is that of the commits, not that of the clocks of the callers.
    world
        .act(
            &sample::tenant(),
            "op",
            "late, by an early clock",
            Timestamp::EPOCH,
        )
        .await;
    let page = world.page(None, 10).await;
    let expected = [
        "late, by an early clock",
        "person 2",
        "person 1",
        "person 0",
    ];
    assert_eq!(subjects(&page), expected);
}

async fn a_page_has_only_entries_before_the_one_named(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.act_times(4).await;
    let all = world.page(None, 10).await;
    for (n, entry) in all.iter().enumerate() {
        assert_eq!(world.page(Some(entry.sequence), 10).await, all[n + 1..]);
    }
    assert_eq!(world.page(Some(all[0].sequence + 1), 10).await, all);
    let far = i64::MAX.unsigned_abs();
    assert_eq!(
        world.page(Some(far), 10).await,
        all,
        "before the far future"
    );
}

async fn a_page_has_at_most_so_many_entries(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.act_times(4).await;
    for limit in [0, 1, 3, 4, 5, u32::MAX] {
        assert_eq!(
            world.page(None, limit).await.len(),
            4.min(limit as usize),
            "limit {limit}"
        );
    }
}

async fn pages_neither_repeat_nor_skip_an_entry(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.act_times(7).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = world.page(before, 3).await;
        let Some(last) = page.last() else { break };
        before = Some(last.sequence);
        seen.extend(page);
        // What is written meanwhile does not move the pages that are older.
        world.act(&sample::tenant(), "op", "meanwhile", AT).await;
    }
    let expected = [
        "person 6", "person 5", "person 4", "person 3", "person 2", "person 1", "person 0",
    ];
    assert_eq!(subjects(&seen), expected);
}

async fn a_log_shows_only_the_tenants_entries(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for n in 0..6 {
        let tenant = if n % 2 == 0 {
            sample::tenant()
        } else {
            sample::other_tenant()
        };
        world.act(&tenant, "op", &format!("person {n}"), AT).await;
    }
    assert_eq!(
        subjects(&world.page(None, 2).await),
        ["person 4", "person 2"]
    );
    let page = world.page(None, 10).await;
    assert!(
        page.iter().all(|entry| entry.tenant == sample::tenant()),
        "{page:?}"
    );
    let none = world
        .audit
        .audit_log(&TenantId::new("unknown"), None, 10)
        .await
        .expect("reads");
    assert!(none.is_empty(), "{none:?}");
}

async fn the_sequence_grows_by_one_with_each_entry_of_the_store(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let mut last = None;
    for n in 0..6 {
        let tenant = if n % 2 == 0 {
            sample::tenant()
        } else {
            sample::other_tenant()
        };
        world.act(&tenant, "op", "person", AT).await;
        let page = world
            .audit
            .audit_log(&tenant, None, 1)
            .await
            .expect("reads");
        let next = page.first().expect("the entry just written").sequence;
        assert!(
            last.is_none_or(|last: u64| last + 1 == next),
            "after {last:?} comes {next}"
        );
        last = Some(next);
    }
}

async fn callers_at_the_same_time_all_leave_an_entry(harness: &dyn StoreHarness) {
    let world = Arc::new(World::new(harness).await);
    let act = |n| {
        let world = Arc::clone(&world);
        async move {
            world
                .act(&sample::tenant(), "op", &format!("person {n:02}"), AT)
                .await
        }
    };
    at_once(16, act).await;
    let page = world.page(None, 100).await;
    assert!(
        page.is_sorted_by(|newer, older| newer.sequence > older.sequence),
        "{page:?}"
    );
    let mut found = subjects(&page);
    found.sort_unstable();
    let expected: Vec<_> = (0..16).map(|n| format!("person {n:02}")).collect();
    assert_eq!(found, expected);
}

async fn entries_outlive_the_process(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.act_times(3).await;
    let before = world.page(None, 10).await;
    let again = World::of(harness.reopen().await);
    let expected = if harness.durable() {
        before
    } else {
        Vec::new()
    };
    assert_eq!(again.page(None, 10).await, expected);
}
