//! Webhooks that the application has given names.

use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::fmt;

use crate::dsn::VendorDsn;

/// Webhooks by the names that stand for them in addresses: who knows the URL of a webhook can write to its room, and addresses are
/// stored in more places than the configuration of a provider.
#[derive(Clone, Default)]
pub(crate) struct Named(BTreeMap<String, SecretString>);

impl Named {
    pub(crate) fn insert(&mut self, name: String, webhook: SecretString) {
        self.0.insert(name, webhook);
    }

    /// Takes `webhook`, and `room`, its name; without one it is `default`.
    pub(crate) fn read(&mut self, dsn: &mut VendorDsn) -> Result<()> {
        let room = dsn.take::<String>("room")?;
        if let Some(webhook) = dsn.take::<String>("webhook")? {
            let room = room.unwrap_or_else(|| "default".to_owned());
            self.insert(room, webhook.into());
        }
        Ok(())
    }

    /// The webhook that an address stands for, or the address itself.
    pub(crate) fn resolve<'a>(&'a self, address: &'a str) -> &'a str {
        self.0.get(address).map_or(address, |it| it.expose_secret())
    }

    /// That every webhook is one.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for the field `webhook`, without showing it.
    pub(crate) fn check(&self, is_webhook: impl Fn(&str) -> bool) -> Result<()> {
        let good = |(name, webhook): (&String, &SecretString)| {
            !name.is_empty() && is_webhook(webhook.expose_secret())
        };
        if self.0.iter().all(good) {
            return Ok(());
        }
        let error = Error::new(
            ErrorKind::Config,
            "is not a webhook of this service, or has no name",
        );
        Err(error.field("webhook"))
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_its_webhook_and_all_else_for_itself() {
        let mut named = Named::default();
        named.insert("alerts".to_owned(), "T1/B1/hunter2".into());
        assert_eq!(named.resolve("alerts"), "T1/B1/hunter2");
        assert_eq!(named.resolve("T2/B2/x"), "T2/B2/x");
        assert_eq!(format!("{named:?}"), r#"["alerts"]"#);
    }

    #[test]
    fn a_webhook_that_is_none_is_refused_and_not_shown() {
        let mut named = Named::default();
        named.insert("alerts".to_owned(), "hunter2".into());
        assert!(named.check(|webhook| webhook == "hunter2").is_ok());
        let error = named.check(|_| false).expect_err("is none");
        assert_eq!(error.field_name(), Some("webhook"));
        assert!(!format!("{error:?}").contains("hunter2"));
        named.insert(String::new(), "hunter2".into());
        assert!(named.check(|_| true).is_err(), "without a name");
    }
}
