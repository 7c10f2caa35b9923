//! Settle: what became of jobs on loan, for all callers of one transaction at once.

use notify_core::delivery::{Cause, EventKind, MessageRef, transition};
use notify_core::provider::Price;
use notify_core::queue::{Effect, Job, Outcome, Settled, Settlement};
use notify_core::{
    DeliveryState, Error, ErrorKind, ProviderName, Reason, Result, TenantId, Timestamp,
};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::oneshot;

use crate::cache::Changing;
use crate::engine::Engine;
use crate::queue::status::{self, Hold, Standing};
use crate::queue::{Care, bounce, effect, ledger, settle_rows};
use crate::row::to_json;
use crate::session::Session;
use crate::suppression;

/// What became of one job.
pub(super) struct Item {
    pub(super) job: Job,
    pub(super) epoch: u32,
    pub(super) tenant: TenantId,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    pub(super) event: EventKind,
    pub(super) attempts: u32,
    pub(super) provider: Option<ProviderName>,
    pub(super) message_id: Option<Arc<str>>,
    pub(super) price: Option<Price>,
    pub(super) segments: Option<u16>,
    pub(super) messages: Vec<MessageRef>,
    pub(super) fault: Option<String>,
    pub(super) frozen: Option<Arc<str>>,
    pub(super) nothing_went_out: bool,
    pub(super) effects: Vec<Effect>,
    pub(super) now: Timestamp,
}

impl Item {
    fn new(settlement: &Settlement<'_>) -> Result<Self> {
        Ok(Self {
            job: settlement.lease.job,
            epoch: settlement.lease.epoch,
            tenant: settlement.lease.tenant.clone(),
            outcome: settlement.outcome,
            reason: settlement.reason,
            event: settlement.event,
            attempts: settlement.attempts,
            provider: settlement.provider.cloned(),
            message_id: settlement.message_id.map(Into::into),
            price: settlement.price,
            segments: settlement.segments,
            messages: settlement.messages.to_vec(),
            fault: settlement.fault.map(to_json).transpose()?,
            frozen: settlement.frozen.map(to_json).transpose()?.map(Into::into),
            nothing_went_out: settlement.nothing_went_out,
            effects: settlement.effects.to_vec(),
            now: settlement.now,
        })
    }

    /// The state it leads to.
    pub(super) const fn to(&self) -> DeliveryState {
        match self.outcome {
            Outcome::Again { held: true, .. } => DeliveryState::Held,
            Outcome::Again { .. } => DeliveryState::Queued,
            Outcome::Finished(to) => to,
            _ => DeliveryState::Merged,
        }
    }

    const fn is_finished(&self) -> bool {
        matches!(self.outcome, Outcome::Finished(_))
    }

    /// Refuses what no worker may do.
    fn check(&self, is_sending: bool) -> Result<()> {
        let Some(id) = self.job.delivery() else {
            return Ok(());
        };
        let from = if is_sending {
            DeliveryState::Sending
        } else {
            DeliveryState::Queued
        };
        let is_possible = match self.outcome {
            Outcome::Finished(to) => !to.is_open(),
            Outcome::Again { .. } => true,
            _ => false,
        };
        if is_possible && transition(from, self.to(), Cause::Worker) {
            return Ok(());
        }
        let why = format!(
            "delivery {id} cannot be settled from {from} to {}",
            self.to()
        );
        Err(Error::new(ErrorKind::Unexpected, why))
    }
}

/// One call of `settle`.
pub(crate) struct SettleOp {
    items: Vec<Item>,
    results: Vec<Settled>,
    /// Jobs that are not lent any more.
    freed: Vec<Job>,
    /// Whether there is work for others.
    has_ready: bool,
    answer: oneshot::Sender<Result<Vec<Settled>>>,
    /// No copy of the suppressions is kept until this is over.
    _changing: Vec<Changing>,
}

