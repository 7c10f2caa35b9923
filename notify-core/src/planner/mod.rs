//! Request and snapshot in, decisions out: pure, so that it can be explained without being executed and tested over years in a second.

mod decide;
mod follow;
mod plan;
mod rules;

pub use decide::{Addressed, Snapshot, Verdict, decide};
pub use follow::{follow, needed, safety_time};
pub use plan::{Planned, Planning, plan};
pub use rules::Rules;
