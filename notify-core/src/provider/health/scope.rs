//! A part of what one provider reaches, that can fail by itself.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::sync::Arc;

/// A part of what one provider reaches that can fail by itself, such as one of many servers: its breaker is its own.
///
/// Shown in events, logs and [`Health`](crate::health::Health), so it is a host and never a path, a user or a token. At most
/// [`MAX`](Self::MAX) characters.
///
/// ```
/// use notify_core::provider::Scope;
///
/// let scope = Scope::host_of("https://app:secret@Hooks.Example.com:8443/in/7?key=1").expect("has a host");
/// assert_eq!(scope.as_str(), "hooks.example.com:8443");
/// assert_eq!(Scope::host_of("not a URL"), None);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Scope(Arc<str>);

impl Scope {
    /// The longest scope: a host name of 253 characters (RFC 1035 §2.3.4) and a port.
    pub const MAX: usize = 260;

    /// The host of a URL, with its port if it names one, in small letters; `None` if the text has none.
    #[must_use]
    pub fn host_of(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#', '\\']).next()?;
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        Self::new(host)
    }

    /// A host, or another name that may be shown, in small letters; `None` if it is empty, too long, or holds anything but letters,
    /// digits and `.-_:[]`.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fits = |c: char| c.is_alphanumeric() || ".-_:[]".contains(c);
        let is_name = !name.is_empty() && name.chars().count() <= Self::MAX;
        (is_name && name.chars().all(fits)).then(|| Self(name.to_lowercase().into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(&name).ok_or_else(|| serde::de::Error::custom("is no scope"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_the_host_and_nothing_that_is_secret() {
        for (url, host) in [
            ("https://example.com/a/b?token=x", Some("example.com")),
            ("http://EXAMPLE.com#x", Some("example.com")),
            ("https://user:pass@example.com:99", Some("example.com:99")),
            ("https://[::1]:8080/x", Some("[::1]:8080")),
            ("https://user:p@ss@example.com/", Some("example.com")),
            ("https:///path", None),
            ("example.com/path", None),
            ("https://exa mple.com", None),
        ] {
            let scope = Scope::host_of(url);
            assert_eq!(scope.as_ref().map(Scope::as_str), host, "{url}");
        }
        assert_eq!(Scope::new(&"a".repeat(Scope::MAX + 1)), None);
    }
}
