//! Push by Huawei's Push Kit:
//! <https://developer.huawei.com/consumer/en/doc/HMSCore-References/https-send-api-0000001050986197>.

mod builder;
mod fault;
mod webhook;
mod wire;

pub use builder::HuaweiBuilder;
pub use webhook::HuaweiWebhook;

use async_trait::async_trait;
use notify_core::channel::PushMessage;
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::slice;
use std::time::Duration;

use super::join;
use super::note::Note;
use super::target::Target;
use super::token::{Fresh, Token, Tokens};
use crate::http::{Answer, Call, HttpClient};
use fault::{Outcome, Said};

/// The most tokens of a call, by the vendor's documentation.
const MAX_BATCH: usize = 1_000;
/// How long asking for an access token may take, if the message has that much time.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends push messages to Huawei's devices by Push Kit (HMS).
///
/// - The address is a push token; `topic:news` and `condition:'news' in topics` are those who have subscribed, as of
///   [FCM](crate::push::fcm).
/// - The same message of one notification goes to up to 1,000 tokens in one call, and those that Huawei calls illegal are recipient
///   faults, each for itself.
/// - A call shows an access token, which is asked for with the application's id and secret, used by all calls, and renewed five minutes
///   before its end. If Huawei refuses one that is older than a minute, the call is made once more with a new one.
/// - [`Receipt::message_id`] is Huawei's `requestId`. The messages of one call share it, so there it is left out.
/// - Huawei has no idempotency keys: what is unknown may have gone out. A collapse key lets a second message take the first one's place.
/// - The delivery's id goes into `bi_tag`, unless messages share a call; [`HuaweiWebhook`] finds it in the receipts that can be switched
///   on in Huawei's console.
///
/// | of the message | becomes |
/// |---|---|
/// | `title`, `body`, `image` | `notification`; without title and text there is none, and the application gets data only |
/// | `data`, `click_action`, the notification's id and category | `data`, as the text of a JSON object |
/// | `click_action` | besides: `click_action` of type 2 for `https://…`, 1 for other URLs and names, else 3, which opens the application |
/// | `collapse_key`, `badge`, `thread` | `tag`, `badge.set_num`, `group` |
/// | `sound` | `sound`, or `default_sound` for `default` |
/// | `ttl`, `priority` | `android.ttl`, `android.urgency` |
/// | `interruption` | `importance` |
///
/// The message's sections are in the form of FCM, which is not Huawei's: they are not used, nor are `subtitle`, `category` and `actions`.
///
/// ```
/// use notify_providers::push::huawei::HuaweiProvider;
///
/// let provider = HuaweiProvider::from_url("huawei://100000001:secret@default")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct HuaweiProvider {
    name: ProviderName,
    capabilities: Capabilities,
    client_id: String,
    secret: SecretString,
    token_url: String,
    path: String,
    validate_only: bool,
    tokens: Tokens,
    client: HttpClient,
}

/// What Huawei says when it gives out a token.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u32,
}

/// A message but for its tokens, with the places of those in the batch that it is for.
struct Group<'a> {
    message: Map<String, Value>,
    target: Option<Target<'a>>,
    places: Vec<usize>,
    tokens: Vec<&'a str>,
}

impl HuaweiProvider {
    /// Options for a provider with the id and the secret of an OAuth client: an application's, "App ID" and "App secret" in Huawei's
    /// console.
    pub fn builder(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> HuaweiBuilder {
        HuaweiBuilder::new(client_id.into(), client_secret.into())
    }

    /// A provider from one line: `huawei://APP_ID:APP_SECRET@default`.
    ///
    /// The host `default` is `push-api.cloud.huawei.com`. Parameters: `project`, `token_url`, `validate_only=true`, `name`, `timeout` in
    /// seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    async fn token(&self) -> Result<Token, Fault> {
        let fetch = || async {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_id", &self.client_id),
                ("client_secret", self.secret.expose_secret()),
            ];
            let call = Call::post_url(self.token_url.as_str()).form(form);
            granted(&self.client.fetch(call, TOKEN_TIMEOUT).await?)
        };
        self.tokens.get(self.client.clock(), fetch).await
    }

    fn call(&self, token: &Token, body: &Value) -> Call {
        Call::post(self.path.as_str())
            .bearer(&token.secret)
            .json(body)
    }

    async fn deliver(&self, envelopes: &[&Envelope], body: &Value) -> Result<Answer, Fault> {
        let token = self.token().await?;
        let answer = self.client.send(self.call(&token, body), envelopes).await?;
        let renewed =
            fault::is_token_refused(&answer) && self.tokens.refuse(self.client.clock(), &token);
        if !renewed {
            return Ok(answer);
        }
        // The answer was a no: nothing has gone out yet.
        for envelope in envelopes {
            envelope.progress.connecting();
        }
        let token = self.token().await?;
        self.client.send(self.call(&token, body), envelopes).await
    }

    /// One call: a message, and its tokens or its topic.
    async fn send_group(
        &self,
        group: &Group<'_>,
        batch: &[Envelope],
    ) -> Vec<Result<Receipt, Fault>> {
        let envelopes: Vec<&Envelope> = group.places.iter().map(|place| &batch[*place]).collect();
        let tag = match *envelopes.as_slice() {
            [only] => Some(only.delivery.to_string()),
            _ => None,
        };
        let to = (group.target, group.tokens.as_slice());
        let body = wire::body(&group.message, to, tag, self.validate_only);
        let work = self.deliver(&envelopes, &body);
        match self.client.within(&envelopes, work).await {
            Ok(answer) => results(&answer, &group.tokens, envelopes.len()),
            Err(fault) => vec![Err(fault); envelopes.len()],
        }
    }
}

