//! The timeline of deliveries, apart from what settlements write.

use notify_core::delivery::EventKind;
use notify_core::{Reason, Result, Timestamp};

use crate::engine::Engine;
use crate::row::Args;
use crate::session::Session;

/// One entry to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// The number of the delivery.
    delivery: i64,
    at: Timestamp,
    /// The numbers of the words.
    kind: Option<i64>,
    reason: Option<i64>,
}

impl Event {
    pub(crate) fn new(
        engine: &Engine,
        delivery: i64,
        kind: EventKind,
        reason: Option<Reason>,
        at: Timestamp,
    ) -> Self {
        let known = engine.names.known();
        let reason = reason.and_then(|reason| known.word(reason.as_str()));
        Self {
            delivery,
            at,
            kind: known.word(kind.as_str()),
            reason,
        }
    }
}

/// Adds entries to the timelines of as many deliveries.
pub(crate) async fn add(db: &mut Session<'_>, events: &[Event]) -> Result<()> {
    let text = include_str!("../sql/event_add.sql");
    db.execute_rows(text, Args::new, events, |event, args| {
        args.push(event.delivery);
        args.push(event.at.as_micros());
        args.push(event.kind);
        args.push(event.reason);
    })
    .await?;
    Ok(())
}
