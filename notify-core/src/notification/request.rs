//! The plain, serialisable form of a notification.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

use crate::calendar::{Date, TimeOfDay};
use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::id::{CategoryId, IdempotencyKey, RecipientId, TemplateName};
use crate::notification::{Attachment, Content, Notification, Priority, Route, SendAt};

/// What happened, as data: what a [`Notification`] becomes, and what can be built by hand.
///
/// Relative times stay relative, so that the same request always has the same [hash](crate::notification::RequestHash).
///
/// ```
/// use notify_core::{Content, NotificationRequest, Route};
///
/// let request = NotificationRequest::new("disk_full", "operations")
///     .with_content(Content::new("Disk full", "db-1 has 1 % left"))
///     .with_route(Route::to("email"))
///     .with_idempotency_key("disk:db-1");
/// assert_eq!(request.category().as_str(), "operations");
/// ```
///
/// An idempotency key stands for the request with its recipients. Where each person is sent to by a call of their own, it names the
/// person; else the second call is an [`ErrorKind::Conflict`](crate::ErrorKind::Conflict):
///
/// ```
/// use notify_core::memory::MemoryStore;
/// use notify_core::{Category, Content, NotificationRequest, Orchestrator, Recipient};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> notify_core::Result<()> {
/// # let notify = Orchestrator::builder(MemoryStore::new()).category(Category::transactional("operations")).build().await?;
/// for who in ["ada", "bob"] {
///     let full = NotificationRequest::new("disk_full", "operations")
///         .with_content(Content::new("Disk full", "db-1 has 1 % left"))
///         .with_idempotency_key(format!("disk:db-1:{who}"));
///     notify.send(full, Recipient::new(who)).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotificationRequest {
    kind: String,
    category: CategoryId,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    data: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<TemplateName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    route: Option<Route>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_after: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dedup_window: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<RecipientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    send_at: Option<SendAt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest_key: Option<String>,
    #[serde(skip)]
    idempotency_key: Option<IdempotencyKey>,
}

