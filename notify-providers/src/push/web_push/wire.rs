//! Headers and content of a message to a browser.

use notify_core::channel::{Interruption, PushPriority};
use notify_core::provider::Fault;
use serde_json::{Map, Value, json};
use std::time::Duration;

use crate::push::note::Note;
use crate::push::section::{lay_over, object, put, topic};

/// How long a message is kept that does not say: four weeks, as long as Google's service keeps anything. A longer time is cut to it:
/// Mozilla refuses more than 30 days.
const MAX_TTL: Duration = Duration::from_secs(28 * 86_400);
/// The number by which a browser knows a declarative message (Push API, "Declarative push message").
const DECLARATIVE: u64 = 8_030;

/// A message before it is encrypted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wire {
    pub(super) ttl: String,
    pub(super) urgency: String,
    pub(super) topic: Option<String>,
    pub(super) payload: String,
}

/// The message in the form of FCM's `webpush`, with the message's own section over it.
///
/// # Errors
/// A request fault `section` for a section that is no object, or has a header that is none.
pub(super) fn of(note: &Note<'_>, declarative: bool) -> Result<Wire, Fault> {
    let mut section = json!({ "headers": headers(note), "data": note.data });
    if note.is_shown() {
        section["notification"] = notification(note).into();
    }
    lay_over(&mut section, note.message.webpush.as_ref())?;
    let header = |name: &str| header(&section, name);
    Ok(Wire {
        // Without one nobody takes the message.
        ttl: header("TTL")?.unwrap_or_else(|| MAX_TTL.as_secs().to_string()),
        urgency: header("Urgency")?.unwrap_or_else(|| "normal".to_owned()),
        topic: header("Topic")?,
        payload: payload(&section, note, declarative).to_string(),
    })
}

fn headers(note: &Note<'_>) -> Map<String, Value> {
    let ttl = note.message.ttl.unwrap_or(MAX_TTL).min(MAX_TTL);
    let urgency = match note.priority {
        PushPriority::High => "high",
        _ => "normal",
    };
    let key = note.message.collapse_key.as_deref();
    object([
        ("TTL", Some(ttl.as_secs().to_string().into())),
        ("Urgency", Some(urgency.into())),
        ("Topic", key.map(|key| topic(key).into())),
    ])
}

/// One of the headers; a section may have other ones, for FCM.
fn header(section: &Value, name: &str) -> Result<Option<String>, Fault> {
    let headers = section.get("headers").and_then(Value::as_object);
    // The message's own comes last, whatever its case.
    let mut same = headers
        .into_iter()
        .flatten()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let own = same.clone().find(|(other, _)| other.as_str() != name);
    match own.or_else(|| same.next()) {
        None => Ok(None),
        Some((_, Value::String(text))) => Ok(Some(text.clone())),
        Some((_, Value::Number(number))) => Ok(Some(number.to_string())),
        Some(_) => Err(Fault::request("section")),
    }
}

/// What `ServiceWorkerRegistration.showNotification` takes (Notifications API, `NotificationOptions`), and the title.
fn notification(note: &Note<'_>) -> Map<String, Value> {
    let message = note.message;
    let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    let actions = message.actions.iter();
    let actions: Vec<Value> = actions
        .map(|action| json!({ "action": action.id, "title": action.title }))
        .collect();
    let silent = message.interruption == Some(Interruption::Passive);
    object([
        ("title", text(&message.title)),
        ("body", text(&message.body)),
        ("image", message.image.as_deref().map(Value::from)),
        ("tag", message.collapse_key.as_deref().map(Value::from)),
        ("actions", (!actions.is_empty()).then(|| actions.into())),
        ("silent", silent.then_some(Value::Bool(true))),
    ])
}

/// What the browser gets.
fn payload(section: &Value, note: &Note<'_>, declarative: bool) -> Value {
    let part = |name: &str| section.get(name).and_then(Value::as_object).cloned();
    let mut payload = Map::new();
    let mut notification = part("notification").unwrap_or_default();
    let link = section
        .pointer("/fcm_options/link")
        .and_then(Value::as_str)
        .or(note.message.click_action.as_deref());
    let link = link.filter(|link| link.starts_with("https://"));
    if let (true, Some(link), true) = (declarative, link, notification.contains_key("title")) {
        payload.insert("web_push".to_owned(), DECLARATIVE.into());
        notification.insert("navigate".to_owned(), link.into());
        // A button without a link of its own makes the whole message none.
        notification.remove("actions");
    }
    put(&mut payload, "notification", notification);
    payload.insert("data".to_owned(), part("data").unwrap_or_default().into());
    if let Some(badge) = note.message.badge {
        payload.insert("app_badge".to_owned(), badge.into());
    }
    payload.into()
}
