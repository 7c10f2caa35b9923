//! Configuration of a [`WhatsAppProvider`].

use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{Error, ErrorKind, Result};
use std::fmt;

use super::{CHANNEL, Template, WhatsAppProvider};
use crate::chat::common::{Common, common_setters, long_text_setter};
use crate::dsn::VendorDsn;
use crate::http::HttpClient;

/// Options of a [`WhatsAppProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::chat::whatsapp::WhatsAppProvider;
///
/// let provider = WhatsAppProvider::builder("106540352242922", "EAAG-token")
///     .version("v24.0")
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct WhatsAppBuilder {
    common: Common,
    phone_number_id: String,
    token: SecretString,
    version: String,
    template: Option<Template>,
}

impl WhatsAppBuilder {
    pub(super) fn new(phone_number_id: String, token: SecretString) -> Self {
        Self {
            common: Common::named("whatsapp"),
            phone_number_id,
            token,
            version: "v23.0".to_owned(),
            template: None,
        }
    }

    common_setters!();
    long_text_setter!();

    /// Texts go as this approved template, in this language (such as `en_US`): its body has one place, `{{1}}`, which gets the text as
    /// one line. Default: none, and texts arrive within 24 hours after a person has written, and are refused at all other times.
    pub fn text_template(mut self, name: impl Into<String>, language: impl Into<String>) -> Self {
        self.template = Some(Template {
            name: name.into(),
            language: language.into(),
        });
        self
    }

    /// The version of Meta's interface. Default: `v23.0`; Meta ends each some two years after the next one.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming what cannot work: an id of the number that is not digits, an empty token, a template without a
    /// name or a language, a version that is none, and what [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<WhatsAppProvider> {
        let config = |field, why| Err(Error::new(ErrorKind::Config, why).field(field));
        let id = self.phone_number_id.as_str();
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            return config("phone_number_id", "must be digits");
        }
        if self.token.expose_secret().trim().is_empty() {
            return config("token", "must not be empty");
        }
        let number = self.version.strip_prefix('v').unwrap_or_default();
        let is_number = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if number.is_empty() || !is_number {
            return config("version", "must be one of Meta's, such as v23.0");
        }
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        let template = self.template.as_ref();
        if template.is_some_and(|it| !is_word(&it.name) || !is_word(&it.language)) {
            return config("template", "must have a name and a language such as en_US");
        }
        let client = HttpClient::builder("https://graph.facebook.com")
            .options(self.common.http.clone())
            .build()?;
        Ok(WhatsAppProvider {
            capabilities: self
                .common
                .capabilities(CHANNEL, &client)
                .with_reports(true)
                .with_answers(true),
            name: self.common.name,
            phone_number_id: self.phone_number_id,
            version: self.version,
            token: self.token,
            template: self.template,
            refuse_long: self.common.refuse_long,
            client,
        })
    }
}

impl fmt::Debug for WhatsAppBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhatsAppBuilder")
            .field("common", &self.common)
            .field("version", &self.version)
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

/// Reads `whatsapp://PHONE_NUMBER_ID:ACCESS_TOKEN@default`.
pub(super) fn parse(dsn: &str) -> Result<WhatsAppBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "whatsapp")?;
    let (id, token) = (dsn.user("phone_number_id")?, dsn.password("token")?);
    let mut builder = WhatsAppBuilder::new(id, token.into());
    builder.common.read_with_texts(&mut dsn)?;
    if let Some(version) = dsn.take::<String>("version")? {
        builder = builder.version(version);
    }
    let template = dsn.take::<String>("template")?;
    let language = dsn.take::<String>("language")?;
    if template.is_some() || language.is_some() {
        builder = builder.text_template(template.unwrap_or_default(), language.unwrap_or_default());
    }
    dsn.finish()?;
    Ok(builder)
}
