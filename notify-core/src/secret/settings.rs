//! The settings that differ from deployment to deployment.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::SecretString;

/// What kind of deployment this is.
///
/// Default: production, so that forgetting to say so never switches a protection off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
#[expect(
    clippy::exhaustive_enums,
    reason = "what differs must be thought through for each"
)]
pub enum Environment {
    /// A developer's machine. Also read from `development` and `local`.
    Dev,
    /// Real people are told. Also read from `production` and `live`.
    #[default]
    Prod,
    /// Automated tests. Also read from `testing` and `ci`.
    Test,
}

impl Environment {
    /// The short name: `dev`, `prod`, `test`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Prod => "prod",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "dev" | "development" | "local" => Ok(Self::Dev),
            "prod" | "production" | "live" => Ok(Self::Prod),
            "test" | "testing" | "ci" => Ok(Self::Test),
            _ => Err(Error::invalid("environment", "is none of dev, test, prod")),
        }
    }
}

impl TryFrom<String> for Environment {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Environment> for &'static str {
    fn from(environment: Environment) -> Self {
        environment.as_str()
    }
}

/// Settings of one process, from a file by serde or from environment variables.
///
/// | variable | field | default |
/// |---|---|---|
/// | `ENVIRONMENT` | `environment`: `dev`, `test`, `prod` | `prod` |
/// | `POD_ID`, else `NODE_ID` | `node_id`: what this host is called in records and metrics | the host's name |
/// | `SERVER_ADDR` | `server_addr`: where the application listens; `:8080` is `0.0.0.0:8080` | none |
/// | `REDIS_ADDR` | `redis_addr`: `host:port` | none |
/// | `REDIS_PASSWORD` | `redis_password`: never written or printed | none |
///
/// An empty variable counts as not set. Everything else about the system is given in code.
///
/// ```
/// use notify_core::secret::{Environment, Settings};
///
/// let settings = Settings::from_lookup(|name| match name {
///     "ENVIRONMENT" => Some("development".to_owned()),
///     "POD_ID" => Some("pod-7".to_owned()),
///     _ => None,
/// })?;
/// assert_eq!(settings.environment, Environment::Dev);
/// assert_eq!(settings.node_id, "pod-7");
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// What kind of deployment this is.
    pub environment: Environment,
    /// What this host is called in records and metrics. It need not be unique: leases are held by
    /// ids that are never reused.
    pub node_id: String,
    /// Where the application listens.
    #[serde(deserialize_with = "address")]
    pub server_addr: Option<SocketAddr>,
    /// Where the application's Redis is, `host:port`.
    pub redis_addr: Option<String>,
    /// Its password.
    #[serde(skip_serializing, deserialize_with = "password")]
    pub redis_password: Option<SecretString>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            environment: Environment::default(),
            node_id: host_name(),
            server_addr: None,
            redis_addr: None,
            redis_password: None,
        }
    }
}

impl Settings {
    /// Reads the variables of the table, each with `prefix` before its name; the prefix may be empty.
    ///
    /// # Errors
    /// As [`from_lookup`](Self::from_lookup); a variable that is not UTF-8 counts as not acceptable.
    pub fn from_env(prefix: &str) -> Result<Self> {
        // Lossy, so that a value that is not text is refused by its parser instead of overlooked.
        let lookup = |name: &str| {
            let value = std::env::var_os(format!("{prefix}{name}"))?;
            Some(value.to_string_lossy().into_owned())
        };
        Self::from_lookup(lookup)
    }

    /// Reads the variables of the table from anywhere.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that names the variable, not its value.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let bad = |name: &str, why: &str| Error::new(ErrorKind::Config, why).field(name);
        let environment = get("ENVIRONMENT").map_or(Ok(Environment::default()), |text| {
            text.parse()
                .map_err(|_| bad("ENVIRONMENT", "is none of dev, test, prod"))
        })?;
        let server_addr = get("SERVER_ADDR").map(|text| {
            parse_address(&text).ok_or_else(|| bad("SERVER_ADDR", "is no address with a port"))
        });
        let redis_addr = get("REDIS_ADDR");
        if redis_addr
            .as_ref()
            .is_some_and(|addr| !is_host_and_port(addr))
        {
            return Err(bad("REDIS_ADDR", "is not of the form host:port"));
        }
        Ok(Self {
            environment,
            node_id: get("POD_ID")
                .or_else(|| get("NODE_ID"))
                .unwrap_or_else(host_name),
            server_addr: server_addr.transpose()?,
            redis_addr,
            redis_password: get("REDIS_PASSWORD").map(SecretString::from),
        })
    }
}

