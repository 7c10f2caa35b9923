//! Reading DSNs such as `smtps://user:password@host/?name=value`, with errors that show nothing of them.

use notify_core::{Error, ErrorKind, Result};
use std::str::FromStr;

/// Scheme, what stands between it and the question mark, and what follows that. All empty where there is no scheme.
pub(crate) fn split(dsn: &str) -> (&str, &str, &str) {
    let (scheme, rest) = dsn.split_once("://").unwrap_or_default();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    (scheme, rest, query)
}

/// The parameters, not decoded.
pub(crate) fn parameters_of(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Decodes and reads one value.
pub(crate) fn read<T: FromStr>(field: &'static str, value: &str) -> Result<T> {
    decode(field, value)?
        .parse()
        .map_err(|_| error(field, "does not read"))
}

/// Percent-decoding (RFC 3986 §2.1). A plus stays a plus: it occurs in addresses.
pub(crate) fn decode(field: &'static str, text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || {
            char::from(rest.next()?)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        bytes.push(match byte {
            b'%' => match (digit(), digit()) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(error(field, "has a % without two hexadecimal digits")),
            },
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| error(field, "is not UTF-8"))
}

/// Names a part of the DSN and says what is wrong with it.
pub(crate) fn error(field: &'static str, why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{why} in the dsn of a provider")).field(field)
}

/// Its name is not repeated: a password with an unescaped question mark ends up here.
pub(crate) fn unknown_parameter() -> Error {
    error("parameter", "there is one that is not known")
}

/// The DSN of a vendor with an HTTP interface: `scheme://user:password@host:port/path?name=value`.
///
/// The host `default` is the vendor's own. Another one is asked by `https://`, this host (`localhost`, `127.0.0.1`, `[::1]`) by
/// `http://`.
#[cfg(feature = "_http")]
pub(crate) struct VendorDsn {
    user: Option<String>,
    password: Option<String>,
    base: Option<String>,
    parameters: std::collections::BTreeMap<String, String>,
}

#[cfg(feature = "_http")]
impl VendorDsn {
    /// Reads a line of this scheme.
    pub(crate) fn parse(dsn: &str, scheme: &str) -> Result<Self> {
        let (found, authority, query) = split(dsn);
        if !found.eq_ignore_ascii_case(scheme) {
            return Err(error("scheme", "is another vendor's"));
        }
        let (login, server) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(decode("password", password)?)),
            None => (login, None),
        };
        let mut parameters = std::collections::BTreeMap::new();
        for (name, value) in parameters_of(query) {
            if parameters
                .insert(name.to_owned(), value.to_owned())
                .is_some()
            {
                return Err(error("parameter", "there is one that comes twice"));
            }
        }
        Ok(Self {
            user: (!user.is_empty())
                .then(|| decode("user", user))
                .transpose()?,
            password,
            base: base(server)?,
            parameters,
        })
    }

    /// What stands before the colon, or alone: an account, or a key.
    pub(crate) fn user(&self, field: &'static str) -> Result<String> {
        let user = self.user.clone();
        user.ok_or_else(|| error(field, "is missing"))
    }

    /// What stands behind the colon.
    pub(crate) fn password(&self, field: &'static str) -> Result<String> {
        let password = self.password.clone();
        password.ok_or_else(|| error(field, "is missing"))
    }

    /// Takes one parameter.
    pub(crate) fn take<T: FromStr>(&mut self, name: &'static str) -> Result<Option<T>> {
        let value = self.parameters.remove(name);
        value.map(|value| read(name, &value)).transpose()
    }

    /// Takes a parameter that must be there.
    pub(crate) fn require<T: FromStr>(&mut self, name: &'static str) -> Result<T> {
        let value = self.take(name)?;
        value.ok_or_else(|| error(name, "is missing"))
    }

    /// Takes what is the same for all vendors: the host, `timeout` in seconds, `connections` and `concurrency`.
    pub(crate) fn options(&mut self) -> Result<crate::http::HttpOptions> {
        let mut options = crate::http::HttpOptions::new();
        if let Some(base) = self.base.take() {
            options = options.base_url(base);
        }
        if let Some(seconds) = self.take::<u32>("timeout")? {
            options = options.timeout(std::time::Duration::from_secs(seconds.into()));
        }
        if let Some(connections) = self.take("connections")? {
            options = options.connections(connections);
        }
        if let Some(calls) = self.take("concurrency")? {
            options = options.concurrency(calls);
        }
        Ok(options)
    }

    /// Refuses a server, for vendors whose addresses are whole URLs.
    pub(crate) fn only_default(&self) -> Result<()> {
        match self.base {
            None => Ok(()),
            Some(_) => Err(error("host", "must be `default`: addresses are whole URLs")),
        }
    }

    /// Refuses what was not taken.
    pub(crate) fn finish(self) -> Result<()> {
        if self.parameters.is_empty() {
            Ok(())
        } else {
            Err(unknown_parameter())
        }
    }
}

