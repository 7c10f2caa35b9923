//! What is planned: requests that are sent by a schedule, and what is held until its time.

mod held;
mod scheduled;
mod store;
mod stored;
mod target;
mod tick;

pub use held::{HeldMove, PendingQuery};
pub use scheduled::ScheduledRequest;
pub use store::{ScheduleChange, ScheduleFilter, ScheduleStore, TickChange};
pub use stored::{ScheduleFailure, StoredSchedule};
pub use target::{MAX_RECIPIENTS, ScheduleTarget};

pub(crate) use tick::Tick;
