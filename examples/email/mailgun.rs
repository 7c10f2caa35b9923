//! Mail by Mailgun: forms to a domain of the account, of either region.
//!
//! ```sh
//! cargo run --example email_mailgun    # to Mailgun inside this program
//! NOTIFY_MAILGUN_DSN='mailgun://KEY@default?domain=mg.example.com&from=me@mg.example.com' NOTIFY_MAILGUN_TO=you@example.com \
//!     cargo run --example email_mailgun    # to the real one
//! ```

use notify_examples::support::tell::{mails, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::mailgun::{DEAD, KEY, answer};
use notify_providers::email::mailgun::MailgunProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("MAILGUN")? {
        return mails(MailgunProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!(
        "mailgun://{KEY}@{server}?domain=mg.example.com&from=Garden%20Shop%20<shop@example.com>"
    );
    mails(MailgunProvider::from_url(&dsn)?, &["ada@example.com", DEAD]).await?;
    vendor.print("Mailgun");
    Ok(())
}
