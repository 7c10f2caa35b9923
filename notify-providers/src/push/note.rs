//! A push message as vendors' interfaces take it: checked, and not yet in any vendor's words.

use notify_core::ChannelId;
use notify_core::channel::{PushMessage, PushPriority};
use notify_core::notification::Class;
use notify_core::provider::{Envelope, Fault};

/// A push message that can be sent.
#[derive(Debug)]
pub(crate) struct Note<'a> {
    pub(crate) message: &'a PushMessage,
    /// A token, or the URL of an endpoint.
    pub(crate) to: &'a str,
    /// The message's own, else high for what is critical.
    pub(crate) priority: PushPriority,
}

impl<'a> Note<'a> {
    /// Checks everything that no vendor would take, before any is asked.
    ///
    /// # Errors
    /// A request fault `wrong_channel`; a recipient fault `bad_address`.
    pub(crate) fn of(envelope: &'a Envelope) -> Result<Self, Fault> {
        if *envelope.message.channel() != ChannelId::PUSH {
            return Err(Fault::request("wrong_channel"));
        }
        let message = envelope.message.body::<PushMessage>()?;
        if envelope.address.validate().is_err() {
            return Err(Fault::recipient("bad_address"));
        }
        let usual = match envelope.class {
            Class::Critical => PushPriority::High,
            Class::Transactional | Class::Marketing => PushPriority::Normal,
        };
        Ok(Self {
            message,
            to: envelope.address.expose(),
            priority: message.priority.unwrap_or(usual),
        })
    }
}
