//! Chats and webhooks: one module for each service, and what their providers share.
//!
//! Each module has its `CHANNEL`, the `SCHEME` of its addresses, and `channel()` for the application's list of channels.
//!
//! - The text of a message is plain: it is escaped for the service's markup, and nobody is called by an `@everyone` in it.
//! - A text that is too long is cut and ends with `…`, since a warning that was cut is worth more than none; builders have
//!   `refuse_long_texts` for those who see it differently.
//! - [`blocks`](notify_core::channel::ChatMessage::blocks) are passed on as they are. They are the application's own words: what other
//!   people wrote must not get into them unescaped.
//! - The URL of a webhook is a secret. It can be an address; better, the application gives it a name in the configuration of the
//!   provider, and the name is the address.

#[cfg(feature = "_http")]
#[cfg_attr(
    not(feature = "full"),
    allow(
        unused_imports,
        unused_macros,
        reason = "each service uses its own part"
    )
)]
mod common;
#[cfg(feature = "discord")]
pub mod discord;
#[cfg(feature = "_http")]
pub(crate) mod escape;
#[cfg(feature = "_http")]
mod named;
#[cfg(feature = "_http")]
mod post;
#[cfg(feature = "slack")]
pub mod slack;
#[cfg(feature = "teams")]
pub mod teams;
#[cfg(feature = "telegram")]
pub mod telegram;
#[cfg(feature = "webhook")]
pub mod webhook;
#[cfg(feature = "whatsapp")]
pub mod whatsapp;
