//! The body of `messages/send`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::notification::Attachment;
use notify_core::provider::Envelope;
use notify_core::secret::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use crate::email::mail::Mail;
use crate::email::mailbox::quoted;
use crate::email::{date, labels};

/// The most tags of a mail; far more than one has.
const MAX_TAGS: usize = 50;

/// What the provider says about every mail.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) subaccount: Option<String>,
}

/// The body of one call; holds the key.
pub(super) fn body(
    envelope: &Envelope,
    mail: &Mail<'_>,
    key: &SecretString,
    settings: &Settings,
) -> Value {
    let message = mail.message;
    let headers = mail.headers.iter();
    let mut headers: Map<String, Value> = headers
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    if let Some(reply_to) = mail.reply_to {
        headers.insert("Reply-To".to_owned(), quoted(reply_to).into());
    }
    let metadata = labels::metadata(envelope, message).into_iter();
    let metadata: Map<String, Value> = metadata.map(|(name, value)| (name, value.into())).collect();
    let tags = labels::tags(envelope, message, MAX_TAGS).into_iter();
    // Those with the line are Mandrill's own.
    let tags = tags.filter(|tag| !tag.starts_with('_') && tag.chars().count() <= 50);
    let mut body = json!({
        "from_email": mail.from.email,
        "to": [{ "email": mail.to, "type": "to" }],
        "subject": message.subject,
        "headers": headers,
        "metadata": metadata,
        "tags": tags.collect::<Vec<_>>(),
        "preserve_recipients": false,
    });
    let name = mail.from.name.trim();
    let parts = [
        ("from_name", Some(name).filter(|name| !name.is_empty())),
        ("text", mail.text()),
        ("html", mail.html()),
        ("subaccount", settings.subaccount.as_deref()),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            body[name] = part.into();
        }
    }
    for (name, on) in [
        ("track_opens", message.track_opens),
        ("track_clicks", message.track_clicks),
    ] {
        if let Some(on) = on {
            body[name] = on.into();
        }
    }
    let (images, files): (Vec<_>, Vec<_>) = message
        .attachments
        .iter()
        .partition(|file| file.content_id.is_some());
    for (name, files) in [("images", images), ("attachments", files)] {
        if !files.is_empty() {
            body[name] = files.into_iter().map(attachment).collect();
        }
    }
    let mut call = json!({ "key": key.expose_secret(), "async": false, "message": body });
    if let Some(at) = message.send_at {
        // `2026-01-01 10:00:00`, in UTC.
        call["send_at"] = date::rfc3339(at)
            .replace('T', " ")
            .trim_end_matches('Z')
            .into();
    }
    call
}

/// An image is found by its name.
fn attachment(file: &Attachment) -> Value {
    json!({
        "type": file.media_type,
        "name": file.content_id.as_ref().unwrap_or(&file.name),
        "content": STANDARD.encode(&file.data),
    })
}
