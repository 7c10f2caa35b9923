//! Providers and their composition written as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::provider::routing::Renamed;
use crate::provider::{Provider, Routing};

/// What turns the text of one DSN into a provider.
type Make = Arc<dyn Fn(&str) -> Result<Arc<dyn Provider>> + Send + Sync>;

/// The schemes that are known, and how a DSN of each becomes a provider. A value: nothing global.
///
/// A DSN is a URL, `scheme://…`; what follows the scheme is the maker's business. Composed:
///
/// - `a || b` asks `a`, and `b` if `a` cannot: it fails over;
/// - `a && b` shares the load, and either stands in for the other;
/// - `3*a && b` shares it three to one; a weight has a meaning next to `&&` only;
/// - `&&` binds tighter: `a || b && c` is `a`, else one of `b` and `c`.
///
/// Each may end in `#name`, which names the provider: `twilio://…#backup` is `backup`, so that two
/// accounts of one vendor can be told apart. A name has letters, digits, `_`, `-` and `.`.
///
/// The operators stand between spaces, and a DSN holds none (`%20`), so a password may hold `&&`,
/// `||` and `*` as they are, while a `#` in it is written `%23`.
///
/// ```
/// use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt, Routing, Schemes};
/// use notify_core::{ChannelId, ProviderName};
///
/// #[derive(Debug)]
/// struct Null(ProviderName, Capabilities);
///
/// #[async_trait::async_trait]
/// impl Provider for Null {
///     fn name(&self) -> &ProviderName { &self.0 }
///     fn capabilities(&self) -> &Capabilities { &self.1 }
///     async fn send(&self, _: &Envelope) -> Result<Receipt, Fault> { Ok(Receipt::new()) }
/// }
///
/// let schemes = Schemes::default().with("null", |dsn| {
///     let name = ProviderName::from(&dsn["null://".len()..]);
///     Ok(Null(name, Capabilities::for_channel(ChannelId::SMS)))
/// });
/// let (routing, providers) = schemes.parse("null://main || 2*null://a && null://b")?;
/// assert_eq!(providers.len(), 3);
/// let shared = Routing::spread([(2, Routing::one("a")), (1, Routing::one("b"))]);
/// assert_eq!(routing, Routing::failover([Routing::one("main"), shared]));
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Schemes {
    makers: BTreeMap<String, Make>,
}

impl Schemes {
    /// No scheme yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more scheme; one of the same name is replaced. Schemes are compared in lower case.
    ///
    /// `make` is given the whole DSN, with its scheme, without `#name`. Of its error only the field's name is passed
    /// on, so that no secret gets into a log.
    #[must_use]
    pub fn with<P: Provider>(
        mut self,
        scheme: impl Into<String>,
        make: impl Fn(&str) -> Result<P> + Send + Sync + 'static,
    ) -> Self {
        let make = move |dsn: &str| make(dsn).map(|made| Arc::new(made) as Arc<dyn Provider>);
        self.makers
            .insert(scheme.into().to_ascii_lowercase(), Arc::new(make));
        self
    }

    /// These and `others`, which win where both know a scheme.
    #[must_use]
    pub fn merge(mut self, others: Self) -> Self {
        self.makers.extend(others.makers);
        self
    }

