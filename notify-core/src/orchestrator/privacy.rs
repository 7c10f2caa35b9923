//! One person's data: all of it as a document, and all of it erased.

use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

use crate::address::Address;
use crate::audit::Actor;
use crate::delivery::Delivery;
use crate::error::{Error, Result};
use crate::id::{ChannelId, RecipientId, TenantId};
use crate::orchestrator::operator::without;
use crate::orchestrator::{MAX_PAGE, Operator, Orchestrator, Parts, short};
use crate::preference::{AddressHash, Setting, Suppression, SuppressionScope, SuppressionSource};
use crate::privacy::{Erased, Erasure, PrivacyStore};
use crate::recipient::Recipient;

/// Everything that is stored about one person. Personal data through and through: `Debug` shows nothing of it.
#[derive(Clone, PartialEq)]
pub struct PersonExport(Value);

impl PersonExport {
    /// The document: `recipient`, `preferences`, `consents`, `consent_log`, `deliveries` (each with what was asked for and its timeline),
    /// `inbox`, `suppressions`. Times are in microseconds since 1970, UTC.
    #[must_use]
    pub const fn json(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for PersonExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonExport([redacted])")
    }
}

impl Orchestrator {
    /// Everything that is stored about one person, as GDPR Art. 15 and 20 ask for. Read room by room: what changes meanwhile may be in one
    /// part and not in another.
    ///
    /// Nothing is there of what the application keeps elsewhere, nor of notifications to others that speak of the person.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the store cannot read it; an error of the store.
    pub async fn export_person(&self, recipient: impl Into<RecipientId>) -> Result<PersonExport> {
        let (parts, tenant, id) = (self.parts(), &self.tenant, recipient.into());
        let room = room(parts)?;
        let ids = std::slice::from_ref(&id);
        let found = parts.recipients.resolve(tenant, ids).await?;
        let person = found.into_iter().next().flatten();
        let wishes = parts.preferences.load(tenant, ids).await?;
        let wishes = wishes
            .into_iter()
            .next()
            .ok_or_else(|| short("a preference store"))?;
        let mut deliveries = Vec::new();
        let mut before = None;
        loop {
            let page = self.history(&id, before, MAX_PAGE).await?;
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            for delivery in &page {
                deliveries.push(self.told(delivery).await?);
            }
        }
        let inbox = match Arc::clone(&parts.store).inbox() {
            Some(inbox) => inbox.page(tenant, &id, None, u32::MAX, true).await?,
            None => Vec::new(),
        };
        let suppressions = self.suppressions_of(person.as_ref()).await?;
        Ok(PersonExport(json!({
            "tenant": tenant,
            "id": id,
            "recipient": person,
            "preferences": wishes.user,
            "consents": wishes.consents,
            "consent_log": room.consents(tenant, &id).await?,
            "deliveries": deliveries,
            "inbox": inbox,
            "suppressions": suppressions,
        })))
    }

    /// One delivery with everything that happened to it.
    async fn told(&self, delivery: &Delivery) -> Result<Value> {
        let timeline = self
            .parts
            .deliveries
            .timeline(&self.tenant, delivery.id)
            .await?;
        Ok(json!({
            "id": delivery.id,
            "notification": delivery.notification,
            "channel": delivery.channel,
            "class": delivery.class,
            "state": delivery.state.as_str(),
            "reason": delivery.reason,
            "accepted_at": delivery.accepted_at,
            "updated_at": delivery.updated_at,
            "seen_at": delivery.seen_at,
            "read_at": delivery.read_at,
            "given_in_the_call": delivery.pinned.as_deref(),
            "request": &*delivery.request,
            "timeline": timeline,
        }))
    }

    async fn suppressions_of(&self, person: Option<&Recipient>) -> Result<Vec<Value>> {
        let places = person.map_or_else(Vec::new, |person| places(self.parts(), person));
        let asked: Vec<_> = places
            .iter()
            .map(|(channel, _, hash)| (channel.clone(), *hash))
            .collect();
        let answers = self
            .parts
            .suppressions
            .suppressed(&self.tenant, &asked)
            .await?;
        let found = places.iter().zip(answers);
        Ok(found
            .filter_map(|((channel, address, _), scope)| {
                Some(json!({ "channel": channel, "address": address.expose(), "scope": scope? }))
            })
            .collect())
    }

