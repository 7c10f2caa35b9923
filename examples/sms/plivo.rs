//! Text messages by Plivo: numbers that are none are named in the answer.
//!
//! ```sh
//! cargo run --example sms_plivo    # to Plivo inside this program
//! NOTIFY_PLIVO_DSN='plivo://AUTH_ID:TOKEN@default?from=+15550100' NOTIFY_PLIVO_TO=+15550101 \
//!     cargo run --example sms_plivo    # to the real one
//! ```

use notify_examples::support::tell::{real, texts};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::plivo::{ACCOUNT, DEAD, TOKEN, answer};
use notify_providers::sms::plivo::PlivoProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("PLIVO")? {
        return texts(PlivoProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("plivo://{ACCOUNT}:{TOKEN}@{server}?from=+15550100");
    texts(PlivoProvider::from_url(&dsn)?, &["+15550101", DEAD]).await?;
    vendor.print("Plivo");
    Ok(())
}
