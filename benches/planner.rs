//! The planner: a request and a snapshot into decisions. Pure.
//!
//! Run with `cargo bench --bench planner`.
//!
//! Baseline (two cores, Linux, Rust 1.95, `--quick`): three steps in 316 ns.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use notify_core::channel::{EmailChannel, InAppChannel, SmsChannel};
use notify_core::planner::{Addressed, Planning, Rules, Snapshot, plan};
use notify_core::preference::{AddressHash, Preferences};
use notify_core::{
    Address, Category, ChannelId, NotificationRequest, Recipient, Route, Timestamp, When,
};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

fn planner(c: &mut Criterion) {
    let mut rules = Rules::default();
    rules.add_channel(Arc::new(EmailChannel::new()));
    rules.add_channel(Arc::new(SmsChannel::new()));
    rules.add_channel(Arc::new(InAppChannel::new()));
    let channels = [ChannelId::IN_APP, ChannelId::EMAIL, ChannelId::SMS];
    rules.set_served(channels.to_vec());
    let addresses = channels
        .iter()
        .map(|c| {
            Addressed::new(
                c.clone(),
                Address::email("ada@example.com"),
                AddressHash::from_bytes([0; 32]),
                None,
            )
        })
        .collect();
    let snapshot = Snapshot::new(
        Some(Recipient::new("ada")),
        Some(Preferences::default()),
        addresses,
        Timestamp::EPOCH,
    );
    let request = NotificationRequest::new("alert", "alerts");
    let category = Category::critical("alerts");
    let route = Route::to(ChannelId::IN_APP)
        .fallback(
            When::NotSeenWithin(Duration::from_secs(600)),
            ChannelId::EMAIL,
        )
        .fallback(When::Failed, ChannelId::SMS);
    let mut group = c.benchmark_group("planner");
    group.throughput(Throughput::Elements(1));
    group.bench_function("three steps", |b| {
        b.iter(|| {
            let planning = Planning {
                rules: &rules,
                request: &request,
                category: &category,
                priority: category.priority(),
                route: &route,
                renderable: &|_| true,
                refused: &[],
                expires_at: None,
            };
            black_box(plan(&planning, black_box(&snapshot)))
        });
    });
    group.finish();
}

criterion_group!(benches, planner);
criterion_main!(benches);
