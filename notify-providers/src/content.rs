//! Content as JSON, for providers that take any channel.

use notify_core::ChannelId;
use notify_core::channel::{EmailMessage, InAppMessage, PushMessage, SmsMessage};
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Fault};
use serde_json::Value;

/// The content of a message of one of the provider's channels.
///
/// # Errors
/// A request fault where a provider of that channel would refuse the message too: in development is when it should be noticed.
pub(crate) fn content(message: &Message, capabilities: &Capabilities) -> Result<Value, Fault> {
    let channel = message.channel();
    if !capabilities.serves(channel) {
        return Err(Fault::request("wrong_channel"));
    }
    if *channel == ChannelId::EMAIL {
        message.body::<EmailMessage>()?;
    } else if *channel == ChannelId::SMS {
        message.body::<SmsMessage>()?;
    } else if *channel == ChannelId::PUSH {
        message.body::<PushMessage>()?;
    } else if *channel == ChannelId::IN_APP {
        message.body::<InAppMessage>()?;
    }
    message.to_json().map_err(|_| Fault::request("content"))
}
