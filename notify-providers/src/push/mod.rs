//! Push to devices and browsers.

pub mod web_push;
