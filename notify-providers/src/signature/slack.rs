//! Requests of Slack: HMAC-SHA-256 over a time and the body.

use notify_core::clock::Timestamp;
use std::time::Duration;

use super::encoding::unhex;
use super::hmac::{self, Hash};
use super::{Refused, check_age, unix_seconds};

/// How far the two clocks may differ, as Slack's documentation says.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Whether a request with the headers `X-Slack-Request-Timestamp` and `X-Slack-Signature` was made
/// with the application's signing secret.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify(
    secret: &[u8],
    timestamp: &str,
    signature: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refused> {
    let malformed = Refused::Malformed("X-Slack-Signature");
    let expected = signature.strip_prefix("v0=").and_then(unhex);
    let signed: &[&[u8]] = &[b"v0:", timestamp.as_bytes(), b":", body];
    hmac::verify(Hash::Sha256, secret, signed, &expected.ok_or(malformed)?)?;
    let sent = unix_seconds(timestamp, "X-Slack-Request-Timestamp")?;
    check_age(sent, now, TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;

    /// The example of Slack's documentation, "Verifying requests from Slack".
    const SECRET: &[u8] = b"8f742231b10e8888abcd99yyyzzz85a5";
    const TIMESTAMP: &str = "1531420618";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    #[test]
    fn the_documented_request_passes_within_five_minutes() {
        let verdict = |now| verify(SECRET, TIMESTAMP, SIGNATURE, BODY, at(now));
        assert_eq!(verdict(1_531_420_618), Ok(()));
        assert_eq!(verdict(1_531_420_918), Ok(()));
        assert_eq!(verdict(1_531_420_919), Err(Refused::Expired));
        assert_eq!(verdict(1_531_420_317), Err(Refused::Early));
    }

    #[test]
    fn anything_that_was_changed_is_refused() {
        let now = at(1_531_420_618);
        let refused = Err(Refused::Mismatch);
        assert_eq!(verify(b"other", TIMESTAMP, SIGNATURE, BODY, now), refused);
        assert_eq!(verify(SECRET, "1531420619", SIGNATURE, BODY, now), refused);
        assert_eq!(
            verify(SECRET, TIMESTAMP, SIGNATURE, &BODY[1..], now),
            refused
        );
        // Without its version, with another, and empty.
        for bad in [&SIGNATURE[3..], &SIGNATURE.replace("v0", "v1"), "", "v0=zz"] {
            let verdict = verify(SECRET, TIMESTAMP, bad, BODY, now);
            assert_eq!(
                verdict,
                Err(Refused::Malformed("X-Slack-Signature")),
                "{bad}"
            );
        }
    }
}
