//! The fields of a call.

use notify_core::channel::EmailMessage;
use notify_core::provider::{Envelope, Fault};
use serde_json::{Map, Value};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::multipart::Fields;
use crate::email::batch::{Item, Part};
use crate::email::mail::Mail;
use crate::email::mailbox::quoted;
use crate::email::{date, header, labels};

/// The most tags of a mail.
const MAX_TAGS: usize = 10;
/// What a variable of a recipient begins with, wherever it stands.
const VARIABLE: &str = "%recipient";

/// What the provider says about every mail.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) sandbox: bool,
    pub(super) require_tls: bool,
}

/// Equal for mails that may share a call. Subject, and the values of headers and metadata may differ between them.
pub(super) fn content_hash(mail: &EmailMessage) -> u64 {
    let mut hash = DefaultHasher::new();
    (&mail.text, &mail.html, &mail.tags).hash(&mut hash);
    (mail.track_opens, mail.track_clicks, mail.send_at).hash(&mut hash);
    for mailbox in [&mail.from, &mail.reply_to] {
        let parts = mailbox.as_ref();
        parts.map(|one| (&one.name, &one.email)).hash(&mut hash);
    }
    for file in &mail.attachments {
        (&file.name, &file.media_type, &file.data, &file.content_id).hash(&mut hash);
    }
    hash.finish()
}

/// Refuses a file that would break out of its part of the form.
pub(super) fn check(mail: &Mail<'_>) -> Result<(), Fault> {
    for file in &mail.message.attachments {
        header::one_line(&file.media_type).map_err(|()| Fault::request("attachment_media_type"))?;
    }
    Ok(())
}

/// What a mail has of its own: its subject, headers and variables, each under the name of its field.
fn own_fields(envelope: &Envelope, mail: &Mail<'_>) -> Vec<(String, String)> {
    let mut fields = vec![("subject".to_owned(), mail.message.subject.clone())];
    let headers = mail.headers.iter();
    fields.extend(headers.map(|(name, value)| (format!("h:{name}"), value.clone())));
    let variables = labels::metadata(envelope, mail.message).into_iter();
    fields.extend(variables.map(|(name, value)| (format!("v:{name}"), value)));
    fields
}

/// Whether a mail may go in the call of these: the same content, the same names of what is each one's own, no address twice, and
/// nothing in it that Mailgun would take for a variable.
pub(super) fn may_join(part: &Part<'_, Mail<'_>>, next: &Item<'_, Mail<'_>>) -> bool {
    let Some(first) = part.first() else {
        return true;
    };
    let (one, other) = (first.mail.message, next.mail.message);
    let same_content = first.mail.from == next.mail.from
        && first.mail.reply_to == next.mail.reply_to
        && first.envelope.category == next.envelope.category
        && (&one.text, &one.html, &one.attachments)
            == (&other.text, &other.html, &other.attachments)
        && (&one.tags, one.send_at) == (&other.tags, other.send_at)
        && (one.track_opens, one.track_clicks) == (other.track_opens, other.track_clicks);
    if !same_content {
        return false;
    }
    let (mine, theirs) = (
        own_fields(first.envelope, &first.mail),
        own_fields(next.envelope, &next.mail),
    );
    let names = |fields: &[(String, String)]| {
        fields
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let shared = [one.text.as_deref(), one.html.as_deref()];
    let values = mine
        .iter()
        .chain(&theirs)
        .flat_map(|(name, value)| [name, value]);
    let mut texts = shared
        .into_iter()
        .flatten()
        .chain(values.map(String::as_str));
    names(&mine) == names(&theirs)
        && !texts.any(|text| text.contains(VARIABLE))
        && part
            .iter()
            .all(|item| !item.mail.to.eq_ignore_ascii_case(&next.mail.to))
}

/// The fields of one call.
pub(super) fn fields(part: &Part<'_, Mail<'_>>, settings: &Settings) -> Fields {
    let mut fields = Fields::default();
    let Some(first) = part.first() else {
        return fields;
    };
    let (mail, message) = (&first.mail, first.mail.message);
    fields.add("from", quoted(mail.from));
    for item in part {
        fields.add("to", &*item.mail.to);
    }
    if let Some(reply_to) = mail.reply_to {
        fields.add("h:Reply-To", quoted(reply_to));
    }
    for (name, part) in [("text", mail.text()), ("html", mail.html())] {
        if let Some(part) = part {
            fields.add(name, part);
        }
    }
    for tag in labels::tags(first.envelope, message, MAX_TAGS) {
        fields.add("o:tag", tag);
    }
    if let Some(at) = message.send_at {
        fields.add("o:deliverytime", date::rfc5322(at));
    }
    for (name, on) in [
        ("o:tracking-opens", message.track_opens),
        ("o:tracking-clicks", message.track_clicks),
        ("o:testmode", settings.sandbox.then_some(true)),
        ("o:require-tls", settings.require_tls.then_some(true)),
    ] {
        if let Some(on) = on {
            fields.add(name, if on { "yes" } else { "no" });
        }
    }
    add_own_fields(&mut fields, part);
    for file in &message.attachments {
        match &file.content_id {
            // The file name is what the HTML finds it by.
            Some(id) => fields.add_file("inline", id, &file.media_type, &file.data),
            None => fields.add_file("attachment", &file.name, &file.media_type, &file.data),
        }
    }
    fields
}

/// One mail has its own fields as they are; several have variables in them, and the values beside them.
fn add_own_fields(fields: &mut Fields, part: &Part<'_, Mail<'_>>) {
    let own: Vec<_> = part
        .iter()
        .map(|item| own_fields(item.envelope, &item.mail))
        .collect();
    let [first, rest @ ..] = own.as_slice() else {
        return;
    };
    let mut variables: Vec<Map<String, Value>> = vec![Map::new(); part.len()];
    for (no, (name, value)) in first.iter().enumerate() {
        if rest.iter().all(|other| other[no].1 == *value) {
            fields.add(name, value);
            continue;
        }
        let variable = format!("n{no}");
        fields.add(name, format!("{VARIABLE}.{variable}%"));
        for (values, own) in variables.iter_mut().zip(&own) {
            values.insert(variable.clone(), own[no].1.as_str().into());
        }
    }
    if part.len() > 1 {
        let all = part.iter().zip(variables);
        let all: Map<String, Value> = all
            .map(|(item, values)| (item.mail.to.to_string(), values.into()))
            .collect();
        // With this field, even an empty one, nobody sees the other recipients.
        fields.add("recipient-variables", Value::Object(all).to_string());
    }
}
