//! One name for each idempotency key: for Message-IDs and files.

use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write as _;

/// The longest name that keeps the key readable, in bytes: a Message-ID and a file name both have
/// room for it.
const MAX_READABLE: usize = 128;

/// The key in letters, digits, `-`, `_` and `=`; different keys have different names.
///
/// Every other byte becomes `=` and two hexadecimal digits, so that `a:b` and `a/b` stay apart:
/// receivers drop the second mail with a Message-ID they have seen. A key that would be longer than
/// 128 bytes is named by its beginning and its SHA-256; the dot between them occurs in no other
/// name.
pub(crate) fn stable_name(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            name.push(char::from(byte));
        } else {
            hex(&mut name, &[byte], "=");
        }
    }
    if name.is_empty() || name.len() > MAX_READABLE {
        name.truncate(32);
        name.push_str(if name.is_empty() { "empty." } else { "." });
        hex(&mut name, digest(&SHA256, key.as_bytes()).as_ref(), "");
    }
    name
}

fn hex(out: &mut String, bytes: &[u8], before: &str) {
    for byte in bytes {
        write!(out, "{before}{byte:02x}").expect("a String takes every write");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_key_is_its_own_name() {
        assert_eq!(
            stable_name("0198c0de-7000-7000-8000-000000000001_1"),
            "0198c0de-7000-7000-8000-000000000001_1"
        );
        assert_eq!(stable_name("a:b/../c"), "a=3ab=2f=2e=2e=2fc");
    }

    #[test]
    fn a_long_key_is_named_by_its_hash() {
        let (a, b) = (stable_name(&"x".repeat(300)), stable_name(&"x".repeat(301)));
        assert_ne!(a, b);
        assert_eq!(a.len(), 32 + 1 + 64);
        assert!(stable_name("").starts_with("empty."));
    }

    proptest! {
        #[test]
        fn different_keys_have_different_names(a in ".{0,40}", b in ".{0,40}") {
            prop_assert_eq!(a == b, stable_name(&a) == stable_name(&b));
        }

        #[test]
        fn a_name_is_safe_in_a_header_and_in_a_path(key in any::<String>()) {
            let name = stable_name(&key);
            prop_assert!((1..=128).contains(&name.len()));
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=.".contains(&b)));
            prop_assert!(!name.starts_with('.') && !name.contains("..") && !name.ends_with('.'));
        }
    }
}
