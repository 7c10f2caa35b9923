//! The breakers that a delivery's calls pass: one for the provider, or one for each part of what it reaches.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Monotonic, Timestamp};
use crate::delivery::{Frozen, Target};
use crate::orchestrator::{Guard, Probe, ProviderSlot};
use crate::provider::{Admission, BreakerTicket, Fault, FaultKind, Receipt, Scope};
use crate::worker::Shared;
use crate::worker::contain::contain_call;

/// How long to wait when nothing says how long.
const PAUSE: Duration = Duration::from_secs(1);

/// Leave of the breakers to call for some of a delivery's targets, if not for all.
#[derive(Debug)]
pub(super) struct Admitted {
    gates: Vec<Gate>,
    /// For each open target, in order.
    places: Vec<Place>,
}

/// Leave of one breaker.
#[derive(Debug)]
struct Gate {
    guard: Arc<Guard>,
    ticket: BreakerTicket,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// It is called, with leave of this gate.
    Called(usize),
    /// Its part of the provider is left alone, for so long.
    Spared(Duration),
}

/// What of all that the provider reaches this target depends on.
pub(super) fn scope(slot: &ProviderSlot, target: &Target) -> Option<Scope> {
    contain_call(|| slot.provider.scope(&target.address)).unwrap_or(None)
}

/// Asks every breaker that stands before the open targets. `Err` until when none of them lets a call go.
pub(super) async fn admit(
    shared: &Shared,
    slot: &ProviderSlot,
    frozen: &Frozen,
    (now, wall): (Monotonic, Timestamp),
) -> Result<Admitted, Timestamp> {
    let mut asked: Vec<(Arc<Guard>, Place)> = Vec::with_capacity(1);
    let (mut gates, mut places) = (Vec::with_capacity(1), Vec::new());
    let mut first: Option<Timestamp> = None;
    for target in frozen.targets.iter().filter(|target| target.is_open()) {
        let guard = slot.guards.of(scope(slot, target).as_ref());
        if let Some((_, place)) = asked.iter().find(|(one, _)| Arc::ptr_eq(one, &guard)) {
            places.push(*place);
            continue;
        }
        let place = match pass(shared, slot, &guard, (now, wall)).await {
            Ok(ticket) => {
                let guard = Arc::clone(&guard);
                gates.push(Gate { guard, ticket });
                Place::Called(gates.len() - 1)
            }
            Err(until) => {
                first = Some(first.map_or(until, |first| first.min(until)));
                Place::Spared(until.since(wall))
            }
        };
        asked.push((guard, place));
        places.push(place);
    }
    if gates.is_empty() {
        return Err(first.unwrap_or(wall + PAUSE));
    }
    Ok(Admitted { gates, places })
}

/// Asks one breaker; where it would try the provider out, this process must be the one that does.
async fn pass(
    shared: &Shared,
    slot: &ProviderSlot,
    guard: &Guard,
    (now, wall): (Monotonic, Timestamp),
) -> Result<BreakerTicket, Timestamp> {
    let needs_probe = guard.breaker().needs_probe(now);
    if needs_probe && let Probe::Wait(until) = shared.parts.probe(slot, guard).await {
        return Err(until);
    }
    let (admission, change) = guard.breaker().admit(now);
    shared.parts.breaker_changed(slot, guard, change);
    match admission {
        Admission::Go(ticket) | Admission::Probe(ticket) => Ok(ticket),
        Admission::Refuse { until } => {
            Err(until.map_or(wall + PAUSE, |until| wall + until.since(now)))
        }
    }
}

impl Admitted {
    /// It is not called: the breakers hear nothing of it.
    pub(super) fn abandon(&self) {
        for gate in &self.gates {
            gate.guard.breaker().abandon(gate.ticket);
        }
    }

    /// The targets that are called, in order.
    pub(super) fn called<'a>(&'a self, frozen: &'a Frozen) -> impl Iterator<Item = &'a Target> {
        let open = frozen.targets.iter().filter(|target| target.is_open());
        open.zip(&self.places)
            .filter_map(|(target, place)| match place {
                Place::Called(_) => Some(target),
                Place::Spared(_) => None,
            })
    }

    /// The answers for each open target, in order: those of the call, and for what was spared that it is tried again in time.
    pub(super) fn answers(
        &self,
        answers: impl IntoIterator<Item = Result<Receipt, Fault>>,
    ) -> Vec<Result<Receipt, Fault>> {
        let mut answers = answers.into_iter();
        let answer = |place: &Place| match place {
            Place::Called(_) => answers
                .next()
                .unwrap_or_else(|| Err(Fault::unknown("no_answer"))),
            Place::Spared(wait) => Err(Fault::retry_after("spared", *wait)),
        };
        self.places.iter().map(answer).collect()
    }

    /// Tells each breaker how its calls went, by their worst answer, and the other processes what is news.
    pub(super) async fn record(
        &self,
        shared: &Shared,
        slot: &ProviderSlot,
        answers: &[Result<Receipt, Fault>],
    ) {
        let called = self.places.iter().filter_map(|place| match place {
            Place::Called(gate) => Some(*gate),
            Place::Spared(_) => None,
        });
        // Those of a batch beyond its first delivery share its breaker.
        let gates: Vec<usize> = called
            .chain(std::iter::repeat(0))
            .take(answers.len())
            .collect();
        for (no, gate) in self.gates.iter().enumerate() {
            let own = gates.iter().zip(answers).filter(|(gate, _)| **gate == no);
            gate.record(shared, slot, worst(own.map(|(_, answer)| answer)))
                .await;
        }
    }
}

impl Gate {
    async fn record(&self, shared: &Shared, slot: &ProviderSlot, fault: Option<&Fault>) {
        let now = shared.parts.clock.monotonic();
        let result = fault.map_or(Ok(()), Err);
        let change = self.guard.breaker().record(self.ticket, result, now);
        shared.parts.breaker_changed(slot, &self.guard, change);
        shared.parts.publish(slot, &self.guard).await;
    }
}

/// The fault that says most about the provider: bad credentials before a wait it asks for, and that before any other.
fn worst<'a>(answers: impl IntoIterator<Item = &'a Result<Receipt, Fault>>) -> Option<&'a Fault> {
    let weight = |fault: &Fault| match fault.kind() {
        FaultKind::Recipient | FaultKind::Request => None,
        FaultKind::Config => Some((2, Duration::ZERO)),
        FaultKind::Provider { retry_after } => {
            retry_after.map_or(Some((0, Duration::ZERO)), |wait| Some((1, wait)))
        }
        FaultKind::Unknown => Some((0, Duration::ZERO)),
    };
    let faults = answers
        .into_iter()
        .filter_map(|answer| answer.as_ref().err());
    let weighed = faults.filter_map(|fault| Some((weight(fault)?, fault)));
    weighed
        .max_by_key(|(weight, _)| *weight)
        .map(|(_, fault)| fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_is_judged_by_its_worst_answer() {
        let wait = Fault::retry_after("429", Duration::from_secs(30));
        let mut answers = vec![
            Ok(Receipt::new()),
            Err(Fault::recipient("5.1.1")),
            Err(Fault::provider("503")),
        ];
        assert_eq!(worst(&answers[..2]), None);
        assert_eq!(worst(&answers), Some(&Fault::provider("503")));
        answers.push(Err(wait.clone()));
        assert_eq!(worst(&answers), Some(&wait));
        answers.insert(0, Err(Fault::config("401")));
        assert_eq!(worst(&answers), Some(&Fault::config("401")));
    }
}
