//! What happened, to be told: the trait that the application's own types implement, and its plain form.

mod category;
mod content;
mod hash;
mod priority;
mod request;
mod route;
mod schedule;
mod timing;
mod validate;

pub use category::{Category, Class, OnUnknown, Tracking};
pub use content::{Attachment, Content};
pub use hash::{ContentHash, RequestHash};
pub use priority::Priority;
pub use request::NotificationRequest;
pub use route::{MAX_STEPS, Route, Step, When};
pub use schedule::{Cron, MAX_DUE, Missed, Schedule, SendAt};
pub use timing::{InQuietHours, MAX_WINDOWS, SendWindow};
pub use validate::validate;

pub(crate) use timing::at_most_windows;

use serde::Serialize;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::error::Result;
use crate::id::{IdempotencyKey, RecipientId, TemplateName};
use crate::recipient::Recipient;

/// Something that happened, as one of the application's own types.
///
/// Two constants are enough; the fields become the data of the templates. Never used as `dyn`: its erased form is [`NotificationRequest`].
///
/// ```
/// use notify_core::{IdempotencyKey, IntoRequest, Notification};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct OrderShipped<'a> { order_id: &'a str }
///
/// impl Notification for OrderShipped<'_> {
///     const KIND: &'static str = "order_shipped";
///     const CATEGORY: &'static str = "order_updates";
///     fn idempotency_key(&self) -> Option<IdempotencyKey> {
///         Some(format!("shipped:{}", self.order_id).into())
///     }
/// }
///
/// let request = OrderShipped { order_id: "A-17" }.into_request()?;
/// assert_eq!(request.kind(), "order_shipped");
/// assert_eq!(request.data()["order_id"], "A-17");
/// # Ok::<(), notify_core::Error>(())
/// ```
pub trait Notification: Serialize {
    /// What happened, such as `order_shipped`: names the templates, unless [`template`](Self::template) does.
    const KIND: &'static str;
    /// The registered [`Category`] that users have opinions about.
    const CATEGORY: &'static str;

    /// A key under which this is accepted once. Default: none.
    ///
    /// A key belongs to the tenant and stands for the whole request with its recipients: under the same key the same request to
    /// the same recipients is a duplicate, and anything else an
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) that stores nothing. So where each person is sent to by a call of their
    /// own, the key names the person:
    ///
    /// ```
    /// use notify_core::{IdempotencyKey, IntoRequest, Notification};
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct Invited<'a> {
    ///     meeting: &'a str,
    ///     #[serde(skip)] // for the key only
    ///     guest: &'a str,
    /// }
    ///
    /// impl Notification for Invited<'_> {
    ///     const KIND: &'static str = "invited";
    ///     const CATEGORY: &'static str = "meetings";
    ///     fn idempotency_key(&self) -> Option<IdempotencyKey> {
    ///         Some(format!("invited:{}:{}", self.meeting, self.guest).into())
    ///     }
    /// }
    ///
    /// let to = |guest| Invited { meeting: "m-7", guest };
    /// let (ada, bob) = (to("ada").into_request()?, to("bob").into_request()?);
    /// assert_ne!(ada.idempotency_key(), bob.idempotency_key());
    /// # Ok::<(), notify_core::Error>(())
    /// ```
    ///
    /// Keys are kept for a week by default ([`Retention`](crate::queue::Retention)), and only as a keyed hash.
    fn idempotency_key(&self) -> Option<IdempotencyKey> {
        None
    }

    /// The lane it travels in. Default: the category's.
    fn priority(&self) -> Option<Priority> {
        None
    }

    /// The channels it takes, and in what order. Default: the category's.
    fn route(&self) -> Option<Route> {
        None
    }

    /// After how long it is no longer worth sending. Default: the category's.
    fn expires_after(&self) -> Option<Duration> {
        None
    }

    /// The template it is rendered with. Default: the one called as the kind.
    fn template(&self) -> Option<TemplateName> {
        None
    }

    /// When it happened, if that is not now.
    fn occurred_at(&self) -> Option<Timestamp> {
        None
    }

    /// Who did it: they are not told of their own act.
    fn actor(&self) -> Option<RecipientId> {
        None
    }

    /// How it gathers with others, in place of what its category says. Default: as its category says.
    fn digest(&self) -> Option<Digest> {
        None
    }

    /// Gathers with those of the same key only, such as what is commented on. Default: with all of its category.
    fn digest_key(&self) -> Option<String> {
        None
    }

    /// For when it is. Default: now.
    fn send_at(&self) -> Option<SendAt> {
        None
    }
}

/// What `send` takes: any [`Notification`], or a [`NotificationRequest`] built by hand.
pub trait IntoRequest {
    /// The plain form.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the data does not serialise to JSON.
    fn into_request(self) -> Result<NotificationRequest>;
}

impl<N: Notification> IntoRequest for N {
    fn into_request(self) -> Result<NotificationRequest> {
        NotificationRequest::of(&self)
    }
}

impl IntoRequest for NotificationRequest {
    fn into_request(self) -> Result<NotificationRequest> {
        Ok(self)
    }
}

/// To whom: an id that the store or the application's resolver knows, or a recipient given in the call.
///
/// Addresses of a recipient given in the call are kept with the delivery until it ends, and then erased.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum To {
    /// A known recipient: looked up now, and again when the message is sent.
    Id(RecipientId),
    /// A recipient given in the call.
    Inline(Box<Recipient>),
}

impl To {
    /// The recipient's id.
    #[must_use]
    pub fn id(&self) -> &RecipientId {
        match self {
            Self::Id(id) => id,
            Self::Inline(recipient) => recipient.id(),
        }
    }
}

impl From<&str> for To {
    fn from(id: &str) -> Self {
        Self::Id(id.into())
    }
}

impl From<String> for To {
    fn from(id: String) -> Self {
        Self::Id(id.into())
    }
}

impl From<RecipientId> for To {
    fn from(id: RecipientId) -> Self {
        Self::Id(id)
    }
}

impl From<&RecipientId> for To {
    fn from(id: &RecipientId) -> Self {
        Self::Id(id.clone())
    }
}

impl From<Recipient> for To {
    fn from(recipient: Recipient) -> Self {
        Self::Inline(Box::new(recipient))
    }
}
