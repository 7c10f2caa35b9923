//! A provider without a vendor: it answers as it is told, and remembers what it was asked.

use async_trait::async_trait;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

use crate::channel::{ChatMessage, EmailMessage, InAppMessage, PushMessage, SmsMessage};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::id::{ChannelId, ProviderName};
use crate::message::{Message, WrongBody};
use crate::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use crate::testkit::{Answer, FakeWebhook};

/// A provider without a vendor. Clones share what they were asked, so that a test keeps one.
///
/// It takes every message, unless a script says otherwise: for the next messages with
/// [`script`](Self::script), or for those to one address with [`script_for`](Self::script_for).
/// What it took is checked with [`assert_sent`](crate::testkit::assert_sent).
///
/// ```
/// use notify_core::provider::{Envelope, FaultKind, Provider};
/// use notify_core::testkit::{Answer, FakeProvider, assert_sent, sample};
/// use notify_core::{Address, ChannelId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let fake = FakeProvider::new("fake", ChannelId::EMAIL);
/// fake.script([Answer::Outage]);
///
/// let envelope = Envelope::new("1", Address::email("ada@example.com"), sample::email("Hello Ada"));
/// let fault = fake.send(&envelope).await.expect_err("scripted");
/// assert_eq!(fault.kind(), FaultKind::Provider { retry_after: None });
/// assert!(fake.send(&envelope).await.is_ok());
///
/// assert_sent(&fake).to("ada@example.com").containing("Hello").once();
/// assert_eq!(fake.calls().len(), 2);
/// # }
/// ```
#[derive(Clone)]
pub struct FakeProvider {
    name: ProviderName,
    able: Capabilities,
    clock: Arc<dyn Clock>,
    latency: Duration,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    held: watch::Sender<bool>,
    under_way: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    otherwise: Option<Act>,
    script: VecDeque<Act>,
    scripts: HashMap<String, VecDeque<Act>>,
    calls: Vec<Call>,
    keys: HashMap<Arc<str>, (Receipt, Timestamp)>,
    batches: Vec<usize>,
    answers_of_batches: Option<usize>,
}

/// What a [`FakeProvider`] does with one message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// What a vendor does.
    Answer(Answer),
    /// Fails with this fault, without taking the message.
    Fault(Fault),
    /// Takes the message, with this receipt.
    Receipt(Receipt),
    /// Panics: what no provider should do.
    Panic,
    /// Never returns, whatever the envelope says of time: what no provider should do.
    Stuck {
        /// Whether something of the message was written before.
        written: bool,
    },
}

impl From<Answer> for Act {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// One call of a [`FakeProvider`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// What it was asked to send.
    pub envelope: Envelope,
    /// When, by its clock.
    pub at: Timestamp,
    /// Whether the message went out by this call.
    pub taken: bool,
    /// What it answered; `None` while the call is under way, and if it was dropped.
    pub result: Option<Result<Receipt, Fault>>,
}

impl Call {
    /// The address, and so the recipient's id for in-app messages.
    #[must_use]
    pub fn to(&self) -> &str {
        self.envelope.address.expose()
    }

    /// Every text of the message, one on each line.
    #[must_use]
    pub fn text(&self) -> String {
        let mut texts = Vec::new();
        if let Ok(json) = self.envelope.message.to_json() {
            collect(&json, &mut texts);
        }
        texts.join("\n")
    }
}

/// Every text in a piece of JSON.
fn collect(json: &serde_json::Value, texts: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        serde_json::Value::Object(fields) => {
            fields.values().for_each(|field| collect(field, texts));
        }
        _ => {}
    }
}

