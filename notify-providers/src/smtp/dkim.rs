//! DKIM signatures: RFC 6376 with relaxed canonicalisation, by RSA or by Ed25519 (RFC 8463).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::clock::Timestamp;
use notify_core::provider::Fault;
use notify_core::{Error, ErrorKind, Result};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// The headers that are signed where the mail has them. Gmail and Yahoo want the two of
/// unsubscription among them.
const SIGNED: [&str; 10] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "mime-version",
    "content-type",
    "list-unsubscribe",
    "list-unsubscribe-post",
];

/// A key that signs mails, and where receivers find its public half: in the TXT record
/// `<selector>._domainkey.<domain>`.
///
/// Signs with `rsa-sha256` or `ed25519-sha256` and relaxed canonicalisation of header and body.
/// `From` is signed once more than it occurs, so that nobody can add a second one. An RSA signature
/// of 2048 bits takes about half a millisecond on the calling thread. Some receivers do not know
/// Ed25519 yet; RSA is the safe choice. `Debug` shows no key.
///
/// ```
/// use notify_providers::smtp::Dkim;
///
/// // The key of RFC 8463, appendix A.2.
/// let dkim = Dkim::new("football.example.com", "brisbane", "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")?;
/// assert_eq!(format!("{dkim:?}"), r#"Dkim { domain: "football.example.com", selector: "brisbane", algorithm: "ed25519-sha256", .. }"#);
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Dkim {
    domain: String,
    selector: String,
    key: Arc<Key>,
}

enum Key {
    Rsa(rsa::KeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Dkim {
    /// Signs for `domain` with the key that is published under `selector`.
    ///
    /// `key` is a private key in PEM (PKCS#8, RSA or Ed25519; or PKCS#1, RSA of 2048 to 8192 bits),
    /// or the 32 bytes of an Ed25519 key in base64. `domain` must be the sender's or a parent
    /// of it, else DMARC does not count the signature.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the key does not read, or domain or selector are no DNS names. The
    /// text shows none of them.
    pub fn new(
        domain: impl AsRef<str>,
        selector: impl Into<String>,
        key: impl Into<SecretString>,
    ) -> Result<Self> {
        let selector = selector.into();
        let is_name = |name: &str| {
            let label = |label: &str| {
                !label.is_empty()
                    && label
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            };
            name.len() <= 253 && name.split('.').all(label)
        };
        let domain = idna::domain_to_ascii(domain.as_ref())
            .ok()
            .filter(|domain| is_name(domain));
        let domain = domain
            .ok_or_else(|| Error::new(ErrorKind::Config, "the DKIM domain is not a domain name"))?;
        if !is_name(&selector) {
            return Err(Error::new(
                ErrorKind::Config,
                "the DKIM selector is not a part of a domain name",
            ));
        }
        let key = Key::read(key.into().expose_secret()).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "the DKIM key is neither RSA or Ed25519 in PEM nor 32 bytes in base64",
            )
        })?;
        Ok(Self {
            domain,
            selector,
            key: Arc::new(key),
        })
    }

    /// The mail with a signature on top. `mail` must be as it is sent: folded, and with CRLF.
    ///
    /// # Errors
    /// A configuration fault if the key does not sign.
    pub(super) fn sign(&self, mail: &[u8], now: Timestamp) -> Result<Vec<u8>, Fault> {
        let (header, body) = split(mail);
        let fields = fields(header);
        let mut names: Vec<&str> = SIGNED
            .into_iter()
            .filter(|name| fields.iter().any(|field| field.is(name)))
            .collect();
        names.push("from");
        let body_hash = STANDARD.encode(digest(&SHA256, &relaxed_body(body)));
        let mut value = format!(
            "v=1; a={}; c=relaxed/relaxed; d={};\r\n s={}; t={};\r\n h={};\r\n bh={body_hash};\r\n b=",
            self.key.algorithm(),
            self.domain,
            self.selector,
            now.as_micros().max(0) / 1_000_000,
            names.join(":\r\n "),
        );
        let mut signed = relaxed_fields(&fields, &names);
        signed.extend_from_slice(relaxed_field("dkim-signature", value.as_bytes()).as_slice());
        let signature = STANDARD.encode(
            self.key
                .sign(&signed)
                .ok_or_else(|| Fault::config("dkim"))?,
        );
        for (i, chunk) in signature.as_bytes().chunks(72).enumerate() {
            // Spaces inside the signature do not count (RFC 6376 §3.5).
            value.push_str(if i == 0 { "" } else { "\r\n " });
            value.extend(chunk.iter().copied().map(char::from));
        }
        Ok([b"DKIM-Signature: ", value.as_bytes(), b"\r\n", mail].concat())
    }
}

