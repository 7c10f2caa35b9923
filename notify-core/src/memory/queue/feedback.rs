//! What vendors report: where reports find their deliveries, what they change, and those that wait.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::clock::Timestamp;
use crate::delivery::{DeliveryEvent, EventKind, MessageRef};
use crate::error::Result;
use crate::id::{ChannelId, DeliveryId, ProviderName, TenantId};
use crate::memory::MemoryStore;
use crate::memory::queue::{Rooms, Tables};
use crate::preference::{
    AddressHash, BounceTally, Suppression, SuppressionScope, SuppressionSource,
};
use crate::queue::{
    Applied, Asked, Effect, Feedback, FeedbackStore, Found, FoundBy, Job, Kept, KeptReport,
    ReportKey,
};

/// Which address of which tenant.
type Place = (TenantId, ChannelId, AddressHash);

/// What reports look up.
#[derive(Default)]
pub(super) struct Reports {
    messages: HashMap<(ProviderName, String), BTreeSet<DeliveryId>>,
    answers: HashMap<(ProviderName, AddressHash), BTreeSet<DeliveryId>>,
    tallies: HashMap<Place, BounceTally>,
    kept: HashMap<ReportKey, (KeptReport, Timestamp)>,
    /// When kept reports are looked at.
    looks: BTreeSet<(Timestamp, ReportKey)>,
}

impl Reports {
    /// Notes what was taken of a delivery.
    pub(super) fn take(&mut self, delivery: DeliveryId, messages: &[MessageRef]) {
        for message in messages {
            let provider = message.provider.clone();
            if message.answers {
                let place = (provider.clone(), message.address);
                self.answers.entry(place).or_default().insert(delivery);
            }
            let key = (provider, message.message_id.clone());
            self.messages.entry(key).or_default().insert(delivery);
        }
    }

    /// Forgets what was answered to a delivery.
    pub(super) fn drop_answers(
        &mut self,
        delivery: DeliveryId,
        answers: &[(ProviderName, String)],
    ) {
        for key in answers {
            self.drop_message(delivery, key);
        }
    }

    fn drop_message(&mut self, delivery: DeliveryId, key: &(ProviderName, String)) {
        if let Some(all) = self.messages.get_mut(key) {
            all.remove(&delivery);
            if all.is_empty() {
                self.messages.remove(key);
            }
        }
    }

    /// Forgets what was taken of a delivery.
    pub(super) fn drop_messages(&mut self, delivery: DeliveryId, messages: &[MessageRef]) {
        for message in messages {
            let provider = message.provider.clone();
            let place = (provider.clone(), message.address);
            if let Some(all) = self.answers.get_mut(&place) {
                all.remove(&delivery);
                if all.is_empty() {
                    self.answers.remove(&place);
                }
            }
            self.drop_message(delivery, &(provider, message.message_id.clone()));
        }
    }

    /// Forgets kept reports about a delivery or its messages.
    pub(super) fn drop_kept(&mut self, delivery: DeliveryId, messages: &[MessageRef]) {
        let is_about = |report: &KeptReport| {
            let id = report.event.message_id.as_deref();
            let is_named = |message: &MessageRef| {
                Some(message.message_id.as_str()) == id || report.address == Some(message.address)
            };
            report.event.delivery == Some(delivery) || messages.iter().any(is_named)
        };
        let kept = self.kept.values().map(|(report, _)| report);
        let about: Vec<_> = kept.filter(|report| is_about(report)).collect();
        let keys: Vec<ReportKey> = about.iter().map(|report| report.key).collect();
        keys.into_iter().for_each(|key| self.forget(key));
    }

