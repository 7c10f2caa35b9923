//! What of an envelope goes into a vendor's metadata, and how a vendor's event finds its delivery again.

use notify_core::DeliveryId;
use notify_core::provider::Envelope;
use serde_json::Value;

/// The name of the delivery's id.
pub const DELIVERY: &str = "delivery_id";
/// The name of the notification's id.
pub const NOTIFICATION: &str = "notification_id";
/// The name of the tenant.
pub const TENANT: &str = "tenant";
/// The name of the category.
pub const CATEGORY: &str = "category";
/// The name of the caller's correlation id.
pub const CORRELATION: &str = "correlation_id";

/// What goes into a vendor's metadata, the most useful first, for vendors with room for a few only. Names are at most 15 characters
/// of `a-z` and `_`, which every vendor takes.
#[must_use]
pub fn of(envelope: &Envelope) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        (DELIVERY, envelope.delivery.to_string()),
        (NOTIFICATION, envelope.notification.to_string()),
        (TENANT, envelope.tenant.to_string()),
        (CATEGORY, envelope.category.to_string()),
    ];
    if let Some(id) = &envelope.correlation_id {
        pairs.push((CORRELATION, id.to_string()));
    }
    pairs
}

/// The delivery that an object of a vendor names; `None` if it is not one of ours.
#[must_use]
pub fn delivery(object: &Value) -> Option<DeliveryId> {
    object.get(DELIVERY)?.as_str()?.parse().ok()
}
