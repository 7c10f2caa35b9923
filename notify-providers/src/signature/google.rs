//! The assertion by which a Google service account gets an access token (RFC 7523).

use notify_core::clock::Timestamp;
use notify_core::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use std::time::Duration;

use super::jwt::SigningKey;
use super::seconds;

/// Where tokens are issued, unless the key file says otherwise.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// How long an assertion is valid: the most that Google allows.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// A service account's key file. `Debug` shows no key and no account.
pub(crate) struct ServiceAccount {
    email: String,
    key: SigningKey,
    key_id: Option<String>,
    /// The project that the account belongs to.
    pub(crate) project_id: Option<String>,
    /// Where the assertion is sent, as a form with
    /// `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer` and `assertion`.
    pub(crate) token_uri: String,
}

impl ServiceAccount {
    /// The JSON that Google's console hands out.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that names what is missing or does not read, and shows nothing of it.
    pub(crate) fn from_json(json: &SecretString) -> Result<Self> {
        let config = |why: &str| Error::new(ErrorKind::Config, why);
        let file: Value = serde_json::from_str(json.expose_secret())
            .map_err(|_| config("the service account is not the JSON of a key file"))?;
        let text = |name: &str| file.get(name).and_then(Value::as_str).map(str::to_owned);
        let email = text("client_email")
            .ok_or_else(|| config("the service account has no `client_email`"))?;
        let key = text("private_key")
            .ok_or_else(|| config("the service account has no `private_key`"))?;
        Ok(Self {
            email,
            key: SigningKey::rs256(&key.into())?,
            key_id: text("private_key_id"),
            project_id: text("project_id"),
            token_uri: text("token_uri").unwrap_or_else(|| TOKEN_URI.to_owned()),
        })
    }

    /// An assertion that asks for an access token for `scope`, valid for one hour from `now`.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the key does not sign.
    pub(crate) fn assertion(&self, scope: &str, now: Timestamp) -> Result<SecretString> {
        let mut header = Map::from_iter([("typ".to_owned(), "JWT".into())]);
        if let Some(key_id) = &self.key_id {
            header.insert("kid".to_owned(), key_id.as_str().into());
        }
        let claims = json!({
            "iss": self.email,
            "scope": scope,
            "aud": self.token_uri,
            "iat": seconds(now),
            "exp": seconds(now + LIFETIME),
        });
        self.key.token(header, &claims)
    }
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("project_id", &self.project_id)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::encoding::{base64, unbase64url};
    use super::super::jwt::{VerifyingKey, verify};
    use super::super::tests::at;
    use super::*;
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::KeyPair as _;

    fn key_file(pair: &KeyPair) -> Value {
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("exports");
        let key = base64(der.as_ref());
        json!({
            "type": "service_account",
            "project_id": "shop-1",
            "private_key_id": "0a1b",
            "private_key": format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n"),
            "client_email": "push@shop-1.iam.gserviceaccount.com",
        })
    }

    #[test]
    fn an_assertion_asks_for_one_scope_for_one_hour() {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("generates");
        let account =
            ServiceAccount::from_json(&key_file(&pair).to_string().into()).expect("reads");
        assert_eq!(account.project_id.as_deref(), Some("shop-1"));
        let scope = "https://www.googleapis.com/auth/firebase.messaging";
        let token = account.assertion(scope, at(1_700_000_000)).expect("signs");
        let token = token.expose_secret();
        let public = VerifyingKey::Rs256(pair.public_key().as_ref());
        let expected = json!({
            "iss": "push@shop-1.iam.gserviceaccount.com",
            "scope": scope,
            "aud": "https://oauth2.googleapis.com/token",
            "iat": 1_700_000_000,
            "exp": 1_700_003_600,
        });
        assert_eq!(verify(token, &public), Ok(expected));
        let header = unbase64url(token.split('.').next().expect("a header")).expect("base64url");
        assert_eq!(header, br#"{"alg":"RS256","kid":"0a1b","typ":"JWT"}"#);
    }

    #[test]
    fn a_file_that_lacks_something_says_what() {
        let no_email = r#"{"private_key":"hunter2"}"#;
        let no_key = r#"{"client_email":"a@b"}"#;
        let bad_key = r#"{"client_email":"a@b","private_key":"hunter2"}"#;
        for (file, said) in [
            ("hunter2", "JSON"),
            (no_email, "client_email"),
            (no_key, "private_key"),
            (bad_key, "RSA"),
        ] {
            let error = ServiceAccount::from_json(&file.into()).expect_err(said);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(said), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn debug_shows_neither_key_nor_account() {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("generates");
        let account =
            ServiceAccount::from_json(&key_file(&pair).to_string().into()).expect("reads");
        let shown = format!("{account:?}");
        assert!(
            !shown.contains("gserviceaccount") && !shown.contains("MII"),
            "{shown}"
        );
    }
}
