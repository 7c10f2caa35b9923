//! Begin: what must be on the disk before the first byte goes out.

use notify_core::queue::{Begun, Job, Premise, Start};
use notify_core::{NotificationId, ProviderName, Result, TenantId, Timestamp};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::names::Whose;
use crate::queue::Care;
use crate::queue::premise::{Asker, Facts};
use crate::queue::status::{self, Hold, Standing};
use crate::row::{Args, bytes, column, to_json, unsigned};
use crate::session::Session;
use crate::sql;

/// Values of one row of `queue_begin.sql`.
const ROW: usize = 4;

/// One delivery that is to become `Sending`.
struct Item {
    job: Job,
    epoch: u32,
    tenant: TenantId,
    provider: ProviderName,
    frozen: Arc<str>,
    premises: Vec<Premise>,
    now: Timestamp,
}

/// One call of `begin`.
pub(crate) struct BeginOp {
    items: Vec<Item>,
    results: Vec<Begun>,
    answer: oneshot::Sender<Result<Vec<Begun>>>,
}

impl BeginOp {
    pub(crate) fn new(
        starts: &[Start<'_>],
        answer: oneshot::Sender<Result<Vec<Begun>>>,
    ) -> Result<Self> {
        let item = |start: &Start<'_>| {
            Ok(Item {
                job: start.lease.job,
                epoch: start.lease.epoch,
                tenant: start.lease.tenant.clone(),
                provider: start.provider.clone(),
                frozen: to_json(start.frozen)?.into(),
                premises: start.premises.to_vec(),
                now: start.now,
            })
        };
        Ok(Self {
            items: starts.iter().map(item).collect::<Result<_>>()?,
            results: Vec::new(),
            answer,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// After the commit.
    pub(crate) fn answer(self, engine: &Engine, outcome: Result<()>) {
        if outcome.is_ok() {
            let begun = self.items.iter().zip(&self.results);
            let begun = begun.filter(|(_, result)| **result == Begun::Go);
            engine.leases.sending(begun.map(|(item, _)| item.job));
        }
        // Nobody waits any more if the caller was dropped.
        let _ = self.answer.send(outcome.map(|()| self.results));
    }
}

/// An item whose lease holds, by place, with its number.
#[derive(Clone, Copy)]
struct Candidate {
    op: usize,
    item: usize,
    no: i64,
}

/// Begins what can be begun of all calls.
pub(crate) async fn begin_all(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [BeginOp],
    care: Care,
) -> Result<()> {
    for op in ops.iter_mut() {
        op.results = vec![Begun::Fenced; op.items.len()];
    }
    let mut places: Vec<_> = (0..ops.len())
        .flat_map(|op| (0..ops[op].items.len()).map(move |item| (op, item)))
        .collect();
    let mut care = care;
    while !places.is_empty() {
        let (candidates, again) = stand(db, engine, ops, &places, care).await?;
        start(db, engine, ops, candidates).await?;
        // Of the same lease once more: by what became of the first.
        (places, care) = (again, Care::More);
    }
    Ok(())
}

/// Begins those of the candidates whose premises hold.
async fn start(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [BeginOp],
    mut candidates: Vec<Candidate>,
) -> Result<()> {
    let items =
        |ops: &[BeginOp], found: &Candidate| !ops[found.op].items[found.item].premises.is_empty();
    if candidates.iter().any(|found| items(ops, found)) {
        candidates = ask(db, engine, ops, candidates).await?;
    }
    for piece in candidates.chunks(sql::MOST_ROWS) {
        for found in piece {
            let provider = &ops[found.op].items[found.item].provider;
            let names = &engine.names;
            names.word_no(db, provider.as_str(), Whose::Ours).await?;
        }
        let size = db.size(piece.len());
        let args = db
            .later(include_str!("../../sql/queue_begin.sql"), size)
            .await?;
        args.reserve(size * ROW + 1);
        let known = engine.names.known();
        for found in piece {
            let item = &ops[found.op].items[found.item];
            args.push(found.no);
            args.push(i64::from(item.epoch));
            args.push(known.word(item.provider.as_str()));
            args.push(Arc::clone(&item.frozen));
        }
        args.pad((size - piece.len()) * ROW);
        // If memory and database differ it is undone, and done again with care.
        args.push_count(piece.len());
    }
    for found in candidates {
        ops[found.op].results[found.item] = Begun::Go;
    }
    Ok(())
}

/// Finds the items in these places whose lease holds and that were not begun before; those that were are answered. Answers with
/// the places of those whose lease is another's in this list, too.
async fn stand(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [BeginOp],
    places: &[(usize, usize)],
    care: Care,
) -> Result<(Vec<Candidate>, Vec<(usize, usize)>)> {
    let (mut candidates, mut again) = (Vec::new(), Vec::new());
    let (mut unsure, mut seen) = (Vec::new(), HashSet::new());
    for &(op, item) in places {
        let Item { job, epoch, .. } = &ops[op].items[item];
        let loan = engine.leases.find(*job, *epoch);
        match loan.filter(|loan| !loan.is_sending) {
            Some(loan) if care == Care::Less && job.delivery().is_some() => {
                if seen.insert(*job) {
                    let no = loan.no;
                    candidates.push(Candidate { op, item, no });
                } else {
                    again.push((op, item));
                }
            }
            _ => unsure.push((op, item)),
        }
    }
    if unsure.is_empty() {
        return Ok((candidates, again));
    }
    let jobs: Vec<Job> = unsure
        .iter()
        .map(|(op, item)| ops[*op].items[*item].job)
        .collect();
    let found = status::find(db, &jobs).await?;
    for ((op, item), status) in unsure.into_iter().zip(found) {
        let Some(status) = status else { continue };
        let Item { job, epoch, .. } = &ops[op].items[item];
        if status.standing(*epoch) != Standing::Holds || job.delivery().is_none() {
            continue;
        }
        if matches!(status.queued, Some((Hold::Sending, _))) {
            ops[op].results[item] = Begun::Go; // This was asked before.
        } else if seen.insert(*job) {
            let no = status.no;
            candidates.push(Candidate { op, item, no });
        } else {
            again.push((op, item));
        }
    }
    Ok((candidates, again))
}

/// Asks the premises; answers with the items for which all hold.
async fn ask(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [BeginOp],
    candidates: Vec<Candidate>,
) -> Result<Vec<Candidate>> {
    let notifications = notifications(db, ops, &candidates).await?;
    let mut tenants = HashMap::new();
    for found in &candidates {
        let tenant = &ops[found.op].items[found.item].tenant;
        if !tenants.contains_key(tenant.as_str()) {
            let no = engine.names.tenant_no(db, tenant, Whose::Ours).await?;
            tenants.insert(tenant.clone(), no);
        }
    }
    let mut refusals = Vec::new();
    let mut facts = {
        let asker = |item: &Item, no: i64| {
            let notification = notifications.get(&no).copied();
            (
                tenants.get(item.tenant.as_str()).copied().unwrap_or(0),
                notification,
            )
        };
        let asked = candidates.iter().map(|found| {
            let item = &ops[found.op].items[found.item];
            (as_asker(item, asker(item, found.no)), &item.premises[..])
        });
        let mut facts = Facts::load(db, engine, asked).await?;
        for found in &candidates {
            let item = &ops[found.op].items[found.item];
            let asker = as_asker(item, asker(item, found.no));
            match facts.check(&asker, &item.premises) {
                Ok(()) => {
                    facts.record(&asker, &item.premises);
                    refusals.push(None);
                }
                Err((premise, retry_at)) => {
                    refusals.push(Some(Begun::Refused { premise, retry_at }))
                }
            }
        }
        Some(facts)
    };
    if let Some(facts) = facts.take() {
        facts.write(db).await?;
    }
    let mut holding = Vec::with_capacity(candidates.len());
    for (found, refusal) in candidates.into_iter().zip(refusals) {
        match refusal {
            None => holding.push(found),
            Some(refusal) => ops[found.op].results[found.item] = refusal,
        }
    }
    Ok(holding)
}

fn as_asker(item: &Item, (tenant_no, notification): (i64, Option<NotificationId>)) -> Asker<'_> {
    let notification = notification.unwrap_or(NotificationId::from_u128(0));
    Asker {
        tenant: &item.tenant,
        tenant_no,
        notification,
        now: item.now,
    }
}

/// The notifications of deliveries, by number, where a premise is about what was said.
async fn notifications(
    db: &mut Session<'_>,
    ops: &[BeginOp],
    candidates: &[Candidate],
) -> Result<HashMap<i64, NotificationId>> {
    let is_about = |found: &&Candidate| {
        let premises = &ops[found.op].items[found.item].premises;
        premises
            .iter()
            .any(|premise| matches!(premise, Premise::Unseen { .. }))
    };
    let numbers: Vec<i64> = candidates
        .iter()
        .filter(is_about)
        .map(|found| found.no)
        .collect();
    if numbers.is_empty() {
        return Ok(HashMap::new());
    }
    let text = include_str!("../../sql/notification_of.sql");
    let rows = db
        .all_rows(text, Args::new, &numbers, |no, args| args.push(*no))
        .await?;
    rows.iter()
        .map(|row| {
            let no: i64 = unsigned(column(row, 0)?, "delivery")?;
            Ok((
                no,
                NotificationId::from_bytes(bytes(row, 1, "notification id")?),
            ))
        })
        .collect()
}
