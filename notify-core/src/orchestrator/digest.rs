//! Digests at the front door: what a send gathers with, what gathers for a person, and the commit in which it leaves.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::{Decision, Delivery, DeliveryEvent, EventKind, Reason};
use crate::digest::{BucketKey, Digest, DigestStore};
use crate::error::Result;
use crate::id::{CategoryId, ChannelId, DeliveryId, RecipientId, TenantId};
use crate::notification::{Category, NotificationRequest, Route, To};
use crate::observer::Event;
use crate::orchestrator::checked::{self, Attempt, Checked};
use crate::orchestrator::operator::without;
use crate::orchestrator::report::SendReport;
use crate::orchestrator::{Orchestrator, Parts, short, snapshot};
use crate::planner::{Planned, Refusal, Rules, Snapshot, digest_rule, merge};
use crate::queue::{Accepted, Advance, Flush, Joining, Premise};
use crate::recipient::Recipient;

/// How often the commit in which a digest leaves is planned again.
const MAX_PLANS: usize = 8;

/// What gathers for a person at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gathered {
    /// Of which category.
    pub category: CategoryId,
    /// On which channel.
    pub channel: ChannelId,
    /// Since when.
    pub opened_at: Timestamp,
    /// Whether more may join; if not, it is about to leave.
    pub is_open: bool,
    /// The deliveries that wait in it, in the order in which they were accepted.
    pub members: Vec<DeliveryId>,
}

impl Orchestrator {
    /// What gathers for a person and has not left yet, oldest first.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the store keeps no digests.
    pub async fn digests(&self, recipient: impl Into<RecipientId>) -> Result<Vec<Gathered>> {
        let room = self.parts.digests().ok_or_else(|| without("digests"))?;
        let buckets = room.buckets_of(&self.tenant, &recipient.into()).await?;
        let gathered = buckets.into_iter().map(|bucket| Gathered {
            category: bucket.category,
            channel: bucket.channel,
            opened_at: bucket.opened_at,
            is_open: bucket.is_open,
            members: bucket.members,
        });
        Ok(gathered.collect())
    }

    /// Lets what gathers for a person in this category leave now, on every channel; answers how many digests those are.
    ///
    /// It leaves as it would at the end of its window: by a worker, without what was taken back or is not wanted any more, and not into
    /// quiet hours.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the store keeps no digests.
    pub async fn flush_digest(
        &self,
        recipient: impl Into<RecipientId>,
        category: impl Into<CategoryId>,
    ) -> Result<u64> {
        let room = self.parts.digests().ok_or_else(|| without("digests"))?;
        let category = category.into();
        let buckets = room.buckets_of(&self.tenant, &recipient.into()).await?;
        let of_category = buckets.iter().filter(|one| one.category == category);
        let ids: Vec<_> = of_category.map(|bucket| bucket.id).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let now = self.parts.clock.now();
        let flushed = room.flush(&self.tenant, &ids, now).await?;
        self.parts.queue.wake();
        Ok(flushed)
    }
}

impl Parts {
    /// Where what gathers is kept.
    pub(crate) fn digests(&self) -> Option<Arc<dyn DigestStore>> {
        Arc::clone(&self.store).digests()
    }

    /// Lets it be decided again when what gathers for a person leaves.
    pub(super) async fn recheck_digests(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        now: Timestamp,
    ) -> Result<u64> {
        let Some(room) = self.digests() else {
            return Ok(0);
        };
        let buckets = room.buckets_of(tenant, recipient).await?;
        let ids: Vec<_> = buckets.iter().map(|bucket| bucket.id).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        room.recheck(tenant, &ids, now).await
    }

    /// What stands for what gathers together: it may name what people comment on.
    fn bucket_key(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        request: &NotificationRequest,
        channel: &ChannelId,
    ) -> BucketKey {
        let category = request.category();
        let own = request.digest_key().map_or("", String::as_str);
        let text = format!("{tenant}\0{recipient}\0{category}\0{channel}\0{own}");
        BucketKey::from_bytes(self.pepper.hash("digest", &text))
    }
}

