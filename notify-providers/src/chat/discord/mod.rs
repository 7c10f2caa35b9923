//! Chat by Discord, [webhooks](https://discord.com/developers/docs/resources/webhook#execute-webhook).

mod builder;
mod fault;

pub use builder::DiscordBuilder;

use async_trait::async_trait;
use notify_core::channel::ChatChannel;
use notify_core::id::AddressScheme;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::{ChannelId, ProviderName, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;

use super::escape::Markup;
use super::named::Named;
use super::post::Post;
use crate::http::{Answer, Call, HttpClient};
use builder::Settings;

/// The channel of its messages.
pub const CHANNEL: ChannelId = ChannelId::new("chat.discord");
/// The scheme of its addresses.
pub const SCHEME: AddressScheme = AddressScheme::new("discord");

/// The most embeds of a message, by the vendor's documentation.
const MAX_EMBEDS: usize = 10;
/// The flag `SUPPRESS_EMBEDS`: nothing of what is behind links is shown.
const NO_PREVIEWS: u64 = 1 << 2;

/// The channel, for the application's list.
#[must_use]
pub fn channel() -> ChatChannel {
    ChatChannel::new(CHANNEL, SCHEME)
}

/// Sends messages by webhooks of Discord.
///
/// - An address is a name of the configuration, a webhook's `id/token`, or its URL. `?thread_id=…` behind it leads to a thread.
/// - Nobody is called: the text is escaped, an `@everyone` in it is taken apart, and `allowed_mentions` is empty whatever else is sent.
/// - The text is cut at 2,000.
/// - Discord has no idempotency keys for webhooks: what is unknown may have gone out. It reports no delivery.
/// - [`Receipt::message_id`] is the message's `id`; Discord is asked to answer after the message is there (`wait=true`).
/// - Nothing behind links is shown, unless [asked for](DiscordBuilder::link_previews).
/// - `blocks` that are a list are embeds, of which there may be 10. An object is further fields of the request, such as `components`
///   or `username`.
/// - Discord counts by webhook and says in its answer how long to wait. Whoever goes on for long when it says no is shut out for
///   some time, which is a limit too.
///
/// ```
/// use notify_providers::chat::discord::{self, DiscordProvider};
///
/// let provider = DiscordProvider::builder()
///     .webhook("alerts", "https://discord.com/api/webhooks/1234/token")
///     .username("Example")
///     .build()?;
///
/// // The application's list of channels gets one more, whose addresses are such as `discord:alerts`.
/// let channel = discord::channel();
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct DiscordProvider {
    name: ProviderName,
    capabilities: Capabilities,
    webhooks: Named,
    settings: Settings,
    refuse_long: bool,
    client: HttpClient,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl DiscordProvider {
    /// Options for a provider.
    pub fn builder() -> DiscordBuilder {
        DiscordBuilder::new()
    }

    /// A provider from one line: `discord://default`, or `discord://default?webhook=ID/TOKEN&room=alerts`.
    ///
    /// The host `default` is `discord.com`. Parameters: `webhook` with its name `room`, `username`, `avatar_url`,
    /// `link_previews=true`, `refuse_long_texts=true`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// The request for one message. Pure.
    fn call(&self, envelope: &Envelope) -> Result<Call, Fault> {
        let post = Post::of(envelope, &CHANNEL, &SCHEME)?;
        let place = place(self.webhooks.resolve(post.to));
        let place = place.ok_or_else(|| Fault::recipient("bad_address"))?;
        let mut body = Map::new();
        if let Some(text) = post.text(Markup::Discord, self.refuse_long)? {
            body.insert("content".to_owned(), text.into());
        }
        for (name, value) in [
            ("username", &self.settings.username),
            ("avatar_url", &self.settings.avatar_url),
        ] {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.as_str().into());
            }
        }
        // It would hide embeds of the message too.
        if !self.settings.link_previews && post.message.blocks.is_none() {
            body.insert("flags".to_owned(), NO_PREVIEWS.into());
        }
        post.add_blocks(&mut body, "embeds", &[])?;
        let embeds = body.get("embeds").and_then(Value::as_array);
        if embeds.is_some_and(|embeds| embeds.len() > MAX_EMBEDS) {
            return Err(Fault::request("too_many_embeds"));
        }
        // Last, so that nothing else counts.
        body.insert("allowed_mentions".to_owned(), json!({ "parse": [] }));
        let mut query = vec![("wait", "true")];
        query.extend(place.thread.map(|id| ("thread_id", id)));
        let path = format!("/api/v10/webhooks/{}/{}", place.id, place.token);
        Ok(Call::post(path).query(query).json(&body))
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    match answer.status() {
        // As if it had not been asked to wait: there is no id.
        204 => Ok(Receipt::new()),
        _ if answer.is_success() => {
            let created: Created = answer.json()?;
            Ok(Receipt::with_message_id(created.id))
        }
        _ => Err(fault::of(answer)),
    }
}

/// A webhook of Discord.
#[derive(Debug, PartialEq)]
struct Place<'a> {
    id: &'a str,
    token: &'a str,
    thread: Option<&'a str>,
}

