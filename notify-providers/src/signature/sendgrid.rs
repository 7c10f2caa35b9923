//! Event webhooks of SendGrid: ECDSA over a time and the body.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use notify_core::clock::Timestamp;
use std::time::Duration;

use super::encoding::unbase64;
use super::{Refused, check_age, unix_seconds};

/// The key that SendGrid's console shows, on P-256 in base64.
pub(crate) fn key(text: &str) -> Option<ParsedPublicKey> {
    ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, unbase64(text.trim())?).ok()
}

/// Whether the headers `X-Twilio-Email-Event-Webhook-Timestamp` and
/// `X-Twilio-Email-Event-Webhook-Signature` were made with the private half of `key` over the raw
/// `body`, to its last byte: it may end in CRLF.
///
/// SendGrid names no limit of age and repeats an event with its first time, so `max_age` must be as
/// long as it repeats; events are to be compared by `sg_event_id` besides.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify(
    key: &ParsedPublicKey,
    timestamp: &str,
    signature: &str,
    body: &[u8],
    now: Timestamp,
    max_age: Duration,
) -> Result<(), Refused> {
    let signature =
        unbase64(signature).ok_or(Refused::Malformed("X-Twilio-Email-Event-Webhook-Signature"))?;
    let signed = [timestamp.as_bytes(), body].concat();
    key.verify_sig(&signed, &signature)
        .map_err(|_| Refused::Mismatch)?;
    let sent = unix_seconds(timestamp, "X-Twilio-Email-Event-Webhook-Timestamp")?;
    check_age(sent, now, max_age)
}

#[cfg(test)]
mod tests {
    use super::super::encoding::base64;
    use super::super::tests::at;
    use super::*;
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

    /// The test data of sendgrid-go, `helpers/eventwebhook`.
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    const TIMESTAMP: &str = "1600112502";
    const SIGNATURE: &str = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=";
    const BODY: &str = concat!(
        r#"[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]"#,
        "\r\n"
    );
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn the_published_event_passes_until_it_is_too_old() {
        let key = key(KEY).expect("reads");
        let verdict = |now| verify(&key, TIMESTAMP, SIGNATURE, BODY.as_bytes(), at(now), DAY);
        assert_eq!(verdict(1_600_112_502), Ok(()));
        assert_eq!(verdict(1_600_112_502 + 86_401), Err(Refused::Expired));
    }

    #[test]
    fn anything_that_was_changed_is_refused() {
        let now = at(1_600_112_502);
        let verdict = |text: &str, timestamp, signature, body: &str| {
            verify(
                &key(text).expect("reads"),
                timestamp,
                signature,
                body.as_bytes(),
                now,
                DAY,
            )
        };
        let refused = Err(Refused::Mismatch);
        assert_eq!(verdict(KEY, "1600112503", SIGNATURE, BODY), refused);
        assert_eq!(verdict(KEY, TIMESTAMP, SIGNATURE, BODY.trim_end()), refused);
        assert_eq!(verdict(KEY, TIMESTAMP, &SIGNATURE[4..], BODY), refused);
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("generates");
        let other: PublicKeyX509Der<'_> = other.public_key().as_der().expect("exports");
        let other = base64(other.as_ref());
        assert_eq!(verdict(&other, TIMESTAMP, SIGNATURE, BODY), refused);
        assert!(key("AAAA").is_none() && key("not base64!").is_none());
    }
}
