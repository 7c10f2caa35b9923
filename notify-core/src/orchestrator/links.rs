//! Links that prove themselves: for applications that serve them with the tokens of this library.

use std::time::Duration;

use crate::channel::ListUnsubscribe;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CategoryId, DeliveryId, RecipientId, TenantId};
use crate::orchestrator::Links;
use crate::token::{Grant, MAX_TOKEN, Token, TokenKeys};

const DAY: Duration = Duration::from_secs(86_400);

/// Makes links of signed [tokens](crate::token): `base/unsubscribe/…`, `base/preferences/…`, `base/confirm/…`, `base/open/…`,
/// `base/click/…`, `base/action/…`.
///
/// The application answers them; the last part of the path is the token:
///
/// | path | method | answer |
/// |---|---|---|
/// | `unsubscribe` | GET | a page with a button that posts; changes nothing (RFC 8058 §3.2: scanners follow links) |
/// | | POST | [`unsubscribe`](crate::Orchestrator::unsubscribe) |
/// | `preferences` | GET | a page of [`preferences_of`](crate::Orchestrator::preferences_of) |
/// | `confirm` | GET | a page with a button that posts |
/// | | POST | [`confirm`](crate::Orchestrator::confirm) |
/// | `open` | GET | [`track`](crate::Orchestrator::track), then an image; also if that fails |
/// | `click`, `action` | GET | [`track`](crate::Orchestrator::track), then a redirect to the link that it gives back |
///
/// ```
/// use notify_core::memory::MemoryStore;
/// use notify_core::orchestrator::SignedLinks;
/// use notify_core::token::{TokenKey, TokenKeys};
/// use notify_core::{Category, Orchestrator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> notify_core::Result<()> {
/// # let secret = [7; 32];
/// let keys = TokenKeys::new(TokenKey::new(1, &secret)?);
/// let notify = Orchestrator::builder(MemoryStore::new())
///     .signed_links(SignedLinks::new("https://example.com/n", keys)?)
///     .category(Category::marketing("news"))
///     .build()
///     .await?;
/// # let _ = notify;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SignedLinks {
    base: String,
    keys: TokenKeys,
    mailto: Option<String>,
    unsubscribe: Duration,
    preferences: Duration,
    confirm: Duration,
    tracking: Duration,
}

impl SignedLinks {
    /// Links below this `https://` address, signed with these keys.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the address is none, or so long that tokens do not fit behind it.
    pub fn new(base: impl Into<String>, keys: TokenKeys) -> Result<Self> {
        let base = base.into();
        let base = base.trim_end_matches('/').to_owned();
        if base.len() > 500 || ListUnsubscribe::new(base.as_str()).is_err() {
            let why = "the address of links must be an https:// URL of at most 500 characters";
            return Err(Error::new(ErrorKind::Config, why));
        }
        Ok(Self {
            base,
            keys,
            mailto: None,
            unsubscribe: DAY * 730,
            preferences: DAY * 180,
            confirm: DAY * 7,
            tracking: DAY * 365,
        })
    }

    /// Also a `mailto:` address to unsubscribe at, for old mail programs.
    #[must_use]
    pub fn with_mailto(mut self, mailto: impl Into<String>) -> Self {
        self.mailto = Some(mailto.into());
        self
    }

    /// For how long links to unsubscribe work, from when the notification was accepted. Default 2 years; less than 60 days is taken as
    /// that (CAN-SPAM asks for 30 days after the mail was sent, Canada's law for 60).
    #[must_use]
    pub fn unsubscribe_for(mut self, ttl: Duration) -> Self {
        self.unsubscribe = ttl.max(DAY * 60);
        self
    }

    /// For how long links to the preferences work, from when the notification was accepted. Default 180 days: who finds an old mail
    /// should not see what somebody wants today.
    #[must_use]
    pub const fn preferences_for(mut self, ttl: Duration) -> Self {
        self.preferences = ttl;
        self
    }

    /// For how long a consent can be confirmed. Default 7 days.
    #[must_use]
    pub const fn confirm_for(mut self, ttl: Duration) -> Self {
        self.confirm = ttl;
        self
    }

