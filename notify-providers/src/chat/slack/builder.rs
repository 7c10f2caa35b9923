//! Configuration of a [`SlackProvider`].

use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{Error, ErrorKind, Result};

use super::{CHANNEL, SlackProvider, Way, path};
use crate::chat::common::{Common, common_setters, long_text_setter};
use crate::chat::named::Named;
use crate::dsn::VendorDsn;
use crate::http::HttpClient;

/// Options of a [`SlackProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::chat::slack::SlackProvider;
///
/// let provider = SlackProvider::webhooks()
///     .webhook("alerts", "https://hooks.slack.com/services/T0001/B0001/secret")
///     .link_previews(true)
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct SlackBuilder {
    common: Common,
    way: Way,
    link_previews: bool,
    /// A webhook was given to a bot.
    mixed: bool,
}

impl SlackBuilder {
    pub(super) fn new(way: Way) -> Self {
        Self {
            common: Common::named("slack"),
            way,
            link_previews: false,
            mixed: false,
        }
    }

    common_setters!();
    long_text_setter!();

    /// A webhook under a name, which is then its address: its URL or the path of it. For [`SlackProvider::webhooks`] only.
    pub fn webhook(mut self, room: impl Into<String>, webhook: impl Into<SecretString>) -> Self {
        match &mut self.way {
            Way::Webhooks(named) => named.insert(room.into(), webhook.into()),
            Way::Bot(_) => self.mixed = true,
        }
        self
    }

    /// Whether Slack opens links and shows what is behind them. Default: no, because a link that works once would be used up, and
    /// what is behind others may not be meant for all in the room.
    pub const fn link_previews(mut self, on: bool) -> Self {
        self.link_previews = on;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming what cannot work: an empty token, a webhook that is not Slack's or that was given to a bot, and
    /// what [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<SlackProvider> {
        let base = match &self.way {
            Way::Bot(_) if self.mixed => {
                let why = "is not for a bot: use SlackProvider::webhooks";
                return Err(Error::new(ErrorKind::Config, why).field("webhook"));
            }
            Way::Bot(token) if token.expose_secret().trim().is_empty() => {
                return Err(Error::new(ErrorKind::Config, "must not be empty").field("token"));
            }
            Way::Bot(_) => "https://slack.com",
            Way::Webhooks(named) => {
                named.check(|webhook| path(webhook).is_some())?;
                "https://hooks.slack.com"
            }
        };
        let client = HttpClient::builder(base)
            .options(self.common.http.clone())
            .build()?;
        Ok(SlackProvider {
            capabilities: self
                .common
                .capabilities(CHANNEL, &client)
                .with_reports(true)
                .with_answers(true),
            name: self.common.name,
            way: self.way,
            link_previews: self.link_previews,
            refuse_long: self.common.refuse_long,
            client,
        })
    }
}

/// Reads `slack://TOKEN@default`, or `slack://default?webhook=…`.
pub(super) fn parse(dsn: &str) -> Result<SlackBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "slack")?;
    let way = if let Ok(token) = dsn.user("token") {
        Way::Bot(token.into())
    } else {
        let mut named = Named::default();
        named.read(&mut dsn)?;
        Way::Webhooks(named)
    };
    let mut builder = SlackBuilder::new(way);
    builder.common.read_with_texts(&mut dsn)?;
    if let Some(on) = dsn.take("link_previews")? {
        builder = builder.link_previews(on);
    }
    dsn.finish()?;
    Ok(builder)
}
