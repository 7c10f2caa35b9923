//! Inboxes: items by place, counters kept with every change, and what is to be swept, by time.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::channel::InAppMessage;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{DeliveryId, RecipientId, TenantId};
use crate::inbox::{
    InboxCounts, InboxItem, InboxLimits, InboxStatus, InboxStore, Mark, NewInboxItem,
};
use crate::memory::{MemoryStore, State};

/// How many items one sweep removes or clears.
const PIECE: usize = 1_000;

/// Inboxes by tenant and person, and their items by the time at which something is to be done.
#[derive(Default)]
pub(super) struct Tables {
    inboxes: HashMap<TenantId, HashMap<RecipientId, Inbox>>,
    due: Due,
}

/// One person's inbox.
#[derive(Default)]
struct Inbox {
    /// The sequence of its newest item, also if that is gone.
    last: u64,
    items: BTreeMap<u64, InboxItem>,
    places: HashMap<DeliveryId, u64>,
    counts: InboxCounts,
    /// How long the person wants to keep items.
    chosen: Option<Duration>,
}

/// One item among all.
type Place = (Timestamp, TenantId, RecipientId, u64);

/// Items in the order in which sweeps come for them.
#[derive(Default)]
struct Due {
    /// Of people who chose nothing, by when they came.
    came: BTreeSet<Place>,
    /// Of people who chose a retention, by when it is over.
    over: BTreeSet<Place>,
    /// Unread ones that go stale, by when they do.
    stale: BTreeSet<Place>,
}

/// Whose inbox it is, and what sweeps know of it.
struct Owner<'a> {
    tenant: &'a TenantId,
    recipient: &'a RecipientId,
    due: &'a mut Due,
}

impl Owner<'_> {
    fn place(&self, at: Timestamp, sequence: u64) -> Place {
        (at, self.tenant.clone(), self.recipient.clone(), sequence)
    }

    /// Notes when the item is to be removed.
    fn keep(&mut self, item: &InboxItem, chosen: Option<Duration>) {
        let place = self.place(item.at + chosen.unwrap_or_default(), item.sequence);
        if chosen.is_some() {
            &mut self.due.over
        } else {
            &mut self.due.came
        }
        .insert(place);
    }

    /// Undoes [`keep`](Self::keep).
    fn let_go(&mut self, item: &InboxItem, chosen: Option<Duration>) {
        let place = self.place(item.at + chosen.unwrap_or_default(), item.sequence);
        if chosen.is_some() {
            &mut self.due.over
        } else {
            &mut self.due.came
        }
        .remove(&place);
    }

    fn never_stale(&mut self, item: &InboxItem) {
        if let Some(at) = item.stale_at {
            self.due.stale.remove(&self.place(at, item.sequence));
        }
    }
}

impl Inbox {
    /// Puts an item in, once for its delivery.
    fn push(&mut self, owner: &mut Owner<'_>, item: &NewInboxItem, cap: u32) -> u64 {
        if let Some(sequence) = self.places.get(&item.delivery) {
            return *sequence;
        }
        self.last += 1;
        let item = InboxItem::new(self.last, item.clone(), InboxStatus::Unread);
        owner.keep(&item, self.chosen);
        if let Some(at) = item.stale_at {
            owner.due.stale.insert(owner.place(at, item.sequence));
        }
        self.places.insert(item.delivery, item.sequence);
        count(&mut self.counts, None, Some(item.status));
        self.items.insert(item.sequence, item);
        while self.items.len() > cap.max(1) as usize
            && let Some(oldest) = self.items.keys().next().copied()
        {
            self.remove(owner, oldest);
        }
        self.last
    }

    fn remove(&mut self, owner: &mut Owner<'_>, sequence: u64) {
        if let Some(item) = self.items.remove(&sequence) {
            self.places.remove(&item.delivery);
            count(&mut self.counts, Some(item.status), None);
            owner.let_go(&item, self.chosen);
            owner.never_stale(&item);
        }
    }

