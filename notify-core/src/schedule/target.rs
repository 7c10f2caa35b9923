//! Whom a schedule is for.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::RecipientId;
use crate::limits::{Limits, required};

/// The most recipients that one schedule names.
pub const MAX_RECIPIENTS: usize = 1_000;

/// Whom a schedule is for. Ids only: who they are, and what they want, is read anew for each occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScheduleTarget {
    /// These, each by a notification of their own: at least one, at most [`MAX_RECIPIENTS`], nobody twice.
    Recipients(Vec<RecipientId>),
}

impl ScheduleTarget {
    /// These recipients.
    pub fn recipients<R: Into<RecipientId>>(ids: impl IntoIterator<Item = R>) -> Self {
        Self::Recipients(ids.into_iter().map(Into::into).collect())
    }

    /// The recipients it names.
    #[must_use]
    pub fn named(&self) -> &[RecipientId] {
        match self {
            Self::Recipients(ids) => ids,
        }
    }

    /// Without this recipient; nobody is left where it named them alone.
    pub(crate) fn without(&self, recipient: &RecipientId) -> Option<Self> {
        let mut ids = self.named().to_vec();
        ids.retain(|id| id != recipient);
        (!ids.is_empty()).then_some(Self::Recipients(ids))
    }

    /// Checks numbers and names.
    pub(crate) fn validate(&self) -> Result<()> {
        const FIELD: &str = "schedule.recipients";
        let ids = self.named();
        if ids.is_empty() {
            return Err(Error::invalid(FIELD, "names nobody"));
        }
        if ids.len() > MAX_RECIPIENTS {
            let why =
                format!("names more than {MAX_RECIPIENTS} recipients; make several schedules");
            return Err(Error::invalid(FIELD, why));
        }
        for id in ids {
            required(FIELD, id.as_str(), Limits::RECIPIENT)?;
        }
        let mut sorted: Vec<&RecipientId> = ids.iter().collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|two| two[0] == two[1]) {
            return Err(Error::invalid(FIELD, "names somebody twice"));
        }
        Ok(())
    }
}

impl From<&str> for ScheduleTarget {
    fn from(id: &str) -> Self {
        Self::Recipients(vec![id.into()])
    }
}

impl From<RecipientId> for ScheduleTarget {
    fn from(id: RecipientId) -> Self {
        Self::Recipients(vec![id])
    }
}

impl From<Vec<RecipientId>> for ScheduleTarget {
    fn from(ids: Vec<RecipientId>) -> Self {
        Self::Recipients(ids)
    }
}
