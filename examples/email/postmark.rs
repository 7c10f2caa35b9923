//! Mail by Postmark: an answer for each mail, and a list of its own of who is not written to.
//!
//! ```sh
//! cargo run --example email_postmark    # to Postmark inside this program
//! NOTIFY_POSTMARK_DSN='postmark://TOKEN@default?from=me@example.com' NOTIFY_POSTMARK_TO=you@example.com \
//!     cargo run --example email_postmark    # to the real one
//! ```

use notify_examples::support::tell::{mails, real};
use notify_examples::support::vendor::Vendor;
use notify_examples::support::vendor::postmark::{DEAD, TOKEN, answer};
use notify_providers::email::postmark::PostmarkProvider;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("POSTMARK")? {
        return mails(PostmarkProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    vendor.outage(1);
    let server = vendor.address();
    let dsn = format!("postmark://{TOKEN}@{server}?from=Garden%20Shop%20<shop@example.com>");
    mails(
        PostmarkProvider::from_url(&dsn)?,
        &["ada@example.com", DEAD],
    )
    .await?;
    vendor.print("Postmark");
    Ok(())
}
