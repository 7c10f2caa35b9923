//! The contract of [`InboxStore`], clause by clause.

mod mark;
mod model;
mod page;
mod push;
mod sweep;
mod whole;

pub use model::random_operations;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::delivery::{Delivery, DeliveryStore};
use crate::id::{ChannelId, DeliveryId, IdGenerator, RecipientId, TenantId};
use crate::inbox::{
    InboxCounts, InboxItem, InboxLimits, InboxStatus, InboxStore, Mark, NewInboxItem,
};
use crate::queue::Accepted;
use crate::store::Store;
use crate::testkit::{ManualClock, StoreHarness, clauses, sample};

clauses! {
    /// One test for each clause of [`InboxStore`](crate::inbox::InboxStore). Takes an expression that
    /// makes a [`StoreHarness`](crate::testkit::StoreHarness) whose store has one.
    macro $ inbox_tests for inbox: dyn StoreHarness {
        push {
            push_gives_each_item_the_next_sequence_of_its_inbox,
            push_of_nothing_does_nothing,
            an_item_reads_back_whole,
            the_same_delivery_again_stores_nothing,
            the_same_delivery_twice_in_one_call_is_stored_once,
            callers_at_the_same_time_share_no_sequence,
            push_beyond_the_cap_removes_the_oldest,
            what_the_cap_removed_counts_no_longer,
            a_sequence_is_never_used_again,
        }
        page {
            page_gives_the_newest_first,
            page_gives_only_items_before_the_one_named,
            page_gives_at_most_so_many,
            pages_neither_repeat_nor_skip_an_item,
            page_shows_archived_items_only_when_asked,
        }
        mark {
            an_empty_inbox_counts_nothing,
            counts_follow_every_mark,
            mark_never_moves_an_item_back,
            mark_ignores_what_is_not_there,
            marking_twice_in_one_call_counts_once,
            mark_all_marks_up_to_and_including,
            a_mark_is_seen_by_the_delivery,
            the_first_mark_of_a_delivery_stands,
            archiving_is_neither_seeing_nor_reading,
            mark_all_is_seen_by_the_deliveries,
        }
        sweep {
            retain_outside_of_1_to_15_days_is_refused,
            sweep_removes_what_is_older_than_the_retention,
            a_persons_own_retention_goes_before_the_default,
            a_persons_retention_holds_for_items_already_there,
            sweep_clears_the_text_of_what_went_stale_unread,
            what_was_read_in_time_does_not_go_stale,
            a_cleared_item_stays_cleared,
            sweeps_come_to_an_end,
        }
        whole {
            persons_do_not_share_an_inbox,
            tenants_do_not_share_an_inbox,
            ids_are_compared_exactly,
            counts_equal_a_count_after_any_sequence_of_calls,
            inboxes_outlive_the_process,
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// One store under test, and what clauses do with it: all in the inbox of one person.
struct World {
    store: Arc<dyn Store>,
    inbox: Arc<dyn InboxStore>,
    clock: Arc<ManualClock>,
    ids: Arc<IdGenerator>,
    tenant: TenantId,
    recipient: RecipientId,
    limits: InboxLimits,
}

impl World {
    async fn new(harness: &dyn StoreHarness) -> Self {
        Self::of(harness.open().await, harness.clock())
    }

    fn of(store: Arc<dyn Store>, clock: Arc<ManualClock>) -> Self {
        Self {
            inbox: Arc::clone(&store).inbox().expect("the store keeps inboxes"),
            store,
            clock,
            ids: Arc::new(IdGenerator::new(7)),
            tenant: sample::tenant(),
            recipient: RecipientId::new("ada"),
            limits: InboxLimits::default(),
        }
    }

    /// The same store, in the inbox of someone else.
    fn in_inbox_of(&self, tenant: TenantId, recipient: impl Into<RecipientId>) -> Self {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let ids = Arc::clone(&self.ids);
        Self {
            tenant,
            recipient: recipient.into(),
            ids,
            ..Self::of(store, clock)
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn item(&self) -> NewInboxItem {
        let delivery = self.ids.delivery(self.now());
        sample::inbox_item(&self.ids, self.recipient.as_str(), delivery, self.now())
    }

    async fn push(&self, items: &[NewInboxItem]) -> Vec<u64> {
        self.inbox
            .push(&self.tenant, items, &self.limits)
            .await
            .expect("is stored")
    }

    /// Puts so many new items in; answers with their sequences.
    async fn fill(&self, items: usize) -> Vec<u64> {
        let items: Vec<_> = (0..items).map(|_| self.item()).collect();
        self.push(&items).await
    }

    async fn page(&self, before: Option<u64>, limit: u32, archived: bool) -> Vec<InboxItem> {
        let page = self
            .inbox
            .page(&self.tenant, &self.recipient, before, limit, archived)
            .await;
        page.expect("reads")
    }

    async fn all(&self) -> Vec<InboxItem> {
        self.page(None, u32::MAX, true).await
    }

    async fn statuses(&self) -> Vec<InboxStatus> {
        self.all()
            .await
            .iter()
            .rev()
            .map(|item| item.status)
            .collect()
    }

    async fn counts(&self) -> InboxCounts {
        self.inbox
            .counts(&self.tenant, &self.recipient)
            .await
            .expect("reads")
    }

    /// Marks items, and sees that the answer is what a later call says.
    async fn mark(&self, sequences: &[u64], mark: Mark) -> InboxCounts {
        let (tenant, recipient, now) = (&self.tenant, &self.recipient, self.now());
        let answer = self
            .inbox
            .mark(tenant, recipient, sequences, mark, now)
            .await;
        let answer = answer.expect("is marked");
        assert_eq!(answer, self.counts().await, "the counts after the call");
        answer
    }

    async fn mark_all(&self, up_to: u64, mark: Mark) -> InboxCounts {
        let (tenant, recipient, now) = (&self.tenant, &self.recipient, self.now());
        let answer = self
            .inbox
            .mark_all(tenant, recipient, up_to, mark, now)
            .await;
        let answer = answer.expect("is marked");
        assert_eq!(answer, self.counts().await, "the counts after the call");
        answer
    }

    async fn retain(&self, days: u8) {
        self.inbox
            .retain(&self.tenant, &self.recipient, days)
            .await
            .expect("is set");
    }

    /// Sweeps until nothing is left; answers how many items.
    async fn sweep(&self) -> u64 {
        let mut swept = 0;
        loop {
            let piece = self
                .inbox
                .sweep_inbox(self.now(), &self.limits)
                .await
                .expect("sweeps");
            if piece == 0 {
                return swept;
            }
            swept += piece;
            assert!(swept < 1_000_000, "the sweeps do not come to an end");
        }
    }

    /// Accepts a delivery for this inbox.
    async fn deliver(&self) -> DeliveryId {
        let recipient = self.recipient.as_str();
        let acceptance = sample::acceptance(
            &self.ids,
            &self.tenant,
            recipient,
            ChannelId::IN_APP,
            self.now(),
        );
        let id = acceptance.deliveries[0].id;
        let accepted = self
            .store
            .accept(vec![acceptance])
            .await
            .expect("is accepted");
        assert_eq!(accepted, [Accepted::New]);
        id
    }

    /// Accepts a delivery, and puts its item in.
    async fn deliver_item(&self) -> (DeliveryId, u64) {
        let mut item = self.item();
        item.delivery = self.deliver().await;
        (item.delivery, self.push(&[item]).await[0])
    }

    async fn delivery(&self, id: DeliveryId) -> Delivery {
        let mut found = DeliveryStore::load(&*self.store, &[id])
            .await
            .expect("loads");
        found.remove(0).expect("is there")
    }
}

fn sequences(items: &[InboxItem]) -> Vec<u64> {
    items.iter().map(|item| item.sequence).collect()
}
