//! What a provider's configuration must be, and that it holds no secret.

use super::ProviderConfig;
use crate::error::{Error, Result};
use crate::secret::sole_placeholder;

impl ProviderConfig {
    /// Checks names and lengths, and that no secret is written out in the DSN: after the scheme,
    /// a password (or a user without one) and query parameters whose names end in `key`, `password`,
    /// `secret` or `token` must be a placeholder. A secret in another place is not recognised.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) that names the field, and never its value.
    pub fn validate(&self) -> Result<()> {
        if !(1..=100).contains(&self.name.as_str().chars().count()) {
            return Err(Error::invalid("name", "must have 1 to 100 characters"));
        }
        if self.channel.as_str().is_empty() {
            return Err(Error::invalid("channel", "must not be empty"));
        }
        let dsn = self.dsn_text();
        if dsn.chars().count() > 2_048 {
            return Err(Error::invalid("dsn", "must have at most 2,048 characters"));
        }
        if sole_placeholder(dsn).is_some() {
            return Ok(());
        }
        let Some((_, rest)) = dsn.split_once("://") else {
            return Err(Error::invalid(
                "dsn",
                "must be `scheme://…` or one placeholder `${NAME}`",
            ));
        };
        if rest.contains(char::is_whitespace) {
            return Err(Error::invalid("dsn", "must be one dsn without spaces"));
        }
        if secrets_of(rest).any(|secret| sole_placeholder(secret).is_none()) {
            let why = "holds a secret: write `${NAME}` and keep it in a secret source";
            return Err(Error::invalid("dsn", why));
        }
        Ok(())
    }
}

/// The places after `scheme://` where secrets are, unless they are empty.
fn secrets_of(rest: &str) -> impl Iterator<Item = &str> {
    // A placeholder holds none of the characters at which this is cut.
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let password = match before_query.rsplit_once('@') {
        Some((user, _)) => Some(user.split_once(':').map_or(user, |(_, password)| password)),
        None => no_port(before_query),
    };
    let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["key", "password", "secret", "token"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    let parameters = parameters
        .filter(move |(name, _)| is_secret(name))
        .map(|(_, value)| value);
    password
        .into_iter()
        .chain(parameters)
        .filter(|secret| !secret.is_empty())
}

/// What stands where a host has its port and is none: a password with a `/` or `?` that should have
/// been percent-encoded.
fn no_port(before_query: &str) -> Option<&str> {
    let host = before_query
        .split_once('/')
        .map_or(before_query, |(host, _)| host);
    let after_address = host.rsplit_once(']').map_or(host, |(_, port)| port);
    let (_, port) = after_address.split_once(':')?;
    (!port.bytes().all(|c| c.is_ascii_digit())).then_some(port)
}
