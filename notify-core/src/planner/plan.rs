//! One recipient's route into planned deliveries.

use crate::clock::Timestamp;
use crate::delivery::{Decision, Reason, Trace};
use crate::id::ChannelId;
use crate::notification::{Category, NotificationRequest, Route, When};
use crate::planner::{Rules, Snapshot, decide, safety_time};

/// One planned delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Planned {
    /// Where.
    pub channel: ChannelId,
    /// Which step of the route.
    pub step: u8,
    /// The step it waits for, after suppressed ones were skipped.
    pub after: Option<(u8, When)>,
    /// What is to become of it.
    pub decision: Decision,
    /// How that was decided.
    pub trace: Trace,
    /// When it may go.
    pub due: Timestamp,
}

/// What a plan depends on besides the recipient.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "an input that callers build")]
pub struct Planning<'a> {
    /// What the application configured.
    pub rules: &'a Rules,
    /// What happened.
    pub request: &'a NotificationRequest,
    /// Of which kind it is.
    pub category: &'a Category,
    /// Which channels it takes.
    pub route: &'a Route,
    /// Whether there is a template or content for a channel.
    pub renderable: &'a dyn Fn(&ChannelId) -> bool,
    /// The steps for which the store said no, and why: caps, duplicates.
    pub refused: &'a [(u8, Reason)],
    /// From when on it is not worth sending.
    pub expires_at: Option<Timestamp>,
}

impl std::fmt::Debug for Planning<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planning")
            .field("category", self.category.id())
            .finish_non_exhaustive()
    }
}

/// Plans one recipient's deliveries: one for each step of the route, each with its decision.
///
/// A step whose predecessor is suppressed takes its place, over any number of steps.
#[must_use]
pub fn plan(planning: &Planning<'_>, snapshot: &Snapshot) -> Vec<Planned> {
    let Planning {
        rules,
        request,
        category,
        route,
        expires_at,
        ..
    } = *planning;
    let mut planned: Vec<Planned> = Vec::with_capacity(route.steps().len());
    for (no, step) in (0_u8..).zip(route.steps()) {
        let renderable = (planning.renderable)(&step.channel);
        let verdict = decide(
            rules,
            request,
            category,
            &step.channel,
            renderable,
            expires_at,
            snapshot,
        );
        let mut one = Planned {
            channel: step.channel.clone(),
            step: no,
            after: step.after,
            decision: verdict.decision,
            trace: verdict.trace,
            due: snapshot.now,
        };
        promote(&mut one, &planned);
        if let Some((_, reason)) = planning.refused.iter().find(|(step, _)| *step == no)
            && one.decision == Decision::Send
        {
            one.trace.hit(if *reason == Reason::Duplicate {
                "duplicate"
            } else {
                "cap"
            });
            one.decision = Decision::Suppress { reason: *reason };
        }
        if let (Some((_, when)), Decision::Send) = (one.after, &one.decision) {
            one.due = safety_time(when, snapshot.now, expires_at);
            one.decision = Decision::Hold {
                until: one.due,
                reason: Reason::WaitsForFallback,
            };
        }
        planned.push(one);
    }
    planned
}

