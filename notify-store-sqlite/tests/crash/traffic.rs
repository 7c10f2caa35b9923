//! What is sent: numbered notifications of three kinds, and the setting that both processes agree on.

use notify_core::{
    Category, ChannelId, Content, IdempotencyKey, Notification, NotificationRequest, OnUnknown,
    Recipient, Result, Route, To,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// How many tasks of one process send at the same time.
pub(crate) const TASKS: u32 = 8;
/// The most notifications of one `send_batch`.
pub(crate) const MOST_IN_BATCH: u32 = 6;
/// How many people there are.
const PEOPLE: u32 = 16;

/// One notification: which process was asked first, which of its tasks, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) cycle: u32,
    pub(crate) task: u32,
    pub(crate) no: u32,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.cycle, self.task, self.no)
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut parts = text.splitn(3, '-').map(str::parse);
        let mut next = || parts.next().and_then(std::result::Result::ok);
        match (next(), next(), next()) {
            (Some(cycle), Some(task), Some(no)) => Ok(Self { cycle, task, no }),
            _ => Err(format!("{text:?} is no key")),
        }
    }
}

/// What is promised when nobody knows whether a message went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is sent again: by mail, whose provider takes no keys.
    AtLeastOnce,
    /// It is sent again under the same key, though its category would rather park it: by text message, whose provider takes keys.
    UnderItsKey,
    /// It is parked: by mail.
    AtMostOnce,
}

impl Key {
    pub(crate) const fn kind(self) -> Kind {
        match self.no % 8 {
            0..=3 => Kind::AtLeastOnce,
            4..=6 => Kind::UnderItsKey,
            _ => Kind::AtMostOnce,
        }
    }

    /// As the application asks for it.
    pub(crate) fn request(self) -> Result<NotificationRequest> {
        let key = self.to_string();
        let request = match self.kind() {
            Kind::AtLeastOnce => NotificationRequest::of(&Receipt { key: &key }),
            Kind::UnderItsKey => NotificationRequest::of(&Code { key: &key }),
            Kind::AtMostOnce => NotificationRequest::of(&Reminder { key: &key }),
        };
        let content = Content::new("Number", key.clone());
        Ok(request?.with_content(content).with_correlation_id(key))
    }

    /// To whom: somebody who is stored, or a recipient given in the call.
    pub(crate) fn to(self) -> To {
        let person = person(self.no % PEOPLE);
        if self.no.is_multiple_of(3) {
            To::from(person)
        } else {
            To::from(person.id())
        }
    }
}

macro_rules! notification {
    ($name:ident, $category:literal, $channel:expr) => {
        #[derive(Serialize)]
        struct $name<'a> {
            key: &'a str,
        }

        impl Notification for $name<'_> {
            const KIND: &'static str = $category;
            const CATEGORY: &'static str = $category;

            fn idempotency_key(&self) -> Option<IdempotencyKey> {
                Some(format!("{}:{}", Self::KIND, self.key).into())
            }

            fn route(&self) -> Option<Route> {
                Some(Route::to($channel))
            }
        }
    };
}

notification!(Receipt, "receipts", ChannelId::EMAIL);
notification!(Code, "codes", ChannelId::SMS);
notification!(Reminder, "reminders", ChannelId::EMAIL);

pub(crate) fn categories() -> [Category; 3] {
    let codes = Category::transactional("codes").by_default(ChannelId::SMS, true);
    [
        Category::transactional("receipts"),
        codes.on_unknown(OnUnknown::Park),
        Category::transactional("reminders").on_unknown(OnUnknown::Park),
    ]
}

fn person(no: u32) -> Recipient {
    Recipient::new(format!("person-{no}"))
        .with_email(&format!("person-{no}@example.com"))
        .with_phone(&format!("+155501{no:02}"))
}

pub(crate) fn people() -> impl Iterator<Item = Recipient> {
    (0..PEOPLE).map(person)
}

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Broken {
    Nothing,
    /// Callers are answered before the commit.
    AnswerBeforeCommit,
    /// What became of a delivery is written before it is sent.
    DoneBeforeSend,
}

/// What the parent tells a child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) path: PathBuf,
    pub(crate) vendor: SocketAddr,
    pub(crate) cycle: u32,
    pub(crate) broken: Broken,
    /// Keys that a client before had no answer for.
    pub(crate) again: Vec<String>,
    /// Whether to send nothing new, and to end when everything is done.
    pub(crate) drain: bool,
}