fn parse_address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix(':') {
        Some(port) => Some(SocketAddr::from(([0, 0, 0, 0], port.parse().ok()?))),
        None => text.parse().ok(),
    }
}

fn is_host_and_port(text: &str) -> bool {
    let host = |host: &str| !host.is_empty() && !host.contains(['@', '/', ' ']);
    text.rsplit_once(':')
        .is_some_and(|(name, port)| host(name) && port.parse::<u16>().is_ok())
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let bad = || serde::de::Error::custom("server_addr is no address with a port");
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse_address(&text).ok_or_else(bad))
        .transpose()
}

fn password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// The host's name by `HOSTNAME`, else by the kernel, else `node`.
fn host_name() -> String {
    let known = |name: &String| !name.is_empty();
    let read = |path| {
        std::fs::read_to_string(path)
            .ok()
            .map(|name| name.trim().to_owned())
    };
    std::env::var("HOSTNAME")
        .ok()
        .filter(known)
        .or_else(|| read("/proc/sys/kernel/hostname").filter(known))
        .or_else(|| read("/etc/hostname").filter(known))
        .unwrap_or_else(|| "node".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret;

    fn settings(vars: &[(&str, &str)]) -> Result<Settings> {
        let value = |name: &str| {
            vars.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        Settings::from_lookup(value)
    }

    #[test]
    fn without_variables_it_is_production_on_this_host() {
        let defaults = settings(&[("ENVIRONMENT", ""), ("POD_ID", "")]).expect("defaults");
        assert_eq!(defaults.environment, Environment::Prod);
        assert!(!defaults.node_id.is_empty());
        assert!(
            Settings::from_env("NO_SUCH_PREFIX_")
                .expect("defaults")
                .redis_addr
                .is_none()
        );
    }

    #[test]
    fn every_variable_is_read() {
        let all = settings(&[
            ("ENVIRONMENT", "Testing"),
            ("NODE_ID", "n1"),
            ("SERVER_ADDR", ":8080"),
            ("REDIS_ADDR", "redis:6379"),
            ("REDIS_PASSWORD", "hunter2"),
        ])
        .expect("good");
        assert_eq!(
            (all.environment, all.node_id.as_str()),
            (Environment::Test, "n1")
        );
        assert_eq!(
            all.server_addr,
            Some(SocketAddr::from(([0, 0, 0, 0], 8080)))
        );
        assert_eq!(all.redis_addr.as_deref(), Some("redis:6379"));
        assert_eq!(
            all.redis_password.as_ref().map(ExposeSecret::expose_secret),
            Some("hunter2")
        );
        let json = serde_json::to_string(&all).expect("serialises");
        assert!(!format!("{all:?}{json}").contains("hunter2"));
    }

    #[test]
    fn a_bad_variable_is_named_and_its_value_is_not_shown() {
        for (name, value) in [
            ("ENVIRONMENT", "hunter2"),
            ("SERVER_ADDR", "hunter2"),
            ("SERVER_ADDR", ":hunter2"),
            ("REDIS_ADDR", "redis://:hunter2@h:1"),
            ("REDIS_ADDR", "hunter2"),
        ] {
            let error = settings(&[(name, value)]).expect_err(value);
            assert_eq!(
                (error.kind(), error.field_name()),
                (ErrorKind::Config, Some(name))
            );
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn settings_read_from_a_file_with_defaults_for_the_rest() {
        let json = r#"{"environment": "local", "server_addr": "[::1]:80", "redis_password": "p"}"#;
        let read: Settings = serde_json::from_str(json).expect("good");
        assert_eq!(read.environment, Environment::Dev);
        assert_eq!(read.server_addr.map(|addr| addr.port()), Some(80));
        assert_eq!(
            read.redis_password
                .as_ref()
                .map(ExposeSecret::expose_secret),
            Some("p")
        );
        assert!(serde_json::from_str::<Settings>(r#"{"environmnet": "dev"}"#).is_err());
        assert!(serde_json::from_str::<Settings>(r#"{"environment": "staging"}"#).is_err());
    }
}
