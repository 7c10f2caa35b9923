//! Keys of vendors' accounts, and the vendors' side of signed tokens (RFC 7515).

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use std::sync::LazyLock;

/// A key pair: what the account's owner has, and what the vendor keeps.
pub struct AccountKey {
    /// The private key, PKCS#8 in PEM.
    pub pem: String,
    public: Vec<u8>,
    algorithm: &'static str,
}

/// One key is enough for all tests: they are slow to make.
pub static RSA: LazyLock<AccountKey> = LazyLock::new(|| {
    let pair = rsa::KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("exports");
    AccountKey {
        pem: pem(der.as_ref()),
        public: pair.public_key().as_ref().to_vec(),
        algorithm: "RS256",
    }
});

pub static P256: LazyLock<AccountKey> = LazyLock::new(|| {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    AccountKey {
        pem: pem(pair.to_pkcs8v1().expect("exports").as_ref()),
        public: pair.public_key().as_ref().to_vec(),
        algorithm: "ES256",
    }
});

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

impl AccountKey {
    /// Header and claims of a token that this key signed. Panics if it did not.
    pub fn read(&self, token: &str) -> (Value, Value) {
        read(token, self.algorithm, &self.public)
    }
}

/// Header and claims of a token that the owner of this P-256 point signed.
pub fn read_es256(token: &str, point: &[u8]) -> (Value, Value) {
    read(token, "ES256", point)
}

/// What is no base64url without padding, no JSON or not signed panics.
fn read(token: &str, algorithm: &str, public: &[u8]) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "the compact form");
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let json = |part: &str| -> Value { serde_json::from_slice(&bytes(part)).expect("JSON") };
    let (header, claims) = (json(parts[0]), json(parts[1]));
    assert_eq!(header["alg"], algorithm);
    let signed = format!("{}.{}", parts[0], parts[1]);
    let signature = bytes(parts[2]);
    let verified = if algorithm == "RS256" {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(signed.as_bytes(), &signature)
    } else {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
            .verify(signed.as_bytes(), &signature)
    };
    verified.expect("signed by the account's key");
    (header, claims)
}
