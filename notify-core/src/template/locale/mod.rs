//! How each language writes numbers, amounts and dates, and which plural forms it has.
//!
//! Short tables after the Unicode CLDR, for the languages that are named there. A language that is not
//! in them gets ISO dates and English numbers, and `one` for exactly one.

mod currency;
mod date;
mod decimal;
mod format;
mod plural;
mod tables;

pub(super) use date::Moment;
pub(super) use decimal::Decimal;
pub(super) use format::Format;
pub use plural::PluralCategory;
pub(super) use plural::{category, has_category};

/// Whether two tags name the same locale: `pt-BR`, `pt_br`.
pub(super) fn same_tag(a: &str, b: &str) -> bool {
    let same = |(x, y): (u8, u8)| {
        x.eq_ignore_ascii_case(&y) || matches!((x, y), (b'-', b'_') | (b'_', b'-'))
    };
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(same)
}

/// The language of a tag: `pt` of `pt-BR`.
fn language(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_separator_do_not_tell_locales_apart() {
        assert!(same_tag("pt-BR", "pt_br"));
        assert!(!same_tag("pt-BR", "pt-PT"));
        assert!(!same_tag("pt", "pt-BR"));
        assert_eq!(language("zh-Hant-TW"), "zh");
    }
}
