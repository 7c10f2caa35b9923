//! The contract of providers, as far as `a2` lets itself be reached: all but the wire.

use a2::{ErrorBody, ErrorReason, Response};
use async_trait::async_trait;
use notify_a2::{A2Provider, Payload, Transport};
use notify_core::channel::PushMessage;
use notify_core::provider::Provider;
use notify_core::testkit::{Answer, ProviderHarness};
use notify_core::{Address, Message};
use std::collections::VecDeque;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Apple behind the crate: its answers as the crate gives them.
#[derive(Default)]
struct Apple {
    script: Mutex<VecDeque<Answer>>,
    asked: AtomicUsize,
    taken: Mutex<Vec<String>>,
}

fn refused(code: u16, reason: Option<ErrorReason>) -> a2::Error {
    let error = reason.map(|reason| ErrorBody {
        reason,
        timestamp: None,
    });
    a2::Error::ResponseError(Response {
        error,
        apns_id: None,
        code,
    })
}

struct Wire(Arc<Apple>);

#[async_trait]
impl Transport for Wire {
    async fn send(&self, payload: Payload) -> Result<Response, a2::Error> {
        let no = self.0.asked.fetch_add(1, Ordering::SeqCst);
        let next = self.0.script.lock().expect("not poisoned").pop_front();
        let take = || {
            self.0
                .taken
                .lock()
                .expect("not poisoned")
                .push(payload.device().to_owned())
        };
        match next.unwrap_or(Answer::Accept) {
            Answer::Accept => {
                take();
                let apns_id = Some(format!("apns-{no}"));
                Ok(Response {
                    error: None,
                    apns_id,
                    code: 200,
                })
            }
            Answer::BadCredentials => Err(refused(403, Some(ErrorReason::InvalidProviderToken))),
            Answer::CutAfterWrite => {
                take();
                Err(a2::Error::RequestTimeout(20))
            }
            Answer::Hang => pending().await,
            Answer::Nonsense => {
                take();
                // What the crate makes of an answer that it cannot read.
                Err(refused(299, None))
            }
            Answer::Outage => Err(refused(503, Some(ErrorReason::ServiceUnavailable))),
            Answer::RateLimit(_) => Err(refused(429, Some(ErrorReason::TooManyRequests))),
            Answer::RejectRecipient => Err(refused(410, Some(ErrorReason::Unregistered))),
            _ => Err(refused(413, Some(ErrorReason::PayloadTooLarge))),
        }
    }
}

struct Kit {
    apple: Arc<Apple>,
    provider: Arc<A2Provider>,
    addresses: AtomicUsize,
}

impl Kit {
    fn new() -> Self {
        let apple = Arc::new(Apple::default());
        let provider = A2Provider::new(Wire(Arc::clone(&apple)), "com.example.app");
        Self {
            apple,
            provider: Arc::new(provider),
            addresses: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl ProviderHarness for Kit {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::<A2Provider>::clone(&self.provider)
    }

    fn message(&self) -> Message {
        Message::new(PushMessage::new("On its way", "Two parcels."))
    }

    fn address(&self) -> Address {
        let no = self.addresses.fetch_add(1, Ordering::SeqCst);
        Address::device(format!(
            "00fc13adff785122b4ad28809a3420982341241421348097878e577c{no:08x}"
        ))
    }

    async fn script(&self, answer: Answer) {
        self.apple
            .script
            .lock()
            .expect("not poisoned")
            .push_back(answer);
    }

    async fn asked(&self) -> usize {
        self.apple.asked.load(Ordering::SeqCst)
    }

    async fn taken(&self) -> Vec<String> {
        self.apple.taken.lock().expect("not poisoned").clone()
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    /// An error of connecting cannot be made outside of the crate's own client.
    fn can_answer(&self, answer: Answer) -> bool {
        answer != Answer::Unreachable
    }

    fn says_how_long(&self) -> bool {
        false
    }
}

notify_core::provider_tests!(Kit::new());

#[test]
fn a_reason_that_the_crate_cannot_name_goes_by_its_status() {
    // `ExpiredToken` came in 2024 and is lost in the crate's closed list.
    let body = r#"{"reason": "ExpiredToken", "timestamp": 1700000000000}"#;
    assert!(serde_json::from_str::<ErrorBody>(body).is_err());
}
