//! The keys that tokens are signed with, and their rotation.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::token::{MAX_TOKEN, Token, TokenError, text};

/// What is signed besides the token: a signature of the same key for anything else is no token.
const PURPOSE: &[u8] = b"notify.token.1\0";
/// HMAC-SHA-256 cut to 128 bits (RFC 2104 §5): nobody guesses that, and addresses stay short.
const SIGNATURE: usize = 16;

/// One key, under a number that its tokens carry.
#[derive(Clone)]
pub struct TokenKey {
    no: u8,
    key: hmac::Key,
}

impl TokenKey {
    /// A key of at least 32 secret bytes, such as `openssl rand 32` gives. A number stands for one key for ever.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the secret is shorter.
    pub fn new(no: u8, secret: &[u8]) -> Result<Self> {
        if secret.len() < 32 {
            let why = "the secret of a token key needs at least 32 random bytes";
            return Err(Error::new(ErrorKind::Config, why));
        }
        Ok(Self {
            no,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        })
    }

    fn signature(&self, body: &[u8]) -> [u8; SIGNATURE] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(PURPOSE);
        context.update(body);
        let mut out = [0; SIGNATURE];
        out.copy_from_slice(&context.sign().as_ref()[..SIGNATURE]);
        out
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({}, [redacted])", self.no)
    }
}

/// The key that signs, and those before it whose tokens are still out.
///
/// To rotate: add the new key as the one that signs and keep the old one with [`with_retired`](Self::with_retired) for as long as its
/// tokens live. Where several hosts serve the links, first give the new key to all of them as a retired one, so that each can read
/// what the first one signs.
///
/// ```
/// use notify_core::token::{TokenKey, TokenKeys};
///
/// # fn main() -> notify_core::Result<()> {
/// # let (this_year, last_year) = ([1; 32], [2; 32]);
/// let keys = TokenKeys::new(TokenKey::new(2, &this_year)?).with_retired(TokenKey::new(1, &last_year)?);
/// # let _ = keys;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TokenKeys {
    signing: TokenKey,
    retired: Vec<TokenKey>,
}

impl TokenKeys {
    /// Signs and verifies with this key.
    #[must_use]
    pub const fn new(signing: TokenKey) -> Self {
        Self {
            signing,
            retired: Vec::new(),
        }
    }

    /// Verifies with this key besides.
    #[must_use]
    pub fn with_retired(mut self, key: TokenKey) -> Self {
        self.retired.push(key);
        self
    }

    /// The token as text: letters, digits, `-` and `_`, fit for an address. The same token has the same text.
    ///
    /// Each text in it is cut after 1,000 bytes, and a whole that is longer than [`MAX_TOKEN`] is never read.
    #[must_use]
    pub fn sign(&self, token: &Token) -> String {
        let mut body = text::write(self.signing.no, token);
        let signature = self.signing.signature(&body);
        body.extend_from_slice(&signature);
        URL_SAFE_NO_PAD.encode(body)
    }

    /// Reads a token back, if one of the keys made it and it has not expired at `now`. Takes the same time whatever is wrong with
    /// the signature.
    ///
    /// # Errors
    /// [`TokenError::Forged`] or [`TokenError::Expired`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Token, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Forged);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| TokenError::Forged)?;
        let split = bytes
            .len()
            .checked_sub(SIGNATURE)
            .ok_or(TokenError::Forged)?;
        let (body, signature) = bytes.split_at(split);
        let no = text::key_no(body).ok_or(TokenError::Forged)?;
        let mut keys = std::iter::once(&self.signing).chain(&self.retired);
        let key = keys.find(|key| key.no == no).ok_or(TokenError::Forged)?;
        verify_slices_are_equal(&key.signature(body), signature).map_err(|_| TokenError::Forged)?;
        let token = text::read(body).ok_or(TokenError::Forged)?;
        if token.expires_at.is_some_and(|end| now >= end) {
            return Err(TokenError::Expired);
        }
        Ok(token)
    }
}
