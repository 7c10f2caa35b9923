//! How often one person is told: caps of a category, of the application for each channel, and one budget for everything.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::id::ChannelId;
use crate::notification::{Category, Class, Priority};
use crate::planner::Rules;
use crate::rate_limiter::{Cap, Excess};

const HOUR: Duration = Duration::from_secs(3_600);

/// How many messages one person gets on each channel, over all categories: the application's policy.
///
/// | channel | at most |
/// |---|---|
/// | push | 5 in any hour |
/// | email | 3 in any 24 hours |
/// | any other | 10 in any hour |
///
/// It holds for marketing; critical and transactional categories are exempt. What is too much is suppressed on that channel as
/// `rate_limited`; other channels go on. Caps of categories hold besides.
///
/// ```
/// use notify_core::planner::FrequencyCaps;
/// use notify_core::{ChannelId, Class};
/// use std::time::Duration;
///
/// let day = Duration::from_secs(86_400);
/// let gentle = FrequencyCaps::default().on(ChannelId::PUSH, 1, day).including(Class::Transactional);
/// assert!(gentle.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrequencyCaps {
    channels: BTreeMap<ChannelId, Cap>,
    elsewhere: Option<Cap>,
    classes: Vec<Class>,
    excess: Excess,
}

impl Default for FrequencyCaps {
    fn default() -> Self {
        Self::none()
            .on(ChannelId::PUSH, 5, HOUR)
            .on(ChannelId::EMAIL, 3, 24 * HOUR)
            .elsewhere(10, HOUR)
    }
}

impl FrequencyCaps {
    /// No cap on any channel.
    #[must_use]
    pub fn none() -> Self {
        Self {
            channels: BTreeMap::new(),
            elsewhere: None,
            classes: vec![Class::Marketing],
            excess: Excess::Drop,
        }
    }

    /// At most `max` on `channel` in any `window`.
    #[must_use]
    pub fn on(mut self, channel: impl Into<ChannelId>, max: u32, window: Duration) -> Self {
        self.channels.insert(channel.into(), Cap::new(max, window));
        self
    }

    /// At most `max` in any `window` on each channel that has no cap of its own.
    #[must_use]
    pub const fn elsewhere(mut self, max: u32, window: Duration) -> Self {
        self.elsewhere = Some(Cap::new(max, window));
        self
    }

    /// Also for categories of this class. Those of each class are counted together with the others.
    #[must_use]
    pub fn including(mut self, class: Class) -> Self {
        if !self.classes.contains(&class) {
            self.classes.push(class);
        }
        self
    }

    /// What becomes of what is too much. Default: it is dropped, with the reason.
    #[must_use]
    pub const fn on_excess(mut self, rule: Excess) -> Self {
        self.excess = rule;
        self
    }

    /// Checks that every cap counts over some time.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the part.
    pub fn validate(&self) -> Result<()> {
        let mut caps = self.channels.values().chain(&self.elsewhere);
        if caps.any(|cap| cap.window.is_zero()) {
            return Err(Error::new(
                ErrorKind::Config,
                "a frequency cap counts over no time at all; give it a window",
            ));
        }
        Ok(())
    }

    fn limit(&self, class: Class, channel: &ChannelId) -> Option<Limit> {
        let cap = self.channels.get(channel).or(self.elsewhere.as_ref());
        cap.filter(|_| self.classes.contains(&class))
            .map(|cap| Limit::new(LimitScope::Channel, *cap, self.excess))
    }
}

/// How many messages one person gets in all, over every channel and category. Off unless it is configured.
///
/// When it is spent, what is less urgent gives way: low and normal priority are dropped or wait; high and critical priority, and every
/// category of class critical, pass and are counted. A part of it can be [kept back](Self::reserved) from low priority.
///
/// ```
/// use notify_core::planner::Budget;
/// use notify_core::rate_limiter::Excess;
/// use std::time::Duration;
///
/// // 20 a day: campaigns stop at 15 and wait for the next day.
/// let budget = Budget::new(20, Duration::from_secs(86_400)).reserved(5).on_excess(Excess::Wait);
/// assert!(budget.validate().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    cap: Cap,
    reserved: u32,
    excess: Excess,
}

impl Budget {
    /// At most `max` to one person in any `window`.
    #[must_use]
    pub const fn new(max: u32, window: Duration) -> Self {
        Self {
            cap: Cap::new(max, window),
            reserved: 0,
            excess: Excess::Drop,
        }
    }

    /// The last `count` are not for low priority.
    #[must_use]
    pub const fn reserved(mut self, count: u32) -> Self {
        self.reserved = count;
        self
    }

    /// What becomes of what gives way. Default: it is dropped, with the reason.
    #[must_use]
    pub const fn on_excess(mut self, rule: Excess) -> Self {
        self.excess = rule;
        self
    }

