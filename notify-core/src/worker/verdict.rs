//! What follows from the answers of a provider: pure.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{DeliveryState, EventKind, Reason, Target, TargetState, aggregate};
use crate::id::ChannelId;
use crate::notification::{Category, OnUnknown};
use crate::preference::{Pepper, SuppressionScope, SuppressionSource};
use crate::provider::{Fault, FaultKind, Price, Receipt};
use crate::queue::{Effect, Outcome};

/// How long what fails for want of good credentials waits before it is looked at again. The breaker holds it back meanwhile.
const CONFIG_WAIT: Duration = Duration::from_secs(60);

/// What a verdict depends on besides the answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) category: &'a Category,
    pub(crate) channel: &'a ChannelId,
    /// How many calls were made, with this one.
    pub(crate) made: u32,
    /// How many providers serve the channel.
    pub(crate) providers: u32,
    /// Whether the provider takes the same key as the same message, still: what is sent to it again makes no second one.
    pub(crate) knows: bool,
    /// An earlier call may have gone out.
    pub(crate) doubted: bool,
    pub(crate) jitter: f64,
    pub(crate) now: Timestamp,
    pub(crate) pepper: &'a Pepper,
}

/// What becomes of a delivery after a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Reason>,
    pub(crate) event: EventKind,
    pub(crate) message_id: Option<String>,
    pub(crate) price: Option<Price>,
    pub(crate) segments: Option<u16>,
    pub(crate) fault: Option<Fault>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) nothing_went_out: bool,
    /// Nobody knows what came of this call.
    pub(crate) unknown: bool,
}

/// Writes the answers into the open targets, and says what becomes of the delivery.
///
/// `answers` belong to the open targets in order; a missing one is `Unknown`.
pub(crate) fn verdict(
    targets: &mut [Target],
    answers: Vec<Result<Receipt, Fault>>,
    circumstances: &Circumstances<'_>,
) -> Verdict {
    let mut answers = answers.into_iter();
    let mut call = Call::default();
    for target in targets.iter_mut().filter(|target| target.is_open()) {
        let answer = answers
            .next()
            .unwrap_or_else(|| Err(Fault::unknown("no_answer")));
        call.apply(target, answer, circumstances);
    }
    // Targets that an earlier call reached, or may have reached, count as well: caps count the delivery.
    let reached = |target: &Target| {
        matches!(
            target.state,
            TargetState::Sent { .. } | TargetState::Unknown
        )
    };
    let went_out = circumstances.doubted || call.unknown || targets.iter().any(reached);
    let (outcome, reason, event) = call.outcome(targets, circumstances);
    Verdict {
        outcome,
        reason,
        event,
        message_id: call.message_id,
        price: call.price,
        segments: call.segments,
        fault: call.fault,
        effects: call.effects,
        nothing_went_out: !went_out,
        unknown: call.unknown,
    }
}

/// What one call did to the targets.
#[derive(Debug, Default)]
struct Call {
    unknown: bool,
    message_id: Option<String>,
    price: Option<Price>,
    segments: Option<u16>,
    fault: Option<Fault>,
    effects: Vec<Effect>,
}

impl Call {
    fn apply(
        &mut self,
        target: &mut Target,
        answer: Result<Receipt, Fault>,
        circumstances: &Circumstances<'_>,
    ) {
        let fault = match answer {
            Ok(receipt) => {
                self.message_id = self
                    .message_id
                    .take()
                    .or_else(|| receipt.message_id.clone());
                self.price = match (self.price, receipt.price) {
                    (Some(one), Some(other)) => one.and(other),
                    (one, other) => one.or(other),
                };
                self.segments = match (self.segments, receipt.segments) {
                    (Some(one), Some(other)) => Some(one.saturating_add(other)),
                    (one, other) => one.or(other),
                };
                target.state = TargetState::Sent {
                    message_id: receipt.message_id,
                };
                return;
            }
            Err(fault) => fault,
        };
        match fault.kind() {
            FaultKind::Recipient => {
                self.effects.push(Effect::Suppress {
                    channel: circumstances.channel.clone(),
                    address: circumstances.pepper.address(&target.address),
                    scope: SuppressionScope::All,
                    source: SuppressionSource::Bounce,
                });
                target.state = TargetState::Failed {
                    fault: fault.clone(),
                };
            }
            FaultKind::Request => {
                target.state = TargetState::Failed {
                    fault: fault.clone(),
                }
            }
            FaultKind::Provider { .. } | FaultKind::Config => {}
            FaultKind::Unknown => {
                self.unknown = true;
                let resend = circumstances.knows
                    || circumstances.category.when_unknown() == OnUnknown::Resend;
                if !resend {
                    target.state = TargetState::Unknown;
                }
            }
        }
        // What is to be tried again decides how long that waits.
        if self.fault.is_none() || target.is_open() {
            self.fault = Some(fault);
        }
    }

