//! What vendors report: found, written in the writer's transactions, and kept until its delivery is known.

mod apply;
mod kept;

use async_trait::async_trait;
use notify_core::delivery::MessageRef;
use notify_core::preference::AddressHash;
use notify_core::queue::{
    Applied, Asked, Feedback, FeedbackStore, Found, FoundBy, Kept, KeptReport, ReportKey,
};
use notify_core::{DeliveryId, ProviderName, Result, TenantId, Timestamp};
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::SqliteStore;
use crate::error;
use crate::queue::feedback::apply::Applying;
use crate::row::{Args, bytes, column, unsigned};
use crate::session::Session;

/// Something that was found, with its number.
type Hit = (i64, Found);

/// Takes in what one way of looking found, unless it found several deliveries: then it does not say which.
fn note(hits: &mut [Option<Hit>], rows: &[SqliteRow], by: FoundBy) -> Result<()> {
    let mut vague = BTreeSet::new();
    for row in rows {
        let place: usize = unsigned(column(row, 0)?, "message")?;
        let (no, tenant) = (column(row, 1)?, TenantId::from(column::<String>(row, 3)?));
        let id = DeliveryId::from_bytes(bytes(row, 2, "delivery id")?);
        let Some(hit) = hits.get_mut(place) else {
            continue;
        };
        match hit {
            Some((other, _)) if *other == no => {}
            Some(_) => drop(vague.insert(place)),
            None => *hit = Some((no, Found::new(tenant, id, by))),
        }
    }
    for place in vague {
        hits[place] = None;
    }
    Ok(())
}

/// The questions that have no answer yet and can be asked this way, each with its place.
fn open<'a, T>(
    asked: &[Asked<'a>],
    hits: &[Option<Hit>],
    of: impl Fn(&Asked<'a>) -> Option<T>,
) -> Vec<(i64, T)> {
    let all = (0_i64..).zip(asked).zip(hits);
    all.filter(|(_, hit)| hit.is_none())
        .filter_map(|((place, asked), _)| Some((place, of(asked)?)))
        .collect()
}

async fn find(db: &mut Session<'_>, asked: &[Asked<'_>]) -> Result<Vec<Option<Found>>> {
    let mut hits: Vec<Option<Hit>> = vec![None; asked.len()];
    let ids = open(asked, &hits, |asked| asked.delivery);
    let text = include_str!("../../sql/message_find_delivery.sql");
    let row = |(place, id): &(i64, DeliveryId), args: &mut Args| {
        args.push(*place);
        args.push(&id.as_bytes()[..]);
    };
    let rows = db.all_rows(text, Args::new, &ids, row).await?;
    note(&mut hits, &rows, FoundBy::Delivery)?;

    let messages = open(asked, &hits, |asked| {
        Some((asked.provider, asked.message_id?))
    });
    let text = include_str!("../../sql/message_find.sql");
    let row = |(place, (provider, id)): &(i64, (&ProviderName, &str)), args: &mut Args| {
        args.push(*place);
        args.push(provider.as_str());
        args.push(*id);
    };
    let rows = db.all_rows(text, Args::new, &messages, row).await?;
    note(&mut hits, &rows, FoundBy::Message)?;

    let addresses = open(asked, &hits, |asked| Some((asked.provider, asked.address?)));
    let text = include_str!("../../sql/message_find_address.sql");
    let row = |(place, (provider, address)): &(i64, (&ProviderName, &AddressHash)),
               args: &mut Args| {
        args.push(*place);
        args.push(provider.as_str());
        args.push(&address.as_bytes()[..]);
    };
    let rows = db.all_rows(text, Args::new, &addresses, row).await?;
    note(&mut hits, &rows, FoundBy::Address)?;
    add_messages(db, &mut hits).await?;
    Ok(hits
        .into_iter()
        .map(|hit| hit.map(|(_, found)| found))
        .collect())
}

/// The messages of what was found, oldest first.
async fn add_messages(db: &mut Session<'_>, hits: &mut [Option<Hit>]) -> Result<()> {
    let numbered = (0_i64..).zip(&*hits);
    let numbers: Vec<(i64, i64)> = numbered
        .filter_map(|(place, hit)| Some((place, hit.as_ref()?.0)))
        .collect();
    let text = include_str!("../../sql/message_of_delivery.sql");
    let row = |(place, no): &(i64, i64), args: &mut Args| {
        args.push(*place);
        args.push(*no);
    };
    for row in db.all_rows(text, Args::new, &numbers, row).await? {
        let place: usize = unsigned(column(&row, 0)?, "message")?;
        let hit = hits.get_mut(place).and_then(Option::as_mut);
        let (_, found) = hit.ok_or_else(|| error::corrupt("message"))?;
        let provider = ProviderName::from(column::<String>(&row, 1)?);
        let address = AddressHash::from_bytes(bytes(&row, 4, "message")?);
        let message = MessageRef::new(provider, column::<String>(&row, 2)?, address);
        let target = unsigned(column(&row, 3)?, "message")?;
        let message = message.with_target(target).with_answers(column(&row, 5)?);
        found.messages.push(message);
    }
    Ok(())
}

#[async_trait]
impl FeedbackStore for SqliteStore {
    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Option<Found>>> {
        let mut reader = self.reader().await?;
        find(&mut reader.session()?, asked).await
    }

    async fn apply(&self, batch: &[Feedback<'_>]) -> Result<Vec<Applied>> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let engine = Arc::clone(self.engine());
        let applying = Arc::new(Applying::new(&engine, batch)?);
        let applied = self.writer().write_then(
            move |db| {
                let (applying, engine) = (Arc::clone(&applying), Arc::clone(&engine));
                Box::pin(async move { applying.run(db, &engine).await })
            },
            |engine, done: &apply::Done| {
                engine.leases.remove(done.freed.iter().copied());
                if !done.freed.is_empty() {
                    engine.ring();
                }
            },
        );
        Ok(applied.await?.answers)
    }

    async fn keep(&self, reports: &[KeptReport]) -> Result<u64> {
        let rows: Arc<[kept::Row]> = reports.iter().map(kept::Row::new).collect::<Result<_>>()?;
        if rows.is_empty() {
            return Ok(0);
        }
        let kept = self.writer().write(move |db| {
            let rows = Arc::clone(&rows);
            Box::pin(async move { kept::keep(db, &rows).await })
        });
        kept.await
    }

    async fn look(&self, now: Timestamp, limit: u32) -> Result<Kept> {
        let state = {
            let mut reader = self.reader().await?;
            kept::state(&mut reader.session()?).await?
        };
        if !state.needs_a_look(now) {
            return Ok(Kept::new(Vec::new(), state.kept, 0));
        }
        let looked = self
            .writer()
            .write(move |db| Box::pin(async move { kept::look(db, now, limit).await }));
        looked.await
    }

    async fn forget(&self, keys: &[ReportKey]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Arc<[ReportKey]> = keys.into();
        let forgotten = self.writer().write(move |db| {
            let keys = Arc::clone(&keys);
            Box::pin(async move { kept::remove(db, &keys).await })
        });
        forgotten.await
    }
}
