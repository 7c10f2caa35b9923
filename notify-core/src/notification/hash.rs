//! What makes two requests the same: a hash over what the caller wrote, and one over what it says to whom.

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

use crate::id::RecipientId;
use crate::notification::NotificationRequest;

/// Raised when the way of hashing changes, so that a deployment between try and retry is no false conflict.
const VERSION: u8 = 1;

/// The version of requests that are for a later time: all others hash as they did before there were any.
const SCHEDULED: u8 = 2;

/// The version of requests that say how they gather.
const GATHERED: u8 = 3;

/// SHA-256 over what the caller wrote: no resolved recipient, no default, relative times relative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestHash([u8; 32]);

/// SHA-256 over (recipient, kind, data): what content deduplication compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

macro_rules! bytes {
    ($($type:ident),*) => { $(
        impl $type {
            /// The hash with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes, as stores keep them.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }
    )* };
}
bytes!(RequestHash, ContentHash);

impl RequestHash {
    /// The hash of a request for these recipients.
    #[must_use]
    pub fn of<'a>(
        request: &NotificationRequest,
        to: impl IntoIterator<Item = &'a RecipientId>,
    ) -> Self {
        let at = request
            .send_at()
            .and_then(|at| serde_json::to_string(at).ok());
        let gathers = request.digest().is_some() || request.digest_key().is_some();
        let mut hash = match (gathers, at) {
            (true, at) => {
                let mut hash = Hash::new(GATHERED);
                let digest = request.digest();
                let digest = digest.and_then(|digest| serde_json::to_string(digest).ok());
                hash.option(digest.as_deref());
                hash.option(request.digest_key().map(AsRef::as_ref));
                hash.option(at.as_deref());
                hash
            }
            (false, Some(at)) => {
                let mut hash = Hash::new(SCHEDULED);
                hash.option(Some(&at));
                hash
            }
            (false, None) => Hash::new(VERSION),
        };
        hash.text(request.kind());
        hash.text(request.category().as_str());
        hash.json(request.data());
        hash.option(request.template().map(AsRef::as_ref));
        hash.option(
            request
                .content()
                .and_then(|c| serde_json::to_string(c).ok())
                .as_deref(),
        );
        hash.option(request.priority().map(|p| p.as_str()));
        hash.option(
            request
                .route()
                .and_then(|r| serde_json::to_string(r).ok())
                .as_deref(),
        );
        hash.number(request.expires_after().map(std::time::Duration::as_micros));
        hash.number(request.dedup_window().map(std::time::Duration::as_micros));
        hash.number(
            request
                .occurred_at()
                .map(|at| u128::from(at.as_micros().cast_unsigned())),
        );
        hash.option(request.source().map(AsRef::as_ref));
        hash.option(request.actor().map(AsRef::as_ref));
        for attachment in request.attachments() {
            hash.text(&attachment.name);
            hash.text(&attachment.media_type);
            hash.option(attachment.content_id.as_deref());
            hash.bytes(&attachment.data);
        }
        for id in to {
            hash.text(id.as_str());
        }
        Self(hash.finish())
    }
}

impl ContentHash {
    /// The hash of what `request` says to `recipient`.
    #[must_use]
    pub fn of(request: &NotificationRequest, recipient: &RecipientId) -> Self {
        let mut hash = Hash::new(VERSION);
        hash.text(recipient.as_str());
        hash.text(request.kind());
        hash.json(request.data());
        hash.option(
            request
                .content()
                .and_then(|c| serde_json::to_string(c).ok())
                .as_deref(),
        );
        Self(hash.finish())
    }
}

/// Feeds a digest with length-prefixed fields, so that no two different sequences feed the same bytes.
struct Hash {
    context: Context,
    buffer: Vec<u8>,
}

