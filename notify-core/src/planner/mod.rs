//! Request and snapshot in, decisions out: pure, so that it can be explained without being executed and tested over years in a second.

mod decide;
mod digest;
mod feedback;
mod follow;
mod limits;
mod mail;
mod plan;
mod rules;
mod timing;

pub use decide::{Addressed, Deciding, Snapshot, Verdict, decide};
pub use digest::{Gathering, digest_rule, digest_until, merge};
pub use feedback::{CLIENT, Case, Change, Judgement, judge};
pub use follow::{follow, needed, safety_time};
pub use limits::{Budget, FrequencyCaps, Limit, LimitScope, limits};
pub use mail::MailDuties;
pub use plan::{Planned, Planning, Refusal, plan};
pub use rules::Rules;