impl FakeProvider {
    /// A provider of one channel that takes every message at once.
    #[must_use]
    pub fn new(name: impl Into<ProviderName>, channel: impl Into<ChannelId>) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            held: watch::Sender::new(false),
            under_way: watch::Sender::new(0),
        };
        Self {
            name: name.into(),
            able: Capabilities::for_channel(channel),
            clock: Arc::new(SystemClock::new()),
            latency: Duration::ZERO,
            shared: Arc::new(shared),
        }
    }

    /// With these capabilities. With idempotency keys, the same key within their life is one message;
    /// with batches, all messages may share one.
    #[must_use]
    pub fn with_capabilities(mut self, able: Capabilities) -> Self {
        self.able = able;
        self
    }

    /// This provider, which now says that its vendor reports and passes answers on, and the webhook by which it does.
    #[must_use]
    pub fn reporting(mut self, secret: &str) -> (Self, FakeWebhook) {
        self.able = self.able.with_reports(true).with_answers(true);
        let webhook = FakeWebhook::new(self.name.clone(), secret);
        (self, webhook)
    }

    /// By this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes this long for each message, by its clock.
    #[must_use]
    pub const fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// What it does with messages that no script speaks of. Default: it takes them.
    #[must_use]
    pub fn otherwise(self, act: impl Into<Act>) -> Self {
        self.set_otherwise(act);
        self
    }

    /// From now on, what it does with messages that no script speaks of.
    pub fn set_otherwise(&self, act: impl Into<Act>) {
        self.lock().otherwise = Some(act.into());
    }

    /// What it does with the next messages, in order, after what was scripted before.
    pub fn script<A: Into<Act>>(&self, acts: impl IntoIterator<Item = A>) {
        self.lock().script.extend(acts.into_iter().map(Into::into));
    }

    /// What it does with the next messages to one address. Goes before [`script`](Self::script).
    pub fn script_for<A: Into<Act>>(&self, to: &str, acts: impl IntoIterator<Item = A>) {
        let acts = acts.into_iter().map(Into::into);
        self.lock()
            .scripts
            .entry(to.to_owned())
            .or_default()
            .extend(acts);
    }

    /// From now on, batches are answered with at most so many results: what no provider should do.
    pub fn cut_batches_to(&self, results: usize) {
        self.lock().answers_of_batches = Some(results);
    }

    /// From now on, calls wait before they write anything, until [`release`](Self::release).
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Lets the calls go on.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// How many calls are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        *self.shared.under_way.borrow()
    }

    /// Waits until at least so many calls are under way.
    pub async fn wait_for_calls(&self, count: usize) {
        // The sender lives as long as `self`.
        let _ = self
            .shared
            .under_way
            .subscribe()
            .wait_for(|calls| *calls >= count)
            .await;
    }

    /// Every call, in order; a message in a batch is one.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// The calls by which messages went out.
    #[must_use]
    pub fn sent(&self) -> Vec<Call> {
        self.lock()
            .calls
            .iter()
            .filter(|call| call.taken)
            .cloned()
            .collect()
    }

    /// The sizes of the batches, in order.
    #[must_use]
    pub fn batches(&self) -> Vec<usize> {
        self.lock().batches.clone()
    }

    /// Forgets calls and batches; scripts and keys stay.
    pub fn forget(&self) {
        let mut state = self.lock();
        state.calls.clear();
        state.batches.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be done with this message.
    fn next(&self, envelope: &Envelope) -> Act {
        let mut state = self.lock();
        let own = state
            .scripts
            .get_mut(envelope.address.expose())
            .and_then(VecDeque::pop_front);
        let act = own
            .or_else(|| state.script.pop_front())
            .or_else(|| state.otherwise.clone());
        act.unwrap_or(Act::Answer(Answer::Accept))
    }

    /// Notes a batch; answers with how many results it gets at most.
    fn begin_batch(&self, messages: usize) -> usize {
        let mut state = self.lock();
        state.batches.push(messages);
        state.answers_of_batches.unwrap_or(usize::MAX)
    }

    async fn wait(&self, time: Duration) {
        if !time.is_zero() {
            self.clock.sleep(time).await;
        }
    }

    async fn act(
        &self,
        envelope: &Envelope,
        act: Act,
        call: &UnderWay<'_>,
    ) -> Result<Receipt, Fault> {
        let progress = &envelope.progress;
        progress.connecting();
        let _ = self.shared.held.subscribe().wait_for(|held| !held).await;
        let answer = match act {
            Act::Answer(answer) => answer,
            Act::Fault(fault) => {
                progress.writing();
                self.wait(self.latency).await;
                return Err(fault);
            }
            Act::Receipt(receipt) => {
                progress.writing();
                self.wait(self.latency).await;
                return Ok(call.take(receipt));
            }
            Act::Panic => panic!("the fake provider was told to panic"),
            Act::Stuck { written } => {
                if written {
                    progress.writing();
                }
                return std::future::pending().await;
            }
        };
        if answer == Answer::Unreachable {
            self.wait(self.latency).await;
            return Err(Fault::provider("connect"));
        }
        progress.writing();
        if answer == Answer::Hang {
            self.wait(envelope.timeout).await;
            return Err(Fault::unknown("timeout"));
        }
        self.wait(self.latency).await;
        self.answer(answer, call)
    }

    fn answer(&self, answer: Answer, call: &UnderWay<'_>) -> Result<Receipt, Fault> {
        match answer {
            Answer::Accept => Ok(call.take(self.receipt(call))),
            Answer::BadCredentials => Err(Fault::config("unauthorized")),
            Answer::CutAfterWrite | Answer::Nonsense => {
                call.take(self.receipt(call));
                Err(Fault::unknown(if answer == Answer::Nonsense {
                    "nonsense"
                } else {
                    "cut_off"
                }))
            }
            Answer::RateLimit(wait) => Err(Fault::retry_after("rate_limited", wait)),
            Answer::RejectRecipient => Err(Fault::recipient("no_such_address")),
            Answer::RejectRequest => Err(Fault::request("bad_content")),
            Answer::Outage | Answer::Hang | Answer::Unreachable => Err(Fault::provider("outage")),
        }
    }

    fn receipt(&self, call: &UnderWay<'_>) -> Receipt {
        Receipt::with_message_id(format!("{}-{}", self.name, call.no + 1))
    }
}

