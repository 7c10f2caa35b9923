//! The rows of what is settled: encoded for as few statements as possible.

use notify_core::queue::Outcome;
use notify_core::{Error, ErrorKind, Result};
use std::sync::Arc;

use crate::engine::Engine;
use crate::names::Whose;
use crate::queue::settle::{Candidate, Item, SettleOp};
use crate::row::Args;
use crate::session::Session;
use crate::sql;

/// Values of one row of each list, as in `queue_finish.sql` and `queue_again.sql`.
const DELIVERY: usize = 8;
const EVENT: usize = 9;
const QUEUE_FINISH: usize = 1;
const QUEUE_AGAIN: usize = 3;

/// Ends deliveries.
pub(super) async fn finish(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &[SettleOp],
    candidates: &[Candidate],
) -> Result<()> {
    for piece in candidates.chunks(sql::MOST_ROWS) {
        let size = sql::padded(piece.len());
        let mut args = Args::with_capacity(size * (DELIVERY + QUEUE_FINISH + EVENT));
        for found in piece {
            let item = found.item(ops);
            push_delivery(engine, item, found.no, &mut args);
            args.push(item.frozen.as_ref().map(Arc::clone));
            args.push(item.provider.is_some());
        }
        args.pad((size - piece.len()) * DELIVERY);
        piece.iter().for_each(|found| args.push(found.no));
        args.pad((size - piece.len()) * QUEUE_FINISH);
        push_events(db, engine, ops, piece, &mut args).await?;
        args.pad((size - piece.len()) * EVENT);
        let text = include_str!("../../sql/queue_finish.sql");
        expect(db.execute_sized(text, size, args).await?, piece)?;
    }
    Ok(())
}

/// Puts deliveries back, to be tried again.
pub(super) async fn again(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &[SettleOp],
    candidates: &[Candidate],
) -> Result<()> {
    for piece in candidates.chunks(sql::MOST_ROWS) {
        let size = sql::padded(piece.len());
        let mut args = Args::with_capacity(size * (DELIVERY + QUEUE_AGAIN + EVENT));
        for found in piece {
            let item = found.item(ops);
            push_delivery(engine, item, found.no, &mut args);
            args.push(due(item));
            args.push(item.provider.is_some());
        }
        args.pad((size - piece.len()) * DELIVERY);
        for found in piece {
            let item = found.item(ops);
            args.push(found.no);
            args.push(due(item));
            args.push(item.frozen.as_ref().map(Arc::clone));
        }
        args.pad((size - piece.len()) * QUEUE_AGAIN);
        push_events(db, engine, ops, piece, &mut args).await?;
        args.pad((size - piece.len()) * EVENT);
        let text = include_str!("../../sql/queue_again.sql");
        expect(db.execute_sized(text, size, args).await?, piece)?;
    }
    Ok(())
}

/// Ends a job that is no delivery, or puts it back.
pub(super) async fn other(db: &mut Session<'_>, item: &Item, no: i64) -> Result<()> {
    match item.outcome {
        Outcome::Again { due, .. } => {
            let args = Args::new().with(i64::from(item.epoch)).with(no);
            db.execute(include_str!("../../sql/job_settle.sql"), args)
                .await?;
            let args = Args::new().with(due.as_micros()).with(no);
            db.execute(include_str!("../../sql/queue_put_back.sql"), args)
                .await?;
        }
        _ => {
            db.execute(
                include_str!("../../sql/queue_remove.sql"),
                Args::new().with(no),
            )
            .await?;
            db.execute(include_str!("../../sql/job_end.sql"), Args::new().with(no))
                .await?;
        }
    }
    Ok(())
}

fn due(item: &Item) -> Option<i64> {
    match item.outcome {
        Outcome::Again { due, .. } => Some(due.as_micros()),
        _ => None,
    }
}

fn push_delivery(engine: &Engine, item: &Item, no: i64, args: &mut Args) {
    args.push(no);
    args.push(i64::from(item.epoch));
    args.push(i64::from(item.to().code()));
    args.push(
        item.reason
            .and_then(|reason| engine.names.known().word(reason.as_str())),
    );
    args.push(item.now.as_micros());
    args.push(i64::from(item.attempts));
}

async fn push_events(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &[SettleOp],
    piece: &[Candidate],
    args: &mut Args,
) -> Result<()> {
    for found in piece {
        let item = found.item(ops);
        let provider = match &item.provider {
            Some(provider) => Some(
                engine
                    .names
                    .word_no(db, provider.as_str(), Whose::Ours)
                    .await?,
            ),
            None => None,
        };
        let known = engine.names.known();
        args.push(found.no);
        args.push(i64::from(item.epoch) << 16);
        args.push(item.now.as_micros());
        args.push(known.word(item.event.as_str()));
        args.push(item.reason.and_then(|reason| known.word(reason.as_str())));
        args.push(item.provider.as_ref().map(|_| i64::from(item.attempts)));
        args.push(provider);
        args.push(item.message_id.as_ref().map(Arc::clone));
        args.push(item.fault.as_deref());
    }
    Ok(())
}

/// Each settlement changes three rows; else memory and database differ, and it is done again with care.
fn expect(changed: u64, piece: &[Candidate]) -> Result<()> {
    if changed == 3 * piece.len() as u64 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unexpected,
        "a lease is not as it is known; please report it",
    ))
}
