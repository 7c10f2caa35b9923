//! Mail by Brevo: a key with each mail, so that a second attempt is no second mail.
//!
//! ```sh
//! cargo run --example email_brevo    # to Brevo inside this program
//! NOTIFY_BREVO_DSN='brevo://KEY@default?from=me@example.com' NOTIFY_BREVO_TO=you@example.com \
//!     cargo run --example email_brevo    # to the real one
//! ```

use notify_examples::support::tell::{mails, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::brevo::{DEAD, KEY, answer};
use notify_providers::email::brevo::BrevoProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("BREVO")? {
        return mails(BrevoProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("brevo://{KEY}@{server}?from=Garden%20Shop%20<shop@example.com>");
    mails(BrevoProvider::from_url(&dsn)?, &["ada@example.com", DEAD]).await?;
    vendor.print("Brevo");
    Ok(())
}
