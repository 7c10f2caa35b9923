//! Push: one module for each vendor, and what their providers share.

#[cfg(feature = "_http")]
#[allow(dead_code, reason = "each vendor uses its own part")]
mod note;
#[cfg(feature = "web_push")]
pub mod web_push;
