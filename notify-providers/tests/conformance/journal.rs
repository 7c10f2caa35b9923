//! The log provider. A log takes everything: answers that are failures cannot be had.

use super::{fresh_address, mail};
use async_trait::async_trait;
use notify_core::provider::Provider;
use notify_core::testkit::{Answer, ProviderHarness};
use notify_core::{Address, ChannelId, Message};
use notify_providers::log::LogProvider;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, Once};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The addresses of everything that any clause of this process logged.
static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());
static INSTALL: Once = Once::new();

struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "notify_providers::log"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Addresses;
        impl Visit for Addresses {
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "address" {
                    LOGGED.lock().expect("not poisoned").push(value.to_owned());
                }
            }

            fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
        }
        event.record(&mut Addresses);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Knows which of the logged addresses are its own: it gave them out.
struct Log {
    provider: Arc<dyn Provider>,
    given: Mutex<Vec<String>>,
}

impl Log {
    fn new() -> Self {
        INSTALL.call_once(|| {
            tracing::subscriber::set_global_default(Collector).expect("the only one")
        });
        let provider = LogProvider::new(ChannelId::EMAIL).with_content();
        Self {
            provider: Arc::new(provider),
            given: Mutex::default(),
        }
    }
}

#[async_trait]
impl ProviderHarness for Log {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.provider)
    }

    fn message(&self) -> Message {
        mail()
    }

    fn address(&self) -> Address {
        let address = fresh_address();
        self.given
            .lock()
            .expect("not poisoned")
            .push(address.expose().to_owned());
        address
    }

    async fn script(&self, _: Answer) {}

    async fn asked(&self) -> usize {
        self.taken().await.len()
    }

    async fn taken(&self) -> Vec<String> {
        let given = self.given.lock().expect("not poisoned");
        let logged = LOGGED.lock().expect("not poisoned");
        logged
            .iter()
            .filter(|address| given.contains(address))
            .cloned()
            .collect()
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    fn can_answer(&self, answer: Answer) -> bool {
        answer == Answer::Accept
    }
}

notify_core::provider_tests!(Log::new());
