//! Text messages.

use serde::Serialize;

use crate::address::Address;
use crate::channel::{Channel, Escape, Part, Rendered};
use crate::error::{Error, Result};
use crate::id::{AddressScheme, ChannelId};
use crate::message::{Body, Message};

/// The longest text, in characters: ten segments of the GSM alphabet (3GPP TS 23.038).
const MAX_TEXT: usize = 1_530;

/// A text message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SmsMessage {
    /// The text.
    pub text: String,
}

impl SmsMessage {
    /// A text message.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl Body for SmsMessage {
    const CHANNEL: ChannelId = ChannelId::SMS;
}

/// Text messages. Part: `text`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SmsChannel;

impl SmsChannel {
    /// The channel.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Channel for SmsChannel {
    fn id(&self) -> ChannelId {
        ChannelId::SMS
    }

    fn accepts(&self, address: &Address) -> bool {
        *address.scheme() == AddressScheme::PHONE
    }

    fn parts(&self) -> &[Part] {
        const { &[Part::required("text", Escape::Text)] }
    }

    fn compose(&self, mut rendered: Rendered) -> Result<Message> {
        let text = rendered.take("text")?;
        if text.is_empty() {
            return Err(Error::invalid("text", "must not be empty"));
        }
        if text.chars().count() > MAX_TEXT {
            return Err(Error::invalid(
                "text",
                format!("is longer than {MAX_TEXT} characters"),
            ));
        }
        Ok(Message::new(SmsMessage { text }))
    }
}
