//! Keys as vendors hand them out, made anew for each run.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;

/// A private key on the curve P-256, as in a `.p8` of Apple.
///
/// # Errors
/// If the system has no random numbers.
pub fn p256() -> io::Result<String> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(io::Error::other)?;
    let der = key.to_pkcs8v1().map_err(io::Error::other)?;
    Ok(pem(der.as_ref()))
}

/// A private RSA key of 2,048 bits, as in the key file of a service account.
///
/// # Errors
/// As [`p256`].
pub fn rsa() -> io::Result<String> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(io::Error::other)?;
    let der: Pkcs8V1Der<'_> = key.as_der().map_err(io::Error::other)?;
    Ok(pem(der.as_ref()))
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}