    /// Erases one person: recipient, preferences, inbox, what was said to them and what became of it. GDPR Art. 17.
    ///
    /// What waits is cancelled for [`Reason::Erased`](crate::Reason::Erased). Deliveries stay under a random pseudonym, without addresses
    /// and contents, so that counts stay right; so do the rows of the consent log, without source and wording. Whoever must keep proof of
    /// a consent takes an [export](Self::export_person) first. Who had opted out of all marketing, or had withdrawn, stays suppressed for
    /// marketing by a keyed hash of each address.
    ///
    /// Ask again while the answer is not [complete](Erased::is_complete): a message that is being sent keeps its address until the call is
    /// over. Stop sending to the person first; what the application keeps elsewhere (recipients, preferences) it erases by itself, and
    /// notifications to others that speak of the person are the application's to find.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the store cannot; [`ErrorKind::Busy`](crate::ErrorKind::Busy) if everything is erased but a reader keeps the write-ahead log
    /// from being cut: ask again.
    pub async fn erase_person(&self, recipient: impl Into<RecipientId>) -> Result<Erased> {
        let (parts, tenant) = (self.parts(), &self.tenant);
        erase(parts, tenant, &recipient.into(), &Actor::Application).await
    }
}

impl Operator {
    /// Erases one person, as [`Orchestrator::erase_person`]; the audit log names the pseudonym.
    ///
    /// # Errors
    /// As there.
    pub async fn erase_person(&self, recipient: impl Into<RecipientId>) -> Result<Erased> {
        let (parts, tenant, actor) = self.acting();
        erase(parts, tenant, &recipient.into(), actor).await
    }
}

fn room(parts: &Parts) -> Result<Arc<dyn PrivacyStore>> {
    Arc::clone(&parts.store)
        .privacy()
        .ok_or_else(|| without("data that can be exported and erased by person"))
}

async fn erase(
    parts: &Parts,
    tenant: &TenantId,
    recipient: &RecipientId,
    actor: &Actor,
) -> Result<Erased> {
    if Erasure::is_pseudonym(recipient) {
        let why = "is the pseudonym of somebody who was erased";
        return Err(Error::invalid("recipient", why));
    }
    let room = room(parts)?;
    keep_opt_outs(parts, &*room, tenant, recipient).await?;
    let random = || u128::from(parts.entropy.next_u64());
    let erasure = Erasure {
        tenant: tenant.clone(),
        recipient: recipient.clone(),
        pseudonym: Erasure::pseudonym((random() << 64) | random()),
        actor: actor.clone(),
        now: parts.clock.now(),
    };
    let mut all = Erased::default();
    loop {
        let erased = room.erase(&erasure).await?;
        all = Erased::new(
            all.deliveries + erased.deliveries,
            erased.sending,
            erased.more,
        );
        if !erased.more {
            break;
        }
    }
    room.scrub().await?;
    metrics::counter!("notifications_people_erased_total").increment(1);
    Ok(all)
}

/// Who wanted no marketing goes on getting none: by hashes of their addresses, which say nothing else.
async fn keep_opt_outs(
    parts: &Parts,
    room: &dyn PrivacyStore,
    tenant: &TenantId,
    recipient: &RecipientId,
) -> Result<()> {
    let ids = std::slice::from_ref(recipient);
    let found = parts.recipients.resolve(tenant, ids).await?;
    let Some(person) = found.into_iter().next().flatten() else {
        return Ok(());
    };
    let wishes = parts.preferences.load(tenant, ids).await?;
    let wants_none = wishes
        .first()
        .is_some_and(|wishes| matches!(wishes.user.marketing(), Setting::No | Setting::NotAllowed));
    let log = room.consents(tenant, recipient).await?;
    let withdrew = log.iter().any(|entry| !entry.granted)
        && wishes
            .first()
            .is_none_or(|wishes| wishes.consents.is_empty());
    if !wants_none && !withdrew {
        return Ok(());
    }
    let now = parts.clock.now();
    let entries: Vec<Suppression> = places(parts, &person)
        .into_iter()
        .map(|(channel, _, hash)| {
            let (scope, source) = (SuppressionScope::Marketing, SuppressionSource::Unsubscribe);
            Suppression::new(channel, hash, scope, source, now)
        })
        .collect();
    let suppressions = &parts.suppressions;
    suppressions
        .suppress(tenant, &entries, &Actor::Application)
        .await
}

/// Every address of a person with the channels that take it.
fn places(parts: &Parts, person: &Recipient) -> Vec<(ChannelId, Address, AddressHash)> {
    let rules = parts.rules();
    let mut found = Vec::new();
    for (id, channel) in rules.channels() {
        for address in person.addresses() {
            if channel.accepts(address) {
                found.push((id.clone(), address.clone(), parts.pepper.address(address)));
            }
        }
    }
    found
}
