//! Mail over SMTP: submission to a service or relay, with TLS, authentication, DKIM and connections
//! that are used again.
//!
//! ```no_run
//! use notify_providers::smtp::SmtpProvider;
//!
//! let provider = SmtpProvider::from_url("smtps://app:secret@mail.example.com/?from=Example%20<news@example.com>")?;
//! # Ok::<(), notify_core::Error>(())
//! ```

mod auth;
mod builder;
mod dkim;
mod dsn;
mod fault;
mod pool;
mod reply;
mod session;
mod stream;
mod tls;

pub use auth::Credentials;
pub use builder::{SmtpBuilder, SmtpSecurity};
pub use dkim::Dkim;

use async_trait::async_trait;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::clock::Clock;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::{ProviderName, Result};
use secrecy::SecretString;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::mime::{Defaults, Mail, compose};
use crate::unsupported::unsupported;
use pool::Pool;

/// Sends mail through one SMTP server (RFC 5321).
///
/// - One recipient a mail, so that each has its own outcome.
/// - A mail counts as sent when the server has taken the responsibility for it: that is not yet
///   delivery. Bounces come by mail to the sender.
/// - SMTP has no idempotency keys. The `Message-ID` is made of [`Envelope::key`], so that each
///   attempt of a delivery has the same one and receivers can drop the second; few do.
///   [`Receipt::message_id`] is that id, without angle brackets.
/// - If the connection breaks between the final dot and the reply, nobody can know whether the mail
///   was taken (RFC 1047): the fault is [`Unknown`](notify_core::provider::FaultKind::Unknown).
/// - A server sends at once and records nothing: a mail that asks for a later time, or for opens or clicks to be recorded, is refused.
///   Tags and metadata are dropped.
/// - `Debug` shows the server's name and no credentials.
///
/// | header | content |
/// |---|---|
/// | `From`, `Reply-To` | the message's, else the provider's |
/// | `Message-ID` | the key, at the sender's domain |
/// | `List-Unsubscribe`, `List-Unsubscribe-Post` | [`EmailMessage::list_unsubscribe`](notify_core::channel::EmailMessage::list_unsubscribe) (RFC 8058) |
/// | `Auto-Submitted`, `X-Auto-Response-Suppress` | for transactional and critical mail (RFC 3834) |
/// | `X-Notification-ID`, `X-Delivery-ID` | the ids of the envelope, for those who read bounces |
/// | others | the message's, unless their name or value could change what the mail is: then a request fault |
///
/// ```no_run
/// use notify_core::channel::EmailMessage;
/// use notify_core::provider::{Envelope, Provider as _};
/// use notify_core::{Address, Message};
/// use notify_providers::smtp::SmtpProvider;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let provider = SmtpProvider::from_url("smtp+plain://localhost:1025?from=app@example.com")?;
/// let mail = EmailMessage::new("Your order", "It is on its way.");
/// let receipt = provider.send(&Envelope::new("key-1", Address::email("ada@example.com"), Message::new(mail))).await?;
/// assert_eq!(receipt.message_id.as_deref(), Some("key-1@example.com"));
/// # Ok(())
/// # }
/// ```
pub struct SmtpProvider {
    name: ProviderName,
    capabilities: Capabilities,
    defaults: Defaults,
    dkim: Option<Dkim>,
    timeout: Option<Duration>,
    pool: Pool,
    clock: Arc<dyn Clock>,
    server: String,
    security: SmtpSecurity,
}

impl SmtpProvider {
    /// Options for a provider that sends through `host`, from `from` where a message does not say.
    pub fn builder(host: impl Into<String>, from: Mailbox) -> SmtpBuilder {
        SmtpBuilder::new(host, Ok(from))
    }

    /// A provider from one line, as it stands in a configuration:
    /// `smtps://user:password@host:port/?from=Name%20<address>`.
    ///
    /// | scheme | protection | port |
    /// |---|---|---|
    /// | `smtps` | TLS from the first byte | 465 |
    /// | `smtp` | `STARTTLS`, required | 587 |
    /// | `smtp+plain` | none; with credentials only on the same host | 25 |
    ///
    /// User, password and parameters are percent-decoded. Parameters: `from` (required, unless the
    /// user is a mailbox), `reply_to`, `name`, `hello`, `timeout` in seconds, `connections`,
    /// `mails` per connection, `plain_credentials=allow`. All else is in
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and
    /// never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        dsn::parse(url)?.build()
    }

    /// Yandex Mail: `smtp.yandex.ru`, TLS, two connections.
    ///
    /// `login` is the full address, which is also the sender: Yandex refuses others. The password
    /// is one for applications, made in the account's settings. Yandex takes 500 mails in 24
    /// hours and then none for 24 hours.
    pub fn yandex(login: impl Into<String>, app_password: impl Into<SecretString>) -> SmtpBuilder {
        preset(
            "smtp.yandex.ru",
            "yandex",
            login.into(),
            app_password.into(),
        )
    }

    /// Mail.ru: `smtp.mail.ru`, TLS, two connections.
    ///
    /// `login` is the full address, which is also the sender: Mail.ru refuses others. The password
    /// is one for external applications, made in the account's settings.
    pub fn mail_ru(login: impl Into<String>, app_password: impl Into<SecretString>) -> SmtpBuilder {
        preset("smtp.mail.ru", "mail_ru", login.into(), app_password.into())
    }

    /// The mail as it will be sent, signature included.
    fn compose(&self, envelope: &Envelope) -> Result<Mail, Fault> {
        let now = self.clock.now();
        let mut mail = compose(envelope, &self.defaults, now)?;
        let message = envelope.message.body::<EmailMessage>()?;
        for (asked, feature) in [
            (message.send_at.is_some(), "send_at"),
            (message.track_opens == Some(true), "track_opens"),
            (message.track_clicks == Some(true), "track_clicks"),
        ] {
            if asked {
                return Err(unsupported(feature));
            }
        }
        if let Some(dkim) = &self.dkim {
            mail.bytes = dkim.sign(&mail.bytes, now)?;
        }
        Ok(mail)
    }
}

fn preset(host: &str, name: &'static str, login: String, password: SecretString) -> SmtpBuilder {
    const TWO: NonZeroUsize = NonZeroUsize::new(2).expect("2 is not zero");
    SmtpBuilder::new(host, login.parse())
        .name(ProviderName::new(name))
        .max_connections(TWO)
        .credentials(Credentials::password(login, password))
}

#[async_trait]
impl Provider for SmtpProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let mail = self.compose(envelope)?;
        envelope.progress.connecting();
        let limit = self
            .timeout
            .map_or(envelope.timeout, |most| most.min(envelope.timeout));
        match tokio::time::timeout(limit, self.pool.deliver(&mail, &envelope.progress)).await {
            Ok(result) => result.map(|()| Receipt::with_message_id(mail.message_id)),
            Err(_) if envelope.progress.nothing_written() => Err(Fault::provider("timeout")),
            Err(_) => Err(Fault::unknown("timeout")),
        }
    }
}

impl fmt::Debug for SmtpProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpProvider")
            .field("name", &self.name)
            .field("server", &self.server)
            .field("security", &self.security)
            .field("dkim", &self.dkim)
            .finish_non_exhaustive()
    }
}
