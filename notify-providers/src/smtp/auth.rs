//! Who we are to the server: `AUTH PLAIN` (RFC 4616), `LOGIN` and `XOAUTH2`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;

/// What the server is told to prove who we are. `Debug` shows the kind only.
///
/// ```
/// use notify_providers::smtp::Credentials;
///
/// let credentials = Credentials::password("app@example.com", "secret");
/// assert_eq!(format!("{credentials:?}"), "Credentials::Password([redacted])");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Credentials {
    /// A user name and a password, sent by `AUTH PLAIN`, or by `AUTH LOGIN` where the server knows
    /// no other.
    Password {
        /// The user name; most services want the full address.
        user: SecretString,
        /// The password.
        password: SecretString,
    },
    /// A user name and an OAuth 2.0 access token, sent by `AUTH XOAUTH2`.
    ///
    /// Tokens live about an hour and this provider does not renew them: build a new provider with
    /// each new token.
    OAuth2 {
        /// The mailbox.
        user: SecretString,
        /// The access token.
        token: SecretString,
    },
}

impl Credentials {
    /// A user name and a password.
    #[must_use]
    pub fn password(user: impl Into<SecretString>, password: impl Into<SecretString>) -> Self {
        Self::Password {
            user: user.into(),
            password: password.into(),
        }
    }

    /// A mailbox and an OAuth 2.0 access token.
    #[must_use]
    pub fn oauth2(user: impl Into<SecretString>, token: impl Into<SecretString>) -> Self {
        Self::OAuth2 {
            user: user.into(),
            token: token.into(),
        }
    }

    /// The best mechanism that the server offers; `offered` is in upper case.
    pub(super) fn mechanism(&self, offered: &[String]) -> Option<Mechanism> {
        let wanted: &[Mechanism] = match self {
            Self::Password { .. } => &[Mechanism::Plain, Mechanism::Login],
            Self::OAuth2 { .. } => &[Mechanism::XOAuth2],
        };
        wanted
            .iter()
            .copied()
            .find(|mechanism| offered.iter().any(|name| name == mechanism.name()))
    }

    /// The lines to send, each after the server asked for it: the first opens the dialogue.
    pub(super) fn lines(&self, mechanism: Mechanism) -> Vec<Zeroizing<String>> {
        let (user, secret) = match self {
            Self::Password {
                user,
                password: secret,
            }
            | Self::OAuth2 {
                user,
                token: secret,
            } => (user.expose_secret(), secret.expose_secret()),
        };
        match mechanism {
            Mechanism::Plain => vec![line("AUTH PLAIN ", &["\0", user, "\0", secret])],
            Mechanism::Login => vec![
                Zeroizing::new("AUTH LOGIN\r\n".to_owned()),
                line("", &[user]),
                line("", &[secret]),
            ],
            Mechanism::XOAuth2 => vec![line(
                "AUTH XOAUTH2 ",
                &["user=", user, "\u{1}auth=Bearer ", secret, "\u{1}\u{1}"],
            )],
        }
    }
}

/// A command and its base64 argument, wiped from memory when it is dropped.
fn line(command: &str, parts: &[&str]) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(
        parts.iter().map(|part| part.len()).sum(),
    ));
    parts.iter().for_each(|part| plain.push_str(part));
    let mut line = Zeroizing::new(String::with_capacity(command.len() + plain.len() * 2 + 8));
    line.push_str(command);
    STANDARD.encode_string(plain.as_bytes(), &mut line);
    line.push_str("\r\n");
    line
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Credentials::Password([redacted])",
            Self::OAuth2 { .. } => "Credentials::OAuth2([redacted])",
        })
    }
}

/// How credentials are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    Login,
    XOAuth2,
}

impl Mechanism {
    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::XOAuth2 => "XOAUTH2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(credentials: &Credentials, mechanism: Mechanism) -> Vec<String> {
        credentials
            .lines(mechanism)
            .iter()
            .map(|line| line.to_string())
            .collect()
    }

    #[test]
    fn each_mechanism_says_what_its_document_shows() {
        // RFC 4616 §4: tim with password tanstaaftanstaaf.
        let tim = Credentials::password("tim", "tanstaaftanstaaf");
        assert_eq!(
            texts(&tim, Mechanism::Plain),
            ["AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"]
        );
        assert_eq!(
            texts(&tim, Mechanism::Login),
            ["AUTH LOGIN\r\n", "dGlt\r\n", "dGFuc3RhYWZ0YW5zdGFhZg==\r\n"]
        );
        // Google's documentation of XOAUTH2.
        let google = Credentials::oauth2(
            "someuser@example.com",
            "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
        );
        assert_eq!(
            texts(&google, Mechanism::XOAuth2),
            [
                "AUTH XOAUTH2 dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==\r\n"
            ]
        );
    }

    #[test]
    fn plain_is_preferred_and_a_token_is_never_sent_as_a_password() {
        let offered = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let password = Credentials::password("u", "p");
        assert_eq!(
            password.mechanism(&offered(&["LOGIN", "PLAIN"])),
            Some(Mechanism::Plain)
        );
        assert_eq!(
            password.mechanism(&offered(&["LOGIN"])),
            Some(Mechanism::Login)
        );
        assert_eq!(password.mechanism(&offered(&["XOAUTH2", "CRAM-MD5"])), None);
        assert_eq!(
            Credentials::oauth2("u", "t").mechanism(&offered(&["PLAIN"])),
            None
        );
    }
}
