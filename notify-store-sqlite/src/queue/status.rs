//! Where jobs stand, by the database.

use notify_core::queue::Job;
use notify_core::{DeliveryState, Result};
use sqlx::sqlite::SqliteRow;

use crate::error;
use crate::row::{Args, column, state, unsigned};
use crate::session::Session;

/// Where a job stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Ready,
    Leased,
    Sending,
    Poison,
}

impl Hold {
    pub(super) const fn of(code: i64) -> Option<Self> {
        Some(match code {
            0 => Self::Ready,
            1 => Self::Leased,
            2 => Self::Sending,
            3 => Self::Poison,
            _ => return None,
        })
    }

    /// Whether somebody has it.
    pub(crate) const fn is_lent(self) -> bool {
        matches!(self, Self::Leased | Self::Sending)
    }
}

/// A delivery or another job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    pub(crate) no: i64,
    pub(crate) tenant: i64,
    /// Of a delivery; as it rests.
    pub(crate) state: DeliveryState,
    /// The epoch of its last settlement; 0 is none.
    pub(crate) settled: u32,
    /// The last epoch of a job that ended.
    pub(crate) ended: u32,
    pub(crate) lane: i64,
    /// In the queue, if it is there: where it stands, and its epoch.
    pub(crate) queued: Option<(Hold, u32)>,
    pub(crate) is_seen: bool,
}

/// What a lease is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It holds.
    Holds,
    /// It was settled, and nobody settled the job since.
    Settled,
    /// Somebody else has the job, or had it.
    Lost,
}

impl Status {
    fn of(row: &SqliteRow) -> Result<Self> {
        let queued = match (
            column::<Option<i64>>(row, 7)?,
            column::<Option<i64>>(row, 8)?,
        ) {
            (Some(hold), Some(epoch)) => {
                let hold = Hold::of(hold).ok_or_else(|| error::corrupt("queue entry"))?;
                Some((hold, unsigned(epoch, "epoch")?))
            }
            _ => None,
        };
        Ok(Self {
            no: column(row, 1)?,
            tenant: column(row, 2)?,
            state: state(column(row, 3)?)?,
            settled: unsigned(column(row, 4)?, "epoch")?,
            ended: unsigned(column(row, 5)?, "epoch")?,
            lane: column(row, 6)?,
            queued,
            is_seen: column(row, 9)?,
        })
    }

    /// The state as it is seen.
    pub(crate) fn seen_state(&self) -> DeliveryState {
        match self.queued {
            Some((Hold::Sending, _)) => DeliveryState::Sending,
            _ => self.state,
        }
    }

    /// What a lease of this epoch is worth.
    pub(crate) fn standing(&self, epoch: u32) -> Standing {
        match self.queued {
            Some((hold, held)) if held == epoch && hold.is_lent() => Standing::Holds,
            _ if self.settled == epoch => Standing::Settled,
            _ => Standing::Lost,
        }
    }

    /// The epoch that fences whoever had it.
    pub(crate) fn next_epoch(&self) -> u32 {
        let queued = self.queued.map_or(0, |(_, epoch)| epoch);
        queued.max(self.settled).max(self.ended).saturating_add(1)
    }
}

/// Looks jobs up: one entry for each, in order.
pub(crate) async fn find(db: &mut Session<'_>, jobs: &[Job]) -> Result<Vec<Option<Status>>> {
    let mut found: Vec<Option<Status>> = vec![None; jobs.len()];
    let numbered = || (0_i64..).zip(jobs);
    let deliveries: Vec<_> = numbered()
        .filter_map(|(place, job)| Some((place, job.delivery()?)))
        .collect();
    let others: Vec<_> = numbered()
        .filter(|(_, job)| job.delivery().is_none())
        .collect();
    let mut rows = Vec::new();
    if !deliveries.is_empty() {
        let text = include_str!("../../sql/queue_status.sql");
        let row = |(place, id): &(i64, notify_core::DeliveryId), args: &mut Args| {
            args.push(*place);
            args.push(&id.as_bytes()[..]);
        };
        rows.extend(db.all_rows(text, Args::new, &deliveries, row).await?);
    }
    if !others.is_empty() {
        let text = include_str!("../../sql/job_status.sql");
        let row = |(place, job): &(i64, &Job), args: &mut Args| {
            args.push(*place);
            args.push(i64::from(job.kind.code()));
            args.push(&job.subject.to_be_bytes()[..]);
        };
        rows.extend(db.all_rows(text, Args::new, &others, row).await?);
    }
    for row in &rows {
        let place: usize = unsigned(column(row, 0)?, "queue entry")?;
        if let Some(entry) = found.get_mut(place) {
            *entry = Some(Status::of(row)?);
        }
    }
    Ok(found)
}