macro_rules! fields {
    ($( $(#[$doc:meta])* $with:ident / $get:ident: $into:ty => $type:ty ),* $(,)?) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $with(mut self, value: impl Into<$into>) -> Self {
            self.$get = Some(value.into());
            self
        }

        $(#[$doc])*
        #[must_use]
        pub const fn $get(&self) -> Option<&$type> {
            self.$get.as_ref()
        }
    )* };
}

impl NotificationRequest {
    /// A request of this kind and category, without data.
    #[must_use]
    pub fn new(kind: impl Into<String>, category: impl Into<CategoryId>) -> Self {
        Self {
            kind: kind.into(),
            category: category.into(),
            data: Value::Null,
            template: None,
            content: None,
            attachments: Vec::new(),
            priority: None,
            route: None,
            expires_after: None,
            dedup_window: None,
            occurred_at: None,
            source: None,
            correlation_id: None,
            actor: None,
            send_at: None,
            digest: None,
            digest_key: None,
            idempotency_key: None,
        }
    }

    /// The plain form of a typed notification.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `data` if it does not serialise to JSON.
    pub fn of<N: Notification>(notification: &N) -> Result<Self> {
        let mut request = Self::new(N::KIND, N::CATEGORY).with_data(notification)?;
        request.template = notification.template();
        request.priority = notification.priority();
        request.route = notification.route();
        request.expires_after = notification.expires_after();
        request.occurred_at = notification.occurred_at();
        request.actor = notification.actor();
        request.send_at = notification.send_at();
        request.digest = notification.digest();
        request.digest_key = notification.digest_key();
        request.idempotency_key = notification.idempotency_key();
        Ok(request)
    }

    /// The data of the templates: anything that serialises to a JSON object. At most 64 KiB.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `data` if it does not serialise to JSON.
    pub fn with_data(mut self, data: impl Serialize) -> Result<Self> {
        self.data = serde_json::to_value(data)
            .map_err(|e| Error::invalid("data", "does not serialise to JSON").source(e))?;
        Ok(self)
    }

    /// Not before this instant. One that is past is now. What it is worth (`expires_after`) counts from then.
    ///
    /// ```
    /// use notify_core::{NotificationRequest, Timestamp};
    /// use std::time::Duration;
    ///
    /// # let now = Timestamp::EPOCH;
    /// let reminder = NotificationRequest::new("appointment", "reminders")
    ///     .at(now + Duration::from_secs(3_600))
    ///     .with_idempotency_key("appointment:17"); // takes it back again, with `cancel_by_key`
    /// assert!(reminder.send_at().is_some());
    /// ```
    #[must_use]
    pub const fn at(mut self, at: Timestamp) -> Self {
        self.send_at = Some(SendAt::At(at));
        self
    }

    /// Not before this time of this day, where the recipient lives; without a zone, where the application's
    /// [default](crate::orchestrator::OrchestratorBuilder::default_zone) is.
    ///
    /// Where clocks go back it is the first of two passes; where they jump over the time, it is the jump.
    #[must_use]
    pub const fn at_local(mut self, date: Date, time: TimeOfDay) -> Self {
        self.send_at = Some(SendAt::local(date, time));
        self
    }

    /// What is left of it after everybody it was for was erased: kind, category, route and times, nothing that was said or about whom.
    #[must_use]
    pub fn erased(&self) -> Self {
        Self {
            data: Value::Null,
            content: None,
            attachments: Vec::new(),
            source: None,
            correlation_id: None,
            actor: None,
            idempotency_key: None,
            ..self.clone()
        }
    }

    /// For this time instead.
    pub(crate) const fn for_time(mut self, at: SendAt) -> Self {
        self.send_at = Some(at);
        self
    }

    /// For when it is; `None` is now.
    #[must_use]
    pub const fn send_at(&self) -> Option<&SendAt> {
        self.send_at.as_ref()
    }

    /// One more file that goes along with mails.
    #[must_use]
    pub fn with_attachment(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// What happened, such as `order_shipped`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The registered category.
    #[must_use]
    pub const fn category(&self) -> &CategoryId {
        &self.category
    }

    /// The data of the templates.
    #[must_use]
    pub const fn data(&self) -> &Value {
        &self.data
    }

    /// Files that go along with mails.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// The template's name: the one given, or the kind.
    #[must_use]
    pub fn template_name(&self) -> TemplateName {
        self.template
            .clone()
            .unwrap_or_else(|| TemplateName::from(self.kind.as_str()))
    }

    fields! {
        /// The template it is rendered with. Default: the one called as the kind.
        with_template / template: TemplateName => TemplateName,
        /// Content in place of a template.
        with_content / content: Content => Content,
        /// The lane. Default: the category's.
        with_priority / priority: Priority => Priority,
        /// The channels. Default: the category's.
        with_route / route: Route => Route,
        /// After how long it is no longer worth sending. Default: the category's.
        with_expires_after / expires_after: Duration => Duration,
        /// The same kind and data for the same recipient within this time is recorded as a duplicate and not sent. Default: off.
        with_dedup_window / dedup_window: Duration => Duration,
        /// When it happened, if that is not now.
        with_occurred_at / occurred_at: Timestamp => Timestamp,
        /// Which part of the application sent it; at most 255 characters.
        with_source / source: String => String,
        /// Follows the notification into every event, span and the provider's metadata; at most 255 characters.
        with_correlation_id / correlation_id: String => String,
        /// Who did it: they are not told of their own act.
        with_actor / actor: RecipientId => RecipientId,
        /// How it gathers with others, in place of what its category says; [`Digest::never`] lets it go by itself.
        with_digest / digest: Digest => Digest,
        /// Gathers with those of the same key only, besides recipient, category and channel: such as what is commented on. At most
        /// 255 characters; kept as a keyed hash where it gathers, and as it is with the request.
        with_digest_key / digest_key: String => String,
        /// A key under which this request is accepted once, with its recipients: name the recipient in it where each is sent to
        /// by a call of their own. Of the tenant; at most 255 characters.
        with_idempotency_key / idempotency_key: IdempotencyKey => IdempotencyKey,
    }
}
