//! The limits of the planner as premises of a commit, and how much of them is used.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChannelId, DeliveryId, IdempotencyKey, RecipientId, TenantId};
use crate::notification::{Category, Priority};
use crate::orchestrator::parts::Parts;
use crate::orchestrator::short;
use crate::planner::{Limit, LimitScope, Rules, limits};
use crate::queue::{CapQuery, CapUse, KeyHash, Premise};

/// The message whose limits are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limited<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) category: &'a Category,
    pub(crate) priority: Priority,
    pub(crate) recipient: &'a RecipientId,
    pub(crate) channel: &'a ChannelId,
    pub(crate) delivery: DeliveryId,
}

/// A limit, and the premise by which it is counted.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) limit: Limit,
    pub(crate) premise: Premise,
}

impl Counted {
    const fn query(&self) -> Option<CapQuery> {
        match self.premise {
            Premise::Cap {
                key, max, window, ..
            } => Some(CapQuery::new(key, max, window)),
            _ => None,
        }
    }
}

/// How much of a limit is used: the answer of [`Orchestrator::explain`](crate::Orchestrator::explain).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitUse {
    /// Which step of the route.
    pub step: u8,
    /// Where.
    pub channel: ChannelId,
    /// What is counted together.
    pub scope: LimitScope,
    /// How many the person may get in any `window`; `None` is counted and never refused.
    pub max: Option<u32>,
    /// In how long.
    pub window: Duration,
    /// How many they got.
    pub used: u32,
    /// How many more they may get now; `None` is any number.
    pub remaining: Option<u32>,
    /// When they may get the next one: now, if there is room; `None` if never.
    pub next: Option<Timestamp>,
}

impl LimitUse {
    pub(crate) fn new(step: u8, channel: ChannelId, limit: &Limit, used: &CapUse) -> Self {
        let max = (limit.cap.max < u32::MAX).then_some(limit.cap.max);
        Self {
            step,
            channel,
            scope: limit.scope,
            max,
            window: limit.cap.window,
            used: used.used,
            remaining: max.map(|max| max.saturating_sub(used.used)),
            next: used.room_at,
        }
    }

    /// Whether there is room for one more.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.remaining != Some(0)
    }
}

impl Parts {
    /// What stands for an idempotency key in the store: keys of applications often hold personal data.
    pub(crate) fn key_hash(&self, tenant: &TenantId, key: &IdempotencyKey) -> KeyHash {
        let text = format!("{tenant}\0{key}");
        KeyHash::from_bytes(self.pepper.hash("idempotency", &text))
    }

    /// The premises by which a message is counted, one for each limit that holds for it.
    pub(crate) fn counted(&self, rules: &Rules, of: &Limited<'_>) -> Vec<Counted> {
        let Limited {
            tenant,
            recipient,
            channel,
            ..
        } = *of;
        let counted = |limit: Limit| {
            let window = limit.cap.window.as_micros();
            let category = of.category.id();
            let key = match limit.scope {
                LimitScope::Category => self.pepper.hash(
                    "cap",
                    &format!("{tenant}\0{recipient}\0{category}\0{channel}\0{window}"),
                ),
                LimitScope::Channel => self.pepper.hash(
                    "cap.channel",
                    &format!("{tenant}\0{recipient}\0{channel}\0{window}"),
                ),
                LimitScope::Person => self
                    .pepper
                    .hash("cap.person", &format!("{tenant}\0{recipient}\0{window}")),
            };
            let premise = Premise::Cap {
                key,
                max: limit.cap.max,
                window: limit.cap.window,
                counted_as: of.delivery,
            };
            Counted { limit, premise }
        };
        let found = limits(rules, of.category, channel, of.priority);
        found.into_iter().map(counted).collect()
    }

    /// How much is used of each of these, in order.
    pub(crate) async fn used(
        &self,
        tenant: &TenantId,
        counted: &[Counted],
        now: Timestamp,
    ) -> Result<Vec<CapUse>> {
        if counted.is_empty() {
            return Ok(Vec::new());
        }
        let asked: Vec<CapQuery> = counted.iter().filter_map(|one| one.query()).collect();
        let used = self.queue.usage(tenant, &asked, now).await?;
        if used.len() != counted.len() {
            return Err(short("a queue"));
        }
        Ok(used)
    }
}
