//! Text messages by Vonage (once Nexmo): also a no comes with the status of a yes.
//!
//! ```sh
//! cargo run --example sms_vonage    # to Vonage inside this program
//! NOTIFY_VONAGE_DSN='vonage://KEY:SECRET@default?from=Example' NOTIFY_VONAGE_TO=+15550101 \
//!     cargo run --example sms_vonage    # to the real one
//! ```

use notify_examples::support::tell::{real, texts};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::vonage::{KEY, SECRET, answer};
use notify_providers::sms::vonage::VonageProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("VONAGE")? {
        return texts(VonageProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("vonage://{KEY}:{SECRET}@{server}?from=Example");
    texts(VonageProvider::from_url(&dsn)?, &["+15550101", "+15550102"]).await?;
    vendor.print("Vonage");
    Ok(())
}
