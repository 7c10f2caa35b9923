//! Text messages: one module for each vendor; how long a text is, how it is made to fit, and what it costs.
//!
//! The latter is arithmetic on texts and numbers: an application can say what a message will cost
//! before it sends one.
//!
//! ```
//! use notify_core::channel::Overflow;
//! use notify_providers::sms::{Encoding, PriceTable, Transliteration, count_segments, fit};
//!
//! let text = "Ваш заказ №1042 отправлен и будет доставлен завтра с 10 до 14 часов. Спасибо!";
//! let segments = count_segments(text);
//! assert_eq!((segments.encoding, segments.count), (Encoding::Ucs2, 2));
//!
//! // The same in Latin letters takes one.
//! let latin = Transliteration::new().cyrillic().apply(text);
//! assert_eq!(latin, "Vash zakaz No.1042 otpravlen i budet dostavlen zavtra s 10 do 14 chasov. Spasibo!");
//! assert_eq!(count_segments(&latin).count, 1);
//!
//! // Prices in millionths of the account's currency, by the beginning of the number.
//! let prices = PriceTable::new().with("+7", 38_000)?.with("+49", 75_000)?;
//! assert_eq!(prices.cost("+79991234567", segments), Some(76_000));
//! assert_eq!(prices.cost("+15550100", segments), None);
//!
//! // Advertising may be cut to what one segment takes; anything else is split or refused.
//! let fitted = fit(&latin, Overflow::Truncate)?;
//! assert!(!fitted.is_cut);
//! # Ok::<(), notify_core::Error>(())
//! ```

#[cfg(feature = "_http")]
mod balance;
#[cfg(feature = "_http")]
mod batch;
#[cfg(feature = "_http")]
mod callback;
#[cfg(feature = "exolve")]
pub mod exolve;
#[cfg(feature = "_http")]
#[cfg_attr(
    not(feature = "full"),
    allow(
        unused_imports,
        unused_macros,
        reason = "each vendor uses its own part"
    )
)]
mod gateway;
mod length;
#[cfg(feature = "megafon")]
pub mod megafon;
#[cfg(feature = "message_bird")]
pub mod message_bird;
#[cfg(feature = "_http")]
mod opt_out;
#[cfg(feature = "_http")]
mod outcome;
pub(crate) mod phone;
#[cfg(feature = "plivo")]
pub mod plivo;
mod price;
mod segment;
#[cfg(feature = "sms_ru")]
pub mod sms_ru;
#[cfg(feature = "smsc")]
pub mod smsc;
#[cfg(feature = "sns")]
pub mod sns;
#[cfg(feature = "_http")]
mod text;
mod transliterate;
#[cfg(feature = "twilio")]
pub mod twilio;
#[cfg(feature = "vonage")]
pub mod vonage;

#[cfg(feature = "_http")]
pub use balance::Balance;
pub use length::{Fitted, fit};
pub use price::PriceTable;
pub use segment::{Encoding, Segments, count_segments, not_gsm7, split_segments};
pub use transliterate::Transliteration;
