//! One recipient's route into planned deliveries.

use crate::clock::Timestamp;
use crate::delivery::{Decision, Reason, Trace};
use crate::id::ChannelId;
use crate::notification::{Category, NotificationRequest, Priority, Route, Step, When};
use crate::planner::{Deciding, Gathering, Rules, Snapshot, decide, limits, safety_time};

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
    /// What it gathers with, or begins.
    pub gathering: Option<Gathering>,
}

/// A step for which the store said no in the commit: caps, duplicates. It is planned again with that in mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Which step of the route.
    pub step: u8,
    /// Why.
    pub reason: Reason,
    /// By which rule, as the trace names it.
    pub rule: &'static str,
    /// From when on there may be room, if it is to wait for that.
    pub until: Option<Timestamp>,
}

impl Refusal {
    /// A step that is not to be sent.
    #[must_use]
    pub const fn new(step: u8, reason: Reason, rule: &'static str) -> Self {
        Self {
            step,
            reason,
            rule,
            until: None,
        }
    }

    /// A step that waits.
    #[must_use]
    pub const fn until(mut self, until: Option<Timestamp>) -> Self {
        self.until = until;
        self
    }
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
    /// Its lane.
    pub priority: Priority,
    /// Which channels it takes.
    pub route: &'a Route,
    /// Whether there is a template or content for a channel.
    pub renderable: &'a dyn Fn(&ChannelId) -> bool,
    /// The steps for which the store said no.
    pub refused: &'a [Refusal],
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
/// A step whose predecessor is suppressed takes its place, over any number of steps. One whose predecessor is held waits as long
/// after that one's time as it would after now.
#[must_use]
pub fn plan(planning: &Planning<'_>, snapshot: &Snapshot) -> Vec<Planned> {
    let mut planned: Vec<Planned> = Vec::with_capacity(planning.route.steps().len());
    for (no, step) in (0_u8..).zip(planning.route.steps()) {
        let mut one = Planned {
            channel: step.channel.clone(),
            step: no,
            after: step.after,
            decision: Decision::Send,
            trace: Trace::default(),
            due: snapshot.now,
            gathering: None,
        };
        promote(&mut one, &planned);
        let gathers = planning.decide(&mut one, snapshot);
        planning.gather(&mut one, snapshot, gathers);
        planning.limit(&mut one);
        match one.decision {
            Decision::Send => planning.wait_for_step(&mut one, &planned, snapshot.now),
            Decision::Hold { until, .. } | Decision::Digest { until } => one.due = until,
            _ => {}
        }
        planned.push(one);
    }
    planned
}

impl Planning<'_> {
    /// Decides one step; where quiet hours hold it, perhaps on a silent channel. Answers whether they hold it to leave with others.
    fn decide(&self, one: &mut Planned, snapshot: &Snapshot) -> bool {
        let on = |channel: &ChannelId| {
            let deciding = Deciding {
                rules: self.rules,
                request: self.request,
                category: self.category,
                channel,
                renderable: (self.renderable)(channel),
                expires_at: self.expires_at,
                waits: one.after.is_some(),
                now: snapshot.now,
            };
            decide(&deciding, snapshot)
        };
        let verdict = on(&one.channel);
        let mut trace = std::mem::take(&mut one.trace).followed_by(verdict.trace);
        one.decision = verdict.decision;
        if let Some(to) = verdict.reroute {
            let other = on(&to);
            let goes = match other.decision {
                Decision::Send => true,
                Decision::Hold { reason, .. } => reason == Reason::Scheduled,
                _ => false,
            };
            trace.rule("rerouted", goes);
            let is_there = |step: &Step| step.channel == to;
            if goes && self.route.steps().iter().any(is_there) {
                // They are told there anyway.
                one.decision = Decision::Suppress {
                    reason: Reason::QuietHours,
                };
            } else if goes {
                trace = trace.followed_by(other.trace);
                (one.decision, one.channel) = (other.decision, to);
            }
        }
        one.trace = trace;
        verdict.gathers
    }

    /// Asks the limits of what would go now, and what the store said of them or of the content.
    fn limit(&self, one: &mut Planned) {
        let mut refusals = self.refused.iter();
        let refusal =
            refusals.find(|refusal| refusal.step == one.step && refusal.reason != Reason::Digest);
        let goes = !matches!(one.decision, Decision::Suppress { .. });
        if let Some(refusal) = refusal.filter(|refusal| refusal.reason == Reason::Duplicate && goes)
        {
            one.trace.hit(refusal.rule);
            one.decision = Decision::Suppress {
                reason: refusal.reason,
            };
            return;
        }
        if one.decision != Decision::Send || one.after.is_some() {
            return;
        }
        let limits = limits(self.rules, self.category, &one.channel, self.priority);
        let mut asked: Vec<&'static str> = limits.iter().map(|limit| limit.scope.rule()).collect();
        asked.dedup();
        for rule in asked {
            if refusal.is_none_or(|refusal| refusal.rule != rule) {
                one.trace.pass(rule);
            }
        }
        let Some(refusal) = refusal else {
            return;
        };
        one.trace.hit(refusal.rule);
        let reason = refusal.reason;
        let until = refusal.until;
        let until = until.filter(|until| self.expires_at.is_none_or(|end| *until < end));
        one.decision = match until {
            Some(until) => Decision::Hold { until, reason },
            None => Decision::Suppress { reason },
        };
    }

    /// Lets a step wait that has another before it.
    fn wait_for_step(&self, one: &mut Planned, earlier: &[Planned], now: Timestamp) {
        let Some((before, when)) = one.after else {
            return;
        };
        let before = earlier.get(usize::from(before));
        let begins = before.map_or(now, |before| before.due.max(now));
        one.due = safety_time(when, begins, self.expires_at);
        one.decision = Decision::Hold {
            until: one.due,
            reason: Reason::WaitsForFallback,
        };
    }
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
            priority: category.priority(),
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
