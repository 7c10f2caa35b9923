//! From prepared to begun: a provider, its permission, its quota, and one commit before the first byte.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Monotonic, Timestamp};
use crate::delivery::{Called, DeliveryState, EventKind, Reason, Target, TargetState};
use crate::notification::Class;
use crate::observer::Event;
use crate::orchestrator::{Counted, Limited, ProviderSet, ProviderSlot, Slot};
use crate::planner::needed;
use crate::provider::Fault;
use crate::queue::{Begun, Outcome, Premise, Start};
use crate::rate_limiter::{Excess, Verdict};
use crate::worker::Shared;
use crate::worker::admit::{Admitted, admit};
use crate::worker::contain::{contain, in_time};
use crate::worker::doubt::{Order, order};
use crate::worker::recheck::{Prepared, expired, held, parked, suppressed};
use crate::worker::work::{Done, Finished};

/// How old a read of a foreign preference store may be when a message is begun.
const FRESH: Duration = Duration::from_secs(1);

/// How long to wait when nothing says how long.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a shared limiter may take; one that takes longer is out of reach.
const LIMITER: Duration = Duration::from_secs(1);

/// One delivery with a provider that takes it.
#[derive(Debug)]
pub(crate) struct Routed {
    pub(crate) prepared: Prepared,
    pub(crate) provider: Arc<ProviderSlot>,
    /// How many providers serve the channel.
    pub(crate) providers: u32,
    pub(super) admitted: Admitted,
    pub(crate) call: Slot,
    premises: Vec<Premise>,
}

impl Routed {
    /// It is not called: the breaker hears nothing of it, and a repetition that is not made costs no budget.
    pub(super) fn forgo(&self) {
        self.admitted.abandon();
        if is_repetition(&self.prepared, self.providers) {
            self.provider.budget.refund();
        }
    }
}

/// Whether a call repeats one that failed. The first round over so many providers does not: each is asked once in it. Nor does what
/// its owner's end interrupted: the provider had no part in it.
const fn is_repetition(prepared: &Prepared, providers: u32) -> bool {
    let lease = &prepared.work.lease;
    lease.sends >= providers && !lease.interrupted
}

/// Why a delivery has no provider now.
#[derive(Debug)]
pub(crate) enum Unrouted {
    /// The provider has as many calls as it takes: when one of them ends, ask again.
    Busy(Box<Prepared>, Arc<ProviderSlot>),
    /// This is what becomes of it.
    Ended(Done),
}

/// Chooses a provider whose breaker, bulkhead and quota let the call through, or says what becomes of the delivery instead.
pub(crate) async fn route(
    shared: &Shared,
    providers: &ProviderSet,
    mut prepared: Prepared,
) -> Result<Routed, Unrouted> {
    let parts = &shared.parts;
    let (now, wall) = (parts.clock.monotonic(), parts.clock.now());
    let delivery = &prepared.work.delivery;
    let asked = (&prepared.work.lease, &prepared.frozen);
    let Some(order) = order(providers, &prepared.category, delivery, asked, wall) else {
        return Err(Unrouted::Ended(parked(prepared.work, wall)));
    };
    let Order {
        slots: order,
        first,
        only_until,
    } = order;
    let count = u32::try_from(order.len()).unwrap_or(u32::MAX).max(1);
    let sends = prepared.work.lease.sends;
    let most = prepared
        .category
        .retry()
        .attempts()
        .saturating_mul(count)
        .saturating_add(3);
    if sends >= most {
        if prepared.frozen.doubt.is_some() {
            return Err(Unrouted::Ended(parked(prepared.work, wall)));
        }
        let dead = Outcome::Finished(DeliveryState::Dead);
        let done = Finished::without_call(
            prepared.work,
            dead,
            Reason::AttemptsSpent,
            EventKind::Dead,
            wall,
        );
        return Err(Unrouted::Ended(done));
    }
    let mut wait: Option<Timestamp> = None;
    for no in 0..order.len() {
        let slot = order[(first + no) % order.len()];
        match permit(shared, slot, &prepared, count, (now, wall)).await {
            Permit::Later(until) => wait = Some(wait.map_or(until, |wait| wait.min(until))),
            Permit::Busy => return Err(Unrouted::Busy(Box::new(prepared), Arc::clone(slot))),
            Permit::Go(admitted, call) => {
                if no > 0 || first > 0 {
                    passed_over(shared, order[0], slot);
                }
                prepared.frozen.called = Some(Called::new(slot.name().clone(), wall));
                let (provider, premises) = (Arc::clone(slot), premises(shared, &prepared));
                return Ok(Routed {
                    prepared,
                    provider,
                    providers: count,
                    admitted,
                    call,
                    premises,
                });
            }
        }
    }
    let wait = wait.unwrap_or(wall + PAUSE);
    if only_until.is_some_and(|end| end <= wait) {
        return Err(Unrouted::Ended(parked(prepared.work, wall)));
    }
    Err(Unrouted::Ended(prepared.work.release(wait)))
}

