//! What is left on an account.

use serde_json::Value;

/// What is left on the account with a vendor, as its provider's `balance` says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Balance {
    /// In millionths of the account's currency; below zero is a debt.
    pub micros: i64,
    /// The currency (ISO 4217), where the vendor says; else that of the contract.
    pub currency: Option<String>,
}

impl Balance {
    /// An amount as vendors write it: a number, or a text that is one.
    pub(crate) fn read(amount: &Value, currency: Option<String>) -> Option<Self> {
        let micros = micros(amount)?;
        Some(Self { micros, currency })
    }
}

/// Millionths of a decimal number, exactly; digits behind the sixth are dropped.
pub(crate) fn micros(amount: &Value) -> Option<i64> {
    let number = amount.as_number().map(ToString::to_string);
    let text = number.as_deref().or(amount.as_str())?.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let mut fraction = format!("{fraction:0<6}");
    fraction.truncate(6);
    let whole: i64 = whole.parse().ok()?;
    let micros = whole
        .checked_mul(1_000_000)?
        .checked_add(fraction.parse().ok()?)?;
    Some(if negative { -micros } else { micros })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_read_exactly_in_each_form() {
        for (amount, expected) in [
            (json!("100.5"), Some(100_500_000)),
            (json!(4122.56), Some(4_122_560_000)),
            (json!(0), Some(0)),
            (json!("-0.07"), Some(-70_000)),
            (json!(" 1.23456789 "), Some(1_234_567)),
            (json!("9223372036854775807"), None),
            (json!("1,5"), None),
            (json!(""), None),
            (json!(".5"), None),
            (json!("1.-5"), None),
            (json!(null), None),
        ] {
            assert_eq!(micros(&amount), expected, "{amount}");
        }
    }
}
