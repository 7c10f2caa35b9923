//! The suppression list as a whole: taken over from another system, given to one.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::id::ChannelId;
use crate::orchestrator::operator::without;
use crate::orchestrator::{MAX_PAGE, Operator};
use crate::preference::{AddressHash, ListFormat, Suppression};

/// How many entries are stored in one commit.
const PIECE: usize = 500;

/// How many errors are told; the others are counted.
const MAX_ERRORS: usize = 1_000;

/// What became of the lines of a list.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Imported {
    /// How many entries are stored.
    pub stored: u64,
    /// How many lines were refused.
    pub refused: u64,
    /// The first 1,000 of them: the number of the line, from 1, and why. No error shows what the line holds.
    pub errors: Vec<(u64, Error)>,
}

impl Operator {
    /// Takes over a suppression list, line by line: [`ListFormat`] says how a line is written. A line that cannot be read is told and left
    /// out, the others are stored, 500 in a commit; a list that was taken over halfway is taken over again. Each entry has an audit row.
    ///
    /// ```
    /// use notify_core::Orchestrator;
    /// use notify_core::memory::MemoryStore;
    /// use notify_core::preference::ListFormat;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> notify_core::Result<()> {
    /// let notify = Orchestrator::builder(MemoryStore::new()).build().await?;
    /// let list = "channel,address,hash,scope,source,at\nemail,ada@example.com,,marketing,complaint,\nemail,nobody\n";
    ///
    /// let imported = notify.as_operator("eve").import_suppressions(ListFormat::Csv, list.lines()).await?;
    /// assert_eq!((imported.stored, imported.errors[0].0), (1, 3));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store; what was stored before stays.
    pub async fn import_suppressions<L: AsRef<str>>(
        &self,
        format: ListFormat,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<Imported> {
        let (parts, tenant, actor) = self.acting();
        let now = parts.clock.now();
        let (mut imported, mut piece) = (Imported::default(), Vec::with_capacity(PIECE));
        for (no, line) in (1..).zip(lines) {
            match format.read(line.as_ref(), &parts.pepper, now) {
                Ok(None) => {}
                Ok(Some(entry)) => piece.push(entry),
                Err(error) => {
                    imported.refused += 1;
                    if imported.errors.len() < MAX_ERRORS {
                        imported.errors.push((no, error));
                    }
                }
            }
            if piece.len() == PIECE {
                parts.suppressions.suppress(tenant, &piece, actor).await?;
                imported.stored += piece.len() as u64;
                piece.clear();
            }
        }
        if !piece.is_empty() {
            parts.suppressions.suppress(tenant, &piece, actor).await?;
            imported.stored += piece.len() as u64;
        }
        Ok(imported)
    }

    /// A page of the suppression list, in the order of channel and hash: the entries after `after`, at most `limit` (up to
    /// [`MAX_PAGE`]). Written with [`ListFormat::write`] they are a list that this store takes back. Addresses are not kept, so there is
    /// none in it: another system with another key can make nothing of the hashes.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the store cannot list them.
    pub async fn suppressions(
        &self,
        after: Option<&(ChannelId, AddressHash)>,
        limit: u32,
    ) -> Result<Vec<Suppression>> {
        let (parts, tenant, _) = self.acting();
        let room = Arc::clone(&parts.store)
            .privacy()
            .ok_or_else(|| without("suppression list that can be read as a whole"))?;
        room.suppressions(tenant, after, limit.min(MAX_PAGE)).await
    }
}
