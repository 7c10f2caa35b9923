//! What becomes of a text that is too long.

use notify_core::channel::Overflow;
use notify_core::{Error, Result};
use std::borrow::Cow;

use super::segment::{Segments, count_segments};
use crate::grapheme::longest_prefix;

/// Three dots of ASCII: `…` is not in GSM-7 and would more than halve the room.
const DOTS: &str = "...";

/// The text as it is sent under this rule.
///
/// Each segment is paid for. Advertising can be cut; what somebody waits for or has to know is split
/// over several segments or refused, and never cut without a word. A text is cut between characters
/// as people see them: no accent, no half of an emoji stays behind.
///
/// ```
/// use notify_core::channel::Overflow;
/// use notify_providers::sms::fit;
///
/// let long = "Everything must go! ".repeat(10);
/// let fitted = fit(&long, Overflow::Truncate)?;
/// assert!(fitted.is_cut && fitted.text.ends_with("..."));
/// assert_eq!(fitted.segments.count, 1);
///
/// assert_eq!(fit(&long, Overflow::split(3))?.segments.count, 2);
/// assert!(fit(&long, Overflow::Reject).is_err());
/// # Ok::<(), notify_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Invalid`](notify_core::ErrorKind::Invalid) for the field `text`, with the number
/// of segments it takes and the number it may take.
pub fn fit(text: &str, overflow: Overflow) -> Result<Fitted<'_>> {
    let segments = count_segments(text);
    let max = match overflow {
        Overflow::Split { max } => usize::from(max.get()),
        _ => 1,
    };
    if segments.count <= max {
        return Ok(Fitted {
            text: text.into(),
            segments,
            is_cut: false,
        });
    }
    if overflow != Overflow::Truncate {
        let why = format!("takes {} segments, and {max} are allowed", segments.count);
        return Err(Error::invalid("text", why));
    }
    let with_dots = |prefix: &str| [prefix, DOTS].concat();
    let prefix = longest_prefix(text, |prefix| count_segments(&with_dots(prefix)).count == 1);
    let text = with_dots(prefix);
    let segments = count_segments(&text);
    Ok(Fitted {
        text: text.into(),
        segments,
        is_cut: true,
    })
}

/// A text that fits. Made by [`fit`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fitted<'a> {
    /// The text to send.
    pub text: Cow<'a, str>,
    /// How long it is.
    pub segments: Segments,
    /// Whether something was cut off; worth a line in the delivery's record.
    pub is_cut: bool,
}

#[cfg(feature = "_http")]
impl Fitted<'_> {
    /// The same with a text of its own.
    pub(crate) fn into_owned(self) -> Fitted<'static> {
        Fitted {
            text: self.text.into_owned().into(),
            segments: self.segments,
            is_cut: self.is_cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_not_touched() {
        let text = "a".repeat(160);
        for overflow in [Overflow::Reject, Overflow::split(1), Overflow::Truncate] {
            let fitted = fit(&text, overflow).expect("fits");
            assert!(matches!(fitted.text, Cow::Borrowed(_)) && !fitted.is_cut);
        }
    }

    #[test]
    fn a_cut_text_fills_its_segment_and_ends_in_three_dots() {
        let fitted = fit(&"a".repeat(161), Overflow::Truncate)
            .expect("is cut")
            .text
            .into_owned();
        assert_eq!(fitted, "a".repeat(157) + "...");
        let cyrillic = "я".repeat(71);
        let fitted = fit(&cyrillic, Overflow::Truncate).expect("is cut");
        assert_eq!(fitted.text, "я".repeat(67) + "...");
    }

    #[test]
    fn a_text_that_is_cut_before_its_only_emoji_has_the_room_of_gsm7() {
        let text = "a".repeat(150) + " " + &"b".repeat(20) + "👍";
        let fitted = fit(&text, Overflow::Truncate).expect("is cut");
        assert_eq!(fitted.text, "a".repeat(150) + " bbbbbb...");
    }

    #[test]
    fn neither_a_letter_nor_an_emoji_is_cut_apart() {
        let family = "👩‍👩‍👧";
        let text = "я".repeat(64) + family;
        let fitted = fit(&text, Overflow::Truncate).expect("is cut");
        assert_eq!(fitted.text, "я".repeat(64) + "...");
        let text = "words and ".repeat(20);
        let fitted = fit(&text, Overflow::Truncate).expect("is cut");
        assert!(!fitted.text.contains(" ..."), "{}", fitted.text);
    }

    #[test]
    fn a_refusal_says_how_many_segments_there_are() {
        let error = fit(&"a".repeat(307), Overflow::split(2)).expect_err("three");
        assert_eq!(
            error.to_string(),
            "text: takes 3 segments, and 2 are allowed"
        );
        assert!(fit(&"a".repeat(306), Overflow::split(2)).is_ok());
        assert!(fit(&"a".repeat(161), Overflow::Reject).is_err());
    }

    proptest! {
        #[test]
        fn a_cut_text_is_its_beginning_and_fits(
            text in "[a-z€ я👍🏽\u{301}\u{200d}]{0,400}|[a-z€ ]{0,700}",
        ) {
            let fitted = fit(&text, Overflow::Truncate).expect("always fits");
            prop_assert_eq!(fitted.segments.count, 1);
            prop_assert_eq!(fitted.segments, count_segments(&fitted.text));
            if fitted.is_cut {
                let kept = fitted.text.strip_suffix(DOTS).expect("dots");
                prop_assert!(text.starts_with(kept));
                prop_assert!(count_segments(&text).count > 1);
            } else {
                prop_assert_eq!(fitted.text, text.as_str());
            }
        }
    }
}
