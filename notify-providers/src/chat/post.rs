//! A chat message as services' interfaces take it: checked, and not yet in any service's words.

use notify_core::ChannelId;
use notify_core::channel::ChatMessage;
use notify_core::provider::{Envelope, Fault};

/// A chat message that can be sent.
#[derive(Debug)]
pub(crate) struct Post<'a> {
    pub(crate) message: &'a ChatMessage,
    /// A room, a person or a URL, in the service's own words.
    pub(crate) to: &'a str,
}

impl<'a> Post<'a> {
    /// Checks everything that no service would take, before any is asked. `channel` is the provider's, such as `chat.slack`.
    ///
    /// # Errors
    /// A request fault: `wrong_channel`, `no_body`; a recipient fault `bad_address`.
    pub(crate) fn of(envelope: &'a Envelope, channel: &ChannelId) -> Result<Self, Fault> {
        if envelope.message.channel() != channel {
            return Err(Fault::request("wrong_channel"));
        }
        let message = envelope.message.body::<ChatMessage>()?;
        if envelope.address.validate().is_err() {
            return Err(Fault::recipient("bad_address"));
        }
        if message.text.trim().is_empty() && message.blocks.is_none() {
            return Err(Fault::request("no_body"));
        }
        Ok(Self {
            message,
            to: envelope.address.expose(),
        })
    }
}