/// What the answer to a request for a token says. Pure.
fn granted(answer: &Answer) -> Result<Fresh, Fault> {
    if !answer.is_success() {
        return Err(fault::of_token(answer));
    }
    // Nothing of a message depends on it yet.
    let granted: Granted = answer.json().map_err(|_| Fault::provider("token"))?;
    Ok(Fresh {
        secret: granted.access_token.into(),
        lifetime: Duration::from_secs(granted.expires_in.into()),
    })
}

/// What the answer to a call says of each of its messages. Pure.
fn results(answer: &Answer, tokens: &[&str], count: usize) -> Vec<Result<Receipt, Fault>> {
    let said = if answer.is_success() {
        answer.json::<Said>().map(Some)
    } else {
        Ok(answer.read())
    };
    let said = match said {
        Ok(said) => said.unwrap_or_default(),
        Err(fault) => return vec![Err(fault); count],
    };
    let receipt = match &said.request_id {
        Some(id) if count == 1 && !id.is_empty() => Receipt::with_message_id(id.as_str()),
        _ => Receipt::new(),
    };
    match fault::outcome(answer, &said) {
        Outcome::Taken => vec![Ok(receipt); count],
        Outcome::Refused(fault) => vec![Err(fault); count],
        Outcome::Some(illegal, fault) => {
            let one = |token: &&str| {
                if illegal.iter().any(|other| other == token) {
                    Err(fault.clone())
                } else {
                    Ok(receipt.clone())
                }
            };
            tokens.iter().map(one).collect()
        }
    }
}

#[async_trait]
impl Provider for HuaweiProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        let message = message.body::<PushMessage>().ok()?;
        let mut hash = DefaultHasher::new();
        serde_json::to_string(message).ok()?.hash(&mut hash);
        Some(hash.finish())
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let group = Group::of(envelope, 0)?;
        let mut results = self.send_group(&group, slice::from_ref(envelope)).await;
        let only = results.pop();
        only.unwrap_or_else(|| Err(Fault::unknown("short_answer")))
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let mut results = vec![Err(Fault::unknown("short_answer")); batch.len()];
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (place, envelope) in batch.iter().enumerate() {
            envelope.progress.connecting();
            match Group::of(envelope, place) {
                Ok(new) => match groups.iter_mut().find(|group| group.takes(&new)) {
                    Some(group) => group.join(new),
                    None => groups.push(new),
                },
                Err(fault) => results[place] = Err(fault),
            }
        }
        // Each notification has its own id in the data, and so its own call.
        for some in groups.chunks(self.client.concurrency()) {
            let sent = join::all(some.iter().map(|group| self.send_group(group, batch))).await;
            for (group, sent) in some.iter().zip(sent) {
                for (place, result) in group.places.iter().zip(sent) {
                    results[*place] = result;
                }
            }
        }
        results
    }
}

impl<'a> Group<'a> {
    /// A group of one.
    fn of(envelope: &'a Envelope, place: usize) -> Result<Self, Fault> {
        let note = Note::of(envelope)?;
        let target = Target::of(note.to)?;
        let (target, tokens) = match target {
            Target::Token(token) => (None, vec![token]),
            other => (Some(other), Vec::new()),
        };
        Ok(Self {
            message: wire::message(&note),
            target,
            places: vec![place],
            tokens,
        })
    }

    /// Whether another one may share its call.
    fn takes(&self, other: &Self) -> bool {
        let to_tokens = self.target.is_none() && other.target.is_none();
        to_tokens && self.tokens.len() < MAX_BATCH && self.message == other.message
    }

    fn join(&mut self, other: Self) {
        self.places.extend(other.places);
        self.tokens.extend(other.tokens);
    }
}

impl fmt::Debug for HuaweiProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HuaweiProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("validate_only", &self.validate_only)
            .finish_non_exhaustive()
    }
}
