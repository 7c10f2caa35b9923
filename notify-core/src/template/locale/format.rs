//! How one locale writes numbers and amounts.

use super::currency;
use super::decimal::Decimal;
use super::same_tag;
use super::tables::{FORMATS, ROOT};
use crate::id::Locale;

/// Where the sign of a currency stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    After,
    Before,
    BeforeSpace,
}

/// How one locale writes.
#[derive(Clone, Copy, Debug)]
pub(in crate::template) struct Format {
    /// The locales that write so; a language stands for its regions that are not listed.
    pub(super) tags: &'static [&'static str],
    pub(super) decimal: &'static str,
    pub(super) group: &'static str,
    /// Digits before the first separator that a number must have to get one: 2 leaves 1234 alone.
    pub(super) min_grouping: usize,
    pub(super) currency: Place,
    /// From January, as they stand in a date; set apart by spaces, as the next two.
    pub(super) months: &'static str,
    pub(super) short_months: &'static str,
    /// From Monday.
    pub(super) days: &'static str,
    /// The halves of a day.
    pub(super) halves: [&'static str; 2],
    pub(super) short: &'static str,
    pub(super) medium: &'static str,
    pub(super) long: &'static str,
    pub(super) full: &'static str,
    pub(super) time: &'static str,
    /// What stands between a date and a time.
    pub(super) join: &'static str,
}

impl Format {
    /// How a locale writes, by its longest form that is known.
    pub(in crate::template) fn of(locale: &Locale) -> &'static Self {
        let known = |tag: &str| {
            FORMATS
                .iter()
                .find(|format| format.tags.iter().any(|known| same_tag(known, tag)))
        };
        locale.chain().find_map(known).unwrap_or(&ROOT)
    }

    /// Writes a number.
    pub(in crate::template) fn number(&self, number: &Decimal) -> String {
        let sign = if number.is_negative { "-" } else { "" };
        self.digits(number, sign)
    }

    fn digits(&self, number: &Decimal, before: &str) -> String {
        let mut text = String::with_capacity(number.integer.len() * 2 + number.fraction.len() + 8);
        text.push_str(before);
        let length = number.integer.len();
        let is_grouped = length >= 3 + self.min_grouping;
        for (at, digit) in number.integer.chars().enumerate() {
            if is_grouped && at > 0 && (length - at).is_multiple_of(3) {
                text.push_str(self.group);
            }
            text.push(digit);
        }
        if !number.fraction.is_empty() {
            text.push_str(self.decimal);
            text.push_str(&number.fraction);
        }
        text
    }

    /// Writes an amount, with as many decimals as the currency has if none are asked for.
    pub(in crate::template) fn currency(
        &self,
        amount: &Decimal,
        code: &str,
        decimals: Option<usize>,
    ) -> String {
        let amount = amount
            .clone()
            .rounded(decimals.unwrap_or_else(|| currency::decimals(code)));
        let sign = currency::sign(code, self.tags.first().copied().unwrap_or_default());
        let minus = if amount.is_negative { "-" } else { "" };
        // Letters are set apart from digits wherever they stand.
        let is_code = sign.ends_with(|c: char| c.is_ascii_alphabetic());
        match self.currency {
            Place::After => format!("{}\u{a0}{sign}", self.number(&amount)),
            Place::Before if !is_code => self.digits(&amount, &format!("{minus}{sign}")),
            Place::Before | Place::BeforeSpace => {
                self.digits(&amount, &format!("{minus}{sign}\u{a0}"))
            }
        }
    }
}
