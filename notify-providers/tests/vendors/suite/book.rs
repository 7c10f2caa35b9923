//! The fake of any vendor in front of the clauses of `notify_core::testkit::provider`.

use super::Vendor;
use crate::support::canary;
use crate::support::http::{FakeVendor, Reply, Request};
use async_trait::async_trait;
use notify_core::provider::Provider;
use notify_core::testkit::{Answer, ProviderHarness};
use notify_core::{Address, Message};
use std::collections::{HashMap, VecDeque};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What the vendor is to do, and what it was asked.
#[derive(Default)]
struct Book {
    script: VecDeque<Answer>,
    asked: usize,
    ids: usize,
    taken: Vec<String>,
    /// The answers to requests whose messages were taken, by idempotency key.
    by_key: HashMap<String, Reply>,
}

impl Book {
    fn reply<V: Vendor>(&mut self, request: &Request) -> Reply {
        if let Some(reply) = V::aside(request) {
            return reply;
        }
        let to = V::addresses(request);
        assert!(!to.is_empty(), "a request to nobody");
        self.asked += to.len();
        let key = V::key(request);
        if let Some(reply) = key.as_ref().and_then(|key| self.by_key.get(key)) {
            return reply.clone();
        }
        let mut answers = Vec::new();
        for _ in &to {
            let id = format!("id-{}", self.ids);
            self.ids += 1;
            let answer = self.script.pop_front().unwrap_or(Answer::Accept);
            answers.push((answer, id));
        }
        let (reply, taken) = if let Some(reply) = Self::each::<V>(request, &answers) {
            let accepted = |no: &usize| answers[*no].0 == Answer::Accept;
            let places = (0..to.len()).filter(accepted);
            (reply, places.map(|no| to[no].clone()).collect())
        } else {
            let (reply, is_taken) = Self::whole::<V>(request, &answers);
            (reply, if is_taken { to } else { Vec::new() })
        };
        if let (Some(key), false) = (key, taken.is_empty()) {
            // The answer may get lost on the way; the second time it is there.
            let ids: Vec<_> = answers.into_iter().map(|(_, id)| id).collect();
            self.by_key.insert(key, V::accept(request, &ids));
        }
        self.taken.extend(taken);
        reply
    }

    /// The answer to a batch of which some are taken.
    fn each<V: Vendor>(request: &Request, answers: &[(Answer, String)]) -> Option<Reply> {
        let plain = [
            Answer::Accept,
            Answer::RejectRecipient,
            Answer::RejectRequest,
        ];
        let all_plain = answers.iter().all(|(answer, _)| plain.contains(answer));
        let is_mixed = !V::TAKES_BATCHES_WHOLE && answers.len() > 1 && all_plain;
        is_mixed.then(|| V::answer_each(request, answers))
    }

    /// The answer to all messages of a request, and whether they are taken.
    fn whole<V: Vendor>(request: &Request, answers: &[(Answer, String)]) -> (Reply, bool) {
        let ids: Vec<String> = answers.iter().map(|(_, id)| id.clone()).collect();
        match answers[0].0 {
            Answer::BadCredentials => (V::bad_credentials(), false),
            Answer::CutAfterWrite => (Reply::reset(), true),
            Answer::Hang => (Reply::hang(), false),
            Answer::Nonsense => (V::nonsense().expect("the kit has asked"), true),
            Answer::Outage => (V::outage(), false),
            Answer::RateLimit(wait) => (V::rate_limit(wait), false),
            Answer::RejectRecipient => (V::reject_recipient(request), false),
            Answer::RejectRequest => (V::reject_request(request), false),
            _ => (V::accept(request, &ids), true),
        }
    }
}

/// A vendor and its provider, over TLS.
pub struct Harness<V> {
    fake: FakeVendor,
    provider: Arc<dyn Provider>,
    book: Arc<Mutex<Book>>,
    addresses: AtomicUsize,
    vendor: PhantomData<V>,
}

impl<V: Vendor> Harness<V> {
    pub fn new() -> Self {
        canary::watch(V::SECRETS);
        let book: Arc<Mutex<Book>> = Arc::default();
        let shared = Arc::clone(&book);
        // A request that the vendor would not understand poisons the book, and with it the test.
        let script = move |request: &Request| {
            let mut book = shared.lock().expect("the vendor understood all requests");
            book.reply::<V>(request)
        };
        let fake = if V::HTTP2 {
            FakeVendor::start_http2(script)
        } else {
            FakeVendor::start_tls(script)
        };
        Self {
            provider: V::provider(&fake).expect("builds"),
            fake,
            book,
            addresses: AtomicUsize::new(0),
            vendor: PhantomData,
        }
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book
            .lock()
            .expect("the vendor understood all requests")
    }
}

#[async_trait]
impl<V: Vendor> ProviderHarness for Harness<V> {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.provider)
    }

    fn message(&self) -> Message {
        V::message()
    }

    fn address(&self) -> Address {
        V::address_at(&self.fake, self.addresses.fetch_add(1, Ordering::SeqCst))
    }

    async fn script(&self, answer: Answer) {
        if answer == Answer::Unreachable {
            self.fake.unreachable_once().await;
        } else {
            self.book().script.push_back(answer);
        }
    }

    async fn asked(&self) -> usize {
        self.book().asked
    }

    async fn taken(&self) -> Vec<String> {
        self.book().taken.clone()
    }

    fn secrets(&self) -> Vec<String> {
        V::SECRETS
            .iter()
            .map(|secret| (*secret).to_owned())
            .collect()
    }

    fn can_answer(&self, answer: Answer) -> bool {
        let it_can = match answer {
            Answer::Nonsense => V::nonsense().is_some(),
            Answer::RejectRecipient => V::names_dead_addresses(),
            _ => true,
        };
        it_can && V::can_answer(answer)
    }

    fn says_how_long(&self) -> bool {
        V::says_how_long()
    }

    fn takes_batches_whole(&self) -> bool {
        V::TAKES_BATCHES_WHOLE
    }
}
