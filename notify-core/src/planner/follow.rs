//! What becomes of the steps that wait for another: two pure functions, for settle, provider events and the inbox.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{Delivery, DeliveryState, Reason};
use crate::id::DeliveryId;
use crate::notification::When;
use crate::queue::Effect;

/// How long a waiting step waits at most before it is looked at again, so that no lost effect can strand it.
const SAFETY: Duration = Duration::from_secs(86_400);

/// When a waiting step becomes due by itself: at its own time, or at a safety time.
#[must_use]
pub fn safety_time(when: When, now: Timestamp, expires_at: Option<Timestamp>) -> Timestamp {
    let own = match when {
        When::Failed => now + SAFETY,
        When::NotDeliveredWithin(within) | When::NotSeenWithin(within) => now + within,
    };
    expires_at.map_or(own, |at| own.min(at))
}

/// What becomes of the steps that wait for `changed`, now that it is in `state` and was `seen` or not.
///
/// ```
/// use notify_core::planner::follow;
/// use notify_core::{DeliveryId, DeliveryState, Timestamp};
///
/// let effects = follow(DeliveryId::from_u128(1), DeliveryState::Failed, false, &[], Timestamp::EPOCH);
/// assert!(effects.is_empty(), "nothing waits");
/// ```
#[must_use]
pub fn follow(
    changed: DeliveryId,
    state: DeliveryState,
    seen: bool,
    siblings: &[Delivery],
    now: Timestamp,
) -> Vec<Effect> {
    let waiting = siblings
        .iter()
        .filter(|sibling| sibling.state == DeliveryState::Held);
    waiting
        .filter_map(|sibling| match sibling.after {
            Some((before, when)) if before == changed => effect(sibling.id, when, state, seen, now),
            _ => None,
        })
        .collect()
}

fn effect(
    delivery: DeliveryId,
    when: When,
    state: DeliveryState,
    seen: bool,
    now: Timestamp,
) -> Option<Effect> {
    if state.is_failure() {
        return Some(Effect::Release { delivery, due: now });
    }
    let enough = match when {
        When::Failed => matches!(state, DeliveryState::Delivered),
        When::NotDeliveredWithin(_) => state == DeliveryState::Delivered,
        When::NotSeenWithin(_) => false,
    };
    if seen || enough || matches!(state, DeliveryState::Cancelled) {
        return Some(Effect::Cancel {
            delivery,
            reason: Reason::NotNeeded,
        });
    }
    match when {
        When::NotDeliveredWithin(within) | When::NotSeenWithin(within)
            if state == DeliveryState::Sent =>
        {
            Some(Effect::Release {
                delivery,
                due: now + within,
            })
        }
        _ => None,
    }
}

/// Whether a waiting step is still needed when its time, or its safety time, has come.
#[must_use]
pub const fn needed(when: When, before: DeliveryState, seen: bool) -> bool {
    if seen {
        return false;
    }
    if before.is_failure() {
        return true;
    }
    match when {
        When::Failed => false,
        When::NotDeliveredWithin(_) => {
            !matches!(before, DeliveryState::Delivered | DeliveryState::Cancelled)
        }
        When::NotSeenWithin(_) => !matches!(before, DeliveryState::Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_for_failure_is_needed_only_after_a_failure() {
        assert!(needed(When::Failed, DeliveryState::Dead, false));
        assert!(!needed(When::Failed, DeliveryState::Sent, false));
        assert!(
            !needed(When::Failed, DeliveryState::Dead, true),
            "they saw it some other way"
        );
    }

    #[test]
    fn a_reminder_is_needed_until_it_was_seen() {
        let when = When::NotSeenWithin(Duration::from_secs(60));
        assert!(needed(when, DeliveryState::Delivered, false));
        assert!(!needed(when, DeliveryState::Delivered, true));
    }

    #[test]
    fn a_waiting_step_is_looked_at_before_it_expires() {
        let now = Timestamp::EPOCH;
        let expiry = now + Duration::from_secs(60);
        assert_eq!(safety_time(When::Failed, now, Some(expiry)), expiry);
        assert_eq!(safety_time(When::Failed, now, None), now + SAFETY);
    }
}
