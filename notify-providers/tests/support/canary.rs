//! Listens to everything that this process logs, at every level, and ends it when a secret is among it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::{Debug, Write as _};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, RwLock};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static SECRETS: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());
static HEARD: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// A vendor's own logs are the vendor's affair.
    static IS_VENDOR: Cell<bool> = const { Cell::new(false) };
}

/// From now on none of these may be logged by anybody.
pub fn watch(secrets: &[&'static str]) {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| {
        tracing::subscriber::set_global_default(Canary).expect("nobody else listens");
        log::set_logger(&Canary).expect("nobody else listens");
        log::set_max_level(log::LevelFilter::Trace);
    });
    let mut known = SECRETS.write().expect("not poisoned");
    known.extend(secrets);
}

/// What this thread logs is not ours.
pub fn is_vendor() {
    IS_VENDOR.set(true);
}

/// How many lines were looked at.
pub fn heard() -> u64 {
    HEARD.load(Ordering::SeqCst)
}

/// Ends the process if there is a secret in it: a panic could be swallowed where it was logged.
fn listen(target: &str, text: &str) {
    if IS_VENDOR.get() {
        return;
    }
    HEARD.fetch_add(1, Ordering::SeqCst);
    let known = SECRETS.read().expect("not poisoned");
    if let Some(secret) = known.iter().find(|secret| text.contains(**secret)) {
        eprintln!("{target} logged the secret {secret}: {text}");
        process::exit(101);
    }
}

struct Canary;

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).expect("a string takes all");
    }
}

impl Subscriber for Canary {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = Text::default();
        span.record(&mut text);
        listen(span.metadata().target(), &text.0);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut text = Text::default();
        values.record(&mut text);
        listen("a span", &text.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        listen(event.metadata().target(), &text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl log::Log for Canary {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        listen(record.target(), &record.args().to_string());
    }

    fn flush(&self) {}
}
