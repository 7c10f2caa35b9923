//! The ordinary course: a whole transaction as one text, sent to SQLite's thread and answered by it once.
//!
//! Each trip to that thread costs as much as some ten rows. So what memory foresees completely is encoded before, and if one
//! thing is not as foreseen the text fails before its `COMMIT`: by a key that is taken, or by the guards in it.

use crate::engine::Engine;
use crate::queue::accept::{self, AcceptOp};
use crate::queue::begin::{self, BEGIN, BeginOp};
use crate::queue::insert::ACCEPT;
use crate::queue::settle::{self, SettleOp};
use crate::queue::settle_rows::{self, FINISH};
use crate::row::Args;
use crate::sql;

/// Rows that may pad without regard to how many there are.
const FREE_PADDING: usize = 32;

/// A transaction from `BEGIN` to `COMMIT`.
pub(crate) struct Express {
    pub(crate) text: &'static str,
    pub(crate) size: usize,
    pub(crate) args: Args,
}

macro_rules! text {
    ($($file:literal),+) => {
        concat!("BEGIN IMMEDIATE;\n", $(include_str!(concat!("../../sql/", $file)), ";\n",)+ "COMMIT")
    };
}

/// The text for what there is: settlements, begins, acceptances.
const fn text(settles: bool, begins: bool, accepts: bool) -> Option<&'static str> {
    Some(match (settles, begins, accepts) {
        (true, true, true) => text!("queue_finish.sql", "queue_begin.sql", "queue_accept.sql"),
        (true, true, false) => text!("queue_finish.sql", "queue_begin.sql"),
        (true, false, true) => text!("queue_finish.sql", "queue_accept.sql"),
        (false, true, true) => text!("queue_begin.sql", "queue_accept.sql"),
        (true, false, false) => text!("queue_finish.sql"),
        (false, true, false) => text!("queue_begin.sql"),
        (false, false, true) => text!("queue_accept.sql"),
        (false, false, false) => return None,
    })
}

/// Encodes all of it, if all of it is ordinary.
pub(crate) fn express(
    engine: &Engine,
    settles: &mut [SettleOp],
    begins: &mut [BeginOp],
    accepts: &mut [AcceptOp],
) -> Option<Express> {
    let settled = settle::foresee(engine, settles)?;
    let begun = begin::foresee(engine, begins)?;
    if settled.len().max(begun.len()) > sql::MOST_ROWS {
        return None;
    }
    // Last, since it takes numbers.
    let accepted = if accepts.is_empty() { None } else { Some(accept::foresee(engine, accepts)?) };
    let counts = [
        (settled.len(), FINISH),
        (begun.len(), BEGIN),
        (accepted.as_ref().map_or(0, |accepted| accepted.len()), ACCEPT),
    ];
    let rows = counts.iter().map(|(count, _)| *count).max().unwrap_or(0);
    let size = sql::padded(rows);
    let used: usize = counts.iter().map(|(count, width)| count * width).sum();
    let taken: usize = counts.iter().filter(|(count, _)| *count > 0).map(|(_, width)| size * width).sum();
    if taken > 2 * used + FREE_PADDING * ACCEPT {
        return None;
    }
    let text = text(!settled.is_empty(), !begun.is_empty(), accepted.is_some())?;
    let mut args = Args::with_capacity(taken + 4);
    if !settled.is_empty() {
        settle_rows::encode_finish(engine, settles, &settled, size, &mut args);
    }
    if !begun.is_empty() {
        begin::encode(engine, begins, &begun, size, &mut args);
    }
    if let Some(accepted) = accepted {
        accepted.encode(engine, accepts, size, &mut args).ok()?;
    }
    Some(Express { text, size, args })
}
