//! Several mails in one call: <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html>.

use notify_core::channel::EmailMessage;
use notify_core::provider::{Fault, Receipt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::fault;
use super::wire::{Ready, Settings, add_sender, headers, tags};
use crate::email::batch::{Item, Part};
use crate::http::Answer;

pub(super) const PATH: &str = "/v2/email/outbound-bulk-emails";

/// The most mails of one call, by the vendor's documentation.
pub(super) const MAX_BATCH: usize = 50;
/// The most bytes of a mail's data: 262,144 by the vendor's documentation, less what JSON adds.
const MAX_DATA: usize = 200_000;

/// Equal for mails that may share a call: all but sender and the kind of content may differ. `None` for those that go alone.
pub(super) fn key(mail: &EmailMessage) -> Option<u64> {
    if !mail.attachments.is_empty() {
        return None;
    }
    let mut hash = DefaultHasher::new();
    for mailbox in [&mail.from, &mail.reply_to] {
        let parts = mailbox.as_ref();
        parts.map(|one| (&one.name, &one.email)).hash(&mut hash);
    }
    (mail.text.is_some(), mail.html.is_some()).hash(&mut hash);
    Some(hash.finish())
}

/// Whether a mail may go in the call of these.
pub(super) fn may_join(part: &Part<'_, Ready<'_>>, next: &Item<'_, Ready<'_>>) -> bool {
    let goes_alone = |ready: &Ready<'_>| {
        let parts = [ready.mail.text(), ready.mail.html()].into_iter().flatten();
        !ready.mail.message.attachments.is_empty() || parts.map(str::len).sum::<usize>() > MAX_DATA
    };
    let shape = |ready: &Ready<'_>| (ready.mail.text().is_some(), ready.mail.html().is_some());
    part.len() < MAX_BATCH
        && !goes_alone(&next.mail)
        && part.first().is_some_and(|first| {
            !goes_alone(&first.mail)
                && first.mail.from == next.mail.from
                && first.mail.reply_to == next.mail.reply_to
                && shape(&first.mail) == shape(&next.mail)
        })
}

/// The body of one call. The interface knows templates only: ours is nothing but places, and each mail brings what stands there. SES
/// does not escape what it puts into a place.
pub(super) fn body(part: &Part<'_, Ready<'_>>, settings: &Settings) -> Value {
    let entries = part.iter().map(|item| {
        let (ready, message) = (&item.mail, item.mail.mail.message);
        let mut data = json!({ "subject": message.subject });
        for (name, value) in [("text", ready.mail.text()), ("html", ready.mail.html())] {
            if let Some(value) = value {
                data[name] = value.into();
            }
        }
        json!({
            "Destination": { "ToAddresses": [ready.to] },
            "ReplacementTags": tags(item.envelope, &ready.mail),
            "ReplacementHeaders": headers(ready),
            "ReplacementEmailContent": {
                "ReplacementTemplate": { "ReplacementTemplateData": data.to_string() },
            },
        })
    });
    let entries: Vec<_> = entries.collect();
    let mut template = json!({ "Subject": "{{subject}}" });
    let mut body = json!({ "BulkEmailEntries": entries });
    if let Some(first) = part.first() {
        if first.mail.mail.text().is_some() {
            template["Text"] = "{{text}}".into();
        }
        if first.mail.mail.html().is_some() {
            template["Html"] = "{{html}}".into();
        }
        add_sender(&mut body, &first.mail, settings);
    }
    body["DefaultContent"] =
        json!({ "Template": { "TemplateContent": template, "TemplateData": "{}" } });
    body
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Taken {
    bulk_email_entry_results: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    message_id: Option<String>,
}

/// The result of each mail of a call that was answered by 200.
pub(super) fn results(answer: &Answer, mails: usize) -> Vec<Result<Receipt, Fault>> {
    let taken: Taken = match answer.json() {
        Ok(taken) => taken,
        Err(fault) => return vec![Err(fault); mails],
    };
    let result = |entry: Entry| match (entry.status.as_str(), entry.message_id) {
        ("SUCCESS", Some(id)) if !id.is_empty() => Ok(Receipt::with_message_id(id)),
        ("SUCCESS", _) => Ok(Receipt::new()),
        (status, _) => Err(fault::of_entry(answer, status, entry.error.as_deref())),
    };
    let entries = taken.bulk_email_entry_results.into_iter();
    entries.map(result).take(mails).collect()
}