/// Lets a step take the place of its predecessor if that is suppressed, and of that one's, and so on.
fn promote(step: &mut Planned, earlier: &[Planned]) {
    while let Some((before, _)) = step.after {
        let Some(before) = earlier.get(usize::from(before)) else {
            return;
        };
        if !matches!(before.decision, Decision::Suppress { .. }) {
            return;
        }
        step.trace.hit("promoted");
        step.after = before.after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::channel::{EmailChannel, PushChannel, SmsChannel};
    use crate::planner::Addressed;
    use crate::preference::{AddressHash, Preferences};
    use crate::recipient::Recipient;
    use std::sync::Arc;
    use std::time::Duration;

    fn rules() -> Rules {
        let mut rules = Rules::default();
        rules.add_channel(Arc::new(EmailChannel::new()));
        rules.add_channel(Arc::new(PushChannel::new()));
        rules.add_channel(Arc::new(SmsChannel::new()));
        rules.set_served(vec![ChannelId::EMAIL, ChannelId::PUSH, ChannelId::SMS]);
        rules
    }

    fn snapshot(channels: &[ChannelId]) -> Snapshot {
        let addresses = channels
            .iter()
            .map(|channel| {
                Addressed::new(
                    channel.clone(),
                    Address::email("a@example.com"),
                    AddressHash::from_bytes([0; 32]),
                    None,
                )
            })
            .collect();
        Snapshot::new(
            Some(Recipient::new("u")),
            Some(Preferences::default()),
            addresses,
            Timestamp::EPOCH,
        )
    }

    fn planned(
        request: &NotificationRequest,
        category: &Category,
        route: &Route,
        renderable: bool,
        expires_at: Option<Timestamp>,
        snapshot: &Snapshot,
    ) -> Vec<Planned> {
        let (rules, renderable) = (rules(), |_: &ChannelId| renderable);
        let planning = Planning {
            rules: &rules,
            request,
            category,
            route,
            renderable: &renderable,
            refused: &[],
            expires_at,
        };
        plan(&planning, snapshot)
    }

    fn decisions(route: &Route, snapshot: &Snapshot) -> Vec<Planned> {
        let request = NotificationRequest::new("k", "c");
        planned(
            &request,
            &Category::critical("c"),
            route,
            true,
            None,
            snapshot,
        )
    }

    #[test]
    fn a_fallback_waits_and_takes_the_place_of_a_step_without_an_address() {
        let route = Route::to("push")
            .fallback(When::Failed, "email")
            .fallback(When::NotSeenWithin(Duration::from_secs(60)), "sms");
        let all = decisions(
            &route,
            &snapshot(&[ChannelId::PUSH, ChannelId::EMAIL, ChannelId::SMS]),
        );
        assert_eq!(all[0].decision, Decision::Send);
        assert!(matches!(
            all[1].decision,
            Decision::Hold {
                reason: Reason::WaitsForFallback,
                ..
            }
        ));
        let without_push = decisions(&route, &snapshot(&[ChannelId::EMAIL, ChannelId::SMS]));
        assert_eq!(
            without_push[0].decision,
            Decision::Suppress {
                reason: Reason::NoAddress
            }
        );
        assert_eq!(without_push[1].decision, Decision::Send, "promoted");
        let only_sms = decisions(&route, &snapshot(&[ChannelId::SMS]));
        assert_eq!(
            only_sms[2].decision,
            Decision::Send,
            "promoted over two steps"
        );
    }

    #[test]
    fn every_suppressed_step_says_which_rule_decided() {
        let request = NotificationRequest::new("k", "c").with_actor("u");
        let category = Category::transactional("c");
        let route = Route::to("email");
        let snapshot = snapshot(&[ChannelId::EMAIL]);
        let plans = planned(&request, &category, &route, true, None, &snapshot);
        assert_eq!(
            plans[0].decision,
            Decision::Suppress {
                reason: Reason::OwnAct
            }
        );
        assert_eq!(plans[0].trace.decisive(), Some("own_act"));
        let other = NotificationRequest::new("k", "c");
        let plans = planned(&other, &category, &route, false, None, &snapshot);
        assert_eq!(plans[0].trace.decisive(), Some("template"));
        let expired = planned(
            &other,
            &category,
            &route,
            true,
            Some(Timestamp::EPOCH),
            &snapshot,
        );
        assert_eq!(
            expired[0].decision,
            Decision::Suppress {
                reason: Reason::Expired
            }
        );
    }

    #[test]
    fn unreadable_preferences_let_only_mandatory_categories_through() {
        let mut snapshot = snapshot(&[ChannelId::EMAIL]);
        snapshot.preferences = None;
        let request = NotificationRequest::new("k", "c");
        let route = Route::to("email");
        let of = |category: &Category| {
            planned(&request, category, &route, true, None, &snapshot)[0]
                .decision
                .clone()
        };
        assert_eq!(of(&Category::critical("c")), Decision::Send);
        assert_eq!(
            of(&Category::transactional("c")),
            Decision::Suppress {
                reason: Reason::OptedOut
            }
        );
    }
}
