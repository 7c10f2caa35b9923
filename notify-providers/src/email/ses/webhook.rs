//! Events of SES by Amazon SNS: <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>.

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, Fault, Parsed, ProviderEvent, ProviderEventKind, Reply, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::{Address, DeliveryId, ProviderName};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::CertificateSource;
use crate::email::date;
use crate::http::metadata;
use crate::signature::sns::{Kind as Message, SnsMessage};
use crate::webhook::text;

/// SNS repeats a message that was not taken, each time with its first time.
const WINDOW: Duration = Duration::from_secs(3_600);

/// Reads events of SES that an SNS topic sends to an HTTPS address.
///
/// The signature (RSA) says that some topic of SNS sent a message, so topics have to be named. It is checked with a certificate of
/// SNS, which the application fetches: see [`SnsCertificates`](super::SnsCertificates). Raw message delivery must be off: it is not
/// signed. A new subscription is answered by [`Parsed::confirm`].
///
/// Events of a configuration set and notifications of an identity are both read.
///
/// | event | kind |
/// |---|---|
/// | `Send`, `Delivery`, `DeliveryDelay`, `Open`, `Click` | accepted, delivered, deferred, opened, clicked |
/// | `Bounce` | permanent: hard, or suppressed if the address is on a list; transient: soft, or blocked for the content; undetermined: soft |
/// | `Complaint` | complained; suppressed if SES did not send because of one before; `not-spam` is kept as unknown |
/// | `Reject`, `Rendering Failure` | failed |
/// | `Subscription` | unsubscribed, if from everything |
///
/// ```
/// use notify_providers::email::ses::{SesWebhook, SnsCertificates};
/// use std::sync::Arc;
///
/// let certificates = Arc::new(SnsCertificates::new());
/// let parser = SesWebhook::new("ses", "arn:aws:sns:eu-west-1:123456789012:mail-events", certificates);
/// ```
#[derive(Clone)]
pub struct SesWebhook {
    provider: ProviderName,
    topics: Vec<String>,
    certificates: Arc<dyn CertificateSource>,
    window: Duration,
}

impl SesWebhook {
    /// For the provider of this name, with the ARN of the topic that its events come by.
    #[must_use]
    pub fn new(
        provider: impl Into<ProviderName>,
        topic: impl Into<String>,
        certificates: Arc<dyn CertificateSource>,
    ) -> Self {
        Self {
            provider: provider.into(),
            topics: vec![topic.into()],
            certificates,
            window: WINDOW,
        }
    }

    /// Also takes messages of this topic.
    #[must_use]
    pub fn or_topic(mut self, topic: impl Into<String>) -> Self {
        self.topics.push(topic.into());
        self
    }

    /// How long before or after it was published a message may come. Default: 1 hour, for which SNS repeats it by default.
    #[must_use]
    pub const fn max_age(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    fn verified(&self, request: &WebhookRequest<'_>) -> Result<SnsMessage, WebhookError> {
        let message = SnsMessage::parse(request.body)?;
        if !self.topics.contains(&message.topic_arn) {
            return Err(WebhookError::Unauthorized);
        }
        let url = message.certificate_url()?;
        let certificate = self.certificates.certificate(url).ok_or_else(|| {
            WebhookError::malformed("the certificate of SNS is not here: fetch it before parsing")
        })?;
        message.verify(&certificate, request.received_at, self.window)?;
        Ok(message)
    }

    /// One event for each reader it is about.
    fn events(&self, message_id: &str, raw: &Value, received_at: Timestamp) -> Vec<ProviderEvent> {
        let name = text(raw, "eventType").or_else(|| text(raw, "notificationType"));
        let name = name.unwrap_or_default();
        let detail = raw.get(detail_name(name)).unwrap_or(&Value::Null);
        let mail = raw.get("mail").unwrap_or(&Value::Null);
        let people = people(name, detail, mail);
        let at = text(detail, "timestamp").or_else(|| text(mail, "timestamp"));
        let at = at.and_then(date::read).unwrap_or(received_at);
        let event = |(no, person): (usize, &Value)| {
            let (kind, fault) = kind(name, detail, person);
            let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
            event.fault = fault;
            event.event_id = Some(match no {
                0 => message_id.to_owned(),
                _ => format!("{message_id}:{no}"),
            });
            event.message_id = text(mail, "messageId").map(str::to_owned);
            let address = person.as_str().or_else(|| text(person, "emailAddress"));
            event.address = address.map(Address::email);
            event.delivery = delivery(mail);
            event.with_raw(raw.clone())
        };
        people.into_iter().enumerate().map(event).collect()
    }
}

impl WebhookParser for SesWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        let message = self.verified(request)?;
        match message.kind {
            Message::SubscriptionConfirmation => {
                let url = message.subscribe_url();
                let url = url
                    .map_err(|_| WebhookError::malformed("the address to confirm is not at SNS"))?;
                return Ok(Parsed::ping().with_confirm(url));
            }
            Message::UnsubscribeConfirmation => return Ok(Parsed::ping()),
            Message::Notification => {}
        }
        // When a topic is wired to SES, it says so in a sentence.
        let Ok(raw) = serde_json::from_str::<Value>(&message.message) else {
            return Ok(Parsed::ping());
        };
        if text(&raw, "notificationType") == Some("AmazonSnsSubscriptionSucceeded") {
            return Ok(Parsed::ping());
        }
        let events = self.events(&message.message_id, &raw, request.received_at);
        Ok(Parsed::new(events).with_reply(Reply::ok()))
    }
}