impl Checked {
    fn bucket_key(&self, parts: &Parts, tenant: &TenantId, channel: &ChannelId) -> BucketKey {
        parts.bucket_key(tenant, self.to.id(), &self.request, channel)
    }

    /// How often it is planned again. What depends on the first of many at the same time changes with each bucket that gets full.
    pub(super) fn most_plans(&self) -> usize {
        let rule = digest_rule(&self.request, &self.category);
        if rule.is_some_and(Digest::is_first_now) {
            8 * MAX_PLANS
        } else {
            MAX_PLANS
        }
    }

    /// Looks which steps have something to wait with, where the first of them would go at once.
    pub(super) async fn look(&mut self, parts: &Parts, tenant: &TenantId) -> Result<()> {
        let rule = digest_rule(&self.request, &self.category);
        let (true, Some(room)) = (rule.is_some_and(Digest::is_first_now), parts.digests()) else {
            return Ok(());
        };
        let steps = self.route.steps().iter();
        let key = |channel| self.bucket_key(parts, tenant, channel);
        let keys: Vec<_> = steps.map(|step| key(&step.channel)).collect();
        let open = room.are_open(tenant, &keys).await?;
        if open.len() != keys.len() {
            return Err(short("a digest store"));
        }
        let steps = (0_u8..).zip(open).filter(|(_, is_open)| *is_open);
        let waits = |(step, _)| Refusal::new(step, Reason::Digest, "digest");
        self.refused.extend(steps.map(waits));
        Ok(())
    }

    /// A bucket was opened or closed meanwhile: plans the other way round.
    pub(super) fn look_again(
        &mut self,
        parts: &Parts,
        tenant: &TenantId,
        report: &SendReport,
        key: BucketKey,
    ) {
        for delivery in &report.deliveries {
            if self.bucket_key(parts, tenant, &delivery.channel) != key {
                continue;
            }
            let waits = |refusal: &Refusal| {
                refusal.step == delivery.step && refusal.reason == Reason::Digest
            };
            if self.refused.iter().any(waits) {
                self.refused.retain(|refusal| !waits(refusal));
            } else {
                let refusal = Refusal::new(delivery.step, Reason::Digest, "digest");
                self.refused.push(refusal);
            }
        }
    }

    /// What a planned delivery joins, or begins.
    pub(super) fn joining(
        &self,
        parts: &Parts,
        tenant: &TenantId,
        one: &Planned,
    ) -> Option<Joining> {
        let goes = matches!(one.decision, Decision::Send | Decision::Digest { .. });
        let gathering = one.gathering.filter(|_| goes)?;
        let key = self.bucket_key(parts, tenant, &one.channel);
        let category = self.category.id().clone();
        let (due, max_items) = (gathering.until, gathering.max_items);
        Some(Joining::new(key, category, due, max_items))
    }

    pub(super) fn gathering_premises(
        &self,
        parts: &Parts,
        tenant: &TenantId,
        planned: &[Planned],
    ) -> Vec<Premise> {
        let premise = |one: &Planned| {
            let open = one.gathering?.open?;
            let key = self.joining(parts, tenant, one)?.key;
            Some(Premise::Bucket { key, open })
        };
        planned.iter().filter_map(premise).collect()
    }
}

/// Reads what is known of one person, for one channel; `None` if nobody knows them.
pub(crate) async fn read_person(
    parts: &Parts,
    rules: &Rules,
    tenant: &TenantId,
    to: &To,
    channel: &ChannelId,
    mandatory: bool,
) -> Result<Option<Arc<Snapshot>>> {
    let route = Route::to(channel.clone());
    let read = snapshot::read(parts, rules, tenant, &[(to, &route)], mandatory).await?;
    Ok(read.into_iter().next().flatten())
}

/// What leaves, and what is known of whom it is for.
#[derive(Debug)]
pub(crate) struct Leaving {
    /// What the digest is made of: two at least, or none if there is nothing to send.
    pub(crate) members: Vec<Delivery>,
    pub(crate) to: To,
    pub(crate) category: Arc<Category>,
    pub(crate) channel: ChannelId,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) advance: Advance,
    pub(crate) flush: Flush,
}

