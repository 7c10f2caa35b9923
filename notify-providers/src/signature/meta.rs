//! Webhooks of Meta (WhatsApp): HMAC-SHA-256 over the body.

use super::Refused;
use super::encoding::unhex;
use super::hmac::{self, Hash};

/// Whether `X-Hub-Signature-256: sha256=<hex>` was made with the app secret over the raw `body`.
///
/// Nothing dates the signature: the same event may be sent again by anybody who has seen it, so
/// the message ids have to be compared with those that were seen.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify(secret: &[u8], signature: &str, body: &[u8]) -> Result<(), Refused> {
    let expected = signature.strip_prefix("sha256=").and_then(unhex);
    let expected = expected.ok_or(Refused::Malformed("X-Hub-Signature-256"))?;
    hmac::verify(Hash::Sha256, secret, &[body], &expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation, whose webhooks have the same header.
    const SIGNATURE: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const SECRET: &[u8] = b"It's a Secret to Everybody";

    #[test]
    fn the_documented_signature_passes_and_no_other_does() {
        assert_eq!(verify(SECRET, SIGNATURE, b"Hello, World!"), Ok(()));
        let refused = Err(Refused::Mismatch);
        assert_eq!(verify(SECRET, SIGNATURE, b"Hello, World"), refused);
        assert_eq!(
            verify(b"it's a secret", SIGNATURE, b"Hello, World!"),
            refused
        );
        let malformed = Err(Refused::Malformed("X-Hub-Signature-256"));
        assert_eq!(verify(SECRET, &SIGNATURE[7..], b"Hello, World!"), malformed);
        assert_eq!(verify(SECRET, "sha1=00", b"Hello, World!"), malformed);
    }
}
