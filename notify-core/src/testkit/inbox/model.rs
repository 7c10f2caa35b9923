//! Random calls on inboxes, compared with a model that counts by looking.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Entropy, SeededEntropy, Timestamp};
use crate::id::{IdGenerator, RecipientId, TenantId};
use crate::inbox::{
    InboxCounts, InboxItem, InboxLimits, InboxStatus, InboxStore, Mark, NewInboxItem,
};
use crate::testkit::{ManualClock, StoreHarness, sample};

/// How many items an inbox holds here: few, so that the cap is met often.
const CAP: u32 = 12;
/// How long an item is kept, unless the person chose otherwise.
const RETENTION: Duration = Duration::from_secs(6 * 86_400);

/// Makes `steps` random calls, the same ones for the same `seed`, and compares counts and items with
/// a model after each.
///
/// # Panics
/// If the store differs from the model.
pub async fn random_operations(harness: &dyn StoreHarness, seed: u64, steps: usize) {
    let mut run = Run::new(harness, seed).await;
    for step in 0..steps {
        let call = run.step().await;
        run.compare(seed, step, &call).await;
    }
}

/// What one inbox should hold: items oldest first.
struct Model {
    tenant: TenantId,
    recipient: RecipientId,
    last: u64,
    items: Vec<InboxItem>,
    chosen: Option<Duration>,
}

impl Model {
    fn push(&mut self, item: &NewInboxItem) -> u64 {
        if let Some(known) = self
            .items
            .iter()
            .find(|known| known.delivery == item.delivery)
        {
            return known.sequence;
        }
        self.last += 1;
        self.items
            .push(InboxItem::new(self.last, item.clone(), InboxStatus::Unread));
        let surplus = self.items.len().saturating_sub(CAP as usize);
        self.items.drain(..surplus);
        self.last
    }

    fn mark(&mut self, mark: Mark, which: impl Fn(u64) -> bool) {
        for item in self.items.iter_mut().filter(|item| which(item.sequence)) {
            item.status = item.status.marked(mark);
        }
    }

    fn sweep(&mut self, now: Timestamp) -> u64 {
        let (keep, before) = (self.chosen.unwrap_or(RETENTION), self.items.len());
        self.items.retain(|item| item.at + keep >= now);
        let mut swept = (before - self.items.len()) as u64;
        for item in &mut self.items {
            if item.status.is_unread() && item.stale_at.is_some_and(|at| at <= now) {
                item.status = InboxStatus::AutoCleared;
                item.message = crate::channel::InAppMessage::new("", "");
                swept += 1;
            }
        }
        swept
    }

    fn counts(&self) -> InboxCounts {
        let count = |which: fn(InboxStatus) -> bool| {
            self.items.iter().filter(|item| which(item.status)).count() as u64
        };
        InboxCounts::new(count(InboxStatus::is_unread), count(InboxStatus::is_unseen))
    }
}

struct Run {
    inbox: Arc<dyn InboxStore>,
    clock: Arc<ManualClock>,
    ids: IdGenerator,
    random: SeededEntropy,
    limits: InboxLimits,
    models: Vec<Model>,
    pushed: Vec<NewInboxItem>,
}

impl Run {
    async fn new(harness: &dyn StoreHarness, seed: u64) -> Self {
        let model = |(tenant, name): (TenantId, &'static str)| Model {
            tenant,
            recipient: RecipientId::new(name),
            last: 0,
            items: Vec::new(),
            chosen: None,
        };
        let inboxes = [
            (sample::tenant(), "ada"),
            (sample::tenant(), "bob"),
            (sample::other_tenant(), "ada"),
        ];
        Self {
            inbox: harness
                .open()
                .await
                .inbox()
                .expect("the store keeps inboxes"),
            clock: harness.clock(),
            ids: IdGenerator::new(seed),
            random: SeededEntropy::new(seed),
            limits: InboxLimits::default()
                .with_cap(CAP)
                .with_retention(RETENTION),
            models: inboxes.map(model).into(),
            pushed: Vec::new(),
        }
    }

    /// A random number below `end`.
    fn below(&self, end: u64) -> u64 {
        self.random.next_u64() % end
    }

    fn any_mark(&self) -> Mark {
        [Mark::Seen, Mark::Seen, Mark::Read, Mark::Archived][self.below(4) as usize]
    }

    /// Makes one call; says which.
    async fn step(&mut self) -> String {
        let which = self.below(self.models.len() as u64) as usize;
        // Whole seconds here and half a second at a sweep: no instant is both.
        self.clock
            .advance(Duration::from_secs(self.below(6 * 3_600)));
        match self.below(10) {
            0..4 => self.push(which).await,
            4..7 => self.mark(which).await,
            7 => self.mark_all(which).await,
            8 => self.retain(which).await,
            _ => self.sweep().await,
        }
    }

