//! Texts in the alphabet of GSM-7, where they can be read as well in it.

use std::borrow::Cow;

use super::segment::septets;

/// Punctuation and signs, each group with what stands for it.
const TYPOGRAPHY: &[(&str, &str)] = &[
    (
        "\u{2018}\u{2019}\u{201a}\u{201b}\u{2032}\u{2039}\u{203a}\u{2bc}\u{b4}`",
        "'",
    ),
    ("\u{201c}\u{201d}\u{201e}\u{201f}\u{2033}\u{ab}\u{bb}", "\""),
    (
        "\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}",
        "-",
    ),
    (
        "\u{a0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{202f}\u{205f}\u{3000}\t",
        " ",
    ),
    ("\u{2028}\u{2029}", "\n"),
    ("\u{ad}\u{200b}\u{2060}\u{feff}", ""),
    ("\u{2026}", "..."),
    ("\u{2022}\u{25cf}\u{25aa}", "*"),
    ("\u{b7}", "."),
    ("\u{d7}", "x"),
    ("\u{2116}", "No."),
    ("\u{20bd}", "RUB"),
    ("\u{2122}", "TM"),
    ("\u{a9}", "(c)"),
    ("\u{ae}", "(R)"),
];

/// Latin letters with accents that GSM-7 lacks, and without them.
const ACCENTS: &[(&str, &str)] = &[
    ("ÀÁÂÃĀĂĄẠẢẤẦẨẪẬẮẰẲẴẶ", "A"),
    ("áâãāăąạảấầẩẫậắằẳẵặ", "a"),
    ("ĆĈĊČ", "C"),
    ("çćĉċč", "c"),
    ("ĎĐÐ", "D"),
    ("ďđð", "d"),
    ("ÈÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ", "E"),
    ("êëēĕėęěẹẻẽếềểễệ", "e"),
    ("ĜĞĠĢ", "G"),
    ("ĝğġģ", "g"),
    ("ĤĦ", "H"),
    ("ĥħ", "h"),
    ("ÌÍÎÏĨĪĬĮİỈỊ", "I"),
    ("íîïĩīĭįıỉị", "i"),
    ("Ĵ", "J"),
    ("ĵ", "j"),
    ("Ķ", "K"),
    ("ķĸ", "k"),
    ("ĹĻĽĿŁ", "L"),
    ("ĺļľŀł", "l"),
    ("ŃŅŇŊ", "N"),
    ("ńņňŋ", "n"),
    ("ÒÓÔÕŌŎŐƠỌỎỐỒỔỖỘỚỜỞỠỢ", "O"),
    ("óôõōŏőơọỏốồổỗộớờởỡợ", "o"),
    ("ŔŖŘ", "R"),
    ("ŕŗř", "r"),
    ("ŚŜŞŠȘ", "S"),
    ("śŝşšșſ", "s"),
    ("ŢŤŦȚ", "T"),
    ("ţťŧț", "t"),
    ("ÙÚÛŨŪŬŮŰŲƯỤỦỨỪỬỮỰ", "U"),
    ("úûũūŭůűųưụủứừửữự", "u"),
    ("ŴẀẂẄ", "W"),
    ("ŵẁẃẅ", "w"),
    ("ÝŶŸỲỴỶỸ", "Y"),
    ("ýŷÿỳỵỷỹ", "y"),
    ("ŹŻŽ", "Z"),
    ("źżž", "z"),
    ("Œ", "OE"),
    ("œ", "oe"),
    ("Ĳ", "IJ"),
    ("ĳ", "ij"),
    ("Þ", "Th"),
    ("þ", "th"),
    ("ẞ", "SS"),
];

/// Small Cyrillic letters and what they become.
const CYRILLIC: &[(char, &str)] = &[
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ё', "yo"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('й', "y"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "kh"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "shch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
    ('є', "ye"),
    ('і', "i"),
    ('ї', "yi"),
    ('ґ', "g"),
    ('ў', "u"),
];

/// A letter and a mark after it that are one letter: those of GSM-7, and Cyrillic ones.
const COMPOSED: &[(char, &str, &str)] = &[
    ('\u{300}', "aeiou", "àèìòù"),
    ('\u{301}', "eE", "éÉ"),
    ('\u{303}', "nN", "ñÑ"),
    ('\u{306}', "иИуУ", "йЙўЎ"),
    ('\u{308}', "aouAOUеЕіІ", "äöüÄÖÜёЁїЇ"),
    ('\u{30a}', "aA", "åÅ"),
    ('\u{327}', "C", "Ç"),
];

