//! Text messages.

use serde::{Deserialize, Serialize};
use std::num::NonZeroU16;
use std::time::Duration;

use crate::address::Address;
use crate::channel::{Channel, Escape, Part, Rendered};
use crate::error::{Error, Result};
use crate::id::{AddressScheme, ChannelId};
use crate::message::{Body, Message};
use crate::notification::Class;

/// The longest text, in characters: ten segments of the GSM alphabet (3GPP TS 23.038).
const MAX_TEXT: usize = 1_530;

/// What happens to a text that is longer than one segment: 160 characters of the GSM alphabet, or 70 of any other.
///
/// Each segment is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overflow {
    /// It is refused.
    Reject,
    /// It is sent as up to this many segments, and refused if it needs more.
    Split {
        /// The most segments.
        max: NonZeroU16,
    },
    /// It is cut to one segment that ends with three dots; the dots are ASCII, because `…` would leave only 70 characters.
    Truncate,
}

impl Overflow {
    /// Up to `max` segments; zero is read as one.
    #[must_use]
    pub const fn split(max: u16) -> Self {
        let max = match NonZeroU16::new(max) {
            Some(max) => max,
            None => NonZeroU16::MIN,
        };
        Self::Split { max }
    }

    /// What is usual for a class: marketing is cut, because nobody pays for the second half of an advertisement; everything else
    /// is split into up to ten segments, because half a warning is none.
    #[must_use]
    pub const fn of(class: Class) -> Self {
        match class {
            Class::Marketing => Self::Truncate,
            Class::Transactional | Class::Critical => Self::split(10),
        }
    }
}

/// A text message.
///
/// ```
/// use notify_core::channel::{Overflow, SmsMessage};
/// use std::time::Duration;
///
/// let code = SmsMessage::new("Your code is 123456.")
///     .with_sender("Example")
///     .with_validity(Duration::from_secs(300))
///     .with_overflow(Overflow::Reject);
/// assert_eq!(code.sender.as_deref(), Some("Example"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SmsMessage {
    /// The text.
    pub text: String,
    /// Who it is from, where that is not the provider's sender: a number, a short code or a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// For how long the vendor tries to deliver it, such as to a phone that is off. Default: the vendor's. A provider whose vendor
    /// has no such limit refuses the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity: Option<Duration>,
    /// What happens to a text of more than one segment. Default: the provider's, which is by class [`Overflow::of`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<Overflow>,
}

impl SmsMessage {
    /// A text message.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            sender: None,
            validity: None,
            overflow: None,
        }
    }

    /// From this number, short code or name.
    #[must_use]
    pub fn with_sender(mut self, sender: impl Into<String>) -> Self {
        self.sender = Some(sender.into());
        self
    }

    /// Worth nothing after this long.
    #[must_use]
    pub const fn with_validity(mut self, validity: Duration) -> Self {
        self.validity = Some(validity);
        self
    }

    /// This happens to a text of more than one segment.
    #[must_use]
    pub const fn with_overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = Some(overflow);
        self
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
        Ok(Message::new(SmsMessage::new(text)))
    }
}
