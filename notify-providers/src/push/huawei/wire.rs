//! The body of `messages:send`.

use notify_core::channel::{Interruption, PushMessage, PushPriority};
use serde_json::{Map, Value, json};

use crate::push::note::Note;
use crate::push::section::{duration, object, put};
use crate::push::target::Target;

/// The body of a call to a topic, or else to tokens. `tag` comes back in receipts.
pub(super) fn body(
    message: &Map<String, Value>,
    (target, tokens): (Option<Target<'_>>, &[&str]),
    tag: Option<String>,
    validate_only: bool,
) -> Value {
    let mut message = message.clone();
    match target.map(Target::field) {
        Some((field, value)) => message.insert(field.to_owned(), value.into()),
        None => message.insert("token".to_owned(), json!(tokens)),
    };
    let mut body = json!({ "validate_only": validate_only, "message": message });
    if let Some(tag) = tag {
        body["message"]["android"]["bi_tag"] = tag.into();
    }
    body
}

/// A message without its tokens.
pub(super) fn message(note: &Note<'_>) -> Map<String, Value> {
    // Data is one text, and not an object.
    let data = Value::Object(note.data.clone()).to_string();
    let urgency = match note.priority {
        PushPriority::High => "HIGH",
        _ => "NORMAL",
    };
    let mut android = object([
        ("urgency", Some(urgency.into())),
        ("ttl", note.message.ttl.map(|ttl| duration(ttl).into())),
    ]);
    let mut message = object([("data", Some(data.into()))]);
    if note.is_shown() {
        put(&mut message, "notification", notification(note.message));
        put(&mut android, "notification", look(note.message));
    }
    message.insert("android".to_owned(), android.into());
    message
}

fn notification(message: &PushMessage) -> Map<String, Value> {
    let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    object([
        ("title", text(&message.title)),
        ("body", text(&message.body)),
        ("image", message.image.as_deref().map(Value::from)),
    ])
}

fn look(message: &PushMessage) -> Map<String, Value> {
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let importance = match message.interruption {
        Some(Interruption::Critical | Interruption::TimeSensitive) => Some("HIGH"),
        Some(Interruption::Passive) => Some("LOW"),
        _ => None,
    };
    let own_sound = message.sound.as_deref().filter(|name| *name != "default");
    let has_default = message.sound.is_some() && own_sound.is_none();
    object([
        // There must be one.
        ("click_action", Some(click(message.click_action.as_deref()))),
        ("tag", text(&message.collapse_key)),
        ("group", text(&message.thread)),
        ("sound", own_sound.map(Value::from)),
        ("default_sound", has_default.then_some(Value::Bool(true))),
        (
            "badge",
            message.badge.map(|badge| json!({ "set_num": badge })),
        ),
        ("importance", importance.map(Value::from)),
    ])
}

/// A page, a link into the application, the name of an intent, or the application itself.
fn click(action: Option<&str>) -> Value {
    match action {
        Some(page) if page.starts_with("https://") => json!({ "type": 2, "url": page }),
        Some(link) if link.contains(':') => json!({ "type": 1, "intent": link }),
        Some(name) => json!({ "type": 1, "action": name }),
        None => json!({ "type": 3 }),
    }
}