    /// Moves an item on; answers with its delivery if that was seen or read by it.
    fn mark(&mut self, owner: &mut Owner<'_>, sequence: u64, mark: Mark) -> Option<DeliveryId> {
        let item = self.items.get_mut(&sequence)?;
        let status = item.status.marked(mark);
        if status == item.status {
            return None;
        }
        count(&mut self.counts, Some(item.status), Some(status));
        item.status = status;
        if !status.is_unread() {
            owner.never_stale(item);
        }
        matches!(mark, Mark::Seen | Mark::Read).then_some(item.delivery)
    }

    /// Takes the text of an item that nobody read in time.
    fn clear(&mut self, sequence: u64) {
        if let Some(item) = self.items.get_mut(&sequence) {
            count(
                &mut self.counts,
                Some(item.status),
                Some(InboxStatus::AutoCleared),
            );
            item.status = InboxStatus::AutoCleared;
            item.message = InAppMessage::new("", "");
        }
    }

    /// Sets how long items are kept.
    fn retain(&mut self, owner: &mut Owner<'_>, keep: Duration) {
        for item in self.items.values() {
            owner.let_go(item, self.chosen);
            owner.keep(item, Some(keep));
        }
        self.chosen = Some(keep);
    }

    fn page(&self, before: Option<u64>, limit: u32, archived: bool) -> Vec<InboxItem> {
        let shown = |item: &&InboxItem| archived || item.status != InboxStatus::Archived;
        let older = self
            .items
            .range(..before.unwrap_or(u64::MAX))
            .map(|(_, item)| item)
            .rev();
        older.filter(shown).take(limit as usize).cloned().collect()
    }

    /// The counts, compared with the items where that costs nobody anything.
    fn checked(&self) -> InboxCounts {
        debug_assert_eq!(self.counts, {
            let mut counts = InboxCounts::default();
            for item in self.items.values() {
                count(&mut counts, None, Some(item.status));
            }
            counts
        });
        self.counts
    }
}

/// Keeps the counters while an item moves from one status to another, comes or goes.
fn count(counts: &mut InboxCounts, from: Option<InboxStatus>, to: Option<InboxStatus>) {
    let unread =
        |status: Option<InboxStatus>| u64::from(status.is_some_and(InboxStatus::is_unread));
    let unseen =
        |status: Option<InboxStatus>| u64::from(status.is_some_and(InboxStatus::is_unseen));
    counts.unread = counts.unread + unread(to) - unread(from);
    counts.unseen = counts.unseen + unseen(to) - unseen(from);
}

impl Tables {
    fn get(&self, tenant: &TenantId, recipient: &RecipientId) -> Option<&Inbox> {
        self.inboxes.get(tenant)?.get(recipient)
    }

    /// One person's inbox, and what is needed to change it.
    fn open<'a>(
        &'a mut self,
        tenant: &'a TenantId,
        recipient: &'a RecipientId,
    ) -> (&'a mut Inbox, Owner<'a>) {
        let inboxes = self.inboxes.entry(tenant.clone()).or_default();
        let inbox = inboxes.entry(recipient.clone()).or_default();
        (
            inbox,
            Owner {
                tenant,
                recipient,
                due: &mut self.due,
            },
        )
    }

    /// Marks items; answers with the counts, and with the deliveries that were seen or read by it.
    fn mark(
        &mut self,
        tenant: &TenantId,
        recipient: &RecipientId,
        which: Which<'_>,
        mark: Mark,
    ) -> (InboxCounts, Vec<DeliveryId>) {
        if self.get(tenant, recipient).is_none() {
            return (InboxCounts::default(), Vec::new());
        }
        let (inbox, mut owner) = self.open(tenant, recipient);
        let all;
        let sequences = match which {
            Which::These(sequences) => sequences,
            Which::UpTo(last) => {
                all = inbox
                    .items
                    .range(..=last)
                    .map(|(sequence, _)| *sequence)
                    .collect::<Vec<_>>();
                &all
            }
        };
        let moved = |sequence: &u64| inbox.mark(&mut owner, *sequence, mark);
        let deliveries = sequences.iter().filter_map(moved).collect();
        (inbox.checked(), deliveries)
    }

    /// Forgets one person's inbox.
    pub(super) fn erase(&mut self, tenant: &TenantId, recipient: &RecipientId) {
        if self.get(tenant, recipient).is_none() {
            return;
        }
        let (inbox, mut owner) = self.open(tenant, recipient);
        while let Some(sequence) = inbox.items.keys().next().copied() {
            inbox.remove(&mut owner, sequence);
        }
        if let Some(inboxes) = self.inboxes.get_mut(tenant) {
            inboxes.remove(recipient);
        }
    }

    fn sweep(&mut self, now: Timestamp, limits: &InboxLimits) -> u64 {
        let mut removed = Vec::new();
        let over = |at: &Timestamp| *at < now;
        removed.extend(
            self.due
                .over
                .iter()
                .take_while(|place| over(&place.0))
                .take(PIECE)
                .cloned(),
        );
        let came = self
            .due
            .came
            .iter()
            .take_while(|place| over(&(place.0 + limits.retention)));
        removed.extend(came.take(PIECE - removed.len()).cloned());
        for (_, tenant, recipient, sequence) in &removed {
            let (inbox, mut owner) = self.open(tenant, recipient);
            inbox.remove(&mut owner, *sequence);
        }
        let mut cleared = Vec::new();
        let stale = self.due.stale.iter().take_while(|place| place.0 <= now);
        cleared.extend(stale.take(PIECE - removed.len()).cloned());
        for place in &cleared {
            self.due.stale.remove(place);
            let (_, tenant, recipient, sequence) = place;
            self.open(tenant, recipient).0.clear(*sequence);
        }
        (removed.len() + cleared.len()) as u64
    }
}