    /// Carries out what concerns the bounces of an address.
    pub(super) fn count(
        &mut self,
        effect: &Effect,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Option<Suppression> {
        match effect {
            Effect::SoftBounce {
                channel,
                address,
                at,
                rule,
            } => {
                let place = (tenant.clone(), channel.clone(), *address);
                let is_spent = self.tallies.entry(place).or_default().bounced(*at, *rule);
                let (scope, source) = (SuppressionScope::All, SuppressionSource::Bounce);
                let entry = || Suppression::new(channel.clone(), *address, scope, source, now);
                is_spent.then(entry)
            }
            Effect::Arrived {
                channel,
                address,
                at,
            } => {
                let place = (tenant.clone(), channel.clone(), *address);
                if let Some(tally) = self.tallies.get_mut(&place) {
                    tally.arrived(*at);
                }
                None
            }
            _ => None,
        }
    }

    fn keep(&mut self, report: &KeptReport) -> bool {
        if self.kept.contains_key(&report.key) {
            return false;
        }
        let look = KeptReport::next_look(report.since, report.since);
        self.looks.insert((look, report.key));
        self.kept.insert(report.key, (report.clone(), look));
        true
    }

    fn forget(&mut self, key: ReportKey) {
        if let Some((_, look)) = self.kept.remove(&key) {
            self.looks.remove(&(look, key));
        }
    }

    fn look(&mut self, now: Timestamp, limit: u32) -> Kept {
        let is_over = |since: Timestamp| since + KeptReport::FOR <= now;
        let over: Vec<_> = self
            .kept
            .values()
            .filter(|(report, _)| is_over(report.since))
            .map(|(report, _)| report.key)
            .collect();
        over.iter().for_each(|key| self.forget(*key));
        let mut due: BTreeMap<(Timestamp, ReportKey), KeptReport> = BTreeMap::new();
        let times: Vec<_> = self
            .looks
            .iter()
            .take_while(|(at, _)| *at <= now)
            .copied()
            .collect();
        for (_, key) in times {
            if let Some((report, _)) = self.kept.get(&key) {
                due.insert((report.since, key), report.clone());
            }
        }
        let due: Vec<_> = due.into_values().take(limit as usize).collect();
        for report in &due {
            let next = KeptReport::next_look(report.since, now);
            if let Some((_, look)) = self.kept.get_mut(&report.key) {
                self.looks.remove(&(*look, report.key));
                *look = next;
                self.looks.insert((next, report.key));
            }
        }
        Kept::new(due, self.kept.len() as u64, over.len() as u64)
    }
}

impl Tables {
    fn find(&self, asked: &Asked<'_>) -> Option<Found> {
        let by_delivery = asked.delivery.filter(|id| self.rows.contains_key(id));
        let by_message = || {
            let key = (asked.provider.clone(), asked.message_id?.to_owned());
            let all = self.reports.messages.get(&key)?;
            all.first().filter(|_| all.len() == 1).copied()
        };
        let by_address = || {
            let key = (asked.provider.clone(), *asked.address?);
            self.reports.answers.get(&key)?.last().copied()
        };
        let (id, by) = by_delivery
            .map(|id| (id, FoundBy::Delivery))
            .or_else(|| Some((by_message()?, FoundBy::Message)))
            .or_else(|| Some((by_address()?, FoundBy::Address)))?;
        let row = self.rows.get(&id)?;
        let found = Found::new(row.delivery.tenant.clone(), id, by);
        Some(found.with_messages(row.messages.clone()))
    }

    fn apply(&mut self, item: &Feedback<'_>, rooms: &mut Rooms<'_>) -> Applied {
        let id = item.event.delivery;
        let is_as_seen = self.rows.get(&id).is_some_and(|row| {
            row.delivery.tenant == *item.tenant && row.events.len() == item.entries
        });
        let state = self.state(&id);
        if !is_as_seen || !state.is_some_and(|state| item.from.contains(&state)) {
            return Applied::Stale;
        }
        if let Some(to) = item.to {
            if self.jobs.get(&Job::deliver(id)).is_some() {
                self.end_job(id);
            }
            self.move_to(id, to, None, item.now);
        }
        if let Some(row) = self.rows.get_mut(&id) {
            row.insert(item.event.clone());
            if let Some(seen) = item.seen_at {
                let known = row.delivery.seen_at;
                row.delivery.seen_at = Some(known.map_or(seen, |known| known.min(seen)));
            }
        }
        if let (Some(answer), Some(provider)) = (item.answer, &item.event.provider) {
            let key = (provider.clone(), answer.to_owned());
            self.reports
                .messages
                .entry(key.clone())
                .or_default()
                .insert(id);
            if let Some(row) = self.rows.get_mut(&id) {
                row.answers.push(key);
            }
        }
        for effect in item.effects {
            self.carry_out(effect, item.tenant, item.now, rooms);
        }
        if let Some(key) = item.kept {
            self.reports.forget(key);
        }
        Applied::Applied
    }
}

impl super::Row {
    /// Adds an entry where its time belongs: what is told late may have happened early.
    fn insert(&mut self, event: DeliveryEvent) {
        let after =
            |known: &DeliveryEvent| known.kind == EventKind::Accepted || known.at <= event.at;
        let place = self.events.partition_point(after);
        self.events.insert(place, event);
    }
}

#[async_trait]
impl FeedbackStore for MemoryStore {
    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Option<Found>>> {
        Ok(self.commit(|tables, _| asked.iter().map(|one| tables.find(one)).collect()))
    }

    async fn apply(&self, batch: &[Feedback<'_>]) -> Result<Vec<Applied>> {
        Ok(self.commit(|tables, rooms| {
            let apply = |item| tables.apply(item, rooms);
            batch.iter().map(apply).collect()
        }))
    }

    async fn keep(&self, reports: &[KeptReport]) -> Result<u64> {
        Ok(self.commit(|tables, _| {
            let new = reports.iter().filter(|report| tables.reports.keep(report));
            new.count() as u64
        }))
    }

    async fn look(&self, now: Timestamp, limit: u32) -> Result<Kept> {
        Ok(self.commit(|tables, _| tables.reports.look(now, limit)))
    }

    async fn forget(&self, keys: &[ReportKey]) -> Result<()> {
        self.commit(|tables, _| keys.iter().for_each(|key| tables.reports.forget(*key)));
        Ok(())
    }
}
