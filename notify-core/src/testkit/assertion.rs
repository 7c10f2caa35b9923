//! Assertions about what a [`FakeProvider`] sent, with failures that say what was sent instead.

use std::fmt::Write as _;

use crate::id::{CategoryId, ChannelId};
use crate::testkit::{Call, FakeProvider};

/// Begins an assertion about what `fake` sent. It ends with how many: [`once`](AssertSent::once),
/// [`times`](AssertSent::times), [`at_least`](AssertSent::at_least) or [`never`](AssertSent::never).
///
/// ```no_run
/// use notify_core::ChannelId;
/// use notify_core::testkit::{FakeProvider, assert_sent};
///
/// let fake = FakeProvider::new("fake", ChannelId::EMAIL);
/// assert_sent(&fake).to("user@example.com").on(ChannelId::EMAIL).containing("text").times(1);
/// ```
pub fn assert_sent(fake: &FakeProvider) -> AssertSent {
    AssertSent {
        sent: fake.sent(),
        conditions: Vec::new(),
    }
}

/// An assertion that is not finished.
#[must_use = "say how many: `once`, `times`, `at_least` or `never`"]
pub struct AssertSent {
    sent: Vec<Call>,
    conditions: Vec<Condition>,
}

struct Condition {
    says: String,
    holds: Box<dyn Fn(&Call) -> bool + Send + Sync>,
}

impl AssertSent {
    /// To this address; in-app messages are addressed by the recipient's id.
    pub fn to(self, address: impl Into<String>) -> Self {
        let address = address.into();
        self.that(format!("to {address:?}"), move |call| call.to() == address)
    }

    /// On this channel.
    pub fn on(self, channel: impl Into<ChannelId>) -> Self {
        let channel = channel.into();
        self.that(format!("on {channel}"), move |call| {
            *call.envelope.message.channel() == channel
        })
    }

    /// Of this category.
    pub fn of(self, category: impl Into<CategoryId>) -> Self {
        let category = category.into();
        self.that(format!("of {category}"), move |call| {
            call.envelope.category == category
        })
    }

    /// With this text in one of its parts.
    pub fn containing(self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.that(format!("containing {text:?}"), move |call| {
            call.text().contains(&text)
        })
    }

    /// For which this holds; `says` completes "a message …".
    pub fn that(
        mut self,
        says: impl Into<String>,
        holds: impl Fn(&Call) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.conditions.push(Condition {
            says: says.into(),
            holds: Box::new(holds),
        });
        self
    }

    /// There is exactly one; answers with it.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "it asserts; the call is for those who want to look at it"
    )]
    pub fn once(self) -> Call {
        self.expect("1 message", |found| found == 1).remove(0)
    }

    /// There are exactly so many; answers with them, in order.
    ///
    /// # Panics
    /// If there are fewer or more.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it is asked for the assertion")]
    pub fn times(self, count: usize) -> Vec<Call> {
        let expected = format!("{count} message{}", if count == 1 { "" } else { "s" });
        self.expect(&expected, |found| found == count)
    }

    /// There are so many or more; answers with them, in order.
    ///
    /// # Panics
    /// If there are fewer.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it is asked for the assertion")]
    pub fn at_least(self, count: usize) -> Vec<Call> {
        self.expect(&format!("at least {count}"), |found| found >= count)
    }

    /// There is none.
    ///
    /// # Panics
    /// If there is one.
    #[track_caller]
    pub fn never(self) {
        self.expect("no message", |found| found == 0);
    }

    #[track_caller]
    fn expect(self, expected: &str, enough: impl Fn(usize) -> bool) -> Vec<Call> {
        let fits = |call: &&Call| {
            self.conditions
                .iter()
                .all(|condition| (condition.holds)(call))
        };
        let found: Vec<_> = self.sent.iter().filter(fits).cloned().collect();
        assert!(
            enough(found.len()),
            "{}",
            self.report(expected, found.len())
        );
        found
    }

    /// What was expected, what was found, and for each message the first condition that it fails.
    fn report(&self, expected: &str, found: usize) -> String {
        let mut report = format!("expected {expected}");
        for condition in &self.conditions {
            let _ = write!(report, " {}", condition.says);
        }
        let _ = write!(report, ", found {found}; sent in all: {}", self.sent.len());
        for (no, call) in self.sent.iter().enumerate() {
            let failed = self
                .conditions
                .iter()
                .find(|condition| !(condition.holds)(call));
            let verdict = failed.map_or_else(|| "fits".to_owned(), |it| format!("not {}", it.says));
            let (channel, category) = (call.envelope.message.channel(), &call.envelope.category);
            let text = call.text().replace('\n', " | ");
            let text: String = text.chars().take(100).collect();
            let _ = write!(
                report,
                "\n  {}. {channel} to {:?}, {category}: {text:?} ({verdict})",
                no + 1,
                call.to(),
            );
        }
        report
    }
}

impl std::fmt::Debug for AssertSent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let says: Vec<_> = self
            .conditions
            .iter()
            .map(|condition| &condition.says)
            .collect();
        f.debug_struct("AssertSent")
            .field("conditions", &says)
            .finish_non_exhaustive()
    }
}
