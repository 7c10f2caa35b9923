//! Jobs that move on in the commit of what they made.

use notify_core::Result;
use notify_core::queue::{Acceptance, Advance, Job, Next, Settled};
use std::collections::HashMap;

use crate::queue::status::{self, Standing, Status};
use crate::row::Args;
use crate::session::Session;

/// Where the jobs of a transaction's items stand.
#[derive(Debug, Default)]
pub(super) struct Advances(HashMap<Job, Status>);

/// Looks the jobs of these items up.
pub(super) async fn load(db: &mut Session<'_>, items: &[&Acceptance]) -> Result<Advances> {
    let jobs = items.iter().filter_map(|item| item.advance.as_ref());
    find(db, jobs.map(|next| next.job).collect()).await
}

async fn find(db: &mut Session<'_>, jobs: Vec<Job>) -> Result<Advances> {
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

/// Moves jobs on that are no deliveries, where nothing was made. Answers for each, and with the jobs that nobody has any more.
pub(super) async fn alone(
    db: &mut Session<'_>,
    moves: &[Advance],
) -> Result<(Vec<Settled>, Vec<Job>)> {
    let mut known = find(db, moves.iter().map(|next| next.job).collect()).await?;
    let (mut answers, mut freed) = (Vec::with_capacity(moves.len()), Vec::new());
    for next in moves {
        if next.job.delivery().is_some() || !known.holds(next) {
            answers.push(Settled::Fenced);
            continue;
        }
        apply(db, next).await?;
        known.spend(next);
        freed.push(next.job);
        answers.push(Settled::Applied);
    }
    Ok((answers, freed))
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
