//! Key files of vendors in a line of configuration.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use notify_core::secret::SecretString;
use notify_core::{Error, ErrorKind, Result};
use std::fs;

/// The content of a key file: of the file at `path`, else what stands in the line, as it is (JSON, PEM) or in base64 with padding.
///
/// # Errors
/// [`ErrorKind::Config`] if there is neither, or the file cannot be read. Shows neither key nor path.
pub(crate) fn read(text: Option<String>, path: Option<String>) -> Result<SecretString> {
    let error = |why| Error::new(ErrorKind::Config, why).field("key");
    match (text, path) {
        (None, Some(path)) => fs::read_to_string(path)
            .map(SecretString::from)
            .map_err(|e| error("the key file cannot be read").source(e)),
        (Some(text), None) => Ok(decode(&text).unwrap_or(text).into()),
        _ => Err(error("is missing, or comes twice in the dsn of a provider")),
    }
}

fn decode(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    String::from_utf8(bytes.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::secret::ExposeSecret as _;

    #[test]
    fn a_key_stands_in_the_line_or_in_a_file() {
        let key = "{\"a\":\"ü?>\"}\n";
        let path = tempfile::NamedTempFile::new().expect("a file");
        fs::write(path.path(), key).expect("writes");
        let path = path.path().to_str().expect("UTF-8").to_owned();
        for (text, path) in [
            (Some(key.to_owned()), None),
            (Some(STANDARD.encode(key)), None),
            (Some(URL_SAFE.encode(key)), None),
            (None, Some(path)),
        ] {
            assert_eq!(read(text, path).expect("reads").expose_secret(), key);
        }
    }

    #[test]
    fn a_key_that_is_missing_is_named_and_nothing_is_shown() {
        let hidden = || Some("/hunter2".to_owned());
        for (text, path) in [(None, None), (hidden(), hidden()), (None, hidden())] {
            let error = read(text, path).expect_err("no key");
            assert_eq!(error.field_name(), Some("key"));
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
