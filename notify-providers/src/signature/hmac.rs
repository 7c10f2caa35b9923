//! Keyed hashes (RFC 2104), and comparison in constant time.
//!
//! There is no MD5: no vendor needs it where SHA-256 can be chosen.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, Context, Key, Tag};

use super::Refused;

/// The hash inside an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// Only where a vendor offers nothing else (Twilio).
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// The HMAC of `parts`, one after the other, under `key`.
pub(crate) fn sign(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Tag {
    let algorithm = match hash {
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    };
    let mut context = Context::with_key(&Key::new(algorithm, key));
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

/// Whether `signature` is the HMAC of `parts` under `key`.
///
/// # Errors
/// [`Refused::Mismatch`] if it is not; [`Refused::Missing`] if the key is empty, because then
/// anybody can sign.
pub(crate) fn verify(
    hash: Hash,
    key: &[u8],
    parts: &[&[u8]],
    signature: &[u8],
) -> Result<(), Refused> {
    if key.is_empty() {
        return Err(Refused::Missing("key"));
    }
    if is_same(sign(hash, key, parts).as_ref(), signature) {
        Ok(())
    } else {
        Err(Refused::Mismatch)
    }
}

/// Whether two secrets are equal, in a time that tells nothing but their lengths.
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::encoding::hex;
    use super::*;

    /// Test case 2 of RFC 2202 §3 (SHA-1) and RFC 4231 §4.3.
    const JEFE: [(Hash, &str); 4] = [
        (Hash::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (
            Hash::Sha256,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            Hash::Sha384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            Hash::Sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ];

    #[test]
    fn the_vectors_of_rfc_2202_and_4231_come_out_however_the_text_is_cut() {
        for (hash, expected) in JEFE {
            let whole: &[&[u8]] = &[b"what do ya want for nothing?"];
            assert_eq!(hex(sign(hash, b"Jefe", whole).as_ref()), expected);
            let cut: &[&[u8]] = &[b"what do ya want ", b"", b"for nothing?"];
            assert_eq!(
                verify(hash, b"Jefe", cut, sign(hash, b"Jefe", whole).as_ref()),
                Ok(())
            );
        }
    }

    #[test]
    fn another_key_text_or_length_is_refused() {
        let tag = sign(Hash::Sha256, b"key", &[b"text"]);
        let tag = tag.as_ref();
        let refused = Err(Refused::Mismatch);
        assert_eq!(verify(Hash::Sha256, b"kez", &[b"text"], tag), refused);
        assert_eq!(verify(Hash::Sha256, b"key", &[b"texts"], tag), refused);
        assert_eq!(
            verify(Hash::Sha256, b"key", &[b"text"], &tag[..31]),
            refused
        );
        assert_eq!(verify(Hash::Sha256, b"key", &[b"text"], b""), refused);
        assert_eq!(verify(Hash::Sha512, b"key", &[b"text"], tag), refused);
    }

    #[test]
    fn an_empty_key_verifies_nothing() {
        let tag = sign(Hash::Sha256, b"", &[b"text"]);
        let verdict = verify(Hash::Sha256, b"", &[b"text"], tag.as_ref());
        assert_eq!(verdict, Err(Refused::Missing("key")));
    }
}
