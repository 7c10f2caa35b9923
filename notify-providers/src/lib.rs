//! Providers for [`notify-core`](notify_core): mail over SMTP and by services, text messages and
//! push by services, and three for environments without real recipients.
//!
//! ```no_run
//! use notify_core::channel::EmailMessage;
//! use notify_core::provider::{Envelope, Provider as _};
//! use notify_core::{Address, Message};
//! use notify_providers::smtp::SmtpProvider;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = SmtpProvider::from_url("smtps://app:secret@mail.example.com/?from=Example%20<news@example.com>")?;
//!
//! // An application gives it to its orchestrator; by hand it is called like this.
//! let mail = EmailMessage::new("Your order", "It is on its way.").with_html("<p>It is on its way.</p>");
//! let envelope = Envelope::new("order-17", Address::email("ada@example.com"), Message::new(mail));
//! match provider.send(&envelope).await {
//!     Ok(receipt) => println!("taken by the server as {:?}", receipt.message_id),
//!     Err(fault) => println!("{fault}"), // for example: recipient fault 5.1.1
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Providers
//!
//! | provider | feature | channels | keys honoured | calls at a time |
//! |---|---|---|---|---|
//! | [`chat::discord::DiscordProvider`] | `discord` | chat.discord | no | 64 |
//! | [`chat::slack::SlackProvider`] | `slack` | chat.slack | no | 64 |
//! | [`chat::teams::TeamsProvider`] | `teams` | chat.teams | no | 64 |
//! | [`chat::telegram::TelegramProvider`] | `telegram` | chat.telegram | no | 64 |
//! | [`chat::webhook::WebhookProvider`] | `webhook` | webhook | by the receiver | 64 |
//! | [`chat::whatsapp::WhatsAppProvider`] | `whatsapp` | chat.whatsapp | no | 64 |
//! | [`email::brevo::BrevoProvider`] | `brevo` | email, 1,000 a call if wanted | yes, 15 minutes; not with batches | 64 |
//! | [`email::mailgun::MailgunProvider`] | `mailgun` | email, 1,000 a call | no | 64 |
//! | [`email::mandrill::MandrillProvider`] | `mandrill` | email | no | 64 |
//! | [`email::postmark::PostmarkProvider`] | `postmark` | email, 500 a call | no | 64 |
//! | [`email::resend::ResendProvider`] | `resend` | email, 100 a call if wanted | yes, 24 hours; not with batches | 64 |
//! | [`email::sendgrid::SendGridProvider`] | `sendgrid` | email, 1,000 a call | no | 64 |
//! | [`email::ses::SesProvider`] | `ses` | email, 50 a call if wanted | no | 64 |
//! | [`push::apns::ApnsProvider`] | `apns` | push | no | 200 |
//! | [`push::fcm::FcmProvider`] | `fcm` | push | no | 200 |
//! | [`push::huawei::HuaweiProvider`] | `huawei` | push, 1,000 a call | no | 64 |
//! | [`push::web_push::WebPushProvider`] | `web_push` | push | no | 64 |
//! | [`sms::exolve::ExolveProvider`] | `exolve` | sms | no | 64 |
//! | [`sms::megafon::MegafonProvider`] | `megafon` | sms | no | 64 |
//! | [`sms::message_bird::MessageBirdProvider`] | `message_bird` | sms, 50 a call | no | 64 |
//! | [`sms::plivo::PlivoProvider`] | `plivo` | sms, 100 a call | no | 64 |
//! | [`sms::sms_ru::SmsRuProvider`] | `sms_ru` | sms, 100 a call | no | 64 |
//! | [`sms::smsc::SmscProvider`] | `smsc` | sms, 100 a call | no | 64 |
//! | [`sms::sns::SnsProvider`] | `sns` | sms | no | 64 |
//! | [`sms::twilio::TwilioProvider`] | `twilio` | sms | no | 64 |
//! | [`sms::vonage::VonageProvider`] | `vonage` | sms | no | 64 |
//! | [`smtp::SmtpProvider`] | `smtp` | email | no | its connections, 8 |
//! | [`log::LogProvider`] | `log` | any | no | 64 |
//! | [`file::FileProvider`] | `file` | email, others as JSON | yes, in a directory | 64 |
//! | [`staging::Staging`] | always there | those of the provider inside | as inside | as inside |
//!
//! # Webhooks
//!
//! What vendors report back is read by a parser beside each provider; an application hands it the
//! request as it came.
//!
//! | parser | signature | signs a time |
//! |---|---|---|
//! | [`chat::slack::SlackWebhook`] | HMAC-SHA256 over time and body | yes, 5 minutes |
//! | [`chat::telegram::TelegramWebhook`] | none, a secret in a header | no |
//! | [`chat::whatsapp::WhatsAppWebhook`] | HMAC-SHA256 over the body | no |
//! | [`email::brevo::BrevoWebhook`] | none: a secret in address or header | no |
//! | [`email::mailgun::MailgunWebhook`] | HMAC-SHA256 over time and token, not over the event | yes, 8 hours |
//! | [`email::mandrill::MandrillWebhook`] | HMAC-SHA1 over URL and form | no |
//! | [`email::postmark::PostmarkWebhook`] | none: a secret in address or header | no |
//! | [`email::resend::ResendWebhook`] | HMAC-SHA256 over id, time and body | yes, 5 minutes |
//! | [`email::sendgrid::SendGridWebhook`] | ECDSA P-256 over time and body | yes, 5 minutes |
//! | [`email::ses::SesWebhook`] | RSA over the fields, by a certificate of SNS | yes, 1 hour |
//! | [`push::huawei::HuaweiWebhook`] | HMAC-SHA256 over time and user name, not the body | yes, 5 minutes |
//! | [`sms::exolve::ExolveWebhook`] | a secret in the URL | no |
//! | [`sms::megafon::MegafonWebhook`] | a secret in the URL | no |
//! | [`sms::message_bird::MessageBirdWebhook`] | JWT, HMAC over hashes of URL and body | yes, 1 minute |
//! | [`sms::plivo::PlivoWebhook`] | HMAC-SHA256 over URL, form and a nonce | no |
//! | [`sms::sms_ru::SmsRuWebhook`] | SHA-256 over the account's key and the records | no |
//! | [`sms::smsc::SmscWebhook`] | SHA-1 over message, number, status and a secret, or a secret in the URL | no |
//! | [`sms::twilio::TwilioWebhook`] | HMAC-SHA1 over URL and form, or URL and hash of the body | no |
//! | [`sms::vonage::VonageWebhook`] | HMAC over the parameters, or JWT with a hash of the body | yes, 5 minutes |
//!
//! # Guarantees
//!
//! - One call is one attempt: nothing here retries, waits for quota or falls over to another
//!   provider. The one exception costs nothing: a waiting SMTP connection that the server has
//!   closed is replaced before anything of the mail was written.
//! - A failure says whose it is. What may have gone out is `Unknown`, and nothing else is.
//! - A call may be dropped at any time, and the next mail is not mixed up with it.
//! - Passwords and keys are never shown by `Debug`, errors or faults; nor are addresses and
//!   content.
//! - Headers cannot be injected: what could break out of its place is refused, never repaired.
//! - TLS never falls back to plain text.
//!
//! # Limits
//!
//! No delivery to the servers of the recipients' domains (MX): a relay or a service does that
//! better. No bounces: they come by mail to the sender. No task in the background: an SMTP
//! connection that waits is closed when the next mail is sent, or with the provider.
//!
//! # Features
//!
//! `smtp`, `log` and `file` are on by default; `full` is all of them. [`schemes`] knows those that
//! are on. Only the vendors' features bring an HTTP client.
//!
//! # Why lettre builds the mails and does not send them
//!
//! [lettre](https://docs.rs/lettre)'s message builder is used for MIME. Its SMTP connection waits for each reply before the next command,
//! writes a mail in two small pieces, reads replies without a limit, and keeps what came in plain
//! text before TLS; its pool puts a connection back in the middle of a mail when the call is
//! dropped. The session and the pool here are therefore our own, on tokio and rustls.

