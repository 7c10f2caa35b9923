//! Telegram's updates: <https://core.telegram.org/bots/api#update>.

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser, WebhookRequest,
};
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{Address, ProviderName};
use serde_json::Value;
use std::fmt;

use super::{SCHEME, message_id};
use crate::signature::hmac::is_same;
use crate::webhook::{json, text};

const SECRET: &str = "X-Telegram-Bot-Api-Secret-Token";

/// Reads a bot's updates.
///
/// Telegram signs nothing. It sends back the `secret_token` that was given to `setWebhook`, which is compared in constant time; so the
/// webhook's own address must be `https://`. An update comes again until it is answered by 200, under the same
/// [`ProviderEvent::event_id`]. What this parser needs is in `allowed_updates`: `message`, `callback_query` and `my_chat_member`.
///
/// | update | kind |
/// |---|---|
/// | `my_chat_member`: the bot was blocked or put out | unsubscribed |
/// | `my_chat_member`: unblocked, or taken in | resubscribed |
/// | `callback_query`: a button under a message | clicked; [`raw`](ProviderEvent::raw) has its `data` |
/// | `message` of a person: `/stop`, `/start` in a private chat | unsubscribed, resubscribed |
/// | any other `message` of a person | replied |
/// | `message` that says that a group has another id now | unknown, `migrate_to_chat_id` |
/// | all others | unknown, under Telegram's name |
///
/// The address is the chat. Whoever presses a button sees it wait until the application calls `answerCallbackQuery`. An
/// answer finds its message where it is one to a certain message.
///
/// ```
/// use notify_providers::chat::telegram::TelegramWebhook;
///
/// let parser = TelegramWebhook::new("telegram", "the secret_token of setWebhook");
/// ```
#[derive(Clone)]
pub struct TelegramWebhook {
    provider: ProviderName,
    secrets: Vec<SecretString>,
}

impl TelegramWebhook {
    /// For the provider of this name, with the `secret_token` that was given to `setWebhook`. An empty one lets nothing in.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, secret_token: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            secrets: vec![secret_token.into()],
        }
    }

    /// Also takes this secret, while one is replaced by another.
    #[must_use]
    pub fn or_secret(mut self, secret_token: impl Into<SecretString>) -> Self {
        self.secrets.push(secret_token.into());
        self
    }

    fn verify(&self, request: &WebhookRequest<'_>) -> Result<(), WebhookError> {
        let given = request.header(SECRET).ok_or(WebhookError::Unauthorized)?;
        let is_given = |secret: &SecretString| {
            let secret = secret.expose_secret();
            !secret.is_empty() && is_same(secret.as_bytes(), given.as_bytes())
        };
        if self.secrets.iter().any(is_given) {
            Ok(())
        } else {
            Err(WebhookError::Unauthorized)
        }
    }
}

impl WebhookParser for TelegramWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        self.verify(request)?;
        let raw = json(request.body)?;
        let Value::Object(fields) = &raw else {
            return Err(WebhookError::malformed("the body is not an update"));
        };
        // An update has an id and one other field.
        let Some((name, update)) = fields.iter().find(|(name, _)| *name != "update_id") else {
            return Ok(Parsed::ping());
        };
        let (kind, found) = kind(name, update);
        let at = update.get("date").and_then(Value::as_i64);
        let at = at.map_or(request.received_at, |seconds| {
            Timestamp::from_micros(seconds.saturating_mul(1_000_000))
        });
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.event_id = raw
            .get("update_id")
            .and_then(Value::as_i64)
            .map(|id| id.to_string());
        event.address = chat(update).map(|id| Address::new(SCHEME, id.to_string()));
        event.message_id = found.and_then(place);
        Ok(Parsed::new(vec![event.with_raw(raw)]))
    }
}

/// What happened, and the message that it happened to.
fn kind<'a>(name: &str, update: &'a Value) -> (ProviderEventKind, Option<&'a Value>) {
    use ProviderEventKind as Kind;
    match name {
        "my_chat_member" => (membership(update), None),
        "callback_query" => (Kind::clicked(None), update.get("message")),
        "message" if update.get("migrate_to_chat_id").is_some() => {
            (Kind::unknown("migrate_to_chat_id"), None)
        }
        "message" if is_of_a_person(update) && says_something(update) => {
            (said(update), update.get("reply_to_message"))
        }
        other => (Kind::unknown(other), None),
    }
}

/// Whether the bot is still there.
fn membership(update: &Value) -> ProviderEventKind {
    let now = update.get("new_chat_member");
    let is_member = now.and_then(|now| now.get("is_member")?.as_bool());
    match now.and_then(|now| text(now, "status")) {
        Some("kicked" | "left") => ProviderEventKind::Unsubscribed,
        Some("restricted") if is_member == Some(false) => ProviderEventKind::Unsubscribed,
        Some("administrator" | "creator" | "member" | "restricted") => {
            ProviderEventKind::Resubscribed
        }
        _ => ProviderEventKind::unknown("my_chat_member"),
    }
}

/// What a person wants by a message. In a group the commands of one person are not those of all.
fn said(message: &Value) -> ProviderEventKind {
    let is_private = message.get("chat").and_then(|chat| text(chat, "type")) == Some("private");
    let command = text(message, "text").and_then(|text| text.split_whitespace().next());
    match command {
        Some("/stop") if is_private => ProviderEventKind::Unsubscribed,
        Some("/start") if is_private => ProviderEventKind::Resubscribed,
        _ => ProviderEventKind::Replied,
    }
}

fn is_of_a_person(message: &Value) -> bool {
    let is_bot = message
        .get("from")
        .and_then(|from| from.get("is_bot")?.as_bool());
    is_bot == Some(false)
}

/// Not one that Telegram makes when somebody joins, leaves or pins.
fn says_something(message: &Value) -> bool {
    const CONTENT: [&str; 12] = [
        "animation",
        "audio",
        "contact",
        "document",
        "location",
        "photo",
        "poll",
        "sticker",
        "text",
        "video",
        "video_note",
        "voice",
    ];
    CONTENT.iter().any(|name| message.get(name).is_some())
}

/// The chat of an update, which for a button is that of its message, or else the person.
fn chat(update: &Value) -> Option<i64> {
    let message = update.get("message").unwrap_or(update);
    let chat = message.get("chat").or_else(|| update.get("from"))?;
    chat.get("id")?.as_i64()
}

/// The message as its receipt has it.
fn place(message: &Value) -> Option<String> {
    let chat = message.get("chat")?.get("id")?.as_i64()?;
    let message = message.get("message_id")?.as_i64()?;
    Some(message_id(chat, message))
}

impl fmt::Debug for TelegramWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramWebhook")
            .field("provider", &self.provider)
            .field("secrets", &self.secrets.len())
            .finish()
    }
}
