//! Recipients, what they want, and their inboxes: by the application on their behalf.

use std::sync::Arc;

use crate::audit::Actor;
use crate::delivery::Reason;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CategoryId, ChannelId, RecipientId, TenantId};
use crate::inbox::{InboxCounts, InboxItem, InboxStore, Mark};
use crate::orchestrator::operator::without;
use crate::orchestrator::{MAX_PAGE, Orchestrator, Parts, short};
use crate::preference::{Allowed, PreferenceChange, Setting, allowed};
use crate::recipient::Recipient;

/// One cell of a person's settings as they take effect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cell {
    /// Which kind.
    pub category: CategoryId,
    /// Where.
    pub channel: ChannelId,
    /// Whether messages go.
    pub allowed: Allowed,
    /// Whether the person cannot change it.
    pub locked: bool,
}

impl Orchestrator {
    /// Stores a recipient, replacing the one with the same id.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming the field; [`ErrorKind::Unsupported`] if the store keeps no recipients.
    pub async fn put_recipient(&self, recipient: Recipient) -> Result<()> {
        self.put_recipients(&[recipient]).await
    }

    /// Stores recipients, all or none.
    ///
    /// # Errors
    /// As [`put_recipient`](Self::put_recipient).
    pub async fn put_recipients(&self, recipients: &[Recipient]) -> Result<()> {
        for recipient in recipients {
            recipient.validate()?;
        }
        let store = Arc::clone(&self.parts.store)
            .recipients()
            .ok_or_else(|| without("recipients"))?;
        let ids: Vec<RecipientId> = recipients.iter().map(|one| one.id().clone()).collect();
        let before = store.resolve(&self.tenant, &ids).await?;
        store
            .put(&self.tenant, recipients, &Actor::Application)
            .await?;
        for (one, before) in recipients.iter().zip(before) {
            if before.is_some_and(|before| before.zone() != one.zone()) {
                self.preferences_changed(one.id().clone()).await?;
            }
        }
        Ok(())
    }

    /// Decides again what is held for a person by the clock: for quiet hours, a send window, a local time, a digest. Answers how many
    /// those are; what gathers together is one.
    ///
    /// For applications that keep recipients or preferences elsewhere, when someone's zone or quiet hours changed there. Changes
    /// that go through this system do it by themselves. What is held by the tenant's rules is decided again when its time comes.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed.
    pub async fn preferences_changed(&self, recipient: impl Into<RecipientId>) -> Result<u64> {
        self.parts
            .decide_again(&self.tenant, &recipient.into(), BY_THE_CLOCK)
            .await
    }

    /// Forgets recipients; answers how many there were.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps no recipients.
    pub async fn remove_recipients(&self, ids: &[RecipientId]) -> Result<u64> {
        let store = Arc::clone(&self.parts.store)
            .recipients()
            .ok_or_else(|| without("recipients"))?;
        store.remove(&self.tenant, ids, &Actor::Application).await
    }

    /// Changes what a person wants. Takes effect at once, also for what is queued, and for what is held for their quiet hours.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if it switches off a category that is not optional; [`ErrorKind::Invalid`] for a category or a
    /// channel that is not registered, whose opt-out nobody would hear, or quiet hours that cannot be.
    pub async fn change_preferences(&self, change: &PreferenceChange) -> Result<()> {
        self.known(change)?;
        self.parts
            .change_preferences(&self.tenant, change, &Actor::Recipient)
            .await
    }

    /// Refuses what would have no effect: a name that is written wrong, or a category that cannot be switched off.
    fn known(&self, change: &PreferenceChange) -> Result<()> {
        let rules = self.parts.rules();
        let registered = |channel: &ChannelId| match rules.channel(channel) {
            Some(_) => Ok(()),
            None => Err(Error::invalid(
                "channel",
                format!("{channel} is not registered; add it to the builder with `channel`"),
            )),
        };
        let cell = |category: &CategoryId, channel: &ChannelId, setting: Setting| {
            let category = rules.category(category)?;
            registered(channel)?;
            if category.is_mandatory() && matches!(setting, Setting::No | Setting::NotAllowed) {
                let why = format!(
                    "category {} is not optional and cannot be switched off",
                    category.id()
                );
                return Err(Error::new(ErrorKind::Unsupported, why));
            }
            Ok(())
        };
        match change {
            PreferenceChange::Cell {
                category,
                channel,
                setting,
                ..
            } => cell(category, channel, *setting),
            PreferenceChange::Replace { settings, .. } => settings
                .cells()
                .try_for_each(|(category, channel, setting)| cell(category, channel, setting)),
            PreferenceChange::Channel { channel, .. } => registered(channel),
            PreferenceChange::Consent { category, .. } => rules.category(category).map(drop),
            _ => Ok(()),
        }
    }

