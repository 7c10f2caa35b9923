//! Chats: one module for each service, and what their providers share.

#[cfg(feature = "_http")]
pub(crate) mod escape;
#[cfg(feature = "_http")]
#[allow(dead_code, reason = "each service uses its own part")]
mod post;
