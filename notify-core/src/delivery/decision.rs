//! What is decided about a delivery, and every rule that had a say.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// What is to become of a delivery. Every one is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// Send it as soon as a worker is free.
    Send,
    /// Wait.
    Hold {
        /// Until then.
        until: Timestamp,
        /// What for.
        reason: Reason,
    },
    /// Let it leave with others.
    Digest {
        /// When that is at the latest, if it is the first of them; else when the first of them said.
        until: Timestamp,
    },
    /// Do not send it.
    Suppress {
        /// Why.
        reason: Reason,
    },
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)?) => {
        /// Why a delivery is not simply sent. A closed vocabulary: the same words in tables, metrics and documents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Reason { $($(#[$doc])* $variant),* }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in tables, metrics and documents.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

reasons! {
    /// The address is on the suppression list.
    AddressSuppressed = "address_suppressed",
    /// The attempts are spent.
    AttemptsSpent = "attempts_spent",
    /// Taken back by the caller or an operator.
    Cancelled = "cancelled",
    /// The recipient did it themselves.
    OwnAct = "own_act",
    /// Gathers with others, to leave as one message.
    Digest = "digest",
    /// The same was said to the same person shortly before.
    Duplicate = "duplicate",
    /// The person's data was erased.
    Erased = "erased",
    /// It was not sent in time.
    Expired = "expired",
    /// The message breaks a limit of the channel.
    InvalidMessage = "invalid_message",
    /// The recipient has no address for this channel.
    NoAddress = "no_address",
    /// It is marketing, and the person has not agreed.
    NoConsent = "no_consent",
    /// It is marketing mail, and the law asks for the sender's postal address, which is not configured.
    NoPostalAddress = "no_postal_address",
    /// No provider serves this channel.
    NoProvider = "no_provider",
    /// There is no template for this channel.
    NoTemplate = "no_template",
    /// It is marketing mail, and there is no way to unsubscribe.
    NoUnsubscribe = "no_unsubscribe",
    /// The application or tenant forbids this channel for this category.
    NotAllowed = "not_allowed",
    /// Another step was enough.
    NotNeeded = "not_needed",
    /// The person switched it off.
    OptedOut = "opted_out",
    /// It may have gone out, and the category says not to send again.
    OutcomeUnknown = "outcome_unknown",
    /// The law leaves other hours for such messages.
    OutsideSendWindow = "outside_send_window",
    /// Sending is paused.
    Paused = "paused",
    /// Its handling killed the process three times.
    Poison = "poison",
    /// The provider refused it for good.
    ProviderRefused = "provider_refused",
    /// An operator removed it from the dead letters.
    Purged = "purged",
    /// The person's quiet hours.
    QuietHours = "quiet_hours",
    /// The person got as many as the cap allows.
    RateLimited = "rate_limited",
    /// It failed and is tried again later.
    Retry = "retry",
    /// The caller asked for a later time.
    Scheduled = "scheduled",
    /// The template cannot be rendered with this data.
    TemplateFailed = "template_failed",
    /// The recipient is not known any more.
    UnknownRecipient = "unknown_recipient",
    /// Waits for another step.
    WaitsForFallback = "waits_for_fallback",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| Error::invalid("reason", "is not a known reason"))
    }
}

/// Every rule that was asked about a delivery, in order, and what it said: `address:pass opt_out:hit`. Holds no personal data.
///
/// Kept with the delivery as one short text.
///
/// ```
/// use notify_core::delivery::Trace;
///
/// let mut trace = Trace::default();
/// trace.pass("address");
/// trace.hit("opt_out");
/// assert_eq!(trace.to_string(), "address:pass opt_out:hit");
/// assert_eq!(trace.decisive(), Some("opt_out"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Trace(Vec<(std::borrow::Cow<'static, str>, bool)>);

impl Trace {
    /// The rule has nothing against it.
    pub fn pass(&mut self, rule: &'static str) {
        self.0.push((rule.into(), false));
    }

    /// The rule decides.
    pub fn hit(&mut self, rule: &'static str) {
        self.0.push((rule.into(), true));
    }

    /// The rule was asked; says whether it decides.
    pub(crate) fn rule(&mut self, rule: &'static str, decides: bool) -> bool {
        self.0.push((rule.into(), decides));
        decides
    }

    /// What was asked later, after this.
    pub(crate) fn followed_by(mut self, later: Self) -> Self {
        self.0.extend(later.0);
        self
    }

    /// The rules in order, each with whether it decided.
    pub fn rules(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|(rule, hit)| (rule.as_ref(), *hit))
    }

    /// The last rule that decided.
    #[must_use]
    pub fn decisive(&self) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(_, hit)| *hit)
            .map(|(rule, _)| rule.as_ref())
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (no, (rule, hit)) in self.0.iter().enumerate() {
            let space = if no == 0 { "" } else { " " };
            write!(f, "{space}{rule}:{}", if *hit { "hit" } else { "pass" })?;
        }
        Ok(())
    }
}

impl From<Trace> for String {
    fn from(trace: Trace) -> Self {
        trace.to_string()
    }
}

impl From<String> for Trace {
    fn from(text: String) -> Self {
        Self(
            text.split_whitespace()
                .filter_map(|rule| rule.rsplit_once(':'))
                .map(|(rule, verdict)| (rule.to_owned().into(), verdict == "hit"))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_traces_read_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse::<Reason>().ok(), Some(*reason));
        }
        let mut trace = Trace::default();
        trace.pass("address");
        trace.hit("consent");
        assert_eq!(Trace::from(trace.to_string()), trace);
    }
}
