//! Puts items into inboxes: a handful of statements, however many items and inboxes there are.

use notify_core::inbox::{InboxLimits, NewInboxItem};
use notify_core::{DeliveryId, RecipientId, Result, TenantId};
use std::collections::{BTreeMap, HashMap};

use crate::inbox::{Less, MICROS_PER_DAY, status};
use crate::row::{Args, bytes, column, to_json, unsigned};
use crate::session::Session;

/// Items as they are written.
pub(super) struct Push {
    tenant: TenantId,
    items: Vec<NewInboxItem>,
    /// The messages of the items, as JSON.
    messages: Vec<String>,
    cap: i64,
}

/// One inbox while items are put into it.
#[derive(Default)]
struct Inbox {
    last: i64,
    items: i64,
    unread: i64,
    unseen: i64,
    /// For how many days the person keeps items, if they chose.
    days: Option<i64>,
}

/// A new item at its place.
struct Placed<'a> {
    item: &'a NewInboxItem,
    message: &'a str,
    sequence: i64,
    over_at: Option<i64>,
}

type Inboxes<'a> = BTreeMap<&'a RecipientId, Inbox>;

impl Push {
    pub(super) fn new(
        tenant: &TenantId,
        items: &[NewInboxItem],
        limits: &InboxLimits,
    ) -> Result<Self> {
        let messages = items
            .iter()
            .map(|item| to_json(&item.message))
            .collect::<Result<_>>()?;
        let cap = i64::from(limits.cap.max(1));
        Ok(Self {
            tenant: tenant.clone(),
            items: items.to_vec(),
            messages,
            cap,
        })
    }

    pub(super) async fn run(&self, db: &mut Session<'_>) -> Result<Vec<u64>> {
        let mut known = self.known(db).await?;
        let mut inboxes = self.inboxes(db).await?;
        let (mut placed, mut sequences) = (Vec::new(), Vec::with_capacity(self.items.len()));
        for (item, message) in self.items.iter().zip(&self.messages) {
            let inbox = inboxes.entry(&item.recipient).or_default();
            let sequence = *known
                .entry((&item.recipient, item.delivery))
                .or_insert_with(|| {
                    placed.push(inbox.place(item, message));
                    inbox.last
                });
            sequences.push(unsigned(sequence, "inbox item")?);
        }
        if !placed.is_empty() {
            self.insert(db, &placed).await?;
            self.trim(db, &mut inboxes).await?;
            self.put_states(db, &inboxes).await?;
        }
        Ok(sequences)
    }

    /// The sequences of items that are there already.
    async fn known(
        &self,
        db: &mut Session<'_>,
    ) -> Result<HashMap<(&RecipientId, DeliveryId), i64>> {
        let find = include_str!("../../sql/inbox_known.sql");
        let head = || Args::new().with(self.tenant.as_str());
        let rows = db
            .all_rows(find, head, &self.items, |item, args| {
                args.push(&item.delivery.as_bytes()[..])
            })
            .await?;
        let mut known = HashMap::with_capacity(self.items.len());
        for row in &rows {
            let delivery = DeliveryId::from_bytes(bytes(row, 1, "inbox item")?);
            let (recipient, sequence): (&str, i64) = (column(row, 0)?, column(row, 2)?);
            // The same delivery in someone else's inbox is another item.
            let mut items = self.items.iter().map(|item| &item.recipient);
            if let Some(recipient) = items.find(|found| found.as_str() == recipient) {
                known.insert((recipient, delivery), sequence);
            }
        }
        Ok(known)
    }