    fn outcome(
        &self,
        targets: &[Target],
        circumstances: &Circumstances<'_>,
    ) -> (Outcome, Option<Reason>, EventKind) {
        match aggregate(targets) {
            Some(DeliveryState::Sent) => (
                Outcome::Finished(DeliveryState::Sent),
                None,
                EventKind::Sent,
            ),
            Some(DeliveryState::Parked) => parked(),
            // What may have gone out is never called failed.
            Some(_) if circumstances.doubted => parked(),
            Some(state) => (
                Outcome::Finished(state),
                Some(Reason::ProviderRefused),
                EventKind::Failed,
            ),
            None => match self.wait(circumstances) {
                Some(wait) => {
                    let due = circumstances.now + wait;
                    (
                        Outcome::Again { due, held: false },
                        Some(Reason::Retry),
                        EventKind::Deferred,
                    )
                }
                // Some devices were reached: the person was told.
                None if targets
                    .iter()
                    .any(|target| matches!(target.state, TargetState::Sent { .. })) =>
                {
                    (
                        Outcome::Finished(DeliveryState::Sent),
                        None,
                        EventKind::Sent,
                    )
                }
                None if self.unknown || circumstances.doubted => parked(),
                None => (
                    Outcome::Finished(DeliveryState::Dead),
                    Some(Reason::AttemptsSpent),
                    EventKind::Dead,
                ),
            },
        }
    }

    /// How long until the next call; `None` when the attempts are spent.
    fn wait(&self, circumstances: &Circumstances<'_>) -> Option<Duration> {
        let providers = circumstances.providers.max(1);
        let untried = !circumstances.made.is_multiple_of(providers);
        let retry = circumstances.category.retry();
        match self.fault.as_ref().map(Fault::kind) {
            // The next provider is asked at once.
            Some(FaultKind::Provider { .. } | FaultKind::Config) if untried => Some(Duration::ZERO),
            Some(FaultKind::Config) => retry
                .delay(circumstances.made.div_ceil(providers), None, 1.0)
                .map(|_| CONFIG_WAIT),
            Some(FaultKind::Provider { retry_after }) => retry.delay(
                circumstances.made.div_ceil(providers),
                retry_after,
                circumstances.jitter,
            ),
            _ => retry.delay(circumstances.made, None, circumstances.jitter),
        }
    }
}

