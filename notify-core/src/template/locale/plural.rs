//! Plural forms: which one goes with which number, after the CLDR.

use serde::{Deserialize, Serialize};

use super::decimal::Decimal;
use super::{language, same_tag};

/// A plural form. English has `one` and `other`, Russian `one`, `few`, `many` and `other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PluralCategory {
    /// Nothing, in Arabic.
    Zero,
    /// One, and in Russian also 21 and 31.
    One,
    /// Two, in Arabic.
    Two,
    /// 2 to 4 in Slavic languages, 3 to 10 in Arabic.
    Few,
    /// 5 to 20 in Slavic languages, 11 to 99 in Arabic, whole millions in Romance ones.
    Many,
    /// Everything else. Every language has it.
    Other,
}

impl PluralCategory {
    /// Every form.
    pub const ALL: [Self; 6] = [
        Self::Zero,
        Self::One,
        Self::Two,
        Self::Few,
        Self::Many,
        Self::Other,
    ];

    /// The form as translations name it: `zero`, `one`, …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::One => "one",
            Self::Two => "two",
            Self::Few => "few",
            Self::Many => "many",
            Self::Other => "other",
        }
    }
}

/// A number as the rules of the CLDR see it.
struct Operands {
    /// The integer, exact below 10^18, and right in its last digits beyond.
    i: u64,
    /// How many decimals are written.
    v: usize,
    /// Whether the number is whole: `1.0` is, though a decimal is written.
    is_whole: bool,
}

impl Operands {
    fn of(number: &Decimal) -> Self {
        let digits = &number.integer;
        let last = &digits[digits.len().saturating_sub(18)..];
        let beyond = if digits.len() > 18 {
            1_000_000_000_000_000_000
        } else {
            0
        };
        Self {
            i: last.parse::<u64>().unwrap_or(0) + beyond,
            v: number.fraction.len(),
            is_whole: number.fraction.bytes().all(|b| b == b'0'),
        }
    }

    const fn is_million(&self) -> bool {
        self.v == 0 && self.i != 0 && self.i.is_multiple_of(1_000_000)
    }
}

/// How a language tells its forms apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Arabic,
    Czech,
    English,
    French,
    Hungarian,
    Italian,
    Japanese,
    Polish,
    Portuguese,
    Russian,
    Spanish,
}

fn rule(tag: &str) -> Option<Rule> {
    if same_tag(tag, "pt-PT") {
        return Some(Rule::Italian);
    }
    Some(match language(tag).to_ascii_lowercase().as_str() {
        "ar" => Rule::Arabic,
        "cs" | "sk" => Rule::Czech,
        "de" | "en" | "et" | "fi" | "nl" | "sv" => Rule::English,
        "fr" => Rule::French,
        "bg" | "el" | "hu" | "nb" | "nn" | "no" | "tr" => Rule::Hungarian,
        "ca" | "it" => Rule::Italian,
        "id" | "ja" | "ko" | "ms" | "th" | "vi" | "zh" => Rule::Japanese,
        "pl" => Rule::Polish,
        "pt" => Rule::Portuguese,
        "be" | "ru" | "uk" => Rule::Russian,
        "es" => Rule::Spanish,
        _ => return None,
    })
}

/// The form that goes with a number.
pub(in crate::template) fn category(tag: &str, number: &Decimal) -> PluralCategory {
    let n = Operands::of(number);
    let (tens, hundreds) = (n.i % 10, n.i % 100);
    let is_whole = n.v == 0;
    match rule(tag).unwrap_or(Rule::Hungarian) {
        Rule::Arabic if !n.is_whole => PluralCategory::Other,
        Rule::Arabic => match (n.i, hundreds) {
            (0, _) => PluralCategory::Zero,
            (1, _) => PluralCategory::One,
            (2, _) => PluralCategory::Two,
            (_, 3..=10) => PluralCategory::Few,
            (_, 11..=99) => PluralCategory::Many,
            _ => PluralCategory::Other,
        },
        Rule::Czech => match n.i {
            _ if !is_whole => PluralCategory::Many,
            1 => PluralCategory::One,
            2..=4 => PluralCategory::Few,
            _ => PluralCategory::Other,
        },
        Rule::English | Rule::Italian if is_whole && n.i == 1 => PluralCategory::One,
        Rule::French | Rule::Portuguese if n.i < 2 => PluralCategory::One,
        Rule::Hungarian | Rule::Spanish if n.is_whole && n.i == 1 => PluralCategory::One,
        Rule::French | Rule::Italian | Rule::Portuguese | Rule::Spanish if n.is_million() => {
            PluralCategory::Many
        }
        Rule::Polish | Rule::Russian if !is_whole => PluralCategory::Other,
        Rule::Polish if n.i == 1 => PluralCategory::One,
        Rule::Russian if tens == 1 && hundreds != 11 => PluralCategory::One,
        Rule::Polish | Rule::Russian => {
            if matches!(tens, 2..=4) && !matches!(hundreds, 12..=14) {
                PluralCategory::Few
            } else {
                PluralCategory::Many
            }
        }
        _ => PluralCategory::Other,
    }
}

