//! Where secrets come from, and the few settings that a deployment has to give.

mod settings;
mod sources;

pub use secrecy::{ExposeSecret, SecretString};
pub use settings::{Environment, Settings};
pub use sources::{ChainSecrets, EnvSecrets, FileSecrets, StaticSecrets};

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// Looks up secrets by name: environment, mounted files, or the application's own vault.
///
/// Configuration names secrets (`${TWILIO_TOKEN}`) instead of holding them, so that what is stored,
/// copied and printed is worth nothing by itself. See [`resolve_placeholders`].
///
/// # Contract
/// - Each call looks anew: a secret that was rotated is returned from the next call on.
/// - An unknown name is `None`; an error means that nothing is known about it.
/// - `Debug` and errors may show names, never values.
/// - A call may read a local file, but does not wait for a network: a vault is fetched in the
///   background by the application, and answered from memory here.
pub trait SecretSource: fmt::Debug + Send + Sync + 'static {
    /// The secret of this name, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the source cannot be read now;
    /// [`ErrorKind::Config`] if what it holds is not text.
    fn get(&self, name: &str) -> Result<Option<SecretString>>;
}

fn _object_safe(_: &dyn SecretSource) {}

/// Replaces each `${NAME}` in `text` by the secret of that name.
///
/// A text that is one placeholder and nothing else becomes the secret as it is: a whole DSN can be
/// one secret. Anywhere else the secret is percent-encoded (all but letters, digits and `-._~`), so
/// that a password may hold `@`, `/`, `&` or a space and the DSN still reads as what was meant. A
/// name has 1 to 100 letters, digits, `_`, `-` and `.`; a `$` without `{` is text; a `${` that is
/// meant as text is written `%24{`.
///
/// ```
/// use notify_core::secret::{ExposeSecret, StaticSecrets, resolve_placeholders};
///
/// let secrets = StaticSecrets::new().with("SMTP_PASSWORD", "p@ss/word");
/// let dsn = resolve_placeholders("smtps://ada:${SMTP_PASSWORD}@mail.example.com", &secrets)?;
/// assert_eq!(dsn.expose_secret(), "smtps://ada:p%40ss%2Fword@mail.example.com");
/// assert!(resolve_placeholders("${OTHER}", &secrets).is_err());
/// # Ok::<(), notify_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Config`] if a placeholder is not closed, its name is
/// impossible, or there is no such secret (the name is in the text); else what the source returned.
pub fn resolve_placeholders(text: &str, source: &dyn SecretSource) -> Result<SecretString> {
    if let Some(name) = sole_placeholder(text) {
        return secret(name, source);
    }
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| Error::new(ErrorKind::Config, "a placeholder `${` has no `}`"))?;
        resolved.push_str(before);
        percent_encode(secret(name, source)?.expose_secret(), &mut resolved);
        rest = after;
    }
    resolved.push_str(rest);
    Ok(resolved.into())
}

/// The name in a text that is one placeholder and nothing else.
pub(crate) fn sole_placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    is_name(name).then_some(name)
}

fn secret(name: &str, source: &dyn SecretSource) -> Result<SecretString> {
    if !is_name(name) {
        // Not printed: what is in the wrong place may be a secret.
        let why = "the name in a placeholder must have 1 to 100 letters, digits, `_`, `-` and `.`";
        return Err(Error::new(ErrorKind::Config, why));
    }
    let missing = || Error::new(ErrorKind::Config, format!("secret `{name}` is not set"));
    source.get(name)?.ok_or_else(missing)
}

fn is_name(name: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    (1..=100).contains(&name.len()) && name.bytes().all(allowed)
}

fn percent_encode(secret: &str, out: &mut String) {
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resolve(text: &str, source: &StaticSecrets) -> Result<String> {
        resolve_placeholders(text, source).map(|text| text.expose_secret().to_owned())
    }

    #[test]
    fn a_whole_dsn_can_be_one_secret() {
        let source = StaticSecrets::new().with("DSN", "smtp://a:b@c");
        assert_eq!(resolve("${DSN}", &source).expect("set"), "smtp://a:b@c");
    }

    #[test]
    fn several_placeholders_are_replaced_and_other_dollars_are_text() {
        let source = StaticSecrets::new().with("A", "1").with("B", "a b");
        let text = resolve("x://${A}:${B}@h/$?q=${A}", &source).expect("set");
        assert_eq!(text, "x://1:a%20b@h/$?q=1");
    }

    #[test]
    fn a_secret_is_not_searched_for_placeholders() {
        let source = StaticSecrets::new().with("A", "${B}").with("B", "b");
        assert_eq!(resolve("x${A}", &source).expect("set"), "x%24%7BB%7D");
    }

    #[test]
    fn errors_name_the_secret_and_never_what_stands_in_its_place() {
        let source = StaticSecrets::new();
        let error = resolve("x://${TOKEN}@h", &source).expect_err("not set");
        assert_eq!(error.to_string(), "secret `TOKEN` is not set");
        let long = format!("${{{}}}", "hunter2".repeat(20));
        for bad in [
            "x://${hunter2",
            "x://${hunter2 !}",
            "x://${}@hunter2",
            &long,
        ] {
            let error = resolve(bad, &source).expect_err("malformed");
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn text_without_placeholders_stays_as_it_is(text in "[^$]{0,40}") {
            prop_assert_eq!(resolve(&text, &StaticSecrets::new()).expect("plain"), text);
        }

        #[test]
        fn an_encoded_secret_has_no_character_with_a_meaning_in_a_dsn(secret in "\\PC{0,20}") {
            let text = resolve("x${S}", &StaticSecrets::new().with("S", secret)).expect("set");
            prop_assert!(text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~%".contains(&c)));
        }
    }
}
