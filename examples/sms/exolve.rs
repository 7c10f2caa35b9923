//! Text messages by MTS Exolve (once «МТС Коммуникатор»).
//!
//! ```sh
//! cargo run --example sms_exolve    # to MTS Exolve inside this program
//! NOTIFY_EXOLVE_DSN='exolve://KEY@default?from=79990000000' NOTIFY_EXOLVE_TO=+15550101 \
//!     cargo run --example sms_exolve    # to the real one
//! ```

use notify_examples::support::tell::{real, texts};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::exolve::{DEAD, KEY, answer};
use notify_providers::sms::exolve::ExolveProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("EXOLVE")? {
        return texts(ExolveProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("exolve://{KEY}@{server}?from=79990000000");
    texts(ExolveProvider::from_url(&dsn)?, &["+15550101", DEAD]).await?;
    vendor.print("MTS Exolve");
    Ok(())
}
