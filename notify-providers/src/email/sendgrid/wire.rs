//! The body of Mail Send v3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::notification::Attachment;
use notify_core::provider::{Envelope, Fault};
use serde_json::{Map, Value, json};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::email::mail::Mail;
use crate::http::metadata;

/// The most categories of a mail.
const MAX_CATEGORIES: usize = 10;

/// Names that events use themselves: `custom_args` are merged into the events at the top.
const EVENT_FIELDS: &[&str] = &[
    "asm_group_id",
    "attempt",
    "bounce_classification",
    "category",
    "email",
    "event",
    "ip",
    "pool",
    "reason",
    "response",
    "sg_event_id",
    "sg_machine_open",
    "sg_message_id",
    "smtp-id",
    "status",
    "timestamp",
    "tls",
    "type",
    "url",
    "url_offset",
    "useragent",
];

/// What the provider says about every mail.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) sandbox: bool,
    pub(super) unsubscribe_group: Option<u64>,
}

/// What all mails of one call have in common.
#[derive(PartialEq, Eq)]
pub(super) struct Shared<'a> {
    from: &'a Mailbox,
    reply_to: Option<&'a Mailbox>,
    text: Option<&'a str>,
    html: Option<&'a str>,
    attachments: &'a [Attachment],
    categories: Vec<&'a str>,
    track_opens: Option<bool>,
    track_clicks: Option<bool>,
}

impl<'a> Shared<'a> {
    pub(super) fn of(envelope: &'a Envelope, mail: &Mail<'a>) -> Self {
        let tags = mail.message.tags.iter().map(String::as_str);
        let mut categories: Vec<&str> = vec![envelope.category.as_str()];
        for tag in tags {
            if !categories.contains(&tag) {
                categories.push(tag);
            }
        }
        categories.truncate(MAX_CATEGORIES);
        Self {
            from: mail.from,
            reply_to: mail.reply_to,
            text: mail.text(),
            html: mail.html(),
            attachments: &mail.message.attachments,
            categories,
            track_opens: mail.message.track_opens,
            track_clicks: mail.message.track_clicks,
        }
    }
}

/// Equal for mails that may share a call. Subject, headers, metadata and time may differ between them.
pub(super) fn content_hash(mail: &EmailMessage) -> Option<u64> {
    let mut hash = DefaultHasher::new();
    (&mail.text, &mail.html, &mail.tags).hash(&mut hash);
    (mail.track_opens, mail.track_clicks).hash(&mut hash);
    for mailbox in [&mail.from, &mail.reply_to] {
        let parts = mailbox.as_ref();
        parts.map(|one| (&one.name, &one.email)).hash(&mut hash);
    }
    for file in &mail.attachments {
        (&file.name, &file.media_type, &file.data, &file.content_id).hash(&mut hash);
    }
    Some(hash.finish())
}

/// Refuses what this vendor alone cannot send.
///
/// # Errors
/// A request fault `metadata_reserved` for metadata that would be mistaken for a field of an event.
pub(super) fn check(mail: &EmailMessage) -> Result<(), Fault> {
    let mut names = mail.metadata.keys();
    if names.any(|name| EVENT_FIELDS.contains(&name.as_str())) {
        return Err(Fault::request("metadata_reserved"));
    }
    Ok(())
}

/// The body of one call.
pub(super) fn body(
    shared: &Shared<'_>,
    mails: &[(&Envelope, Mail<'_>)],
    settings: &Settings,
) -> Value {
    let personal = mails
        .iter()
        .map(|(envelope, mail)| personalization(envelope, mail));
    let mut body = json!({
        "personalizations": personal.collect::<Vec<_>>(),
        "from": mailbox(shared.from),
        "content": content(shared),
        "categories": shared.categories,
    });
    if let Some(reply_to) = shared.reply_to {
        body["reply_to"] = mailbox(reply_to);
    }
    if !shared.attachments.is_empty() {
        body["attachments"] = shared.attachments.iter().map(attachment).collect();
    }
    let mut tracking = Map::new();
    if let Some(on) = shared.track_opens {
        tracking.insert("open_tracking".to_owned(), json!({ "enable": on }));
    }
    if let Some(on) = shared.track_clicks {
        let clicks = json!({ "enable": on, "enable_text": on });
        tracking.insert("click_tracking".to_owned(), clicks);
    }
    if !tracking.is_empty() {
        body["tracking_settings"] = tracking.into();
    }
    if settings.sandbox {
        body["mail_settings"] = json!({ "sandbox_mode": { "enable": true } });
    }
    if let Some(group) = settings.unsubscribe_group {
        body["asm"] = json!({ "group_id": group });
    }
    body
}

fn personalization(envelope: &Envelope, mail: &Mail<'_>) -> Value {
    let mut arguments = Map::new();
    for (name, value) in &mail.message.metadata {
        arguments.insert(name.clone(), value.as_str().into());
    }
    for (name, value) in metadata::of(envelope) {
        // An event has its own category: the list of ours.
        if name != metadata::CATEGORY {
            arguments.insert(name.to_owned(), value.into());
        }
    }
    let headers = mail.headers.iter();
    let headers = headers.map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    let mut personal = json!({
        "to": [{ "email": mail.to }],
        "subject": mail.message.subject,
        "headers": headers.collect::<Map<_, _>>(),
        "custom_args": arguments,
    });
    if let Some(at) = mail.message.send_at {
        personal["send_at"] = (at.as_micros() / 1_000_000).into();
    }
    personal
}

/// The plain part first, as the vendor wants it.
fn content(shared: &Shared<'_>) -> Value {
    let parts = [("text/plain", shared.text), ("text/html", shared.html)];
    let parts = parts.into_iter();
    parts
        .filter_map(|(kind, value)| Some(json!({ "type": kind, "value": value? })))
        .collect()
}

fn mailbox(mailbox: &Mailbox) -> Value {
    if mailbox.name.trim().is_empty() {
        json!({ "email": mailbox.email })
    } else {
        json!({ "email": mailbox.email, "name": mailbox.name })
    }
}

fn attachment(file: &Attachment) -> Value {
    let mut part = json!({
        "content": STANDARD.encode(&file.data),
        "type": file.media_type,
        "filename": file.name,
        "disposition": "attachment",
    });
    if let Some(id) = &file.content_id {
        part["disposition"] = "inline".into();
        part["content_id"] = id.as_str().into();
    }
    part
}
