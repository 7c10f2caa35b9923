//! A rendered message: typed content of one channel in an erased, cheap to clone envelope.

use serde::Serialize;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::id::ChannelId;

/// Content of one channel's messages. Ours and an outsider's use the same door.
///
/// ```
/// use notify_core::{ChannelId, Message, message::Body};
/// use serde::Serialize;
///
/// #[derive(Debug, Serialize)]
/// struct MatrixMessage { html: String }
/// impl Body for MatrixMessage {
///     const CHANNEL: ChannelId = ChannelId::new("chat.matrix");
/// }
///
/// let message = Message::new(MatrixMessage { html: "<b>hi</b>".into() });
/// assert_eq!(message.body::<MatrixMessage>().map(|m| m.html.as_str()), Ok("<b>hi</b>"));
/// ```
pub trait Body: Any + Serialize + fmt::Debug + Send + Sync {
    /// The channel whose messages have this content.
    const CHANNEL: ChannelId;
}

trait Erased: Send + Sync {
    fn any(&self) -> &dyn Any;
    fn json(&self) -> serde_json::Result<serde_json::Value>;
}

impl<B: Body> Erased for B {
    fn any(&self) -> &dyn Any {
        self
    }

    fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(self)
    }
}

/// Rendered content for one channel. Cloning shares it; `Debug` shows the channel only.
#[derive(Clone)]
pub struct Message {
    channel: ChannelId,
    body: Arc<dyn Erased>,
}

/// The message belongs to another channel than the provider that was asked to send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongBody;

impl fmt::Display for WrongBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message is of another channel")
    }
}

impl std::error::Error for WrongBody {}

impl Message {
    /// Wraps typed content.
    #[must_use]
    pub fn new<B: Body>(body: B) -> Self {
        Self {
            channel: B::CHANNEL,
            body: Arc::new(body),
        }
    }

    /// The same content on another channel, for channels that share a type of content.
    #[must_use]
    pub fn on(mut self, channel: ChannelId) -> Self {
        self.channel = channel;
        self
    }

    /// The channel this message is for.
    #[must_use]
    pub const fn channel(&self) -> &ChannelId {
        &self.channel
    }

    /// The typed content.
    ///
    /// # Errors
    /// [`WrongBody`] if the content is of another type; a provider returns it with `?` as a request fault.
    pub fn body<B: Body>(&self) -> Result<&B, WrongBody> {
        self.body.any().downcast_ref().ok_or(WrongBody)
    }

    /// The content as JSON, for previews, recorders and the inbox. One way: it is never read back for sending.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the content does not serialise.
    pub fn to_json(&self) -> Result<serde_json::Value> {
        self.body
            .json()
            .map_err(|e| Error::new(ErrorKind::Unexpected, "message does not serialise").source(e))
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}
