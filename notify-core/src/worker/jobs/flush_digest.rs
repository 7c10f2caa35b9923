//! Lets what gathered leave: decided again member by member, and then in one fenced commit, or not yet.

use std::collections::HashSet;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::{Decision, Delivery, DeliveryState, Reason};
use crate::digest::{Bucket, BucketId, DigestStore};
use crate::error::Result;
use crate::notification::{Category, To};
use crate::orchestrator::{DigestAccepted, Leaving, accept_digest, read_person, short};
use crate::planner::{Deciding, Rules, Snapshot, decide, digest_rule, digest_until};
use crate::queue::{Advance, Flush, Lease, Next};
use crate::worker::Shared;
use crate::worker::jobs::Step;

/// How often it is looked at again at once when members were taken back meanwhile.
const MAX_LOOKS: usize = 8;

/// One look at a bucket whose time has come.
///
/// First it takes no more members, so that those that are read are those that leave, however many events come at the same time; what
/// comes from then on begins the next one. A process that dies in between leaves the job, and whoever takes it over goes on.
pub(super) async fn step(shared: &Arc<Shared>, lease: &Lease) -> Result<Step> {
    let parts = &shared.parts;
    let later = |now: Timestamp| Ok(Step::Later(now + shared.options.backoff));
    let Some(room) = parts.digests() else {
        parts.unserved.job(lease, parts.clock.now());
        return later(parts.clock.now());
    };
    for _ in 0..MAX_LOOKS {
        let look = Look {
            shared,
            lease,
            room: &*room,
            rules: parts.rules(),
        };
        if let Some(step) = look.take().await? {
            return Ok(step);
        }
    }
    later(parts.clock.now())
}

struct Look<'a> {
    shared: &'a Shared,
    lease: &'a Lease,
    room: &'a dyn DigestStore,
    rules: Arc<Rules>,
}

impl Look<'_> {
    /// Answers `None` if the bucket is to be looked at again.
    async fn take(&self) -> Result<Option<Step>> {
        let parts = &self.shared.parts;
        let id = BucketId::from_u128(self.lease.job.subject);
        let Some(bucket) = self.room.bucket(&self.lease.tenant, id).await? else {
            return self.advance(Next::Done).await;
        };
        let members = self.members(&bucket).await?;
        let now = parts.clock.now();
        let Some(category) = self.rules.find_category(&bucket.category) else {
            // A newer version of the application knows it.
            parts.unserved.job(self.lease, now);
            return Ok(Some(Step::Later(now + self.shared.options.backoff)));
        };
        let newest = members.last();
        let category = newest.map_or_else(|| Arc::clone(category), |one| category.under(one.class));
        let to = match newest.and_then(|one| one.pinned.as_ref()) {
            Some(pinned) => To::Inline(Box::new((**pinned).clone())),
            None => To::Id(bucket.recipient.clone()),
        };
        let tenant = &self.lease.tenant;
        let (channel, mandatory) = (&bucket.channel, category.is_mandatory());
        let read = read_person(parts, &self.rules, tenant, &to, channel, mandatory).await?;
        let snapshot = read.unwrap_or_else(|| {
            let nobody = Snapshot::new(None, None, Vec::new(), now);
            Arc::new(nobody)
        });
        if bucket.is_open {
            let rule = newest.map_or(category.digest(), |one| {
                digest_rule(&one.request, &category)
            });
            let opened_at = bucket.opened_at;
            let until = digest_until(&self.rules, rule, &category, channel, &snapshot, opened_at);
            if let Some(due) = until.filter(|until| *until > snapshot.now) {
                // The night became longer, or it was only asked whether it still is.
                let cursor = self.lease.payload.clone();
                return self.advance(Next::Again { due, cursor }).await;
            }
            self.room.seal(tenant, bucket.id).await?;
            return Ok(None);
        }
        let Some(flush) = self.decide(&bucket, &members, &category, &snapshot) else {
            // This process has no provider for it.
            parts.unserved.job(self.lease, now);
            return Ok(Some(Step::Later(now + self.shared.options.backoff)));
        };
        self.leave(bucket, members, to, category, snapshot, flush)
            .await
    }

    /// The members that still wait, oldest first.
    async fn members(&self, bucket: &Bucket) -> Result<Vec<Delivery>> {
        if bucket.members.is_empty() {
            return Ok(Vec::new());
        }
        let deliveries = &self.shared.parts.deliveries;
        let loaded = deliveries.load(&bucket.members).await?;
        if loaded.len() != bucket.members.len() {
            return Err(short("a delivery store"));
        }
        let waits =
            |one: &Delivery| one.state == DeliveryState::Held && one.reason == Some(Reason::Digest);
        Ok(loaded.into_iter().flatten().filter(waits).collect())
    }

    /// Decides each member again, but for the clock, which is asked about the digest. `None` if nobody here can send them.
    ///
    /// One that is alone is let go as what it is: a digest of one says less, in a template that was made for many.
    fn decide(
        &self,
        bucket: &Bucket,
        members: &[Delivery],
        category: &Category,
        snapshot: &Snapshot,
    ) -> Option<Flush> {
        let mut flush = Flush::new(bucket.id, bucket.key);
        for member in members {
            let deciding = Deciding {
                rules: &self.rules,
                request: &member.request,
                category,
                channel: &bucket.channel,
                // Whether there are words for it is asked of the digest.
                renderable: true,
                expires_at: member.expires_at,
                waits: true,
                now: snapshot.now,
            };
            match decide(&deciding, snapshot).decision {
                Decision::Suppress {
                    reason: Reason::NoProvider,
                } => return None,
                Decision::Suppress { reason } => flush.ended.push((member.id, reason)),
                _ => flush.merged.push(member.id),
            }
        }
        if flush.merged.len() == 1 {
            flush.released = std::mem::take(&mut flush.merged);
        }
        Some(flush)
    }

    async fn leave(
        &self,
        bucket: Bucket,
        members: Vec<Delivery>,
        to: To,
        category: Arc<Category>,
        snapshot: Arc<Snapshot>,
        flush: Flush,
    ) -> Result<Option<Step>> {
        let parts = &self.shared.parts;
        let merges: HashSet<_> = flush.merged.iter().copied().collect();
        let merged = members.iter().filter(|one| merges.contains(&one.id));
        let now = snapshot.now;
        let leaving = Leaving {
            members: merged.cloned().collect(),
            to,
            category,
            channel: bucket.channel,
            snapshot,
            advance: Advance::new(self.lease.job, self.lease.epoch, Next::Done),
            flush: flush.clone(),
        };
        match accept_digest(parts, &self.lease.tenant, leaving).await? {
            DigestAccepted::Done => {
                parts.left(&members, &flush, now);
                Ok(Some(Step::Moved))
            }
            DigestAccepted::Fenced => Ok(Some(Step::Moved)),
            DigestAccepted::Again => Ok(None),
        }
    }

    async fn advance(&self, next: Next) -> Result<Option<Step>> {
        let advance = Advance::new(self.lease.job, self.lease.epoch, next);
        self.shared.parts.queue.advance(&[advance]).await?;
        Ok(Some(Step::Moved))
    }
}
