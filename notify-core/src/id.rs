//! Names and identifiers: what things are called, and how they are told apart.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Text that is cheap to clone: a constant of the program, or shared.
#[derive(Clone)]
pub(crate) enum Name {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

macro_rules! name {
    ($($(#[$doc:meta])* $type:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $type(Name);

        impl $type {
            /// A name that is a constant of the program.
            #[must_use]
            pub const fn new(name: &'static str) -> Self {
                Self(Name::Static(name))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }
        impl Eq for $type {}
        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $type {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.as_str().cmp(other.as_str())
            }
        }
        impl Hash for $type {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }
        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }
        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                Self(Name::Shared(name.into()))
            }
        }
        impl From<String> for $type {
            fn from(name: String) -> Self {
                Self(Name::Shared(name.into()))
            }
        }
        impl From<&$type> for $type {
            fn from(name: &$type) -> Self {
                name.clone()
            }
        }
        impl PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }
        impl PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    )* };
}

name! {
    /// A customer of the application; everything is keyed by it. [`TenantId::default`] is `default`.
    TenantId,
    /// Who is told, in the application's own words: its user id, at most 255 characters.
    RecipientId,
    /// A way to reach people: `email`, `sms`, `push`, `in_app`, `chat.slack`, or an outsider's own.
    ///
    /// A name and not an enum, so that channels outside this crate are equal citizens.
    ChannelId,
    /// A kind of notification that a user can have an opinion about, such as `order_updates`; at most 100 characters.
    CategoryId,
    /// One configured provider, unique in the application: `twilio`, `twilio-backup`.
    ProviderName,
    /// The caller's own key for a request: the same key and request is accepted once. At most 255 characters.
    IdempotencyKey,
    /// What a template is called; by default the notification's kind. At most 255 characters.
    TemplateName,
    /// What the application calls a schedule: of the tenant, at most 255 characters. Kept and shown as it is, so put nothing about
    /// a person into it but their id.
    ScheduleKey,
    /// The kind of an address: `email`, `phone`, `device`, `inbox`, or an outsider's own.
    AddressScheme,
    /// A language and region by BCP 47, such as `pt-BR`; at most 35 characters.
    Locale,
}

impl Default for TenantId {
    fn default() -> Self {
        Self::new("default")
    }
}

impl AddressScheme {
    /// A mailbox.
    pub const EMAIL: Self = Self::new("email");
    /// A phone number.
    pub const PHONE: Self = Self::new("phone");
    /// A device token or push endpoint.
    pub const DEVICE: Self = Self::new("device");
    /// The inbox inside the application.
    pub const INBOX: Self = Self::new("inbox");
}

impl Default for Locale {
    fn default() -> Self {
        Self::new("en")
    }
}

impl Locale {
    /// This locale and its shorter forms, most exact first: `zh-Hant-TW`, `zh-Hant`, `zh`.
    ///
    /// ```
    /// use notify_core::id::Locale;
    ///
    /// let locale = Locale::new("pt-BR");
    /// assert_eq!(locale.chain().collect::<Vec<_>>(), ["pt-BR", "pt"]);
    /// ```
    pub fn chain(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |tag| {
            tag.rsplit_once(['-', '_']).map(|(head, _)| head)
        })
    }
}

impl ChannelId {
    /// Mail.
    pub const EMAIL: Self = Self::new("email");
    /// Text messages.
    pub const SMS: Self = Self::new("sms");
    /// Push to devices and browsers.
    pub const PUSH: Self = Self::new("push");
    /// The inbox inside the application. `inapp` and `in-app` are read as the same in [`ChannelId::parse`].
    pub const IN_APP: Self = Self::new("in_app");

    /// Reads a channel from outside input, where `inapp` and `in-app` are aliases of `in_app`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "inapp" | "in-app" | "in_app" => Self::IN_APP,
            "email" => Self::EMAIL,
            "sms" => Self::SMS,
            "push" => Self::PUSH,
            other => Self::from(other),
        }
    }
}

macro_rules! id {
    ($($(#[$doc:meta])* $type:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(Uuid);

        impl $type {
            /// The identifier with these 128 bits.
            #[must_use]
            pub const fn from_u128(bits: u128) -> Self {
                Self(Uuid::from_u128(bits))
            }

            /// The identifier with these bytes, most significant first, as stores keep it.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 128 bits.
            #[must_use]
            pub const fn as_u128(&self) -> u128 {
                self.0.as_u128()
            }

            /// The bytes, most significant first: their order is the order in time.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|e| Error::invalid("id", "is not a UUID").source(e))
            }
        }
    )* };
}

