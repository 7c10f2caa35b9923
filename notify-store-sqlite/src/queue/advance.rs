//! Jobs that move on in the commit of what they made.

use notify_core::Result;
use notify_core::queue::{Acceptance, Advance, Job, Next};
use std::collections::HashMap;

use crate::queue::status::{self, Standing, Status};
use crate::row::Args;
use crate::session::Session;

/// Where the jobs of a transaction's items stand.
#[derive(Debug, Default)]
pub(super) struct Advances(HashMap<Job, Status>);

/// Looks the jobs of these items up.
pub(super) async fn load(db: &mut Session<'_>, items: &[&Acceptance]) -> Result<Advances> {
    let jobs: Vec<Job> = items
        .iter()
        .filter_map(|item| Some(item.advance.as_ref()?.job))
        .collect();
    if jobs.is_empty() {
        return Ok(Advances::default());
    }
    let found = status::find(db, &jobs).await?;
    Ok(Advances(
        jobs.into_iter()
            .zip(found)
            .filter_map(|(job, found)| Some((job, found?)))
            .collect(),
    ))
}

impl Advances {
    /// Whether whoever asks has the job.
    pub(super) fn holds(&self, next: &Advance) -> bool {
        let status = self.0.get(&next.job);
        status.is_some_and(|status| status.standing(next.epoch) == Standing::Holds)
    }

    /// Nobody has it any more.
    pub(super) fn spend(&mut self, next: &Advance) {
        self.0.remove(&next.job);
    }
}

/// Moves a job on, or ends it.
pub(super) async fn apply(db: &mut Session<'_>, advance: &Advance) -> Result<()> {
    let kind = i64::from(advance.job.kind.code());
    let subject = advance.job.subject.to_be_bytes();
    let named = || Args::new().with(kind).with(&subject[..]);
    match &advance.next {
        Next::Done => {
            db.execute(include_str!("../../sql/job_dequeue.sql"), named())
                .await?;
            db.execute(include_str!("../../sql/job_remove.sql"), named())
                .await?;
        }
        Next::Again { due, cursor } => {
            let args = Args::new().with(&cursor[..]).with(kind).with(&subject[..]);
            db.execute(include_str!("../../sql/job_advance.sql"), args)
                .await?;
            let args = Args::new()
                .with(due.as_micros())
                .with(kind)
                .with(&subject[..]);
            db.execute(include_str!("../../sql/job_requeue.sql"), args)
                .await?;
        }
        // What this version does not know is left to a newer one, when the loan has ended.
        _ => {}
    }
    Ok(())
}
