//! Where templates are kept that change while the system runs.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChannelId, Locale, TemplateName, TenantId};
use crate::template::model::{Partial, Template};
use crate::template::release::{Release, ReleaseId};
use crate::template::set::TemplateSet;
use crate::template::text::Translations;

/// Which template: unique in a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TemplateKey {
    /// What it is called.
    pub name: TemplateName,
    /// The channel it is for, or `*`.
    pub channel: ChannelId,
    /// The language it is in, compared as it is written.
    pub locale: Locale,
}

impl TemplateKey {
    /// A key.
    #[must_use]
    pub fn new(
        name: impl Into<TemplateName>,
        channel: impl Into<ChannelId>,
        locale: impl Into<Locale>,
    ) -> Self {
        Self {
            name: name.into(),
            channel: channel.into(),
            locale: locale.into(),
        }
    }
}

impl From<&Template> for TemplateKey {
    fn from(template: &Template) -> Self {
        Self::new(
            template.name.clone(),
            template.channel.clone(),
            template.locale.clone(),
        )
    }
}

/// Which templates to list. Default: all that are not deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TemplateFilter {
    /// Only those of this name.
    pub name: Option<TemplateName>,
    /// Only those for this channel.
    pub channel: Option<ChannelId>,
    /// Only those in this language, compared as it is written.
    pub locale: Option<Locale>,
    /// Also those that are deleted.
    pub include_deleted: bool,
}