const fn parked() -> (Outcome, Option<Reason>, EventKind) {
    (
        Outcome::Finished(DeliveryState::Parked),
        Some(Reason::OutcomeUnknown),
        EventKind::Parked,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    fn after(
        category: &Category,
        made: u32,
        providers: u32,
        honours: bool,
        answers: Vec<Result<Receipt, Fault>>,
    ) -> (Verdict, Vec<Target>) {
        let pepper = Pepper::new(&[0; 32]);
        let circumstances = Circumstances {
            category,
            channel: &ChannelId::EMAIL,
            made,
            providers,
            knows: honours,
            doubted: false,
            jitter: 1.0,
            now: Timestamp::EPOCH,
            pepper: &pepper,
        };
        let mut targets: Vec<Target> = (0..)
            .take(answers.len())
            .map(|no| Target::new(no, Address::email("a@example.com")))
            .collect();
        let verdict = verdict(&mut targets, answers, &circumstances);
        (verdict, targets)
    }

    fn again(seconds: u64) -> Outcome {
        Outcome::Again {
            due: Timestamp::EPOCH + Duration::from_secs(seconds),
            held: false,
        }
    }

    #[test]
    fn a_dead_address_fails_at_once_and_is_suppressed() {
        let (verdict, _) = after(
            &Category::critical("c"),
            1,
            1,
            false,
            vec![Err(Fault::recipient("5.1.1"))],
        );
        assert_eq!(verdict.outcome, Outcome::Finished(DeliveryState::Failed));
        assert!(matches!(verdict.effects[..], [Effect::Suppress { .. }]));
        assert!(verdict.nothing_went_out);
    }

    #[test]
    fn an_outage_is_tried_again_at_1_4_and_16_seconds_and_then_is_dead() {
        let category = Category::transactional("c");
        let outage = || vec![Err(Fault::provider("503"))];
        for (made, seconds) in [(1, 1), (2, 4), (3, 16)] {
            assert_eq!(
                after(&category, made, 1, false, outage()).0.outcome,
                again(seconds)
            );
        }
        assert_eq!(
            after(&category, 4, 1, false, outage()).0.outcome,
            Outcome::Finished(DeliveryState::Dead)
        );
    }

    #[test]
    fn the_next_provider_is_asked_at_once_and_a_round_of_all_counts_as_one_attempt() {
        let category = Category::transactional("c");
        let outage = || vec![Err(Fault::provider("503"))];
        assert_eq!(after(&category, 1, 2, false, outage()).0.outcome, again(0));
        assert_eq!(after(&category, 2, 2, false, outage()).0.outcome, again(1));
        assert_eq!(
            after(&category, 8, 2, false, outage()).0.outcome,
            Outcome::Finished(DeliveryState::Dead)
        );
    }

    #[test]
    fn an_unknown_outcome_is_resent_parked_or_resent_under_the_same_key() {
        let unknown = || vec![Err(Fault::unknown("timeout"))];
        assert_eq!(
            after(&Category::critical("c"), 1, 1, false, unknown())
                .0
                .outcome,
            again(1)
        );
        let parked = after(&Category::marketing("m"), 1, 1, false, unknown()).0;
        assert_eq!(parked.outcome, Outcome::Finished(DeliveryState::Parked));
        assert!(!parked.nothing_went_out);
        assert_eq!(
            after(&Category::marketing("m"), 1, 1, true, unknown())
                .0
                .outcome,
            again(1)
        );
        let spent = after(&Category::critical("c"), 4, 1, false, unknown()).0;
        assert_eq!(
            spent.outcome,
            Outcome::Finished(DeliveryState::Parked),
            "nobody knows, so it is not called dead"
        );
    }

    #[test]
    fn one_device_that_was_reached_is_enough_and_only_open_ones_are_tried_again() {
        let category = Category::transactional("c");
        let mixed = vec![
            Ok(Receipt::with_message_id("1")),
            Err(Fault::recipient("unregistered")),
        ];
        assert_eq!(
            after(&category, 1, 1, false, mixed).0.outcome,
            Outcome::Finished(DeliveryState::Sent)
        );
        let open = vec![Ok(Receipt::new()), Err(Fault::provider("503"))];
        let (verdict, targets) = after(&category, 1, 1, false, open);
        assert_eq!(verdict.outcome, again(1));
        assert!(!targets[0].is_open() && targets[1].is_open());
    }

    #[test]
    fn what_may_have_gone_out_is_never_called_dead_or_failed_and_keeps_its_place() {
        let (pepper, category) = (Pepper::new(&[0; 32]), Category::transactional("c"));
        for fault in [Fault::provider("503"), Fault::request("400")] {
            let circumstances = Circumstances {
                category: &category,
                channel: &ChannelId::EMAIL,
                made: 4,
                providers: 1,
                knows: false,
                doubted: true,
                jitter: 1.0,
                now: Timestamp::EPOCH,
                pepper: &pepper,
            };
            let mut targets = vec![Target::new(0, Address::email("a@example.com"))];
            let verdict = verdict(&mut targets, vec![Err(fault)], &circumstances);
            assert_eq!(verdict.outcome, Outcome::Finished(DeliveryState::Parked));
            assert!(!verdict.nothing_went_out);
        }
    }

    #[test]
    fn a_dead_device_does_not_shorten_the_wait_that_another_was_told() {
        let wait = Duration::from_secs(30);
        let answers = vec![
            Err(Fault::retry_after("429", wait)),
            Err(Fault::recipient("unregistered")),
        ];
        let (verdict, _) = after(&Category::transactional("c"), 1, 1, false, answers);
        assert_eq!(verdict.outcome, again(30));
    }

    #[test]
    fn a_provider_that_asks_for_patience_gets_it() {
        let wait = Duration::from_secs(30);
        let (verdict, _) = after(
            &Category::critical("c"),
            1,
            1,
            false,
            vec![Err(Fault::retry_after("429", wait))],
        );
        assert_eq!(verdict.outcome, again(30));
    }

    #[test]
    fn a_short_answer_of_a_batch_is_unknown_for_the_rest() {
        let pepper = Pepper::new(&[0; 32]);
        let category = Category::marketing("m");
        let circumstances = Circumstances {
            category: &category,
            channel: &ChannelId::EMAIL,
            made: 1,
            providers: 1,
            knows: false,
            doubted: false,
            jitter: 0.5,
            now: Timestamp::EPOCH,
            pepper: &pepper,
        };
        let mut targets = vec![Target::new(0, Address::email("a@example.com"))];
        let verdict = verdict(&mut targets, Vec::new(), &circumstances);
        assert_eq!(verdict.outcome, Outcome::Finished(DeliveryState::Parked));
    }
}