id! {
    /// One accepted notification. UUID version 7 (RFC 9562): later ones sort after earlier ones.
    NotificationId,
    /// One notification × one recipient × one step of its route. UUID version 7.
    DeliveryId,
    /// One stored schedule. UUID version 7.
    ScheduleId,
    /// One run of one worker process: what leases are held by. Never reused.
    OwnerId,
}

/// Makes time-ordered identifiers (UUID version 7, RFC 9562 §5.7).
///
/// Identifiers of one generator grow strictly, also when the clock stands still or steps back.
/// 62 bits mix a random seed with the sequence, so that generators of several processes do not collide.
///
/// ```
/// use notify_core::clock::Timestamp;
/// use notify_core::id::{IdGenerator, NotificationId};
///
/// let ids = IdGenerator::new(7);
/// let now = Timestamp::from_micros(1_700_000_000_000_000);
/// let (a, b): (NotificationId, NotificationId) = (ids.notification(now), ids.notification(now));
/// assert!(a < b);
/// ```
#[derive(Debug)]
pub struct IdGenerator {
    seed: u64,
    last: AtomicU64,
}

impl IdGenerator {
    /// A generator whose identifiers differ from those of generators with another seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            last: AtomicU64::new(0),
        }
    }

    /// A generator seeded by the operating system.
    #[must_use]
    pub fn random() -> Self {
        Self::new(crate::clock::unforeseeable())
    }

    /// The next notification id.
    #[must_use]
    pub fn notification(&self, now: Timestamp) -> NotificationId {
        NotificationId(self.next(now))
    }

    /// The next delivery id.
    #[must_use]
    pub fn delivery(&self, now: Timestamp) -> DeliveryId {
        DeliveryId(self.next(now))
    }

    /// The next schedule id.
    #[must_use]
    pub fn schedule(&self, now: Timestamp) -> ScheduleId {
        ScheduleId(self.next(now))
    }

    /// The next owner id.
    #[must_use]
    pub fn owner(&self, now: Timestamp) -> OwnerId {
        OwnerId(self.next(now))
    }

    /// 48 bits of milliseconds and 12 bits of their fraction, raised by one where the clock did not move.
    fn tick(&self, now: Timestamp) -> u64 {
        let micros = u64::try_from(now.as_micros()).unwrap_or(0);
        let wanted = ((micros / 1_000) << 12) | ((micros % 1_000) * 4_096 / 1_000);
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let next = wanted.max(last + 1);
            match self
                .last
                .compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return next,
                Err(seen) => last = seen,
            }
        }
    }

    fn next(&self, now: Timestamp) -> Uuid {
        let tick = self.tick(now);
        let random = mix(self.seed ^ mix(tick));
        let high = ((tick >> 12) << 16) | 0x7000 | (tick & 0x0fff);
        let low = 0x8000_0000_0000_0000 | (random >> 2);
        Uuid::from_u64_pair(high, low)
    }
}

/// SplitMix64: spreads every bit of `value` over the result.
pub(crate) const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_while_the_clock_stands_still_or_steps_back() {
        let ids = IdGenerator::new(1);
        let mut last = ids.delivery(Timestamp::from_micros(5_000_000));
        for micros in [5_000_000, 5_000_000, 4_000_000, 5_000_001] {
            let next = ids.delivery(Timestamp::from_micros(micros));
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn an_id_is_a_version_7_uuid_of_its_millisecond() {
        let id = IdGenerator::new(1).notification(Timestamp::from_micros(1_700_000_000_123_456));
        assert_eq!(id.0.get_version_num(), 7);
        assert_eq!(id.as_u128() >> 80, 1_700_000_000_123);
    }

    #[test]
    fn two_generators_do_not_collide_in_the_same_instant() {
        let now = Timestamp::from_micros(1);
        assert_ne!(
            IdGenerator::random().owner(now),
            IdGenerator::random().owner(now)
        );
    }

    #[test]
    fn aliases_of_in_app_are_read_as_one() {
        for alias in ["inapp", "in-app", "in_app"] {
            assert_eq!(ChannelId::parse(alias), ChannelId::IN_APP);
        }
    }
}
