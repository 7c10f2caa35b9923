//! Phone numbers as vendors want them.

use notify_core::Address;

/// The digits of a number in E.164 form (`+`, 8 to 15 digits, the first not 0): some vendors want
/// them without the sign.
pub(crate) fn e164_digits(number: &str) -> Option<&str> {
    Address::phone(number).validate().ok()?;
    number.strip_prefix('+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_e164_has_digits() {
        assert_eq!(e164_digits("+79991234567"), Some("79991234567"));
        for bad in [
            "79991234567",
            "+0999123456",
            "+7 999 123",
            "+7999",
            "+1234567890123456",
            "",
            "+",
        ] {
            assert_eq!(e164_digits(bad), None, "{bad}");
        }
    }
}
