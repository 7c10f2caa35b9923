//! What is logged while all of the tests of this program run, at every level, holds no secret: each of them listens.

use crate::suite::{Harness, Vendor as _};
use crate::support::canary;
use crate::twilio::Twilio;
use notify_core::provider::Envelope;
use notify_core::testkit::ProviderHarness as _;
use std::env;
use std::process::Command;

/// Says to the process below that it is to log a secret.
const LEAK: &str = "NOTIFY_LEAK_A_SECRET";

#[tokio::test]
async fn everything_that_is_logged_is_looked_at() {
    let before = canary::heard();
    let harness = Harness::<Twilio>::new();
    let envelope = Envelope::new("key", harness.address(), Twilio::message());
    let sent = harness.provider().send(&envelope).await;
    sent.expect("is taken");
    assert!(
        canary::heard() > before,
        "nothing was logged, not even by the HTTP client"
    );
}

#[test]
fn a_secret_in_a_log_ends_the_run() {
    let name = "logs::a_secret_in_a_log_ends_the_run";
    if env::var_os(LEAK).is_some() {
        canary::watch(Twilio::SECRETS);
        tracing::trace!(token = Twilio::SECRETS[0], "what nobody should do");
        return;
    }
    let child = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture"])
        .env(LEAK, "1")
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.code(), Some(101), "{said}");
    assert!(said.contains("logged the secret"), "{said}");
}
