//! Secrets from the environment, from mounted files, from memory, and from several of these.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, ErrorKind, Result};
use crate::secret::{SecretSource, SecretString};

/// Secrets from environment variables.
///
/// ```
/// use notify_core::secret::{EnvSecrets, SecretSource};
///
/// let secrets = EnvSecrets::new("NOTIFY_"); // `TWILIO_TOKEN` is read from `NOTIFY_TWILIO_TOKEN`
/// assert!(secrets.get("TWILIO_TOKEN")?.is_none());
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct EnvSecrets {
    prefix: String,
}

impl EnvSecrets {
    /// Variables whose names begin with `prefix`, which may be empty.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }
}

impl SecretSource for EnvSecrets {
    fn get(&self, name: &str) -> Result<Option<SecretString>> {
        let name = format!("{}{name}", self.prefix);
        match std::env::var(&name) {
            Ok(value) => Ok(Some(value.into())),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(not_text(&name)),
        }
    }
}

/// Secrets from files of one directory, one file each, as container platforms mount them.
///
/// One line break at the end of a file is not part of the secret. A name with anything but letters,
/// digits, `_`, `-` and `.`, or that begins with a dot, is refused, so that no name leads out of the
/// directory; links inside it are followed, since mounted secrets are links. Files above 64 KiB are
/// refused.
#[derive(Clone, Debug)]
pub struct FileSecrets {
    directory: PathBuf,
}

/// The largest secret that is read from a file, in bytes.
const FILE_MAX: u64 = 64 * 1_024;

impl FileSecrets {
    /// Where containers find their secrets.
    pub const DEFAULT_DIRECTORY: &str = "/run/secrets";

    /// The files of `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    fn read(path: &Path, name: &str) -> Result<Option<SecretString>> {
        let unavailable = |e: std::io::Error| {
            Error::new(
                ErrorKind::Unavailable,
                format!("cannot read secret `{name}`"),
            )
            .source(e)
        };
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(unavailable(e)),
        };
        let mut bytes = Vec::new();
        file.take(FILE_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(unavailable)?;
        if bytes.len() as u64 > FILE_MAX {
            let why = format!("secret `{name}` is larger than 64 KiB");
            return Err(Error::new(ErrorKind::Config, why));
        }
        let text = String::from_utf8(bytes).map_err(|_| not_text(name))?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Some(line.strip_suffix('\r').unwrap_or(line).into()))
    }
}

impl Default for FileSecrets {
    fn default() -> Self {
        Self::new(Self::DEFAULT_DIRECTORY)
    }
}

impl SecretSource for FileSecrets {
    fn get(&self, name: &str) -> Result<Option<SecretString>> {
        if !super::is_name(name) || name.starts_with('.') {
            return Err(Error::invalid("name", "is not the name of a secret file"));
        }
        Self::read(&self.directory.join(name), name)
    }
}

/// Secrets from memory, for tests and for what a vault has delivered. Clones share them.
#[derive(Clone, Default)]
pub struct StaticSecrets {
    secrets: Arc<RwLock<BTreeMap<String, SecretString>>>,
}

impl StaticSecrets {
    /// No secrets yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more secret.
    #[must_use]
    pub fn with(self, name: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        self.set(name, secret);
        self
    }

    /// Sets or rotates a secret: from now on this is what is returned.
    pub fn set(&self, name: impl Into<String>, secret: impl Into<SecretString>) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(name.into(), secret.into());
    }
}

impl SecretSource for StaticSecrets {
    fn get(&self, name: &str) -> Result<Option<SecretString>> {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        Ok(secrets.get(name).cloned())
    }
}

impl fmt::Debug for StaticSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(secrets.keys()).finish()
    }
}

/// Several sources, asked in order: the first that knows the name answers.
///
/// A source that fails ends the search with its error: falling through to an older secret because
/// the vault did not answer would be worse than failing.
#[derive(Clone, Debug, Default)]
pub struct ChainSecrets {
    sources: Vec<Arc<dyn SecretSource>>,
}

