//! The contract of [`Provider`], clause by clause, against a vendor that answers as it is told.

mod answers;
mod batch;
mod channel;
mod cut;
mod identity;
mod keys;
mod secrets;

use async_trait::async_trait;
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::address::Address;
use crate::message::Message;
use crate::provider::{Envelope, Fault, FaultKind, Provider, Receipt};
use crate::testkit::clauses;

/// What the vendor behind a provider does with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answer {
    /// Takes it.
    Accept,
    /// Does not know our credentials.
    BadCredentials,
    /// Takes the whole message, and cuts the connection without a word.
    CutAfterWrite,
    /// Reads the whole message, does not take it, and never says anything.
    Hang,
    /// Takes the message, and says something that is no answer.
    Nonsense,
    /// Says that it cannot work now.
    Outage,
    /// Says that it is too much, and asks to be left alone for this long.
    RateLimit(Duration),
    /// Says that there is no such address.
    RejectRecipient,
    /// Says that it will never take this content.
    RejectRequest,
    /// Cannot be connected to, or cuts the connection before anything of the message could be written.
    Unreachable,
}

impl Answer {
    /// Everything but a yes.
    const FAILURES: [Self; 9] = [
        Self::BadCredentials,
        Self::CutAfterWrite,
        Self::Hang,
        Self::Nonsense,
        Self::Outage,
        Self::RateLimit(WAIT),
        Self::RejectRecipient,
        Self::RejectRequest,
        Self::Unreachable,
    ];
}

/// One provider, in front of a vendor that answers as it is told: a server on this machine, or recorded
/// answers. Made anew for each clause.
#[async_trait]
pub trait ProviderHarness: Send + Sync {
    /// The provider; the same one each time.
    fn provider(&self) -> Arc<dyn Provider>;

    /// A message that the vendor takes.
    fn message(&self) -> Message;

    /// An address that the vendor takes; another one each time.
    fn address(&self) -> Address;

    /// What the vendor does with the next message for which nothing is scripted yet. It takes
    /// messages for which nothing is.
    async fn script(&self, answer: Answer);

    /// How many messages the vendor was asked to take, whatever it did with them; those that it
    /// could not be reached for may be missing.
    async fn asked(&self) -> usize;

    /// The addresses of the messages that the vendor took, in order.
    async fn taken(&self) -> Vec<String>;

    /// What must never be printed: passwords, tokens, and DSNs with them.
    fn secrets(&self) -> Vec<String>;

    /// Whether the vendor can answer so at all. Default: yes. A clause about an answer that the vendor
    /// cannot give prints that it was skipped.
    fn can_answer(&self, answer: Answer) -> bool {
        let _ = answer;
        true
    }

    /// Whether the vendor can say how long it wants to be left alone. Default: yes.
    fn says_how_long(&self) -> bool {
        true
    }

    /// Whether the vendor takes or refuses the messages of a batch all together. Default: no.
    fn takes_batches_whole(&self) -> bool {
        false
    }
}

clauses! {
    /// One test for each clause of [`Provider`](crate::provider::Provider). Takes an expression that
    /// makes a [`ProviderHarness`](crate::testkit::provider::ProviderHarness).
    macro $ provider_tests for provider: dyn ProviderHarness {
        identity {
            name_and_capabilities_make_sense,
            name_and_capabilities_never_change,
            it_serves_the_channel_of_its_messages,
            equal_messages_have_equal_batch_keys,
        }
        answers {
            a_good_message_is_taken_once,
            each_message_has_an_id_of_its_own,
            a_dead_address_is_the_recipients_fault,
            bad_content_is_the_requests_fault,
            a_limit_is_the_providers_fault_and_says_how_long,
            a_limit_is_not_waited_for,
            an_outage_is_the_providers_fault,
            bad_credentials_are_a_fault_of_configuration,
            an_unreachable_vendor_is_the_providers_fault,
            an_answer_that_is_none_is_unknown,
            a_failure_is_answered_after_one_attempt,
            after_a_failure_the_next_message_goes,
        }
        channel {
            a_message_of_another_channel_is_refused_before_any_io,
            content_of_another_type_is_refused_before_any_io,
        }
        batch {
            a_batch_is_answered_one_by_one_in_order,
            an_empty_batch_asks_nothing,
            the_largest_batch_is_answered_whole,
            a_message_of_another_channel_in_a_batch_is_refused,
        }
        cut {
            a_vendor_that_never_answers_is_cut_off_in_time,
            a_connection_cut_after_the_message_is_unknown,
            a_call_that_wrote_nothing_says_so,
            a_call_that_wrote_something_says_so,
            a_dropped_call_leaves_the_provider_usable,
            a_call_dropped_at_once_leaves_the_provider_usable,
            calls_at_the_same_time_are_not_mixed_up,
        }
        keys {
            the_same_key_is_the_same_message_where_keys_are_honoured,
            a_resend_after_a_lost_answer_is_the_same_message_where_keys_are_honoured,
            another_key_is_another_message,
        }
        secrets {
            a_fault_holds_no_address_and_no_secret,
            debug_shows_no_secret_and_no_address,
        }
    }
}