    /// The names of the schemes, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.makers.keys().map(String::as_str)
    }

    /// The provider of a single DSN.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the scheme is not known or its maker
    /// refused the DSN. The text names the scheme and nothing else of the DSN.
    pub fn provider(&self, dsn: &str) -> Result<Arc<dyn Provider>> {
        let scheme = scheme(dsn)?;
        let (dsn, name) = named(dsn);
        let Some(make) = self.makers.get(&scheme) else {
            let known: Vec<_> = self.names().collect();
            let why = format!("scheme `{scheme}` is not known, only: {}", known.join(", "));
            return Err(Error::new(ErrorKind::Config, why));
        };
        let made = make(dsn).map_err(|refused| {
            let why = format!("a dsn of scheme `{scheme}` is not acceptable");
            let error = Error::new(ErrorKind::Config, why);
            match refused.field_name().filter(|field| is_identifier(field)) {
                Some(field) => error.field(field),
                None => error,
            }
        })?;
        Ok(match name {
            Some(name) => Renamed::wrap(made, name.into()),
            None => made,
        })
    }

    /// The providers of a composition, in the order in which they are written, and their routing.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] as for [`provider`](Self::provider), and if
    /// an operator has nothing on one side, a weight is not next to `&&`, two providers have the same
    /// name, or the routing is not [valid](Routing::validate).
    pub fn parse(&self, text: &str) -> Result<(Routing, Vec<Arc<dyn Provider>>)> {
        let words: Vec<_> = text.split_whitespace().collect();
        let mut providers = Vec::new();
        let mut parts = Vec::new();
        for alternative in words.split(|word| *word == "||") {
            parts.push(self.shared(alternative, &mut providers)?);
        }
        let routing = match <[Routing; 1]>::try_from(parts) {
            Ok([only]) => only,
            Err(parts) => Routing::Failover(parts),
        };
        let mut seen = BTreeSet::new();
        if let Some(twice) = providers.iter().find(|made| !seen.insert(made.name())) {
            let why = format!(
                "two providers are called `{}`: add `#name` to one",
                twice.name()
            );
            return Err(Error::new(ErrorKind::Config, why));
        }
        routing.validate()?;
        Ok((routing, providers))
    }

    /// `a && 3*b && c`.
    fn shared(&self, words: &[&str], made: &mut Vec<Arc<dyn Provider>>) -> Result<Routing> {
        let config = |why: &str| Error::new(ErrorKind::Config, why);
        let mut parts = Vec::new();
        for word in words.split(|word| *word == "&&") {
            let [word] = word else {
                let why = "between ` || ` and ` && ` there must be one dsn, without spaces";
                return Err(config(why));
            };
            let (weight, dsn) = weighted(word);
            let provider = self.provider(dsn)?;
            parts.push((weight, Routing::One(provider.name().clone())));
            made.push(provider);
        }
        if let [(weight, only)] = parts.as_slice() {
            return match weight {
                None => Ok(only.clone()),
                Some(_) => Err(config("a weight has a meaning between ` && ` only")),
            };
        }
        Ok(Routing::spread(
            parts
                .into_iter()
                .map(|(weight, part)| (weight.unwrap_or(1), part)),
        ))
    }
}

impl fmt::Debug for Schemes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.makers.keys()).finish()
    }
}

/// What stands behind the last `#`, if it is a name.
fn named(dsn: &str) -> (&str, Option<&str>) {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    match dsn.rsplit_once('#') {
        Some((dsn, name)) if !name.is_empty() && name.bytes().all(allowed) => (dsn, Some(name)),
        _ => (dsn, None),
    }
}

/// A scheme begins with a letter, so digits and a star before it are a weight.
fn weighted(word: &str) -> (Option<u32>, &str) {
    let weight = |(digits, dsn): (&str, &'_ str)| Some((digits.parse().ok()?, dsn.len()));
    match word.split_once('*').and_then(weight) {
        Some((weight, length)) => (Some(weight), &word[word.len() - length..]),
        None => (None, word),
    }
}

/// The scheme in lower case. What does not look like one is not printed: it may be a secret.
fn scheme(dsn: &str) -> Result<String> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.');
    let is_scheme = |scheme: &&str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.len() <= 40
            && scheme.bytes().all(allowed)
    };
    let scheme = dsn
        .split_once("://")
        .map(|(scheme, _)| scheme)
        .filter(is_scheme);
    let missing = || {
        Error::new(
            ErrorKind::Config,
            "a dsn must begin with its scheme and `://`",
        )
    };
    scheme.map(str::to_ascii_lowercase).ok_or_else(missing)
}

/// Whether a field's name is one, and not a value that got there by mistake.
fn is_identifier(field: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_lowercase() || matches!(c, b'_' | b'.');
    (1..=32).contains(&field.len()) && field.bytes().all(allowed)
}
