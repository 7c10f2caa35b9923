//! Decimal numbers as they are written, so that amounts never pass through binary fractions.

use serde_json::Value;

/// The longest number that is read, in characters.
const MAX_LENGTH: usize = 64;

/// A number by its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::template) struct Decimal {
    pub(super) is_negative: bool,
    /// Without leading zeros, but never empty.
    pub(super) integer: String,
    pub(super) fraction: String,
}

impl Decimal {
    /// Reads a JSON number, or a text such as `-1234.50`.
    pub(in crate::template) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(_), _, _) | (_, Some(_), _) => Self::parse(&number.to_string()),
                // Rust prints floats without an exponent, JSON with.
                (_, _, Some(float)) if number.to_string().contains(['e', 'E']) => {
                    Self::digits(&float.to_string())
                }
                _ => Self::parse(&number.to_string()),
            },
            Value::String(text) => Self::parse(text.trim()),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            None
        } else {
            Self::digits(text)
        }
    }

    fn digits(text: &str) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let is_number = !integer.is_empty()
            && !digits.ends_with('.')
            && all_digits(integer)
            && all_digits(fraction);
        let integer = integer.trim_start_matches('0');
        let integer = if integer.is_empty() { "0" } else { integer };
        is_number.then(|| Self {
            is_negative,
            integer: integer.to_owned(),
            fraction: fraction.to_owned(),
        })
    }

    /// With exactly this many decimals; a half is rounded away from zero, as on bills.
    pub(in crate::template) fn rounded(mut self, decimals: usize) -> Self {
        if self.fraction.len() <= decimals {
            let missing = decimals - self.fraction.len();
            self.fraction.extend(std::iter::repeat_n('0', missing));
            return self;
        }
        let rounds_up = self.fraction.as_bytes()[decimals] >= b'5';
        self.fraction.truncate(decimals);
        if rounds_up {
            let mut digits = format!("0{}{}", self.integer, self.fraction).into_bytes();
            for digit in digits.iter_mut().rev() {
                if *digit == b'9' {
                    *digit = b'0';
                } else {
                    *digit += 1;
                    break;
                }
            }
            let digits: String = digits.into_iter().map(char::from).collect();
            let (integer, fraction) = digits.split_at(digits.len() - decimals);
            let integer = integer.trim_start_matches('0');
            self.integer = if integer.is_empty() { "0" } else { integer }.to_owned();
            self.fraction = fraction.to_owned();
        }
        if self.integer == "0" && self.fraction.bytes().all(|b| b == b'0') {
            self.is_negative = false;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use serde_json::json;

    fn rounded(value: Value, decimals: usize) -> String {
        let number = Decimal::read(&value).expect("a number").rounded(decimals);
        let sign = if number.is_negative { "-" } else { "" };
        format!("{sign}{}.{}", number.integer, number.fraction)
    }

    #[test]
    fn halves_are_rounded_away_from_zero_by_their_digits() {
        assert_eq!(rounded(json!(1.005), 2), "1.01");
        assert_eq!(rounded(json!("2.675"), 2), "2.68");
        assert_eq!(rounded(json!(999.999), 2), "1000.00");
        assert_eq!(rounded(json!(-0.004), 2), "0.00");
        assert_eq!(rounded(json!(-0.005), 2), "-0.01");
        assert_eq!(rounded(json!(0.5), 0), "1.");
        assert_eq!(rounded(json!(7), 2), "7.00");
        assert_eq!(rounded(json!("0007.1"), 3), "7.100");
        assert_eq!(rounded(json!(1e21), 1), "1000000000000000000000.0");
        assert_eq!(rounded(json!(u64::MAX), 0), "18446744073709551615.");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for value in [
            json!("1,5"),
            json!(""),
            json!("-"),
            json!("1."),
            json!("1e5"),
            json!(null),
            json!("0x1"),
        ] {
            assert_eq!(Decimal::read(&value), None, "{value}");
        }
        assert_eq!(Decimal::read(&json!("9".repeat(65))), None);
    }

    proptest! {
        #[test]
        fn whole_numbers_are_rounded_to_themselves(n in any::<i64>(), decimals in 1_usize..5) {
            prop_assert_eq!(rounded(json!(n), decimals), format!("{n}.{}", "0".repeat(decimals)));
        }
    }
}
