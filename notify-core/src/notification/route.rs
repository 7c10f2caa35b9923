//! Which channels a notification takes, in what order and on what condition: a small graph as data.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::id::ChannelId;

/// The most steps a route may have.
pub const MAX_STEPS: usize = 16;

/// When a waiting step becomes due: a condition on the step before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum When {
    /// The step before failed for good.
    Failed,
    /// No proof of delivery came within this time after it was sent.
    NotDeliveredWithin(Duration),
    /// The person did not see it within this time after it was sent.
    NotSeenWithin(Duration),
}

/// One step of a [`Route`]: a channel, and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// The channel.
    pub channel: ChannelId,
    /// The number of the step it waits for, and the condition; `None` starts at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<(u8, When)>,
}

/// The channels a notification takes.
///
/// Steps without a condition start at once. A step whose predecessor is suppressed takes its place.
///
/// ```
/// use notify_core::{ChannelId, Route, When};
/// use std::time::Duration;
///
/// let route = Route::to(ChannelId::PUSH)
///     .fallback(When::Failed, ChannelId::EMAIL)
///     .fallback(When::NotSeenWithin(Duration::from_secs(600)), ChannelId::SMS);
/// assert_eq!(route.steps().len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Route {
    steps: Vec<Step>,
}

impl Route {
    /// One channel.
    #[must_use]
    pub fn to(channel: impl Into<ChannelId>) -> Self {
        Self::all([channel.into()])
    }

    /// Several channels, all at once.
    #[must_use]
    pub fn all(channels: impl IntoIterator<Item = ChannelId>) -> Self {
        Self {
            steps: channels
                .into_iter()
                .map(|channel| Step {
                    channel,
                    after: None,
                })
                .collect(),
        }
    }

    /// One more channel that starts at once.
    #[must_use]
    pub fn and(mut self, channel: impl Into<ChannelId>) -> Self {
        self.steps.push(Step {
            channel: channel.into(),
            after: None,
        });
        self
    }

    /// One more channel that waits for the step added last.
    #[must_use]
    pub fn fallback(mut self, when: When, channel: impl Into<ChannelId>) -> Self {
        let last = u8::try_from(self.steps.len().saturating_sub(1)).unwrap_or(u8::MAX);
        self.steps.push(Step {
            channel: channel.into(),
            after: Some((last, when)),
        });
        self
    }

    /// The steps in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Checks that there is a step, that none waits for itself or a later one, and that there are at most [`MAX_STEPS`].
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `route`.
    pub fn validate(&self) -> Result<()> {
        if self.steps.is_empty() {
            return Err(Error::invalid("route", "names no channel"));
        }
        if self.steps.len() > MAX_STEPS {
            return Err(Error::invalid(
                "route",
                format!("has more than {MAX_STEPS} steps"),
            ));
        }
        let backwards = self.steps.iter().enumerate().all(|(no, step)| {
            step.after
                .is_none_or(|(before, _)| usize::from(before) < no)
        });
        if backwards {
            Ok(())
        } else {
            Err(Error::invalid(
                "route",
                "has a step that waits for itself or a later one",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_may_wait_only_for_an_earlier_one() {
        assert!(
            Route::to("push")
                .fallback(When::Failed, "email")
                .validate()
                .is_ok()
        );
        assert!(Route::all([]).validate().is_err());
        assert!(
            Route::all([])
                .fallback(When::Failed, "email")
                .validate()
                .is_err()
        );
        let many = (0..17).map(|_| ChannelId::PUSH);
        assert!(Route::all(many).validate().is_err());
    }

    #[test]
    fn a_route_reads_back_from_json() {
        let route = Route::to("push").fallback(When::NotSeenWithin(Duration::from_secs(9)), "sms");
        let json = serde_json::to_string(&route).expect("serialises");
        assert_eq!(serde_json::from_str::<Route>(&json).expect("reads"), route);
    }
}
