//! What an application plans: what is sent, to whom, and when.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{RecipientId, ScheduleKey};
use crate::limits::{Limits, required};
use crate::notification::{NotificationRequest, Schedule};
use crate::schedule::ScheduleTarget;

/// What is sent, to whom, and when: once or again and again.
///
/// The key is the application's own name for it, and unique in the tenant.
///
/// ```
/// use notify_core::notification::{Missed, Schedule};
/// use notify_core::schedule::ScheduledRequest;
/// use notify_core::{Content, NotificationRequest};
///
/// let report = NotificationRequest::new("weekly_report", "reports").with_content(Content::new("Your week", "All is well."));
/// let mondays = Schedule::cron("0 9 * * MON", "Europe/Berlin")?.when_missed(Missed::RunOnce);
/// let scheduled = ScheduledRequest::new("weekly-report", report, "ada", mondays);
/// assert_eq!(scheduled.key().as_str(), "weekly-report");
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledRequest {
    key: ScheduleKey,
    request: NotificationRequest,
    target: ScheduleTarget,
    when: Schedule,
}

impl ScheduledRequest {
    /// A request for these recipients at these times.
    ///
    /// The request has no time and no idempotency key of its own: it gets those of each occurrence. What it says is as it was
    /// when it was stored; templates, addresses and preferences are those of the occurrence.
    pub fn new(
        key: impl Into<ScheduleKey>,
        request: NotificationRequest,
        target: impl Into<ScheduleTarget>,
        when: Schedule,
    ) -> Self {
        Self {
            key: key.into(),
            request,
            target: target.into(),
            when,
        }
    }

    /// For the others whom it names, if there are any.
    pub(crate) fn without(&self, recipient: &RecipientId) -> Option<Self> {
        let target = self.target.without(recipient)?;
        Some(Self {
            target,
            ..self.clone()
        })
    }

    /// At other times.
    #[must_use]
    pub fn with_when(mut self, when: Schedule) -> Self {
        self.when = when;
        self
    }

    /// What the application calls it.
    #[must_use]
    pub const fn key(&self) -> &ScheduleKey {
        &self.key
    }

    /// What is sent.
    #[must_use]
    pub const fn request(&self) -> &NotificationRequest {
        &self.request
    }

    /// To whom.
    #[must_use]
    pub const fn target(&self) -> &ScheduleTarget {
        &self.target
    }

    /// When.
    #[must_use]
    pub const fn when(&self) -> &Schedule {
        &self.when
    }

    /// The request of one occurrence.
    pub(crate) fn at(&self, occurrence: Timestamp) -> NotificationRequest {
        let at = self.when.send_at(occurrence);
        self.request.clone().for_time(at)
    }

    /// Checks what needs nobody's data but the request's, which is checked as that of any other call.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming the field.
    pub fn validate(&self) -> Result<()> {
        required("schedule.key", self.key.as_str(), Limits::KEY)?;
        if self.request.send_at().is_some() {
            let why = "is given by the schedule; leave it out of the request";
            return Err(Error::invalid("send_at", why));
        }
        if self.request.idempotency_key().is_some() {
            let why = "is given by each occurrence; leave it out of the request";
            return Err(Error::invalid("idempotency_key", why));
        }
        self.target.validate()
    }
}
