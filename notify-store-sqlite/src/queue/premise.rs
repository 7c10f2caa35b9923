//! Whether premises hold at a commit. What they need is read once for all items of a transaction; then each item is asked in order.

use notify_core::digest::BucketKey;
use notify_core::id::ScheduleId;
use notify_core::preference::{AddressHash, SuppressionScope};
use notify_core::queue::{Job, Premise};
use notify_core::{
    ChannelId, DeliveryId, NotificationId, RecipientId, Result, TenantId, Timestamp,
};
use std::collections::{HashMap, HashSet};

use crate::engine::Engine;
use crate::queue::digest::Gathering;
use crate::queue::ledger::{Key, Ledger, Question};
use crate::queue::status::{self, Status};
use crate::row::{Args, bytes, column, unsigned};
use crate::session::Session;
use crate::{preference, suppression};

/// For whom premises are asked, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) tenant_no: i64,
    pub(crate) notification: NotificationId,
    pub(crate) now: Timestamp,
}

/// A premise that does not hold, and when it may hold again.
pub(crate) type Failed = (Premise, Option<Timestamp>);

/// What premises are compared with.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    store: u128,
    versions: HashMap<(TenantId, RecipientId), u64>,
    suppressed: HashMap<(TenantId, ChannelId, AddressHash), SuppressionScope>,
    before: HashMap<DeliveryId, Status>,
    pub(crate) digests: Gathering,
    /// The versions of schedules that are not paused.
    schedules: HashMap<(TenantId, ScheduleId), u64>,
    ledger: Ledger,
}

/// What must be read.
#[derive(Default)]
struct Wanted<'a> {
    people: HashMap<&'a TenantId, HashSet<&'a RecipientId>>,
    places: HashMap<&'a TenantId, HashSet<(&'a ChannelId, [u8; 32])>>,
    caps: HashMap<Key, Timestamp>,
    contents: HashSet<Key>,
    before: HashSet<DeliveryId>,
    buckets: HashSet<(i64, BucketKey)>,
    schedules: HashMap<&'a TenantId, HashSet<ScheduleId>>,
}

impl<'a> Wanted<'a> {
    fn add(&mut self, asker: &Asker<'a>, premise: &'a Premise, store: u128) {
        match premise {
            Premise::Preferences { recipient, stamp } if stamp.store == store => {
                self.people
                    .entry(asker.tenant)
                    .or_default()
                    .insert(recipient);
            }
            Premise::NotSuppressed {
                channel, address, ..
            } => {
                self.places
                    .entry(asker.tenant)
                    .or_default()
                    .insert((channel, *address));
            }
            Premise::Cap { key, window, .. } => {
                let since = self
                    .caps
                    .entry((asker.tenant_no, *key))
                    .or_insert(Timestamp::MAX);
                *since = (*since).min(asker.now - *window);
            }
            Premise::Unseen { content, .. } => {
                self.contents.insert((asker.tenant_no, *content));
            }
            Premise::Bucket { key, .. } => {
                self.buckets.insert((asker.tenant_no, *key));
            }
            Premise::Predecessor { delivery, .. } => {
                self.before.insert(*delivery);
            }
            Premise::Occurrence { schedule, .. } => {
                self.schedules
                    .entry(asker.tenant)
                    .or_default()
                    .insert(*schedule);
            }
            _ => {}
        }
    }
}

