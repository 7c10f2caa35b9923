//! Headers and payload of a request to APNs.

use aws_lc_rs::digest::{SHA256, digest};
use notify_core::channel::PushPriority;
use notify_core::clock::Timestamp;
use notify_core::provider::{Envelope, Fault};
use serde_json::{Map, Value};

use super::PushType;
use crate::push::note::Note;
use crate::push::section::{alert, apns_expiration, aps, is_background, lay_over, put};
use crate::signature::encoding::hex;
use crate::signature::seconds;

/// What the provider says about every message.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The bundle id.
    pub(super) topic: String,
    pub(super) push_type: Option<PushType>,
}

/// A request but for its payload and its token.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) path: String,
    pub(super) id: String,
    pub(super) topic: String,
    pub(super) push_type: PushType,
    pub(super) priority: &'static str,
    pub(super) expiration: Option<String>,
    pub(super) collapse_id: Option<String>,
}

/// The request for one message, and its payload.
///
/// # Errors
/// A recipient fault `bad_address` for a token that is not hexadecimal; request faults `section` for a payload that is no object and
/// `payload_too_large`.
pub(super) fn of(
    envelope: &Envelope,
    note: &Note<'_>,
    settings: &Settings,
    now: Timestamp,
) -> Result<(Wire, String), Fault> {
    // How long a token is Apple does not say.
    if !note.to.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Fault::recipient("bad_address"));
    }
    let mut payload = payload(note);
    lay_over(&mut payload, note.message.apns.as_ref())?;
    let push_type = settings.push_type.unwrap_or_else(|| seen_from(&payload));
    if push_type == PushType::LiveActivity && payload.pointer("/aps/timestamp").is_none() {
        // Apple orders the updates of an activity by it.
        lay_over(
            &mut payload,
            Some(&serde_json::json!({"aps": {"timestamp": seconds(now)}})),
        )?;
    }
    let body = payload.to_string();
    if body.len() > push_type.max_payload() {
        return Err(Fault::request("payload_too_large"));
    }
    let priority = match (push_type, note.priority) {
        // Apple refuses any other.
        (PushType::Background, _) => "5",
        (_, PushPriority::High) => "10",
        _ => "5",
    };
    let ttl = note.message.ttl;
    let wire = Wire {
        path: format!("/3/device/{}", note.to),
        id: id(&envelope.key),
        topic: topic(&settings.topic, push_type),
        push_type,
        priority,
        expiration: ttl.map(|ttl| apns_expiration(ttl, now).to_string()),
        collapse_id: note.message.collapse_key.clone(),
    };
    Ok((wire, body))
}

fn payload(note: &Note<'_>) -> Value {
    let mut aps = aps(note.message);
    put(&mut aps, "alert", alert(note.message));
    let mut payload = Map::from_iter([("aps".to_owned(), aps.into())]);
    if let Some(image) = &note.message.image {
        payload.insert("image".to_owned(), image.as_str().into());
    }
    payload.extend(note.data.clone());
    payload.into()
}

/// What kind of push a payload is.
fn seen_from(payload: &Value) -> PushType {
    let aps = payload.get("aps");
    let has = |name: &str| aps.is_some_and(|aps| aps.get(name).is_some());
    if has("content-state") || has("event") {
        PushType::LiveActivity
    } else if is_background(payload) {
        PushType::Background
    } else {
        PushType::Alert
    }
}

fn topic(bundle: &str, push_type: PushType) -> String {
    let suffix = push_type.suffix();
    if bundle.ends_with(suffix) {
        bundle.to_owned()
    } else {
        format!("{bundle}{suffix}")
    }
}

/// An idempotency key as a UUID (RFC 9562 §5.8): always the same.
fn id(key: &str) -> String {
    let hash = digest(&SHA256, key.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes);
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_always_the_same_uuid() {
        // SHA-256 of "abc" (FIPS 180-4), with version 8 and the variant of RFC 9562.
        assert_eq!(id("abc"), "ba7816bf-8f01-8fea-8141-40de5dae2223");
        assert_ne!(id("abc"), id("abd"));
    }

    #[test]
    fn the_kind_of_a_push_is_seen_from_its_payload() {
        for (aps, seen) in [
            (
                json!({"alert": "a", "content-available": 1}),
                PushType::Alert,
            ),
            (json!({"badge": 0, "content-available": 1}), PushType::Alert),
            (json!({"content-available": 1}), PushType::Background),
            (json!({"event": "end"}), PushType::LiveActivity),
            (
                json!({"content-state": {}, "alert": {}}),
                PushType::LiveActivity,
            ),
            (json!({}), PushType::Alert),
        ] {
            assert_eq!(seen_from(&json!({"aps": aps})), seen, "{aps}");
        }
    }

    #[test]
    fn a_kind_has_its_topic() {
        let of = |bundle, push_type| topic(bundle, push_type);
        assert_eq!(of("com.example.app", PushType::Alert), "com.example.app");
        assert_eq!(
            of("com.example.app", PushType::Voip),
            "com.example.app.voip"
        );
        assert_eq!(
            of("com.example.app.voip", PushType::Voip),
            "com.example.app.voip"
        );
        assert_eq!(
            of("com.example.app", PushType::LiveActivity),
            "com.example.app.push-type.liveactivity"
        );
    }
}