impl fmt::Debug for Dkim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dkim")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .field("algorithm", &self.key.algorithm())
            .finish_non_exhaustive()
    }
}

impl Key {
    fn read(text: &str) -> Option<Self> {
        if !text.contains("-----BEGIN") {
            let mut seed = Zeroizing::new([0; 32]);
            let decoded = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
            seed.copy_from_slice(decoded.get(..32).filter(|_| decoded.len() == 32)?);
            return Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
                .ok()
                .map(Self::Ed25519);
        }
        match PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()? {
            PrivateKeyDer::Pkcs1(der) => rsa::KeyPair::from_der(der.secret_pkcs1_der())
                .ok()
                .map(Self::Rsa),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                rsa::KeyPair::from_pkcs8(der)
                    .map(Self::Rsa)
                    .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Ed25519))
                    .ok()
            }
            _ => None,
        }
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-sha256",
            Self::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn sign(&self, data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    data,
                    &mut signature,
                )
                .ok()?;
                Some(signature)
            }
            // RFC 8463 §3: Ed25519 signs the hash.
            Self::Ed25519(key) => Some(key.sign(digest(&SHA256, data).as_ref()).as_ref().to_vec()),
        }
    }
}

/// A header field as it stands in the mail.
struct Field<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

impl Field<'_> {
    fn is(&self, name: &str) -> bool {
        self.name
            .trim_ascii_end()
            .eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Header, with the CRLF of its last field, and body.
fn split(mail: &[u8]) -> (&[u8], &[u8]) {
    match mail.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(at) => (&mail[..at + 2], &mail[at + 4..]),
        None => (mail, &[]),
    }
}

fn fields(header: &[u8]) -> Vec<Field<'_>> {
    let mut starts = vec![0];
    starts.extend(
        header
            .windows(3)
            .enumerate()
            .filter(|(_, w)| w.starts_with(b"\r\n") && !matches!(w[2], b' ' | b'\t'))
            .map(|(at, _)| at + 2),
    );
    starts.push(header.len());
    let field = |range: &[usize]| {
        let field = &header[range[0]..range[1]];
        let colon = field.iter().position(|b| *b == b':')?;
        Some(Field {
            name: &field[..colon],
            value: &field[colon + 1..],
        })
    };
    starts.windows(2).filter_map(field).collect()
}

/// The fields with these names, from the bottom up where a name comes twice; a name without a field
/// adds nothing (RFC 6376 §5.4.2).
fn relaxed_fields(fields: &[Field<'_>], names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let seen = names[..i].iter().filter(|earlier| earlier == &name).count();
        if let Some(field) = fields.iter().rev().filter(|field| field.is(name)).nth(seen) {
            out.extend(relaxed_field(name, field.value));
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

/// RFC 6376 §3.4.2: `name` in lower case, the value on one line, each run of spaces as one, none at
/// its ends.
fn relaxed_field(name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = format!("{name}:").into_bytes();
    let words = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    for (i, word) in words.enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    out
}

/// RFC 6376 §3.4.4: each run of spaces as one, none at the end of a line, no empty lines at the
/// end.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut end = 0;
    for line in body.split_inclusive(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut space = false;
        let start = out.len();
        for &byte in line {
            if matches!(byte, b' ' | b'\t') {
                space = true;
                continue;
            }
            if space {
                out.push(b' ');
                space = false;
            }
            out.push(byte);
        }
        let empty = out.len() == start;
        out.extend_from_slice(b"\r\n");
        if !empty {
            end = out.len();
        }
    }
    out.truncate(end);
    out
}

#[cfg(test)]
mod tests;
