//! Chat by Slack: [`chat.postMessage`](https://docs.slack.dev/reference/methods/chat.postMessage) of an app's bot, or
//! [incoming webhooks](https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).

mod builder;
mod fault;
mod webhook;

pub use builder::SlackBuilder;
pub use webhook::SlackWebhook;

use async_trait::async_trait;
use notify_core::channel::ChatChannel;
use notify_core::id::AddressScheme;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ChannelId, ProviderName, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;

use super::escape::Markup;
use super::named::Named;
use super::post::Post;
use crate::http::{Answer, Call, HttpClient, metadata};

/// The channel of its messages.
pub const CHANNEL: ChannelId = ChannelId::new("chat.slack");
/// The scheme of its addresses.
pub const SCHEME: AddressScheme = AddressScheme::new("slack");

/// The channel, for the application's list.
#[must_use]
pub fn channel() -> ChatChannel {
    ChatChannel::new(CHANNEL, SCHEME)
}

/// Sends messages by Slack, in one of two ways:
///
/// | | [`builder`](Self::builder) | [`webhooks`](Self::webhooks) |
/// |---|---|---|
/// | as | an app's bot, `chat.postMessage` | an incoming webhook |
/// | address | the id of a channel (`C…`) or person (`U…`), or `#name` | a name of the configuration, a webhook's path `T…/B…/…`, or its URL |
/// | [`Receipt::message_id`] | `channel:ts`, by which [`SlackWebhook`] finds it | none |
///
/// - Slack has no idempotency keys: what is unknown may have gone out. So may what it answers by `internal_error` or `fatal_error`, as
///   its documentation says.
/// - The text is escaped and goes with `mrkdwn: false`: neither `<!channel>` nor stars mean anything in it. It is cut at 40,000.
/// - Slack's robot does not open links for a preview, unless [asked to](SlackBuilder::link_previews): links that work once would be
///   used up.
/// - `blocks` that are a list are Slack's blocks, and the text is what is shown in notifications. An object is further fields of the
///   request, such as `attachments` or `thread_ts`.
/// - About one message a second and channel is taken; more is answered by a limit.
///
/// ```
/// use notify_providers::chat::slack::{self, SlackProvider};
///
/// let bot = SlackProvider::from_url("slack://xoxb-token@default")?;
/// let rooms = SlackProvider::webhooks().webhook("alerts", "T0001/B0001/secret").build()?;
///
/// // The application's list of channels gets one more, whose addresses are `slack:C0123` or `slack:alerts`.
/// let channel = slack::channel();
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct SlackProvider {
    name: ProviderName,
    capabilities: Capabilities,
    way: Way,
    link_previews: bool,
    refuse_long: bool,
    client: HttpClient,
}

/// How messages get to Slack.
enum Way {
    /// By the Web API, with the token of a bot.
    Bot(SecretString),
    /// By webhooks, whose URLs are all there is.
    Webhooks(Named),
}

/// What the Web API says, with status 200 for a no as well.
#[derive(Deserialize)]
struct Said {
    ok: bool,
    error: Option<String>,
    channel: Option<String>,
    ts: Option<String>,
}

impl SlackProvider {
    /// Options for a provider that writes as the bot with this token (`xoxb-…`), which needs the scope `chat:write`.
    pub fn builder(bot_token: impl Into<SecretString>) -> SlackBuilder {
        SlackBuilder::new(Way::Bot(bot_token.into()))
    }

    /// Options for a provider that writes by incoming webhooks.
    pub fn webhooks() -> SlackBuilder {
        SlackBuilder::new(Way::Webhooks(Named::default()))
    }

