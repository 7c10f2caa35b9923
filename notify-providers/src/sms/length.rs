//! What is done with a text that is too long.

use notify_core::{Error, Result};
use std::borrow::Cow;
use std::num::NonZeroU8;

use super::segment::{Segments, count_segments};
use crate::grapheme::longest_prefix;

/// Three dots of ASCII: `…` is not in GSM-7 and would more than halve the room.
const DOTS: &str = "...";
const ONE: NonZeroU8 = NonZeroU8::MIN;

/// What is done with a text that takes more segments than it may.
///
/// Each segment is paid for. Advertising can be cut; what somebody waits for or has to know is split
/// over several segments or refused, and never cut without a word.
///
/// ```
/// use notify_providers::sms::LengthPolicy;
/// use std::num::NonZeroU8;
///
/// let long = "Everything must go! ".repeat(10);
/// let fitted = LengthPolicy::truncate().fit(&long)?;
/// assert!(fitted.truncated && fitted.text.ends_with("..."));
/// assert_eq!(fitted.segments.count, 1);
///
/// let three = NonZeroU8::new(3).expect("3 is not zero");
/// assert_eq!(LengthPolicy::Split { max: three }.fit(&long)?.segments.count, 2);
/// assert!(LengthPolicy::Reject.fit(&long).is_err());
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LengthPolicy {
    /// More than one segment is refused.
    Reject,
    /// As many segments as it takes, up to `max`; more is refused.
    Split {
        /// The most segments; phones put up to 255 together again, and most vendors take 10.
        max: NonZeroU8,
    },
    /// Cut to what fits into `max` segments, with three dots at the end.
    Truncate {
        /// The most segments.
        max: NonZeroU8,
    },
}

impl LengthPolicy {
    /// Cut to one segment.
    #[must_use]
    pub const fn truncate() -> Self {
        Self::Truncate { max: ONE }
    }

    /// The text as it is sent under this policy.
    ///
    /// A text is cut between characters as people see them: no accent, no half of an emoji stays
    /// behind.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](notify_core::ErrorKind::Invalid) for the field `text`, with the number
    /// of segments it takes and the number it may take.
    pub fn fit(self, text: &str) -> Result<Fitted<'_>> {
        let segments = count_segments(text);
        let max = match self {
            Self::Reject => ONE,
            Self::Split { max } | Self::Truncate { max } => max,
        };
        let fits = |segments: Segments| segments.count <= usize::from(max.get());
        if fits(segments) {
            return Ok(Fitted {
                text: text.into(),
                segments,
                truncated: false,
            });
        }
        if !matches!(self, Self::Truncate { .. }) {
            let why = format!("takes {} segments, and {max} are allowed", segments.count);
            return Err(Error::invalid("text", why));
        }
        let with_dots = |prefix: &str| [prefix, DOTS].concat();
        let prefix = longest_prefix(text, |prefix| fits(count_segments(&with_dots(prefix))));
        let text = with_dots(prefix);
        let segments = count_segments(&text);
        Ok(Fitted {
            text: text.into(),
            segments,
            truncated: true,
        })
    }
}

/// A text that fits. Made by [`LengthPolicy::fit`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fitted<'a> {
    /// The text to send.
    pub text: Cow<'a, str>,
    /// How long it is.
    pub segments: Segments,
    /// Whether something was cut off; worth a line in the delivery's record.
    pub truncated: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: NonZeroU8 = NonZeroU8::new(2).expect("2 is not zero");

    #[test]
    fn what_fits_is_not_touched() {
        let text = "a".repeat(160);
        for policy in [
            LengthPolicy::Reject,
            LengthPolicy::Split { max: ONE },
            LengthPolicy::truncate(),
        ] {
            let fitted = policy.fit(&text).expect("fits");
            assert!(matches!(fitted.text, Cow::Borrowed(_)) && !fitted.truncated);
        }
    }

    #[test]
    fn a_cut_text_fills_its_segment_and_ends_in_three_dots() {
        let fitted = LengthPolicy::truncate()
            .fit(&"a".repeat(161))
            .expect("is cut")
            .text
            .into_owned();
        assert_eq!(fitted, "a".repeat(157) + "...");
        let cyrillic = "я".repeat(71);
        let fitted = LengthPolicy::truncate().fit(&cyrillic).expect("is cut");
        assert_eq!(fitted.text, "я".repeat(67) + "...");
        let two = LengthPolicy::Truncate { max: TWO }
            .fit(&"a".repeat(400))
            .expect("is cut")
            .segments;
        assert_eq!((two.count, two.free), (2, 0));
    }

    #[test]
    fn a_text_that_is_cut_before_its_only_emoji_has_the_room_of_gsm7() {
        let text = "a".repeat(150) + " " + &"b".repeat(20) + "👍";
        let fitted = LengthPolicy::truncate().fit(&text).expect("is cut");
        assert_eq!(fitted.text, "a".repeat(150) + " bbbbbb...");
    }

    #[test]
    fn neither_a_letter_nor_an_emoji_is_cut_apart() {
        let family = "👩‍👩‍👧";
        let text = "я".repeat(64) + family;
        let fitted = LengthPolicy::truncate().fit(&text).expect("is cut");
        assert_eq!(fitted.text, "я".repeat(64) + "...");
        let text = "words and ".repeat(20);
        let fitted = LengthPolicy::truncate().fit(&text).expect("is cut");
        assert!(!fitted.text.contains(" ..."), "{}", fitted.text);
    }

    #[test]
    fn a_refusal_says_how_many_segments_there_are() {
        let error = LengthPolicy::Split { max: TWO }
            .fit(&"a".repeat(307))
            .expect_err("three");
        assert_eq!(
            error.to_string(),
            "text: takes 3 segments, and 2 are allowed"
        );
        assert!(
            LengthPolicy::Split { max: TWO }
                .fit(&"a".repeat(306))
                .is_ok()
        );
        assert!(LengthPolicy::Reject.fit(&"a".repeat(161)).is_err());
    }

    proptest! {
        #[test]
        fn a_cut_text_is_its_beginning_and_fits(
            text in "[a-z€ я👍🏽\u{301}\u{200d}]{0,400}|[a-z€ ]{0,700}",
            max in 1_u8..5,
        ) {
            let max = NonZeroU8::new(max).expect("from one");
            let fitted = LengthPolicy::Truncate { max }.fit(&text).expect("always fits");
            prop_assert!(fitted.segments.count <= usize::from(max.get()));
            prop_assert_eq!(fitted.segments, count_segments(&fitted.text));
            if fitted.truncated {
                let kept = fitted.text.strip_suffix(DOTS).expect("dots");
                prop_assert!(text.starts_with(kept));
                prop_assert!(count_segments(&text).count > usize::from(max.get()));
            } else {
                prop_assert_eq!(fitted.text, text.as_str());
            }
        }
    }
}