    /// For how long opens, clicks and reports are taken, and redirects work, from when the notification was accepted. Default a year.
    #[must_use]
    pub const fn track_for(mut self, ttl: Duration) -> Self {
        self.tracking = ttl;
        self
    }

    pub(crate) const fn keys(&self) -> &TokenKeys {
        &self.keys
    }

    fn token(&self, tenant: &TenantId, grant: Grant, at: Timestamp) -> Option<String> {
        let ttl = match grant {
            Grant::Unsubscribe { .. } => self.unsubscribe,
            Grant::Preferences { .. } => self.preferences,
            Grant::Confirm { .. } => self.confirm,
            _ => self.tracking,
        };
        let token = Token::new(tenant.clone(), grant, at).expires_after(ttl);
        let text = self.keys.sign(&token);
        // What does not read back as it was is no link: a target that is cut leads nowhere.
        let reads = self.keys.verify(&text, at);
        (text.len() <= MAX_TOKEN && reads.is_ok_and(|read| read.grant == token.grant))
            .then_some(text)
    }
}

impl Links for SignedLinks {
    fn unsubscribe(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        category: &CategoryId,
        delivery: DeliveryId,
    ) -> Option<ListUnsubscribe> {
        let grant = Grant::Unsubscribe {
            recipient: recipient.clone(),
            category: category.clone(),
            delivery,
        };
        let url = self.link(tenant, &grant, accepted_at(delivery))?;
        let links = ListUnsubscribe::new(url).ok()?;
        Some(match &self.mailto {
            Some(mailto) => links.with_mailto(mailto.as_str()),
            None => links,
        })
    }

    fn link(&self, tenant: &TenantId, grant: &Grant, at: Timestamp) -> Option<String> {
        let token = self.token(tenant, grant.clone(), at)?;
        Some(match grant {
            Grant::Report { .. } => token,
            _ => format!("{}/{}/{token}", self.base, grant.as_str()),
        })
    }
}

/// When a delivery was accepted, by its id: a message that is rendered again carries the same link.
fn accepted_at(delivery: DeliveryId) -> Timestamp {
    let millis = i64::try_from(delivery.as_u128() >> 80).unwrap_or_default();
    Timestamp::from_micros(millis * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IdGenerator;
    use crate::token::TokenKey;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn links() -> SignedLinks {
        let keys = TokenKeys::new(TokenKey::new(1, &[7; 32]).expect("long enough"));
        SignedLinks::new("https://example.com/n/", keys).expect("an address")
    }

    #[test]
    fn a_link_is_the_same_each_time_and_proves_what_it_is_for() {
        let (tenant, id) = (TenantId::new("acme"), IdGenerator::new(1).delivery(NOW));
        let of = |links: &SignedLinks| {
            let made = links.unsubscribe(&tenant, &"ada".into(), &"news".into(), id);
            made.expect("a link").https
        };
        let url = of(&links());
        assert_eq!(url, of(&links()));
        let token = url
            .strip_prefix("https://example.com/n/unsubscribe/")
            .expect("the path");
        let read = links().keys().verify(token, NOW).expect("verifies");
        assert_eq!(
            (read.tenant, read.grant.delivery(), read.issued_at),
            (tenant, Some(id), NOW)
        );
        assert_eq!(read.expires_at, Some(NOW + DAY * 730));
    }

    #[test]
    fn a_link_that_is_too_long_to_come_back_is_not_made() {
        let url = format!("https://example.com/{}", "x".repeat(1_000));
        let (tenant, delivery) = (TenantId::default(), DeliveryId::from_u128(1));
        let long = Grant::Click { delivery, url };
        assert_eq!(links().link(&tenant, &long, NOW), None);
    }

    #[test]
    fn only_https_addresses_carry_links() {
        let keys = || links().keys().clone();
        for bad in ["http://example.com", "", "https://a b", "ftp://x"] {
            assert!(SignedLinks::new(bad, keys()).is_err(), "{bad}");
        }
    }
}