/// Whether a provider may be called now.
enum Permit {
    Go(Admitted, Slot),
    /// It has as many calls as it takes.
    Busy,
    /// Not before then.
    Later(Timestamp),
}

/// Asks everything that protects a provider: breaker, bulkhead, quota and, for a retry, its budget.
async fn permit(
    shared: &Shared,
    slot: &ProviderSlot,
    prepared: &Prepared,
    providers: u32,
    (now, wall): (Monotonic, Timestamp),
) -> Permit {
    let (limiter, delivery) = (&shared.parts.limiter, &prepared.work.delivery);
    let admitted = match admit(shared, slot, &prepared.frozen, (now, wall)).await {
        Ok(admitted) => admitted,
        Err(until) => return Permit::Later(until),
    };
    let Some(call) = slot.bulkhead.take(delivery.priority) else {
        admitted.abandon();
        return Permit::Busy;
    };
    let asked = contain(limiter.acquire(&slot.quota, NonZeroU32::MIN, wall));
    let later = match in_time(&*shared.parts.clock, LIMITER, asked).await {
        Some(Ok(Ok(Verdict::Pass))) => None,
        Some(Ok(Ok(Verdict::Wait { until }))) => Some(until),
        // A limiter that is out of reach holds back what can wait.
        _ => (delivery.class == Class::Marketing).then_some(wall + PAUSE),
    };
    if let Some(until) = later {
        admitted.abandon();
        return Permit::Later(until);
    }
    if prepared.work.lease.sends == 0 {
        slot.budget.deposit();
    } else if is_repetition(prepared, providers) && !slot.budget.withdraw(now) {
        admitted.abandon();
        give_back_quota(shared, slot).await;
        return Permit::Later(wall + PAUSE);
    }
    Permit::Go(admitted, call)
}

/// A call that is not made uses up no quota. What a limiter that is out of reach does not take back is lost: the safe side.
async fn give_back_quota(shared: &Shared, slot: &ProviderSlot) {
    let limiter = &shared.parts.limiter;
    let given = contain(limiter.release(&slot.quota, NonZeroU32::MIN));
    let _ = in_time(&*shared.parts.clock, LIMITER, given).await;
}

fn passed_over(shared: &Shared, from: &ProviderSlot, to: &ProviderSlot) {
    shared.parts.hub.tell(Event::Failover {
        from: from.name().clone(),
        to: to.name().clone(),
    });
    metrics::counter!("notifications_failover_total", "to" => to.name().to_string()).increment(1);
}

/// Whether what was read of a foreign preference store is too old to begin with: a commit would refuse it.
pub(super) fn is_stale(prepared: &Prepared, now: Timestamp) -> bool {
    let preferences = prepared.snapshot.preferences.as_ref();
    let is_foreign = preferences.is_some_and(|preferences| preferences.stamp.is_none());
    is_foreign && !prepared.category.is_mandatory() && now.since(prepared.snapshot.now) >= FRESH / 2
}

/// What must be true in the commit before the first byte.
fn premises(shared: &Shared, prepared: &Prepared) -> Vec<Premise> {
    let (delivery, category) = (&prepared.work.delivery, &prepared.category);
    let mut premises = Vec::with_capacity(4);
    premises.extend(delivery.expires_at.map(|at| Premise::NotExpired { at }));
    premises.extend(prepared.valid_until.map(|at| Premise::NotExpired { at }));
    // Seen or delivered meanwhile: then nothing is to be made up for.
    premises.extend(prepared.before.map(|(before, when)| {
        Premise::Predecessor {
            delivery: before,
            state_in: DeliveryState::ALL
                .into_iter()
                .filter(|state| needed(when, *state, false))
                .collect(),
        }
    }));
    if let Some(preferences) = &prepared.snapshot.preferences {
        match preferences.stamp {
            Some(stamp) => premises.push(Premise::Preferences {
                recipient: delivery.recipient.clone(),
                stamp,
            }),
            None if category.is_mandatory() => {}
            None => premises.push(Premise::FreshRead {
                read_at: prepared.snapshot.now,
                max_age: FRESH,
            }),
        }
    }
    // Each address that is called must still be good at the commit.
    let open = prepared.frozen.targets.iter().filter(|one| one.is_open());
    premises.extend(open.map(|target| Premise::NotSuppressed {
        channel: delivery.channel.clone(),
        address: *shared.parts.pepper.address(&target.address).as_bytes(),
        marketing: delivery.class == Class::Marketing,
    }));
    premises.extend(counted(shared, prepared).into_iter().map(|one| one.premise));
    premises
}

