//! The provider token of the Apple Push Notification service.

use notify_core::clock::Timestamp;
use notify_core::{Error, ErrorKind, Result};
use secrecy::SecretString;
use serde_json::{Map, json};

use super::jwt::SigningKey;
use super::seconds;

/// A key from Apple's developer account (`AuthKey_<key id>.p8`), and whose it is.
///
/// One token serves every connection and is to be used for 20 to 60 minutes: Apple refuses older
/// ones, and callers that sign anew more often.
#[derive(Debug)]
pub(crate) struct ApnsKey {
    key: SigningKey,
    key_id: String,
    team_id: String,
}

impl ApnsKey {
    /// A `.p8` file's content, the id of the key and the id of the team, ten characters each.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that names the part that does not read.
    pub(crate) fn new(
        pem: &SecretString,
        key_id: impl Into<String>,
        team_id: impl Into<String>,
    ) -> Result<Self> {
        let (key_id, team_id) = (key_id.into(), team_id.into());
        for (what, id) in [("key id", &key_id), ("team id", &team_id)] {
            if id.len() != 10 || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
                let why = format!("the APNs {what} is not ten letters and digits");
                return Err(Error::new(ErrorKind::Config, why));
            }
        }
        Ok(Self {
            key: SigningKey::es256(pem)?,
            key_id,
            team_id,
        })
    }

    /// A token as of `now`, for the header `authorization: bearer <token>`.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the key does not sign.
    pub(crate) fn token(&self, now: Timestamp) -> Result<SecretString> {
        let header = Map::from_iter([("kid".to_owned(), self.key_id.as_str().into())]);
        let claims = json!({ "iss": self.team_id, "iat": seconds(now) });
        self.key.token(header, &claims)
    }
}

#[cfg(test)]
mod tests {
    use super::super::encoding::base64;
    use super::super::jwt::{VerifyingKey, verify};
    use super::super::tests::at;
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_token_names_key_team_and_time_and_nothing_else() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("generates");
        let der = base64(pair.to_pkcs8v1().expect("exports").as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----");
        let key = ApnsKey::new(&pem.into(), "ABC123DEFG", "DEF123GHIJ").expect("reads");
        let token = key.token(at(1_700_000_000)).expect("signs");
        let public = VerifyingKey::Es256(pair.public_key().as_ref());
        let claims = verify(token.expose_secret(), &public).expect("passes");
        assert_eq!(claims, json!({ "iss": "DEF123GHIJ", "iat": 1_700_000_000 }));
    }

    #[test]
    fn ids_that_were_mixed_up_are_noticed() {
        let error = ApnsKey::new(&"".into(), "AuthKey_ABC.p8", "DEF123GHIJ").expect_err("no id");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("key id"));
    }
}
