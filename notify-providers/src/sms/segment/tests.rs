//! Known lengths, and what holds for every text.

use proptest::prelude::*;

use super::*;

fn counted(text: &str) -> (Encoding, usize, usize) {
    let segments = count_segments(text);
    (segments.encoding, segments.count, segments.units)
}

/// Texts that are mostly GSM-7, with extensions, Cyrillic and emoji now and then.
fn texts() -> impl Strategy<Value = String> {
    let gsm = "[a-z0-9 €{}\\[\\]~^|\n@£Δà]{0,700}";
    prop_oneof![gsm, "[а-яё0-9 a-z👍🏽é]{0,300}", "\\PC{0,200}"]
}

#[test]
fn the_alphabet_is_that_of_ts_23_038() {
    let basic: Vec<char> = ('\0'..='\u{ffff}')
        .filter(|c| septets(*c) == Some(1))
        .collect();
    // 128 codes, of which one is the escape.
    assert_eq!(basic.len(), 127);
    let extension = ('\0'..='\u{ffff}')
        .filter(|c| septets(*c) == Some(2))
        .count();
    assert_eq!(extension, 10);
    for c in "çêáíóú`\t\u{a0}…–—‘’“”«»№яЁ👍".chars() {
        assert_eq!(septets(c), None, "{c}");
    }
}

#[test]
fn each_length_falls_on_its_side_of_the_limit() {
    use Encoding::{Gsm7, Ucs2};
    for (text, encoding, count, units) in [
        ("a".repeat(160), Gsm7, 1, 160),
        ("a".repeat(161), Gsm7, 2, 161),
        ("a".repeat(306), Gsm7, 2, 306),
        ("a".repeat(307), Gsm7, 3, 307),
        ("a".repeat(159) + "€", Gsm7, 2, 161),
        ("€".repeat(80), Gsm7, 1, 160),
        // An escape is not parted from its code: 76 in a segment of 153.
        ("€".repeat(152), Gsm7, 2, 304),
        ("€".repeat(153), Gsm7, 3, 306),
        ("a".repeat(152) + "€" + &"a".repeat(152), Gsm7, 3, 306),
        ("я".repeat(70), Ucs2, 1, 70),
        ("я".repeat(71), Ucs2, 2, 71),
        ("я".repeat(134), Ucs2, 2, 134),
        ("я".repeat(135), Ucs2, 3, 135),
        ("👍".repeat(35), Ucs2, 1, 70),
        // 33 pairs in a segment of 67.
        ("👍".repeat(66), Ucs2, 2, 132),
        ("👍".repeat(67), Ucs2, 3, 134),
        ("a".repeat(69) + "👍", Ucs2, 2, 71),
        (String::new(), Gsm7, 1, 0),
    ] {
        assert_eq!(counted(&text), (encoding, count, units), "{text}");
    }
}

#[test]
fn what_is_free_is_what_still_fits() {
    for text in [
        "",
        "hello",
        &"a".repeat(160),
        &"a".repeat(200),
        &"я".repeat(100),
    ] {
        let segments = count_segments(text);
        let filled = text.to_owned() + &"a".repeat(segments.free);
        assert_eq!(count_segments(&filled).count, segments.count, "{text}");
        assert_eq!(count_segments(&filled).free, 0, "{text}");
        assert!(
            count_segments(&(filled + "a")).count > segments.count,
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn segments_add_up_to_the_text_and_none_is_too_long(text in texts()) {
        let Segments { encoding, count, units, .. } = count_segments(&text);
        let parts = split_segments(&text);
        prop_assert_eq!(parts.concat(), text.as_str());
        prop_assert_eq!(parts.len(), count);
        let length = |part: &str| part.chars().map(|c| encoding.units(c)).sum::<usize>();
        prop_assert_eq!(parts.iter().map(|part| length(part)).sum::<usize>(), units);
        let limit = if count == 1 { encoding.single() } else { encoding.part() };
        for part in parts {
            prop_assert!(length(part) <= limit);
        }
    }

    #[test]
    fn more_text_never_takes_fewer_segments(text in texts(), more in texts()) {
        let longer = text.clone() + &more;
        prop_assert!(count_segments(&longer).count >= count_segments(&text).count);
    }

    #[test]
    fn only_what_is_named_keeps_a_text_out_of_gsm7(text in texts()) {
        let bad: Vec<char> = not_gsm7(&text).map(|(_, c)| c).collect();
        let kept: String = text.chars().filter(|c| !bad.contains(c)).collect();
        prop_assert_eq!(Encoding::of(&kept), Encoding::Gsm7);
        prop_assert_eq!(bad.is_empty(), Encoding::of(&text) == Encoding::Gsm7);
        for (at, c) in not_gsm7(&text) {
            prop_assert!(text[at..].starts_with(c));
        }
    }
}
