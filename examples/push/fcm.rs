//! Push by Firebase: a token for the key file's signature, shared by all messages, and a device that is gone.
//!
//! ```sh
//! cargo run --example push_fcm    # to a Firebase inside this program
//! NOTIFY_FCM_DSN='fcm://default?key_file=service-account.json' NOTIFY_FCM_TO=DEVICE_TOKEN \
//!     cargo run --example push_fcm    # to the real one; with `&validate_only=true` nothing is shown
//! ```

use notify_examples::support::tell::{pushes, real};
use notify_examples::support::vendor::fcm::{DEAD, PROJECT, answer};
use notify_examples::support::vendor::{Vendor, keys};
use notify_providers::http::HttpOptions;
use notify_providers::push::fcm::FcmProvider;
use serde_json::json;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some((dsn, to)) = real("FCM")? {
        return pushes(FcmProvider::from_url(&dsn)?, &[&to]).await;
    }
    let vendor = Vendor::start(answer)?;
    let base = format!("http://{}", vendor.address());
    // The key file that the console of Google Cloud gives for a service account.
    let key_file = json!({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "0a1b2c3d",
        "private_key": keys::rsa()?,
        "client_email": "push@shop-1.iam.gserviceaccount.com",
        "token_uri": format!("{base}/token"),
    });
    let options = HttpOptions::new().base_url(base);
    let provider = FcmProvider::builder(key_file.to_string())
        .http(options)
        .build()?;
    pushes(provider, &["ada-instance:APA91bExample", DEAD]).await?;
    vendor.print("Firebase");
    println!("One of its answers was the token that the others were asked with.");
    Ok(())
}
