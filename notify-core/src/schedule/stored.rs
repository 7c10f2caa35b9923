//! A schedule as it is stored.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{NotificationId, RecipientId, ScheduleId};
use crate::schedule::ScheduledRequest;

/// A schedule as it is stored.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredSchedule {
    /// Its id.
    pub id: ScheduleId,
    /// What is sent, to whom, and when.
    pub scheduled: ScheduledRequest,
    /// Whether nothing is sent for now.
    pub is_paused: bool,
    /// Grows by one with every change; 1 is the first.
    pub version: u64,
    /// When it was stored first.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When a worker looks at it next: at the next occurrence, or earlier where one that failed is tried again. `None` if it is
    /// paused or over.
    pub next: Option<Timestamp>,
    /// The last occurrence that could not be planned for everybody; `None` once one could again.
    pub failure: Option<ScheduleFailure>,
}

/// An occurrence that could not be planned for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScheduleFailure {
    /// Which occurrence.
    pub occurrence: Timestamp,
    /// When it was tried last.
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// What to do about it: names the template or variable, never a person.
    pub message: String,
}

impl ScheduleFailure {
    /// This occurrence was tried so often, and for the last time then.
    #[must_use]
    pub fn new(
        occurrence: Timestamp,
        at: Timestamp,
        tries: u32,
        message: impl Into<String>,
    ) -> Self {
        Self {
            occurrence,
            at,
            tries,
            message: message.into(),
        }
    }
}

impl StoredSchedule {
    /// A schedule of version 1, not paused, that was stored then; stores set the other fields.
    #[must_use]
    pub const fn new(id: ScheduleId, scheduled: ScheduledRequest, created_at: Timestamp) -> Self {
        Self {
            id,
            scheduled,
            is_paused: false,
            version: 1,
            created_at,
            updated_at: created_at,
            next: None,
            failure: None,
        }
    }

    /// Whether it has no occurrence any more. It stays, for what is known of it, until it is removed.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        !self.is_paused && self.next.is_none()
    }

    /// The id of the notification that one occurrence makes for one recipient: known before, and the same whoever makes it. So one
    /// that is held can be found and taken back.
    #[must_use]
    pub fn notification_id(
        &self,
        occurrence: Timestamp,
        recipient: &RecipientId,
    ) -> NotificationId {
        let mut text = Vec::with_capacity(24 + recipient.as_str().len());
        text.extend_from_slice(self.id.as_bytes());
        text.extend_from_slice(&occurrence.as_micros().to_be_bytes());
        text.extend_from_slice(recipient.as_str().as_bytes());
        let hash = digest(&SHA256, &text);
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        // A UUID of version 7 of the occurrence's millisecond, with 74 bits of the hash.
        let millis = u64::try_from(occurrence.as_micros() / 1_000).unwrap_or(0);
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        NotificationId::from_bytes(bytes)
    }
}