impl SettleOp {
    pub(crate) fn new(
        engine: &Engine,
        settlements: &[Settlement<'_>],
        answer: oneshot::Sender<Result<Vec<Settled>>>,
    ) -> Result<Self> {
        let items: Vec<Item> = settlements.iter().map(Item::new).collect::<Result<_>>()?;
        let mut changing = Vec::new();
        for item in &items {
            let places = bounce::places(&item.effects);
            if !places.is_empty() {
                changing.push(suppression::change(&engine.caches, &item.tenant, &places));
            }
        }
        Ok(Self {
            items,
            results: Vec::new(),
            freed: Vec::new(),
            has_ready: false,
            answer,
            _changing: changing,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// After the commit.
    pub(crate) fn answer(self, engine: &Engine, outcome: Result<()>) {
        if outcome.is_ok() {
            engine.leases.remove(self.freed);
            if self.has_ready {
                engine.ring();
            }
        }
        // Nobody waits any more if the caller was dropped.
        let _ = self.answer.send(outcome.map(|()| self.results));
    }
}

/// An item whose lease holds, by place, with its number.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) op: usize,
    pub(super) item: usize,
    pub(super) no: i64,
}

impl Candidate {
    pub(super) fn item<'a>(&self, ops: &'a [SettleOp]) -> &'a Item {
        &ops[self.op].items[self.item]
    }
}

/// Settles what can be settled of all calls.
pub(crate) async fn settle_all(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [SettleOp],
    care: Care,
) -> Result<()> {
    for op in ops.iter_mut() {
        op.results = vec![Settled::Fenced; op.items.len()];
        op.freed.clear();
        op.has_ready = false;
    }
    let candidates = stand(db, engine, ops, care).await?;
    if candidates.is_empty() {
        return Ok(());
    }
    let of = |wanted: fn(&Item) -> bool| -> Vec<Candidate> {
        candidates
            .iter()
            .copied()
            .filter(|found| wanted(found.item(ops)))
            .collect()
    };
    let finished = of(|item| item.job.delivery().is_some() && item.is_finished());
    let again = of(|item| item.job.delivery().is_some() && !item.is_finished());
    let others = of(|item| item.job.delivery().is_none());
    settle_rows::finish(db, engine, ops, &finished).await?;
    settle_rows::again(db, engine, ops, &again).await?;
    settle_rows::messages(db, engine, ops, &candidates).await?;
    for found in &others {
        settle_rows::other(db, found.item(ops), found.no).await?;
    }
    follow_up(db, engine, ops, &candidates).await?;
    for found in candidates {
        let SettleOp {
            items,
            results,
            freed,
            has_ready,
            ..
        } = &mut ops[found.op];
        results[found.item] = Settled::Applied;
        freed.push(items[found.item].job);
        *has_ready |= !items[found.item].is_finished();
    }
    Ok(())
}

/// Finds the items whose lease holds; those that were settled before are answered.
async fn stand(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [SettleOp],
    care: Care,
) -> Result<Vec<Candidate>> {
    let (mut candidates, mut unsure, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (op, SettleOp { items, .. }) in ops.iter().enumerate() {
        for (item, found) in items.iter().enumerate() {
            match engine.leases.find(found.job, found.epoch) {
                Some(loan) if care == Care::Less && seen.insert(found.job) => {
                    found.check(loan.is_sending)?;
                    candidates.push(Candidate {
                        op,
                        item,
                        no: loan.no,
                    });
                }
                _ => unsure.push((op, item)),
            }
        }
    }
    if unsure.is_empty() {
        return Ok(candidates);
    }
    let jobs: Vec<Job> = unsure
        .iter()
        .map(|(op, item)| ops[*op].items[*item].job)
        .collect();
    let found = status::find(db, &jobs).await?;
    for ((op, item), status) in unsure.into_iter().zip(found) {
        let Item { job, epoch, .. } = &ops[op].items[item];
        let Some(status) = status else {
            // Jobs other than deliveries leave nothing behind when they are done.
            if job.delivery().is_none() {
                ops[op].results[item] = Settled::Applied;
            }
            continue;
        };
        match status.standing(*epoch) {
            Standing::Holds if seen.insert(*job) => {
                let is_sending = matches!(status.queued, Some((Hold::Sending, _)));
                ops[op].items[item].check(is_sending)?;
                candidates.push(Candidate {
                    op,
                    item,
                    no: status.no,
                });
            }
            // The same was settled in this transaction.
            Standing::Holds | Standing::Settled => ops[op].results[item] = Settled::Applied,
            Standing::Lost => {}
        }
    }
    Ok(candidates)
}

/// Gives caps back, and carries the effects out.
async fn follow_up(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [SettleOp],
    candidates: &[Candidate],
) -> Result<()> {
    let unsent = candidates
        .iter()
        .map(|found| found.item(ops))
        .filter(|item| item.nothing_went_out);
    let unsent: Vec<_> = unsent.filter_map(|item| item.job.delivery()).collect();
    if !unsent.is_empty() {
        ledger::give_back(db, &unsent).await?;
    }
    for found in candidates {
        if found.item(ops).effects.is_empty() {
            continue;
        }
        let SettleOp {
            items,
            freed,
            has_ready,
            ..
        } = &mut ops[found.op];
        let item = &items[found.item];
        let touched = effect::carry_out(db, engine, &item.tenant, &item.effects, item.now).await?;
        *has_ready |= !touched.is_empty();
        freed.extend(touched);
        bounce::carry_out(db, &item.tenant, &item.effects, item.now).await?;
    }
    Ok(())
}
