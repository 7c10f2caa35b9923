//! Configuration in one line: `smtps://user:password@mail.example.com/?from=…`.

use notify_core::Result;
use notify_core::channel::Mailbox;
use secrecy::SecretString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use super::auth::Credentials;
use super::builder::{SmtpBuilder, SmtpSecurity};
use crate::dsn::{decode, error, parameters_of, read, split, unknown_parameter};

/// Reads the line. Errors name the part that is wrong and never show what it says.
pub(super) fn parse(dsn: &str) -> Result<SmtpBuilder> {
    let (scheme, authority, query) = split(dsn);
    let security = match scheme.to_ascii_lowercase().as_str() {
        "smtps" => SmtpSecurity::Tls,
        "smtp" => SmtpSecurity::StartTls,
        "smtp+plain" => SmtpSecurity::None,
        _ => return Err(error("scheme", "is none of smtps, smtp and smtp+plain")),
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (user, server) = match authority.rsplit_once('@') {
        Some((user, server)) => (Some(user), server),
        None => (None, authority),
    };
    if server.contains('/') {
        return Err(error("path", "is not expected"));
    }
    let (host, port) = host_and_port(server)?;
    let parameters = Parameters::parse(query)?;
    let login = user.map(login).transpose()?;
    // Most services want the sender to be the login anyway.
    let user = || login.as_ref().and_then(|(user, _)| user.parse().ok());
    let from = parameters.from.clone().or_else(user);
    let from = from.ok_or_else(|| error("from", "is missing"))?;
    let mut builder = SmtpBuilder::new(host, Ok(from)).security(security);
    if let Some(port) = port {
        builder = builder.port(port);
    }
    if let Some((user, password)) = login {
        builder = builder.credentials(Credentials::password(user, password));
    }
    Ok(parameters.apply(builder))
}

/// `host`, `host:port`, `[::1]`, `[::1]:port`.
fn host_and_port(server: &str) -> Result<(&str, Option<u16>)> {
    let bracket = server.rfind(']').unwrap_or(0);
    match server[bracket..].rfind(':').map(|at| at + bracket) {
        Some(at) => {
            let port = server[at + 1..].parse();
            Ok((
                &server[..at],
                Some(port.map_err(|_| error("port", "is not a number"))?),
            ))
        }
        None => Ok((server, None)),
    }
}

fn login(user: &str) -> Result<(String, SecretString)> {
    let (user, password) = user
        .split_once(':')
        .ok_or_else(|| error("password", "is missing"))?;
    Ok((decode("user", user)?, decode("password", password)?.into()))
}

/// What may follow the question mark.
#[derive(Default)]
struct Parameters {
    connections: Option<NonZeroUsize>,
    from: Option<Mailbox>,
    hello: Option<String>,
    mails: Option<NonZeroU32>,
    name: Option<String>,
    plain_credentials: bool,
    reply_to: Option<Mailbox>,
    timeout: Option<Duration>,
}

impl Parameters {
    fn parse(query: &str) -> Result<Self> {
        let mut parameters = Self::default();
        for (name, value) in parameters_of(query) {
            match name {
                "connections" => parameters.connections = Some(read("connections", value)?),
                "from" => parameters.from = Some(read("from", value)?),
                "hello" => parameters.hello = Some(decode("hello", value)?),
                "mails" => parameters.mails = Some(read("mails", value)?),
                "name" if !value.is_empty() => parameters.name = Some(decode("name", value)?),
                "plain_credentials" if value == "allow" => parameters.plain_credentials = true,
                "plain_credentials" => return Err(error("plain_credentials", "can only be allow")),
                "reply_to" => parameters.reply_to = Some(read("reply_to", value)?),
                "timeout" => {
                    let seconds: u32 = read("timeout", value)?;
                    parameters.timeout = Some(Duration::from_secs(seconds.into()));
                }
                _ => return Err(unknown_parameter()),
            }
        }
        Ok(parameters)
    }

    fn apply(self, mut builder: SmtpBuilder) -> SmtpBuilder {
        if let Some(connections) = self.connections {
            builder = builder.max_connections(connections);
        }
        if let Some(hello) = self.hello {
            builder = builder.hello_name(hello);
        }
        if let Some(mails) = self.mails {
            builder = builder.max_mails_per_connection(mails);
        }
        if let Some(name) = self.name {
            builder = builder.name(name);
        }
        if let Some(reply_to) = self.reply_to {
            builder = builder.reply_to(reply_to);
        }
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        if self.plain_credentials {
            builder.allow_credentials_in_plain_text()
        } else {
            builder
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::SmtpProvider;
    use notify_core::ErrorKind;

    #[test]
    fn each_part_is_read() {
        let dsn = "smtp+plain://user:p%40ss%3A@[::1]:2525/?from=Example%20<news@example.com>&name=backup&reply_to=help@example.com\
                   &hello=app.example.com&timeout=5&connections=3&mails=10";
        let shown = format!("{:?}", SmtpProvider::from_url(dsn).expect("reads"));
        for part in ["\"backup\"", "\"::1:2525\"", "None"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert!(!shown.contains("user"), "{shown}");
    }

    #[test]
    fn the_sender_may_be_the_login() {
        assert!(SmtpProvider::from_url("smtp+plain://app%40example.com:pw@localhost").is_ok());
        assert!(SmtpProvider::from_url("smtp+plain://app:pw@localhost").is_err());
    }

    #[test]
    fn the_scheme_says_how_the_connection_is_protected() {
        for (scheme, security) in [
            ("smtps", SmtpSecurity::Tls),
            ("smtp", SmtpSecurity::StartTls),
            ("smtp+plain", SmtpSecurity::None),
        ] {
            let builder =
                parse(&format!("{scheme}://localhost?from=a@example.com")).expect("reads");
            assert!(format!("{builder:?}").contains(&format!("{security:?}")));
        }
    }

    #[test]
    fn an_error_shows_nothing_of_the_address() {
        for dsn in [
            "smtps:/user:hunter2@localhost",
            "imap://user:hunter2@localhost?from=a@example.com",
            "smtps://user:hunter2@localhost:port?from=a@example.com",
            "smtps://user:hunter2@localhost/path?from=a@example.com",
            "smtps://user:hunter2@localhost",
            "smtps://hunter2@localhost?from=a@example.com",
            "smtps://user:hun%ter2@localhost?from=a@example.com",
            "smtps://user:%ff@hunter2?from=a@example.com",
            "smtps://user:hunter2@localhost?from=hunter2",
            "smtps://user:hunter2@localhost?from=a@example.com&hunter2=1",
            "smtps://user:hunter2@localhost?from=a@example.com&timeout=hunter2",
            "smtps://user:hunter2@localhost?from=a@example.com&connections=0",
            "smtp+plain://user:hunter2@mail.example.com?from=a@example.com",
            "smtp+plain://user:hunter2@mail.example.com?from=a@example.com&plain_credentials=yes",
        ] {
            let error = SmtpProvider::from_url(dsn).expect_err(dsn);
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("hunter2") && !shown.contains("user:"),
                "{shown}"
            );
            assert_eq!(error.kind(), ErrorKind::Config, "{shown}");
            assert!(error.field_name().is_some(), "{shown}");
        }
    }
}