    async fn push(&mut self, which: usize) -> String {
        let mut items = Vec::new();
        for _ in 0..=self.below(3) {
            items.push(self.any_item(which));
        }
        let model = &mut self.models[which];
        let expected: Vec<_> = items.iter().map(|item| model.push(item)).collect();
        let answer = self
            .inbox
            .push(&model.tenant, &items, &self.limits)
            .await
            .expect("stores");
        assert_eq!(answer, expected, "the sequences of a push");
        self.pushed.extend(items);
        format!("push into inbox {which}")
    }

    /// A new item, or one that was pushed before.
    fn any_item(&self, which: usize) -> NewInboxItem {
        let (model, now) = (&self.models[which], self.clock.now());
        let known = self.pushed.iter().rev().take(8).find(|item| {
            let kept = model
                .items
                .iter()
                .any(|kept| kept.delivery == item.delivery);
            kept && self.below(4) == 0
        });
        if let Some(known) = known {
            return known.clone();
        }
        let delivery = self.ids.delivery(now);
        let mut item = sample::inbox_item(&self.ids, model.recipient.as_str(), delivery, now);
        if self.below(3) == 0 {
            item.stale_at = Some(now + Duration::from_secs(self.below(2 * 86_400)));
        }
        item
    }

    async fn mark(&mut self, which: usize) -> String {
        let (mark, now) = (self.any_mark(), self.clock.now());
        let (count, last) = (self.below(5), self.models[which].last + 2);
        let sequences: Vec<_> = (0..count)
            .map(|_| last.saturating_sub(self.below(16)))
            .collect();
        let model = &mut self.models[which];
        model.mark(mark, |sequence| sequences.contains(&sequence));
        let (tenant, recipient) = (&model.tenant, &model.recipient);
        let answer = self
            .inbox
            .mark(tenant, recipient, &sequences, mark, now)
            .await;
        assert_eq!(
            answer.expect("marks"),
            model.counts(),
            "the answer of a mark"
        );
        format!("mark {sequences:?} of inbox {which} as {mark:?}")
    }

    async fn mark_all(&mut self, which: usize) -> String {
        let (mark, now) = (self.any_mark(), self.clock.now());
        let up_to = (self.models[which].last + 1).saturating_sub(self.below(10));
        let model = &mut self.models[which];
        model.mark(mark, |sequence| sequence <= up_to);
        let (tenant, recipient) = (&model.tenant, &model.recipient);
        let answer = self
            .inbox
            .mark_all(tenant, recipient, up_to, mark, now)
            .await;
        assert_eq!(
            answer.expect("marks"),
            model.counts(),
            "the answer of a mark of all"
        );
        format!("mark inbox {which} up to {up_to} as {mark:?}")
    }

    async fn retain(&mut self, which: usize) -> String {
        let days = u8::try_from(self.below(15)).unwrap_or(0) + 1;
        let model = &mut self.models[which];
        model.chosen = Some(Duration::from_secs(u64::from(days) * 86_400));
        let answer = self
            .inbox
            .retain(&model.tenant, &model.recipient, days)
            .await;
        answer.expect("is set");
        format!("retain inbox {which} for {days} days")
    }

    async fn sweep(&mut self) -> String {
        let now = self.clock.now() + Duration::from_millis(500);
        let expected: u64 = self.models.iter_mut().map(|model| model.sweep(now)).sum();
        let mut swept = 0;
        loop {
            match self
                .inbox
                .sweep_inbox(now, &self.limits)
                .await
                .expect("sweeps")
            {
                0 => break,
                piece => swept += piece,
            }
        }
        assert_eq!(swept, expected, "the answer of the sweeps");
        "sweep".to_owned()
    }

    async fn compare(&self, seed: u64, step: usize, call: &str) {
        for (no, model) in self.models.iter().enumerate() {
            let told = || format!("inbox {no} after step {step} of seed {seed}: {call}");
            let (tenant, recipient) = (&model.tenant, &model.recipient);
            let counts = self.inbox.counts(tenant, recipient).await.expect("reads");
            assert_eq!(counts, model.counts(), "counts of {}", told());
            let page = self
                .inbox
                .page(tenant, recipient, None, u32::MAX, true)
                .await;
            let mut page = page.expect("reads");
            page.reverse();
            assert_eq!(page, model.items, "items of {}", told());
        }
    }
}
