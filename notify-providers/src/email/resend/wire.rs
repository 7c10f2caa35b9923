//! The body of a mail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::EmailMessage;
use notify_core::notification::Attachment;
use notify_core::provider::{Envelope, Fault};
use serde_json::{Map, Value, json};

use crate::email::mail::{Mail, Sender};
use crate::email::mailbox::{bare, encoded};
use crate::email::{date, labels};
use crate::unsupported::unsupported;

/// The most tags of a mail; far more than one has.
const MAX_TAGS: usize = 50;

/// The mail, if it can be sent.
pub(super) fn mail<'a>(envelope: &'a Envelope, sender: &'a Sender) -> Result<Mail<'a>, Fault> {
    let mail = Mail::of(envelope, sender)?;
    for (on, feature) in [
        (mail.message.track_opens, "track_opens"),
        (mail.message.track_clicks, "track_clicks"),
    ] {
        if on == Some(true) {
            return Err(unsupported(feature));
        }
    }
    Ok(mail)
}

/// What the vendor does not take in a call with others.
pub(super) fn goes_alone(mail: &EmailMessage) -> bool {
    !mail.attachments.is_empty() || mail.send_at.is_some()
}

/// One mail as JSON.
pub(super) fn body(envelope: &Envelope, mail: &Mail<'_>) -> Value {
    let message = mail.message;
    let headers = mail.headers.iter();
    let headers: Map<String, Value> = headers
        .map(|(name, value)| (name.clone(), encoded(value).into()))
        .collect();
    let tags = labels::plain_pairs(envelope, message, MAX_TAGS).into_iter();
    let tags = tags.map(|(name, value)| json!({ "name": name, "value": value }));
    let mut body = json!({
        "from": bare(mail.from),
        "to": [mail.to],
        "subject": message.subject,
        "headers": headers,
        "tags": tags.collect::<Vec<_>>(),
    });
    if let Some(reply_to) = mail.reply_to {
        body["reply_to"] = json!([bare(reply_to)]);
    }
    for (name, part) in [("text", mail.text()), ("html", mail.html())] {
        if let Some(part) = part {
            body[name] = part.into();
        }
    }
    if let Some(at) = message.send_at {
        body["scheduled_at"] = date::rfc3339(at).into();
    }
    if !message.attachments.is_empty() {
        body["attachments"] = message.attachments.iter().map(attachment).collect();
    }
    body
}

fn attachment(file: &Attachment) -> Value {
    let mut part = json!({
        "filename": file.name,
        "content": STANDARD.encode(&file.data),
        "content_type": file.media_type,
    });
    if let Some(id) = &file.content_id {
        part["content_id"] = id.as_str().into();
    }
    part
}
