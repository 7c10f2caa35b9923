//! Whether and when a failed call is made again: pure arithmetic, and a budget over all calls of a provider.

mod budget;
mod policy;

pub use budget::RetryBudget;
pub use policy::RetryPolicy;
