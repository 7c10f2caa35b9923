//! Ways to reach people: which addresses, which parts of a template, what limits. Pure; rendering and sending are elsewhere.

mod chat;
mod email;
mod in_app;
mod push;
mod sms;

pub use chat::{ChatChannel, ChatMessage};
pub use email::{EmailChannel, EmailMessage, ListUnsubscribe, Mailbox};
pub use in_app::{InAppChannel, InAppMessage};
pub use push::{Interruption, PushAction, PushChannel, PushMessage, PushPriority};
pub use sms::{Overflow, SmsChannel, SmsMessage};

use std::collections::BTreeMap;
use std::fmt;

use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ChannelId;
use crate::message::Message;
use crate::notification::{Attachment, Class};

/// How a part's variables are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Escape {
    /// For HTML: `<`, `>`, `&` and quotes become entities.
    Html,
    /// Not at all; line breaks and other control characters are removed, for subjects and titles.
    Line,
    /// Not at all.
    Text,
}

/// One part of a message that a template fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// The name in templates and files: `subject`, `text`, `html`, …
    pub name: &'static str,
    /// How its variables are escaped.
    pub escape: Escape,
    /// Whether a template without it is refused.
    pub required: bool,
}

impl Part {
    /// A part that every template must have.
    #[must_use]
    pub const fn required(name: &'static str, escape: Escape) -> Self {
        Self {
            name,
            escape,
            required: true,
        }
    }

    /// A part that a template may have.
    #[must_use]
    pub const fn optional(name: &'static str, escape: Escape) -> Self {
        Self {
            name,
            escape,
            required: false,
        }
    }
}

/// Rendered parts and what goes with them: what a channel composes a message of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rendered {
    /// What the notification is in law.
    pub class: Class,
    /// Files that go along.
    pub attachments: Vec<Attachment>,
    /// Where the reader can unsubscribe; `None` where the application gave no links.
    pub unsubscribe: Option<ListUnsubscribe>,
    /// Whether the vendor is told not to track opens and clicks, because the system does.
    pub untracked: bool,
    /// With what the application's client reports, where the category asks for that.
    pub report_token: Option<String>,
    parts: BTreeMap<String, String>,
}

impl Rendered {
    /// Parts of a message of this class.
    #[must_use]
    pub fn new(class: Class, parts: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            class,
            attachments: Vec::new(),
            unsubscribe: None,
            untracked: false,
            report_token: None,
            parts: parts.into_iter().collect(),
        }
    }

    /// Takes a part out, or says which one is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] naming the part.
    pub fn take(&mut self, name: &str) -> Result<String> {
        self.take_optional(name).ok_or_else(|| {
            Error::new(
                ErrorKind::Template,
                format!("the template has no part {name}"),
            )
        })
    }

    /// Takes a part out.
    #[must_use]
    pub fn take_optional(&mut self, name: &str) -> Option<String> {
        self.parts.remove(name)
    }
}

/// Which of a recipient's addresses one delivery goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// The first address that the channel accepts.
    One,
    /// Every address that the channel accepts, such as all devices.
    Every,
}

/// A way to reach people.
///
/// # Contract
/// - Every method is pure: same arguments, same answer, no clock, no I/O.
/// - `parts` names each part once.
/// - `compose` refuses what no provider of the channel could send, and never cuts silently.
/// - `compose` gives a message whose channel is `id`.
pub trait Channel: fmt::Debug + Send + Sync + 'static {
    /// Its name.
    fn id(&self) -> ChannelId;

    /// Whether an address is one of this channel's.
    fn accepts(&self, address: &Address) -> bool;

    /// Whether a delivery goes to one address or to every one. Default: one.
    fn reach(&self) -> Reach {
        Reach::One
    }

    /// The parts that a template fills.
    fn parts(&self) -> &[Part];

    /// Makes a message of rendered parts.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] if a part is missing, [`ErrorKind::Invalid`] if the message breaks a limit of the channel; both name it.
    fn compose(&self, rendered: Rendered) -> Result<Message>;
}

fn _object_safe(_: &dyn Channel) {}
