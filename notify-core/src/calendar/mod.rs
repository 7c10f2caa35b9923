//! Local time: days, times of day, weekly windows and time zones. Pure; the only place that knows what a change of clocks does.
//!
//! One rule covers both changes of clocks. A *window* is judged by what the clock on the wall shows, in both passes of an hour that
//! comes twice; a time that the clock jumps over never comes, so a window that would begin or end there does so at the jump. A
//! *time of a day* is the first instant at which the clock shows it or something later: the first of two passes, and the jump itself
//! where it is jumped over.

mod day;
mod week;
mod window;
mod zone;

pub use day::{Date, TimeOfDay, Weekday, Weekdays};
pub use week::Week;
pub use window::LocalWindow;
pub use zone::{Closed, Zone, first_open};

pub(crate) use zone::micros;

/// Microseconds in a minute.
const MINUTE: i64 = 60_000_000;
