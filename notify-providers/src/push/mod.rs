//! Push: one module for each vendor, and what their providers share.
//!
//! Every provider sends to one device a call, and puts the notification's id and its category into the data of each message, under
//! `notification_id` and `category`; what a click opens is there as `click_action`. The application on the device reports with them
//! what became of the message: neither Apple nor Google does, so FCM, APNs and Web Push have no webhooks. What they know about a
//! device is in their answer. Huawei sends receipts.

#[cfg(feature = "apns")]
pub mod apns;
#[cfg(feature = "fcm")]
pub mod fcm;
#[cfg(feature = "huawei")]
pub mod huawei;
#[cfg(feature = "_http")]
mod join;
#[cfg(feature = "_http")]
mod key;
#[cfg(feature = "_http")]
mod note;
#[cfg(feature = "_http")]
mod section;
#[cfg(feature = "_http")]
mod target;
#[cfg(feature = "_http")]
mod token;
#[cfg(feature = "web_push")]
pub mod web_push;