/// Where the details of an event are.
fn detail_name(event: &str) -> &'static str {
    match event {
        "Bounce" => "bounce",
        "Click" => "click",
        "Complaint" => "complaint",
        "Delivery" => "delivery",
        "DeliveryDelay" => "deliveryDelay",
        "Open" => "open",
        "Reject" => "reject",
        "Rendering Failure" => "failure",
        "Subscription" => "subscription",
        _ => "send",
    }
}

/// Whom an event is about: objects with an `emailAddress`, or addresses; at least one, which may be nobody.
fn people<'a>(event: &str, detail: &'a Value, mail: &'a Value) -> Vec<&'a Value> {
    let list = match event {
        "Bounce" => detail.get("bouncedRecipients"),
        "Complaint" => detail.get("complainedRecipients"),
        "Delivery" => detail.get("recipients"),
        "DeliveryDelay" => detail.get("delayedRecipients"),
        _ => mail.get("destination"),
    };
    let list: Vec<&Value> = list
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    if list.is_empty() {
        vec![&Value::Null]
    } else {
        list
    }
}

/// By the mail's tags, which come with a configuration set; else by its headers, where the identity's notifications have them.
fn delivery(mail: &Value) -> Option<DeliveryId> {
    let tag = mail
        .get("tags")
        .and_then(|tags| tags.get(metadata::DELIVERY)?.get(0)?.as_str());
    let header = || {
        let mut headers = mail.get("headers")?.as_array()?.iter();
        let is_ours = |header: &&Value| {
            text(header, "name").is_some_and(|name| name.eq_ignore_ascii_case("X-Delivery-ID"))
        };
        text(headers.find(is_ours)?, "value")
    };
    tag.or_else(header)?.parse().ok()
}

/// What happened, and whose fault it was.
fn kind(event: &str, detail: &Value, person: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    match event {
        "Send" => (Kind::Accepted, None),
        "Delivery" => (Kind::Delivered, None),
        "DeliveryDelay" => {
            let code = text(person, "status").or_else(|| text(detail, "delayType"));
            let code = code.unwrap_or("delayed").to_owned();
            (Kind::Deferred, Some(Fault::provider(code)))
        }
        "Bounce" => bounce(detail, person),
        "Complaint" => complaint(detail),
        "Open" => (Kind::Opened, None),
        "Click" => (Kind::clicked(text(detail, "link").map(str::to_owned)), None),
        "Reject" => (Kind::Failed, Some(Fault::request("reject"))),
        "Rendering Failure" => (Kind::Failed, Some(Fault::request("rendering_failure"))),
        "Subscription" => {
            let all = detail.pointer("/newTopicPreferences/unsubscribeAll");
            match all.and_then(Value::as_bool) {
                Some(true) => (Kind::Unsubscribed, None),
                _ => (Kind::unknown("Subscription"), None),
            }
        }
        other => (Kind::unknown(other), None),
    }
}

fn bounce(detail: &Value, person: &Value) -> (ProviderEventKind, Option<Fault>) {
    let kind = text(detail, "bounceType").unwrap_or("Undetermined");
    let part = text(detail, "bounceSubType").unwrap_or("Undetermined");
    let code = text(person, "status").unwrap_or(part).to_owned();
    let (bounce, fault) = match (kind, part) {
        ("Permanent", "Suppressed" | "OnAccountSuppressionList" | "UnsubscribedRecipient") => {
            (Bounce::Suppressed, Fault::recipient(part.to_owned()))
        }
        ("Permanent", _) => (Bounce::Hard, Fault::recipient(code)),
        ("Transient", "MessageTooLarge" | "ContentRejected" | "AttachmentRejected") => {
            (Bounce::Blocked, Fault::request(part.to_owned()))
        }
        _ => (Bounce::Soft, Fault::provider(code)),
    };
    (ProviderEventKind::bounced(bounce), Some(fault))
}

fn complaint(detail: &Value) -> (ProviderEventKind, Option<Fault>) {
    if text(detail, "complaintFeedbackType") == Some("not-spam") {
        return (ProviderEventKind::unknown("Complaint:not-spam"), None);
    }
    match text(detail, "complaintSubType") {
        Some(part @ "OnAccountSuppressionList") => (
            ProviderEventKind::bounced(Bounce::Suppressed),
            Some(Fault::recipient(part.to_owned())),
        ),
        _ => (ProviderEventKind::Complained, None),
    }
}

impl fmt::Debug for SesWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SesWebhook")
            .field("provider", &self.provider)
            .field("topics", &self.topics.len())
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