#![cfg_attr(
    not(feature = "full"),
    allow(
        dead_code,
        reason = "helpers are shared: whether one is used is judged with every provider switched on"
    )
)]

pub mod chat;
#[cfg(any(feature = "file", feature = "log"))]
mod content;
mod dsn;
pub mod email;
#[cfg(feature = "file")]
pub mod file;
mod grapheme;
#[cfg(feature = "_http")]
pub mod http;
#[cfg(feature = "log")]
pub mod log;
#[cfg(any(feature = "file", feature = "smtp"))]
mod mime;
pub mod push;
#[cfg(feature = "_http")]
pub mod signature;
pub mod sms;
#[cfg(feature = "smtp")]
pub mod smtp;
pub mod staging;
#[cfg(any(feature = "_http", feature = "smtp"))]
mod tls;
mod unsupported;
#[cfg(feature = "_http")]
mod webhook;

use notify_core::provider::Schemes;

/// The schemes of the providers that are switched on, named as their features; SMTP has `smtp`, `smtps` and `smtp+plain`, and
/// Web Push `web-push`, for a scheme has no underscore (RFC 3986 §3.1).
/// The schemes of the providers that are switched on, named as their features, with `-` for `_`; SMTP has `smtp`, `smtps` and `smtp+plain`.
///
/// ```
/// # #[cfg(all(feature = "log", feature = "smtp"))] {
/// let dsn = "smtps://app%40example.com:secret@mail.example.com || log://email";
/// let (routing, providers) = notify_providers::schemes().parse(dsn)?;
/// assert_eq!(providers.len(), 2);
/// # }
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub fn schemes() -> Schemes {
    let schemes = Schemes::new();
    #[cfg(feature = "apns")]
    let schemes = schemes.with("apns", push::apns::ApnsProvider::from_url);
    #[cfg(feature = "brevo")]
    let schemes = schemes.with("brevo", email::brevo::BrevoProvider::from_url);
    #[cfg(feature = "discord")]
    let schemes = schemes.with("discord", chat::discord::DiscordProvider::from_url);
    #[cfg(feature = "exolve")]
    let schemes = schemes.with("exolve", sms::exolve::ExolveProvider::from_url);
    #[cfg(feature = "fcm")]
    let schemes = schemes.with("fcm", push::fcm::FcmProvider::from_url);
    #[cfg(feature = "file")]
    let schemes = schemes.with("file", file::FileProvider::from_url);
    #[cfg(feature = "huawei")]
    let schemes = schemes.with("huawei", push::huawei::HuaweiProvider::from_url);
    #[cfg(feature = "log")]
    let schemes = schemes.with("log", log::LogProvider::from_url);
    #[cfg(feature = "mailgun")]
    let schemes = schemes.with("mailgun", email::mailgun::MailgunProvider::from_url);
    #[cfg(feature = "mandrill")]
    let schemes = schemes.with("mandrill", email::mandrill::MandrillProvider::from_url);
    #[cfg(feature = "megafon")]
    let schemes = schemes.with("megafon", sms::megafon::MegafonProvider::from_url);
    #[cfg(feature = "message_bird")]
    let schemes = schemes.with(
        "message-bird",
        sms::message_bird::MessageBirdProvider::from_url,
    );
    #[cfg(feature = "plivo")]
    let schemes = schemes.with("plivo", sms::plivo::PlivoProvider::from_url);
    #[cfg(feature = "postmark")]
    let schemes = schemes.with("postmark", email::postmark::PostmarkProvider::from_url);
    #[cfg(feature = "resend")]
    let schemes = schemes.with("resend", email::resend::ResendProvider::from_url);
    #[cfg(feature = "sendgrid")]
    let schemes = schemes.with("sendgrid", email::sendgrid::SendGridProvider::from_url);
    #[cfg(feature = "ses")]
    let schemes = schemes.with("ses", email::ses::SesProvider::from_url);
    #[cfg(feature = "slack")]
    let schemes = schemes.with("slack", chat::slack::SlackProvider::from_url);
    #[cfg(feature = "sms_ru")]
    let schemes = schemes.with("sms-ru", sms::sms_ru::SmsRuProvider::from_url);
    #[cfg(feature = "smsc")]
    let schemes = schemes.with("smsc", sms::smsc::SmscProvider::from_url);
    #[cfg(feature = "smtp")]
    let schemes = schemes
        .with("smtp", smtp::SmtpProvider::from_url)
        .with("smtps", smtp::SmtpProvider::from_url)
        .with("smtp+plain", smtp::SmtpProvider::from_url);
    #[cfg(feature = "sns")]
    let schemes = schemes.with("sns", sms::sns::SnsProvider::from_url);
    #[cfg(feature = "teams")]
    let schemes = schemes.with("teams", chat::teams::TeamsProvider::from_url);
    #[cfg(feature = "telegram")]
    let schemes = schemes.with("telegram", chat::telegram::TelegramProvider::from_url);
    #[cfg(feature = "twilio")]
    let schemes = schemes.with("twilio", sms::twilio::TwilioProvider::from_url);
    #[cfg(feature = "vonage")]
    let schemes = schemes.with("vonage", sms::vonage::VonageProvider::from_url);
    #[cfg(feature = "web_push")]
    let schemes = schemes.with("web-push", push::web_push::WebPushProvider::from_url);
    #[cfg(feature = "webhook")]
    let schemes = schemes.with("webhook", chat::webhook::WebhookProvider::from_url);
    #[cfg(feature = "whatsapp")]
    let schemes = schemes.with("whatsapp", chat::whatsapp::WhatsAppProvider::from_url);
    schemes
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
