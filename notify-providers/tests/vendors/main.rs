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

#[cfg(feature = "apns")]
mod apns;
#[cfg(feature = "brevo")]
mod brevo;
#[cfg(feature = "discord")]
mod discord;
#[cfg(feature = "exolve")]
mod exolve;
#[cfg(feature = "fcm")]
mod fcm;
#[cfg(feature = "_http")]
mod hostile;
#[cfg(feature = "huawei")]
mod huawei;
#[cfg(feature = "twilio")]
mod logs;
#[cfg(feature = "mailgun")]
mod mailgun;
#[cfg(feature = "mandrill")]
mod mandrill;
#[cfg(feature = "megafon")]
mod megafon;
#[cfg(feature = "message_bird")]
mod message_bird;
#[cfg(feature = "plivo")]
mod plivo;
#[cfg(feature = "postmark")]
mod postmark;
#[cfg(feature = "resend")]
mod resend;
#[cfg(feature = "sendgrid")]
mod sendgrid;
#[cfg(feature = "ses")]
mod ses;
#[cfg(feature = "slack")]
mod slack;
#[cfg(feature = "sms_ru")]
mod sms_ru;
#[cfg(feature = "smsc")]
mod smsc;
#[cfg(feature = "sns")]
mod sns;
#[cfg(feature = "teams")]
mod teams;
#[cfg(feature = "telegram")]
mod telegram;
#[cfg(feature = "twilio")]
mod twilio;
#[cfg(feature = "vonage")]
mod vonage;
#[cfg(feature = "web_push")]
mod web_push;
#[cfg(feature = "webhook")]
mod webhook;
#[cfg(feature = "whatsapp")]
mod whatsapp;
