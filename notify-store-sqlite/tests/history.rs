//! Which deliveries a person has, however old: also where the lists of many have been merged.

mod support;

use notify_core::delivery::DeliveryStore;
use notify_core::id::IdGenerator;
use notify_core::queue::Queue;
use sqlx::Connection;
use support::{START, Sqlite, item, tenant};

#[tokio::test]
async fn old_and_young_histories_read_the_same() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    // More than a block of runs, so that the merge of the first has begun.
    let (people, blocks) = (97, 140);
    for block in 0..blocks {
        let person = |no: usize| format!("person-{}", (block * 500 + no) % people);
        let batch = (0..500).map(|no| item(&ids, &person(no), START)).collect();
        store.accept(batch).await.expect("accepted");
    }
    let mut other = harness.connect("a.db").await;
    let merged: i64 = sqlx::query_scalar("SELECT count(*) FROM notify_history WHERE run < 0")
        .fetch_one(&mut other)
        .await
        .expect("counted");
    other.close().await.expect("closed");
    assert!(merged > 0, "the merge has begun");
    let mut total = 0;
    for person in 0..people {
        let person = format!("person-{person}").into();
        let count = store
            .history_count(&tenant(), &person)
            .await
            .expect("counted");
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = store
                .history(&tenant(), &person, before, 300)
                .await
                .expect("history");
            assert!(page.iter().all(|delivery| delivery.recipient == person));
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            seen.extend(page.iter().map(|delivery| delivery.id));
        }
        assert!(
            seen.is_sorted_by(|newer, older| newer > older),
            "newest first, none twice"
        );
        assert_eq!(seen.len() as u64, count);
        total += count;
    }
    assert_eq!(total, blocks as u64 * 500);
}
