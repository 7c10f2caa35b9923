//! Webhooks of MessageBird (Bird): a token that holds the hashes of address and body.

use notify_core::clock::Timestamp;
use serde_json::Value;

use super::hmac::Hash;
use super::jwt::{VerifyingKey, check_hash_claim, time_claim, verify as verify_token};
use super::{Refused, seconds};

/// How far the two clocks may differ; the token itself lives one minute.
const SKEW: i64 = 5;

/// Whether `MessageBird-Signature-JWT` was made with the signing key for this address and body.
///
/// `url` is the full address that was called, query included. Within its minute the token can be
/// used again: whoever cares keeps its `jti`, which is returned.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify(
    key: &[u8],
    token: &str,
    url: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Option<String>, Refused> {
    let hashes = [Hash::Sha256, Hash::Sha384, Hash::Sha512];
    let claims = verify_token(token, &VerifyingKey::Hmac(key, &hashes))?;
    if claims.get("iss").and_then(Value::as_str) != Some("MessageBird") {
        return Err(Refused::Malformed("iss"));
    }
    let now = seconds(now);
    if now < time_claim(&claims, "nbf")?.saturating_sub(SKEW) {
        return Err(Refused::Early);
    }
    if now > time_claim(&claims, "exp")?.saturating_add(SKEW) {
        return Err(Refused::Expired);
    }
    check_hash_claim(&claims, "url_hash", url.as_bytes())?;
    if !body.is_empty() || claims.get("payload_hash").is_some() {
        check_hash_claim(&claims, "payload_hash", body)?;
    }
    let id = claims.get("jti").and_then(Value::as_str);
    Ok(id.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::super::encoding::{base64url, sha256_hex};
    use super::super::hmac;
    use super::super::tests::at;
    use super::*;
    use serde_json::json;

    /// The reference data of MessageBird's SDKs: a GET without a body at 2021-07-05T10:00:00Z. The
    /// key is its characters, not the bytes that they could stand for.
    const KEY: &[u8] = b"36efdd1aace2e26cd490f0d951138253bef2f7c6d34d18981da781555cc4cebb";
    const URL: &str = "https://example.com/";
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3OTIwMCwiZXhwIjoxNjI1NDc5MjYwLCJqdGkiOiI1OWEyNDRkYy1lOWFkLTRlMjMtOTc3OC0zNzFmYWEyMzhmNzIiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4NDYxNzljNzc4M2U5ZDcifQ.6Fp0rVOsRr1fj9S2GidXAfkmPVofKr8_RTffC6G6r2E";
    const AT: i64 = 1_625_479_200;

    #[test]
    fn the_published_token_passes_for_its_minute_and_names_its_id() {
        let verdict = |now| verify(KEY, TOKEN, URL, b"", at(now));
        let id = Ok(Some("59a244dc-e9ad-4e23-9778-371faa238f72".to_owned()));
        assert_eq!(verdict(AT), id);
        assert_eq!(verdict(AT + 60 + SKEW), id);
        assert_eq!(verdict(AT + 61 + SKEW), Err(Refused::Expired));
        assert_eq!(verdict(AT - 1 - SKEW), Err(Refused::Early));
    }

    #[test]
    fn another_key_address_or_body_is_refused() {
        let refused = Err(Refused::Mismatch);
        assert_eq!(verify(b"other", TOKEN, URL, b"", at(AT)), refused);
        assert_eq!(
            verify(KEY, TOKEN, "https://example.com/?a=1", b"", at(AT)),
            refused
        );
        let body = verify(KEY, TOKEN, URL, b"{}", at(AT));
        assert_eq!(body, Err(Refused::Missing("payload_hash")));
    }

    fn token(claims: &Value) -> String {
        let header = base64url(br#"{"alg":"HS512"}"#);
        let signed = format!("{header}.{}", base64url(claims.to_string().as_bytes()));
        let tag = hmac::sign(Hash::Sha512, KEY, &[signed.as_bytes()]);
        format!("{signed}.{}", base64url(tag.as_ref()))
    }

    #[test]
    fn a_body_passes_by_its_hash_only() {
        let mut claims = json!({
            "iss": "MessageBird", "nbf": AT, "exp": AT + 60,
            "url_hash": sha256_hex(URL.as_bytes()), "payload_hash": sha256_hex(b"{}"),
        });
        let verdict = |claims: &Value, body| verify(KEY, &token(claims), URL, body, at(AT));
        assert_eq!(verdict(&claims, b"{}"), Ok(None));
        assert_eq!(verdict(&claims, b"[]"), Err(Refused::Mismatch));
        assert_eq!(verdict(&claims, b""), Err(Refused::Mismatch), "taken away");
        claims["iss"] = "somebody".into();
        assert_eq!(verdict(&claims, b"{}"), Err(Refused::Malformed("iss")));
    }
}
