//! Valid things to begin with: recipients, requests, notifications and messages, which a test then changes.

use serde_json::json;
use std::sync::Arc;

use crate::channel::{EmailMessage, InAppMessage};
use crate::clock::Timestamp;
use crate::id::{CategoryId, ChannelId, DeliveryId, IdGenerator, RecipientId, TenantId};
use crate::inbox::NewInboxItem;
use crate::message::Message;
use crate::notification::{NotificationRequest, RequestHash};
use crate::queue::{Acceptance, NewDelivery};
use crate::recipient::Recipient;

/// The tenant that most clauses act for.
#[must_use]
pub fn tenant() -> TenantId {
    TenantId::new("acme")
}

/// A tenant that must not notice.
#[must_use]
pub fn other_tenant() -> TenantId {
    TenantId::new("globex")
}

/// A recipient with a mailbox, a phone number, a device, a language, a zone and a name.
#[must_use]
pub fn recipient(id: &str) -> Recipient {
    Recipient::new(id)
        .with_email(&format!("{}@example.com", mailbox(id)))
        .with_phone("+15550100")
        .with_address(crate::address::Address::device(format!("device of {id}")))
        .with_locale("pt-BR")
        .with_zone("America/Sao_Paulo")
        .with_attribute("name", format!("Name of {id}"))
}

/// What of an id can stand before the `@`.
fn mailbox(id: &str) -> String {
    let kept: String = id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(40)
        .collect();
    if kept.is_empty() {
        "nobody".to_owned()
    } else {
        kept
    }
}

/// A request with data and without a key.
///
/// # Panics
/// Never: its data serialises.
#[must_use]
pub fn request() -> NotificationRequest {
    let data = json!({ "order": { "id": "A-17" } });
    NotificationRequest::new("order_shipped", "order_updates")
        .with_data(data)
        .expect("it is JSON")
}

/// A notification of one delivery: to `recipient`, on `channel`, to be sent at once.
///
/// # Panics
/// Never: a request serialises.
#[must_use]
pub fn acceptance(
    ids: &IdGenerator,
    tenant: &TenantId,
    recipient: &str,
    channel: ChannelId,
    now: Timestamp,
) -> Acceptance {
    let (request, to) = (request(), RecipientId::from(recipient));
    let body = serde_json::to_string(&request).expect("it is JSON");
    let hash = RequestHash::of(&request, [&to]);
    let id = ids.notification(now);
    let mut acceptance = Acceptance::new(tenant.clone(), id, Arc::new(request), body, hash, now);
    acceptance
        .deliveries
        .push(NewDelivery::new(ids.delivery(now), to, channel, now));
    acceptance
}

/// An item for the inbox of `recipient`, put there by this delivery.
#[must_use]
pub fn inbox_item(
    ids: &IdGenerator,
    recipient: &str,
    delivery: DeliveryId,
    now: Timestamp,
) -> NewInboxItem {
    let mut message = InAppMessage::new("Order A-17", "is on its way");
    message.click_action = Some("https://example.com/orders/A-17".to_owned());
    message.image = Some("https://example.com/parcel.png".to_owned());
    NewInboxItem::new(
        RecipientId::from(recipient),
        delivery,
        ids.notification(now),
        CategoryId::new("order_updates"),
        message,
        now,
    )
}

/// A mail of which a text is `text`.
#[must_use]
pub fn email(text: &str) -> Message {
    Message::new(EmailMessage::new("Order A-17", text))
}

/// Ids that are hard on collations, encodings and quoting, no two of which are the same.
#[must_use]
pub fn strange_ids() -> Vec<RecipientId> {
    let longest = "я".repeat(255);
    let texts = [
        "ada",
        "Ada",
        "ADA",
        "ada ",
        " ada",
        "a'da",
        "a\"da",
        "a\\da",
        "a%da",
        "a_da",
        "à",
        "a\u{300}",
        "👩‍🚀",
        "DROP TABLE users; --",
        "null",
        "0",
        "00",
        longest.as_str(),
    ];
    texts.map(RecipientId::from).to_vec()
}
