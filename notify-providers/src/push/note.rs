//! A push message as vendors' interfaces take it: checked, and not yet in any vendor's words.

use notify_core::ChannelId;
use notify_core::channel::{PushMessage, PushPriority};
use notify_core::notification::Class;
use notify_core::provider::{Envelope, Fault};
use serde_json::{Map, Value};

use crate::http::metadata;

/// Where the application finds what opens when it is clicked.
const CLICK_ACTION: &str = "click_action";
/// Names of data that mean something else to a vendor or to us: Apple's own part of a payload, and what is always there.
const RESERVED: &[&str] = &["aps", metadata::CATEGORY, metadata::NOTIFICATION];
/// The longest collapse key, in bytes: that of APNs, and of FCM for its devices.
const MAX_COLLAPSE_KEY: usize = 64;

/// A push message that can be sent.
#[derive(Debug)]
pub(crate) struct Note<'a> {
    pub(crate) message: &'a PushMessage,
    /// A token, or what the vendor's provider documents.
    pub(crate) to: &'a str,
    /// The message's own, else high for what is critical.
    pub(crate) priority: PushPriority,
    /// The message's own, and what every application needs: the notification's id, its category, and what a click opens. Values are
    /// texts.
    pub(crate) data: Map<String, Value>,
}

impl<'a> Note<'a> {
    /// Checks everything that no vendor would take, before any is asked.
    ///
    /// # Errors
    /// A recipient fault `bad_address`; request faults `wrong_channel`, `data_reserved` for data under the name `aps`, `category` or
    /// `notification_id`, and `collapse_key_too_long`.
    pub(crate) fn of(envelope: &'a Envelope) -> Result<Self, Fault> {
        if *envelope.message.channel() != ChannelId::PUSH {
            return Err(Fault::request("wrong_channel"));
        }
        let message = envelope.message.body::<PushMessage>()?;
        if envelope.address.validate().is_err() {
            return Err(Fault::recipient("bad_address"));
        }
        if RESERVED.iter().any(|name| message.data.contains_key(*name)) {
            return Err(Fault::request("data_reserved"));
        }
        let key = message.collapse_key.as_deref().unwrap_or_default();
        if key.len() > MAX_COLLAPSE_KEY {
            return Err(Fault::request("collapse_key_too_long"));
        }
        let usual = match envelope.class {
            Class::Critical => PushPriority::High,
            Class::Transactional | Class::Marketing => PushPriority::Normal,
        };
        Ok(Self {
            message,
            to: envelope.address.expose(),
            priority: message.priority.unwrap_or(usual),
            data: data(envelope, message),
        })
    }

    /// Whether there is something to show; if not, the application gets data without a word.
    pub(crate) fn is_shown(&self) -> bool {
        !self.message.title.is_empty() || !self.message.body.is_empty()
    }
}

fn data(envelope: &Envelope, message: &PushMessage) -> Map<String, Value> {
    let mut data = Map::new();
    if let Some(opened) = &message.click_action {
        data.insert(CLICK_ACTION.to_owned(), opened.as_str().into());
    }
    for (name, value) in &message.data {
        data.insert(name.clone(), value.as_str().into());
    }
    let id = envelope.notification.to_string();
    data.insert(metadata::NOTIFICATION.to_owned(), id.into());
    let category = envelope.category.to_string();
    data.insert(metadata::CATEGORY.to_owned(), category.into());
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::channel::SmsMessage;
    use notify_core::{Address, Message, NotificationId};
    use serde_json::json;

    fn envelope(message: PushMessage) -> Envelope {
        Envelope::new("key", Address::device("token"), Message::new(message))
    }

    #[test]
    fn the_application_always_learns_which_notification_it_is() {
        let message = PushMessage::new("t", "b")
            .with_click_action("app://order/17")
            .with_data("order", "17");
        let mut envelope = envelope(message);
        envelope.notification = NotificationId::from_u128(7);
        let note = Note::of(&envelope).expect("can be sent");
        let expected = json!({
            "order": "17",
            "click_action": "app://order/17",
            "notification_id": "00000000-0000-0000-0000-000000000007",
            "category": "default",
        });
        assert_eq!(Value::Object(note.data), expected);
    }

    #[test]
    fn what_no_vendor_takes_is_refused() {
        let refused = |envelope: &Envelope| Note::of(envelope).expect_err("cannot be sent");
        for name in RESERVED {
            let message = PushMessage::new("t", "b").with_data(*name, "x");
            assert_eq!(refused(&envelope(message)), Fault::request("data_reserved"));
        }
        let message = PushMessage::new("t", "b").with_collapse_key("ü".repeat(33));
        let long = Fault::request("collapse_key_too_long");
        assert_eq!(refused(&envelope(message)), long);
        let mut dead = envelope(PushMessage::new("t", "b"));
        dead.address = Address::device("");
        assert_eq!(refused(&dead), Fault::recipient("bad_address"));
        dead.message = Message::new(SmsMessage::new("text"));
        assert_eq!(refused(&dead), Fault::request("wrong_channel"));
    }

    #[test]
    fn what_is_critical_wakes_the_device() {
        let mut envelope = envelope(PushMessage::new("t", "b"));
        let priority = |envelope: &Envelope| Note::of(envelope).expect("can be sent").priority;
        assert_eq!(priority(&envelope), PushPriority::Normal);
        envelope.class = Class::Critical;
        assert_eq!(priority(&envelope), PushPriority::High);
        let calm = PushMessage::new("t", "b").with_priority(PushPriority::Normal);
        envelope.message = Message::new(calm);
        assert_eq!(priority(&envelope), PushPriority::Normal);
    }
}
