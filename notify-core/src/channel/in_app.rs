//! The inbox inside the application.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::channel::{Channel, Escape, Part, Rendered};
use crate::error::Result;
use crate::id::{AddressScheme, ChannelId};
use crate::message::{Body, Message};

/// An item of the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InAppMessage {
    /// The title.
    pub title: String,
    /// The text, not HTML.
    pub body: String,
    /// What opens when it is clicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click_action: Option<String>,
    /// The URL of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl InAppMessage {
    /// A title and a text.
    #[must_use]
    pub fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            body: body.into(),
            click_action: None,
            image: None,
        }
    }
}

impl Body for InAppMessage {
    const CHANNEL: ChannelId = ChannelId::IN_APP;
}

/// The inbox inside the application: every recipient has one, addressed by their id. Parts: `title`, `body`; optional `click_action`, `image`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct InAppChannel;

impl InAppChannel {
    /// The channel.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Channel for InAppChannel {
    fn id(&self) -> ChannelId {
        ChannelId::IN_APP
    }

    fn accepts(&self, address: &Address) -> bool {
        *address.scheme() == AddressScheme::INBOX
    }

    fn parts(&self) -> &[Part] {
        const {
            &[
                Part::required("title", Escape::Line),
                Part::required("body", Escape::Text),
                Part::optional("click_action", Escape::Line),
                Part::optional("image", Escape::Line),
            ]
        }
    }

    fn compose(&self, mut rendered: Rendered) -> Result<Message> {
        Ok(Message::new(InAppMessage {
            title: rendered.take("title")?,
            body: rendered.take("body")?,
            click_action: rendered.take_optional("click_action"),
            image: rendered.take_optional("image"),
        }))
    }
}
