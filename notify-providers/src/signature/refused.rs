//! Why a signed request is not believed.

use notify_core::Error;
use notify_core::provider::WebhookError;
use std::fmt;

/// Why a request that says it comes from a vendor is not believed. The names in it are of headers,
/// fields and claims; values are never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its time lies further ahead than is tolerated: one of the two clocks is wrong.
    Early,
    /// Its time lies further back than is tolerated: late, or sent again by somebody else.
    Expired,
    /// A header, field or claim does not read.
    Malformed(&'static str),
    /// It was not signed with our key, or something was changed on its way.
    Mismatch,
    /// A header, field, claim or key is not there.
    Missing(&'static str),
    /// A version or an algorithm that is not supported.
    Unsupported(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Early => f.write_str("is dated in the future; compare the clocks"),
            Self::Expired => f.write_str("is too old; compare the clocks, or let it be sent anew"),
            Self::Malformed(what) => write!(f, "has a `{what}` that does not read"),
            Self::Mismatch => {
                f.write_str("does not match; compare the key, the address and the raw body")
            }
            Self::Missing(what) => write!(f, "has no `{what}`"),
            Self::Unsupported(what) => write!(f, "has a `{what}` that is not supported"),
        }
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::invalid("signature", refused.to_string())
    }
}

/// What is too old or too early is told from what was not signed: the former can be let go by a longer window.
impl From<Refused> for WebhookError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Early | Refused::Expired => Self::Stale,
            _ => Self::Unauthorized,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::ErrorKind;

    #[test]
    fn a_refusal_becomes_an_error_that_says_what_to_look_at() {
        let error = Error::from(Refused::Missing("webhook-id"));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.to_string(), "signature: has no `webhook-id`");
    }
}
