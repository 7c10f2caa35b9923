//! A browser and its push service: the receiver of RFC 8291, appendix A, which reads what it gets.

use crate::support::http::Request;
use crate::support::jwt::read_es256;
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use notify_core::Address;
use serde_json::{Value, json};

const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const PUBLIC: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// The subscription with this endpoint, as the browser writes it.
pub fn subscription(endpoint: &str) -> String {
    json!({
        "endpoint": endpoint,
        "expirationTime": null,
        "keys": {"p256dh": PUBLIC, "auth": AUTH},
    })
    .to_string()
}

pub fn address(endpoint: &str) -> Address {
    Address::device(subscription(endpoint))
}

/// What is in a message, without its padding: RFC 8188 §2.1 and RFC 8291 §3.4.
pub fn decrypt(body: &[u8]) -> Vec<u8> {
    assert!(body.len() <= 4_096, "what every service takes");
    let (salt, rest) = body.split_at(16);
    let (size, rest) = rest.split_at(4);
    assert_eq!(size, 4_096_u32.to_be_bytes(), "the record size");
    assert_eq!(rest[0], 65, "the length of the key");
    let (sender, record) = rest[1..].split_at(65);
    let key = PrivateKey::from_private_key(&ECDH_P256, &bytes(PRIVATE)).expect("a key");
    let public = key.compute_public_key().expect("a point");
    assert_eq!(public.as_ref(), bytes(PUBLIC));
    let peer = UnparsedPublicKey::new(&ECDH_P256, sender);
    let shared = agree(&key, peer, (), |shared| Ok(shared.to_vec())).expect("agrees");
    let hmac = |key: &[u8], parts: &[&[u8]]| {
        let tag = sign(&Key::new(HMAC_SHA256, key), &parts.concat());
        tag.as_ref().to_vec()
    };
    let ikm = hmac(
        &hmac(&bytes(AUTH), &[&shared]),
        &[b"WebPush: info\0", public.as_ref(), sender, &[1]],
    );
    let prk = hmac(salt, &[&ikm]);
    let key = hmac(&prk, &[b"Content-Encoding: aes128gcm\0\x01"]);
    let nonce = hmac(&prk, &[b"Content-Encoding: nonce\0\x01"]);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).expect("16 bytes"));
    let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).expect("12 bytes");
    let mut record = record.to_vec();
    let plain = key
        .open_in_place(nonce, Aad::empty(), &mut record)
        .expect("for this browser");
    let end = plain
        .iter()
        .rposition(|byte| *byte != 0)
        .expect("a delimiter");
    assert_eq!(plain[end], 2, "the last record");
    plain[..end].to_vec()
}

/// What a push service looks at, and the message that the browser reads. `origin`: that of the endpoint.
pub fn read(request: &Request, origin: &str, public_key: &str) -> Value {
    assert_eq!(request.method, "POST");
    assert_eq!(request.header("content-encoding"), Some("aes128gcm"));
    let kind = request.header("content-type");
    assert_eq!(kind, Some("application/octet-stream"));
    let ttl = request.header("ttl").expect("a time");
    assert!(ttl.parse::<u32>().expect("seconds") <= 2_592_000);
    let urgency = request.header("urgency").expect("an urgency");
    assert!(["very-low", "low", "normal", "high"].contains(&urgency));
    if let Some(topic) = request.header("topic") {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        assert!((1..=32).contains(&topic.len()) && topic.chars().all(allowed));
    }
    let (claims, key) = vapid(request);
    assert_eq!(key, public_key, "the subscription belongs to this key");
    assert_eq!(claims["aud"], origin);
    assert_eq!(claims["sub"], "mailto:ops@example.com");
    serde_json::from_slice(&decrypt(&request.body)).expect("JSON")
}

/// The claims of the sender and the key they are signed with (RFC 8292 §3).
pub fn vapid(request: &Request) -> (Value, String) {
    let header = request.header("authorization").expect("a sender");
    let rest = header.strip_prefix("vapid t=").expect("the scheme");
    let (token, key) = rest.split_once(", k=").expect("a key");
    let (header, claims) = read_es256(token, &bytes(key));
    assert_eq!(header, json!({"typ": "JWT", "alg": "ES256"}));
    (claims, key.to_owned())
}
