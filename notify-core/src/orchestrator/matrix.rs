//! A person's settings as a page shows them: every category in their language, every channel, what takes effect and what is locked.

use crate::error::Result;
use crate::id::{CategoryId, Locale, RecipientId};
use crate::notification::Class;
use crate::orchestrator::{Cell, Orchestrator};

/// One category of a person's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MatrixRow {
    /// Which.
    pub category: CategoryId,
    /// What it is in law.
    pub class: Class,
    /// What the person reads.
    pub title: String,
    /// What they read below the title.
    pub description: String,
    /// Whether it cannot be switched off.
    pub mandatory: bool,
    /// One for each channel with a provider.
    pub cells: Vec<Cell>,
}

impl Orchestrator {
    /// A person's settings as they take effect: a row for each category, in the words of `locale`, with a cell for each channel that has a
    /// provider. One cell is changed with [`PreferenceChange::Cell`](crate::preference::PreferenceChange::Cell), all that the person said
    /// with [`Replace`](crate::preference::PreferenceChange::Replace).
    ///
    /// ```
    /// use notify_core::memory::MemoryStore;
    /// use notify_core::{Category, Locale, Orchestrator};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> notify_core::Result<()> {
    /// let security = Category::critical("security").describe("Security", "Sign-ins").describe_in("de", "Sicherheit", "Anmeldungen");
    /// let notify = Orchestrator::builder(MemoryStore::new()).category(security).build().await?;
    ///
    /// let rows = notify.preference_matrix("ada", &Locale::new("de-AT")).await?;
    /// assert_eq!(rows[0].title, "Sicherheit");
    /// assert!(rows[0].mandatory && rows[0].cells.iter().all(|cell| cell.locked));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    pub async fn preference_matrix(
        &self,
        recipient: impl Into<RecipientId>,
        locale: &Locale,
    ) -> Result<Vec<MatrixRow>> {
        let mut cells = self.preferences(recipient).await?;
        let rules = self.parts.rules();
        let mut rows = Vec::new();
        for category in rules.categories() {
            let (own, rest) = cells
                .into_iter()
                .partition(|cell| cell.category == *category.id());
            cells = rest;
            rows.push(MatrixRow {
                category: category.id().clone(),
                class: category.class(),
                title: category.title_in(locale).to_owned(),
                description: category.description_in(locale).to_owned(),
                mandatory: category.is_mandatory(),
                cells: own,
            });
        }
        Ok(rows)
    }
}
