//! Text messages by SMS.ru: also a no comes with the status of a yes.
//!
//! ```sh
//! cargo run --example sms_ru    # to SMS.ru inside this program
//! NOTIFY_SMS_RU_DSN='sms-ru://API_ID@default?from=Example' NOTIFY_SMS_RU_TO=+15550101 \
//!     cargo run --example sms_ru    # to the real one
//! ```

use notify_examples::support::tell::{real, texts};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::sms_ru::{API_ID, DEAD, answer};
use notify_providers::sms::sms_ru::SmsRuProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("SMS_RU")? {
        return texts(SmsRuProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("sms-ru://{API_ID}@{server}?from=Example");
    texts(SmsRuProvider::from_url(&dsn)?, &["+15550101", DEAD]).await?;
    vendor.print("SMS.ru");
    Ok(())
}
