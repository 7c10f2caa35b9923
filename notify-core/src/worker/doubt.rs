//! What may have gone out already: who is asked again, and who is not.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::{Delivery, Doubt, Frozen};
use crate::notification::{Category, OnUnknown};
use crate::orchestrator::{ProviderSet, ProviderSlot};
use crate::provider::Routing;
use crate::queue::Lease;

/// The call of a delivery whose outcome nobody knows: written down by an earlier attempt, or interrupted by its owner's end.
pub(super) fn doubt(lease: &Lease) -> Option<Doubt> {
    let mut frozen = Frozen::default();
    let known = lease.frozen.as_ref()?;
    (frozen.called, frozen.doubt) = (known.called.clone(), known.doubt.clone());
    if lease.interrupted {
        frozen.doubt_last_call();
    }
    frozen.doubt
}

/// Whether the message was taken, may have been, or one of several was: caps keep its place.
pub(super) fn may_have_gone_out(lease: &Lease) -> bool {
    lease.interrupted || doubt(lease).is_some()
}

/// Whether this provider takes the message that nobody knows about for the one that it may have.
pub(super) fn knows(slot: &ProviderSlot, doubt: &Doubt, now: Timestamp) -> bool {
    let keys_live = slot.provider.capabilities().honours_key_for();
    *slot.name() == doubt.provider && keys_live.is_some_and(|live| now < doubt.known_until(live))
}

/// The one provider that can be asked again without a second message, if it still can.
pub(super) fn knower<'a>(
    providers: &'a ProviderSet,
    doubt: &Doubt,
    now: Timestamp,
) -> Option<&'a Arc<ProviderSlot>> {
    providers
        .get(&doubt.provider)
        .filter(|slot| knows(slot, doubt, now))
}

/// Whom a delivery asks, in order.
#[derive(Debug)]
pub(super) struct Order<'a> {
    pub(super) slots: Vec<&'a Arc<ProviderSlot>>,
    /// The place of the one that is asked first; those before it come last.
    pub(super) first: usize,
    /// Until when the only one can be asked, where a message that may be a second one is not wanted.
    pub(super) only_until: Option<Timestamp>,
}

/// Whom a delivery asks now; `None` if nobody can be asked without risking a second message that its category does not want.
///
/// A retry begins with the provider after the one that failed. What may have gone out goes back to whom it went, as long as that one
/// knows it; another is asked only where a second message is better than none.
pub(super) fn order<'a>(
    providers: &'a ProviderSet,
    category: &Category,
    delivery: &Delivery,
    (lease, frozen): (&Lease, &Frozen),
    now: Timestamp,
) -> Option<Order<'a>> {
    let slots = providers.order(&delivery.channel, Routing::turn(delivery.id));
    let turn = lease.sends as usize % slots.len().max(1);
    // An operator who lets it go again has thought of a second message.
    let only = category.when_unknown() == OnUnknown::Park && lease.sends > 0;
    let Some(doubt) = &frozen.doubt else {
        return Some(Order {
            slots,
            first: turn,
            only_until: None,
        });
    };
    let Some(knower) = knower(providers, doubt, now) else {
        // Unless the rule is new, it was parked when it came into doubt.
        return (!only).then_some(Order {
            slots,
            first: turn,
            only_until: None,
        });
    };
    let live = knower.provider.capabilities().honours_key_for();
    if only {
        return Some(Order {
            slots: vec![knower],
            first: 0,
            only_until: live.map(|live| doubt.known_until(live)),
        });
    }
    let place = slots.iter().position(|slot| slot.name() == knower.name());
    // It was asked again since, and said that it cannot.
    let again = frozen
        .called
        .as_ref()
        .is_some_and(|called| called.provider == doubt.provider && called.at > doubt.last);
    let first = place.map_or(turn, |place| {
        (place + usize::from(again)) % slots.len().max(1)
    });
    Some(Order {
        slots,
        first,
        only_until: None,
    })
}
