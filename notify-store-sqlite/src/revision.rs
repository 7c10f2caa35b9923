//! How often what a room holds has changed: what others ask every moment to know whether to read it again.

use notify_core::Result;

use crate::row::{Args, column, unsigned};
use crate::session::Session;

/// What is counted: a room, and a tenant where each has its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revision<'a> {
    pub(crate) room: &'static str,
    pub(crate) tenant: &'a str,
}

impl Revision<'_> {
    fn args(self) -> Args {
        Args::new().with(self.room).with(self.tenant)
    }

    /// Counts a change, in its transaction.
    pub(crate) async fn raise(self, db: &mut Session<'_>) -> Result<()> {
        db.execute(include_str!("../sql/revision_raise.sql"), self.args())
            .await?;
        Ok(())
    }

    /// How many there were.
    pub(crate) async fn load(self, db: &mut Session<'_>) -> Result<u64> {
        let row = db
            .first(include_str!("../sql/revision_load.sql"), self.args())
            .await?;
        row.map_or(Ok(0), |row| unsigned(column(&row, 0)?, "revision"))
    }
}
