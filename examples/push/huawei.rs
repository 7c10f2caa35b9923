//! Push to Huawei's devices: a token for the application's secret, and messages by it.
//!
//! ```sh
//! cargo run --example push_huawei    # to Huawei inside this program
//! NOTIFY_HUAWEI_DSN='huawei://APP_ID:SECRET@default' NOTIFY_HUAWEI_TO=DEVICE_TOKEN \
//!     cargo run --example push_huawei    # to the real one
//! ```

use notify_examples::support::tell::{pushes, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::huawei::{APP, DEAD, SECRET, answer};
use notify_providers::push::huawei::HuaweiProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("HUAWEI")? {
        return pushes(HuaweiProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("huawei://{APP}:{SECRET}@{server}?token_url=http://{server}/oauth2/v3/token");
    pushes(HuaweiProvider::from_url(&dsn)?, &["IQAAAACy0ada", DEAD]).await?;
    vendor.print("Huawei");
    Ok(())
}
