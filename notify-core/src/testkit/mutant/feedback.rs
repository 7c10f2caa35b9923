//! What vendors report, to a mutant: found, written and kept with a lie.

use async_trait::async_trait;
use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{DeliveryState, DeliveryStore};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProviderName;
use crate::preference::Suppression;
use crate::queue::{
    Applied, Asked, Effect, Feedback, FeedbackStore, Found, Kept, KeptReport, ReportKey,
};
use crate::testkit::mutant::{MutantStore, Mutation};

/// Who else may have taken a message.
static OTHERS: &[ProviderName] = &[ProviderName::new("primary"), ProviderName::new("secondary")];

impl MutantStore {
    fn room(&self) -> Result<Arc<dyn FeedbackStore>> {
        let none = || Error::new(ErrorKind::Unsupported, "the store takes no reports");
        Arc::clone(&self.inner).feedback().ok_or_else(none)
    }

    async fn find_one(&self, asked: &Asked<'_>) -> Result<Option<Found>> {
        let mut asked = *asked;
        if self.is(Mutation::FindIgnoresAddress) {
            asked.address = None;
        }
        let mut found = self.room()?.find(&[asked]).await?.pop().flatten();
        if self.is(Mutation::FindIgnoresProvider) {
            for provider in OTHERS {
                if found.is_none() {
                    found = self
                        .room()?
                        .find(&[Asked { provider, ..asked }])
                        .await?
                        .pop()
                        .flatten();
                }
            }
        }
        if let (true, Some(found)) = (self.is(Mutation::FindForgetsMessages), &mut found) {
            found.messages.clear();
        }
        Ok(found)
    }

    async fn apply_one(&self, item: &Feedback<'_>) -> Result<Applied> {
        let mut asked = *item;
        let id = item.event.delivery;
        let stored = DeliveryStore::load(&*self.inner, &[id]).await?.remove(0);
        let tenant = stored.as_ref().map_or(item.tenant, |stored| &stored.tenant);
        if self.is(Mutation::ReportReachesAll) {
            asked.tenant = tenant;
        }
        match self.mutation {
            Some(Mutation::ReportIsNeverStale) => {
                asked.entries = self.inner.timeline(tenant, id).await?.len();
            }
            Some(Mutation::ReportMovesAnything) => asked.from = &DeliveryState::ALL,
            Some(Mutation::ReportForgetsEffects) => asked.effects = &[],
            Some(Mutation::ReportMovesNothing) => asked.to = None,
            Some(Mutation::AnswersAreNotNoted) => asked.answer = None,
            Some(Mutation::AppliedIsKept) => asked.kept = None,
            Some(Mutation::SeenIsLast) if item.seen_at.is_some() => {
                asked.seen_at = Some(Timestamp::EPOCH);
            }
            _ => {}
        }
        let answer = self.room()?.apply(&[asked]).await?.remove(0);
        if self.is(Mutation::EffectsOfTheStale) && answer == Applied::Stale {
            for effect in item.effects {
                if let Effect::Suppress {
                    channel,
                    address,
                    scope,
                    source,
                } = effect
                {
                    let entry =
                        Suppression::new(channel.clone(), *address, *scope, *source, item.now);
                    let by = Actor::Application;
                    self.inner.suppress(item.tenant, &[entry], &by).await?;
                }
            }
        }
        Ok(answer)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FeedbackStore for MutantStore {
    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Option<Found>>> {
        let mut found = Vec::with_capacity(asked.len());
        for one in asked {
            found.push(self.find_one(one).await?);
        }
        Ok(found)
    }

    async fn apply(&self, batch: &[Feedback<'_>]) -> Result<Vec<Applied>> {
        let mut answers = Vec::with_capacity(batch.len());
        for one in batch {
            if self.is(Mutation::StaleFailsBatch) && answers.contains(&Applied::Stale) {
                answers.push(Applied::Stale);
            } else {
                answers.push(self.apply_one(one).await?);
            }
        }
        Ok(answers)
    }

    async fn keep(&self, reports: &[KeptReport]) -> Result<u64> {
        let new = self.room()?.keep(reports).await?;
        let told = reports.len() as u64;
        let all = self.is(Mutation::KeptIsCountedTwice);
        Ok(if all { told } else { new })
    }

    async fn look(&self, now: Timestamp, limit: u32) -> Result<Kept> {
        let second = std::time::Duration::from_secs(1);
        let asked = match self.mutation {
            Some(Mutation::LookIsEarly) => now + second,
            Some(Mutation::LookForgetsNothing) => now.min(Timestamp::EPOCH),
            _ => now,
        };
        let mut kept = self.room()?.look(asked, limit).await?;
        if self.is(Mutation::LookPutsNothingOff) {
            let mut memo = self.memo();
            for report in &kept.due {
                if !memo.looked.contains(report) {
                    memo.looked.push(report.clone());
                }
            }
            kept.due.clone_from(&memo.looked);
        }
        Ok(kept)
    }

    async fn forget(&self, keys: &[ReportKey]) -> Result<()> {
        let kept = if self.is(Mutation::ForgetDoesNothing) {
            &[]
        } else {
            keys
        };
        self.room()?.forget(kept).await
    }
}