impl Facts {
    /// Reads what these premises are compared with.
    pub(crate) async fn load<'a>(
        db: &mut Session<'_>,
        engine: &Engine,
        asked: impl Iterator<Item = (Asker<'a>, &'a [Premise])>,
    ) -> Result<Self> {
        let mut wanted = Wanted::default();
        for (asker, premises) in asked {
            premises
                .iter()
                .for_each(|premise| wanted.add(&asker, premise, engine.id));
        }
        let mut facts = Self {
            store: engine.id,
            ..Self::default()
        };
        for (tenant, people) in wanted.people {
            let people: Vec<RecipientId> = people.into_iter().cloned().collect();
            let versions = preference::versions(db, &engine.caches, tenant, &people).await?;
            let people = people.into_iter().map(|id| (tenant.clone(), id));
            facts.versions.extend(people.zip(versions));
        }
        for (tenant, places) in wanted.places {
            let places: Vec<suppression::Place> = places
                .into_iter()
                .map(|(channel, address)| (channel.clone(), AddressHash::from_bytes(address)))
                .collect();
            let scopes = suppression::scopes(db, &engine.caches, tenant, &places).await?;
            for ((channel, address), scope) in places.into_iter().zip(scopes) {
                let place = (tenant.clone(), channel, address);
                facts.suppressed.extend(scope.map(|scope| (place, scope)));
            }
        }
        let caps: Vec<_> = wanted.caps.into_iter().collect();
        let contents: Vec<_> = wanted.contents.into_iter().collect();
        facts.ledger.load(db, &caps, &contents).await?;
        facts.digests.look(db, wanted.buckets).await?;
        if !wanted.before.is_empty() {
            let ids: Vec<_> = wanted.before.into_iter().collect();
            let jobs: Vec<_> = ids.iter().map(|id| Job::deliver(*id)).collect();
            let found = status::find(db, &jobs).await?;
            facts.before = ids
                .into_iter()
                .zip(found)
                .filter_map(|(id, found)| Some((id, found?)))
                .collect();
        }
        for (tenant, ids) in wanted.schedules {
            let ids: Vec<ScheduleId> = ids.into_iter().collect();
            let text = include_str!("../../sql/schedule_versions.sql");
            let head = || Args::new().with(tenant.as_str());
            let row = |id: &ScheduleId, args: &mut Args| args.push(&id.as_bytes()[..]);
            for row in db.all_rows(text, head, &ids, row).await? {
                let id = ScheduleId::from_bytes(bytes(&row, 0, "schedule")?);
                let version = unsigned(column(&row, 1)?, "schedule")?;
                facts.schedules.insert((tenant.clone(), id), version);
            }
        }
        Ok(facts)
    }

    /// Checks all of them, and changes nothing.
    pub(crate) fn check(&self, asker: &Asker<'_>, premises: &[Premise]) -> Result<(), Failed> {
        for (place, premise) in premises.iter().enumerate() {
            if let Err(again) = self.check_one(asker, premise, &premises[..place]) {
                return Err((premise.clone(), again));
            }
        }
        Ok(())
    }

    fn check_one(
        &self,
        asker: &Asker<'_>,
        premise: &Premise,
        before: &[Premise],
    ) -> Result<(), Option<Timestamp>> {
        let Asker {
            tenant,
            tenant_no,
            notification,
            now,
        } = *asker;
        let holds = match premise {
            Premise::NotExpired { at } => now < *at,
            Premise::Preferences { recipient, stamp } => {
                let version = self.versions.get(&(tenant.clone(), recipient.clone()));
                stamp.store == self.store && version == Some(&stamp.version)
            }
            Premise::FreshRead { read_at, max_age } => now.since(*read_at) <= *max_age,
            Premise::NotSuppressed {
                channel,
                address,
                marketing,
            } => {
                let place = (
                    tenant.clone(),
                    channel.clone(),
                    AddressHash::from_bytes(*address),
                );
                match self.suppressed.get(&place) {
                    None => true,
                    Some(SuppressionScope::Marketing) => !marketing,
                    Some(_) => false,
                }
            }
            Premise::Cap {
                key,
                max,
                window,
                counted_as,
            } => {
                let besides = counted_under(*key, before);
                let asked = Question {
                    key: (tenant_no, *key),
                    max: *max,
                    window: *window,
                    delivery: *counted_as,
                    besides: &besides,
                };
                return self.ledger.may_count(&asked, now);
            }
            Premise::Unseen { content, .. } => {
                let said = self.ledger.said_until((tenant_no, *content), notification);
                said.is_none_or(|until| until <= now)
            }
            Premise::Bucket { key, open } => self.digests.is_open(tenant_no, *key) == *open,
            Premise::Predecessor { delivery, state_in } => {
                let found = self
                    .before
                    .get(delivery)
                    .filter(|found| found.tenant == tenant_no);
                found.is_some_and(|found| !found.is_seen && state_in.contains(&found.seen_state()))
            }
            Premise::Occurrence { schedule, version } => {
                let stored = self.schedules.get(&(tenant.clone(), *schedule));
                stored == Some(version)
            }
            // What this version does not know cannot be said to hold.
            _ => false,
        };
        if holds { Ok(()) } else { Err(None) }
    }

    /// Counts what holding premises count.
    pub(crate) fn record(&mut self, asker: &Asker<'_>, premises: &[Premise]) {
        for premise in premises {
            match premise {
                Premise::Cap {
                    key,
                    max,
                    window,
                    counted_as,
                } => {
                    let asked = Question {
                        key: (asker.tenant_no, *key),
                        max: *max,
                        window: *window,
                        delivery: *counted_as,
                        besides: &[],
                    };
                    self.ledger.count(&asked, asker.now);
                }
                Premise::Unseen { content, window } => {
                    let key = (asker.tenant_no, *content);
                    self.ledger
                        .say(key, asker.notification, asker.now + *window);
                }
                _ => {}
            }
        }
    }

    /// Writes what was counted.
    pub(crate) async fn write(self, db: &mut Session<'_>) -> Result<()> {
        self.ledger.write(db).await
    }
}

/// The deliveries that earlier premises of the same item count under this key.
fn counted_under(key: [u8; 32], premises: &[Premise]) -> Vec<DeliveryId> {
    let mut found = Vec::new();
    for premise in premises {
        if let Premise::Cap {
            key: other,
            counted_as,
            ..
        } = premise
            && *other == key
            && !found.contains(counted_as)
        {
            found.push(*counted_as);
        }
    }
    found
}
