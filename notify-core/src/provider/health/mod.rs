//! How providers are, for all processes: what each learned of them is kept with the store.

mod scope;
mod store;

pub use scope::Scope;
pub use store::{HealthPut, HealthStore, ProviderHealth};