/// Which items are marked.
#[derive(Clone, Copy)]
enum Which<'a> {
    These(&'a [u64]),
    UpTo(u64),
}

impl MemoryStore {
    fn mark_items(
        &self,
        (tenant, recipient): (&TenantId, &RecipientId),
        which: Which<'_>,
        mark: Mark,
        now: Timestamp,
    ) -> InboxCounts {
        let mut guard = self.lock();
        let State { inbox, queue, .. } = &mut *guard;
        let (counts, engaged) = inbox.mark(tenant, recipient, which, mark);
        for delivery in engaged {
            queue.mark_engaged(delivery, mark, now);
        }
        counts
    }
}

#[async_trait]
impl InboxStore for MemoryStore {
    async fn push(
        &self,
        tenant: &TenantId,
        items: &[NewInboxItem],
        limits: &InboxLimits,
    ) -> Result<Vec<u64>> {
        let mut state = self.lock();
        let mut sequences = Vec::with_capacity(items.len());
        for item in items {
            let (inbox, mut owner) = state.inbox.open(tenant, &item.recipient);
            sequences.push(inbox.push(&mut owner, item, limits.cap));
        }
        Ok(sequences)
    }

    async fn page(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        before: Option<u64>,
        limit: u32,
        archived: bool,
    ) -> Result<Vec<InboxItem>> {
        let state = self.lock();
        let inbox = state.inbox.get(tenant, recipient);
        Ok(inbox.map_or_else(Vec::new, |inbox| inbox.page(before, limit, archived)))
    }

    async fn counts(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<InboxCounts> {
        let state = self.lock();
        Ok(state
            .inbox
            .get(tenant, recipient)
            .map_or_else(InboxCounts::default, Inbox::checked))
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        sequences: &[u64],
        mark: Mark,
        now: Timestamp,
    ) -> Result<InboxCounts> {
        Ok(self.mark_items((tenant, recipient), Which::These(sequences), mark, now))
    }

    async fn mark_all(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        up_to: u64,
        mark: Mark,
        now: Timestamp,
    ) -> Result<InboxCounts> {
        Ok(self.mark_items((tenant, recipient), Which::UpTo(up_to), mark, now))
    }

    async fn retain(&self, tenant: &TenantId, recipient: &RecipientId, days: u8) -> Result<()> {
        let keep = InboxLimits::check_days(days)?;
        let mut state = self.lock();
        let (inbox, mut owner) = state.inbox.open(tenant, recipient);
        inbox.retain(&mut owner, keep);
        Ok(())
    }

    async fn sweep_inbox(&self, now: Timestamp, limits: &InboxLimits) -> Result<u64> {
        Ok(self.lock().inbox.sweep(now, limits))
    }
}
