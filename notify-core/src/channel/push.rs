//! Push to devices and browsers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::address::Address;
use crate::channel::{Channel, Escape, Part, Reach, Rendered};
use crate::error::{Error, Result};
use crate::id::{AddressScheme, ChannelId};
use crate::message::{Body, Message};

/// The most bytes of text: the payload limit of 4 KiB of APNs, FCM and Web Push (RFC 8030 §7.2) less room for keys.
const MAX_TEXT_BYTES: usize = 3_584;

/// A button of a push message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PushAction {
    /// What the application is told when it is pressed.
    pub id: String,
    /// What is written on it.
    pub title: String,
}

impl PushAction {
    /// A button.
    #[must_use]
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
        }
    }
}

/// How soon a push wakes the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PushPriority {
    /// At once.
    High,
    /// When it is convenient for the battery.
    Normal,
}

/// How much a push may disturb: the levels of iOS 15, which other platforms take as far as they have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interruption {
    /// Lights up the screen and makes a sound.
    Active,
    /// Passes every focus and the mute switch; the application needs Apple's permission.
    Critical,
    /// Only in the list.
    Passive,
    /// Passes focus, if the person allows it.
    TimeSensitive,
}

/// A push message.
///
/// What a platform has no place for is dropped: a push is small, and the application looks the same without a badge.
///
/// ```
/// use notify_core::channel::{PushAction, PushMessage, PushPriority};
/// use serde_json::json;
/// use std::time::Duration;
///
/// let push = PushMessage::new("Your order", "It is on its way.")
///     .with_data("order", "A-17")
///     .with_action(PushAction::new("track", "Where is it?"))
///     .with_collapse_key("order-A-17")
///     .with_ttl(Duration::from_secs(3_600))
///     .with_priority(PushPriority::High)
///     .with_android(json!({"notification": {"channel_id": "orders"}}));
/// assert_eq!(push.actions.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PushMessage {
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
    /// A second line below the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// The URL of a picture.
    pub image: Option<String>,
    /// What opens when it is clicked.
    pub click_action: Option<String>,
    /// The number on the application's icon; 0 removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge: Option<u32>,
    /// The name of a sound of the application, or `default`. Default: silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// The kind of message by which the application finds its buttons and its settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Buttons, for platforms that take them with the message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<PushAction>,
    /// Messages with the same thread are shown as one group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// A message with the same key takes the place of the one before; at most 64 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collapse_key: Option<String>,
    /// For how long the vendor keeps it for a device that is off. Default: the vendor's, usually four weeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// How soon it wakes the device. Default: high for critical notifications, else normal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<PushPriority>,
    /// How much it may disturb. Default: the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interruption: Option<Interruption>,
    /// Data for the application on the device.
    pub data: BTreeMap<String, String>,
    /// A section for Android in the form of FCM, laid over what is made of the fields above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub android: Option<Value>,
    /// A payload of APNs, laid over what is made of the fields above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apns: Option<Value>,
    /// A section for browsers in the form of FCM, laid over what is made of the fields above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webpush: Option<Value>,
}

