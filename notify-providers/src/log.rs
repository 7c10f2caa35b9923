//! Messages written to `tracing` instead of being sent.

use async_trait::async_trait;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::{ChannelId, ProviderName, Result};

use crate::content::content;
use crate::dsn::{decode, error, parameters_of, split, unknown_parameter};

/// Writes what would be sent to `tracing`, at level `INFO` and target `notify_providers::log`, for
/// development.
///
/// Each message is one event with its channel, its delivery and the size of its content as JSON:
/// nothing personal. With [`with_content`](Self::with_content) also the address and the content.
///
/// ```
/// use notify_core::{ChannelId, provider::Provider as _};
/// use notify_providers::log::LogProvider;
///
/// let provider = LogProvider::new(ChannelId::SMS).and_channel(ChannelId::PUSH);
/// assert!(provider.capabilities().serves(&ChannelId::PUSH));
/// ```
#[derive(Clone, Debug)]
pub struct LogProvider {
    name: ProviderName,
    capabilities: Capabilities,
    content: bool,
}

impl LogProvider {
    /// Takes messages of this channel.
    #[must_use]
    pub fn new(channel: impl Into<ChannelId>) -> Self {
        Self {
            name: ProviderName::new("log"),
            capabilities: Capabilities::for_channel(channel),
            content: false,
        }
    }

    /// A provider from one line: `log://email,sms?content=show&name=console`. The channels stand between commas; `name` and `content`
    /// may be missing, and without `content=show` nothing personal is written.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong.
    pub fn from_url(url: &str) -> Result<Self> {
        let (_, channels, query) = split(url);
        let channels = decode("channels", channels.trim_end_matches('/'))?;
        let mut channels = channels
            .split(',')
            .filter(|channel| !channel.is_empty())
            .map(ChannelId::parse);
        let first = channels
            .next()
            .ok_or_else(|| error("channels", "are missing"))?;
        let mut provider = channels.fold(Self::new(first), Self::and_channel);
        for (name, value) in parameters_of(query) {
            provider = match (name, value) {
                ("name", name) if !name.is_empty() => provider.with_name(decode("name", name)?),
                ("content", "show") => provider.with_content(),
                _ => return Err(unknown_parameter()),
            };
        }
        Ok(provider)
    }

    /// Takes messages of this channel too.
    #[must_use]
    pub fn and_channel(mut self, channel: impl Into<ChannelId>) -> Self {
        self.capabilities = self.capabilities.and_channel(channel);
        self
    }

    /// Its name, unique in the application. Default: `log`.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<ProviderName>) -> Self {
        self.name = name.into();
        self
    }

    /// Writes address and content too. For development only: logs are read, copied and kept by
    /// people whom the message is not for, and messages hold names, codes and links that sign
    /// people in.
    #[must_use]
    pub const fn with_content(mut self) -> Self {
        self.content = true;
        self
    }
}

#[async_trait]
impl Provider for LogProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let content = content(&envelope.message, &self.capabilities)?.to_string();
        envelope.progress.connecting();
        envelope.progress.writing();
        let (channel, delivery, bytes) =
            (envelope.message.channel(), envelope.delivery, content.len());
        if self.content {
            tracing::info!(%channel, %delivery, bytes, address = envelope.address.expose(), content, "message");
        } else {
            tracing::info!(%channel, %delivery, bytes, "message");
        }
        Ok(Receipt::with_message_id(envelope.key.as_ref()))
    }
}