impl TemplateFilter {
    /// All that are not deleted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those of this name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<TemplateName>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only those for this channel.
    #[must_use]
    pub fn with_channel(mut self, channel: impl Into<ChannelId>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// Only those in this language.
    #[must_use]
    pub fn with_locale(mut self, locale: impl Into<Locale>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// Also those that are deleted.
    #[must_use]
    pub const fn with_deleted(mut self) -> Self {
        self.include_deleted = true;
        self
    }

    /// Whether a template is one of those.
    #[must_use]
    pub fn matches(&self, template: &Template) -> bool {
        self.name.as_ref().is_none_or(|name| *name == template.name)
            && self
                .channel
                .as_ref()
                .is_none_or(|channel| *channel == template.channel)
            && self
                .locale
                .as_ref()
                .is_none_or(|locale| *locale == template.locale)
            && (self.include_deleted || template.deleted_at.is_none())
    }
}

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TemplatePage {
    /// Only templates whose key is after this one: the last of the page before.
    pub after: Option<TemplateKey>,
    /// How many at most. Default: 50, a screen's worth; stores give at most 500.
    pub limit: u32,
}

impl Default for TemplatePage {
    fn default() -> Self {
        Self {
            after: None,
            limit: 50,
        }
    }
}

impl TemplatePage {
    /// The most templates on one page, whatever is asked.
    pub const MAX: u32 = 500;

    /// The first page, of 50.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What comes after this key.
    #[must_use]
    pub fn after(mut self, key: TemplateKey) -> Self {
        self.after = Some(key);
        self
    }

    /// At most so many.
    #[must_use]
    pub const fn with_limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }
}

/// Keeps templates, partials and translations, and the releases that deliveries are pinned to.
///
/// Sources are not checked here: callers ask [`Engine::check`](crate::template::Engine::check) first, and
/// [`Engine::check_change`](crate::template::Engine::check_change) for partials and translations.
/// The rules for templates hold for partials (by name) and translations (by locale) as well.
///
/// # Contract
/// - Nothing of another tenant is ever read or changed.
/// - A put with `expected_version: None` creates: if there is one already that is not deleted, it fails with
///   [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) and changes nothing.
/// - A put with a version replaces the one that has that version: if there is none, or it has another version, or it is
///   deleted, it fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) and changes nothing.
/// - A put gives back what was stored: version 1 for the first, one more than the last for each that follows, also after
///   a deletion; `created_at` of the first version since the last deletion, `updated_at` by the store's clock.
/// - A deleted template is kept with `deleted_at`; `get` and `load_all` do not see it, `list` only if asked to.
/// - Deleting what is not there, or is deleted, changes nothing and says so by `false`.
/// - `list` is in the order of the keys, holds each template that matches once over all its pages, and no page is longer
///   than its limit or [`TemplatePage::MAX`].
/// - `load_all` is one consistent state: all of a change of another caller is in it, or nothing.
/// - `revision` is greater after every change than before it; publishing a release is no such change.
/// - A state that `load_all` shows has at least the revision that was read before it.
/// - A published release is read back as it was published, by every host, until it is forgotten. Publishing it again changes
///   nothing but when that was.
/// - `sweep_releases` forgets a tenant's releases that were last published `keep` ago or longer, but never the one that was
///   published last, and none that a delivery of the tenant is pinned to which is open or can be requeued.
/// - A change by an operator writes one audit row in the same commit: `template.put`, `template.delete`, `partial.put`,
///   `partial.delete`, `translations.put`, `translations.delete`.
///
/// All methods fail with [`ErrorKind::Storage`](crate::ErrorKind::Storage) or
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the store fails; then nothing was changed.
#[async_trait]
pub trait TemplateStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a template.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) as the contract says, and
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if it does not [validate](Template::validate).
    async fn put(
        &self,
        tenant: &TenantId,
        template: &Template,
        expected_version: Option<u64>,
        actor: &Actor,
    ) -> Result<Template>;

    /// Stores a partial.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    async fn put_partial(
        &self,
        tenant: &TenantId,
        partial: &Partial,
        expected_version: Option<u64>,
        actor: &Actor,
    ) -> Result<Partial>;

    /// Stores the translations of one language.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    async fn put_translations(
        &self,
        tenant: &TenantId,
        translations: &Translations,
        expected_version: Option<u64>,
        actor: &Actor,
    ) -> Result<Translations>;

    /// Reads one template.
    ///
    /// # Errors
    /// As the contract says.
    async fn get(&self, tenant: &TenantId, key: &TemplateKey) -> Result<Option<Template>>;

    /// Reads a page of templates.
    ///
    /// # Errors
    /// As the contract says.
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &TemplateFilter,
        page: &TemplatePage,
    ) -> Result<Vec<Template>>;

    /// Deletes a template; `false` if there was none.
    ///
    /// # Errors
    /// As the contract says.
    async fn delete(&self, tenant: &TenantId, key: &TemplateKey, actor: &Actor) -> Result<bool>;

    /// Deletes a partial; `false` if there was none.
    ///
    /// # Errors
    /// As the contract says.
    async fn delete_partial(&self, tenant: &TenantId, name: &str, actor: &Actor) -> Result<bool>;

    /// Deletes the translations of one language; `false` if there were none.
    ///
    /// # Errors
    /// As the contract says.
    async fn delete_translations(
        &self,
        tenant: &TenantId,
        locale: &Locale,
        actor: &Actor,
    ) -> Result<bool>;

    /// Reads everything that is not deleted.
    ///
    /// # Errors
    /// As the contract says.
    async fn load_all(&self, tenant: &TenantId) -> Result<TemplateSet>;

    /// A number that grows with every change; 0 if there was none. Asked twice a second by each process, so it must be cheap.
    ///
    /// # Errors
    /// As the contract says.
    async fn revision(&self, tenant: &TenantId) -> Result<u64>;

    /// Keeps a release, so that every host can render what another one pinned. A release is named by its content: stores
    /// may keep it once for all tenants that published it.
    ///
    /// # Errors
    /// As the contract says.
    async fn publish(&self, tenant: &TenantId, release: &Release) -> Result<()>;

    /// Reads a release that this tenant published.
    ///
    /// # Errors
    /// As the contract says.
    async fn release(&self, tenant: &TenantId, id: ReleaseId) -> Result<Option<TemplateSet>>;

    /// Forgets releases of all tenants that nobody needs any more; answers how many. At most a bounded piece a call.
    ///
    /// Who may still pin a release publishes it again within a day ([`TemplateCache`](crate::template::TemplateCache) does):
    /// `keep` is longer than that.
    ///
    /// # Errors
    /// As the contract says.
    async fn sweep_releases(&self, now: Timestamp, keep: Duration) -> Result<u64>;
}

fn _object_safe(_: &dyn TemplateStore) {}
