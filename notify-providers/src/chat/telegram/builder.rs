//! Configuration of a [`TelegramProvider`].

use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{Error, ErrorKind, Result};
use std::fmt;

use super::{CHANNEL, TelegramProvider};
use crate::chat::common::{Common, common_setters, long_text_setter};
use crate::chat::escape::Markup;
use crate::dsn::VendorDsn;
use crate::http::HttpClient;

/// In which of its two markups Telegram gets a text. The text means nothing in either: it matters for what stands around it in
/// `blocks`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TelegramMarkup {
    /// `HTML`. The default: three characters are escaped, and not twenty.
    #[default]
    Html,
    /// `MarkdownV2`.
    MarkdownV2,
}

impl TelegramMarkup {
    pub(super) const fn rules(self) -> Markup {
        match self {
            Self::Html => Markup::TelegramHtml,
            Self::MarkdownV2 => Markup::TelegramMarkdown,
        }
    }

    pub(super) const fn parse_mode(self) -> &'static str {
        match self {
            Self::Html => "HTML",
            Self::MarkdownV2 => "MarkdownV2",
        }
    }
}

/// What the provider says about every message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    pub(super) markup: TelegramMarkup,
    pub(super) link_previews: bool,
    pub(super) silent: bool,
    pub(super) protect_content: bool,
    pub(super) test: bool,
}

/// Options of a [`TelegramProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::chat::telegram::TelegramProvider;
///
/// let provider = TelegramProvider::builder("123456:AAF-token_of_the_bot")
///     .silent(true)
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct TelegramBuilder {
    common: Common,
    token: SecretString,
    settings: Settings,
}

impl TelegramBuilder {
    pub(super) fn new(token: SecretString) -> Self {
        Self {
            common: Common::named("telegram"),
            token,
            settings: Settings::default(),
        }
    }

    common_setters!();
    long_text_setter!();

    /// The markup in which texts are sent. Default: HTML.
    pub const fn markup(mut self, markup: TelegramMarkup) -> Self {
        self.settings.markup = markup;
        self
    }

    /// Whether Telegram opens links and shows what is behind them. Default: no, because a link that works once would be used up.
    pub const fn link_previews(mut self, on: bool) -> Self {
        self.settings.link_previews = on;
        self
    }

    /// Whether messages come without a sound. Default: no.
    pub const fn silent(mut self, on: bool) -> Self {
        self.settings.silent = on;
        self
    }

    /// Whether messages cannot be forwarded or saved. Default: they can.
    pub const fn protect_content(mut self, on: bool) -> Self {
        self.settings.protect_content = on;
        self
    }

    /// Whether Telegram's test environment is asked, which has accounts and bots of its own. Default: no.
    pub const fn test(mut self, on: bool) -> Self {
        self.settings.test = on;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming what cannot work: a token that is none, and what [`HttpOptions`](crate::http::HttpOptions) may
    /// be wrong in.
    pub fn build(self) -> Result<TelegramProvider> {
        if !is_token(self.token.expose_secret()) {
            let why = "must be a bot's, such as 123456:AAF-token_of_the_bot";
            return Err(Error::new(ErrorKind::Config, why).field("token"));
        }
        let client = HttpClient::builder("https://api.telegram.org")
            .options(self.common.http.clone())
            .build()?;
        Ok(TelegramProvider {
            capabilities: self
                .common
                .capabilities(CHANNEL, &client)
                .with_reports(true)
                .with_answers(true),
            name: self.common.name,
            token: self.token,
            settings: self.settings,
            refuse_long: self.common.refuse_long,
            client,
        })
    }
}

/// Digits, a colon, and what may stand in a path.
fn is_token(token: &str) -> bool {
    let Some((bot, secret)) = token.split_once(':') else {
        return false;
    };
    let is_secret = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !bot.is_empty()
        && bot.bytes().all(|b| b.is_ascii_digit())
        && !secret.is_empty()
        && secret.bytes().all(is_secret)
}

impl fmt::Debug for TelegramBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramBuilder")
            .field("common", &self.common)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Reads `telegram://TOKEN@default`.
pub(super) fn parse(dsn: &str) -> Result<TelegramBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "telegram")?;
    let token = format!("{}:{}", dsn.user("token")?, dsn.password("token")?);
    let mut builder = TelegramBuilder::new(token.into());
    builder.common.read_with_texts(&mut dsn)?;
    if let Some(markup) = dsn.take::<String>("markup")? {
        builder.settings.markup = match markup.as_str() {
            "html" => TelegramMarkup::Html,
            "markdown" => TelegramMarkup::MarkdownV2,
            _ => return Err(crate::dsn::error("markup", "is neither html nor markdown")),
        };
    }
    let settings = &mut builder.settings;
    for (name, on) in [
        ("link_previews", &mut settings.link_previews),
        ("silent", &mut settings.silent),
        ("protect_content", &mut settings.protect_content),
        ("test", &mut settings.test),
    ] {
        if let Some(value) = dsn.take(name)? {
            *on = value;
        }
    }
    dsn.finish()?;
    Ok(builder)
}