/// The limits that hold for a delivery.
fn counted(shared: &Shared, prepared: &Prepared) -> Vec<Counted> {
    let delivery = &prepared.work.delivery;
    let limited = Limited {
        tenant: &delivery.tenant,
        category: &prepared.category,
        priority: delivery.priority,
        recipient: &delivery.recipient,
        channel: &delivery.channel,
        delivery: delivery.id,
    };
    shared.parts.counted(&shared.parts.rules(), &limited)
}

/// Makes a batch `Sending` in one commit; what is refused is left out, and says what becomes of it.
pub(crate) async fn begin(
    shared: &Shared,
    routed: Vec<Routed>,
    done: &mut Vec<Done>,
) -> Vec<Routed> {
    let parts = &shared.parts;
    let now = parts.clock.now();
    let monotonic = parts.clock.monotonic();
    // What could not be answered before its lease ends is not begun: its owner may be another by then.
    let margin = shared.options.call_timeout + Duration::from_secs(1);
    let (routed, late): (Vec<_>, Vec<_>) = routed.into_iter().partition(|one| {
        monotonic + margin.min(shared.options.lease / 2) < one.prepared.work.lease.until
    });
    for one in late {
        one.forgo();
        done.push(one.prepared.work.hand_back());
    }
    if routed.is_empty() {
        return routed;
    }
    let starts: Vec<Start<'_>> = routed
        .iter()
        .map(|one| Start {
            lease: &one.prepared.work.lease,
            provider: one.provider.name(),
            frozen: &one.prepared.frozen,
            premises: &one.premises,
            now,
        })
        .collect();
    let answers = parts.queue.begin(&starts).await;
    let answers = match answers {
        Ok(answers) if answers.len() == routed.len() => answers,
        failed => {
            if let Err(error) = failed {
                tracing::error!(error = %error, count = routed.len(), "cannot begin; nothing is sent");
            }
            for one in routed {
                one.forgo();
                done.push(one.prepared.work.release(now + shared.options.backoff));
            }
            return Vec::new();
        }
    };
    if answers.contains(&Begun::Go) {
        parts.commits.note(monotonic);
    }
    let mut begun = Vec::with_capacity(routed.len());
    for (one, answer) in routed.into_iter().zip(answers) {
        if answer != Begun::Go {
            give_back_quota(shared, &one.provider).await;
        }
        match answer {
            Begun::Go => begun.push(one),
            Begun::Fenced => {
                one.forgo();
                shared.lost(&one.prepared.work);
            }
            Begun::Refused { premise, retry_at } => {
                one.forgo();
                done.push(refused(shared, one.prepared, &premise, retry_at, now));
            }
        }
    }
    begun
}

fn refused(
    shared: &Shared,
    prepared: Prepared,
    premise: &Premise,
    retry_at: Option<Timestamp>,
    now: Timestamp,
) -> Done {
    let expires_at = prepared.work.delivery.expires_at;
    match premise {
        Premise::NotExpired { at } if expires_at == Some(*at) => expired(prepared.work, now),
        Premise::NotSuppressed { .. } if prepared.frozen.targets.len() == 1 => {
            suppressed(prepared.work, Reason::AddressSuppressed, now)
        }
        Premise::NotSuppressed { address, .. } if prepared.work.lease.frozen.is_some() => {
            left_out(shared, prepared, address, now)
        }
        Premise::Cap { .. } => {
            let limits = counted(shared, &prepared);
            let limit = limits.iter().find(|one| one.premise == *premise);
            let waits = limit.is_some_and(|one| one.limit.excess == Excess::Wait);
            let until = retry_at.filter(|at| waits && expires_at.is_none_or(|end| *at < end));
            match until {
                Some(until) => held(prepared.work, until, Reason::RateLimited, now),
                None => suppressed(prepared.work, Reason::RateLimited, now),
            }
        }
        // Read and decided again, at once: quiet hours that begin, preferences that changed, one of several devices that is dead.
        _ => prepared.work.release(retry_at.unwrap_or(now)),
    }
}

/// One of several addresses that an earlier call fixed is not called any more: written down, since the person may not have it any
/// more, so that reading again would not show it. The others are called at once.
fn left_out(shared: &Shared, prepared: Prepared, address: &[u8; 32], now: Timestamp) -> Done {
    let Prepared {
        work, mut frozen, ..
    } = prepared;
    let pepper = &shared.parts.pepper;
    for target in frozen.targets.iter_mut().filter(|target| target.is_open()) {
        if pepper.address(&target.address).as_bytes() == address {
            let fault = Fault::recipient("suppressed");
            target.state = TargetState::Failed { fault };
        }
    }
    if !frozen.targets.iter().any(Target::is_open) {
        return suppressed(work, Reason::AddressSuppressed, now);
    }
    let again = Outcome::Again {
        due: now,
        held: false,
    };
    let reason = Reason::AddressSuppressed;
    let mut done = Finished::without_call(work, again, reason, EventKind::Deferred, now);
    if let Done::Settle(one) = &mut done {
        one.frozen = Some(frozen);
    }
    done
}
