//! A table of deliveries: where each stands, why, and what happened to it when.

use notify_core::delivery::{DeliveryEvent, EventKind};
use notify_core::{Delivery, DeliveryId, Orchestrator, Result};
use std::time::Duration;

const HEAD: [&str; 7] = [
    "notification",
    "to",
    "channel",
    "state",
    "reason",
    "calls",
    "what happened, and when",
];

/// Prints one line for each delivery.
///
/// # Errors
/// If one of them is not there.
pub async fn print(notify: &Orchestrator, deliveries: &[DeliveryId]) -> Result<()> {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for id in deliveries {
        rows.push(row(
            &notify.delivery(*id).await?,
            &notify.timeline(*id).await?,
        ));
    }
    let widths: Vec<_> = (0..HEAD.len())
        .map(|column| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in rows {
        let cells: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        println!("  {}", cells.join("  ").trim_end());
    }
    Ok(())
}

fn row(delivery: &Delivery, events: &[DeliveryEvent]) -> [String; 7] {
    let told = |event: &DeliveryEvent| {
        let after = readable(event.at.since(delivery.accepted_at));
        match (&event.fault, event.reason) {
            (Some(fault), _) => format!("{} {after} ({fault})", event.kind),
            (None, Some(reason)) => format!("{} {after} ({reason})", event.kind),
            (None, None) => format!("{} {after}", event.kind),
        }
    };
    let story: Vec<_> = events
        .iter()
        .filter(|event| event.kind != EventKind::Accepted)
        .map(told)
        .collect();
    [
        delivery.request.kind().to_owned(),
        delivery.recipient.to_string(),
        delivery.channel.to_string(),
        delivery.state.to_string(),
        delivery
            .reason
            .map(|reason| reason.to_string())
            .unwrap_or_default(),
        delivery.attempts.to_string(),
        story.join(", "),
    ]
}

/// `+12 ms`, `+1.4 s`.
#[must_use]
pub fn readable(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("+{} ms", time.as_millis())
    } else {
        format!("+{:.1} s", time.as_secs_f64())
    }
}
