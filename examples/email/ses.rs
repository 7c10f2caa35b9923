//! Mail by Amazon SES: each call is signed with the account's secret, which never leaves.
//!
//! ```sh
//! cargo run --example email_ses    # to Amazon SES inside this program
//! NOTIFY_SES_DSN='ses://KEY_ID:SECRET@default?region=eu-west-1&from=me@example.com' NOTIFY_SES_TO=you@example.com \
//!     cargo run --example email_ses    # to the real one
//! ```

use notify_examples::support::tell::{mails, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::ses::{DEAD, KEY, SECRET, answer};
use notify_providers::email::ses::SesProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("SES")? {
        return mails(SesProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!(
        "ses://{KEY}:{SECRET}@{server}?region=eu-west-1&from=Garden%20Shop%20<shop@example.com>"
    );
    mails(SesProvider::from_url(&dsn)?, &["ada@example.com", DEAD]).await?;
    vendor.print("Amazon SES");
    Ok(())
}
