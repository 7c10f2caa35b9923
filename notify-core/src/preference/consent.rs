//! The consent log: who agreed to what, when, where, and in what words.

use serde::{Deserialize, Serialize};
use std::fmt;

use crate::clock::Timestamp;
use crate::id::{CategoryId, RecipientId};

/// One row of the consent log: somebody agreed to a category, or withdrew. Written with the change itself, and never changed but by
/// erasure.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConsentEntry {
    /// Who. After an erasure a pseudonym.
    pub recipient: RecipientId,
    /// To what.
    pub category: CategoryId,
    /// Agreed or withdrawn.
    pub granted: bool,
    /// Where it was said, such as `sign-up form`, or why it was withdrawn. Empty after an erasure.
    pub source: String,
    /// What the person read when they said it, word by word. Empty where it was not given, and after an erasure.
    pub wording: String,
    /// Who wrote it down: `recipient`, `application`, or an operator's id.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

impl ConsentEntry {
    /// A row as a store reads it back.
    #[must_use]
    pub const fn new(
        recipient: RecipientId,
        category: CategoryId,
        granted: bool,
        actor: String,
        at: Timestamp,
    ) -> Self {
        Self {
            recipient,
            category,
            granted,
            source: String::new(),
            wording: String::new(),
            actor,
            at,
        }
    }

    /// Said here, in answer to these words.
    #[must_use]
    pub fn said(mut self, source: impl Into<String>, wording: impl Into<String>) -> Self {
        (self.source, self.wording) = (source.into(), wording.into());
        self
    }
}

/// Neither who nor in what words is shown.
impl fmt::Debug for ConsentEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsentEntry")
            .field("category", &self.category)
            .field("granted", &self.granted)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
