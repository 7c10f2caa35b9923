//! Takes one person out of their deliveries.

use std::sync::Arc;

use crate::delivery::{DeliveryState, Reason};
use crate::id::{DeliveryId, NotificationId};
use crate::memory::queue::Tables;
use crate::privacy::{Erased, Erasure};

impl Tables {
    /// All of it in one call: what is being sent stays, and is counted.
    pub(in crate::memory) fn erase(&mut self, erasure: &Erasure) -> Erased {
        let Erasure {
            tenant, recipient, ..
        } = erasure;
        let ids: Vec<DeliveryId> = self
            .person(tenant, recipient)
            .map(|ids| ids.iter().copied().collect())
            .unwrap_or_default();
        self.buckets.erase(erasure);
        let (mut erased, mut sending) = (0, 0);
        for id in ids {
            if self.state(&id) == Some(DeliveryState::Sending) {
                sending += 1;
                continue;
            }
            self.erase_delivery(id, erasure);
            erased += 1;
        }
        Erased::new(erased, sending, false)
    }

    fn erase_delivery(&mut self, id: DeliveryId, erasure: &Erasure) {
        let rests = self.rows.get(&id).map(|row| row.delivery.state);
        if rests.is_some_and(|state| state.is_open() || state.is_dead_letter()) {
            self.end_cancelled(id, Reason::Erased, erasure.now);
        }
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        let delivery = &mut row.delivery;
        delivery.recipient = erasure.pseudonym.clone();
        (delivery.pinned, delivery.message_id, delivery.fault) = (None, None, None);
        row.frozen = None;
        for event in &mut row.events {
            if event.report.take().is_some() {
                event.provider = None;
            }
            (event.message_id, event.fault) = (None, None);
        }
        let notification = delivery.notification;
        let (messages, answers) = (
            std::mem::take(&mut row.messages),
            std::mem::take(&mut row.answers),
        );
        self.reports.drop_messages(id, &messages);
        self.reports.drop_answers(id, &answers);
        self.reports.drop_kept(id, &messages);
        let people = self.people.entry(erasure.tenant.clone()).or_default();
        if let Some(of_person) = people.get_mut(&erasure.recipient) {
            of_person.remove(&id);
            if of_person.is_empty() {
                people.remove(&erasure.recipient);
            }
        }
        let of_nobody = people.entry(erasure.pseudonym.clone()).or_default();
        of_nobody.insert(id);
        self.erase_notification(notification);
    }

    /// Takes what was said out of a notification that is left to nobody.
    fn erase_notification(&mut self, id: NotificationId) {
        let Some((_, ids)) = self.notifications.get(&id) else {
            return;
        };
        let ids = ids.clone();
        let rows = || ids.iter().filter_map(|id| self.rows.get(id));
        if !rows().all(|row| Erasure::is_pseudonym(&row.delivery.recipient)) {
            return;
        }
        let Some(request) = rows().next().map(|row| row.delivery.request.erased()) else {
            return;
        };
        let request = Arc::new(request);
        for id in &ids {
            if let Some(row) = self.rows.get_mut(id) {
                row.delivery.request = Arc::clone(&request);
            }
        }
        self.keys.retain(|_, known| known.notification != id);
    }
}
