//! SMSC's reports and incoming messages: <https://smsc.ru/api/http/miscellaneous/callback/>.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use notify_core::ProviderName;
use notify_core::provider::{
    Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser, WebhookRequest,
};
use notify_core::secret::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::fmt;

use super::fault;
use crate::signature::encoding::unhex;
use crate::signature::hmac::is_same;
use crate::sms::batch::part_id;
use crate::sms::callback::{check_url, epoch, number, report, word};
use crate::sms::opt_out::answered;
use crate::sms::outcome::Outcome;
use crate::webhook::text;

/// Reads SMSC's reports and incoming messages, by `GET` or `POST`.
///
/// SMSC signs a part of a report: `sha1` is the SHA-1 of `id:phone:status:secret`, of an incoming message that of
/// `phone:mes:to:secret`. The secret is set next to the URL in the vendor's settings. It also sends an MD5, which is not looked at.
/// The rest, the reason for a failure among it, is vouched for by nobody: use `https`. An account that sends no `sha1` is served
/// by [`by_url`](Self::by_url). No time is signed: a request may be repeated, and is told apart by
/// [`ProviderEvent::event_id`], the message and its status.
///
/// | status | kind |
/// |---|---|
/// | -1, 0 | accepted |
/// | 1, 2, 4 | delivered, opened, clicked |
/// | 3 | failed: expired |
/// | 20 | by `err`: bounced hard for a dead number, soft for a phone that is off, blocked for a filter; else failed |
/// | 22, 23, 24, 25 | bounced hard, bounced blocked, failed, failed |
/// | -2 | failed: stopped |
/// | an incoming message | replied; unsubscribed by `STOP` or `СТОП`, resubscribed by `START` |
///
/// ```
/// use notify_providers::sms::smsc::SmscWebhook;
///
/// let parser = SmscWebhook::new("smsc", "the secret of the handler's settings");
/// ```
#[derive(Clone)]
pub struct SmscWebhook {
    provider: ProviderName,
    secrets: Vec<SecretString>,
    is_signed: bool,
}

impl SmscWebhook {
    /// For the provider of this name, with the secret by which reports are signed.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, secret: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            secrets: vec![secret.into()],
            is_signed: true,
        }
    }

    /// For the provider of this name, with a secret in the URL, `https://example.com/hooks/smsc?secret=…`, and no signature.
    #[must_use]
    pub fn by_url(provider: impl Into<ProviderName>, secret: impl Into<SecretString>) -> Self {
        Self {
            is_signed: false,
            ..Self::new(provider, secret)
        }
    }

    /// Also takes this secret, while one is replaced by another.
    #[must_use]
    pub fn or_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    fn verify(&self, raw: &Value) -> Result<(), WebhookError> {
        let field = |name| text(raw, name).unwrap_or_default();
        let signed = if raw.get("mes").is_some() {
            [field("phone"), field("mes"), field("to")].join(":")
        } else if raw.get("waitcall").is_some() {
            [field("phone"), field("ts")].join(":")
        } else {
            [field("id"), field("phone"), field("status")].join(":")
        };
        let signature = text(raw, "sha1").and_then(unhex);
        let signature = signature.ok_or(WebhookError::Unauthorized)?;
        let made_by = |secret: &SecretString| {
            let secret = secret.expose_secret();
            let text = format!("{signed}:{secret}");
            let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
            !secret.is_empty() && is_same(hash.as_ref(), &signature)
        };
        if self.secrets.iter().any(made_by) {
            Ok(())
        } else {
            Err(WebhookError::Unauthorized)
        }
    }
}

impl WebhookParser for SmscWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        if !self.is_signed {
            check_url(&self.secrets, request)?;
        }
        let raw = report(request).map_err(|error| match self.is_signed {
            true => WebhookError::Unauthorized,
            false => error,
        })?;
        if self.is_signed {
            self.verify(&raw)?;
        }
        let (kind, fault) = kind(&raw);
        let at = ["ts", "time"]
            .into_iter()
            .find_map(|name| epoch(text(&raw, name)?));
        let at = at.unwrap_or(request.received_at);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        let phone = word(&raw, "phone").unwrap_or_default();
        event.address = number(&phone);
        if let (Some(id), Some(status)) = (word(&raw, "id"), word(&raw, "status")) {
            let id = part_id(&id, &phone);
            event.event_id = Some(format!("{id}:{status}"));
            event.message_id = Some(id);
        }
        Ok(Parsed::new(vec![event.with_raw(raw)]))
    }
}

/// What happened, and whose fault it was.
fn kind(raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    if let Some(body) = raw.get("mes").and_then(Value::as_str) {
        return (answered(body), None);
    }
    if raw.get("waitcall").is_some() {
        return (Kind::unknown("waitcall"), None);
    }
    let status = word(raw, "status").unwrap_or_default();
    match status.as_str() {
        "-1" | "0" => (Kind::Accepted, None),
        "1" => (Kind::Delivered, None),
        "2" => (Kind::Opened, None),
        "4" => (Kind::clicked(None), None),
        "-2" => Outcome::Rejected.event("stopped"),
        "3" => Outcome::Expired.event("expired"),
        "20" => fault::undelivered(&word(raw, "err").unwrap_or_default()),
        "22" => Outcome::Dead.event("status_22"),
        "23" => Outcome::Filtered.event("status_23"),
        "24" => Outcome::Account.event("status_24"),
        "25" => Outcome::Rejected.event("status_25"),
        "" => (Kind::unknown("report"), None),
        other => (Kind::unknown(other), None),
    }
}

impl fmt::Debug for SmscWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmscWebhook")
            .field("provider", &self.provider)
            .field("is_signed", &self.is_signed)
            .field("secrets", &self.secrets.len())
            .finish()
    }
}
