//! Reads what a decision depends on, for a batch at a time: recipients, what they want, and which addresses are suppressed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::id::{RecipientId, TenantId};
use crate::orchestrator::{addresses, short, suppressions};
use crate::planner::{Rules, Snapshot};
use crate::preference::Preferences;
use crate::recipient::Recipient;
use crate::worker::Shared;
use crate::worker::contain::{contain, in_time};
use crate::worker::work::{Done, Work};

/// Reads what is missing for a batch; what cannot be read is given back.
pub(super) async fn read(
    shared: &Shared,
    rules: &Rules,
    batch: &mut Vec<Work>,
    done: &mut Vec<Done>,
) {
    // What is mandatory goes even if preferences cannot be read: it is read apart from what waits then, and before it.
    let mut groups: BTreeMap<(bool, TenantId), Vec<usize>> = BTreeMap::new();
    for (no, work) in batch
        .iter()
        .enumerate()
        .filter(|(_, work)| work.snapshot.is_none())
    {
        groups
            .entry((!is_mandatory(rules, work), work.delivery.tenant.clone()))
            .or_default()
            .push(no);
    }
    let mut failed = Vec::new();
    for ((_, tenant), numbers) in groups {
        let Err(error) = read_group(shared, rules, &tenant, batch, &numbers).await else {
            continue;
        };
        if error.kind() == ErrorKind::Unexpected && numbers.len() > 1 {
            // A bug that one of them brings out must not keep the others.
            for no in numbers {
                if let Err(error) = read_group(shared, rules, &tenant, batch, &[no]).await {
                    failed.push(no);
                    unreadable(&error, 1);
                }
            }
        } else {
            unreadable(&error, numbers.len());
            failed.extend(numbers);
        }
    }
    let due = shared.parts.clock.now() + shared.options.backoff;
    failed.sort_unstable();
    for no in failed.into_iter().rev() {
        done.push(batch.swap_remove(no).release(due));
    }
}

fn unreadable(error: &Error, count: usize) {
    tracing::warn!(error = %error, count, "cannot read recipients or preferences; trying again later");
    metrics::counter!("notifications_released_total", "why" => "unreadable")
        .increment(count as u64);
}

/// Reads for some deliveries of one tenant, and notes what was read with them.
async fn read_group(
    shared: &Shared,
    rules: &Rules,
    tenant: &TenantId,
    batch: &mut [Work],
    numbers: &[usize],
) -> Result<()> {
    let who = "a recipient resolver or preference store";
    let reading = contain(read_tenant(shared, rules, tenant, batch, numbers));
    let read = in_time(&*shared.parts.clock, shared.options.call_timeout, reading).await;
    let snapshots = match read {
        Some(Ok(read)) => read?,
        Some(Err(_)) => return Err(panicked(who)),
        None => return Err(late(who)),
    };
    for (no, snapshot) in numbers.iter().zip(snapshots) {
        batch[*no].snapshot = Some(snapshot);
    }
    Ok(())
}

fn late(who: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("{who} did not answer in time"),
    )
}

pub(super) fn panicked(who: &str) -> Error {
    Error::new(ErrorKind::Unexpected, format!("{who} panicked"))
}

async fn read_tenant(
    shared: &Shared,
    rules: &Rules,
    tenant: &TenantId,
    batch: &[Work],
    numbers: &[usize],
) -> Result<Vec<Arc<Snapshot>>> {
    let parts = &shared.parts;
    let unknown: Vec<RecipientId> = numbers
        .iter()
        .filter(|no| batch[**no].delivery.pinned.is_none())
        .map(|no| batch[*no].delivery.recipient.clone())
        .collect();
    let found = if unknown.is_empty() {
        Vec::new()
    } else {
        parts.recipients.resolve(tenant, &unknown).await?
    };
    let mut found = found.into_iter();
    let ids: Vec<RecipientId> = numbers
        .iter()
        .map(|no| batch[*no].delivery.recipient.clone())
        .collect();
    // Before they are read: how old they are is counted from here.
    let now = parts.clock.now();
    let preferences = wishes(shared, rules, tenant, batch, numbers, &ids).await?;
    let mut snapshots = Vec::with_capacity(numbers.len());
    for (no, wishes) in numbers.iter().zip(preferences) {
        let delivery = &batch[*no].delivery;
        let person: Option<Recipient> = match &delivery.pinned {
            Some(pinned) => Some((**pinned).clone()),
            None => found.next().ok_or_else(|| short("a recipient resolver"))?,
        };
        let addresses = person
            .as_ref()
            .map(|person| addresses(parts, rules, person, std::iter::once(&delivery.channel)))
            .unwrap_or_default();
        snapshots.push(Some(Snapshot::new(person, wishes, addresses, now)));
    }
    suppressions(parts, tenant, &mut snapshots).await?;
    Ok(snapshots.into_iter().flatten().map(Arc::new).collect())
}

/// What people want. If that cannot be read, only mandatory categories go on, without an answer; others wait.
async fn wishes(
    shared: &Shared,
    rules: &Rules,
    tenant: &TenantId,
    batch: &[Work],
    numbers: &[usize],
    ids: &[RecipientId],
) -> Result<Vec<Option<Preferences>>> {
    let parts = &shared.parts;
    let loading = contain(parts.preferences.load(tenant, ids));
    // A part of the time there is, so that something is left for what goes without an answer.
    let loaded = in_time(&*parts.clock, shared.options.call_timeout / 2, loading).await;
    let who = "a preference store";
    let error = match loaded {
        Some(Ok(Ok(loaded))) if loaded.len() == ids.len() => {
            return Ok(loaded.into_iter().map(Some).collect());
        }
        Some(Ok(Ok(_))) => return Err(short(who)),
        Some(Ok(Err(error))) => error,
        Some(Err(_)) => panicked(who),
        None => late(who),
    };
    if numbers.iter().all(|no| is_mandatory(rules, &batch[*no])) {
        tracing::warn!(error = %error, "cannot read preferences; only what is mandatory goes");
        return Ok(vec![None; ids.len()]);
    }
    Err(error)
}

fn is_mandatory(rules: &Rules, work: &Work) -> bool {
    let category = rules.find_category(work.delivery.request.category());
    category.is_some_and(|category| category.under(work.delivery.class).is_mandatory())
}
