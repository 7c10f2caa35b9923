//! Chats: Slack, Discord, Telegram and their like, each a channel of its own.

use serde::Serialize;

use crate::address::Address;
use crate::channel::{Channel, Escape, Part, Rendered};
use crate::error::Result;
use crate::id::{AddressScheme, ChannelId};
use crate::message::{Body, Message};

/// A chat message as plain text; the provider escapes it for its own markup.
///
/// ```
/// use notify_core::channel::ChatMessage;
/// use notify_core::{ChannelId, Message};
/// use serde_json::json;
///
/// let chat = ChatMessage::new("Build 1812 is green.")
///     .with_blocks(json!([{"type": "section", "text": {"type": "mrkdwn", "text": "*Green*"}}]));
/// let message = Message::new(chat).on(ChannelId::new("chat.slack"));
/// assert_eq!(message.channel().as_str(), "chat.slack");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChatMessage {
    /// The text; where there are blocks, what is shown in their place by clients that cannot show them.
    pub text: String,
    /// Content in the vendor's own form, passed on as it is: Slack's blocks, Discord's embeds, a card of Teams, a template of
    /// WhatsApp. Nothing in it is checked or escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<serde_json::Value>,
}

impl ChatMessage {
    /// A text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            blocks: None,
        }
    }

    /// With content in the vendor's own form.
    #[must_use]
    pub fn with_blocks(mut self, blocks: serde_json::Value) -> Self {
        self.blocks = Some(blocks);
        self
    }
}

impl Body for ChatMessage {
    const CHANNEL: ChannelId = ChannelId::new("chat");
}

/// One chat service: `ChatChannel::new("chat.slack", "slack")` reaches addresses of scheme `slack`. Part: `text`.
#[derive(Clone, Debug)]
pub struct ChatChannel {
    id: ChannelId,
    scheme: AddressScheme,
}

impl ChatChannel {
    /// A chat service's channel and the scheme of its addresses.
    #[must_use]
    pub fn new(id: impl Into<ChannelId>, scheme: impl Into<AddressScheme>) -> Self {
        Self {
            id: id.into(),
            scheme: scheme.into(),
        }
    }
}

impl Channel for ChatChannel {
    fn id(&self) -> ChannelId {
        self.id.clone()
    }

    fn accepts(&self, address: &Address) -> bool {
        *address.scheme() == self.scheme
    }

    fn parts(&self) -> &[Part] {
        const { &[Part::required("text", Escape::Text)] }
    }

    fn compose(&self, mut rendered: Rendered) -> Result<Message> {
        Ok(Message::new(ChatMessage::new(rendered.take("text")?)).on(self.id.clone()))
    }
}