    /// The inboxes that items go to.
    async fn inboxes(&self, db: &mut Session<'_>) -> Result<Inboxes<'_>> {
        let each = self
            .items
            .iter()
            .map(|item| (&item.recipient, Inbox::default()));
        let mut inboxes: Inboxes<'_> = each.collect();
        let recipients: Vec<_> = inboxes.keys().copied().collect();
        let load = include_str!("../../sql/inbox_state_load.sql");
        let head = || Args::new().with(self.tenant.as_str());
        let rows = db
            .all_rows(load, head, &recipients, |id, args| args.push(id.as_str()))
            .await?;
        for row in &rows {
            let recipient: &str = column(row, 0)?;
            if let Some(inbox) = inboxes.get_mut(&RecipientId::from(recipient)) {
                *inbox = Inbox {
                    last: column(row, 1)?,
                    items: column(row, 2)?,
                    unread: column(row, 3)?,
                    unseen: column(row, 4)?,
                    days: column(row, 5)?,
                };
            }
        }
        Ok(inboxes)
    }

    async fn insert(&self, db: &mut Session<'_>, placed: &[Placed<'_>]) -> Result<()> {
        let insert = include_str!("../../sql/inbox_insert.sql");
        db.execute_rows(insert, Args::new, placed, |new, args| {
            args.push(self.tenant.as_str());
            args.push(new.item.recipient.as_str());
            args.push(new.sequence);
            args.push(&new.item.delivery.as_bytes()[..]);
            args.push(&new.item.notification.as_bytes()[..]);
            args.push(new.item.category.as_str());
            args.push(new.message);
            args.push(new.item.at.as_micros());
            args.push(new.item.stale_at.map(notify_core::Timestamp::as_micros));
            args.push(new.over_at);
        })
        .await?;
        Ok(())
    }

    /// Removes the oldest items of inboxes that hold more than the cap.
    async fn trim(&self, db: &mut Session<'_>, inboxes: &mut Inboxes<'_>) -> Result<()> {
        let over = |inbox: &Inbox| inbox.items - self.cap;
        let full = inboxes.iter().filter(|(_, inbox)| over(inbox) > 0);
        let (one, many): (Vec<_>, Vec<_>) = full
            .map(|(recipient, inbox)| (*recipient, over(inbox)))
            .partition(|(_, over)| *over == 1);
        let trim = include_str!("../../sql/inbox_trim_one.sql");
        let mut rows = db
            .all_rows(trim, Args::new, &one, |(recipient, _), args| {
                args.push(self.tenant.as_str());
                args.push(recipient.as_str());
            })
            .await?;
        for (recipient, over) in many {
            let args = Args::new()
                .with(self.tenant.as_str())
                .with(recipient.as_str())
                .with(over - 1);
            rows.extend(
                db.all(include_str!("../../sql/inbox_trim_many.sql"), args)
                    .await?,
            );
        }
        for row in &rows {
            let recipient: &str = column(row, 0)?;
            if let Some(inbox) = inboxes.get_mut(&RecipientId::from(recipient)) {
                let mut less = Less {
                    items: 1,
                    ..Less::default()
                };
                less.count(status(row, 1)?);
                inbox.subtract(less);
            }
        }
        Ok(())
    }

    async fn put_states(&self, db: &mut Session<'_>, inboxes: &Inboxes<'_>) -> Result<()> {
        let put = include_str!("../../sql/inbox_state_put.sql");
        let rows: Vec<_> = inboxes.iter().collect();
        db.execute_rows(put, Args::new, &rows, |(recipient, inbox), args| {
            args.push(self.tenant.as_str());
            args.push(recipient.as_str());
            args.push(inbox.last);
            args.push(inbox.items);
            args.push(inbox.unread);
            args.push(inbox.unseen);
        })
        .await?;
        Ok(())
    }
}

impl Inbox {
    /// Gives the item the next place.
    fn place<'a>(&mut self, item: &'a NewInboxItem, message: &'a str) -> Placed<'a> {
        self.last += 1;
        self.items += 1;
        self.unread += 1;
        self.unseen += 1;
        let over_at = self
            .days
            .map(|days| item.at.as_micros().saturating_add(days * MICROS_PER_DAY));
        Placed {
            item,
            message,
            sequence: self.last,
            over_at,
        }
    }

    const fn subtract(&mut self, less: Less) {
        self.items -= less.items;
        self.unread -= less.unread;
        self.unseen -= less.unseen;
    }
}
