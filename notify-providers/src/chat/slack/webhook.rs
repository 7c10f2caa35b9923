//! What Slack sends to an app: [events](https://docs.slack.dev/apis/events-api) and
//! [interactions](https://docs.slack.dev/interactivity/handling-user-interaction).

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, Fault, Parsed, ProviderEvent, ProviderEventKind, Reply, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::secret::SecretString;
use notify_core::{Address, ProviderName};
use serde_json::Value;
use std::fmt;

use super::{SCHEME, message_id};
use crate::http::metadata;
use crate::signature::slack;
use crate::webhook::{any_secret, form, json, object, text};

const SIGNATURE: &str = "X-Slack-Signature";
const TIMESTAMP: &str = "X-Slack-Request-Timestamp";

/// Reads what Slack sends to an app: its events, and what people do with the buttons and menus of messages.
///
/// The signature is HMAC-SHA-256 with the app's signing secret, over a time and the raw body; the time counts for 5 minutes. One parser
/// does for all request URLs of the app. An empty 200 within three seconds is all that Slack wants; a `url_verification` is answered by
/// what it asks for.
///
/// | request | kind |
/// |---|---|
/// | `block_actions`, `interactive_message`: each button or choice | clicked, with the link of a button that has one; [`raw`](ProviderEvent::raw) has `action` beside the payload |
/// | event `message` of a person | replied |
/// | events `channel_archive`, `channel_deleted`, `channel_left` and those of `group_` | bounced, hard: the channel takes no more |
/// | all other events, shortcuts, views, commands | unknown, under Slack's name |
///
/// Events find their message by `channel:ts`, as in [`Receipt::message_id`](notify_core::provider::Receipt::message_id), and their
/// delivery where Slack gives back the message's metadata. The address is who did it, or the channel that is gone.
///
/// ```
/// use notify_providers::chat::slack::SlackWebhook;
///
/// let parser = SlackWebhook::new("slack", "the app's signing secret");
/// ```
#[derive(Clone)]
pub struct SlackWebhook {
    provider: ProviderName,
    secrets: Vec<SecretString>,
}

impl SlackWebhook {
    /// For the provider of this name, with the signing secret of its app; a bot token signs nothing.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, signing_secret: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            secrets: vec![signing_secret.into()],
        }
    }

    /// Also takes this secret, while one is replaced by another.
    #[must_use]
    pub fn or_secret(mut self, signing_secret: impl Into<SecretString>) -> Self {
        self.secrets.push(signing_secret.into());
        self
    }

    fn verify(&self, request: &WebhookRequest<'_>) -> Result<(), WebhookError> {
        let header = |name| request.header(name).ok_or(WebhookError::Unauthorized);
        let (signature, timestamp) = (header(SIGNATURE)?, header(TIMESTAMP)?);
        any_secret(&self.secrets, |secret| {
            slack::verify(
                secret,
                timestamp,
                signature,
                request.body,
                request.received_at,
            )
        })
    }

    fn new_event(&self, kind: ProviderEventKind, at: Timestamp) -> ProviderEvent {
        ProviderEvent::new(self.provider.clone(), kind, at)
    }

    /// `event_callback` and the other envelopes of the Events API.
    fn event(&self, raw: Value, received_at: Timestamp) -> ProviderEvent {
        let seconds = raw.get("event_time").and_then(Value::as_i64);
        let at = seconds.map_or(received_at, |seconds| {
            Timestamp::from_micros(seconds.saturating_mul(1_000_000))
        });
        let inner = raw.get("event").unwrap_or(&raw);
        let name = text(inner, "type").unwrap_or_default();
        let mut event = self.new_event(ProviderEventKind::unknown(name), at);
        event.event_id = text(&raw, "event_id").map(str::to_owned);
        match name {
            "message" if is_of_a_person(inner) => {
                event.kind = ProviderEventKind::Replied;
                event.address = address(text(inner, "user"));
                event.message_id = place(text(inner, "channel"), text(inner, "thread_ts"));
            }
            "channel_archive" | "channel_deleted" | "channel_left" | "group_archive"
            | "group_deleted" | "group_left" => {
                event.kind = ProviderEventKind::bounced(Bounce::Hard);
                event.fault = Some(Fault::recipient(name.to_owned()));
                event.address = address(text(inner, "channel"));
            }
            _ => {
                let item = inner.get("item").unwrap_or(inner);
                let ts = text(item, "ts").or_else(|| text(item, "message_ts"));
                event.message_id = place(text(item, "channel"), ts);
                event.address = address(text(inner, "user"));
                event.delivery = delivery(inner);
            }
        }
        event.with_raw(raw)
    }

    /// The payload of an interaction: one event for each button or choice.
    fn interaction(&self, raw: &Value, received_at: Timestamp) -> Vec<ProviderEvent> {
        let name = text(raw, "type").unwrap_or_default();
        let of = |object: &str, field: &str| text(raw.get(object)?, field);
        let channel = of("container", "channel_id").or_else(|| of("channel", "id"));
        let ts = of("container", "message_ts")
            .or_else(|| text(raw, "message_ts"))
            .or_else(|| of("message", "ts"));
        let event = |kind, at| {
            let mut event = self.new_event(kind, at);
            event.address = address(of("user", "id"));
            event.message_id = place(channel, ts);
            event.delivery = raw.get("message").and_then(delivery);
            event
        };
        let actions = raw.get("actions").and_then(Value::as_array);
        let is_action = matches!(name, "block_actions" | "interactive_message");
        let actions = actions.filter(|actions| is_action && !actions.is_empty());
        let Some(actions) = actions else {
            return vec![
                event(ProviderEventKind::unknown(name), received_at).with_raw(raw.clone()),
            ];
        };
        let clicked = |(no, action): (usize, &Value)| {
            let link = text(action, "url").map(str::to_owned);
            let acted = text(action, "action_ts").or_else(|| text(raw, "action_ts"));
            let at = acted.and_then(time).unwrap_or(received_at);
            let mut event = event(ProviderEventKind::clicked(link), at);
            event.event_id = acted.map(|acted| format!("{acted}:{no}"));
            let mut raw = raw.clone();
            raw["action"] = action.clone();
            event.with_raw(raw)
        };
        actions.iter().enumerate().map(clicked).collect()
    }

    /// A form: an interaction, a command, or Slack's check of the certificate.
    fn form(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        let raw = object(&form(request.body));
        if let Some(payload) = text(&raw, "payload") {
            let payload = json(payload.as_bytes())?;
            if !payload.is_object() {
                return Err(WebhookError::malformed("the payload is not an object"));
            }
            let events = self.interaction(&payload, request.received_at);
            return Ok(Parsed::new(events));
        }
        if text(&raw, "ssl_check").is_some() {
            return Ok(Parsed::ping());
        }
        let kind = ProviderEventKind::unknown("command");
        let mut event = self.new_event(kind, request.received_at);
        event.address = address(text(&raw, "user_id"));
        event.event_id = text(&raw, "trigger_id").map(str::to_owned);
        Ok(Parsed::new(vec![event.with_raw(raw)]))
    }
}

