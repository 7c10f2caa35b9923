//! Chat by WhatsApp, [Cloud API](https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages) of Meta.

mod builder;
mod fault;
mod webhook;

pub use builder::WhatsAppBuilder;
pub use webhook::WhatsAppWebhook;

use async_trait::async_trait;
use notify_core::channel::ChatChannel;
use notify_core::id::AddressScheme;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ChannelId, ProviderName, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;

use super::escape::{Markup, whatsapp_parameter};
use super::post::Post;
use crate::http::{Answer, Call, HttpClient};
use crate::sms::phone::e164_digits;

/// The channel of its messages.
pub const CHANNEL: ChannelId = ChannelId::new("chat.whatsapp");
/// The scheme of its addresses.
pub const SCHEME: AddressScheme = AddressScheme::new("whatsapp");

/// The channel, for the application's list.
#[must_use]
pub fn channel() -> ChatChannel {
    ChatChannel::new(CHANNEL, SCHEME)
}

/// Sends messages by WhatsApp.
///
/// - An address is a number in E.164 form, such as `+15550100`.
/// - Within 24 hours after a person has written, any text may be sent. At all other times WhatsApp takes approved templates only
///   (`131047`), so a provider of notifications is given one: see [`text_template`](WhatsAppBuilder::text_template).
/// - WhatsApp has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is the `wamid`. The delivery's id goes as `biz_opaque_callback_data`, and [`WhatsAppWebhook`] reads it.
/// - A text is cut at 4,096. In a template it becomes one line of at most 1,024, because WhatsApp takes no line ends there.
/// - `blocks` are an object: a template (`name`, `language`, `components`), or further fields of the request with their `type`, such
///   as `{"type": "interactive", "interactive": {…}}`. The text is not sent then.
/// - The marks `*_~` of WhatsApp cannot be escaped. Nothing in a text can call anybody or hide where a link leads.
///
/// ```
/// use notify_providers::chat::whatsapp::{self, WhatsAppProvider};
///
/// let provider = WhatsAppProvider::builder("106540352242922", "EAAG-token")
///     .text_template("notice", "en_US")
///     .build()?;
///
/// // The application's list of channels gets one more, whose addresses are such as `whatsapp:+15550100`.
/// let channel = whatsapp::channel();
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct WhatsAppProvider {
    name: ProviderName,
    capabilities: Capabilities,
    phone_number_id: String,
    version: String,
    token: SecretString,
    template: Option<Template>,
    refuse_long: bool,
    client: HttpClient,
}

/// A template whose body has one place, for the text.
#[derive(Clone, Debug)]
struct Template {
    name: String,
    language: String,
}

#[derive(Deserialize)]
struct Taken {
    messages: Vec<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl WhatsAppProvider {
    /// Options for a provider that sends from the number with this id (not the number itself), with an access token of the account.
    pub fn builder(
        phone_number_id: impl Into<String>,
        access_token: impl Into<SecretString>,
    ) -> WhatsAppBuilder {
        WhatsAppBuilder::new(phone_number_id.into(), access_token.into())
    }

    /// A provider from one line: `whatsapp://PHONE_NUMBER_ID:ACCESS_TOKEN@default?template=notice&language=en_US`.
    ///
    /// The host `default` is `graph.facebook.com`. Parameters: `template` and `language` together, `version`,
    /// `refuse_long_texts=true`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// The request for one message. Pure.
    fn call(&self, envelope: &Envelope) -> Result<Call, Fault> {
        let post = Post::of(envelope, &CHANNEL, &SCHEME)?;
        let to = e164_digits(post.to).ok_or_else(|| Fault::recipient("bad_address"))?;
        let mut body = self.content(&post)?;
        let fixed = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to,
            "biz_opaque_callback_data": envelope.delivery.to_string(),
        });
        if let Value::Object(fixed) = fixed {
            body.extend(fixed);
        }
        let path = format!("/{}/{}/messages", self.version, self.phone_number_id);
        Ok(Call::post(path).bearer(&self.token).json(&body))
    }

    /// What the message says: blocks, else the text in the template, else the text.
    fn content(&self, post: &Post<'_>) -> Result<Map<String, Value>, Fault> {
        let mut body = Map::new();
        if let Some(Value::Object(own)) = &post.message.blocks {
            if own.contains_key("type") {
                let reserved = ["messaging_product", "recipient_type", "to"];
                post.add_blocks(&mut body, "", &reserved)?;
            } else if own.contains_key("name") && own.contains_key("language") {
                body.insert("type".to_owned(), "template".into());
                body.insert("template".to_owned(), own.clone().into());
            } else {
                return Err(Fault::request("bad_blocks"));
            }
            return Ok(body);
        }
        if post.message.blocks.is_some() {
            return Err(Fault::request("bad_blocks"));
        }
        let text = post.text(Markup::WhatsApp, self.refuse_long)?;
        let text = text.unwrap_or_default();
        let (kind, content) = match &self.template {
            Some(template) => ("template", self.filled(template, &text)?),
            None => ("text", json!({ "preview_url": false, "body": text })),
        };
        body.insert("type".to_owned(), kind.into());
        body.insert(kind.to_owned(), content);
        Ok(body)
    }

    /// The template with the text in its one place.
    fn filled(&self, template: &Template, text: &str) -> Result<Value, Fault> {
        let line = whatsapp_parameter(text);
        if self.refuse_long && Markup::WhatsApp.size(&line) > MAX_PARAMETER {
            return Err(Fault::request("text_too_long"));
        }
        let line = Markup::WhatsApp.fit(&line, MAX_PARAMETER);
        Ok(json!({
            "name": template.name,
            "language": { "code": template.language },
            "components": [{ "type": "body", "parameters": [{ "type": "text", "text": line }] }],
        }))
    }
}

/// How much of a text one place of a template gets: with more than this WhatsApp takes the whole body for too long.
const MAX_PARAMETER: usize = 1_024;

/// What the answer says. Pure.
fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        return Err(fault::of(answer));
    }
    let taken: Taken = answer.json()?;
    let first = taken.messages.into_iter().next();
    let first = first.ok_or_else(|| Fault::unknown("answer"))?;
    Ok(Receipt::with_message_id(first.id))
}

#[async_trait]
impl Provider for WhatsAppProvider {
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

impl fmt::Debug for WhatsAppProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhatsAppProvider")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("template", &self.template)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