/// A webhook by its URL or by the end of it. Of a URL only that end counts: messages go to Discord and to nobody else.
fn place(webhook: &str) -> Option<Place<'_>> {
    const HOSTS: [&str; 4] = [
        "discord.com",
        "discordapp.com",
        "canary.discord.com",
        "ptb.discord.com",
    ];
    let path = match webhook.strip_prefix("https://") {
        None => webhook,
        Some(url) => {
            let (host, path) = url.split_once("/api/")?;
            let path = match path.split_once('/')? {
                (version, rest) if version.starts_with('v') => rest,
                _ => path,
            };
            let path = path.strip_prefix("webhooks/")?;
            HOSTS.contains(&host).then_some(path)?
        }
    };
    let (path, thread) = match path.split_once("?thread_id=") {
        Some((path, thread)) => (path, Some(thread)),
        None => (path, None),
    };
    let (id, token) = path.split_once('/')?;
    let is_id = |id: &str| (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let good =
        is_id(id) && thread.is_none_or(is_id) && !token.is_empty() && token.bytes().all(is_token);
    good.then_some(Place { id, token, thread })
}

#[async_trait]
impl Provider for DiscordProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let call = self.call(envelope)?;
        let answer = self.client.send(call, &[envelope]).await?;
        receipt(&answer)
    }
}

impl fmt::Debug for DiscordProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiscordProvider")
            .field("name", &self.name)
            .field("webhooks", &self.webhooks)
            .field("settings", &self.settings)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_its_end_or_a_url_of_discord() {
        let (id, token) = ("1234", "a-B_c");
        for webhook in [
            "1234/a-B_c",
            "https://discord.com/api/webhooks/1234/a-B_c",
            "https://discord.com/api/v10/webhooks/1234/a-B_c",
            "https://canary.discord.com/api/webhooks/1234/a-B_c",
            "https://discordapp.com/api/webhooks/1234/a-B_c",
        ] {
            let expected = Place {
                id,
                token,
                thread: None,
            };
            assert_eq!(place(webhook), Some(expected), "{webhook}");
            let threaded = format!("{webhook}?thread_id=77");
            let expected = Place {
                id,
                token,
                thread: Some("77"),
            };
            assert_eq!(place(&threaded), Some(expected), "{threaded}");
        }
        for bad in [
            "",
            "1234",
            "1234/",
            "x/token",
            "1234/to/ken",
            "1234/../x",
            "1234/token?wait=false",
            "1234/token?thread_id=x",
            "123456789012345678901/token",
            "http://discord.com/api/webhooks/1234/token",
            "https://discord.com/webhooks/1234/token",
            "https://discord.com.example.com/api/webhooks/1234/token",
            "https://discord.com@example.com/api/webhooks/1234/token",
            "https://example.com/api/webhooks/1234/token",
        ] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }
}