/// The base URL that a server stands for.
#[cfg(feature = "_http")]
fn base(server: &str) -> Result<Option<String>> {
    let server = server.trim_end_matches('/');
    match server {
        "" => Err(error("host", "is missing; `default` is the vendor's own")),
        "default" => Ok(None),
        _ => {
            let authority = server.split('/').next().unwrap_or_default();
            let host = match authority.rsplit_once(':') {
                Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
                _ => authority,
            };
            let here = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
            let scheme = if here { "http" } else { "https" };
            Ok(Some(format!("{scheme}://{server}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_a_plus_stays() {
        let decoded = decode("user", "a+b%20%D0%AF%3a").expect("decodes");
        assert_eq!(decoded, "a+b Я:");
        for bad in ["%", "%4", "%zz", "%ff", "%+1"] {
            assert_eq!(
                decode("user", bad).expect_err(bad).field_name(),
                Some("user")
            );
        }
    }

    #[test]
    fn a_dsn_has_three_parts() {
        assert_eq!(split("a://b/c?d=e"), ("a", "b/c", "d=e"));
        assert_eq!(split("a://b"), ("a", "b", ""));
        assert_eq!(split("a:b"), ("", "", ""));
        let parameters: Vec<_> = parameters_of("a=1&b&&c=2=3").collect();
        assert_eq!(parameters, [("a", "1"), ("b", ""), ("c", "2=3")]);
    }

    #[cfg(feature = "_http")]
    #[test]
    fn the_dsn_of_a_vendor_has_its_parts() {
        let dsn = "v://us%40er:p%3Aw@eu.example.com:8443/api/?from=a%26b&timeout=5";
        let mut dsn = VendorDsn::parse(dsn, "v").expect("reads");
        assert_eq!(dsn.user("user").expect("is there"), "us@er");
        assert_eq!(dsn.password("password").expect("is there"), "p:w");
        assert_eq!(dsn.require::<String>("from").expect("is there"), "a&b");
        let missing = dsn.require::<String>("to").expect_err("is not there");
        assert_eq!(missing.field_name(), Some("to"));
        let _ = dsn.options().expect("reads");
        dsn.finish().expect("nothing is left");
        for (server, url) in [
            ("default", None),
            (
                "eu.example.com:8443/api/",
                Some("https://eu.example.com:8443/api"),
            ),
            ("localhost:80", Some("http://localhost:80")),
            ("127.0.0.1", Some("http://127.0.0.1")),
            ("[::1]:80", Some("http://[::1]:80")),
            (
                "localhost.example.com",
                Some("https://localhost.example.com"),
            ),
        ] {
            assert_eq!(base(server).expect(server).as_deref(), url, "{server}");
        }
    }

    #[cfg(feature = "_http")]
    #[test]
    fn a_wrong_dsn_of_a_vendor_is_refused_and_not_shown() {
        for (dsn, field) in [
            ("v://hunter2@", "host"),
            ("hunter2://k@default", "scheme"),
            ("v://hun%ter2@default", "user"),
            ("v://a:hun%ter2@default", "password"),
            ("v://k@default?a=hunter2&a=1", "parameter"),
        ] {
            let error = VendorDsn::parse(dsn, "V").err().expect(dsn);
            assert_eq!(error.field_name(), Some(field), "{dsn}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let mut dsn = VendorDsn::parse("v://k@default?timeout=hunter2&x=1", "v").expect("reads");
        let error = dsn.options().expect_err("is no number");
        assert_eq!(error.field_name(), Some("timeout"));
        assert!(dsn.finish().is_err());
    }
}
