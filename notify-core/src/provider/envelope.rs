//! Everything one call of a provider needs, and its answer.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::address::Address;
use crate::id::{CategoryId, DeliveryId, NotificationId, TenantId};
use crate::message::Message;
use crate::notification::Class;

/// How far a call got: what a cut-off means.
///
/// A provider calls [`connecting`](Self::connecting) before it opens or takes a connection, and [`writing`](Self::writing) before the
/// first byte of the message. A call that is cut off in between is a definite failure; one that is not tracked, or was writing, is unknown.
#[derive(Debug, Default)]
pub struct Progress(AtomicU8);

impl Progress {
    /// Nothing of the message has been written yet.
    pub fn connecting(&self) {
        self.0.store(1, Ordering::Release);
    }

    /// From now on the message may have gone out.
    pub fn writing(&self) {
        self.0.store(2, Ordering::Release);
    }

    /// Whether it is certain that the message did not go out.
    #[must_use]
    pub fn nothing_written(&self) -> bool {
        self.0.load(Ordering::Acquire) == 1
    }
}

/// One message to one address, with everything a provider may pass on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Envelope {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it belongs to; goes into the vendor's metadata, so that events find their way back.
    pub notification: NotificationId,
    /// The delivery; goes into the vendor's metadata.
    pub delivery: DeliveryId,
    /// The idempotency key: the same for every attempt of this (delivery, address) with this provider.
    pub key: Arc<str>,
    /// Where it goes.
    pub address: Address,
    /// What it says.
    pub message: Message,
    /// What it is in law.
    pub class: Class,
    /// The category, for tags.
    pub category: CategoryId,
    /// The caller's correlation id, for the vendor's metadata.
    pub correlation_id: Option<Arc<str>>,
    /// How long the call may take, from now. The provider cuts itself off; the worker does shortly after.
    pub timeout: Duration,
    /// How far the call got.
    pub progress: Arc<Progress>,
}

impl Envelope {
    /// An envelope with default metadata and 10 s of time, for tests and for calling a provider by hand.
    #[must_use]
    pub fn new(key: impl Into<Arc<str>>, address: Address, message: Message) -> Self {
        Self {
            tenant: TenantId::default(),
            notification: NotificationId::from_u128(0),
            delivery: DeliveryId::from_u128(0),
            key: key.into(),
            address,
            message,
            class: Class::Transactional,
            category: CategoryId::new("default"),
            correlation_id: None,
            timeout: Duration::from_secs(10),
            progress: Arc::default(),
        }
    }
}

/// A provider's yes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The provider's id of the message, by which its later events are found.
    pub message_id: Option<String>,
    /// What the vendor says that it costs.
    pub price: Option<Price>,
    /// Into how many parts the vendor says that it cut it, such as segments of a text message; each is paid for.
    pub segments: Option<u16>,
}

/// An amount of money, in millionths of a currency.
///
/// ```
/// use notify_core::provider::Price;
///
/// let price = Price::parse("-0.00750", "usd").expect("is a price");
/// assert_eq!((price.micros, price.currency()), (7_500, "USD"));
/// assert_eq!(Price::parse("a lot", "USD"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Price {
    /// How many millionths.
    pub micros: u64,
    /// Its code by ISO 4217, in capitals.
    currency: [u8; 3],
}

impl Price {
    /// So many millionths; `None` if the currency is not three letters.
    #[must_use]
    pub fn new(micros: u64, currency: &str) -> Option<Self> {
        let bytes: [u8; 3] = currency.as_bytes().try_into().ok()?;
        let is_code = bytes.iter().all(u8::is_ascii_alphabetic);
        is_code.then(|| Self {
            micros,
            currency: bytes.map(|letter| letter.to_ascii_uppercase()),
        })
    }

    /// A decimal number as vendors write it, without its sign: some write what is paid below zero. More than six places are rounded up.
    #[must_use]
    pub fn parse(amount: &str, currency: &str) -> Option<Self> {
        let amount = amount.trim().trim_start_matches('-');
        let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() && part.is_empty() || !digits(whole) || !digits(part) {
            return None;
        }
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let (kept, rest) = part.split_at(part.len().min(6));
        let kept: u64 = format!("{kept:0<6}").parse().ok()?;
        let up = u64::from(rest.bytes().any(|b| b != b'0'));
        let micros = whole.checked_mul(1_000_000)?.checked_add(kept + up)?;
        Self::new(micros, currency)
    }

    /// The code of the currency.
    #[must_use]
    pub fn currency(&self) -> &str {
        std::str::from_utf8(&self.currency).unwrap_or_default()
    }

    /// Both together; `None` if the currencies differ, or nobody could pay it.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        let micros = self.micros.checked_add(other.micros)?;
        (self.currency == other.currency).then_some(Self { micros, ..self })
    }
}

impl Receipt {
    /// A yes without an id.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            message_id: None,
            price: None,
            segments: None,
        }
    }

    /// A yes with the provider's id of the message.
    #[must_use]
    pub fn with_message_id(message_id: impl Into<String>) -> Self {
        Self {
            message_id: Some(message_id.into()),
            ..Self::new()
        }
    }

    /// With what the vendor says that it costs.
    #[must_use]
    pub const fn with_price(mut self, price: Price) -> Self {
        self.price = Some(price);
        self
    }

    /// With how many parts the vendor made of it.
    #[must_use]
    pub const fn with_segments(mut self, segments: u16) -> Self {
        self.segments = Some(segments);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_as_vendors_write_them() {
        let micros = |text| Price::parse(text, "EUR").map(|price| price.micros);
        for (text, expected) in [
            ("0.0075", Some(7_500)),
            ("-0.05", Some(50_000)),
            ("12", Some(12_000_000)),
            (".5", Some(500_000)),
            ("0.0000001", Some(1)),
            ("", None),
            (".", None),
            ("1,5", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
        assert_eq!(Price::new(1, "EURO"), None);
        assert_eq!(Price::new(1, "12A"), None);
        let (one, two) = (Price::new(1, "EUR"), Price::new(2, "usd"));
        assert_eq!(one.zip(two).and_then(|(a, b)| a.and(b)), None);
    }

    #[test]
    fn only_a_tracked_call_that_wrote_nothing_is_a_definite_failure() {
        let progress = Progress::default();
        assert!(!progress.nothing_written(), "untracked is unknown");
        progress.connecting();
        assert!(progress.nothing_written());
        progress.writing();
        assert!(!progress.nothing_written());
    }
}
