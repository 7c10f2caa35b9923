//! Addresses in the form that SMTP takes: domains in ASCII, local parts as they are.

use notify_core::Error;
use notify_core::channel::Mailbox;

/// A mailbox of an SMTP envelope (RFC 5321 §4.1.2). The domain is in its ASCII form (RFC 5891).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Path {
    whole: String,
    at: usize,
}

impl Path {
    /// Reads `local@domain`; `None` if the domain has no ASCII form or the address would break out
    /// of its brackets.
    pub(crate) fn of(address: &str) -> Option<Self> {
        let (local, domain) = address.rsplit_once('@')?;
        let domain = idna::domain_to_ascii(domain).ok()?;
        let safe = |c: char| {
            !c.is_control()
                && !c.is_whitespace()
                && !matches!(
                    c,
                    '<' | '>' | '@' | '"' | '\\' | '(' | ')' | ',' | ';' | ':'
                )
        };
        if local.is_empty()
            || domain.is_empty()
            || !local.chars().all(safe)
            || !domain.chars().all(safe)
        {
            return None;
        }
        Some(Self {
            at: local.len(),
            whole: format!("{local}@{domain}"),
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.whole
    }

    pub(crate) fn local(&self) -> &str {
        &self.whole[..self.at]
    }

    pub(crate) fn domain(&self) -> &str {
        &self.whole[self.at + 1..]
    }
}

/// The same mailbox as lettre writes it.
///
/// # Errors
/// [`ErrorKind::Invalid`](notify_core::ErrorKind::Invalid) if the name or the address cannot stand
/// in a header.
pub(crate) fn mailbox(mailbox: &Mailbox) -> Result<lettre::message::Mailbox, Error> {
    // The fields are public and deserialised, so what the constructor checked may no longer hold.
    let checked = Mailbox::new(mailbox.name.as_str(), mailbox.email.as_str())?;
    let invalid = || Error::invalid("mailbox", "is not an address that mail can be sent from");
    let path = Path::of(&checked.email).ok_or_else(invalid)?;
    let address = lettre::Address::new(path.local(), path.domain()).map_err(|_| invalid())?;
    let name = checked.name.trim();
    Ok(lettre::message::Mailbox::new(
        (!name.is_empty()).then(|| name.to_owned()),
        address,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_written_in_ascii_and_a_local_part_as_it_is() {
        let path = Path::of("почта@пример.рф").expect("reads");
        assert_eq!(path.local(), "почта");
        assert_eq!(path.domain(), "xn--e1afmkfd.xn--p1ai");
        assert_eq!(
            Path::of("Ada@Example.COM").expect("reads").as_str(),
            "Ada@example.com"
        );
    }

    #[test]
    fn an_address_cannot_break_out_of_its_brackets() {
        for bad in [
            "a>b@example.com",
            "a b@example.com",
            "a\r\nRCPT@example.com",
            "@example.com",
            "a@",
            "a",
            "\"a\"@example.com",
        ] {
            assert!(Path::of(bad).is_none(), "{bad}");
        }
    }
}