impl ChainSecrets {
    /// No source yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more source, asked after those before it.
    #[must_use]
    pub fn then(mut self, source: impl SecretSource) -> Self {
        self.sources.push(Arc::new(source));
        self
    }
}

impl SecretSource for ChainSecrets {
    fn get(&self, name: &str) -> Result<Option<SecretString>> {
        for source in &self.sources {
            if let Some(secret) = source.get(name)? {
                return Ok(Some(secret));
            }
        }
        Ok(None)
    }
}

fn not_text(name: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("secret `{name}` is not text in UTF-8"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret;
    use std::fs;

    fn get(source: &dyn SecretSource, name: &str) -> Option<String> {
        let secret = source.get(name).expect("readable");
        secret.map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn the_environment_is_read_under_its_prefix() {
        // Cargo sets this variable for tests.
        assert!(get(&EnvSecrets::new("CARGO_"), "MANIFEST_DIR").is_some());
        assert!(get(&EnvSecrets::default(), "CARGO_MANIFEST_DIR").is_some());
        assert_eq!(
            get(&EnvSecrets::new("NO_SUCH_PREFIX_"), "MANIFEST_DIR"),
            None
        );
    }

    #[test]
    fn a_file_loses_one_line_break_and_is_read_anew_each_time() {
        let folder = tempfile::tempdir().expect("folder");
        let source = FileSecrets::new(folder.path());
        assert_eq!(get(&source, "token"), None);
        for (written, read) in [("a\n", "a"), ("b\r\n", "b"), (" c \n\n", " c \n"), ("", "")] {
            fs::write(folder.path().join("token"), written).expect("written");
            assert_eq!(get(&source, "token").as_deref(), Some(read));
        }
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let folder = tempfile::tempdir().expect("folder");
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).expect("folder");
        fs::write(folder.path().join("outside"), "x").expect("written");
        let outside = folder.path().join("outside").to_string_lossy().into_owned();
        for name in [
            "../outside",
            "..",
            ".",
            "",
            ".hidden",
            "a/../../outside",
            "a\\b",
            &outside,
        ] {
            assert!(FileSecrets::new(&inner).get(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_file_that_is_no_secret_is_an_error_that_shows_nothing_of_it() {
        let folder = tempfile::tempdir().expect("folder");
        fs::write(folder.path().join("binary"), [b'x', b'y', 0xff]).expect("written");
        fs::write(folder.path().join("huge"), vec![b'z'; 65 * 1_024]).expect("written");
        fs::create_dir(folder.path().join("folder")).expect("folder");
        let source = FileSecrets::new(folder.path());
        for name in ["binary", "huge", "folder"] {
            let error = source.get(name).expect_err(name);
            assert!(error.to_string().contains(name) && !format!("{error:?}").contains("xy"));
        }
    }

    #[test]
    fn a_rotated_secret_is_returned_from_the_next_call_on() {
        let source = StaticSecrets::new().with("token", "old");
        let chain = ChainSecrets::new()
            .then(EnvSecrets::new("NO_SUCH_PREFIX_"))
            .then(source.clone());
        assert_eq!(get(&chain, "token").as_deref(), Some("old"));
        source.set("token", "new");
        assert_eq!(get(&chain, "token").as_deref(), Some("new"));
    }

    #[test]
    fn the_first_source_wins_and_a_failing_one_ends_the_search() {
        let (first, second) = (
            StaticSecrets::new().with("a", "1"),
            StaticSecrets::new().with("a", "2"),
        );
        assert_eq!(
            get(&ChainSecrets::new().then(first).then(second.clone()), "a").as_deref(),
            Some("1")
        );
        let broken = FileSecrets::new("/dev/null");
        assert!(
            ChainSecrets::new()
                .then(broken)
                .then(second)
                .get("a")
                .is_err()
        );
    }

    #[test]
    fn secrets_are_never_printed() {
        let source = StaticSecrets::new().with("token", "hunter2");
        let chain = ChainSecrets::new().then(source.clone());
        assert_eq!(format!("{source:?}"), r#"{"token"}"#);
        assert!(!format!("{chain:?} {:?}", source.get("token")).contains("hunter2"));
    }
}
