//! Encryption of push messages: RFC 8291 over the content coding `aes128gcm` of RFC 8188.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand;
use notify_core::provider::Fault;
use secrecy::ExposeSecret as _;
use secrecy::zeroize::Zeroizing;

use super::PushSubscription;

/// The size of a record that is announced. The one record of a push message must not be longer.
const RECORD_SIZE: u32 = 4_096;
/// The most bytes of a body that every push service takes (RFC 8030 §7.2).
const MAX_BODY: usize = 4_096;
const SALT: usize = 16;
const TAG: usize = 16;
/// An uncompressed P-256 point.
const POINT: usize = 65;
/// Salt, size of a record, length of the key id, key id.
const HEADER: usize = SALT + 4 + 1 + POINT;

/// The most bytes that a push message may have: what is left of 4096 after the header, the tag and
/// the delimiter. Services that pass messages on to phones may take less.
pub const MAX_PAYLOAD: usize = MAX_BODY - HEADER - TAG - 1;

/// How much longer than its content a message is made, so that its length tells less about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Padding {
    /// Not at all.
    #[default]
    None,
    /// To the next multiple of this many bytes, as far as they fit.
    Block(usize),
}

impl Padding {
    /// How many bytes are added to `length`.
    const fn amount(self, length: usize) -> usize {
        let padded = match self {
            Self::None | Self::Block(0) => length,
            Self::Block(size) => length.next_multiple_of(size),
        };
        let fits = if padded < MAX_PAYLOAD {
            padded
        } else {
            MAX_PAYLOAD
        };
        fits.saturating_sub(length)
    }
}

/// The body of a push message, for the header `Content-Encoding: aes128gcm`. Each call makes another
/// key pair and salt.
///
/// # Errors
/// A request fault `payload_too_large` above [`MAX_PAYLOAD`], and `encryption` if the
/// cryptography fails, which a checked subscription does not let happen.
pub(crate) fn encrypt(
    subscription: &PushSubscription,
    payload: &[u8],
    padding: Padding,
) -> Result<Vec<u8>, Fault> {
    if payload.len() > MAX_PAYLOAD {
        return Err(Fault::request("payload_too_large"));
    }
    let fresh = || {
        let mut salt = [0; SALT];
        rand::fill(&mut salt)?;
        let key = PrivateKey::generate(&ECDH_P256)?;
        seal(subscription, payload, padding, &key, salt)
    };
    fresh().map_err(|_| Fault::request("encryption"))
}

/// RFC 8291 §3.4, with the sender's key pair and the salt as parameters.
fn seal(
    subscription: &PushSubscription,
    payload: &[u8],
    padding: Padding,
    key: &PrivateKey,
    salt: [u8; SALT],
) -> Result<Vec<u8>, Unspecified> {
    let sender = key.compute_public_key()?;
    let receiver = subscription.p256dh.as_slice();
    let peer = UnparsedPublicKey::new(&ECDH_P256, receiver);
    let secret = agreement::agree(key, peer, Unspecified, |shared| {
        let info: &[&[u8]] = &[b"WebPush: info\0", receiver, sender.as_ref()];
        derive::<32>(subscription.auth.expose_secret(), shared, info)
    })?;
    aes128gcm(secret.as_slice(), salt, sender.as_ref(), payload, padding)
}

/// RFC 8188 §2 with one record. `payload` and `key_id` (up to 255 bytes) must fit.
fn aes128gcm(
    secret: &[u8],
    salt: [u8; SALT],
    key_id: &[u8],
    payload: &[u8],
    padding: Padding,
) -> Result<Vec<u8>, Unspecified> {
    let key = derive::<16>(&salt, secret, &[b"Content-Encoding: aes128gcm\0"])?;
    // The number of the record would be combined with it; that of the first one is 0.
    let nonce = derive::<12>(&salt, secret, &[b"Content-Encoding: nonce\0"])?;
    let mut record = Vec::with_capacity(payload.len() + padding.amount(payload.len()) + 1 + TAG);
    record.extend_from_slice(payload);
    // The delimiter of the last record.
    record.push(2);
    record.resize(record.len() + padding.amount(payload.len()), 0);
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key.as_slice())?).seal_in_place_append_tag(
        Nonce::assume_unique_for_key(*nonce),
        Aad::empty(),
        &mut record,
    )?;
    let key_id_length = u8::try_from(key_id.len()).map_err(|_| Unspecified)?;
    let size = RECORD_SIZE.to_be_bytes();
    Ok([&salt[..], &size, &[key_id_length], key_id, &record].concat())
}

/// HKDF-SHA-256 (RFC 5869).
fn derive<const N: usize>(
    salt: &[u8],
    secret: &[u8],
    info: &[&[u8]],
) -> Result<Zeroizing<[u8; N]>, Unspecified> {
    struct Length(usize);

    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }

    let mut out = Zeroizing::new([0; N]);
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(N))?.fill(out.as_mut_slice())?;
    Ok(out)
}

#[cfg(test)]
mod tests;
