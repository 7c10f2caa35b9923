//! From a request to a durable acceptance: validate, read, plan, commit; and again where a premise did not hold.

use crate::delivery::{DeliveryState, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::TenantId;
use crate::notification::{NotificationRequest, To};
use crate::orchestrator::checked::{Attempt, check};
use crate::orchestrator::limits::LimitUse;
use crate::orchestrator::parts::Parts;
use crate::orchestrator::report::{DeliveryReport, Explanation, SendReport};
use crate::orchestrator::snapshot;
use crate::queue::Accepted;
use crate::store::Transaction;

/// How often a plan is made again when its premises changed meanwhile.
pub(super) const MAX_PLANS: usize = 8;

fn unknown_recipient() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "is not known; store it first, or pass a whole `Recipient`",
    )
    .field("recipient")
}

fn busy() -> Error {
    Error::new(
        ErrorKind::Busy,
        "what the decision rests on kept changing; send again",
    )
}

/// What was stored shows that the store can be written.
fn note_commit(parts: &Parts, answers: &[Accepted]) {
    if answers.contains(&Accepted::New) {
        parts.commits.note(parts.clock.monotonic());
    }
}

/// Accepts one notification for one recipient.
pub(crate) async fn send(
    parts: &Parts,
    tenant: &TenantId,
    request: NotificationRequest,
    to: To,
) -> Result<SendReport> {
    let rules = parts.rules();
    let mut checked = check(parts, &rules, tenant, request, to)?;
    let engine = parts.templates(tenant).await?;
    checked.look(parts, tenant).await?;
    for _ in 0..checked.most_plans() {
        let asked = [(&checked.to, &checked.route)];
        let snapshot = snapshot::read(parts, &rules, tenant, &asked, checked.is_mandatory())
            .await?
            .pop()
            .flatten();
        let snapshot = snapshot.ok_or_else(unknown_recipient)?;
        let planned = checked.plan(parts, &rules, &engine, &snapshot)?;
        let (acceptance, report) = checked.acceptance(parts, tenant, &snapshot, &planned, true);
        let accepted = parts.queue.accept(vec![acceptance]).await?.pop();
        let accepted = accepted.ok_or_else(|| snapshot::short("a queue"))?;
        note_commit(parts, std::slice::from_ref(&accepted));
        if let Attempt::Done(report) = checked.answer(parts, tenant, accepted, report).await? {
            return Ok(report);
        }
    }
    Err(busy())
}

/// Accepts one notification inside the caller's own transaction.
pub(crate) async fn send_in(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    tenant: &TenantId,
    request: NotificationRequest,
    to: To,
) -> Result<SendReport> {
    let rules = parts.rules();
    let mut checked = check(parts, &rules, tenant, request, to)?;
    let engine = parts.templates(tenant).await?;
    let snapshot = snapshot::read_in(
        parts,
        &rules,
        transaction,
        tenant,
        &checked.to,
        &checked.route,
    )
    .await?;
    let snapshot = snapshot.ok_or_else(unknown_recipient)?;
    // A premise that fails here fails for good within this transaction, unless the plan can take it into account.
    for _ in 0..MAX_PLANS {
        let planned = checked.plan(parts, &rules, &engine, &snapshot)?;
        let (acceptance, report) = checked.acceptance(parts, tenant, &snapshot, &planned, false);
        let accepted = transaction.accept(vec![acceptance]).await?.pop();
        let accepted = accepted.ok_or_else(|| snapshot::short("a transaction"))?;
        let before = checked.refused.len();
        match checked.answer(parts, tenant, accepted, report).await? {
            Attempt::Done(report) => return Ok(report),
            Attempt::Again if checked.refused.len() > before => {}
            Attempt::Again => break,
        }
    }
    Err(Error::new(
        ErrorKind::Busy,
        "what the decision rests on changed; roll the transaction back and repeat it",
    ))
}