/// A call from its beginning to its end, however it ends.
struct UnderWay<'a> {
    fake: &'a FakeProvider,
    envelope: &'a Envelope,
    no: usize,
}

impl<'a> UnderWay<'a> {
    fn begin(fake: &'a FakeProvider, envelope: &'a Envelope) -> Self {
        let (envelope_kept, at) = (envelope.clone(), fake.clock.now());
        let mut state = fake.lock();
        state.calls.push(Call {
            envelope: envelope_kept,
            at,
            taken: false,
            result: None,
        });
        let no = state.calls.len() - 1;
        drop(state);
        fake.shared.under_way.send_modify(|calls| *calls += 1);
        Self { fake, envelope, no }
    }

    /// Takes the message, unless its key is known; answers with the receipt of the first time.
    fn take(&self, receipt: Receipt) -> Receipt {
        let now = self.fake.clock.now();
        let mut state = self.fake.lock();
        if let Some(lives) = self.fake.able.honours_key_for() {
            let known = state.keys.get(&self.envelope.key);
            if let Some((first, _)) = known.filter(|(_, at)| *at + lives > now) {
                return first.clone();
            }
            state
                .keys
                .insert(Arc::clone(&self.envelope.key), (receipt.clone(), now));
        }
        if let Some(call) = state.calls.get_mut(self.no) {
            call.taken = true;
        }
        receipt
    }

    fn end(self, result: &Result<Receipt, Fault>) {
        if let Some(call) = self.fake.lock().calls.get_mut(self.no) {
            call.result = Some(result.clone());
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.fake.shared.under_way.send_modify(|calls| *calls -= 1);
    }
}

/// Refuses content that is not of the channel it is sent on, for the channels that are known here.
fn check_body(message: &Message) -> Result<(), WrongBody> {
    let channel = message.channel();
    if *channel == ChannelId::EMAIL {
        message.body::<EmailMessage>().map(|_| ())
    } else if *channel == ChannelId::SMS {
        message.body::<SmsMessage>().map(|_| ())
    } else if *channel == ChannelId::PUSH {
        message.body::<PushMessage>().map(|_| ())
    } else if *channel == ChannelId::IN_APP {
        message.body::<InAppMessage>().map(|_| ())
    } else if channel.as_str().starts_with("chat.") {
        message.body::<ChatMessage>().map(|_| ())
    } else {
        Ok(())
    }
}

#[async_trait]
impl Provider for FakeProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    fn batch_key(&self, _: &Message) -> Option<u64> {
        (self.able.batch_max() > 1).then_some(0)
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        if !self.able.serves(envelope.message.channel()) {
            return Err(WrongBody.into());
        }
        check_body(&envelope.message)?;
        let (act, call) = (self.next(envelope), UnderWay::begin(self, envelope));
        let result = self.act(envelope, act, &call).await;
        call.end(&result);
        result
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let most = self.begin_batch(batch.len());
        let mut results = Vec::with_capacity(batch.len());
        for envelope in batch {
            results.push(self.send(envelope).await);
        }
        results.truncate(most);
        results
    }
}

impl fmt::Debug for FakeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeProvider")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
