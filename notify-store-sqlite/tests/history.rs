//! Which deliveries a person has, however old: also where the lists of many have been merged.

mod support;

use notify_core::delivery::DeliveryStore;
use notify_core::id::IdGenerator;
use notify_core::queue::{Queue, Retention};
use sqlx::Connection;
use support::{START, Sqlite, item, run, tenant};

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

#[tokio::test]
async fn what_was_accepted_after_younger_ones_is_on_the_first_page() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    // Both were planned at the same time, and the commit of the second overtook that of the first.
    let (first, second) = (item(&ids, "ada", START), item(&ids, "bob", START));
    let expected = first.deliveries[0].id;
    for one in [second, first] {
        store.accept(vec![one]).await.expect("accepted");
    }
    let page = store.history(&tenant(), &"ada".into(), None, 10).await;
    let page: Vec<_> = page.expect("history").iter().map(|one| one.id).collect();
    assert_eq!(page, [expected]);
}

#[tokio::test]
async fn histories_that_no_accept_of_the_writer_merged_are_merged_by_sweeping() {
    let harness = Sqlite::new();
    let store = harness.store().await;
    let mut other = harness.connect("a.db").await;
    // As transactions of the application leave them: 64 young runs of all buckets, and later numbers.
    run(
        &mut other,
        "INSERT INTO notify_history (run, bucket, tenant, recipient, no)
         WITH RECURSIVE n (no) AS (VALUES (1) UNION ALL SELECT no + 16 FROM n WHERE no < 65519)
         SELECT no >> 10, no / 16 % 64, 1, 'ada', no FROM n",
    )
    .await;
    run(
        &mut other,
        "INSERT INTO notify_jobs (no, tenant, kind, subject, payload) VALUES (65536, 1, 1, x'00', x'')",
    )
    .await;
    let mut calls = 0;
    while store
        .sweep(START, &Retention::default())
        .await
        .expect("swept")
        .more
    {
        calls += 1;
    }
    let runs: Vec<(i64, i64)> =
        sqlx::query_as("SELECT run, count(*) FROM notify_history GROUP BY run")
            .fetch_all(&mut other)
            .await
            .expect("counted");
    assert_eq!(runs, [(-1, 4_096)]);
    assert_eq!(calls, 16, "each call does a part");
}
