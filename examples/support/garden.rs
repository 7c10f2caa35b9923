//! The garden shop of the quickstart: what it tells, and to whom.

use notify_core::channel::ListUnsubscribe;
use notify_core::orchestrator::Links;
use notify_core::preference::{Allowed, PreferenceChange, Setting};
use notify_core::{
    CategoryId, ChannelId, DeliveryId, Notification, Orchestrator, Recipient, RecipientId, TenantId,
};
use serde::Serialize;
use std::error::Error;
use tokio::task::JoinSet;

use crate::support::progress;

/// The readers of the newsletter.
pub const READERS: usize = 10_000;

/// Money came in.
#[derive(Debug, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "an example")]
pub struct Receipt<'a> {
    /// For which order.
    pub order_id: &'a str,
    /// How much, in euros.
    pub total: f64,
}

impl Notification for Receipt<'_> {
    const KIND: &'static str = "receipt";
    const CATEGORY: &'static str = "receipts";
}

/// A password was changed.
#[derive(Debug, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "an example")]
pub struct SecurityAlert<'a> {
    /// Where from.
    pub place: &'a str,
}

impl Notification for SecurityAlert<'_> {
    const KIND: &'static str = "security_alert";
    const CATEGORY: &'static str = "security";
}

/// The newsletter is out.
#[derive(Debug, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "an example")]
pub struct Newsletter {
    /// Which one.
    pub issue: u64,
}

impl Notification for Newsletter {
    const KIND: &'static str = "newsletter";
    const CATEGORY: &'static str = "news";
}

/// Where the links in mails lead: the shop's own pages.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an example")]
pub struct ShopLinks;

impl Links for ShopLinks {
    fn unsubscribe(
        &self,
        _: &TenantId,
        _: &RecipientId,
        category: &CategoryId,
        delivery: DeliveryId,
    ) -> Option<ListUnsubscribe> {
        let page = format!("https://shop.example.com/unsubscribe/{category}/{delivery}");
        ListUnsubscribe::new(page).ok()
    }
}

/// Five customers, each with a language and a time zone.
#[must_use]
pub fn customers() -> [Recipient; 5] {
    let person = |id: &str, name: &str, locale: &str, zone: &str| {
        Recipient::new(id)
            .with_email(&format!("{id}@example.com"))
            .with_locale(locale)
            .with_zone(zone)
            .with_attribute("name", name)
    };
    [
        person("ada", "Ada", "en-GB", "Europe/London"),
        person("bruno", "Bruno", "de-CH", "Europe/Zurich"),
        person("clara", "Clara", "de", "Europe/Berlin"),
        person("rob", "Rob", "en-US", "America/New_York"),
        person("dora", "Dora", "en", "Australia/Sydney"),
    ]
}

/// The id of one reader.
#[must_use]
pub fn reader(no: usize) -> String {
    format!("reader-{no:05}")
}

/// Stores the readers, and that they agreed to the newsletter; once.
///
/// # Errors
/// If the store failed.
pub async fn register_readers(notify: &Orchestrator) -> Result<(), Box<dyn Error + Send + Sync>> {
    let cells = notify.preferences(reader(READERS - 1)).await?;
    if cells
        .iter()
        .any(|cell| cell.category == "news" && cell.allowed == Allowed::Yes)
    {
        return Ok(());
    }
    for first in (0..READERS).step_by(1_000) {
        let ids = (first..first + 1_000).map(reader);
        let readers: Vec<_> = ids
            .map(|id| Recipient::new(id.as_str()).with_email(&format!("{id}@news.example")))
            .collect();
        notify.put_recipients(&readers).await?;
        // Consents that come at the same time share a commit.
        let mut consents = JoinSet::new();
        for reader in readers {
            let notify = notify.clone();
            consents.spawn(async move { notify.change_preferences(&consent(&reader)).await });
        }
        while let Some(consent) = consents.join_next().await {
            consent??;
        }
        progress::show(first + 1_000, READERS);
    }
    progress::clear();
    Ok(())
}

/// What somebody says who wants no mail of one kind.
#[must_use]
pub fn no_mail(recipient: &str, category: &str) -> PreferenceChange {
    PreferenceChange::Cell {
        recipient: recipient.into(),
        category: category.into(),
        channel: ChannelId::EMAIL,
        setting: Setting::No,
    }
}

fn consent(reader: &Recipient) -> PreferenceChange {
    PreferenceChange::Consent {
        recipient: reader.id().clone(),
        category: "news".into(),
        granted: true,
        source: "sign-up form".to_owned(),
        wording: "Send me the newsletter".to_owned(),
    }
}
