//! Push to browsers by Web Push: RFC 8030 (protocol), RFC 8291 (encryption), RFC 8292 (who sends).
//!
//! Besides its [`WebPushProvider`] an application needs two things: a [`VapidKey`], made once and kept,
//! whose public half the page gives to the browser; and the [`PushSubscription`] that the browser
//! answers with, as JSON the address.
//!
//! ```
//! use notify_providers::push::web_push::{PushSubscription, VapidKey};
//!
//! // Once: keep the private half as a secret, give the public half to the page.
//! let key = VapidKey::generate()?;
//! let secret = key.private_key();
//! let page = format!("registration.pushManager.subscribe({{applicationServerKey: \"{}\"}})", key.public_key());
//!
//! // Later: the same key again.
//! assert_eq!(VapidKey::from_private_key(&secret)?.public_key(), key.public_key());
//!
//! // What `JSON.stringify(subscription)` gave in the browser.
//! let subscription = PushSubscription::from_json(r#"{
//!     "endpoint": "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
//!     "keys": {
//!         "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
//!         "auth": "BTBZMqHH6r4Tts7J_aSIgg"
//!     }
//! }"#)?;
//! assert_eq!(subscription.origin(), "https://push.example.net");
//! # Ok::<(), notify_core::Error>(())
//! ```

mod builder;
pub(crate) mod encrypt;
mod fault;
mod provider;
mod subscription;
pub(crate) mod vapid;
mod wire;

pub use builder::{BROWSER_SERVICES, WebPushBuilder};
pub use encrypt::MAX_PAYLOAD;
pub use provider::WebPushProvider;
pub use subscription::PushSubscription;
pub use vapid::VapidKey;