/// Whether a language has a form; `true` for languages that are not known.
pub(in crate::template) fn has_category(tag: &str, category: PluralCategory) -> bool {
    use PluralCategory::{Few, Many, One, Other};
    let forms: &[PluralCategory] = match rule(tag) {
        None | Some(Rule::Arabic) => return true,
        Some(Rule::Czech | Rule::Polish | Rule::Russian) => &[One, Few, Many, Other],
        Some(Rule::English | Rule::Hungarian) => &[One, Other],
        Some(Rule::French | Rule::Italian | Rule::Portuguese | Rule::Spanish) => {
            &[One, Many, Other]
        }
        Some(Rule::Japanese) => &[Other],
    };
    forms.contains(&category)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, proptest};
    use serde_json::json;

    fn of(tag: &str, number: &str) -> PluralCategory {
        category(tag, &Decimal::read(&json!(number)).expect("a number"))
    }

    /// The samples of the CLDR's plural rules, by language and form.
    const SAMPLES: &[(&str, PluralCategory, &str)] = &[
        ("en", PluralCategory::One, "1"),
        (
            "en",
            PluralCategory::Other,
            "0 2 16 100 1000 1000000 1.0 0.1 1.5",
        ),
        ("de", PluralCategory::One, "1"),
        ("de", PluralCategory::Other, "0 2 16 100 1000 1.0 0.1"),
        ("es", PluralCategory::One, "1 1.0 1.00"),
        ("es", PluralCategory::Many, "1000000 2000000"),
        ("es", PluralCategory::Other, "0 2 16 1000 0.9 1.1 1000000.0"),
        ("fr", PluralCategory::One, "0 1 0.0 1.5"),
        ("fr", PluralCategory::Many, "1000000"),
        ("fr", PluralCategory::Other, "2 17 100 1000 2.0 3.5"),
        ("pt", PluralCategory::One, "0 1 0.0 1.5"),
        ("pt-BR", PluralCategory::Other, "2 17 100 2.0"),
        ("pt-PT", PluralCategory::One, "1"),
        ("pt-PT", PluralCategory::Other, "0 2 16 1.0 1.5"),
        ("it", PluralCategory::One, "1"),
        ("it", PluralCategory::Many, "1000000"),
        ("it", PluralCategory::Other, "0 2 16 1.0"),
        ("ru", PluralCategory::One, "1 21 31 101 1001"),
        ("ru", PluralCategory::Few, "2 3 4 22 24 102 1002"),
        (
            "ru",
            PluralCategory::Many,
            "0 5 11 12 14 19 100 111 1000000",
        ),
        ("ru", PluralCategory::Other, "0.0 1.5 10.0"),
        ("uk", PluralCategory::One, "1 21"),
        ("uk", PluralCategory::Few, "2 34"),
        ("uk", PluralCategory::Many, "0 5 11 112"),
        ("pl", PluralCategory::One, "1"),
        ("pl", PluralCategory::Few, "2 4 22 34 102"),
        ("pl", PluralCategory::Many, "0 5 12 19 21 31 100 101 1000"),
        ("pl", PluralCategory::Other, "0.0 1.5"),
        ("ja", PluralCategory::Other, "0 1 2 100 1.5"),
        ("zh-Hant", PluralCategory::Other, "0 1 2 100 1.5"),
        ("ar", PluralCategory::Zero, "0 0.0"),
        ("ar", PluralCategory::One, "1 1.0"),
        ("ar", PluralCategory::Two, "2"),
        ("ar-EG", PluralCategory::Few, "3 10 103 110 1003"),
        ("ar", PluralCategory::Many, "11 26 99 111 1011"),
        ("ar", PluralCategory::Other, "100 102 200 202 1000 0.1 1.5"),
        ("cs", PluralCategory::Few, "2 3 4"),
        ("cs", PluralCategory::Many, "0.0 1.5"),
        ("xx", PluralCategory::One, "1"),
        ("xx", PluralCategory::Other, "0 2 1.5"),
    ];

    #[test]
    fn each_language_follows_the_samples_of_the_cldr() {
        for (tag, form, numbers) in SAMPLES {
            for number in numbers.split(' ') {
                assert_eq!(of(tag, number), *form, "{tag} {number}");
            }
        }
    }

    #[test]
    fn numbers_beyond_64_bits_have_a_form() {
        assert_eq!(
            of("ru", "100000000000000000000000000000000021"),
            PluralCategory::One
        );
        assert_eq!(
            of("en", "100000000000000000000000000000000001"),
            PluralCategory::Other
        );
    }

    proptest! {
        #[test]
        fn a_form_that_is_chosen_is_one_the_language_has(n in any::<u64>(), tenths in 0..20_u8, no in 0..SAMPLES.len()) {
            let tag = SAMPLES[no].0;
            for number in [n.to_string(), (n % 1_000).to_string(), format!("{}.{tenths}", n % 50)] {
                prop_assert!(has_category(tag, of(tag, &number)), "{} {}", tag, number);
            }
        }
    }
}
