//! Chat by Microsoft Teams,
//! [workflows](https://support.microsoft.com/office/create-incoming-webhooks-with-workflows-for-microsoft-teams-8ae491c7-0394-4861-ba59-055e33f75498)
//! that post an [Adaptive Card](https://adaptivecards.microsoft.com).

mod builder;
mod fault;

pub use builder::TeamsBuilder;

use async_trait::async_trait;
use notify_core::channel::ChatChannel;
use notify_core::id::AddressScheme;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt, Scope};
use notify_core::{Address, ChannelId, ProviderName, Result};
use serde_json::{Value, json};
use std::fmt;

use super::escape::Markup;
use super::named::Named;
use super::post::{self, Post};
use crate::http::{Answer, Call, HttpClient};

/// The channel of its messages.
pub const CHANNEL: ChannelId = ChannelId::new("chat.teams");
/// The scheme of its addresses.
pub const SCHEME: AddressScheme = AddressScheme::new("teams");

/// The most of a request, by the vendor's documentation.
const MAX_BYTES: usize = 28 * 1_024;

/// The channel, for the application's list.
#[must_use]
pub fn channel() -> ChatChannel {
    ChatChannel::new(CHANNEL, SCHEME)
}

/// Sends messages to Teams by workflows ("Post to a channel when a webhook request is received").
///
/// The older incoming webhooks (Office 365 connectors, `*.webhook.office.com`) have been retired by Microsoft, and their message
/// cards with them. What they answer is understood as long as some still do: 200 with a text that says that it failed.
///
/// - An address is a name of the configuration, or the URL of a workflow, which is used as it is: its parameters are the secret.
///   Such URLs often have more than the 255 characters of an address, so a name is the rule.
/// - A yes says that the workflow has begun. Whether it has posted is not reported, and there is no id.
/// - There are no idempotency keys: what is unknown may have gone out.
/// - Calls go to `https://` on port 443 of public addresses only, as a [`Guard`](crate::http::Guard) says.
/// - The text becomes one block of a card, escaped, and is cut at some 24,000 bytes: a request may have 28 KiB.
/// - `blocks` that are an object are the whole card (`"type": "AdaptiveCard"`), with the text for clients that cannot show it; a list
///   are the elements of its body, in the place of the text.
/// - A workflow takes some four messages a second; more is answered by a limit.
///
/// ```
/// use notify_providers::chat::teams::{self, TeamsProvider};
///
/// let provider = TeamsProvider::builder()
///     .workflow("alerts", "https://prod-01.example.com:443/workflows/1a2b/triggers/manual/paths/invoke?api-version=1&sig=secret")
///     .build()?;
///
/// // The application's list of channels gets one more, whose addresses are such as `teams:alerts`.
/// let channel = teams::channel();
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct TeamsProvider {
    name: ProviderName,
    capabilities: Capabilities,
    workflows: Named,
    refuse_long: bool,
    client: HttpClient,
}

impl TeamsProvider {
    /// Options for a provider.
    pub fn builder() -> TeamsBuilder {
        TeamsBuilder::new()
    }

    /// A provider from one line: `teams://default?webhook=URL&room=alerts`, the URL percent-encoded.
    ///
    /// The host is always `default`. Parameters: `webhook` with its name `room`, `refuse_long_texts=true`, `name`, `timeout` in
    /// seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// The request for one message. Pure.
    fn call(&self, envelope: &Envelope) -> Result<Call, Fault> {
        let post = Post::of(envelope, &CHANNEL, &SCHEME)?;
        let url = self.workflows.resolve(post.to);
        if !is_url(url) {
            return Err(Fault::recipient("bad_address"));
        }
        let body = json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": self.card(&post)?,
            }],
        });
        let body = body.to_string();
        if body.len() > MAX_BYTES {
            return Err(Fault::request("too_large"));
        }
        Ok(Call::post_url(url).bytes("application/json", body))
    }

    /// The card of a message.
    fn card(&self, post: &Post<'_>) -> Result<Value, Fault> {
        let text = paragraphs(&post.message.text);
        let text = (!text.is_empty())
            .then(|| post::fit(&text, Markup::Teams, self.refuse_long))
            .transpose()?;
        let body = match &post.message.blocks {
            Some(Value::Object(card)) if card.get("type") == Some(&"AdaptiveCard".into()) => {
                let mut card = card.clone();
                if let (Some(text), false) = (text, card.contains_key("fallbackText")) {
                    card.insert("fallbackText".to_owned(), text.into());
                }
                return Ok(card.into());
            }
            Some(Value::Array(body)) => body.clone().into(),
            Some(_) => return Err(Fault::request("bad_blocks")),
            None => json!([{ "type": "TextBlock", "text": text, "wrap": true }]),
        };
        Ok(json!({
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": body,
        }))
    }
}

/// A line end alone is a space in a card: each line becomes a paragraph.
fn paragraphs(text: &str) -> String {
    let lines = text.trim().lines().map(str::trim_end);
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n\n")
}

/// Whether it is meant as a URL; where it may lead, the guard knows.
fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// What the answer says. Pure.
fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    if answer.is_success() && !fault::is_no(answer) {
        return Ok(Receipt::new());
    }
    Err(fault::of(answer))
}

#[async_trait]
impl Provider for TeamsProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn scope(&self, address: &Address) -> Option<Scope> {
        Scope::host_of(self.workflows.resolve(address.expose()))
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let call = self.call(envelope)?;
        let answer = self.client.send(call, &[envelope]).await?;
        receipt(&answer)
    }
}

impl fmt::Debug for TeamsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TeamsProvider")
            .field("name", &self.name)
            .field("workflows", &self.workflows)
            .finish_non_exhaustive()
    }
}