    /// Checks that it counts over some time.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the part.
    pub fn validate(&self) -> Result<()> {
        if self.cap.window.is_zero() {
            return Err(Error::new(
                ErrorKind::Config,
                "the budget counts over no time at all; give it a window",
            ));
        }
        Ok(())
    }

    /// What it leaves for a message: without an end for what passes, so that it is counted and never refused.
    const fn limit(&self, class: Class, priority: Priority) -> Limit {
        let max = match (class, priority) {
            (Class::Critical, _) | (_, Priority::Critical | Priority::High) => u32::MAX,
            (_, Priority::Normal) => self.cap.max,
            (_, Priority::Low) => self.cap.max.saturating_sub(self.reserved),
        };
        let cap = Cap::new(max, self.cap.window);
        Limit::new(LimitScope::Person, cap, self.excess)
    }
}

/// What a limit counts together for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitScope {
    /// The messages of one category on one channel.
    Category,
    /// The messages of every category on one channel.
    Channel,
    /// Every message.
    Person,
}

impl LimitScope {
    /// The rule's name in traces: `cap`, `frequency` or `budget`.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Category => "cap",
            Self::Channel => "frequency",
            Self::Person => "budget",
        }
    }
}

/// One limit that holds for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// What it counts together.
    pub scope: LimitScope,
    /// How many in how long. `u32::MAX` is counted and never refused.
    pub cap: Cap,
    /// What becomes of what is too much.
    pub excess: Excess,
}

impl Limit {
    const fn new(scope: LimitScope, cap: Cap, excess: Excess) -> Self {
        Self { scope, cap, excess }
    }
}

/// The limits that hold for a message of `category` on `channel`, the most exact first.
#[must_use]
pub fn limits(
    rules: &Rules,
    category: &Category,
    channel: &ChannelId,
    priority: Priority,
) -> Vec<Limit> {
    let class = category.class();
    let own = category.cap_rules(channel);
    let own = own.map(|(cap, excess)| Limit::new(LimitScope::Category, cap, excess));
    own.chain(rules.frequency().limit(class, channel))
        .chain(rules.budget().map(|budget| budget.limit(class, priority)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn of(rules: &Rules, category: &Category, channel: &'static str) -> Vec<(&'static str, u32)> {
        let found = limits(
            rules,
            category,
            &ChannelId::new(channel),
            category.priority(),
        );
        found
            .iter()
            .map(|limit| (limit.scope.rule(), limit.cap.max))
            .collect()
    }

    #[test]
    fn marketing_has_caps_by_default_and_nothing_else_has() {
        let rules = Rules::default();
        let ads = Category::marketing("ads");
        let found = limits(&rules, &ads, &ChannelId::EMAIL, Priority::Low);
        assert_eq!(
            found,
            [Limit::new(
                LimitScope::Channel,
                Cap::new(3, DAY),
                Excess::Drop
            )]
        );
        assert_eq!(of(&rules, &ads, "push"), [("frequency", 5)]);
        for other in ["sms", "in_app", "chat.slack"] {
            assert_eq!(of(&rules, &ads, other), [("frequency", 10)]);
        }
        for exempt in [Category::transactional("t"), Category::critical("c")] {
            assert_eq!(of(&rules, &exempt, "push"), []);
        }
    }

    #[test]
    fn policies_can_be_changed_widened_and_turned_off() {
        let mut rules = Rules::default();
        let orders = Category::transactional("orders").at_most(2, DAY);
        rules.set_frequency(FrequencyCaps::none());
        assert_eq!(of(&rules, &orders, "push"), [("cap", 2)]);
        let wide = FrequencyCaps::none()
            .on("push", 1, DAY)
            .including(Class::Transactional);
        rules.set_frequency(wide);
        assert_eq!(of(&rules, &orders, "push"), [("cap", 2), ("frequency", 1)]);
        assert_eq!(of(&rules, &orders, "sms"), [("cap", 2)]);
        let never = FrequencyCaps::none().elsewhere(1, Duration::ZERO);
        assert!(never.validate().is_err() && Budget::new(1, Duration::ZERO).validate().is_err());
    }

    #[test]
    fn a_budget_gives_way_by_priority() {
        let mut rules = Rules::default();
        rules.set_frequency(FrequencyCaps::none());
        rules.set_budget(Some(Budget::new(20, DAY).reserved(5)));
        let of = |category: Category| of(&rules, &category, "push");
        assert_eq!(of(Category::marketing("ads")), [("budget", 15)]);
        let normal = Category::marketing("ads").with_priority(Priority::Normal);
        assert_eq!(of(normal), [("budget", 20)]);
        assert_eq!(
            of(Category::transactional("orders")),
            [("budget", u32::MAX)],
            "high passes"
        );
        let slow = Category::critical("recall");
        let slow = limits(&rules, &slow, &ChannelId::PUSH, Priority::Low);
        assert_eq!(slow[0].cap.max, u32::MAX, "what is critical in law passes");
    }
}
