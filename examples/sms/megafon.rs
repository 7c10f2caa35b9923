//! Text messages by MegaFon: also a no comes with the status of a yes.
//!
//! ```sh
//! cargo run --example sms_megafon    # to MegaFon inside this program
//! NOTIFY_MEGAFON_DSN='megafon://LOGIN:PASSWORD@default?from=Example' NOTIFY_MEGAFON_TO=+15550101 \
//!     cargo run --example sms_megafon    # to the real one
//! ```

use notify_examples::support::tell::{real, texts};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::megafon::{LOGIN, PASSWORD, answer};
use notify_providers::sms::megafon::MegafonProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("MEGAFON")? {
        return texts(MegafonProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("megafon://{LOGIN}:{PASSWORD}@{server}?from=Example");
    texts(
        MegafonProvider::from_url(&dsn)?,
        &["+79260000001", "+79260000002"],
    )
    .await?;
    vendor.print("MegaFon");
    Ok(())
}
