//! Idempotency keys in the forms that vendors take.

use crate::signature::encoding::{hex, sha256, sha256_hex};

/// A key of visible ASCII characters, up to 256: as it is where it fits, else its hash.
pub(crate) fn plain(key: &str) -> String {
    let fits = (1..=256).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        key.to_owned()
    } else {
        sha256_hex(key.as_bytes())
    }
}

/// A key as a UUID (RFC 9562 §5.8): the same one for the same key.
pub(crate) fn uuid(key: &str) -> String {
    let hash = sha256(key.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    bytes[6] = 0x80 | bytes[6] & 0x0f;
    bytes[8] = 0x80 | bytes[8] & 0x3f;
    let hex = hex(&bytes);
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// One key for several messages in one call: another one as soon as one of them is another.
pub(crate) fn of_all<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for key in keys {
        // With its length, so that no two lists read the same.
        all.push_str(&format!("{}:{key}", key.len()));
    }
    sha256_hex(all.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_form_where_it_can() {
        assert_eq!(plain("0190b3c4-0000-0-test"), "0190b3c4-0000-0-test");
        for long in ["", "a b", "ключ", &"x".repeat(257)] {
            assert_eq!(plain(long).len(), 64, "{long}");
        }
    }

    #[test]
    fn a_uuid_is_the_same_for_the_same_key() {
        let id = uuid("key");
        assert_eq!(id, uuid("key"));
        assert_ne!(id, uuid("other"));
        let dashes: Vec<_> = id.match_indices('-').map(|(at, _)| at).collect();
        assert_eq!((id.len(), dashes), (36, vec![8, 13, 18, 23]));
        assert_eq!(&id[14..15], "8");
        assert!("89ab".contains(&id[19..20]));
    }

    #[test]
    fn no_two_lists_share_a_key() {
        assert_ne!(of_all(["ab", "c"]), of_all(["a", "bc"]));
        assert_ne!(of_all(["a", "b"]), of_all(["b", "a"]));
        assert_eq!(of_all(["a", "b"]), of_all(["a", "b"]));
    }
}
