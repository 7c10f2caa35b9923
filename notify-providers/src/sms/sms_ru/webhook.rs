//! Reports of SMS.ru: <https://sms.ru/api/webhook>.

use aws_lc_rs::digest::{Context, SHA256};
use notify_core::ProviderName;
use notify_core::provider::{
    Parsed, ProviderEvent, ProviderEventKind, Reply, WebhookError, WebhookParser, WebhookRequest,
};
use notify_core::secret::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::fmt;

use super::fault;
use crate::signature::encoding::unhex;
use crate::signature::hmac::is_same;
use crate::sms::callback::epoch;
use crate::webhook::form;

/// What SMS.ru wants to hear, letter by letter; else it sends the request again.
const HEARD: &str = "100";
/// The record of the vendor's own test.
const TEST: &str = "test";

/// Reads the reports of SMS.ru, up to 100 in a request.
///
/// The field `hash` is the SHA-256 of the account's `api_id` and all records in their order. No time is signed: a request may be
/// repeated, and its events are told apart by [`ProviderEvent::event_id`], the message and its status. The answer must be `100`,
/// which is in [`Parsed::reply`]. Reports name no number.
///
/// | status | kind |
/// |---|---|
/// | 100, 101, 102 | accepted |
/// | 103, 110 | delivered, opened |
/// | 104 | failed: expired |
/// | 106 | bounced soft: the phone |
/// | 108 | bounced blocked |
/// | 105, 107, 130–132, 150 | failed |
///
/// ```
/// use notify_providers::sms::sms_ru::SmsRuWebhook;
///
/// let parser = SmsRuWebhook::new("sms_ru", "00000000-0000-0000-0000-000000000000");
/// ```
#[derive(Clone)]
pub struct SmsRuWebhook {
    provider: ProviderName,
    api_ids: Vec<SecretString>,
}

impl SmsRuWebhook {
    /// For the provider of this name, with the `api_id` of its account.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, api_id: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            api_ids: vec![api_id.into()],
        }
    }

    /// Also takes this `api_id`, while one is replaced by another.
    #[must_use]
    pub fn or_api_id(mut self, api_id: impl Into<SecretString>) -> Self {
        self.api_ids.push(api_id.into());
        self
    }

    fn verify(&self, hash: Option<&str>, records: &[String]) -> Result<(), WebhookError> {
        let hash = hash.and_then(unhex).ok_or(WebhookError::Unauthorized)?;
        let made_by = |api_id: &SecretString| {
            let api_id = api_id.expose_secret();
            let mut context = Context::new(&SHA256);
            context.update(api_id.as_bytes());
            for record in records {
                context.update(record.as_bytes());
            }
            !api_id.is_empty() && is_same(context.finish().as_ref(), &hash)
        };
        if self.api_ids.iter().any(made_by) {
            Ok(())
        } else {
            Err(WebhookError::Unauthorized)
        }
    }

    /// The event of a record: its lines are type, message, status and time.
    fn event(&self, record: &str, request: &WebhookRequest<'_>) -> Option<ProviderEvent> {
        let lines: Vec<&str> = record.split('\n').map(str::trim).collect();
        let line = |no: usize| lines.get(no).copied().filter(|line| !line.is_empty());
        let raw = json!({"type": line(0), "lines": lines.get(1..)});
        let (kind, fault) = match line(0)? {
            TEST => return None,
            "sms_status" => fault::report(line(2).unwrap_or("sms_status")),
            other => (ProviderEventKind::unknown(other), None),
        };
        let at = line(3).and_then(epoch).unwrap_or(request.received_at);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        event.message_id = line(1).map(str::to_owned);
        if let (Some(id), Some(status)) = (line(1), line(2)) {
            event.event_id = Some(format!("{id}:{status}"));
        }
        Some(event.with_raw(raw))
    }
}

impl WebhookParser for SmsRuWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        let fields = form(request.body);
        let mut hashes = fields.iter().filter(|(name, _)| name == "hash");
        let hash = match (hashes.next(), hashes.next()) {
            (Some((_, hash)), None) => Some(hash.as_str()),
            _ => None,
        };
        let records = records(&fields);
        self.verify(hash, &records)?;
        let events = records.iter();
        let events = events.filter_map(|record| self.event(record, request));
        Ok(Parsed::new(events.collect()).with_reply(Reply::text(HEARD)))
    }
}

/// The values of `data[0]`, `data[1]` and so on, in the order of their numbers.
fn records(fields: &[(String, String)]) -> Vec<String> {
    let number = |name: &str| -> Option<u32> {
        let number = name.strip_prefix("data[")?.strip_suffix(']')?;
        number.parse().ok()
    };
    let mut records: Vec<_> = fields
        .iter()
        .filter_map(|(name, value)| Some((number(name)?, value.clone())))
        .collect();
    records.sort_by_key(|(number, _)| *number);
    records.into_iter().map(|(_, record)| record).collect()
}

impl fmt::Debug for SmsRuWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsRuWebhook")
            .field("provider", &self.provider)
            .field("api_ids", &self.api_ids.len())
            .finish()
    }
}