/// Rewrites texts so that they take GSM-7 instead of UCS-2, and so fewer segments.
///
/// | what | becomes |
/// |---|---|
/// | typographic quotes, dashes, spaces, bullets | those of ASCII; `…` `...`, `№` `No.`, `₽` `RUB`, `©` `(c)`, `®` `(R)`, `™` `TM`; what cannot be seen is dropped |
/// | accents that GSM-7 lacks | none: `ê` `e`, `ł` `l`, `œ` `oe`; `é à ñ ö` and the like stay |
/// | Cyrillic, if [asked for](Self::cyrillic) | Latin |
///
/// What is not listed (emoji, Greek, Chinese …) stays as it is: nothing is lost without a word, and
/// the text then takes UCS-2. A text that is in GSM-7 already is not touched.
///
/// ```
/// use notify_providers::sms::Transliteration;
///
/// let to_gsm7 = Transliteration::new();
/// assert_eq!(to_gsm7.apply("“Señor” Dvořák – 5 €…"), "\"Señor\" Dvorak - 5 €...");
/// assert_eq!(to_gsm7.apply("Щука"), "Щука");
/// assert_eq!(to_gsm7.cyrillic().apply("Щука, ЩУКА, объём"), "Shchuka, SHCHUKA, obyom");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transliteration {
    cyrillic: bool,
}

impl Transliteration {
    /// Typography and accents.
    #[must_use]
    pub const fn new() -> Self {
        Self { cyrillic: false }
    }

    /// Cyrillic letters too, read as in Russian, with those that only Ukrainian and Belarusian have:
    ///
    /// `а a, б b, в v, г g, д d, е e, ё yo, ж zh, з z, и i, й y, к k, л l, м m, н n, о o, п p, р r,
    /// с s, т t, у u, ф f, х kh, ц ts, ч ch, ш sh, щ shch, ъ –, ы y, ь –, э e, ю yu, я ya;
    /// є ye, і i, ї yi, ґ g, ў u`
    ///
    /// These are the values of the BGN/PCGN romanisation of Russian without its diacritics and
    /// apostrophes: what most people write on a keyboard without Cyrillic. It cannot be read back
    /// without loss, so it is something to be switched on.
    #[must_use]
    pub const fn cyrillic(mut self) -> Self {
        self.cyrillic = true;
        self
    }

    /// The text with all that can be rewritten.
    #[must_use]
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        if text.chars().all(|c| septets(c).is_some()) {
            return text.into();
        }
        let text: Vec<char> = compose(text);
        let mut out = String::with_capacity(text.len() * 2);
        let mut before = None;
        for (at, &c) in text.iter().enumerate() {
            let after = text.get(at + 1).copied();
            if septets(c).is_some() {
                out.push(c);
            } else if let Some(latin) = self.latin(c) {
                push_in_case(&mut out, c, latin, before, after);
            } else if let Some(known) = find(TYPOGRAPHY, c).or_else(|| find(ACCENTS, c)) {
                out.push_str(known);
            } else if !(is_accent(c) && out.ends_with(is_latin)) {
                out.push(c);
            }
            before = Some(c);
        }
        out.into()
    }

    fn latin(self, c: char) -> Option<&'static str> {
        let small = c.to_lowercase().next().unwrap_or(c);
        let found = CYRILLIC.iter().find(|(letter, _)| *letter == small);
        found.filter(|_| self.cyrillic).map(|(_, latin)| *latin)
    }
}

fn find(table: &[(&'static str, &'static str)], c: char) -> Option<&'static str> {
    let mut groups = table.iter();
    let found = groups.find(|(group, _)| group.contains(c))?;
    Some(found.1)
}

/// `latin` in the case of the letter `c`: of several letters all are capitals among capitals, else
/// the first.
fn push_in_case(out: &mut String, c: char, latin: &str, before: Option<char>, after: Option<char>) {
    if !c.is_uppercase() {
        out.push_str(latin);
        return;
    }
    let is_letter = |c: &char| c.is_alphabetic();
    let neighbour = after.filter(is_letter).or(before.filter(is_letter));
    let mut letters = latin.chars();
    out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
    if neighbour.is_some_and(char::is_uppercase) {
        out.extend(letters.map(|letter| letter.to_ascii_uppercase()));
    } else {
        out.extend(letters);
    }
}

/// The text without what cannot be seen, and with the letters of GSM-7 and Cyrillic that are written
/// as two code points in one.
fn compose(text: &str) -> Vec<char> {
    let mut out: Vec<char> = Vec::with_capacity(text.len());
    let visible = text.chars().filter(|c| find(TYPOGRAPHY, *c) != Some(""));
    for c in visible {
        let composed = out.last().and_then(|base| {
            let (_, bases, results) = COMPOSED.iter().find(|(mark, ..)| *mark == c)?;
            let at = bases.chars().position(|letter| letter == *base)?;
            results.chars().nth(at)
        });
        match (composed, out.last_mut()) {
            (Some(letter), Some(last)) => *last = letter,
            _ => out.push(c),
        }
    }
    out
}

const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Letters of Latin alphabets.
const fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

