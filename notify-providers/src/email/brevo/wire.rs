//! The body of a call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::provider::{Envelope, Fault};
use serde_json::{Map, Value, json};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::email::batch::{Item, Part};
use crate::email::mail::{Mail, Sender};
use crate::email::{date, labels};
use crate::unsupported::unsupported;

/// The most tags of a mail; far more than one has.
const MAX_TAGS: usize = 50;

/// What the provider says about every mail.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) sandbox: bool,
    pub(super) batches: bool,
}

/// The mail, if it can be sent.
pub(super) fn mail<'a>(envelope: &'a Envelope, sender: &'a Sender) -> Result<Mail<'a>, Fault> {
    let mail = Mail::of(envelope, sender)?;
    let message = mail.message;
    let mut files = message.attachments.iter();
    for (asked, feature) in [
        (message.track_opens == Some(true), "track_opens"),
        (message.track_clicks == Some(true), "track_clicks"),
        (
            files.any(|file| file.content_id.is_some()),
            "inline_attachment",
        ),
        (
            !mail.headers.iter().all(|(_, value)| value.is_ascii()),
            "header_charset",
        ),
    ] {
        if asked {
            return Err(unsupported(feature));
        }
    }
    Ok(mail)
}

/// What the versions of one call have in common.
fn shared(mail: &EmailMessage) -> impl PartialEq + use<'_> {
    (
        &mail.attachments,
        &mail.tags,
        mail.send_at,
        mail.text.is_some(),
        mail.html.is_some(),
    )
}

/// Equal for mails that may share a call. Content, subject, headers and metadata may differ between them.
pub(super) fn shared_hash(mail: &EmailMessage) -> u64 {
    let mut hash = DefaultHasher::new();
    (
        &mail.tags,
        mail.send_at,
        mail.text.is_some(),
        mail.html.is_some(),
    )
        .hash(&mut hash);
    for mailbox in [&mail.from, &mail.reply_to] {
        let parts = mailbox.as_ref();
        parts.map(|one| (&one.name, &one.email)).hash(&mut hash);
    }
    for file in &mail.attachments {
        (&file.name, &file.data).hash(&mut hash);
    }
    hash.finish()
}

/// Whether a mail may go in the call of these.
pub(super) fn may_join(part: &Part<'_, Mail<'_>>, next: &Item<'_, Mail<'_>>) -> bool {
    part.first().is_none_or(|first| {
        let (one, other) = (&first.mail, &next.mail);
        one.from == other.from
            && one.reply_to == other.reply_to
            && (one.text().is_some(), one.html().is_some())
                == (other.text().is_some(), other.html().is_some())
            && first.envelope.category == next.envelope.category
            && shared(one.message) == shared(other.message)
    })
}

/// One mail as JSON.
pub(super) fn single(
    envelope: &Envelope,
    mail: &Mail<'_>,
    key: &str,
    settings: &Settings,
) -> Value {
    let mut body = common(envelope, mail);
    add_own(&mut body, envelope, mail);
    body["headers"]["idempotencyKey"] = key.into();
    if settings.sandbox {
        body["headers"]["X-Sib-Sandbox"] = "drop".into();
    }
    body
}

/// Several mails as versions of the first one.
pub(super) fn versions(part: &Part<'_, Mail<'_>>, key: &str, settings: &Settings) -> Value {
    let Some(first) = part.first() else {
        return Value::Null;
    };
    let mut body = single(first.envelope, &first.mail, key, settings);
    let versions = part.iter().map(|item| {
        let mut version = json!({});
        add_own(&mut version, item.envelope, &item.mail);
        if settings.sandbox {
            version["headers"]["X-Sib-Sandbox"] = "drop".into();
        }
        version
    });
    body["messageVersions"] = versions.collect();
    if let Some(body) = body.as_object_mut() {
        // Each version has its own.
        body.remove("to");
    }
    body
}

fn common(envelope: &Envelope, mail: &Mail<'_>) -> Value {
    let message = mail.message;
    let mut body = json!({
        "sender": mailbox(mail.from),
        "tags": labels::tags(envelope, message, MAX_TAGS),
    });
    if let Some(reply_to) = mail.reply_to {
        body["replyTo"] = mailbox(reply_to);
    }
    if let Some(at) = message.send_at {
        body["scheduledAt"] = date::rfc3339(at).into();
    }
    if !message.attachments.is_empty() {
        let files = message.attachments.iter();
        let files =
            files.map(|file| json!({ "name": file.name, "content": STANDARD.encode(&file.data) }));
        body["attachment"] = files.collect();
    }
    body
}

/// What each mail has of its own.
fn add_own(body: &mut Value, envelope: &Envelope, mail: &Mail<'_>) {
    body["to"] = json!([{ "email": mail.to }]);
    body["subject"] = mail.message.subject.as_str().into();
    for (name, part) in [("textContent", mail.text()), ("htmlContent", mail.html())] {
        if let Some(part) = part {
            body[name] = part.into();
        }
    }
    let headers = mail.headers.iter();
    let mut headers: Map<String, Value> = headers
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let pairs = labels::metadata(envelope, mail.message).into_iter();
    let plain = pairs.filter(|(name, value)| name.is_ascii() && value.is_ascii());
    let custom: Map<String, Value> = plain.map(|(name, value)| (name, value.into())).collect();
    headers.insert(
        "X-Mailin-custom".to_owned(),
        Value::Object(custom).to_string().into(),
    );
    body["headers"] = headers.into();
}

fn mailbox(mailbox: &Mailbox) -> Value {
    match mailbox.name.trim() {
        "" => json!({ "email": mailbox.email }),
        name => json!({ "email": mailbox.email, "name": name }),
    }
}
