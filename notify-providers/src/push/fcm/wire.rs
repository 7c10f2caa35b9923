//! The body of `messages:send`.

use notify_core::channel::{Interruption, PushMessage, PushPriority};
use notify_core::clock::Timestamp;
use notify_core::provider::{Envelope, Fault};
use serde_json::{Map, Value, json};
use std::time::Duration;

use crate::push::note::Note;
use crate::push::section::{
    alert, apns_expiration, aps, duration, is_background, lay_over, object, put, text_bytes, topic,
};
use crate::push::target::Target;

/// The most bytes of a message, by the vendor's documentation. What counts is not said exactly, so what certainly does is counted.
const MAX_BYTES: usize = 4_096;
/// The longest that FCM keeps a message: four weeks. A longer time is cut to it, because FCM gives up then anyway.
const MAX_TTL: Duration = Duration::from_secs(28 * 86_400);

/// What the provider says about every message.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) validate_only: bool,
}

/// The body of one call.
///
/// # Errors
/// Request faults: `data_reserved` for names of data that FCM keeps for itself, `section` for a section that is no object,
/// `payload_too_large`.
pub(super) fn body(
    envelope: &Envelope,
    note: &Note<'_>,
    target: Target<'_>,
    settings: &Settings,
    now: Timestamp,
) -> Result<Value, Fault> {
    let kept = |name: &String| {
        name == "from"
            || name == "message_type"
            || name.starts_with("google")
            || name.starts_with("gcm")
    };
    if note.message.data.keys().any(kept) {
        return Err(Fault::request("data_reserved"));
    }
    let ttl = note.message.ttl.map(|ttl| ttl.min(MAX_TTL));
    let (mut android, mut webpush) = (android(note, ttl), webpush(note, ttl));
    lay_over(&mut android, note.message.android.as_ref())?;
    lay_over(&mut webpush, note.message.webpush.as_ref())?;
    let apns = apns(note, ttl, now)?;
    let (name, value) = target.field();
    let mut message = Map::from_iter([(name.to_owned(), value.into())]);
    if note.is_shown() {
        put(&mut message, "notification", notification(note.message));
    }
    message.insert("data".to_owned(), note.data.clone().into());
    message.insert("android".to_owned(), android);
    message.insert("apns".to_owned(), apns);
    message.insert("webpush".to_owned(), webpush);
    put(&mut message, "fcm_options", options(envelope));
    let message = Value::Object(message);
    if size(&message) > MAX_BYTES {
        return Err(Fault::request("payload_too_large"));
    }
    let mut body = json!({ "message": message });
    if settings.validate_only {
        body["validate_only"] = true.into();
    }
    Ok(body)
}

/// What the largest of the three platforms gets.
fn size(message: &Value) -> usize {
    let bytes = |pointer: &str| message.pointer(pointer).map_or(0, text_bytes);
    let android = bytes("/android/notification") + bytes("/android/data");
    let apple = bytes("/apns/payload");
    let browser = bytes("/webpush/notification") + bytes("/webpush/data");
    bytes("/notification") + bytes("/data") + android.max(apple).max(browser)
}

fn notification(message: &PushMessage) -> Map<String, Value> {
    let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    object([
        ("title", text(&message.title)),
        ("body", text(&message.body)),
        ("image", message.image.as_deref().map(Value::from)),
    ])
}

