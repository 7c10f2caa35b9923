//! Push to Apple's devices: HTTP/2, a token signed with the account's key, and a device that is gone.
//!
//! ```sh
//! cargo run --example push_apns    # to an APNs inside this program
//! NOTIFY_APNS_DSN='apns://KEY_ID@default?team=TEAM_ID&topic=com.example.app&key_file=AuthKey.p8' \
//!     NOTIFY_APNS_TO=DEVICE_TOKEN cargo run --example push_apns    # to the real one; `&sandbox=true` for builds of Xcode
//! ```

use notify_examples::support::tell::{pushes, real};
use notify_examples::support::vendor::apns::{DEAD, KEY_ID, TEAM_ID, TOPIC, answer};
use notify_examples::support::vendor::{Vendor, keys};
use notify_providers::http::HttpOptions;
use notify_providers::push::apns::ApnsProvider;
use std::error::Error;

const DEVICE: &str = "740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("APNS")? {
        return pushes(ApnsProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let options = HttpOptions::new().base_url(format!("http://{}", vendor.address()));
    let provider = ApnsProvider::builder(TOPIC, keys::p256()?, KEY_ID, TEAM_ID)
        .http(options)
        .build()?;
    pushes(provider, &[DEVICE, DEAD]).await?;
    vendor.print("Apple");
    Ok(())
}
