//! Templates: two parts of a mail for one reader, compiled before.
//!
//! Run with `cargo bench --bench render`.
//!
//! Baseline (two cores, Linux, Rust 1.95, `--quick`): 1.9 µs for a subject and a body of HTML.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use notify_core::channel::{Channel, EmailChannel};
use notify_core::template::{Engine, RenderContext, Template, Templates};
use notify_core::{Locale, Timestamp};
use serde_json::json;
use std::hint::black_box;

fn render(c: &mut Criterion) {
    let templates = Templates::new().add(
        Template::new("order", "email", "en")
            .with_part("subject", "Order {{order}} is on its way")
            .with_part("html", "<p>Hello {{name}}</p>{{#if gift}}<p>A gift.</p>{{/if}}<ul>{{#each items}}<li>{{this}}</li>{{/each}}</ul>"),
    );
    let engine = Engine::compile(&templates).expect("compiles");
    let (locale, fallback) = (Locale::new("en-GB"), Locale::new("en"));
    let template = engine
        .resolve(&"order".into(), &"email".into(), &locale, &fallback)
        .expect("is there");
    let data =
        json!({ "order": "A-17", "name": "Ada", "gift": true, "items": ["tea", "cups", "a pot"] });
    let context = RenderContext::new(&locale, &fallback, Timestamp::EPOCH);
    let channel = EmailChannel::new();
    let mut group = c.benchmark_group("render");
    group.throughput(Throughput::Elements(1));
    group.bench_function("subject and html", |b| {
        b.iter(|| {
            black_box(template.render(channel.parts(), black_box(&data), &context))
                .expect("renders")
        });
    });
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
