//! Chat by Telegram, [Bot API](https://core.telegram.org/bots/api#sendmessage).

mod builder;
mod fault;
mod webhook;

pub use builder::{TelegramBuilder, TelegramMarkup};
pub use webhook::TelegramWebhook;

use async_trait::async_trait;
use notify_core::channel::ChatChannel;
use notify_core::id::AddressScheme;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, ProviderName, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;

use super::post::Post;
use crate::http::{Answer, Call, HttpClient};
use builder::Settings;

/// The channel of its messages.
pub const CHANNEL: ChannelId = ChannelId::new("chat.telegram");
/// The scheme of its addresses.
pub const SCHEME: AddressScheme = AddressScheme::new("telegram");

/// The channel, for the application's list.
#[must_use]
pub fn channel() -> ChatChannel {
    ChatChannel::new(CHANNEL, SCHEME)
}

/// Sends messages by a bot of Telegram.
///
/// - An address is the id of a chat, such as `123456789` or `-1001234567890`, or `@name` of a public channel. A person has to write to
///   the bot first, by `/start`; [`TelegramWebhook`] tells when.
/// - Telegram has no idempotency keys: what is unknown may have gone out. It reports no delivery.
/// - [`Receipt::message_id`] is `chat:message`, by which [`TelegramWebhook`] finds what people press and answer.
/// - The text is escaped for the [markup](TelegramMarkup) and cut at 4,096.
/// - A group that has become a supergroup has another id. Telegram names it when it refuses the old one, and the message is sent to
///   it at once; the receipt has the new id, and the application should store that.
/// - `blocks` are an object of further parameters of `sendMessage`, such as `reply_markup` or `message_thread_id`. With a `text` of
///   their own, `parse_mode` is theirs too.
/// - Telegram takes about one message a second for each chat, 30 for a bot, and 20 a minute for a group; more is answered by a limit.
///
/// ```
/// use notify_providers::chat::telegram::{self, TelegramProvider};
///
/// let provider = TelegramProvider::from_url("telegram://123456:AAF-token_of_the_bot@default")?;
///
/// // The application's list of channels gets one more, whose addresses are such as `telegram:123456789`.
/// let channel = telegram::channel();
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct TelegramProvider {
    name: ProviderName,
    capabilities: Capabilities,
    token: SecretString,
    settings: Settings,
    refuse_long: bool,
    client: HttpClient,
}

/// What Telegram says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    ok: bool,
    result: Option<Sent>,
    description: Option<String>,
    parameters: Parameters,
}

#[derive(Deserialize)]
struct Sent {
    message_id: i64,
    chat: Chat,
}

#[derive(Deserialize)]
struct Chat {
    id: i64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    retry_after: Option<f64>,
    migrate_to_chat_id: Option<i64>,
}

impl TelegramProvider {
    /// Options for a provider with the token of a bot, as `@BotFather` gives it.
    pub fn builder(token: impl Into<SecretString>) -> TelegramBuilder {
        TelegramBuilder::new(token.into())
    }

    /// A provider from one line: `telegram://TOKEN@default`, the token with its colon.
    ///
    /// The host `default` is `api.telegram.org`; a Bot API server of one's own is another. Parameters: `markup=markdown`,
    /// `link_previews=true`, `silent=true`, `protect_content=true`, `test=true`, `refuse_long_texts=true`, `name`, `timeout` in
    /// seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// The parameters of one message. Pure.
    fn parameters(&self, envelope: &Envelope) -> Result<Map<String, Value>, Fault> {
        let post = Post::of(envelope, &CHANNEL, &SCHEME)?;
        let chat = chat(post.to).ok_or_else(|| Fault::recipient("bad_address"))?;
        let (markup, settings) = (self.settings.markup, &self.settings);
        let mut body = Map::new();
        if let Some(text) = post.text(markup.rules(), self.refuse_long)? {
            body.insert("text".to_owned(), text.into());
            body.insert("parse_mode".to_owned(), markup.parse_mode().into());
        }
        if !settings.link_previews {
            let off = json!({ "is_disabled": true });
            body.insert("link_preview_options".to_owned(), off);
        }
        for (name, on) in [
            ("disable_notification", settings.silent),
            ("protect_content", settings.protect_content),
        ] {
            if on {
                body.insert(name.to_owned(), true.into());
            }
        }
        if let Some(Value::Object(own)) = &post.message.blocks
            && own.contains_key("text")
        {
            body.remove("parse_mode");
        }
        if matches!(post.message.blocks, Some(Value::Array(_))) {
            return Err(Fault::request("bad_blocks"));
        }
        post.add_blocks(&mut body, "", &["chat_id"])?;
        if !body.contains_key("text") {
            return Err(Fault::request("no_body"));
        }
        body.insert("chat_id".to_owned(), chat);
        Ok(body)
    }

    /// The token is a part of the path, which nothing shows.
    fn call(&self, body: &Map<String, Value>) -> Call {
        let test = if self.settings.test { "/test" } else { "" };
        let token = self.token.expose_secret();
        Call::post(format!("/bot{token}{test}/sendMessage")).json(body)
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        return Err(fault::of(answer, &answer.read().unwrap_or_default()));
    }
    let said: Said = answer.json()?;
    match said.result {
        _ if !said.ok => Err(fault::of(answer, &said)),
        Some(sent) => Ok(Receipt::with_message_id(message_id(
            sent.chat.id,
            sent.message_id,
        ))),
        None => Err(Fault::unknown("answer")),
    }
}

/// The new id of a group, if that is why Telegram refused the old one.
fn moved(answer: &Answer) -> Option<i64> {
    if answer.status() != 400 {
        return None;
    }
    let said: Said = answer.read()?;
    said.parameters.migrate_to_chat_id
}

/// The id of a message counts within its chat.
fn message_id(chat: i64, message: i64) -> String {
    format!("{chat}:{message}")
}

/// A chat as Telegram wants it: a number, or the name of a public one.
fn chat(address: &str) -> Option<Value> {
    if let Some(name) = address.strip_prefix('@') {
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        return (is_name && (4..=32).contains(&name.len())).then(|| address.into());
    }
    let id: i64 = address.parse().ok()?;
    (id != 0 && id.to_string() == address).then(|| id.into())
}

#[async_trait]
impl Provider for TelegramProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let mut body = self.parameters(envelope)?;
        let both = async {
            let answer = self.client.send(self.call(&body), &[envelope]).await?;
            let Some(chat) = moved(&answer) else {
                return receipt(&answer);
            };
            // Nothing was sent to the old one, so this is the first attempt still.
            body.insert("chat_id".to_owned(), chat.into());
            let answer = self.client.send(self.call(&body), &[envelope]).await?;
            receipt(&answer)
        };
        self.client.within(&[envelope], both).await
    }
}

impl fmt::Debug for TelegramProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramProvider")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_is_a_number_or_a_public_name() {
        assert_eq!(chat("123456789"), Some(json!(123_456_789)));
        assert_eq!(chat("-1001234567890"), Some(json!(-1_001_234_567_890_i64)));
        assert_eq!(chat("@example_news"), Some(json!("@example_news")));
        for bad in [
            "",
            "0",
            "+1",
            "007",
            "1.5",
            "1 ",
            "ada",
            "@",
            "@abc",
            "@a/b_c",
            "@имя_имя",
            "99999999999999999999",
        ] {
            assert_eq!(chat(bad), None, "{bad}");
        }
    }
}
