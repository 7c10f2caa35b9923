//! Digests: several events leave as one message. When that is, by whose clock, and what is known of those that gather.

mod store;

pub use store::{Bucket, DigestStore};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

use crate::calendar::{TimeOfDay, Zone};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::DeliveryId;

/// The most events that one digest can hold.
pub const MAX_ITEMS: u32 = 10_000;

/// How events of a category gather: when they leave, and whether the first of them goes at once.
///
/// What gathers is told apart by recipient, category and channel, and by the request's own
/// [key](crate::notification::NotificationRequest::with_digest_key), if it has one.
///
/// | setting | default | why |
/// |---|---|---|
/// | first at once | no | a digest is mostly wanted instead of single messages |
/// | items | 1,000 | what a template can show, and a store can read at once |
///
/// ```
/// use notify_core::Timestamp;
/// use notify_core::calendar::{TimeOfDay, Zone};
/// use notify_core::digest::Digest;
/// use std::time::Duration;
///
/// // A comment goes at once; those of the next ten minutes follow as one message.
/// let comments = Digest::after(Duration::from_secs(600)).first_now().max_items(50);
/// // Likes leave each morning, where the recipient lives.
/// let likes = Digest::daily_at(TimeOfDay::new(8, 0)?);
/// let berlin = Zone::get("Europe/Berlin").ok_or("no zone")?;
/// let at = likes.until(Timestamp::EPOCH, &berlin).ok_or("never")?;
/// assert_eq!(at.to_string(), "1970-01-01T07:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest {
    leaves: Leaves,
    #[serde(default)]
    first_now: bool,
    #[serde(default = "default_items")]
    max_items: u32,
}

/// When what gathered leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Leaves {
    /// It does not gather.
    Never,
    /// So long after the first of it.
    After(Duration),
    /// At this time of a day, where the recipient lives.
    DailyAt(TimeOfDay),
}

const fn default_items() -> u32 {
    1_000
}

impl Digest {
    const fn new(leaves: Leaves) -> Self {
        Self {
            leaves,
            first_now: false,
            max_items: default_items(),
        }
    }

    /// Everything leaves `window` after the first event. The window does not move with later ones.
    #[must_use]
    pub const fn after(window: Duration) -> Self {
        Self::new(Leaves::After(window))
    }

    /// Everything leaves when the recipient's clock next shows `time`; without a zone, the application's. Of a time that comes twice
    /// it is the first, of one that is jumped over, the jump.
    #[must_use]
    pub const fn daily_at(time: TimeOfDay) -> Self {
        Self::new(Leaves::DailyAt(time))
    }

    /// It does not gather: for a request that goes by itself although its category has a digest, also from quiet hours.
    #[must_use]
    pub const fn never() -> Self {
        Self::new(Leaves::Never)
    }

    /// The first event goes at once, by itself, and begins the window in which the others gather. Of many at the same time exactly
    /// one is the first.
    #[must_use]
    pub const fn first_now(mut self) -> Self {
        self.first_now = true;
        self
    }

    /// At most so many events in one digest, 1 to [`MAX_ITEMS`]. The one that makes it full lets it leave at once; the next one begins
    /// another. Default: 1,000.
    #[must_use]
    pub const fn max_items(mut self, count: u32) -> Self {
        self.max_items = count;
        self
    }

    /// Whether the first event goes at once.
    #[must_use]
    pub const fn is_first_now(&self) -> bool {
        self.first_now
    }

    /// The most events in one digest.
    #[must_use]
    pub const fn most_items(&self) -> u32 {
        self.max_items
    }

    /// Whether nothing gathers.
    #[must_use]
    pub const fn is_never(&self) -> bool {
        matches!(self.leaves, Leaves::Never)
    }

    /// When what began to gather at `opened_at` leaves, for a recipient in this zone; `None` if nothing gathers.
    #[must_use]
    pub fn until(&self, opened_at: Timestamp, zone: &Zone) -> Option<Timestamp> {
        match self.leaves {
            Leaves::Never => None,
            Leaves::After(window) => Some(opened_at + window),
            Leaves::DailyAt(time) => Some(zone.next(opened_at, time)),
        }
    }

    /// Checks that it can be.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `digest`.
    pub fn validate(&self) -> Result<()> {
        if self.leaves == Leaves::After(Duration::ZERO) {
            return Err(Error::invalid(
                "digest",
                "gathers over no time at all; give it a window",
            ));
        }
        if self.max_items == 0 || self.max_items > MAX_ITEMS {
            let why = format!("must hold between 1 and {MAX_ITEMS} items");
            return Err(Error::invalid("digest", why));
        }
        Ok(())
    }
}

/// What gathers together: a keyed hash, since keys of applications often hold personal data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BucketKey([u8; 32]);

impl BucketKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, as stores keep them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for BucketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BucketKey(..)")
    }
}

/// One bucket: that which a delivery opened. Two of the same key are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketId(DeliveryId);

impl BucketId {
    /// The bucket that this delivery opened.
    #[must_use]
    pub const fn opened_by(delivery: DeliveryId) -> Self {
        Self(delivery)
    }

    /// The bucket with these bits: the subject of the job that lets it leave.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(DeliveryId::from_u128(bits))
    }

    /// The bits.
    #[must_use]
    pub const fn as_u128(&self) -> u128 {
        self.0.as_u128()
    }

    /// The bytes, most significant first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Date;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_window_begins_with_the_first_event_and_a_day_with_its_next_time() {
        let berlin = Zone::get("Europe/Berlin").expect("a zone");
        let local = |day: &str, time: &str| {
            let date: Date = day.parse().expect("a day");
            berlin.instant(date, time.parse().expect("a time"))
        };
        let opened = local("2026-03-28", "20:00");
        let window = Digest::after(10 * MINUTE);
        assert_eq!(window.until(opened, &berlin), Some(opened + 10 * MINUTE));
        let daily = Digest::daily_at("08:00".parse().expect("a time"));
        let morning = local("2026-03-29", "08:00");
        assert_eq!(daily.until(opened, &berlin), Some(morning));
        // The clocks went forward in between: eleven hours, not twelve.
        assert_eq!(morning.since(opened), 11 * 60 * MINUTE);
        let next = local("2026-03-30", "08:00");
        assert_eq!(daily.until(morning, &berlin), Some(next), "not at once");
        assert_eq!(Digest::never().until(opened, &berlin), None);
    }

    #[test]
    fn what_could_hold_nothing_is_refused() {
        let refused = |digest: Digest| {
            let error = digest.validate().expect_err("refused");
            assert_eq!(error.field_name(), Some("digest"));
        };
        refused(Digest::after(Duration::ZERO));
        refused(Digest::after(MINUTE).max_items(0));
        refused(Digest::after(MINUTE).max_items(MAX_ITEMS + 1));
        assert!(
            Digest::after(MINUTE)
                .max_items(MAX_ITEMS)
                .validate()
                .is_ok()
        );
    }

    #[test]
    fn a_digest_reads_back() {
        let digest = Digest::daily_at("08:30".parse().expect("a time"))
            .first_now()
            .max_items(7);
        let text = serde_json::to_string(&digest).expect("writes");
        assert_eq!(
            serde_json::from_str::<Digest>(&text).expect("reads"),
            digest
        );
    }
}
