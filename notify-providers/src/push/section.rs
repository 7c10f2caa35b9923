//! What the vendors' messages have in common: sections laid over each other, their size, and keys that collapse.

use aws_lc_rs::digest::{SHA256, digest};
use notify_core::channel::{Interruption, PushMessage};
use notify_core::clock::Timestamp;
use notify_core::provider::Fault;
use serde_json::{Map, Value, json};
use std::time::Duration;

use crate::signature::encoding::base64url;
use crate::signature::seconds;

/// The longest `Topic` of Web Push (RFC 8030 §5.4).
const MAX_TOPIC: usize = 32;

/// Lays a section of the message over ours: a JSON merge patch (RFC 7396), in which `null` takes away.
///
/// # Errors
/// A request fault `section` if it is no object.
pub(crate) fn lay_over(ours: &mut Value, section: Option<&Value>) -> Result<(), Fault> {
    match section {
        None => Ok(()),
        Some(section) if section.is_object() => {
            patch(ours, section);
            Ok(())
        }
        Some(_) => Err(Fault::request("section")),
    }
}

fn patch(ours: &mut Value, with: &Value) {
    let Value::Object(with) = with else {
        *ours = with.clone();
        return;
    };
    if !ours.is_object() {
        *ours = Value::Object(Map::new());
    }
    if let Value::Object(ours) = ours {
        for (name, value) in with {
            if value.is_null() {
                ours.remove(name);
            } else {
                patch(ours.entry(name.as_str()).or_insert(Value::Null), value);
            }
        }
    }
}

/// An object of those values that are there.
pub(crate) fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Puts a section into an object, unless there is nothing in it.
pub(crate) fn put(object: &mut Map<String, Value>, name: &str, section: Map<String, Value>) {
    if !section.is_empty() {
        object.insert(name.to_owned(), section.into());
    }
}

/// The bytes of the names and values in it, without what JSON needs around them: the least that a vendor may count.
pub(crate) fn text_bytes(value: &Value) -> usize {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| name.len() + text_bytes(value))
                .sum()
        }
        Value::Array(values) => values.iter().map(text_bytes).sum(),
        Value::String(text) => text.len(),
        Value::Null => 0,
        other => other.to_string().len(),
    }
}

/// The `aps` dictionary without the alert ("Generating a remote notification", Apple).
pub(crate) fn aps(message: &PushMessage) -> Map<String, Value> {
    let sound = match (message.interruption, &message.sound) {
        // Only a sound of this form passes the mute switch.
        (Some(Interruption::Critical), sound) => {
            let name = sound.as_deref().unwrap_or("default");
            Some(json!({ "critical": 1, "name": name, "volume": 1.0 }))
        }
        (_, sound) => sound.as_deref().map(Value::from),
    };
    object([
        ("badge", message.badge.map(Value::from)),
        ("sound", sound),
        ("thread-id", message.thread.as_deref().map(Value::from)),
        ("category", message.category.as_deref().map(Value::from)),
        // Wakes the part of the application that fetches the picture.
        (
            "mutable-content",
            message.image.as_ref().map(|_| Value::from(1)),
        ),
        (
            "interruption-level",
            message.interruption.and_then(level).map(Value::from),
        ),
    ])
}

/// Whether a payload of APNs wakes the application and shows nothing: Apple wants such ones to be marked, and not to be urgent.
pub(crate) fn is_background(payload: &Value) -> bool {
    let has = |name: &str| {
        payload
            .get("aps")
            .is_some_and(|aps| aps.get(name).is_some())
    };
    has("content-available") && !["alert", "badge", "sound"].into_iter().any(has)
}

/// The alert of the `aps` dictionary.
pub(crate) fn alert(message: &PushMessage) -> Map<String, Value> {
    let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    object([
        ("title", text(&message.title)),
        ("subtitle", message.subtitle.as_deref().and_then(text)),
        ("body", text(&message.body)),
    ])
}

const fn level(interruption: Interruption) -> Option<&'static str> {
    match interruption {
        Interruption::Active => Some("active"),
        Interruption::Critical => Some("critical"),
        Interruption::Passive => Some("passive"),
        Interruption::TimeSensitive => Some("time-sensitive"),
        _ => None,
    }
}

/// When Apple gives a message up, in seconds since 1970; 0 is after one attempt.
pub(crate) fn apns_expiration(ttl: Duration, now: Timestamp) -> i64 {
    if ttl.is_zero() { 0 } else { seconds(now + ttl) }
}

/// A `google.protobuf.Duration` in JSON.
pub(crate) fn duration(duration: Duration) -> String {
    match duration.subsec_nanos() {
        0 => format!("{}s", duration.as_secs()),
        nanos => format!("{}.{nanos:09}s", duration.as_secs()),
    }
}

/// A collapse key as a `Topic` of Web Push: as it is if it may be one, else what stands for it.
pub(crate) fn topic(key: &str) -> String {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (1..=MAX_TOPIC).contains(&key.len()) && key.bytes().all(allowed) {
        return key.to_owned();
    }
    // 24 bytes are 32 characters.
    base64url(&digest(&SHA256, key.as_bytes()).as_ref()[..24])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_section_is_merged_as_rfc_7396_says() {
        // Appendix A, what concerns objects.
        for (ours, section, merged) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let mut found = ours.clone();
            lay_over(&mut found, Some(&section)).expect("an object");
            assert_eq!(found, merged, "{section} over {ours}");
        }
        let fault = lay_over(&mut json!({}), Some(&json!([1])));
        assert_eq!(fault, Err(Fault::request("section")));
    }

    #[test]
    fn the_size_is_that_of_names_and_values() {
        let value = json!({"ab": "ü", "c": [1, true, null, {"d": "\"\n"}]});
        assert_eq!(text_bytes(&value), 2 + 2 + 1 + 1 + 4 + 1 + 2);
    }

    #[test]
    fn a_duration_is_written_as_protobuf_does() {
        assert_eq!(duration(Duration::from_secs(3_600)), "3600s");
        assert_eq!(duration(Duration::from_millis(3_500)), "3.500000000s");
        assert_eq!(duration(Duration::ZERO), "0s");
    }

    proptest! {
        #[test]
        fn every_key_becomes_a_topic_and_different_keys_different_ones(a in ".{0,64}", b in ".{0,64}") {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            prop_assert!((1..=MAX_TOPIC).contains(&topic(&a).len()));
            prop_assert!(topic(&a).chars().all(allowed));
            prop_assert_eq!(topic(&a) == topic(&b), a == b);
        }
    }
}
