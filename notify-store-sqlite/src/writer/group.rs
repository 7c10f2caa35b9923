//! Operations that are written in one transaction.

use notify_core::{Error, Result};

use crate::engine::Engine;
use crate::error;
use crate::names::Whose;
use crate::queue::{AcceptOp, BeginOp, Care, SettleOp, accept_all, begin_all, settle_all};
use crate::session::Session;
use crate::writer::{Boxed, Op};

/// Something that runs in the write transaction.
pub(crate) trait Work: Send {
    /// Runs it; again, after what it did before was undone.
    fn run<'a>(&'a mut self, db: &'a mut Session<'_>) -> Boxed<'a, Result<()>>;

    /// Answers whoever waits, after the commit or after everything was undone.
    fn answer(self: Box<Self>, engine: &Engine, outcome: Result<()>);
}

/// Operations that are written in one transaction, by kind.
#[derive(Default)]
pub(crate) struct Group {
    works: Vec<Pending>,
    settles: Vec<SettleOp>,
    accepts: Vec<AcceptOp>,
    begins: Vec<BeginOp>,
}

struct Pending {
    work: Box<dyn Work>,
    refused: Option<Error>,
}

impl Group {
    pub(crate) fn push_work(&mut self, work: Box<dyn Work>) {
        self.works.push(Pending {
            work,
            refused: None,
        });
    }

    pub(crate) fn push_accept(&mut self, op: AcceptOp) {
        self.accepts.push(op);
    }

    pub(crate) fn push_begin(&mut self, op: BeginOp) {
        self.begins.push(op);
    }

    pub(crate) fn push_settle(&mut self, op: SettleOp) {
        self.settles.push(op);
    }

    /// Takes in an operation that is part of a transaction; another comes back.
    pub(crate) fn push(&mut self, op: Op) -> Option<Op> {
        match op {
            Op::Accept(op) => self.push_accept(op),
            Op::Begin(op) => self.push_begin(op),
            Op::Settle(op) => self.push_settle(op),
            Op::Work(work) => self.push_work(work),
            Op::Scrub(_) | Op::Close(_) => return Some(op),
        }
        None
    }

    /// How many operations there are.
    pub(crate) fn len(&self) -> usize {
        self.works.len() + self.settles.len() + self.accepts.len() + self.begins.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items they hold: what a transaction's size is measured by.
    pub(crate) fn items(&self) -> usize {
        self.works.len()
            + self.settles.iter().map(SettleOp::len).sum::<usize>()
            + self.accepts.iter().map(AcceptOp::len).sum::<usize>()
            + self.begins.iter().map(BeginOp::len).sum::<usize>()
    }

    /// How many rows the longest of its lists has, roughly.
    pub(crate) fn longest(&self) -> usize {
        let settles: usize = self.settles.iter().map(SettleOp::len).sum();
        let accepts: usize = self.accepts.iter().map(AcceptOp::len).sum();
        let begins: usize = self.begins.iter().map(BeginOp::len).sum();
        settles.max(accepts).max(begins)
    }

    /// Whether it only adds notifications, which is what is refused first when the disk is full.
    pub(crate) fn is_accept_only(&self) -> bool {
        !self.accepts.is_empty() && self.len() == self.accepts.len()
    }

    /// Takes out what adds notifications.
    pub(crate) fn take_accepts(&mut self) -> Self {
        Self {
            accepts: std::mem::take(&mut self.accepts),
            ..Self::default()
        }
    }

    /// Each operation by itself.
    pub(crate) fn singles(self) -> Vec<Self> {
        let works = self.works.into_iter().map(|pending| Self {
            works: vec![pending],
            ..Self::default()
        });
        let settles = self.settles.into_iter().map(|op| Self {
            settles: vec![op],
            ..Self::default()
        });
        let accepts = self.accepts.into_iter().map(|op| Self {
            accepts: vec![op],
            ..Self::default()
        });
        let begins = self.begins.into_iter().map(|op| Self {
            begins: vec![op],
            ..Self::default()
        });
        works.chain(settles).chain(accepts).chain(begins).collect()
    }

    /// Runs all of it in the transaction that is open. An error means that the transaction must be undone.
    ///
    /// Rooms come first, so that an opt-out counts for what is begun in the same commit.
    pub(crate) async fn run(
        &mut self,
        db: &mut Session<'_>,
        engine: &Engine,
        care: Care,
    ) -> Result<()> {
        let has_neighbours = self.len() > 1;
        for pending in &mut self.works {
            pending.refused = None;
            if has_neighbours {
                pending.refused = run_apart(db, pending.work.as_mut()).await?;
                if pending.refused.is_some() {
                    // Those that are still there are found again.
                    engine.names.forget_new();
                }
            } else {
                pending.work.run(db).await?;
            }
        }
        if !self.settles.is_empty() {
            settle_all(db, engine, &mut self.settles, care).await?;
        }
        if !self.accepts.is_empty() {
            accept_all(db, engine, &mut self.accepts, care, Whose::Ours).await?;
        }
        if !self.begins.is_empty() {
            begin_all(db, engine, &mut self.begins, care).await?;
        }
        Ok(())
    }

    /// Answers everybody after the commit, or after everything was undone.
    pub(crate) fn answer(self, engine: &Engine, outcome: Result<()>) {
        let mut outcomes = outcomes(self.len(), outcome);
        let mut next = || outcomes.pop().unwrap_or_else(|| Err(error::unknown()));
        for pending in self.works {
            let shared = next();
            pending
                .work
                .answer(engine, pending.refused.map_or(shared, Err));
        }
        self.settles
            .into_iter()
            .for_each(|op| op.answer(engine, next()));
        self.accepts
            .into_iter()
            .for_each(|op| op.answer(engine, next()));
        self.begins
            .into_iter()
            .for_each(|op| op.answer(engine, next()));
    }
}

/// The same outcome so many times; one of them keeps the cause.
fn outcomes(count: usize, outcome: Result<()>) -> Vec<Result<()>> {
    let again = |_| outcome.as_ref().map(|&()| ()).map_err(error::again);
    let mut outcomes: Vec<_> = (1..count).map(again).collect();
    outcomes.push(outcome);
    outcomes
}

/// Runs work so that its error undoes no more than itself. Answers with that error; an error of the database itself is not held.
async fn run_apart(db: &mut Session<'_>, work: &mut dyn Work) -> Result<Option<Error>> {
    db.later("SAVEPOINT notify_work", 0).await?;
    match work.run(db).await {
        Ok(()) => db.later("RELEASE notify_work", 0).await.map(|_| None),
        Err(error) if error::is_of_the_database(&error) => Err(error),
        Err(error) => {
            db.script("ROLLBACK TO notify_work; RELEASE notify_work")
                .await?;
            Ok(Some(error))
        }
    }
}
