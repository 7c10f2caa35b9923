//! A push as `a2` takes it, owning what it says.

use a2::request::payload::PayloadLike;
use a2::{CollapseId, NotificationOptions, Priority, PushType};
use notify_core::channel::{PushMessage, PushPriority};
use notify_core::clock::{Clock as _, SystemClock};
use notify_core::provider::{Envelope, Fault};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::fmt;

/// The longest payload (Apple, "Generating a remote notification").
const MAX_PAYLOAD: usize = 4_096;

/// One push.
#[derive(Clone)]
pub struct Payload {
    device: String,
    id: String,
    topic: String,
    collapse: Option<String>,
    expires: Option<u64>,
    urgent: bool,
    json: Value,
}

impl Payload {
    /// Makes it of a message; what Apple would refuse for its size is refused here.
    ///
    /// # Errors
    /// A fault of the request or of the recipient.
    pub(crate) fn new(push: &PushMessage, to: &Envelope, topic: &str) -> Result<Self, Fault> {
        let device = to.address.expose();
        if device.is_empty() || !device.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Fault::recipient("bad_token"));
        }
        let mut alert = json!({ "title": push.title, "body": push.body });
        if let Some(subtitle) = &push.subtitle {
            alert["subtitle"] = subtitle.as_str().into();
        }
        let mut aps = json!({ "alert": alert });
        let texts = [
            ("sound", &push.sound),
            ("category", &push.category),
            ("thread-id", &push.thread),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                aps[name] = text.as_str().into();
            }
        }
        if let Some(badge) = push.badge {
            aps["badge"] = badge.into();
        }
        let mut json = Map::new();
        json.extend(
            push.data
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().into())),
        );
        json.insert("aps".to_owned(), aps);
        let json = Value::Object(json);
        if json.to_string().len() > MAX_PAYLOAD {
            return Err(Fault::request("too_long"));
        }
        let seconds = |ttl: std::time::Duration| {
            let now = SystemClock::new().now().as_micros() / 1_000_000;
            u64::try_from(now).unwrap_or(0) + ttl.as_secs()
        };
        Ok(Self {
            device: device.to_owned(),
            // A UUID is what Apple takes; the key of an envelope begins with one.
            id: to.key.chars().take(36).collect(),
            topic: topic.to_owned(),
            collapse: push.collapse_key.clone(),
            expires: push.ttl.map(seconds),
            urgent: push.priority != Some(PushPriority::Normal),
            json,
        })
    }

    /// To whom.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The crate borrows all that it is given.
    pub(crate) fn borrowed(&self) -> Result<Borrowed<'_>, a2::Error> {
        let collapse = self.collapse.as_deref().map(CollapseId::new).transpose()?;
        let priority = if self.urgent {
            Priority::High
        } else {
            Priority::Normal
        };
        Ok(Borrowed {
            of: self,
            options: NotificationOptions {
                apns_id: Some(&self.id),
                apns_push_type: Some(PushType::Alert),
                apns_expiration: self.expires,
                apns_priority: Some(priority),
                apns_topic: Some(&self.topic),
                apns_collapse_id: collapse,
            },
        })
    }
}

impl fmt::Debug for Payload {
    /// Without the token of the device and what is said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").finish_non_exhaustive()
    }
}

/// A push as the crate takes it. It is logged by the crate's `tracing`, so that it shows nothing.
pub(crate) struct Borrowed<'a> {
    of: &'a Payload,
    options: NotificationOptions<'a>,
}

impl Serialize for Borrowed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.of.json.serialize(serializer)
    }
}

impl PayloadLike for Borrowed<'_> {
    fn get_device_token(&self) -> &str {
        &self.of.device
    }

    fn get_options(&self) -> &NotificationOptions<'_> {
        &self.options
    }
}

impl fmt::Debug for Borrowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::{Address, Message};

    #[test]
    fn a_push_is_the_json_that_apple_takes() {
        let push = PushMessage::new("On its way", "Two parcels.")
            .with_badge(3)
            .with_thread("orders")
            .with_data("order", "A-17");
        let to = Envelope::new(
            "0190b3c4-0000-7000-8000-000000000001-0-a2",
            Address::device("00ff"),
            Message::new(push.clone()),
        );
        let payload = Payload::new(&push, &to, "com.example.app").expect("is fine");
        let borrowed = payload.borrowed().expect("is fine");
        let expected = json!({
            "aps": {
                "alert": { "title": "On its way", "body": "Two parcels." },
                "badge": 3,
                "thread-id": "orders",
            },
            "order": "A-17",
        });
        let sent: Value =
            serde_json::from_str(&borrowed.to_json_string().expect("json")).expect("json");
        assert_eq!(sent, expected);
        assert_eq!(
            borrowed.get_options().apns_id,
            Some("0190b3c4-0000-7000-8000-000000000001")
        );
        assert_eq!(format!("{borrowed:?}"), "Payload { .. }");
    }
}
