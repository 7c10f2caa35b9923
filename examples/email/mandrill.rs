//! Mail by Mandrill: a yes to the call, and what became of the address inside.
//!
//! ```sh
//! cargo run --example email_mandrill    # to Mandrill inside this program
//! NOTIFY_MANDRILL_DSN='mandrill://KEY@default?from=me@example.com' NOTIFY_MANDRILL_TO=you@example.com \
//!     cargo run --example email_mandrill    # to the real one
//! ```

use notify_examples::support::tell::{mails, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::mandrill::{DEAD, KEY, answer};
use notify_providers::email::mandrill::MandrillProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("MANDRILL")? {
        return mails(MandrillProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("mandrill://{KEY}@{server}?from=Garden%20Shop%20<shop@example.com>");
    mails(
        MandrillProvider::from_url(&dsn)?,
        &["ada@example.com", DEAD],
    )
    .await?;
    vendor.print("Mandrill");
    Ok(())
}
