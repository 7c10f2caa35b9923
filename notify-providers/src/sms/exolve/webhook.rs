//! Reports and incoming messages of MTS Exolve.

use notify_core::ProviderName;
use notify_core::provider::{Parsed, ProviderEvent, WebhookError, WebhookParser, WebhookRequest};
use notify_core::secret::SecretString;
use std::fmt;

use crate::sms::callback::{check_url, date, number, report, word};
use crate::sms::opt_out::answered;
use crate::sms::outcome::of_words;

/// Reads the reports and incoming messages of MTS Exolve.
///
/// Exolve signs nothing: the URL that is set in its settings must hold a secret, `https://example.com/hooks/exolve?secret=…`, or a
/// password, `https://any:secret@example.com/hooks/exolve`. A request may be repeated, and is told apart by
/// [`ProviderEvent::event_id`], the message and its status.
///
/// The status is looked for in `delivery_status`, else in `status`; it is one of the words of SMPP, however it is written.
///
/// | status | kind |
/// |---|---|
/// | accepted, sent, queued and the like | accepted |
/// | delivered | delivered |
/// | expired, rejected, undelivered, deleted, failed | failed |
/// | an incoming message | replied; unsubscribed by `STOP` or `СТОП`, resubscribed by `START` |
///
/// ```
/// use notify_providers::sms::exolve::ExolveWebhook;
///
/// let parser = ExolveWebhook::new("exolve", "the secret in the URL");
/// ```
#[derive(Clone)]
pub struct ExolveWebhook {
    provider: ProviderName,
    secrets: Vec<SecretString>,
}

impl ExolveWebhook {
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

impl WebhookParser for ExolveWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        check_url(&self.secrets, request)?;
        let raw = report(request)?;
        let first = |names: &[&str]| names.iter().find_map(|name| word(&raw, name));
        let direction = first(&["direction"]).unwrap_or_default();
        let incoming = direction.to_ascii_lowercase().starts_with("in");
        let status = first(&["delivery_status", "status"]).filter(|_| !incoming);
        let (kind, fault) = if incoming {
            (answered(&first(&["text"]).unwrap_or_default()), None)
        } else {
            of_words(status.as_deref().unwrap_or("report"))
        };
        let at = first(&["date"]).and_then(|text| date(&text));
        let at = at.unwrap_or(request.received_at);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        let person = match incoming {
            true => first(&["sender", "number"]),
            false => first(&["receiver", "destination"]),
        };
        event.address = person.as_deref().and_then(number);
        if let Some(id) = first(&["message_id"]) {
            let status = status.as_deref().unwrap_or(direction.as_str());
            event.event_id = Some(format!("{id}:{status}"));
            event.message_id = Some(id);
        }
        Ok(Parsed::new(vec![event.with_raw(raw)]))
    }
}

impl fmt::Debug for ExolveWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExolveWebhook")
            .field("provider", &self.provider)
            .field("secrets", &self.secrets.len())
            .finish()
    }
}
