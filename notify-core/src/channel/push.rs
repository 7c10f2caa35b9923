//! Push to devices and browsers.

use serde::Serialize;
use std::collections::BTreeMap;

use crate::address::Address;
use crate::channel::{Channel, Escape, Part, Reach, Rendered};
use crate::error::{Error, Result};
use crate::id::{AddressScheme, ChannelId};
use crate::message::{Body, Message};

/// The most bytes of text: the payload limit of 4 KiB of APNs, FCM and Web Push (RFC 8030 §7.2) less room for keys.
const MAX_TEXT_BYTES: usize = 3_584;

/// A push message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PushMessage {
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
    /// The URL of a picture.
    pub image: Option<String>,
    /// What opens when it is clicked.
    pub click_action: Option<String>,
    /// Data for the application on the device.
    pub data: BTreeMap<String, String>,
}

impl PushMessage {
    /// A title and a text.
    #[must_use]
    pub fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            body: body.into(),
            image: None,
            click_action: None,
            data: BTreeMap::new(),
        }
    }
}

impl Body for PushMessage {
    const CHANNEL: ChannelId = ChannelId::PUSH;
}

/// Push to every device of a recipient. Parts: `title`, `body`; optional `image`, `click_action`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PushChannel;

impl PushChannel {
    /// The channel.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Channel for PushChannel {
    fn id(&self) -> ChannelId {
        ChannelId::PUSH
    }

    fn accepts(&self, address: &Address) -> bool {
        *address.scheme() == AddressScheme::DEVICE
    }

    fn reach(&self) -> Reach {
        Reach::Every
    }

    fn parts(&self) -> &[Part] {
        const {
            &[
                Part::required("title", Escape::Line),
                Part::required("body", Escape::Text),
                Part::optional("image", Escape::Line),
                Part::optional("click_action", Escape::Line),
            ]
        }
    }

    fn compose(&self, mut rendered: Rendered) -> Result<Message> {
        let message = PushMessage {
            title: rendered.take("title")?,
            body: rendered.take("body")?,
            image: rendered.take_optional("image"),
            click_action: rendered.take_optional("click_action"),
            data: BTreeMap::new(),
        };
        let bytes = message.title.len()
            + message.body.len()
            + message.image.as_ref().map_or(0, String::len)
            + message.click_action.as_ref().map_or(0, String::len);
        if bytes > MAX_TEXT_BYTES {
            return Err(Error::invalid(
                "body",
                format!("makes the push larger than {MAX_TEXT_BYTES} bytes"),
            ));
        }
        Ok(Message::new(message))
    }
}
