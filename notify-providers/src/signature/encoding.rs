//! Bytes as text: hex, base64, base64url, percent-encoding, and the SHA-256 of a text in hex.

use aws_lc_rs::digest::{Digest, SHA256, digest};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What vendors send is read with padding and without: what is compared are the bytes.
const TOLERANT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, TOLERANT);
const URL_SAFE: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, TOLERANT.with_encode_padding(false));

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    text
}

/// The bytes of a hex text in either case.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok())
        .collect()
}

/// Base64 with padding (RFC 4648 §4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a base64 text, with padding or without.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Base64url without padding (RFC 4648 §5, RFC 7515 §2).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// The bytes of a base64url text, with padding or without.
pub(crate) fn unbase64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE.decode(text).ok()
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    digest(&SHA256, bytes)
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(sha256(bytes).as_ref())
}

/// Everything but letters, digits, `-._~` and the bytes in `kept` as `%XX` (RFC 3986 §2.3).
pub(crate) fn percent_encode(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
    out
}

/// The names and values of a query or a form, in order; `+` is a space, a `%` that encodes nothing
/// stays (WHATWG URL, `application/x-www-form-urlencoded`).
pub(crate) fn form_pairs(form: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(form.as_bytes())
        .into_owned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_rfc_4648_read_and_write() {
        // RFC 4648 §10, and §5 for the two characters that differ.
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
            assert_eq!(unbase64(text).as_deref(), Some(plain.as_bytes()));
            let bare = text.trim_end_matches('=');
            assert_eq!(unbase64(bare).as_deref(), Some(plain.as_bytes()));
            assert_eq!(base64url(plain.as_bytes()), bare);
        }
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
        assert_eq!(unbase64url("-_8=").as_deref(), Some(&[0xfb, 0xff][..]));
        assert_eq!(unbase64("-_8="), None);
    }

    #[test]
    fn what_is_not_hex_is_refused() {
        for bad in ["0", "0g", "+1", "é", "0x00"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
        assert_eq!(unhex("00FFa0"), Some(vec![0, 255, 160]));
    }

    #[test]
    fn a_form_is_decoded_as_browsers_encode_it() {
        let pairs = form_pairs("a=1+2&b=%2B7%E2%82%AC&&c&d=100%&e=%zz&a==");
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let expected = [
            ("a", "1 2"),
            ("b", "+7€"),
            ("c", ""),
            ("d", "100%"),
            ("e", "%zz"),
            ("a", "="),
        ];
        assert_eq!(pairs, expected);
    }

    proptest! {
        #[test]
        fn bytes_survive_every_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(unbase64(&base64(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(unbase64url(&base64url(&bytes)), Some(bytes));
        }

        #[test]
        fn percent_encoding_is_undone_by_decoding(text in "\\PC{0,20}", form in "[ -~é€]{0,20}") {
            let encoded = format!("a={}", percent_encode(&text, b""));
            prop_assert_eq!(form_pairs(&encoded), [("a".to_owned(), text)]);
            form_pairs(&form);
        }
    }
}