    /// A person's settings as they take effect: one cell for each category and each channel with a provider.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the store failed.
    pub async fn preferences(&self, recipient: impl Into<RecipientId>) -> Result<Vec<Cell>> {
        let loaded = self
            .parts
            .preferences
            .load(&self.tenant, &[recipient.into()])
            .await?;
        let preferences = loaded
            .into_iter()
            .next()
            .ok_or_else(|| short("a preference store"))?;
        let rules = self.parts.rules();
        let mut cells = Vec::new();
        for category in rules.categories() {
            for channel in rules.served() {
                let allowed = allowed(category, channel, rules.defaults(), &preferences);
                cells.push(Cell {
                    category: category.id().clone(),
                    channel: channel.clone(),
                    allowed,
                    locked: category.is_mandatory() || allowed == Allowed::NotAllowed,
                });
            }
        }
        Ok(cells)
    }

    /// One person's inbox.
    #[must_use]
    pub fn inbox(&self, recipient: impl Into<RecipientId>) -> Inbox {
        Inbox {
            parts: Arc::clone(&self.parts),
            tenant: self.tenant.clone(),
            recipient: recipient.into(),
        }
    }
}

/// Why something is held that may go earlier when quiet hours change.
const QUIET: &[Reason] = &[Reason::QuietHours];

/// Why something is held that may go earlier when a person's clock changes.
const BY_THE_CLOCK: &[Reason] = &[
    Reason::QuietHours,
    Reason::OutsideSendWindow,
    Reason::Scheduled,
];

impl Parts {
    /// Carries a change out, and decides again what is held because of what was wanted before.
    pub(crate) async fn change_preferences(
        &self,
        tenant: &TenantId,
        change: &PreferenceChange,
        actor: &Actor,
    ) -> Result<()> {
        change.validate()?;
        let now = self.clock.now();
        self.preferences.apply(tenant, change, actor, now).await?;
        match change.recipient().filter(|_| change.is_about_time()) {
            Some(recipient) => self.decide_again(tenant, recipient, QUIET).await.map(drop),
            None => Ok(()),
        }
    }

    async fn decide_again(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        reasons: &[Reason],
    ) -> Result<u64> {
        let now = self.clock.now();
        let hastened = self.queue.hasten(tenant, recipient, reasons, now).await?;
        let gathered = self.recheck_digests(tenant, recipient, now).await?;
        self.queue.wake();
        Ok(hastened + gathered)
    }
}

/// One person's inbox. Made by [`Orchestrator::inbox`].
#[derive(Debug)]
pub struct Inbox {
    parts: Arc<Parts>,
    tenant: TenantId,
    recipient: RecipientId,
}

impl Inbox {
    fn store(&self) -> Result<Arc<dyn InboxStore>> {
        Arc::clone(&self.parts.store)
            .inbox()
            .ok_or_else(|| without("inboxes"))
    }

    /// A page, newest first: those before `before`, at most `limit`, without archived ones.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps no inboxes.
    pub async fn page(&self, before: Option<u64>, limit: u32) -> Result<Vec<InboxItem>> {
        self.store()?
            .page(
                &self.tenant,
                &self.recipient,
                before,
                limit.min(MAX_PAGE),
                false,
            )
            .await
    }

    /// A page with archived items among the others.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub async fn page_with_archived(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<InboxItem>> {
        self.store()?
            .page(
                &self.tenant,
                &self.recipient,
                before,
                limit.min(MAX_PAGE),
                true,
            )
            .await
    }

    /// How many items wait.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub async fn counts(&self) -> Result<InboxCounts> {
        self.store()?.counts(&self.tenant, &self.recipient).await
    }

    /// Marks items; answers with the counts after it.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub async fn mark(&self, sequences: &[u64], mark: Mark) -> Result<InboxCounts> {
        self.store()?
            .mark(
                &self.tenant,
                &self.recipient,
                sequences,
                mark,
                self.parts.clock.now(),
            )
            .await
    }

    /// Marks every item up to and including `up_to`: what the person has on their screen, not what came since.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub async fn mark_all(&self, up_to: u64, mark: Mark) -> Result<InboxCounts> {
        self.store()?
            .mark_all(
                &self.tenant,
                &self.recipient,
                up_to,
                mark,
                self.parts.clock.now(),
            )
            .await
    }

    /// For how many days items are kept: 1 to 15.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming `days`.
    pub async fn retain(&self, days: u8) -> Result<()> {
        self.store()?
            .retain(&self.tenant, &self.recipient, days)
            .await
    }
}