/// Accepts many notifications; each has its own result, and they share reads and commits.
pub(crate) async fn send_batch(
    parts: &Parts,
    tenant: &TenantId,
    batch: Vec<Result<(NotificationRequest, To)>>,
) -> Result<Vec<Result<SendReport>>> {
    let rules = parts.rules();
    let engine = parts.templates(tenant).await?;
    let mut results: Vec<Option<Result<SendReport>>> = Vec::new();
    results.resize_with(batch.len(), || None);
    let mut checked = Vec::with_capacity(batch.len());
    for (no, item) in batch.into_iter().enumerate() {
        match item.and_then(|(request, to)| check(parts, &rules, tenant, request, to)) {
            Ok(one) => checked.push((no, one)),
            Err(error) => results[no] = Some(Err(error)),
        }
    }
    let asked: Vec<_> = checked
        .iter()
        .map(|(_, one)| (&one.to, &one.route))
        .collect();
    let mandatory = checked.iter().all(|(_, one)| one.is_mandatory());
    let snapshots = snapshot::read(parts, &rules, tenant, &asked, mandatory).await?;
    let (mut acceptances, mut pending) = (Vec::new(), Vec::new());
    for ((no, one), snapshot) in checked.into_iter().zip(snapshots) {
        let planned = snapshot.ok_or_else(unknown_recipient).and_then(|snapshot| {
            one.plan(parts, &rules, &engine, &snapshot)
                .map(|planned| (snapshot, planned))
        });
        match planned {
            Ok((snapshot, planned)) => {
                let (acceptance, report) = one.acceptance(parts, tenant, &snapshot, &planned, true);
                acceptances.push(acceptance);
                pending.push((no, one, report));
            }
            Err(error) => results[no] = Some(Err(error)),
        }
    }
    let answers = if acceptances.is_empty() {
        Vec::new()
    } else {
        parts.queue.accept(acceptances).await?
    };
    if answers.len() != pending.len() {
        return Err(snapshot::short("a queue"));
    }
    note_commit(parts, &answers);
    for ((no, mut one, report), accepted) in pending.into_iter().zip(answers) {
        results[no] = Some(match one.answer(parts, tenant, accepted, report).await {
            Ok(Attempt::Done(report)) => Ok(report),
            // Rare: alone, so that what the neighbours changed is seen.
            Ok(Attempt::Again) => send(parts, tenant, one.take_request(), one.to).await,
            Err(error) => Err(error),
        });
    }
    Ok(results
        .into_iter()
        .map(|result| result.unwrap_or_else(|| Err(busy())))
        .collect())
}

/// What a `send` would decide now.
pub(crate) async fn explain(
    parts: &Parts,
    tenant: &TenantId,
    request: NotificationRequest,
    to: To,
) -> Result<Explanation> {
    let rules = parts.rules();
    let mut checked = check(parts, &rules, tenant, request, to)?;
    let engine = parts.templates(tenant).await?;
    let asked = [(&checked.to, &checked.route)];
    let snapshot = snapshot::read(parts, &rules, tenant, &asked, checked.is_mandatory())
        .await?
        .pop()
        .flatten();
    let snapshot = snapshot.ok_or_else(unknown_recipient)?;
    checked.look(parts, tenant).await?;
    let mut limits: Vec<LimitUse> = Vec::new();
    loop {
        let steps = checked.plan(parts, &rules, &engine, &snapshot)?;
        let (_, report) = checked.acceptance(parts, tenant, &snapshot, &steps, false);
        let refused = checked.refused.len();
        for found in checked.refuse_limited(parts, tenant, &report, None).await? {
            let is_same = |known: &LimitUse| {
                (known.step, known.scope, known.window) == (found.step, found.scope, found.window)
            };
            if !limits.iter().any(is_same) {
                limits.push(found);
            }
        }
        // A step that is refused may let another take its place, which has limits of its own.
        if checked.refused.len() == refused {
            return Ok(Explanation {
                recipient: checked.to.id().clone(),
                steps,
                limits,
            });
        }
    }
}

/// The events of an accept: one for each delivery.
pub(crate) fn accept_events(
    report: &SendReport,
) -> impl Iterator<Item = (&DeliveryReport, EventKind)> {
    report.deliveries.iter().map(|delivery| {
        let kind = match delivery.state {
            DeliveryState::Suppressed => EventKind::Suppressed,
            DeliveryState::Held => EventKind::Held,
            _ => EventKind::Accepted,
        };
        (delivery, kind)
    })
}
