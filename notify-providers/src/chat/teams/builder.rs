//! Configuration of a [`TeamsProvider`].

use notify_core::Result;
use notify_core::secret::SecretString;

use super::{CHANNEL, TeamsProvider, is_url};
use crate::chat::common::{Common, common_setters, long_text_setter};
use crate::chat::named::Named;
use crate::dsn::VendorDsn;
use crate::http::{Guard, HttpClient};

/// Options of a [`TeamsProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::chat::teams::TeamsProvider;
///
/// // Addresses are then the URLs of workflows themselves.
/// let provider = TeamsProvider::builder().refuse_long_texts(true).build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct TeamsBuilder {
    common: Common,
    workflows: Named,
    guard: Guard,
}

impl TeamsBuilder {
    pub(super) fn new() -> Self {
        Self {
            common: Common::named("teams"),
            workflows: Named::default(),
            guard: Guard::new(),
        }
    }

    common_setters!();
    long_text_setter!();

    /// A workflow under a name, which is then its address: its URL as Teams shows it, with all parameters.
    pub fn workflow(mut self, room: impl Into<String>, url: impl Into<SecretString>) -> Self {
        self.workflows.insert(room.into(), url.into());
        self
    }

    /// Where calls may go. Default: port 443 of public addresses.
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: a workflow that is no URL, and what
    /// [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<TeamsProvider> {
        self.workflows.check(is_url)?;
        // Every call has a URL of its own.
        let client = HttpClient::builder("https://teams.microsoft.com")
            .options(self.common.http.clone())
            .guard(self.guard)
            .build()?;
        Ok(TeamsProvider {
            capabilities: self.common.capabilities(CHANNEL, &client),
            name: self.common.name,
            workflows: self.workflows,
            refuse_long: self.common.refuse_long,
            client,
        })
    }
}

/// Reads `teams://default?webhook=…`.
pub(super) fn parse(dsn: &str) -> Result<TeamsBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "teams")?;
    dsn.only_default()?;
    let mut builder = TeamsBuilder::new();
    builder.common.read_with_texts(&mut dsn)?;
    builder.workflows.read(&mut dsn)?;
    dsn.finish()?;
    Ok(builder)
}
