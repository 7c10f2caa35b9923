//! The rows of what is settled: encoded for as few statements as possible.

use notify_core::Result;
use notify_core::queue::Outcome;
use std::sync::Arc;

use crate::engine::Engine;
use crate::names::Whose;
use crate::queue::settle::{Candidate, Item, SettleOp};
use crate::row::Args;
use crate::session::Session;
use crate::sql;

/// Values of one row of each list, as in `queue_finish.sql` and `queue_again.sql`.
const DELIVERY: usize = 8;
const EVENT: usize = 12;
const QUEUE_FINISH: usize = 1;
const QUEUE_AGAIN: usize = 3;
/// The same, as in `message_put.sql`.
const MESSAGE: usize = 7;

/// Ends deliveries.
pub(super) async fn finish(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &[SettleOp],
    candidates: &[Candidate],
) -> Result<()> {
    for piece in candidates.chunks(sql::MOST_ROWS) {
        name_providers(db, engine, ops, piece).await?;
        let size = db.size(piece.len());
        let padding = size - piece.len();
        let args = db
            .later(include_str!("../../sql/queue_finish.sql"), size)
            .await?;
        args.reserve(size * (DELIVERY + QUEUE_FINISH + EVENT) + 1);
        for found in piece {
            let item = found.item(ops);
            push_delivery(engine, item, found.no, args);
            args.push(item.frozen.as_ref().map(Arc::clone));
            args.push(item.provider.is_some());
        }
        args.pad(padding * DELIVERY);
        args.push_count(piece.len());
        piece.iter().for_each(|found| args.push(found.no));
        args.pad(padding * QUEUE_FINISH);
        push_events(engine, ops, piece, args);
        args.pad(padding * EVENT);
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
        name_providers(db, engine, ops, piece).await?;
        let size = db.size(piece.len());
        let padding = size - piece.len();
        let args = db
            .later(include_str!("../../sql/queue_again.sql"), size)
            .await?;
        args.reserve(size * (DELIVERY + QUEUE_AGAIN + EVENT) + 1);
        for found in piece {
            let item = found.item(ops);
            push_delivery(engine, item, found.no, args);
            args.push(due(item));
            args.push(item.provider.is_some());
        }
        args.pad(padding * DELIVERY);
        args.push_count(piece.len());
        for found in piece {
            let item = found.item(ops);
            args.push(found.no);
            args.push(due(item));
            args.push(item.frozen.as_ref().map(Arc::clone));
        }
        args.pad(padding * QUEUE_AGAIN);
        push_events(engine, ops, piece, args);
        args.pad(padding * EVENT);
    }
    Ok(())
}

/// Notes the messages that were taken, where the provider reports what becomes of them.
pub(super) async fn messages(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &[SettleOp],
    candidates: &[Candidate],
) -> Result<()> {
    let of = |found: &Candidate| {
        let (item, no) = (found.item(ops), found.no);
        item.messages
            .iter()
            .map(move |message| (no, item.epoch, message))
    };
    let rows: Vec<_> = candidates.iter().flat_map(of).collect();
    for piece in rows.chunks(sql::MOST_ROWS) {
        for (_, _, message) in piece {
            let (names, provider) = (&engine.names, message.provider.as_str());
            names.word_no(db, provider, Whose::Ours).await?;
        }
        let size = db.size(piece.len());
        let args = db
            .later(include_str!("../../sql/message_put.sql"), size)
            .await?;
        let known = engine.names.known();
        for (no, epoch, message) in piece {
            args.push(*no);
            args.push(i64::from(*epoch));
            args.push(i64::from(message.target));
            args.push(known.word(message.provider.as_str()));
            args.push(message.message_id.as_str());
            args.push(&message.address.as_bytes()[..]);
            args.push(message.answers);
        }
        args.pad((size - piece.len()) * MESSAGE);
    }
    Ok(())
}

/// Makes the numbers of providers' names that are new.
async fn name_providers(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &[SettleOp],
    piece: &[Candidate],
) -> Result<()> {
    for found in piece {
        if let Some(provider) = &found.item(ops).provider {
            let names = &engine.names;
            names.word_no(db, provider.as_str(), Whose::Ours).await?;
        }
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

fn push_events(engine: &Engine, ops: &[SettleOp], piece: &[Candidate], args: &mut Args) {
    let known = engine.names.known();
    for found in piece {
        let item = found.item(ops);
        let provider = item.provider.as_ref();
        args.push(found.no);
        args.push(i64::from(item.epoch) << 16);
        args.push(item.now.as_micros());
        args.push(known.word(item.event.as_str()));
        args.push(item.reason.and_then(|reason| known.word(reason.as_str())));
        args.push(provider.map(|_| i64::from(item.attempts)));
        args.push(provider.and_then(|provider| known.word(provider.as_str())));
        args.push(item.message_id.as_ref().map(Arc::clone));
        args.push(item.fault.as_deref());
        let price = item.price.as_ref();
        args.push(price.map(|price| i64::try_from(price.micros).unwrap_or(i64::MAX)));
        args.push(price.map(|price| price.currency().to_owned()));
        args.push(item.segments.map(i64::from));
    }
}
