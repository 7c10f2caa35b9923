//! JSON Web Tokens in the compact form (RFC 7515, 7519): signed with ES256 or RS256, verified with
//! HMAC.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
#[cfg(test)]
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256};
use notify_core::{Error, ErrorKind, Result};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use std::fmt;

use super::Refused;
use super::encoding::{base64url, sha256_hex, unbase64url};
use super::hmac::{self, Hash};

/// The longest token that is verified, in bytes; those of vendors have less than a tenth of it.
const MAX_TOKEN: usize = 16_384;

/// A private key that signs tokens. `Debug` shows the algorithm only.
pub(crate) enum SigningKey {
    /// P-256: APNs and VAPID.
    Es256(Box<EcdsaKeyPair>),
    /// RSA: Google.
    Rs256(Box<rsa::KeyPair>),
}

impl SigningKey {
    /// A P-256 key in PEM: PKCS#8 as in Apple's `.p8`, or SEC 1.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that says what was expected and shows nothing of it.
    pub(crate) fn es256(pem: &SecretString) -> Result<Self> {
        let expected = "the key is not a P-256 private key in PEM (`-----BEGIN PRIVATE KEY-----`)";
        let key = private_key(pem).and_then(|der| {
            EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_der())
                .ok()
        });
        key.map(|key| Self::Es256(Box::new(key)))
            .ok_or_else(|| Error::new(ErrorKind::Config, expected))
    }

    /// An RSA key of 2048 to 8192 bits in PEM: PKCS#8 as in Google's service accounts.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that says what was expected and shows nothing of it.
    pub(crate) fn rs256(pem: &SecretString) -> Result<Self> {
        let expected = "the key is not an RSA private key of 2048 bits or more in PEM (`-----BEGIN PRIVATE KEY-----`)";
        let key = private_key(pem).and_then(|der| match der {
            PrivateKeyDer::Pkcs8(der) => rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
            PrivateKeyDer::Pkcs1(der) => rsa::KeyPair::from_der(der.secret_pkcs1_der()).ok(),
            _ => None,
        });
        key.map(|key| Self::Rs256(Box::new(key)))
            .ok_or_else(|| Error::new(ErrorKind::Config, expected))
    }

    /// A token with these claims; `alg` is added to the header.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the key does not sign.
    pub(crate) fn token(
        &self,
        mut header: Map<String, Value>,
        claims: &Value,
    ) -> Result<SecretString> {
        header.insert("alg".to_owned(), self.algorithm().into());
        let mut token = base64url(Value::Object(header).to_string().as_bytes());
        token.push('.');
        token.push_str(&base64url(claims.to_string().as_bytes()));
        let signature = self.sign(token.as_bytes());
        let signature = signature
            .ok_or_else(|| Error::new(ErrorKind::Unexpected, "the key does not sign a token"))?;
        token.push('.');
        token.push_str(&base64url(&signature));
        Ok(token.into())
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
        }
    }

    fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => Some(key.sign(&random, text).ok()?.as_ref().to_vec()),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
                    .ok()?;
                Some(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, [redacted])", self.algorithm())
    }
}

fn private_key(pem: &SecretString) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).ok()
}

/// The key that a token must be signed with. It decides the algorithm: what the token says of
/// itself is compared with it and never followed (RFC 8725 §3.1).
pub(crate) enum VerifyingKey<'a> {
    /// An uncompressed P-256 point or its `SubjectPublicKeyInfo`; for the tests of what signs with it.
    #[cfg(test)]
    Es256(&'a [u8]),
    /// A secret that is shared, and the hashes that are allowed.
    Hmac(&'a [u8], &'a [Hash]),
    /// An RSA key of 2048 bits or more, as `RSAPublicKey` or `SubjectPublicKeyInfo`; likewise.
    #[cfg(test)]
    Rs256(&'a [u8]),
}

/// The claims of a token whose signature is right. Who issued it, for whom and until when is for
/// the caller to look at.
///
/// # Errors
/// [`Refused::Malformed`], [`Refused::Unsupported`] for another algorithm or critical headers,
/// [`Refused::Mismatch`].
pub(crate) fn verify(token: &str, key: &VerifyingKey<'_>) -> Result<Value, Refused> {
    let malformed = Refused::Malformed("token");
    if token.len() > MAX_TOKEN {
        return Err(malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(malformed)?;
    let json = |part: &str| {
        let value = serde_json::from_slice::<Value>(&unbase64url(part)?).ok();
        value.filter(Value::is_object)
    };
    let header = json(header).ok_or(malformed)?;
    let claims = json(claims).ok_or(malformed)?;
    let signature = unbase64url(signature).ok_or(malformed)?;
    if header.get("crit").is_some() {
        return Err(Refused::Unsupported("crit"));
    }
    let algorithm = header.get("alg").and_then(Value::as_str);
    let algorithm = algorithm.ok_or(Refused::Missing("alg"))?;
    let unsupported = Refused::Unsupported("alg");
    let signed = signed.as_bytes();
    match (key, algorithm) {
        #[cfg(test)]
        (VerifyingKey::Es256(key), "ES256") => {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
            key.verify(signed, &signature)
                .map_err(|_| Refused::Mismatch)?;
        }
        #[cfg(test)]
        (VerifyingKey::Rs256(key), "RS256") => {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
            key.verify(signed, &signature)
                .map_err(|_| Refused::Mismatch)?;
        }
        (VerifyingKey::Hmac(key, allowed), algorithm) => {
            let hash = hash(algorithm).filter(|hash| allowed.contains(hash));
            hmac::verify(hash.ok_or(unsupported)?, key, &[signed], &signature)?;
        }
        #[cfg(test)]
        _ => return Err(unsupported),
    }
    Ok(claims)
}

fn hash(algorithm: &str) -> Option<Hash> {
    match algorithm {
        "HS256" => Some(Hash::Sha256),
        "HS384" => Some(Hash::Sha384),
        "HS512" => Some(Hash::Sha512),
        _ => None,
    }
}

/// A claim that is a time, in whole seconds since 1970; parts of a second are cut off
/// (`NumericDate`, RFC 7519 §2).
///
/// # Errors
/// [`Refused::Missing`] or [`Refused::Malformed`] with its name.
pub(crate) fn time_claim(claims: &Value, name: &'static str) -> Result<i64, Refused> {
    let claim = claims.get(name).ok_or(Refused::Missing(name))?;
    let fraction = || claim.as_f64().filter(|seconds| seconds.abs() < 1e15);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "its size was checked, and the fraction is to be cut off"
    )]
    let whole = || fraction().map(|seconds| seconds as i64);
    claim
        .as_i64()
        .or_else(whole)
        .ok_or(Refused::Malformed(name))
}

/// That a claim is the SHA-256 of `bytes` in hex.
///
/// # Errors
/// [`Refused::Missing`] with its name, or [`Refused::Mismatch`].
pub(crate) fn check_hash_claim(
    claims: &Value,
    name: &'static str,
    bytes: &[u8],
) -> Result<(), Refused> {
    let hash = claims.get(name).and_then(Value::as_str);
    let hash = hash.ok_or(Refused::Missing(name))?.to_ascii_lowercase();
    if hmac::is_same(hash.as_bytes(), sha256_hex(bytes).as_bytes()) {
        Ok(())
    } else {
        Err(Refused::Mismatch)
    }
}

#[cfg(test)]
mod tests;
