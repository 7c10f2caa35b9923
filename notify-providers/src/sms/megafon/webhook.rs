//! MegaFon's reports.

use notify_core::ProviderName;
use notify_core::provider::{Parsed, ProviderEvent, WebhookError, WebhookParser, WebhookRequest};
use notify_core::secret::SecretString;
use std::fmt;

use crate::sms::callback::{check_url, date, delivery, number, report, word};
use crate::sms::outcome::of_words;

/// Reads MegaFon's reports.
///
/// MegaFon signs nothing: the address for reports must hold a secret, `https://example.com/hooks/megafon?secret=…`, or a password,
/// `https://any:secret@example.com/hooks/megafon`. A request may be repeated, and is told apart by
/// [`ProviderEvent::event_id`], the message and its status.
///
/// The status is one of the words of SMPP, however it is written.
///
/// | status | kind |
/// |---|---|
/// | accepted, sent, queued and the like | accepted |
/// | delivered | delivered |
/// | expired, rejected, undelivered, deleted, failed | failed |
///
/// ```
/// use notify_providers::sms::megafon::MegafonWebhook;
///
/// let parser = MegafonWebhook::new("megafon", "the secret in the URL");
/// ```
#[derive(Clone)]
pub struct MegafonWebhook {
    provider: ProviderName,
    secrets: Vec<SecretString>,
}

impl MegafonWebhook {
    /// For the provider of this name, with the secret in the URL.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, secret: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            secrets: vec![secret.into()],
        }
    }

    /// Also takes this secret, while one is replaced by another.
    #[must_use]
    pub fn or_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.secrets.push(secret.into());
        self
    }
}

impl WebhookParser for MegafonWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        check_url(&self.secrets, request)?;
        let raw = report(request)?;
        let first = |names: &[&str]| names.iter().find_map(|name| word(&raw, name));
        let status = first(&["status", "receipted_status", "message_state"]);
        let status = status.unwrap_or_else(|| "report".to_owned());
        let (kind, fault) = of_words(&status);
        let at = first(&["receipted_time", "time"]).and_then(|text| date(&text));
        let at = at.unwrap_or(request.received_at);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        event.address = first(&["to"]).as_deref().and_then(number);
        if let Some(id) = first(&["msg_id", "receipted_message_id"]) {
            event.event_id = Some(format!("{id}:{status}"));
            event.message_id = Some(id);
        }
        event.delivery = delivery(request);
        Ok(Parsed::new(vec![event.with_raw(raw)]))
    }
}

impl fmt::Debug for MegafonWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MegafonWebhook")
            .field("provider", &self.provider)
            .field("secrets", &self.secrets.len())
            .finish()
    }
}
