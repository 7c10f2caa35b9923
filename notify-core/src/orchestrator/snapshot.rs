//! Reads what decisions depend on: from the stores, or through the caller's own transaction.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{RecipientId, TenantId};
use crate::notification::{Route, To};
use crate::orchestrator::parts::Parts;
use crate::planner::{Addressed, Rules, Snapshot};
use crate::preference::Preferences;
use crate::recipient::Recipient;
use crate::store::Transaction;

/// Reads snapshots of several recipients at once. `None` where nobody knows the id.
///
/// What is `mandatory` goes whatever people want, so also if that cannot be read.
pub(crate) async fn read(
    parts: &Parts,
    rules: &Rules,
    tenant: &TenantId,
    asked: &[(&To, &Route)],
    mandatory: bool,
) -> Result<Vec<Option<Arc<Snapshot>>>> {
    // Before anything is read: how old it is is counted from here.
    let now = parts.clock.now();
    let ids: Vec<RecipientId> = known(asked);
    let found = if ids.is_empty() {
        Vec::new()
    } else {
        parts.recipients.resolve(tenant, &ids).await?
    };
    let people = merge(asked, found)?;
    let ids: Vec<RecipientId> = people
        .iter()
        .flatten()
        .map(|person| person.id().clone())
        .collect();
    let preferences = if ids.is_empty() {
        Ok(Vec::new())
    } else {
        parts.preferences.load(tenant, &ids).await
    };
    let preferences = match preferences {
        Err(error) if mandatory => {
            tracing::warn!(error = %error, "cannot read preferences; only what is mandatory goes");
            None
        }
        loaded => Some(loaded?),
    };
    complete(parts, rules, tenant, asked, people, preferences, now).await
}

/// Reads one snapshot through the caller's own transaction, which sees what it wrote before.
pub(crate) async fn read_in(
    parts: &Parts,
    rules: &Rules,
    transaction: &mut dyn Transaction,
    tenant: &TenantId,
    to: &To,
    route: &Route,
) -> Result<Option<Arc<Snapshot>>> {
    let now = parts.clock.now();
    let asked = [(to, route)];
    let ids = known(&asked);
    let found = if ids.is_empty() {
        Vec::new()
    } else {
        transaction.resolve(tenant, &ids).await?
    };
    let people = merge(&asked, found)?;
    let ids: Vec<RecipientId> = people
        .iter()
        .flatten()
        .map(|person| person.id().clone())
        .collect();
    let preferences = if ids.is_empty() {
        Vec::new()
    } else {
        transaction.preferences(tenant, &ids).await?
    };
    let preferences = Some(preferences);
    let completed = complete(parts, rules, tenant, &asked, people, preferences, now).await?;
    Ok(completed.into_iter().next().flatten())
}

fn known(asked: &[(&To, &Route)]) -> Vec<RecipientId> {
    asked
        .iter()
        .filter_map(|(to, _)| {
            if let To::Id(id) = to {
                Some(id.clone())
            } else {
                None
            }
        })
        .collect()
}

/// The people asked for, in order: those given in the call, and those that were found.
fn merge(asked: &[(&To, &Route)], found: Vec<Option<Recipient>>) -> Result<Vec<Option<Recipient>>> {
    let mut found = found.into_iter();
    asked
        .iter()
        .map(|(to, _)| match to {
            To::Inline(recipient) => Ok(Some((**recipient).clone())),
            To::Id(_) => found.next().ok_or_else(|| short("a recipient resolver")),
        })
        .collect()
}

pub(crate) fn short(who: &str) -> crate::error::Error {
    crate::error::Error::new(
        crate::error::ErrorKind::Unexpected,
        format!(
            "{who} answered with fewer entries than it was asked for; its implementation breaks the contract"
        ),
    )
}

async fn complete(
    parts: &Parts,
    rules: &Rules,
    tenant: &TenantId,
    asked: &[(&To, &Route)],
    people: Vec<Option<Recipient>>,
    preferences: Option<Vec<Preferences>>,
    now: Timestamp,
) -> Result<Vec<Option<Arc<Snapshot>>>> {
    let mut preferences = preferences.map(Vec::into_iter);
    let mut snapshots = Vec::with_capacity(people.len());
    for (person, (_, route)) in people.into_iter().zip(asked) {
        let Some(person) = person else {
            snapshots.push(None);
            continue;
        };
        let wishes = match &mut preferences {
            Some(all) => Some(all.next().ok_or_else(|| short("a preference store"))?),
            None => None,
        };
        let channels = route.steps().iter().map(|step| &step.channel);
        let reroutes = wishes.iter().flat_map(|wishes| rules.reroutes(wishes));
        let addresses = addresses(parts, rules, &person, channels.chain(reroutes));
        snapshots.push(Some(Snapshot::new(Some(person), wishes, addresses, now)));
    }
    suppressions(parts, tenant, &mut snapshots).await?;
    Ok(snapshots
        .into_iter()
        .map(|snapshot| snapshot.map(Arc::new))
        .collect())
}

/// A person's addresses for these channels, each channel once.
pub(crate) fn addresses<'a>(
    parts: &Parts,
    rules: &Rules,
    person: &Recipient,
    channels: impl Iterator<Item = &'a crate::id::ChannelId>,
) -> Vec<Addressed> {
    let mut found: Vec<Addressed> = Vec::new();
    for id in channels {
        let Some(channel) = rules.channel(id) else {
            continue;
        };
        if found.iter().any(|one| one.channel == *id) {
            continue;
        }
        for address in Rules::addresses(channel.as_ref(), person) {
            let hash = parts.pepper.address(&address);
            found.push(Addressed::new(id.clone(), address, hash, None));
        }
    }
    found
}

/// Asks the store which of the addresses are suppressed, in one call.
pub(crate) async fn suppressions(
    parts: &Parts,
    tenant: &TenantId,
    snapshots: &mut [Option<Snapshot>],
) -> Result<()> {
    let all = || {
        snapshots
            .iter()
            .flatten()
            .flat_map(|snapshot| &snapshot.addresses)
    };
    let asked: Vec<_> = all().map(|one| (one.channel.clone(), one.hash)).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let answers = parts.suppressions.suppressed(tenant, &asked).await?;
    if answers.len() != asked.len() {
        return Err(short("a suppression store"));
    }
    let all = snapshots
        .iter_mut()
        .flatten()
        .flat_map(|snapshot| &mut snapshot.addresses);
    for (one, answer) in all.zip(answers) {
        one.suppressed = answer;
    }
    Ok(())
}
