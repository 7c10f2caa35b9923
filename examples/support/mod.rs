//! What several examples share: servers to send to, a folder to write to, a progress bar, a table of what happened.

pub mod garden;
pub mod http_sink;
pub mod progress;
pub mod smtp_sink;
pub mod tell;
pub mod timeline;
pub mod vendor;

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};

use notify_core::clock::{Clock as _, SystemClock};
use notify_core::notification::Priority;
use notify_core::{DeliveryId, Orchestrator, Result, SendReport};

/// Waits. Examples read no clock of their own.
pub async fn pause(time: Duration) {
    SystemClock::new().sleep(time).await;
}

/// The folder that an example writes to: its first argument, or `target/<name>` below the current one.
///
/// # Errors
/// If it cannot be made.
pub fn folder(name: &str) -> io::Result<PathBuf> {
    let default = || PathBuf::from("target").join(name);
    let folder = env::args_os().nth(1).map_or_else(default, PathBuf::from);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The folder with the templates of the examples.
#[must_use]
pub fn templates() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"))
}

/// The deliveries of one `send`.
#[must_use]
pub fn ids(report: &SendReport) -> Vec<DeliveryId> {
    report
        .deliveries
        .iter()
        .map(|delivery| delivery.id)
        .collect()
}

/// Waits until nothing is left to do for any of them.
///
/// # Errors
/// If one of them is not there.
pub async fn settled(notify: &Orchestrator, deliveries: &[DeliveryId]) -> Result<()> {
    for id in deliveries {
        while notify.delivery(*id).await?.state.is_open() {
            pause(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

/// How many deliveries of these lanes are accepted and not finished.
pub async fn waiting(notify: &Orchestrator, lanes: &[Priority]) -> usize {
    let depths = notify.health().await.lanes;
    let depths = depths
        .iter()
        .filter(|depth| lanes.contains(&depth.priority));
    let open: u64 = depths
        .map(|depth| depth.ready + depth.waiting + depth.in_flight)
        .sum();
    usize::try_from(open).unwrap_or(usize::MAX)
}