fn android(note: &Note<'_>, ttl: Option<Duration>) -> Value {
    let message = note.message;
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let priority = match message.interruption {
        Some(Interruption::Critical) => Some("PRIORITY_MAX"),
        Some(Interruption::Passive) => Some("PRIORITY_LOW"),
        Some(Interruption::TimeSensitive) => Some("PRIORITY_HIGH"),
        _ => None,
    };
    // The name of an intent. A URL is none: nothing would open.
    let click = message.click_action.as_deref();
    let click = click.filter(|action| !action.contains(':'));
    let notification = object([
        ("tag", text(&message.collapse_key)),
        ("sound", text(&message.sound)),
        ("channel_id", text(&message.category)),
        ("click_action", click.map(Value::from)),
        ("notification_count", message.badge.map(Value::from)),
        ("notification_priority", priority.map(Value::from)),
    ]);
    let mut android = object([
        ("collapse_key", text(&message.collapse_key)),
        (
            "priority",
            Some(
                match note.priority {
                    PushPriority::High => "high",
                    _ => "normal",
                }
                .into(),
            ),
        ),
        ("ttl", ttl.map(|ttl| duration(ttl).into())),
    ]);
    if note.is_shown() {
        put(&mut android, "notification", notification);
    }
    android.into()
}

/// With the message's own payload over ours.
fn apns(note: &Note<'_>, ttl: Option<Duration>, now: Timestamp) -> Result<Value, Fault> {
    let message = note.message;
    let mut aps = aps(message);
    if message.subtitle.is_some() {
        // The notification has no place for it, and this one takes the place of the notification.
        put(&mut aps, "alert", alert(message));
    }
    if !note.is_shown() {
        aps.insert("content-available".to_owned(), 1.into());
    }
    let mut payload = Map::new();
    put(&mut payload, "aps", aps);
    let mut payload = Value::Object(payload);
    lay_over(&mut payload, message.apns.as_ref())?;
    let is_background = !note.is_shown() && is_background(&payload);
    let priority = match note.priority {
        PushPriority::High if !is_background => "10",
        _ => "5",
    };
    let expiration = ttl.map(|ttl| apns_expiration(ttl, now).to_string());
    let headers = object([
        ("apns-priority", Some(priority.into())),
        ("apns-push-type", is_background.then(|| "background".into())),
        ("apns-expiration", expiration.map(Value::from)),
        (
            "apns-collapse-id",
            message.collapse_key.as_deref().map(Value::from),
        ),
    ]);
    Ok(json!({ "headers": headers, "payload": payload }))
}

fn webpush(note: &Note<'_>, ttl: Option<Duration>) -> Value {
    let message = note.message;
    let urgency = match note.priority {
        PushPriority::High => "high",
        _ => "normal",
    };
    let mut headers = Map::from_iter([("Urgency".to_owned(), urgency.into())]);
    if let Some(ttl) = ttl {
        headers.insert("TTL".to_owned(), ttl.as_secs().to_string().into());
    }
    if let Some(key) = &message.collapse_key {
        headers.insert("Topic".to_owned(), topic(key).into());
    }
    let mut webpush = Map::from_iter([("headers".to_owned(), headers.into())]);
    if note.is_shown() {
        put(&mut webpush, "notification", in_browsers(message));
    }
    let link = message.click_action.as_deref();
    if let Some(link) = link.filter(|link| link.starts_with("https://")) {
        webpush.insert("fcm_options".to_owned(), json!({ "link": link }));
    }
    webpush.into()
}

/// What browsers know beyond title, text and picture (Notifications API, `NotificationOptions`).
fn in_browsers(message: &PushMessage) -> Map<String, Value> {
    let actions = message.actions.iter();
    let actions: Vec<Value> = actions
        .map(|action| json!({ "action": action.id, "title": action.title }))
        .collect();
    let silent = message.interruption == Some(Interruption::Passive);
    object([
        ("tag", message.collapse_key.as_deref().map(Value::from)),
        ("actions", (!actions.is_empty()).then(|| actions.into())),
        ("silent", silent.then_some(Value::Bool(true))),
    ])
}

/// The category as the label of Firebase's reports, if it may be one.
fn options(envelope: &Envelope) -> Map<String, Value> {
    let label = envelope.category.as_str();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b);
    let is_label = (1..=50).contains(&label.len()) && label.bytes().all(allowed);
    object([("analytics_label", is_label.then(|| label.into()))])
}
