//! What the clock says of one delivery: its schedule, the person's quiet hours, the window of the law.

use crate::calendar::{Closed, Zone, first_open};
use crate::clock::Timestamp;
use crate::delivery::{Decision, Reason, Trace};
use crate::id::ChannelId;
use crate::notification::InQuietHours;
use crate::planner::{Deciding, Snapshot};
use crate::preference::quiet_hours;
use crate::recipient::Recipient;

/// What the clock says.
pub(super) struct Timing {
    pub(super) decision: Decision,
    /// Until when `Send` stands.
    pub(super) valid_until: Option<Timestamp>,
    /// The silent channel that may take it instead of waiting.
    pub(super) reroute: Option<ChannelId>,
    /// Quiet hours hold it, to leave with others.
    pub(super) gathers: bool,
}

impl Timing {
    const fn of(decision: Decision) -> Self {
        Self {
            decision,
            valid_until: None,
            reroute: None,
            gathers: false,
        }
    }

    const fn suppress(reason: Reason) -> Self {
        Self::of(Decision::Suppress { reason })
    }

    const fn hold(until: Timestamp, reason: Reason) -> Self {
        Self::of(Decision::Hold { until, reason })
    }
}

/// Asks schedule, quiet hours and send window, in this order; each that was asked is in the trace.
pub(super) fn timing(
    deciding: &Deciding<'_>,
    recipient: &Recipient,
    snapshot: &Snapshot,
    trace: &mut Trace,
) -> Timing {
    let Deciding { rules, now, .. } = *deciding;
    // Looked up only where something depends on it.
    let zone = || Zone::get_or(recipient.zone(), rules.zone());
    let scheduled = deciding.request.send_at().map(|at| at.instant(&zone()));
    let at = scheduled.map_or(now, |at| at.max(now));
    if scheduled.is_some() {
        trace.rule("schedule", at > now);
    }
    if at > now && deciding.expires_at.is_some_and(|end| at >= end) {
        return Timing::suppress(Reason::Expired);
    }
    let quiet = quiet_hours(
        deciding.category,
        deciding.channel,
        rules.defaults(),
        snapshot.preferences.as_ref(),
    );
    let (quiet, then) = quiet.map_or((None, None), |quiet| {
        (Some(quiet.closed(&zone())), Some(quiet.then))
    });
    let is_quiet = quiet.as_ref().is_some_and(|quiet| quiet.at(at));
    trace.rule("quiet_hours", is_quiet);
    let window = deciding.category.window_on(deciding.channel);
    let window = window.and_then(|window| window.closed(&zone()));
    let is_closed = window.as_ref().is_some_and(|window| window.at(at));
    if window.is_some() {
        trace.rule("send_window", is_closed);
    }
    let drops = then == Some(InQuietHours::Drop);
    let gathers = then == Some(InQuietHours::Digest);
    if is_quiet && drops && at <= now {
        return Timing::suppress(Reason::QuietHours);
    }
    let (waits_for_quiet, begins) = (is_quiet && !drops, [&quiet, &window]);
    let begins = begins.into_iter().flatten();
    let begins = || begins.clone().filter_map(|one| one.next_closed(now)).min();
    // Whether it is dropped is decided when its time has come.
    let waits: Vec<Closed> = quiet
        .iter()
        .filter(|_| !drops)
        .chain(&window)
        .cloned()
        .collect();
    let reason = match (waits_for_quiet, is_closed) {
        (true, _) => Reason::QuietHours,
        (false, true) => Reason::OutsideSendWindow,
        (false, false) => Reason::Scheduled,
    };
    let until = first_open(&waits, at);
    match until.filter(|until| deciding.expires_at.is_none_or(|end| *until < end)) {
        // It would wait for ever, or be worth nothing by then: said now, so that a fallback can take its place.
        None => Timing::suppress(reason),
        Some(until) if until <= now => Timing {
            valid_until: begins(),
            ..Timing::of(Decision::Send)
        },
        Some(until) => Timing {
            reroute: then.filter(|_| is_quiet).and_then(|then| match then {
                InQuietHours::Reroute(to) => Some(to),
                _ => None,
            }),
            gathers: is_quiet && gathers,
            ..Timing::hold(until, reason)
        },
    }
}

#[cfg(test)]
mod tests;