    /// A provider from one line: `slack://BOT_TOKEN@default`, or `slack://default` for webhooks.
    ///
    /// The host `default` is `slack.com`, or `hooks.slack.com` for webhooks. Parameters: `webhook=T…/B…/…` with its name `room`
    /// (for webhooks only), `link_previews=true`, `refuse_long_texts=true`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// The request for one message. Pure.
    fn call(&self, envelope: &Envelope) -> Result<Call, Fault> {
        let post = Post::of(envelope, &CHANNEL, &SCHEME)?;
        let mut body = Map::new();
        if let Some(text) = post.text(Markup::Slack, self.refuse_long)? {
            body.insert("text".to_owned(), text.into());
            body.insert("mrkdwn".to_owned(), false.into());
        }
        body.insert("unfurl_links".to_owned(), self.link_previews.into());
        body.insert("unfurl_media".to_owned(), self.link_previews.into());
        let call = match &self.way {
            Way::Bot(token) => {
                if post.to.contains("://") || post.to.contains(char::is_whitespace) {
                    return Err(Fault::recipient("bad_address"));
                }
                body.insert("channel".to_owned(), post.to.into());
                body.insert("metadata".to_owned(), own_metadata(envelope));
                Call::post("/api/chat.postMessage").bearer(token)
            }
            Way::Webhooks(named) => {
                let path = path(named.resolve(post.to));
                let path = path.ok_or_else(|| Fault::recipient("bad_address"))?;
                Call::post(format!("/services/{path}"))
            }
        };
        post.add_blocks(&mut body, "blocks", &["channel", "token"])?;
        let body = Value::from(body).to_string();
        // Without the charset Slack warns in each answer.
        Ok(call.bytes("application/json; charset=utf-8", body))
    }

    /// What the answer says. Pure.
    fn receipt(&self, answer: &Answer) -> Result<Receipt, Fault> {
        match self.way {
            Way::Bot(_) => said(answer),
            // The whole of a yes is two letters.
            Way::Webhooks(_) if answer.is_success() && answer.text().trim() == "ok" => {
                Ok(Receipt::new())
            }
            Way::Webhooks(_) if answer.is_success() => Err(Fault::unknown("answer")),
            Way::Webhooks(_) => Err(fault::of(answer, Some(answer.text().trim()))),
        }
    }
}

/// The answer of the Web API.
fn said(answer: &Answer) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        let said: Option<Said> = answer.read();
        let error = said.and_then(|said| said.error);
        return Err(fault::of(answer, error.as_deref()));
    }
    let said: Said = answer.json()?;
    if !said.ok {
        return Err(fault::of(answer, said.error.as_deref()));
    }
    Ok(match (said.channel, said.ts) {
        (Some(channel), Some(ts)) => Receipt::with_message_id(message_id(&channel, &ts)),
        _ => Receipt::new(),
    })
}

/// What Slack has in the place of an id: a time, unique in its channel.
fn message_id(channel: &str, ts: &str) -> String {
    format!("{channel}:{ts}")
}

/// Our ids, which Slack gives back with the message.
fn own_metadata(envelope: &Envelope) -> Value {
    let pairs = metadata::of(envelope).into_iter();
    let pairs = pairs.map(|(name, value)| (name.to_owned(), Value::from(value)));
    json!({ "event_type": "notification", "event_payload": pairs.collect::<Map<_, _>>() })
}

/// The path of a webhook, of its URL or by itself: three parts of letters and digits. Of a URL only the path counts: messages go to
/// Slack and to nobody else.
fn path(webhook: &str) -> Option<&str> {
    const SERVERS: [&str; 2] = ["https://hooks.slack.com", "https://hooks.slack-gov.com"];
    let path = SERVERS
        .iter()
        .find_map(|server| webhook.strip_prefix(server)?.strip_prefix("/services/"))
        .unwrap_or(webhook);
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    (path.split('/').count() == 3 && path.split('/').all(is_part)).then_some(path)
}

#[async_trait]
impl Provider for SlackProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let call = self.call(envelope)?;
        let answer = self.client.send(call, &[envelope]).await?;
        self.receipt(&answer)
    }
}

impl fmt::Debug for SlackProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackProvider")
            .field("name", &self.name)
            .field("way", &self.way)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bot(_) => f.write_str("Bot"),
            Self::Webhooks(named) => f.debug_tuple("Webhooks").field(named).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_a_path_or_a_url_of_slack() {
        for webhook in [
            "T1/B1/x",
            "https://hooks.slack.com/services/T1/B1/x",
            "https://hooks.slack-gov.com/services/T1/B1/x",
        ] {
            assert_eq!(path(webhook), Some("T1/B1/x"), "{webhook}");
        }
        for bad in [
            "",
            "T1/B1",
            "T1/B1/",
            "T1/B1/x/y",
            "T1/../x",
            "T1/B1/x?y",
            "https://hooks.slack.com/T1/B1/x",
            "https://hooks.slack.com.example.com/services/T1/B1/x",
            "https://example.com/services/T1/B1/x",
            "https://hooks.slack.com@example.com/services/T1/B1/x",
        ] {
            assert_eq!(path(bad), None, "{bad}");
        }
    }
}
