//! The job of a schedule: one look at what is due.

use crate::error::Result;
use crate::orchestrator::{Ticked, tick};
use crate::queue::Lease;
use crate::worker::Shared;
use crate::worker::jobs::Step;

pub(super) async fn step(shared: &Shared, lease: &Lease) -> Result<Step> {
    let backoff = shared.options.backoff;
    let ticked = tick(&shared.parts, lease, backoff).await?;
    let now = shared.parts.clock.now();
    Ok(match ticked {
        Ticked::Moved => Step::Moved,
        Ticked::Changed => Step::Later(now),
        Ticked::Unserved(missing) => {
            tracing::warn!(missing = %missing, "this process cannot plan what is scheduled");
            shared.parts.unserved.job(lease, now);
            Step::Later(now + backoff)
        }
    })
}
