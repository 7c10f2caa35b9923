//! Chats: Slack, Discord, Telegram and their like.

pub(crate) mod escape;
