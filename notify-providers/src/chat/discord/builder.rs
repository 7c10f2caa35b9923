//! Configuration of a [`DiscordProvider`].

use notify_core::Result;
use notify_core::secret::SecretString;

use super::{CHANNEL, DiscordProvider, place};
use crate::chat::common::{Common, common_setters, long_text_setter};
use crate::chat::named::Named;
use crate::dsn::VendorDsn;
use crate::http::HttpClient;

/// What the provider says about every message.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) username: Option<String>,
    pub(super) avatar_url: Option<String>,
    pub(super) link_previews: bool,
}

/// Options of a [`DiscordProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::chat::discord::DiscordProvider;
///
/// // Addresses are then webhooks themselves, as people paste them.
/// let provider = DiscordProvider::builder().username("Example").build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct DiscordBuilder {
    common: Common,
    webhooks: Named,
    settings: Settings,
}

impl DiscordBuilder {
    pub(super) fn new() -> Self {
        Self {
            common: Common::named("discord"),
            webhooks: Named::default(),
            settings: Settings::default(),
        }
    }

    common_setters!();
    long_text_setter!();

    /// A webhook under a name, which is then its address: its URL, or the end of it, `id/token`.
    pub fn webhook(mut self, room: impl Into<String>, webhook: impl Into<SecretString>) -> Self {
        self.webhooks.insert(room.into(), webhook.into());
        self
    }

    /// Under which name messages appear. Default: the webhook's.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.settings.username = Some(name.into());
        self
    }

    /// With which picture messages appear. Default: the webhook's.
    pub fn avatar_url(mut self, url: impl Into<String>) -> Self {
        self.settings.avatar_url = Some(url.into());
        self
    }

    /// Whether Discord opens links and shows what is behind them. Default: no, because a link that works once would be used up.
    /// Messages with embeds or other blocks of their own always show them.
    pub const fn link_previews(mut self, on: bool) -> Self {
        self.settings.link_previews = on;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: a webhook that is not Discord's, and what
    /// [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<DiscordProvider> {
        self.webhooks.check(|webhook| place(webhook).is_some())?;
        let client = HttpClient::builder("https://discord.com")
            .options(self.common.http.clone())
            .build()?;
        Ok(DiscordProvider {
            capabilities: self.common.capabilities(CHANNEL, &client),
            name: self.common.name,
            webhooks: self.webhooks,
            settings: self.settings,
            refuse_long: self.common.refuse_long,
            client,
        })
    }
}

/// Reads `discord://default?webhook=…`.
pub(super) fn parse(dsn: &str) -> Result<DiscordBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "discord")?;
    let mut builder = DiscordBuilder::new();
    builder.common.read_with_texts(&mut dsn)?;
    builder.webhooks.read(&mut dsn)?;
    if let Some(name) = dsn.take::<String>("username")? {
        builder = builder.username(name);
    }
    if let Some(url) = dsn.take::<String>("avatar_url")? {
        builder = builder.avatar_url(url);
    }
    if let Some(on) = dsn.take("link_previews")? {
        builder = builder.link_previews(on);
    }
    dsn.finish()?;
    Ok(builder)
}
