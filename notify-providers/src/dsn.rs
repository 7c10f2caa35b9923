//! Reading DSNs such as `smtps://user:password@host/?name=value`, with errors that show nothing of them.

use notify_core::{Error, ErrorKind, Result};
#[cfg(any(feature = "file", feature = "smtp"))]
use std::str::FromStr;

/// Scheme, what stands between it and the question mark, and what follows that. All empty where there is no scheme.
pub(crate) fn split(dsn: &str) -> (&str, &str, &str) {
    let (scheme, rest) = dsn.split_once("://").unwrap_or_default();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    (scheme, rest, query)
}

/// The parameters, not decoded.
pub(crate) fn parameters_of(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Decodes and reads one value.
#[cfg(any(feature = "file", feature = "smtp"))]
pub(crate) fn read<T: FromStr>(field: &'static str, value: &str) -> Result<T> {
    decode(field, value)?
        .parse()
        .map_err(|_| error(field, "does not read"))
}

/// Percent-decoding (RFC 3986 §2.1). A plus stays a plus: it occurs in addresses.
pub(crate) fn decode(field: &'static str, text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || {
            char::from(rest.next()?)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        bytes.push(match byte {
            b'%' => match (digit(), digit()) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(error(field, "has a % without two hexadecimal digits")),
            },
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| error(field, "is not UTF-8"))
}

/// Names a part of the DSN and says what is wrong with it.
pub(crate) fn error(field: &'static str, why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{why} in the dsn of a provider")).field(field)
}

/// Its name is not repeated: a password with an unescaped question mark ends up here.
pub(crate) fn unknown_parameter() -> Error {
    error("parameter", "there is one that is not known")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_a_plus_stays() {
        let decoded = decode("user", "a+b%20%D0%AF%3a").expect("decodes");
        assert_eq!(decoded, "a+b Я:");
        for bad in ["%", "%4", "%zz", "%ff", "%+1"] {
            assert_eq!(
                decode("user", bad).expect_err(bad).field_name(),
                Some("user")
            );
        }
    }

    #[test]
    fn a_dsn_has_three_parts() {
        assert_eq!(split("a://b/c?d=e"), ("a", "b/c", "d=e"));
        assert_eq!(split("a://b"), ("a", "b", ""));
        assert_eq!(split("a:b"), ("", "", ""));
        let parameters: Vec<_> = parameters_of("a=1&b&&c=2=3").collect();
        assert_eq!(parameters, [("a", "1"), ("b", ""), ("c", "2=3")]);
    }
}
