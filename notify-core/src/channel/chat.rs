//! Chats: Slack, Discord, Telegram and their like, each a channel of its own.

use serde::Serialize;

use crate::address::Address;
use crate::channel::{Channel, Escape, Part, Rendered};
use crate::error::Result;
use crate::id::{AddressScheme, ChannelId};
use crate::message::{Body, Message};

/// A chat message as plain text; the provider escapes it for its own markup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChatMessage {
    /// The text.
    pub text: String,
}

impl ChatMessage {
    /// A text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
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
        Ok(Message::new(ChatMessage {
            text: rendered.take("text")?,
        })
        .on(self.id.clone()))
    }
}
