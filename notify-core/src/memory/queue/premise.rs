//! Whether premises hold at a commit, and what is written down because they held.

use crate::clock::Timestamp;
use crate::id::{DeliveryId, NotificationId, TenantId};
use crate::memory::queue::ledger::CapQuestion;
use crate::memory::queue::{Rooms, Tables};
use crate::queue::Premise;

/// For whom premises are checked, and when.
pub(super) struct Asker<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) notification: NotificationId,
    pub(super) now: Timestamp,
}

/// A premise that does not hold, and when it may hold again.
pub(super) type Failed = (Premise, Option<Timestamp>);

impl Tables {
    /// Checks all of them, and changes nothing.
    pub(super) fn check_premises(
        &self,
        premises: &[Premise],
        asker: &Asker<'_>,
        rooms: &Rooms<'_>,
    ) -> Result<(), Failed> {
        for (place, premise) in premises.iter().enumerate() {
            if let Err(again) = self.check_premise(premise, &premises[..place], asker, rooms) {
                return Err((premise.clone(), again));
            }
        }
        Ok(())
    }

    fn check_premise(
        &self,
        premise: &Premise,
        before: &[Premise],
        asker: &Asker<'_>,
        rooms: &Rooms<'_>,
    ) -> Result<(), Option<Timestamp>> {
        let Asker {
            tenant,
            notification,
            now,
        } = *asker;
        let holds = match premise {
            Premise::NotExpired { at } => now < *at,
            Premise::Preferences { recipient, stamp } => {
                stamp.store == rooms.store
                    && stamp.version == rooms.preferences.version(tenant, recipient)
            }
            Premise::FreshRead { read_at, max_age } => now.since(*read_at) <= *max_age,
            Premise::NotSuppressed {
                channel,
                address,
                marketing,
            } => !rooms
                .suppressions
                .is_suppressed(tenant, channel, address, *marketing),
            Premise::Cap {
                key,
                max,
                window,
                counted_as,
            } => {
                let question = CapQuestion {
                    key: *key,
                    max: *max,
                    window: *window,
                    delivery: *counted_as,
                    besides: &counted_under(*key, before),
                };
                return self.ledger.may_count(tenant, &question, now);
            }
            Premise::Unseen { content, .. } => {
                let said = self.ledger.said_until(tenant, *content, notification);
                said.is_none_or(|until| until <= now)
            }
            Premise::Bucket { key, open } => self.buckets.is_open(tenant, *key) == *open,
            Premise::Predecessor { delivery, state_in } => {
                let row = self
                    .rows
                    .get(delivery)
                    .filter(|row| row.delivery.tenant == *tenant);
                let unseen = row.is_some_and(|row| row.delivery.seen_at.is_none());
                unseen
                    && self
                        .state(delivery)
                        .is_some_and(|state| state_in.contains(&state))
            }
            Premise::Occurrence { schedule, version } => {
                rooms.schedules.is_active(tenant, *schedule, *version)
            }
        };
        if holds { Ok(()) } else { Err(None) }
    }

    /// Writes down what holding premises count: in the commit that checked them.
    pub(super) fn record_premises(&mut self, premises: &[Premise], asker: &Asker<'_>) {
        for premise in premises {
            match premise {
                Premise::Cap {
                    key,
                    max,
                    window,
                    counted_as,
                } => {
                    let question = CapQuestion {
                        key: *key,
                        max: *max,
                        window: *window,
                        delivery: *counted_as,
                        besides: &[],
                    };
                    self.ledger.count(asker.tenant, &question, asker.now);
                    if let Some(row) = self.rows.get_mut(counted_as)
                        && !row.counted.contains(key)
                    {
                        row.counted.push(*key);
                    }
                }
                Premise::Unseen { content, window } => {
                    let until = asker.now + *window;
                    self.ledger
                        .say(asker.tenant, *content, asker.notification, until);
                }
                _ => {}
            }
        }
    }
}

/// The deliveries that earlier premises of the same commit count under this key.
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
