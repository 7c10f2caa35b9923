//! Webhooks of Mailgun: HMAC-SHA-256 over a time and a token.

use notify_core::clock::Timestamp;
use std::time::Duration;

use super::encoding::unhex;
use super::hmac::{self, Hash};
use super::{Refused, check_age, unix_seconds};

/// Whether the three fields of `signature` in a webhook's body were made with the webhook signing
/// key (not the API key).
///
/// The signature does not cover the event itself. The address that is registered at Mailgun has to
/// be a secret one over TLS, and a `token` must not be accepted twice. Mailgun repeats a webhook
/// for eight hours, so `max_age` must not be less.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify(
    key: &[u8],
    timestamp: &str,
    token: &str,
    signature: &str,
    now: Timestamp,
    max_age: Duration,
) -> Result<(), Refused> {
    let expected = unhex(signature).ok_or(Refused::Malformed("signature"))?;
    let signed: &[&[u8]] = &[timestamp.as_bytes(), token.as_bytes()];
    hmac::verify(Hash::Sha256, key, signed, &expected)?;
    check_age(unix_seconds(timestamp, "timestamp")?, now, max_age)
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;

    const KEY: &[u8] = b"key-0p6mqbf74lb20gzq9f4dhpn9rg3zyk26";
    const EIGHT_HOURS: Duration = Duration::from_secs(8 * 3_600);
    /// Fixtures of the Mailgun bridge of Symfony: accepted, permanent_failure, unsubscribes.
    const PUBLISHED: [(&str, &str, &str); 3] = [
        (
            "1661621710",
            "885894756b6c371a377f5f9516d60a4db497ad27d4931ed215",
            "606307bb55b72686b1b2a2c8c37ae6e6ec89496592bac4a4eee5a346337d04a5",
        ),
        (
            "1661590666",
            "fff0ebc59c0516f4ce0823212a2f45e5c67814420b99fe558b",
            "a0cd251821d8fd56a2130b541becc8e441023574e602fe9829a9ab9fbfdea33f",
        ),
        (
            "1661621652",
            "1483353025fd6e45b682f14b18d943c52cea11161c1721ee85",
            "83456337a19a70187a620658448ae21d3a50b0aca571bcdad43616741ca300b2",
        ),
    ];

    #[test]
    fn the_published_signatures_pass_until_they_are_too_old() {
        for (timestamp, token, signature) in PUBLISHED {
            let sent: i64 = timestamp.parse().expect("seconds");
            let verdict = |now| verify(KEY, timestamp, token, signature, at(now), EIGHT_HOURS);
            assert_eq!(verdict(sent), Ok(()));
            assert_eq!(verdict(sent + 28_800), Ok(()));
            assert_eq!(verdict(sent + 28_801), Err(Refused::Expired));
        }
    }

    #[test]
    fn anything_that_was_changed_is_refused() {
        let (timestamp, token, signature) = PUBLISHED[0];
        let now = at(1_661_621_710);
        let verdict = |key: &[u8], timestamp, token, signature| {
            verify(key, timestamp, token, signature, now, EIGHT_HOURS)
        };
        let refused = Err(Refused::Mismatch);
        assert_eq!(verdict(b"key-other", timestamp, token, signature), refused);
        assert_eq!(verdict(KEY, "1661621711", token, signature), refused);
        assert_eq!(verdict(KEY, timestamp, &token[1..], signature), refused);
        assert_eq!(verdict(KEY, timestamp, token, &signature[2..]), refused);
        let malformed = Err(Refused::Malformed("signature"));
        assert_eq!(verdict(KEY, timestamp, token, "not hex"), malformed);
    }
}
