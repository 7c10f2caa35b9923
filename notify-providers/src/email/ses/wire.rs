//! The body of `SendEmail`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::Mailbox;
use notify_core::notification::Attachment;
use notify_core::provider::{Envelope, Fault};
use serde_json::{Value, json};

use crate::email::labels;
use crate::email::mail::{Mail, Sender};
use crate::email::mailbox::{ascii, encoded};
use crate::unsupported::unsupported;

/// The most headers of a mail, and the most characters of each.
const MAX_HEADERS: usize = 15;
const MAX_HEADER_VALUE: usize = 995;
/// The most tags of a mail.
const MAX_TAGS: usize = 50;

/// What the provider says about every mail.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) configuration_set: Option<String>,
    pub(super) bulk: bool,
}

/// A mail with everything in it that SES wants in ASCII.
pub(super) struct Ready<'a> {
    pub(super) mail: Mail<'a>,
    pub(super) to: String,
    pub(super) from: String,
    pub(super) reply_to: Option<String>,
    pub(super) headers: Vec<(String, String)>,
}

/// Checks a mail and writes it in ASCII.
///
/// # Errors
/// Those of [`Mail::of`]; request faults `unsupported:…` and `header_value`.
pub(super) fn ready<'a>(envelope: &'a Envelope, sender: &'a Sender) -> Result<Ready<'a>, Fault> {
    let mail = Mail::of(envelope, sender)?;
    let message = mail.message;
    for (asked, feature) in [
        (message.send_at.is_some(), "send_at"),
        (message.track_opens == Some(true), "track_opens"),
        (message.track_clicks == Some(true), "track_clicks"),
        (mail.headers.len() > MAX_HEADERS, "headers"),
    ] {
        if asked {
            return Err(unsupported(feature));
        }
    }
    let headers = mail.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.clone(), encoded(value)))
        .collect();
    if headers
        .iter()
        .any(|(_, value)| value.len() > MAX_HEADER_VALUE)
    {
        return Err(Fault::request("header_value"));
    }
    Ok(Ready {
        to: ascii_address(&mail.to)?,
        from: written(mail.from)?,
        reply_to: mail.reply_to.map(written).transpose()?,
        headers,
        mail,
    })
}

fn written(mailbox: &Mailbox) -> Result<String, Fault> {
    let email = ascii_address(&mailbox.email)?;
    let mailbox = Mailbox::new(mailbox.name.as_str(), email);
    Ok(ascii(&mailbox.map_err(|_| Fault::request("header_from"))?))
}

/// The domain in its ASCII form (RFC 5891). SES has no SMTPUTF8: it takes no other local parts.
fn ascii_address(address: &str) -> Result<String, Fault> {
    if address.is_ascii() {
        return Ok(address.to_owned());
    }
    let (local, domain) = address.rsplit_once('@').unwrap_or_default();
    match idna::domain_to_ascii(domain) {
        Ok(domain) if local.is_ascii() => Ok(format!("{local}@{domain}")),
        _ => Err(unsupported("smtputf8")),
    }
}

/// One mail as JSON.
pub(super) fn body(envelope: &Envelope, ready: &Ready<'_>, settings: &Settings) -> Value {
    let mail = &ready.mail;
    let part = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
    let mut content = json!({ "Text": null, "Html": null });
    for (name, value) in [("Text", mail.text()), ("Html", mail.html())] {
        content[name] = value.map_or(Value::Null, part);
    }
    if let Some(parts) = content.as_object_mut() {
        parts.retain(|_, part| !part.is_null());
    }
    let mut simple = json!({
        "Subject": part(&mail.message.subject),
        "Body": content,
        "Headers": headers(ready),
    });
    let files = &mail.message.attachments;
    if !files.is_empty() {
        simple["Attachments"] = files.iter().map(attachment).collect();
    }
    let mut body = json!({
        "Destination": { "ToAddresses": [ready.to] },
        "Content": { "Simple": simple },
        "EmailTags": tags(envelope, mail),
    });
    add_sender(&mut body, ready, settings);
    body
}

/// What `SendEmail` and `SendBulkEmail` call the same.
pub(super) fn add_sender(body: &mut Value, ready: &Ready<'_>, settings: &Settings) {
    body["FromEmailAddress"] = ready.from.as_str().into();
    if let Some(reply_to) = &ready.reply_to {
        body["ReplyToAddresses"] = json!([reply_to]);
    }
    if let Some(name) = &settings.configuration_set {
        body["ConfigurationSetName"] = name.as_str().into();
    }
}

pub(super) fn headers(ready: &Ready<'_>) -> Value {
    let headers = ready.headers.iter();
    headers
        .map(|(name, value)| json!({ "Name": name, "Value": value }))
        .collect()
}

pub(super) fn tags(envelope: &Envelope, mail: &Mail<'_>) -> Value {
    let pairs = labels::plain_pairs(envelope, mail.message, MAX_TAGS).into_iter();
    pairs
        .map(|(name, value)| json!({ "Name": name, "Value": value }))
        .collect()
}

fn attachment(file: &Attachment) -> Value {
    let mut part = json!({
        "FileName": file.name,
        "RawContent": STANDARD.encode(&file.data),
        "ContentType": file.media_type,
        "ContentDisposition": "ATTACHMENT",
        "ContentTransferEncoding": "BASE64",
    });
    if let Some(id) = &file.content_id {
        part["ContentDisposition"] = "INLINE".into();
        part["ContentId"] = id.as_str().into();
    }
    part
}