impl WebhookParser for SlackWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        self.verify(request)?;
        let content_type = request.header("content-type").unwrap_or_default();
        let content_type = content_type.to_ascii_lowercase();
        if content_type.starts_with("application/x-www-form-urlencoded") {
            return self.form(request);
        }
        let raw = json(request.body)?;
        if !raw.is_object() {
            return Err(WebhookError::malformed("the body is not an object"));
        }
        if text(&raw, "type") == Some("url_verification") {
            let challenge = text(&raw, "challenge").unwrap_or_default();
            return Ok(Parsed::ping().with_reply(Reply::text(challenge)));
        }
        Ok(Parsed::new(vec![self.event(raw, request.received_at)]))
    }
}

/// Not of a bot, which may be this one, and not of Slack: what it says about a channel are messages with a subtype.
fn is_of_a_person(message: &Value) -> bool {
    let is_said = matches!(
        text(message, "subtype"),
        None | Some("file_share" | "thread_broadcast")
    );
    is_said && message.get("bot_id").is_none() && text(message, "user").is_some()
}

fn address(id: Option<&str>) -> Option<Address> {
    id.map(|id| Address::new(SCHEME, id))
}

/// The message at this place.
fn place(channel: Option<&str>, ts: Option<&str>) -> Option<String> {
    Some(message_id(channel?, ts?))
}

/// The delivery in the metadata of a message.
fn delivery(message: &Value) -> Option<notify_core::DeliveryId> {
    metadata::delivery(message.get("metadata")?.get("event_payload")?)
}

/// A time as Slack writes it: `1548426417.840180`.
fn time(text: &str) -> Option<Timestamp> {
    let (seconds, micros) = text.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if seconds.len() > 12 || micros.len() != 6 || !digits(seconds) || !digits(micros) {
        return None;
    }
    let (seconds, micros): (i64, i64) = (seconds.parse().ok()?, micros.parse().ok()?);
    Some(Timestamp::from_micros(seconds * 1_000_000 + micros))
}

impl fmt::Debug for SlackWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackWebhook")
            .field("provider", &self.provider)
            .field("secrets", &self.secrets.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_slack_is_read_to_the_microsecond() {
        let at = Timestamp::from_micros(1_548_426_417_840_180);
        assert_eq!(time("1548426417.840180"), Some(at));
        for bad in [
            "",
            "1548426417",
            "1.84018",
            "-1.000000",
            "1.-00001",
            "9999999999999.000000",
        ] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }
}
