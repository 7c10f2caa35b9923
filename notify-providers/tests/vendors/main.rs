//! Every vendor with an HTTP interface: the contract of providers, each way in which HTTP fails, and the vendor's own requests,
//! answers and webhooks.

#![cfg(feature = "_http")]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "with some vendors only, a part of what they share is used"
)]

#[path = "../support/mod.rs"]
mod support;

mod suite;

#[cfg(feature = "discord")]
mod discord;
#[cfg(feature = "_http")]
mod hostile;
#[cfg(feature = "sendgrid")]
mod sendgrid;
#[cfg(feature = "slack")]
mod slack;
#[cfg(feature = "teams")]
mod teams;
#[cfg(feature = "telegram")]
mod telegram;
#[cfg(feature = "twilio")]
mod twilio;
#[cfg(feature = "webhook")]
mod webhook;
#[cfg(feature = "whatsapp")]
mod whatsapp;