#[cfg(test)]
mod tests {
    use super::super::segment::{Encoding, count_segments};
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str) -> String {
        Transliteration::new().apply(text).into_owned()
    }

    fn latin(text: &str) -> String {
        Transliteration::new().cyrillic().apply(text).into_owned()
    }

    #[test]
    fn typography_becomes_that_of_a_typewriter() {
        assert_eq!(plain("«Да» — нет"), "\"Да\" - нет");
        assert_eq!(
            plain("it’s ‘so’ – “fine”…\u{a0}ok\tand`s"),
            "it's 'so' - \"fine\"... ok and's"
        );
        assert_eq!(
            plain("№5 10\u{202f}000 ₽ ×2 zero\u{200b}width\u{ad}"),
            "No.5 10 000 RUB x2 zerowidth"
        );
    }

    #[test]
    fn accents_go_only_where_gsm7_has_none() {
        assert_eq!(
            plain("Ça va, garçon ? Œuvre élève à Ñandú"),
            "Ça va, garcon ? OEuvre élève à Ñandu"
        );
        assert_eq!(plain("Zażółć gęślą jaźń"), "Zazolc gesla jazn");
        assert_eq!(plain("Trần Hưng Đạo"), "Tran Hung Dao");
    }

    #[test]
    fn letters_in_two_code_points_are_letters() {
        assert_eq!(
            plain("e\u{301}te\u{301} Dvor\u{30c}a\u{301}k n\u{303}"),
            "été Dvorak ñ"
        );
        assert_eq!(latin("и\u{306}од е\u{308}лка"), "yod yolka");
        // A mark goes with its letter: a stress is dropped with Cyrillic, and kept on it.
        assert_eq!(latin("за\u{301}мок"), "zamok");
        assert_eq!(plain("за\u{301}мок"), "за\u{301}мок");
    }

    #[test]
    fn cyrillic_is_rewritten_only_if_asked() {
        assert_eq!(plain("Ваш код"), "Ваш код");
        assert_eq!(
            latin("Ваш код: 1042. Съешь ещё этих мягких французских булок, да выпей же чаю"),
            "Vash kod: 1042. Sesh eshchyo etikh myagkikh frantsuzskikh bulok, da vypey zhe chayu"
        );
        assert_eq!(
            latin("Київ, Єва, їжак, ґанок; Быкаў"),
            "Kiyiv, Yeva, yizhak, ganok; Bykau"
        );
    }

    #[test]
    fn capitals_stay_capitals() {
        assert_eq!(
            latin("Юля ЮЛЯ Я. Я, ЩИ Щи я-Я"),
            "Yulya YULYA Ya. Ya, SHCHI Shchi ya-Ya"
        );
        assert_eq!(latin("ОБЪЯВЛЕНИЕ Объявление"), "OBYAVLENIE Obyavlenie");
    }

    #[test]
    fn what_is_in_gsm7_or_unknown_stays() {
        let gsm7 = "Grüße à 5€ {ok}";
        assert!(matches!(Transliteration::new().apply(gsm7), Cow::Borrowed(text) if text == gsm7));
        assert_eq!(latin("👍 你好 Ω"), "👍 你好 Ω");
    }

    #[test]
    fn every_replacement_is_in_gsm7_and_no_letter_is_listed_twice() {
        let groups = TYPOGRAPHY.iter().chain(ACCENTS);
        let mut seen: Vec<char> = groups
            .clone()
            .flat_map(|(group, _)| group.chars())
            .collect();
        seen.extend(CYRILLIC.iter().map(|(letter, _)| *letter));
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
        let results = groups
            .map(|(_, result)| *result)
            .chain(CYRILLIC.iter().map(|(_, r)| *r));
        for result in results {
            assert_eq!(Encoding::of(result), Encoding::Gsm7, "{result}");
        }
        for (mark, bases, results) in COMPOSED {
            assert_eq!(bases.chars().count(), results.chars().count(), "{mark:?}");
        }
    }

    proptest! {
        #[test]
        fn russian_text_comes_out_in_gsm7(text in "[а-яА-ЯёЁ0-9 .,!?«»—…№]{0,60}") {
            prop_assert_eq!(Encoding::of(&latin(&text)), Encoding::Gsm7);
        }

        #[test]
        fn a_second_pass_changes_nothing(text in "[а-яёa-zê’…👍\u{301}\u{308} ]{0,40}|\\PC{0,40}") {
            prop_assert_eq!(latin(&latin(&text)), latin(&text));
            prop_assert_eq!(plain(&plain(&text)), plain(&text));
        }

        #[test]
        fn accents_and_quotes_never_cost_a_segment_more(text in "[a-z ’“”–ëêłñ\u{301}]{0,200}") {
            prop_assert!(count_segments(&plain(&text)).count <= count_segments(&text).count);
        }
    }
}
