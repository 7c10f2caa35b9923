//! Configuration of an [`SmtpProvider`].

use notify_core::channel::Mailbox;
use notify_core::clock::{Clock, SystemClock};
use notify_core::provider::Capabilities;
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use super::SmtpProvider;
use super::auth::Credentials;
use super::dkim::Dkim;
use super::pool::Pool;
use super::session::{Endpoint, Protection};
use super::tls::Tls;
use crate::mime::{Defaults, mailbox};

/// How the connection to the server is protected.
///
/// There is no "TLS if the server offers it": whoever can change packets would take the offer out,
/// and read the password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SmtpSecurity {
    /// TLS from the first byte, usually on port 465 (RFC 8314 §3.3). Default, because nothing is
    /// said in plain text.
    #[default]
    Tls,
    /// `STARTTLS`, usually on port 587 (RFC 3207). A server that does not offer it is refused with
    /// a configuration fault.
    StartTls,
    /// Plain text, usually on port 25: for a relay on the same host.
    None,
}

impl SmtpSecurity {
    const fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// Options of an [`SmtpProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::smtp::{Credentials, SmtpProvider, SmtpSecurity};
///
/// let provider = SmtpProvider::builder("mail.example.com", "Example <news@example.com>".parse()?)
///     .security(SmtpSecurity::StartTls)
///     .credentials(Credentials::password("app", "secret"))
///     .max_connections(4.try_into()?)
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct SmtpBuilder {
    pub(super) host: String,
    from: Result<Mailbox>,
    name: ProviderName,
    port: Option<u16>,
    security: SmtpSecurity,
    credentials: Option<Credentials>,
    plain_credentials: bool,
    hello: Option<String>,
    reply_to: Option<Mailbox>,
    timeout: Option<Duration>,
    connections: NonZeroUsize,
    idle_max: Duration,
    mails_max: NonZeroU32,
    roots: Option<Vec<u8>>,
    dkim: Option<Dkim>,
    clock: Arc<dyn Clock>,
}

impl SmtpBuilder {
    pub(super) fn new(host: impl Into<String>, from: Result<Mailbox>) -> Self {
        Self {
            host: host.into(),
            from,
            name: ProviderName::new("smtp"),
            port: None,
            security: SmtpSecurity::default(),
            credentials: None,
            plain_credentials: false,
            hello: None,
            reply_to: None,
            timeout: None,
            connections: const { NonZeroUsize::new(8).expect("8 is not zero") },
            idle_max: Duration::from_secs(60),
            mails_max: const { NonZeroU32::new(100).expect("100 is not zero") },
            roots: None,
            dkim: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Its name, unique in the application. Default: `smtp`.
    pub fn name(mut self, name: impl Into<ProviderName>) -> Self {
        self.name = name.into();
        self
    }

    /// The port. Default: 465, 587 or 25, by the [`security`](Self::security).
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// How the connection is protected. Default: [`SmtpSecurity::Tls`].
    pub const fn security(mut self, security: SmtpSecurity) -> Self {
        self.security = security;
        self
    }

    /// Who we are to the server. Default: nobody, as for a relay that knows us by our address.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Allows credentials over an unprotected connection to another host. Everyone on the way can
    /// read them.
    ///
    /// Not needed for a server on the same host (`localhost`, `127.0.0.0/8`, `::1`).
    pub const fn allow_credentials_in_plain_text(mut self) -> Self {
        self.plain_credentials = true;
        self
    }

    /// What we call ourselves in `EHLO`: a host name. Default: the address of our end of the
    /// connection in brackets, as RFC 5321 §4.1.3 has it for hosts without a name; a server
    /// that is asked directly, without credentials, may want a name that resolves.
    pub fn hello_name(mut self, name: impl Into<String>) -> Self {
        self.hello = Some(name.into());
        self
    }

    /// Where answers go, where the message does not say. Default: to the sender.
    pub fn reply_to(mut self, mailbox: Mailbox) -> Self {
        self.reply_to = Some(mailbox);
        self
    }

    /// The longest a call may take, if its envelope allows more. Default: what the envelope allows.
    ///
    /// The time covers everything: waiting for a connection, opening it, and the server's replies.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The most connections at a time; further calls wait. Default: 8, which most services allow
    /// one client.
    pub const fn max_connections(mut self, connections: NonZeroUsize) -> Self {
        self.connections = connections;
        self
    }

    /// How long a connection may wait for its next mail. Default: 60 s, less than the 5 minutes
    /// that RFC 5321 §4.5.3.2.7 gives a client, and than most servers do.
    pub const fn max_idle(mut self, idle: Duration) -> Self {
        self.idle_max = idle;
        self
    }

    /// The most mails over one connection. Default: 100, where several services start to refuse.
    pub const fn max_mails_per_connection(mut self, mails: NonZeroU32) -> Self {
        self.mails_max = mails;
        self
    }

    /// Trusts these certificates (PEM) and no others. Default: the platform's.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Signs every mail. Default: none, for most services sign themselves.
    pub fn dkim(mut self, dkim: Dkim) -> Self {
        self.dkim = Some(dkim);
        self
    }

    /// Where the time comes from, for `Date` and for idle connections. Default: the host's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] or [`ErrorKind::Invalid`], naming what cannot work: a sender that is
    /// no mailbox, a host or hello name with other characters than host names have,
    /// certificates that are none, credentials that would be sent in plain text to another host.
    pub fn build(self) -> Result<SmtpProvider> {
        let from = self.from?;
        mailbox(&from)?;
        if let Some(reply_to) = &self.reply_to {
            mailbox(reply_to)?;
        }
        let host = self
            .host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let config = |field, why| Err(Error::new(ErrorKind::Config, why).field(field));
        if !is_host(&host) {
            return config("host", "must be a host name or an address");
        }
        if self.hello.as_deref().is_some_and(|name| !is_host(name)) {
            return config("hello", "must be a host name or an address in brackets");
        }
        let open = self.security == SmtpSecurity::None && !self.plain_credentials;
        if open && self.credentials.is_some() && !is_loopback(&host) {
            return config(
                "credentials",
                "would be sent in plain text: use TLS or allow it",
            );
        }
        let tls = || Tls::new(&host, self.roots.as_deref());
        let protection = match self.security {
            SmtpSecurity::Tls => Protection::Implicit(tls()?),
            SmtpSecurity::StartTls => Protection::StartTls(tls()?),
            SmtpSecurity::None => Protection::None,
        };
        let port = self.port.unwrap_or(self.security.port());
        let connections = self.connections.get();
        let server = format!("{host}:{port}");
        let endpoint = Endpoint {
            host,
            port,
            protection,
            credentials: self.credentials,
            hello: self.hello,
        };
        Ok(SmtpProvider {
            name: self.name,
            capabilities: Capabilities::for_channel(ChannelId::EMAIL).with_concurrency(connections),
            defaults: Defaults {
                from,
                reply_to: self.reply_to,
            },
            dkim: self.dkim,
            timeout: self.timeout,
            pool: Pool::new(
                endpoint,
                Arc::clone(&self.clock),
                connections,
                self.idle_max,
                self.mails_max.get(),
            ),
            clock: self.clock,
            server,
            security: self.security,
        })
    }
}

fn is_host(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]%".contains(&b);
    !name.is_empty() && name.len() <= 255 && name.bytes().all(allowed)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for SmtpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpBuilder")
            .field("name", &self.name)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(host: &str) -> SmtpBuilder {
        SmtpBuilder::new(host, "Example <news@example.com>".parse())
    }

    #[test]
    fn credentials_are_not_sent_in_plain_text_to_another_host() {
        let plain = |host: &str| {
            builder(host)
                .security(SmtpSecurity::None)
                .credentials(Credentials::password("user", "hunter2"))
        };
        let error = plain("mail.example.com").build().expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert!(
            plain("mail.example.com")
                .allow_credentials_in_plain_text()
                .build()
                .is_ok()
        );
        for near in ["localhost", "127.0.0.1", "::1", "[::1]"] {
            assert!(plain(near).build().is_ok(), "{near}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused_before_anything_is_connected() {
        let plain = |host: &str| builder(host).security(SmtpSecurity::None);
        assert!(plain("").build().is_err());
        assert!(plain("mail example").build().is_err());
        assert!(plain("mail\r\nRSET").build().is_err());
        assert!(plain("localhost").hello_name("a b").build().is_err());
        assert!(
            SmtpBuilder::new("localhost", "nobody".parse())
                .security(SmtpSecurity::None)
                .build()
                .is_err()
        );
        assert!(
            builder("localhost")
                .root_certificates("none")
                .build()
                .is_err()
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = Credentials::password("login-name", "hunter2");
        let builder = builder("localhost")
            .security(SmtpSecurity::None)
            .credentials(secret);
        let mut shown = format!("{builder:?}");
        shown.push_str(&format!("{:?}", builder.build().expect("builds")));
        assert!(
            !shown.contains("hunter2") && !shown.contains("login-name"),
            "{shown}"
        );
    }
}
