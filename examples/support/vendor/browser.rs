//! A browser's push service (RFC 8030), which knows who sends (RFC 8292) and cannot read what (RFC 8291).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Answer, Request};

/// The shortest body: salt, length of a record, the sender's key, and the tag of one byte (RFC 8188 §2.1).
const SHORTEST: usize = 86 + 17;
/// The path of a subscription that was given up.
pub const DEAD: &str = "/push/gone";

/// What it says; the subscriptions were made with this public key.
pub fn answer(request: &Request, public_key: &str) -> Answer {
    if request.method != "POST" || !request.path.starts_with("/push/") {
        return Answer::new("404 Not Found");
    }
    if !is_signed(request, public_key) {
        return Answer::new("403 Forbidden");
    }
    if request.path == DEAD {
        return Answer::new("410 Gone");
    }
    let is_sealed = request.header("content-encoding") == Some("aes128gcm");
    let ttl = request.header("ttl");
    let Some(ttl) = ttl.filter(|ttl| ttl.parse::<u32>().is_ok() && is_sealed) else {
        return Answer::new("400 Bad Request");
    };
    if !(SHORTEST..=4_096).contains(&request.body.len()) {
        return Answer::new("413 Content Too Large");
    }
    let urgency = request.header("urgency").unwrap_or("normal");
    let bytes = request.body.len();
    let what = format!("{bytes} sealed bytes, urgency {urgency}, kept for {ttl} s");
    Answer::new("201 Created\r\nLocation: https://push.example.net/m/1").took(&request.path, what)
}

/// `vapid t=<token>, k=<key>`: the key is the subscription's, it signed the token, and the token is for this service.
fn is_signed(request: &Request, public_key: &str) -> bool {
    let header = request.header("authorization").unwrap_or_default();
    let parts = header.strip_prefix("vapid t=").unwrap_or_default();
    let (token, key) = parts.split_once(", k=").unwrap_or_default();
    let (signed, signature) = token.rsplit_once('.').unwrap_or_default();
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let claims = signed.split_once('.').unwrap_or_default().1;
    let claims: Value = serde_json::from_slice(&bytes(claims)).unwrap_or_default();
    let host = request.header("host").unwrap_or_default();
    let key_of_all = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes(public_key));
    key == public_key
        && claims["aud"] == format!("http://{host}")
        && key_of_all
            .verify(signed.as_bytes(), &bytes(signature))
            .is_ok()
}
