//! Text messages by SMSC.ru: also a no comes with the status of a yes.
//!
//! ```sh
//! cargo run --example sms_smsc    # to SMSC.ru inside this program
//! NOTIFY_SMSC_DSN='smsc://LOGIN:PASSWORD@default?from=Example' NOTIFY_SMSC_TO=+15550101 \
//!     cargo run --example sms_smsc    # to the real one
//! ```

use notify_examples::support::tell::{real, texts};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::smsc::{DEAD, LOGIN, PASSWORD, answer};
use notify_providers::sms::smsc::SmscProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("SMSC")? {
        return texts(SmscProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("smsc://{LOGIN}:{PASSWORD}@{server}?from=Example");
    texts(SmscProvider::from_url(&dsn)?, &["+15550101", DEAD]).await?;
    vendor.print("SMSC.ru");
    Ok(())
}
