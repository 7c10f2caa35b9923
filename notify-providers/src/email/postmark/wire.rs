//! The body of the Email API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::notification::{Attachment, Class};
use notify_core::provider::Envelope;
use serde_json::{Map, Value, json};

use crate::email::labels;
use crate::email::mail::Mail;
use crate::email::mailbox::quoted;

/// How much metadata there is room for; what is more is left out.
const MAX_METADATA: usize = 10;
const MAX_METADATA_NAME: usize = 20;
const MAX_METADATA_VALUE: usize = 80;

/// What the provider says about every mail.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) stream: Option<String>,
    pub(super) marketing_stream: Option<String>,
}

/// One mail as JSON.
pub(super) fn body(envelope: &Envelope, mail: &Mail<'_>, settings: &Settings) -> Value {
    let headers = mail.headers.iter();
    let headers = headers.map(|(name, value)| json!({ "Name": name, "Value": value }));
    let message = mail.message;
    let tag = message.tags.first().map(String::as_str);
    let mut body = json!({
        "From": quoted(mail.from),
        "To": mail.to,
        "Subject": message.subject,
        "Tag": tag.unwrap_or(envelope.category.as_str()),
        "Metadata": metadata(envelope, mail),
        "Headers": headers.collect::<Vec<_>>(),
    });
    if let Some(reply_to) = mail.reply_to {
        body["ReplyTo"] = quoted(reply_to).into();
    }
    for (name, part) in [("TextBody", mail.text()), ("HtmlBody", mail.html())] {
        if let Some(part) = part {
            body[name] = part.into();
        }
    }
    if let Some(on) = message.track_opens {
        body["TrackOpens"] = on.into();
    }
    if let Some(on) = message.track_clicks {
        body["TrackLinks"] = if on { "HtmlAndText" } else { "None" }.into();
    }
    let stream = match envelope.class {
        Class::Marketing => settings
            .marketing_stream
            .as_ref()
            .or(settings.stream.as_ref()),
        _ => settings.stream.as_ref(),
    };
    if let Some(stream) = stream {
        body["MessageStream"] = stream.as_str().into();
    }
    if !message.attachments.is_empty() {
        body["Attachments"] = message.attachments.iter().map(attachment).collect();
    }
    body
}

fn metadata(envelope: &Envelope, mail: &Mail<'_>) -> Map<String, Value> {
    let pairs = labels::metadata(envelope, mail.message).into_iter();
    let fits = |(name, value): &(String, String)| {
        name.chars().count() <= MAX_METADATA_NAME && value.chars().count() <= MAX_METADATA_VALUE
    };
    pairs
        .filter(fits)
        .take(MAX_METADATA)
        .map(|(name, value)| (name, value.into()))
        .collect()
}

fn attachment(file: &Attachment) -> Value {
    let mut part = json!({
        "Name": file.name,
        "Content": STANDARD.encode(&file.data),
        "ContentType": file.media_type,
    });
    if let Some(id) = &file.content_id {
        part["ContentID"] = format!("cid:{id}").into();
    }
    part
}

/// About how many bytes a mail is in JSON.
pub(super) fn weight(mail: &Mail<'_>) -> usize {
    let files = mail.message.attachments.iter();
    let files: usize = files.map(|file| file.data.len() / 3 * 4 + 200).sum();
    let parts = [mail.text(), mail.html()].into_iter().flatten();
    parts.map(str::len).sum::<usize>() + files + 2_000
}