impl PushMessage {
    /// A title and a text.
    #[must_use]
    pub fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            body: body.into(),
            subtitle: None,
            image: None,
            click_action: None,
            badge: None,
            sound: None,
            category: None,
            actions: Vec::new(),
            thread: None,
            collapse_key: None,
            ttl: None,
            priority: None,
            interruption: None,
            data: BTreeMap::new(),
            android: None,
            apns: None,
            webpush: None,
        }
    }

    /// With a second line below the title.
    #[must_use]
    pub fn with_subtitle(mut self, subtitle: impl Into<String>) -> Self {
        self.subtitle = Some(subtitle.into());
        self
    }

    /// With the picture at this URL.
    #[must_use]
    pub fn with_image(mut self, url: impl Into<String>) -> Self {
        self.image = Some(url.into());
        self
    }

    /// Opens this when it is clicked.
    #[must_use]
    pub fn with_click_action(mut self, url: impl Into<String>) -> Self {
        self.click_action = Some(url.into());
        self
    }

    /// With this number on the application's icon.
    #[must_use]
    pub const fn with_badge(mut self, badge: u32) -> Self {
        self.badge = Some(badge);
        self
    }

    /// With this sound.
    #[must_use]
    pub fn with_sound(mut self, sound: impl Into<String>) -> Self {
        self.sound = Some(sound.into());
        self
    }

    /// Of this kind, by which the application finds its buttons.
    #[must_use]
    pub fn with_category(mut self, category: impl Into<String>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// With one more button.
    #[must_use]
    pub fn with_action(mut self, action: PushAction) -> Self {
        self.actions.push(action);
        self
    }

    /// Shown in one group with others of this thread.
    #[must_use]
    pub fn with_thread(mut self, thread: impl Into<String>) -> Self {
        self.thread = Some(thread.into());
        self
    }

    /// Takes the place of the message before with this key.
    #[must_use]
    pub fn with_collapse_key(mut self, key: impl Into<String>) -> Self {
        self.collapse_key = Some(key.into());
        self
    }

    /// Kept for a device that is off for this long.
    #[must_use]
    pub const fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Wakes the device so soon.
    #[must_use]
    pub const fn with_priority(mut self, priority: PushPriority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Disturbs so much.
    #[must_use]
    pub const fn with_interruption(mut self, interruption: Interruption) -> Self {
        self.interruption = Some(interruption);
        self
    }

    /// With one more value for the application.
    #[must_use]
    pub fn with_data(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.data.insert(name.into(), value.into());
        self
    }

    /// With a section for Android in the form of FCM.
    #[must_use]
    pub fn with_android(mut self, section: Value) -> Self {
        self.android = Some(section);
        self
    }

    /// With a payload of APNs.
    #[must_use]
    pub fn with_apns(mut self, payload: Value) -> Self {
        self.apns = Some(payload);
        self
    }

    /// With a section for browsers in the form of FCM.
    #[must_use]
    pub fn with_webpush(mut self, section: Value) -> Self {
        self.webpush = Some(section);
        self
    }
}

impl Body for PushMessage {
    const CHANNEL: ChannelId = ChannelId::PUSH;
}

/// Push to every device of a recipient. Parts: `title`, `body`; optional `image`, `click_action`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PushChannel;

impl PushChannel {
    /// The channel.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Channel for PushChannel {
    fn id(&self) -> ChannelId {
        ChannelId::PUSH
    }

    fn accepts(&self, address: &Address) -> bool {
        *address.scheme() == AddressScheme::DEVICE
    }

    fn reach(&self) -> Reach {
        Reach::Every
    }

    fn parts(&self) -> &[Part] {
        const {
            &[
                Part::required("title", Escape::Line),
                Part::required("body", Escape::Text),
                Part::optional("image", Escape::Line),
                Part::optional("click_action", Escape::Line),
            ]
        }
    }

    fn compose(&self, mut rendered: Rendered) -> Result<Message> {
        let report_token = rendered.report_token.take();
        let mut message = PushMessage {
            image: rendered.take_optional("image"),
            click_action: rendered.take_optional("click_action"),
            ..PushMessage::new(rendered.take("title")?, rendered.take("body")?)
        };
        let bytes = message.title.len()
            + message.body.len()
            + message.image.as_ref().map_or(0, String::len)
            + message.click_action.as_ref().map_or(0, String::len);
        if bytes > MAX_TEXT_BYTES {
            return Err(Error::invalid(
                "body",
                format!("makes the push larger than {MAX_TEXT_BYTES} bytes"),
            ));
        }
        if let Some(token) = report_token {
            message.data.insert("report_token".to_owned(), token);
        }
        Ok(Message::new(message))
    }
}