/// What became of a digest that was to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigestAccepted {
    /// It left.
    Done,
    /// Its members changed meanwhile.
    Again,
    /// Somebody else has its job.
    Fenced,
}

/// Stores the digest and moves its members, in the commit that ends the job.
///
/// It is planned like any notification: limits count it once, quiet hours hold it, and what is decided is recorded.
pub(crate) async fn accept_digest(
    parts: &Parts,
    tenant: &TenantId,
    leaving: Leaving,
) -> Result<DigestAccepted> {
    let rules = parts.rules();
    let engine = parts.templates(tenant).await?;
    let Leaving {
        members,
        to,
        category,
        channel,
        snapshot,
        advance,
        flush,
    } = leaving;
    let recipient = snapshot.recipient.as_ref();
    let locale = recipient.and_then(Recipient::locale);
    let locale = locale.unwrap_or(&parts.default_locale);
    let has_template = |name: &_| parts.template(&engine, name, &channel, locale).is_some();
    let request = merge(&members, snapshot.now, has_template);
    let is_sent = request.is_some();
    let request =
        request.unwrap_or_else(|| NotificationRequest::new("digest", category.id().clone()));
    let priority = request.priority().copied();
    let priority = priority.unwrap_or(category.priority());
    let route = Route::to(channel.clone());
    let mut checked = checked::made(request, to, category, priority, route)?;
    for _ in 0..MAX_PLANS {
        let planned = if is_sent {
            checked.plan_unchecked(parts, &rules, &engine, &snapshot, locale)
        } else {
            Vec::new()
        };
        let (mut item, report) = checked.acceptance(parts, tenant, &snapshot, &planned, false);
        item.advance = Some(advance.clone());
        item.flush = Some(flush.clone());
        let accepted = parts.queue.accept(vec![item]).await?.pop();
        match accepted.ok_or_else(|| short("a queue"))? {
            Accepted::Fenced => return Ok(DigestAccepted::Fenced),
            Accepted::Stale(Premise::Bucket { .. }) => return Ok(DigestAccepted::Again),
            Accepted::New if !is_sent => return Ok(DigestAccepted::Done),
            other => {
                let answer = checked.answer(parts, tenant, other, report).await?;
                if let Attempt::Done(_) = answer {
                    return Ok(DigestAccepted::Done);
                }
            }
        }
    }
    Ok(DigestAccepted::Again)
}

impl Parts {
    /// Counts and tells what became of the members of a digest: after the commit.
    pub(crate) fn left(&self, members: &[Delivery], flush: &Flush, now: Timestamp) {
        let ended: HashMap<_, _> = flush.ended.iter().copied().collect();
        let merged: HashSet<_> = flush.merged.iter().copied().collect();
        for member in members {
            let (kind, reason) = match ended.get(&member.id) {
                Some(Reason::Expired) => (EventKind::Expired, Some(Reason::Expired)),
                Some(reason) => (EventKind::Suppressed, Some(*reason)),
                None if merged.contains(&member.id) => (EventKind::Merged, None),
                None => (EventKind::Queued, None),
            };
            let channel = member.channel.to_string();
            match kind {
                EventKind::Merged => {
                    metrics::counter!("notifications_merged_total", "channel" => channel)
                        .increment(1);
                }
                EventKind::Suppressed => {
                    let why = reason.map_or("", Reason::as_str);
                    metrics::counter!("notifications_suppressed_total", "channel" => channel, "reason" => why)
                        .increment(1);
                }
                _ => {}
            }
            if self.hub.is_heard() {
                let mut event = DeliveryEvent::new(member.id, now, kind);
                event.reason = reason;
                self.hub.tell(Event::Delivery {
                    tenant: member.tenant.clone(),
                    notification: member.notification,
                    recipient: member.recipient.clone(),
                    channel: member.channel.clone(),
                    category: member.request.category().clone(),
                    correlation_id: member.request.correlation_id().cloned(),
                    event,
                });
            }
        }
    }
}
