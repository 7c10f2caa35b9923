//! One address of a delivery: what happened to it, and what is fixed once the first call is begun.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::delivery::{Called, Doubt};
use crate::id::Locale;
use crate::provider::Fault;

/// What happened to one address of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "the state of a delivery is folded over these"
)]
pub enum TargetState {
    /// To be sent, or sent again.
    Open,
    /// A provider took it.
    Sent {
        /// The provider's id of the message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
    },
    /// It will not arrive.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// It may have gone out.
    Unknown,
}

/// One address of a delivery. Fixed at the first call, so that a retry goes only to what is still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Target {
    /// Its number within the delivery: part of the idempotency key.
    pub no: u16,
    /// Where it goes.
    pub address: Address,
    /// What happened to it.
    #[serde(flatten)]
    pub state: TargetState,
}

impl Target {
    /// An address nothing has happened to yet.
    #[must_use]
    pub const fn new(no: u16, address: Address) -> Self {
        Self {
            no,
            address,
            state: TargetState::Open,
        }
    }

    /// Whether it is still to be sent.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, TargetState::Open)
    }
}

/// What is fixed at the first call of a provider, so that every later attempt says the same to the same addresses:
/// providers refuse an idempotency key that comes back with another body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Frozen {
    /// The addresses.
    pub targets: Vec<Target>,
    /// The language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The zone that times are shown in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The release of templates, partials and translations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<u128>,
    /// The last call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<Called>,
    /// The call that nobody knows the outcome of, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}

impl Frozen {
    /// These addresses, and nothing else fixed.
    #[must_use]
    pub const fn new(targets: Vec<Target>) -> Self {
        Self {
            targets,
            locale: None,
            zone: None,
            release: None,
            called: None,
            doubt: None,
        }
    }

    /// Nobody knows what came of the last call.
    pub fn doubt_last_call(&mut self) {
        if let Some(called) = &self.called {
            self.doubt = Some(Doubt::of(called, self.doubt.as_ref()));
        }
    }
}
