//! Taking back what dead or late owners had.

use notify_core::delivery::EventKind;
use notify_core::id::OwnerId;
use notify_core::queue::{Job, JobKind};
use notify_core::{DeliveryId, DeliveryState, Reason, Result, Timestamp};
use sqlx::sqlite::SqliteRow;

use crate::engine::Engine;
use crate::error;
use crate::events::{self, Event};
use crate::queue::effect::{End, end_all};
use crate::queue::leases::Loan;
use crate::queue::status;
use crate::row::{Args, column, optional_bytes, unsigned};
use crate::session::Session;

/// How many owners a job may kill.
const CRASHES: i64 = 3;

/// A job whose owner is dead.
struct Orphan {
    no: i64,
    /// The delivery, if it is one.
    delivery: Option<DeliveryId>,
    /// With this one, if it counts.
    crashes: i64,
}

/// Takes these loans back; answers how many it were.
pub(crate) async fn take_back(
    db: &mut Session<'_>,
    engine: &Engine,
    numbers: &[i64],
    now: Timestamp,
) -> Result<u64> {
    let text = include_str!("../../sql/queue_lent.sql");
    let rows = db
        .all_rows(text, Args::new, numbers, |no, args| args.push(*no))
        .await?;
    let orphans: Vec<Orphan> = rows.iter().map(orphan).collect::<Result<_>>()?;
    let taken: Vec<i64> = orphans.iter().map(|orphan| orphan.no).collect();
    // Poison other than deliveries stays where it is, and is not lent again.
    let is_poison = |orphan: &&Orphan| orphan.crashes >= CRASHES;
    let take = include_str!("../../sql/queue_take_back.sql");
    db.execute_rows(
        take,
        || Args::new().with(CRASHES),
        &taken,
        |no, args| args.push(*no),
    )
    .await?;
    let kept = orphans
        .iter()
        .filter(|orphan| orphan.delivery.is_some() && !is_poison(orphan));
    let event = |orphan: &Orphan| Event::new(engine, orphan.no, EventKind::Reclaimed, None, now);
    let events: Vec<Event> = kept.map(event).collect();
    events::add(db, &events).await?;
    let poison = orphans
        .iter()
        .filter(is_poison)
        .filter_map(|orphan| orphan.delivery);
    let poison: Vec<Job> = poison.map(Job::deliver).collect();
    if !poison.is_empty() {
        let found: Vec<_> = status::find(db, &poison)
            .await?
            .into_iter()
            .flatten()
            .collect();
        let end = End {
            state: DeliveryState::Dead,
            kind: EventKind::Dead,
            reason: Reason::Poison,
        };
        end_all(db, engine, &found, &end, now).await?;
    }
    Ok(taken.len() as u64)
}

fn orphan(row: &SqliteRow) -> Result<Orphan> {
    let id = optional_bytes(row, 1, "delivery id")?;
    Ok(Orphan {
        no: column(row, 0)?,
        delivery: id.map(DeliveryId::from_bytes),
        crashes: column(row, 2)?,
    })
}

/// Puts in order what a former owner of the file left: it is dead, since the lock was free. What did not read back then may do so
/// now, with a repaired row or a newer version.
pub(crate) async fn recover(db: &mut Session<'_>, engine: &Engine, now: Timestamp) -> Result<()> {
    let rows = db
        .all(include_str!("../../sql/queue_lent_all.sql"), Args::new())
        .await?;
    let numbers: Vec<i64> = rows
        .iter()
        .map(|row| column(row, 0))
        .collect::<Result<_>>()?;
    take_back(db, engine, &numbers, now).await?;
    let again = include_str!("../../sql/queue_try_again.sql");
    db.execute(again, Args::new().with(CRASHES)).await?;
    Ok(())
}

/// What is lent, by the database: after a commit whose outcome is not known.
pub(crate) async fn reload(db: &mut Session<'_>, engine: &Engine) -> Result<()> {
    let rows = db
        .all(include_str!("../../sql/queue_loans.sql"), Args::new())
        .await?;
    let loans: Vec<(Job, Loan)> = rows
        .iter()
        .map(|row| loan(engine, row))
        .collect::<Result<_>>()?;
    engine.leases.replace(loans);
    Ok(())
}

fn loan(engine: &Engine, row: &SqliteRow) -> Result<(Job, Loan)> {
    let job = match optional_bytes::<16>(row, 5, "delivery id")? {
        Some(id) => Job::deliver(DeliveryId::from_bytes(id)),
        None => {
            let subject = optional_bytes(row, 7, "job")?.ok_or_else(|| error::corrupt("job"))?;
            let kind = JobKind::from_code(unsigned(column(row, 6)?, "job")?);
            Job::new(kind, u128::from_be_bytes(subject))
        }
    };
    let loan = Loan {
        no: column(row, 0)?,
        epoch: unsigned(column(row, 1)?, "epoch")?,
        owner: engine
            .leases
            .owner(column(row, 2)?)
            .unwrap_or(OwnerId::from_u128(0)),
        until: Timestamp::from_micros(column(row, 3)?),
        lane: column(row, 4)?,
        is_sending: column::<i64>(row, 8)? == 2,
    };
    Ok((job, loan))
}
