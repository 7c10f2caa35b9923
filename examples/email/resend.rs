//! Mail by Resend: a key with each mail, so that a second attempt is no second mail.
//!
//! ```sh
//! cargo run --example email_resend    # to Resend inside this program
//! NOTIFY_RESEND_DSN='resend://KEY@default?from=me@example.com' NOTIFY_RESEND_TO=you@example.com \
//!     cargo run --example email_resend    # to the real one
//! ```

use notify_examples::support::tell::{mails, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::resend::{DEAD, KEY, answer};
use notify_providers::email::resend::ResendProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("RESEND")? {
        return mails(ResendProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("resend://{KEY}@{server}?from=Garden%20Shop%20<shop@example.com>");
    mails(ResendProvider::from_url(&dsn)?, &["ada@example.com", DEAD]).await?;
    vendor.print("Resend");
    Ok(())
}
