//! A provider's failure as data: stored, shown, and read by retry, failover, breaker and suppression.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::message::WrongBody;

/// Whose fault a failed call was; everything that follows from a failure follows from this.
///
/// | kind | retry | next provider | breaker | address |
/// |---|---|---|---|---|
/// | `Recipient` | no | no | no | suppressed |
/// | `Request` | no | no | no | kept |
/// | `Provider` | yes | yes | counts | kept |
/// | `Config` | when mended | yes | opens until mended | kept |
/// | `Unknown` | by the category's rule | no | counts | kept |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "each rule of the table above must be thought through for each kind"
)]
pub enum FaultKind {
    /// This address is dead: no such mailbox, number or device.
    Recipient,
    /// The message is at fault: content, size, policy. It fails everywhere and always.
    Request,
    /// The provider is at fault, or asks for patience: outage, quota, mailbox full for now.
    Provider {
        /// How long it asked to be left alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<Duration>,
    },
    /// We are not allowed: credentials, account, sender identity. An operator must act.
    Config,
    /// It may have gone out: the answer was lost after the first byte.
    Unknown,
}

/// Why a provider did not take a message.
///
/// `code` is the vendor's code, or ours for what happened on the way (`timeout`, `connect`): a few words, no personal data.
///
/// ```
/// use notify_core::provider::{Fault, FaultKind};
///
/// let fault = Fault::recipient("5.1.1");
/// assert_eq!(fault.kind(), FaultKind::Recipient);
/// assert_eq!(fault.to_string(), "recipient fault 5.1.1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fault {
    #[serde(flatten)]
    kind: FaultKind,
    code: Cow<'static, str>,
}

/// The longest code that is kept, in characters.
const MAX_CODE: usize = 64;

impl Fault {
    /// A fault. The code is cut to 64 characters and loses everything but letters, digits and `._-:`, so that no address slips in.
    #[must_use]
    pub fn new(kind: FaultKind, code: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
        let code = if code.len() <= MAX_CODE && code.chars().all(clean) {
            code
        } else {
            let kept: String = code
                .chars()
                .map(|c| if clean(c) { c } else { '_' })
                .take(MAX_CODE)
                .collect();
            Cow::Owned(kept)
        };
        Self { kind, code }
    }

    /// The address is dead.
    #[must_use]
    pub fn recipient(code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::Recipient, code)
    }

    /// The message is at fault.
    #[must_use]
    pub fn request(code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::Request, code)
    }

    /// The provider is at fault or asks for patience.
    #[must_use]
    pub fn provider(code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::Provider { retry_after: None }, code)
    }

    /// The provider asks to be left alone for a while.
    #[must_use]
    pub fn retry_after(code: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        Self::new(
            FaultKind::Provider {
                retry_after: Some(wait),
            },
            code,
        )
    }

    /// We are not allowed.
    #[must_use]
    pub fn config(code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::Config, code)
    }

    /// It may have gone out.
    #[must_use]
    pub fn unknown(code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::Unknown, code)
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The vendor's code, or ours.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl FaultKind {
    /// The name in tables, metrics and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Request => "request",
            Self::Provider { .. } => "provider",
            Self::Config => "config",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fault {}", self.kind.as_str(), self.code)
    }
}

impl std::error::Error for Fault {}

impl From<WrongBody> for Fault {
    fn from(_: WrongBody) -> Self {
        Self::request("wrong_channel")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_cannot_carry_an_address() {
        let fault = Fault::request("no such user <ada@example.com>");
        assert!(!fault.code().contains('@') && fault.code().len() <= MAX_CODE);
    }

    #[test]
    fn a_fault_reads_back_from_json() {
        for fault in [
            Fault::recipient("5.1.1"),
            Fault::retry_after("429", Duration::from_secs(7)),
            Fault::unknown("timeout"),
        ] {
            let json = serde_json::to_string(&fault).expect("serialises");
            assert_eq!(serde_json::from_str::<Fault>(&json).expect("reads"), fault);
        }
    }
}
