//! What a text message costs, before it is sent.

use notify_core::{Error, ErrorKind, Result};
use std::collections::BTreeMap;

use super::phone::e164_digits;
use super::segment::Segments;

/// The most digits of a number (ITU-T E.164).
const MAX_DIGITS: usize = 15;

/// Prices of one segment by the beginning of the number, as the application knows them from its
/// contract with a vendor.
///
/// Prices are whole millionths of the account's currency, the unit of
/// [`Capabilities::price_micros`](notify_core::provider::Capabilities::price_micros): 0.0079 is
/// 7 900. The longest beginning that fits a number decides, so a country has one entry and its dear
/// networks have more.
///
/// ```
/// use notify_providers::sms::{PriceTable, count_segments};
///
/// let prices = PriceTable::new()
///     .with("+44", 40_000)?
///     .with("+447781", 130_000)? // Guernsey
///     .with("+1", 7_900)?;
/// let segments = count_segments(&"a".repeat(200));
/// assert_eq!(prices.cost("+447700900123", segments), Some(80_000));
/// assert_eq!(prices.cost("+447781900123", segments), Some(260_000));
///
/// // No entry: no price is known, and the application decides whether to send at all.
/// assert_eq!(prices.cost("+33612345678", segments), None);
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTable {
    by_prefix: BTreeMap<String, u64>,
    default: Option<u64>,
}

impl PriceTable {
    /// A table without prices.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            by_prefix: BTreeMap::new(),
            default: None,
        }
    }

    /// The price of one segment to numbers that begin like this: 1 to 15 digits, with a `+` in front
    /// or without. The last price of a prefix counts.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the prefix is anything else.
    pub fn with(mut self, prefix: &str, micros: u64) -> Result<Self> {
        let digits = prefix.strip_prefix('+').unwrap_or(prefix);
        let is_prefix = (1..=MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if !is_prefix {
            let why = "a prefix of the price table is not a `+` and 1 to 15 digits";
            return Err(Error::new(ErrorKind::Config, why));
        }
        self.by_prefix.insert(digits.to_owned(), micros);
        Ok(self)
    }

    /// The price of one segment to all other numbers. Without it they have no price.
    #[must_use]
    pub const fn with_default(mut self, micros: u64) -> Self {
        self.default = Some(micros);
        self
    }

    /// The price of one segment to all other numbers.
    #[cfg(feature = "_http")]
    pub(crate) const fn default_micros(&self) -> Option<u64> {
        self.default
    }

    /// The price of one segment to `number`, which is in E.164 form; `None` if it is not, or the
    /// table says nothing of it.
    #[must_use]
    pub fn price_micros(&self, number: &str) -> Option<u64> {
        let digits = e164_digits(number)?;
        let prefixes = (1..=digits.len()).rev().map(|end| &digits[..end]);
        let mut prices = prefixes.filter_map(|prefix| self.by_prefix.get(prefix));
        prices.next().copied().or(self.default)
    }

    /// The price of a message of this length to `number`.
    #[must_use]
    pub fn cost(&self, number: &str, segments: Segments) -> Option<u64> {
        let count = u64::try_from(segments.count).ok()?;
        Some(self.price_micros(number)?.saturating_mul(count))
    }
}

#[cfg(test)]
mod tests {
    use super::super::count_segments;
    use super::*;
    use proptest::prelude::*;

    fn table() -> PriceTable {
        let table = PriceTable::new()
            .with("+7", 38_000)
            .and_then(|table| table.with("77", 90_000));
        table.expect("prefixes")
    }

    #[test]
    fn the_longest_prefix_wins_and_an_unknown_number_has_no_price() {
        assert_eq!(table().price_micros("+79991234567"), Some(38_000));
        assert_eq!(table().price_micros("+77011234567"), Some(90_000));
        assert_eq!(table().price_micros("+15550100"), None);
        let table = table().with_default(500_000);
        assert_eq!(table.price_micros("+15550100"), Some(500_000));
        assert_eq!(table.price_micros("89991234567"), None, "not in E.164 form");
    }

    #[test]
    fn a_message_costs_its_segments() {
        let table = table();
        assert_eq!(
            table.cost("+79991234567", count_segments("hi")),
            Some(38_000)
        );
        assert_eq!(
            table.cost("+79991234567", count_segments(&"я".repeat(71))),
            Some(76_000)
        );
        let dear = PriceTable::new().with_default(u64::MAX);
        let three = count_segments(&"a".repeat(400));
        assert_eq!(
            dear.cost("+79991234567", three),
            Some(u64::MAX),
            "saturates"
        );
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for bad in ["", "+", "++7", "007", "7a", "+7 ", "1234567890123456"] {
            let error = PriceTable::new().with(bad, 1).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }

    proptest! {
        #[test]
        fn no_other_prefix_of_the_number_is_longer(
            prefixes in proptest::collection::vec("[1-3]{1,5}", 0..8),
            number in "[1-3]{8,12}",
        ) {
            let add = |table: PriceTable, prefix: &String| table.with(prefix, prefix.len() as u64);
            let table = prefixes.iter().try_fold(PriceTable::new(), add).expect("prefixes");
            let longest = prefixes.iter().filter(|prefix| number.starts_with(*prefix));
            let longest = longest.map(|prefix| prefix.len() as u64).max();
            prop_assert_eq!(table.price_micros(&format!("+{number}")), longest);
        }
    }
}
