//! Where a text may be cut without taking a letter apart.

/// The longest beginning of `text` that ends between two of its characters as people see them and
/// that `fits`, without spaces at its end.
///
/// `fits` must hold for every beginning of a text for which it holds.
pub(crate) fn longest_prefix(text: &str, fits: impl Fn(&str) -> bool) -> &str {
    let ends = ends(text);
    let prefix = |end: usize| text[..end].trim_end();
    let count = ends.partition_point(|end| fits(prefix(*end)));
    count.checked_sub(1).map_or("", |last| prefix(ends[last]))
}

/// The byte after each grapheme cluster.
///
/// Close to UAX 29 without its tables: marks of the scripts that are written most, joined emoji, skin
/// tones and flags stay with what they belong to. In other scripts a mark may be cut off, a code
/// point never.
fn ends(text: &str) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::with_capacity(text.len());
    let mut previous = None;
    let mut flags = 0;
    for (at, c) in text.char_indices() {
        let joined = previous.is_some_and(|previous| is_joined(previous, c, flags));
        flags = if is_flag(c) { flags + 1 } else { 0 };
        if !joined && at > 0 {
            ends.push(at);
        }
        previous = Some(c);
    }
    if !text.is_empty() {
        ends.push(text.len());
    }
    ends
}

/// Whether `next` belongs to what `previous` ended; `flags` halves of flags stand before it.
fn is_joined(previous: char, next: char, flags: usize) -> bool {
    match (previous, next) {
        ('\r', '\n') | ('\u{200d}', _) => !matches!(next, '\r') && !is_break(next, previous),
        _ if is_break(next, previous) => false,
        _ if is_flag(next) => flags % 2 == 1,
        _ => is_mark(next),
    }
}

/// Line ends stand for themselves, but for the two halves of one.
const fn is_break(next: char, previous: char) -> bool {
    match next {
        '\n' => !matches!(previous, '\r'),
        '\r' => true,
        _ => matches!(previous, '\r' | '\n'),
    }
}

const fn is_flag(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Marks, selectors and joiners that follow what they change.
const fn is_mark(c: char) -> bool {
    let in_block = c as u32 & 0x7f;
    match c {
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' => true,
        // Hebrew, Arabic.
        '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}' | '\u{610}'..='\u{61a}' => true,
        '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' => true,
        // Devanagari to Malayalam: blocks of one shape.
        '\u{900}'..='\u{d7f}' => {
            matches!(in_block, 0..=3 | 0x3c | 0x3e..=0x4d | 0x55..=0x57 | 0x62..=0x63)
        }
        // Thai and Lao.
        '\u{e31}' | '\u{e33}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}' => true,
        '\u{eb1}' | '\u{eb3}'..='\u{ebc}' | '\u{ec8}'..='\u{ece}' => true,
        // Hangul, where it is written in parts.
        '\u{1160}'..='\u{11ff}' => true,
        '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' => true,
        '\u{3099}'..='\u{309a}' => true,
        '\u{200c}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' => true,
        // Skin tones, the letters of regional flags, more selectors.
        '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clusters(text: &str) -> Vec<&str> {
        let mut start = 0;
        let cluster = |end| &text[std::mem::replace(&mut start, end)..end];
        ends(text).into_iter().map(cluster).collect()
    }

    #[test]
    fn what_people_see_as_one_stays_one() {
        for whole in [
            "e\u{301}",
            "и\u{306}",
            "👩‍👩‍👧",
            "👍🏽",
            "❤️",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "🇩🇪",
            "\r\n",
            "क्",
            "กำ",
            "กี่",
        ] {
            assert_eq!(clusters(whole), [whole], "{whole:?}");
        }
        assert_eq!(clusters("🇩🇪🇫🇷🇮"), ["🇩🇪", "🇫🇷", "🇮"]);
        assert_eq!(
            clusters("ab\r\n\n\u{301}"),
            ["a", "b", "\r\n", "\n", "\u{301}"]
        );
        assert!(clusters("").is_empty());
    }

    #[test]
    fn a_text_is_cut_before_what_does_not_fit_whole() {
        let at_most = |n: usize| move |text: &str| text.chars().count() <= n;
        assert_eq!(longest_prefix("cafe\u{301} au lait", at_most(4)), "caf");
        assert_eq!(
            longest_prefix("cafe\u{301} au lait", at_most(6)),
            "cafe\u{301}"
        );
        assert_eq!(longest_prefix("👩‍👩‍👧!", at_most(4)), "");
        assert_eq!(longest_prefix("all of it", at_most(9)), "all of it");
        assert_eq!(longest_prefix("", at_most(0)), "");
    }

    proptest! {
        #[test]
        fn clusters_add_up_to_the_text(text in "[a🇩🇪👍🏽\u{200d}\u{301}\r\n क\u{94d}]{0,30}") {
            prop_assert_eq!(clusters(&text).concat(), text);
        }

        #[test]
        fn the_longest_prefix_fits_and_one_more_cluster_does_not(text in "\\PC{0,40}", most in 0_usize..40) {
            let fits = |text: &str| text.len() <= most;
            let prefix = longest_prefix(&text, fits);
            prop_assert!(text.starts_with(prefix) && fits(prefix));
            let next = ends(&text).into_iter().find(|end| text[..*end].trim_end().len() > prefix.len());
            prop_assert!(next.is_none_or(|end| !fits(text[..end].trim_end())));
        }
    }
}
