//! Mail: one module for each vendor, and what their providers share.

pub(crate) mod header;
#[cfg(feature = "_http")]
mod mail;
#[cfg(feature = "sendgrid")]
pub mod sendgrid;
