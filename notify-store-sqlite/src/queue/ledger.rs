//! What was counted for caps and what was said to whom: read for one transaction, changed in memory, written at its end.

use notify_core::queue::{CapQuery, CapUse};
use notify_core::{DeliveryId, NotificationId, Result, Timestamp};
use std::collections::HashMap;
use std::time::Duration;

use crate::row::{Args, bytes, column};
use crate::session::Session;

/// The number of a tenant, and a hash.
pub(crate) type Key = (i64, [u8; 32]);

/// The entries under the keys of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    caps: HashMap<Key, Vec<(Timestamp, DeliveryId)>>,
    contents: HashMap<Key, (Timestamp, NotificationId)>,
    counted: HashMap<(Key, DeliveryId), Counted>,
    said: Vec<Key>,
}

/// One entry to write.
#[derive(Clone, Copy, Debug)]
struct Counted {
    at: Timestamp,
    over: Timestamp,
}

/// One question about a cap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) key: Key,
    pub(crate) max: u32,
    pub(crate) window: Duration,
    pub(crate) delivery: DeliveryId,
    /// What will be counted under the same key in the same commit.
    pub(crate) besides: &'a [DeliveryId],
}

impl Ledger {
    /// Reads the entries of these caps, each with the instant since when they matter, and what was said of these contents.
    pub(crate) async fn load(
        &mut self,
        db: &mut Session<'_>,
        caps: &[(Key, Timestamp)],
        contents: &[Key],
    ) -> Result<()> {
        if !caps.is_empty() {
            let text = include_str!("../../sql/cap_load.sql");
            let row = |((tenant, key), since): &(Key, Timestamp), args: &mut Args| {
                args.push(*tenant);
                args.push(&key[..]);
                args.push(since.as_micros());
            };
            for row in db.all_rows(text, Args::new, caps, row).await? {
                let key = (column(&row, 0)?, bytes(&row, 1, "cap")?);
                let at = Timestamp::from_micros(column(&row, 2)?);
                let delivery = DeliveryId::from_bytes(bytes(&row, 3, "cap")?);
                let entries = self.caps.entry(key).or_default();
                entries.push((at, delivery));
            }
            for entries in self.caps.values_mut() {
                entries.sort_unstable();
                entries.dedup();
            }
        }
        if !contents.is_empty() {
            let text = include_str!("../../sql/content_load.sql");
            let row = |(tenant, content): &Key, args: &mut Args| {
                args.push(*tenant);
                args.push(&content[..]);
            };
            for row in db.all_rows(text, Args::new, contents, row).await? {
                let key = (column(&row, 0)?, bytes(&row, 1, "content")?);
                let over = Timestamp::from_micros(column(&row, 2)?);
                let by = NotificationId::from_bytes(bytes(&row, 3, "content")?);
                self.contents.insert(key, (over, by));
            }
        }
        Ok(())
    }

    /// Whether a delivery may be counted; if not, when that may be different.
    pub(crate) fn may_count(
        &self,
        asked: &Question<'_>,
        now: Timestamp,
    ) -> Result<(), Option<Timestamp>> {
        let entries = self.caps.get(&asked.key).map_or(&[][..], Vec::as_slice);
        let first = entries.partition_point(|(at, _)| *at + asked.window <= now);
        let inside = &entries[first..];
        let is_counted = |delivery: &DeliveryId| inside.iter().any(|(_, id)| id == delivery);
        let besides = asked.besides.iter();
        let besides = besides
            .filter(|id| **id != asked.delivery && !is_counted(id))
            .count();
        let others: Vec<_> = inside
            .iter()
            .filter(|(_, id)| *id != asked.delivery)
            .map(|(at, _)| *at)
            .collect();
        let max = usize::try_from(asked.max).unwrap_or(usize::MAX);
        let count = others.len() + besides;
        if count < max {
            return Ok(());
        }
        let leaves = others.get(count - max).map(|at| *at + asked.window);
        Err(leaves.filter(|_| max > 0))
    }

    /// How much of a cap is used, and when there is room.
    pub(crate) fn usage(&self, tenant: i64, asked: &CapQuery, now: Timestamp) -> CapUse {
        let entries = self.caps.get(&(tenant, asked.key));
        let entries = entries.map_or(&[][..], Vec::as_slice);
        let first = entries.partition_point(|(at, _)| *at + asked.window <= now);
        let counting = &entries[first..];
        let max = usize::try_from(asked.max).unwrap_or(usize::MAX);
        let room_at = match counting.len().checked_sub(max) {
            None => Some(now),
            Some(place) => counting.get(place).map(|(at, _)| *at + asked.window),
        };
        CapUse::new(u32::try_from(counting.len()).unwrap_or(u32::MAX), room_at)
    }

    /// Counts a delivery from now on: once, however often.
    pub(crate) fn count(&mut self, asked: &Question<'_>, now: Timestamp) {
        let entries = self.caps.entry(asked.key).or_default();
        entries.retain(|(_, id)| *id != asked.delivery);
        let place = entries.partition_point(|entry| *entry < (now, asked.delivery));
        entries.insert(place, (now, asked.delivery));
        let counted = Counted {
            at: now,
            over: now + asked.window,
        };
        self.counted.insert((asked.key, asked.delivery), counted);
    }

    /// Until when another notification said the same.
    pub(crate) fn said_until(&self, key: Key, by: NotificationId) -> Option<Timestamp> {
        let said = self.contents.get(&key);
        said.filter(|(_, notification)| *notification != by)
            .map(|(over, _)| *over)
    }

    /// Notes that a notification says something, which counts until then.
    pub(crate) fn say(&mut self, key: Key, by: NotificationId, until: Timestamp) {
        self.contents.insert(key, (until, by));
        self.said.push(key);
    }

    /// Writes what was counted and said.
    pub(crate) async fn write(self, db: &mut Session<'_>) -> Result<()> {
        let counted: Vec<_> = self.counted.into_iter().collect();
        if !counted.is_empty() {
            let forget = include_str!("../../sql/cap_forget.sql");
            db.execute_rows(
                forget,
                Args::new,
                &counted,
                |(((tenant, key), id), _), args| {
                    args.push(&id.as_bytes()[..]);
                    args.push(*tenant);
                    args.push(&key[..]);
                },
            )
            .await?;
            let insert = include_str!("../../sql/cap_insert.sql");
            db.execute_rows(
                insert,
                Args::new,
                &counted,
                |(((tenant, key), id), counted), args| {
                    args.push(*tenant);
                    args.push(&key[..]);
                    args.push(counted.at.as_micros());
                    args.push(&id.as_bytes()[..]);
                    args.push(counted.over.as_micros());
                },
            )
            .await?;
        }
        let said: Vec<_> = self
            .said
            .iter()
            .filter_map(|key| Some((key, self.contents.get(key)?)))
            .collect();
        if !said.is_empty() {
            let put = include_str!("../../sql/content_put.sql");
            db.execute_rows(
                put,
                Args::new,
                &said,
                |((tenant, content), (over, by)), args| {
                    args.push(*tenant);
                    args.push(&content[..]);
                    args.push(over.as_micros());
                    args.push(&by.as_bytes()[..]);
                },
            )
            .await?;
        }
        Ok(())
    }
}

/// Gives deliveries back to the caps under which they are counted.
pub(crate) async fn give_back(db: &mut Session<'_>, deliveries: &[DeliveryId]) -> Result<()> {
    let text = include_str!("../../sql/cap_give_back.sql");
    db.execute_rows(text, Args::new, deliveries, |id, args| {
        args.push(&id.as_bytes()[..])
    })
    .await?;
    Ok(())
}