impl Hash {
    fn new(version: u8) -> Self {
        Self {
            context: Context::new(&SHA256),
            buffer: vec![version],
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.buffer
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() > 16 * 1024 {
            self.context.update(&self.buffer);
            self.buffer.clear();
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn option(&mut self, text: Option<&str>) {
        self.buffer.push(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn number(&mut self, number: Option<u128>) {
        self.buffer.push(u8::from(number.is_some()));
        self.buffer
            .extend_from_slice(&number.unwrap_or(0).to_le_bytes());
    }

    /// Canonical: objects by key, whatever order the map keeps.
    fn json(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                self.buffer.push(b'{');
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                self.number(Some(entries.len() as u128));
                for (key, value) in entries {
                    self.text(key);
                    self.json(value);
                }
            }
            Value::Array(items) => {
                self.buffer.push(b'[');
                self.number(Some(items.len() as u128));
                items.iter().for_each(|item| self.json(item));
            }
            Value::String(text) => {
                self.buffer.push(b'"');
                self.text(text);
            }
            other => {
                self.buffer.push(b'=');
                self.text(&other.to_string());
            }
        }
    }

    fn finish(mut self) -> [u8; 32] {
        self.context.update(&self.buffer);
        let mut out = [0; 32];
        out.copy_from_slice(self.context.finish().as_ref());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::TimeOfDay;
    use crate::clock::Timestamp;
    use serde_json::json;

    fn hash(data: &Value) -> RequestHash {
        let request = NotificationRequest::new("k", "c")
            .with_data(data)
            .expect("json");
        RequestHash::of(&request, [&RecipientId::new("u")])
    }

    #[test]
    fn the_order_of_keys_does_not_matter_but_everything_else_does() {
        let a: Value = serde_json::from_str(r#"{"a":1,"b":[1,"x"]}"#).expect("json");
        let b: Value = serde_json::from_str(r#"{"b":[1,"x"],"a":1}"#).expect("json");
        assert_eq!(hash(&a), hash(&b));
        for other in [
            json!({"a":1,"b":["1","x"]}),
            json!({"a":1}),
            json!({"a":1,"b":[[1,"x"]]}),
            json!(null),
        ] {
            assert_ne!(hash(&a), hash(&other));
        }
    }

    #[test]
    fn the_idempotency_key_and_the_correlation_id_are_not_part_of_the_request() {
        let plain = NotificationRequest::new("k", "c");
        let keyed = plain
            .clone()
            .with_idempotency_key("x")
            .with_correlation_id("trace");
        let to = RecipientId::new("u");
        assert_eq!(
            RequestHash::of(&plain, [&to]),
            RequestHash::of(&keyed, [&to])
        );
        assert_ne!(
            RequestHash::of(&plain, [&to]),
            RequestHash::of(&plain, [&to, &to])
        );
    }

    #[test]
    fn for_when_it_is_is_part_of_the_request() {
        let (plain, to) = (NotificationRequest::new("k", "c"), RecipientId::new("u"));
        let hashes = [
            plain.clone(),
            plain.clone().at(Timestamp::EPOCH),
            plain
                .clone()
                .at_local("2026-03-29".parse().expect("a day"), TimeOfDay::MIDNIGHT),
        ]
        .map(|request| RequestHash::of(&request, [&to]));
        assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
        let same = plain.at(Timestamp::EPOCH);
        assert_eq!(RequestHash::of(&same, [&to]), hashes[1]);
    }

    #[test]
    fn a_request_for_now_hashes_as_it_always_did() {
        let hash = RequestHash::of(
            &NotificationRequest::new("k", "c"),
            [&RecipientId::new("u")],
        );
        let hex: String = hash.as_bytes()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, "1adc6188869feaa3");
    }

    #[test]
    fn content_is_the_same_for_the_same_person_only() {
        let request = NotificationRequest::new("k", "c");
        assert_ne!(
            ContentHash::of(&request, &RecipientId::new("a")),
            ContentHash::of(&request, &RecipientId::new("b"))
        );
    }
}
