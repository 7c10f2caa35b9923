//! Mail: one module for each vendor, and what their providers share.

#[cfg(feature = "_http")]
mod batch;
#[cfg(feature = "brevo")]
pub mod brevo;
#[cfg(feature = "_http")]
mod date;
pub(crate) mod header;
#[cfg(feature = "_http")]
mod keys;
#[cfg(feature = "_http")]
mod labels;
#[cfg(feature = "_http")]
mod mail;
#[cfg(feature = "_http")]
mod mailbox;
#[cfg(feature = "mailgun")]
pub mod mailgun;
#[cfg(feature = "mandrill")]
pub mod mandrill;
#[cfg(feature = "postmark")]
pub mod postmark;
#[cfg(feature = "resend")]
pub mod resend;
#[cfg(feature = "sendgrid")]
pub mod sendgrid;
#[cfg(feature = "ses")]
pub mod ses;
#[cfg(feature = "_http")]
mod webhook_secret;

#[cfg(feature = "_http")]
pub use webhook_secret::WebhookSecret;