/// For how long a vendor here asks to be left alone.
const WAIT: Duration = Duration::from_secs(7);
/// Within which time a call must end that is not told otherwise, of real time.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time of an envelope whose vendor never answers.
const SHORT: Duration = Duration::from_millis(300);

/// One provider under test, and what clauses do with it.
struct World<'a> {
    harness: &'a dyn ProviderHarness,
    provider: Arc<dyn Provider>,
    keys: AtomicU32,
}

impl<'a> World<'a> {
    fn new(harness: &'a dyn ProviderHarness) -> Self {
        Self {
            harness,
            provider: harness.provider(),
            keys: AtomicU32::new(0),
        }
    }

    /// A good message to a new address under a new key.
    fn envelope(&self) -> Envelope {
        let no = self.keys.fetch_add(1, Ordering::Relaxed);
        let key = format!("0190b3c4-0000-7000-8000-{no:012}-0-test");
        Envelope::new(key, self.harness.address(), self.harness.message())
    }

    /// Tells the vendor what to do next; false if it cannot, which is printed.
    async fn script(&self, answer: Answer) -> bool {
        if self.harness.can_answer(answer) {
            self.harness.script(answer).await;
            return true;
        }
        println!(
            "skipped: the vendor of {} cannot answer {answer:?}",
            self.provider.name()
        );
        false
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        in_time(self.provider.send(envelope)).await
    }

    /// Sends a good message, which must be taken.
    async fn accepted(&self) -> (Envelope, Receipt) {
        let envelope = self.envelope();
        let receipt = self.send(&envelope).await.expect("a good message is taken");
        (envelope, receipt)
    }

    /// Sends a good message to a vendor that does this with it; `None` if it cannot.
    async fn failed(&self, answer: Answer) -> Option<(Envelope, Fault)> {
        if !self.script(answer).await {
            return None;
        }
        let mut envelope = self.envelope();
        if answer == Answer::Hang {
            envelope.timeout = SHORT;
        }
        let fault = self.send(&envelope).await;
        let fault = fault.expect_err(&format!("the vendor's answer was {answer:?}"));
        Some((envelope, fault))
    }

    /// Asserts whose fault an answer is.
    async fn assert_fault(&self, answer: Answer, kind: FaultKind) {
        if let Some((_, fault)) = self.failed(answer).await {
            assert_eq!(fault.kind(), kind, "{answer:?} is {fault}");
        }
    }

    /// How often the vendor took a message to this address.
    async fn times_taken(&self, envelope: &Envelope) -> usize {
        let taken = self.harness.taken().await;
        taken
            .iter()
            .filter(|address| *address == envelope.address.expose())
            .count()
    }
}

/// The addresses of these envelopes.
fn addresses<'a>(envelopes: impl IntoIterator<Item = &'a Envelope>) -> BTreeSet<String> {
    envelopes
        .into_iter()
        .map(|envelope| envelope.address.expose().to_owned())
        .collect()
}

/// What a call answers, which must not take longer than [`PATIENCE`].
async fn in_time<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, call)
        .await
        .expect("the call ends in time")
}
