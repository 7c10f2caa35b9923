//! How a vendor that signs nothing shows who it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::provider::{WebhookError, WebhookRequest};
use notify_core::secret::{ExposeSecret as _, SecretString};
use std::fmt;

use crate::signature::hmac::is_same;
use crate::webhook::form;

/// What a vendor that signs nothing sends along, so that nobody else's events are believed: a part of the address or a header that is
/// registered with the webhook, over TLS.
///
/// It is a password and no signature: whoever has seen one request can send others. An empty one opens for nobody. `Debug` shows
/// its form only.
///
/// ```
/// use notify_providers::email::WebhookSecret;
///
/// // Registered as https://hooks:long-random@example.com/postmark.
/// let secret = WebhookSecret::basic("hooks", "long-random");
/// ```
#[derive(Clone)]
pub struct WebhookSecret(Form);

#[derive(Clone)]
enum Form {
    /// The scheme, and what follows it.
    Authorization(&'static str, SecretString),
    Header(String, SecretString),
    Parameter(String, SecretString),
}

impl WebhookSecret {
    /// `Authorization: Basic …`, which vendors send for an address such as `https://user:password@example.com/…`.
    #[must_use]
    pub fn basic(user: &str, password: impl Into<SecretString>) -> Self {
        let password = password.into();
        let pair = match password.expose_secret() {
            "" => String::new(),
            password => STANDARD.encode(format!("{user}:{password}")),
        };
        Self(Form::Authorization("Basic", pair.into()))
    }

    /// `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(token: impl Into<SecretString>) -> Self {
        Self(Form::Authorization("Bearer", token.into()))
    }

    /// A header of this name.
    #[must_use]
    pub fn header(name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        Self(Form::Header(name.into(), value.into()))
    }

    /// A parameter of the address, such as `?token=…`. It may end up in the logs of proxies.
    #[must_use]
    pub fn parameter(name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        Self(Form::Parameter(name.into(), value.into()))
    }

    fn opens_for(&self, request: &WebhookRequest<'_>) -> bool {
        let (given, wanted) = match &self.0 {
            Form::Authorization(scheme, wanted) => {
                let given = request.header("authorization").and_then(|value| {
                    let (given, rest) = value.split_once(' ')?;
                    given
                        .eq_ignore_ascii_case(scheme)
                        .then(|| rest.trim().to_owned())
                });
                (given, wanted)
            }
            Form::Header(name, wanted) => (request.header(name).map(str::to_owned), wanted),
            Form::Parameter(name, wanted) => {
                let mut values = form(request.query().as_bytes()).into_iter();
                let value = values.find(|(other, _)| other == name);
                (value.map(|(_, value)| value), wanted)
            }
        };
        let wanted = wanted.expose_secret().trim().as_bytes();
        !wanted.is_empty() && given.is_some_and(|given| is_same(given.as_bytes(), wanted))
    }
}

/// Whether one of the secrets is there. Several are while one is replaced.
///
/// # Errors
/// [`WebhookError::Unauthorized`].
pub(crate) fn check(
    secrets: &[WebhookSecret],
    request: &WebhookRequest<'_>,
) -> Result<(), WebhookError> {
    if secrets.iter().any(|secret| secret.opens_for(request)) {
        Ok(())
    } else {
        Err(WebhookError::Unauthorized)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Form::Authorization(..) => "authorization",
            Form::Header(..) => "header",
            Form::Parameter(..) => "parameter",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::clock::Timestamp;

    fn opens(secret: WebhookSecret, url: &str, headers: &[(&str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()));
        let request =
            WebhookRequest::new("POST", url, b"{}", Timestamp::EPOCH).with_headers(headers);
        check(&[WebhookSecret::bearer("other"), secret], &request).is_ok()
    }

    #[test]
    fn each_form_opens_for_its_secret_and_for_no_other() {
        let url = "https://example.com/hook?a=1&token=k%2B1";
        // RFC 7617 §2, the example.
        let aladdin = [("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")];
        assert!(opens(
            WebhookSecret::basic("Aladdin", "open sesame"),
            url,
            &aladdin
        ));
        assert!(!opens(
            WebhookSecret::basic("Aladdin", "open sesam"),
            url,
            &aladdin
        ));
        let bearer = [("authorization", "bearer k-1")];
        assert!(opens(WebhookSecret::bearer("k-1"), url, &bearer));
        assert!(!opens(WebhookSecret::basic("k-1", "x"), url, &bearer));
        let header = [("X-Key", "k-1")];
        assert!(opens(WebhookSecret::header("x-key", "k-1"), url, &header));
        assert!(!opens(
            WebhookSecret::header("x-other", "k-1"),
            url,
            &header
        ));
        assert!(opens(WebhookSecret::parameter("token", "k+1"), url, &[]));
        assert!(!opens(WebhookSecret::parameter("a", "k+1"), url, &[]));
    }

    #[test]
    fn an_empty_secret_opens_for_nobody() {
        let url = "https://example.com/hook?token=";
        let basic = STANDARD.encode("a:");
        for (secret, header) in [
            (WebhookSecret::basic("a", ""), format!("Basic {basic}")),
            (WebhookSecret::basic("a", ""), "Basic ".to_owned()),
            (WebhookSecret::bearer(""), "Bearer ".to_owned()),
            (WebhookSecret::parameter("token", ""), String::new()),
        ] {
            assert!(!opens(secret, url, &[("authorization", &header)]));
        }
    }
}
