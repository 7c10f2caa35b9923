//! What the examples of vendors have in common: one notification on one channel, and what became of it.

use notify_core::channel::ChatChannel;
use notify_core::id::AddressScheme;
use notify_core::memory::MemoryStore;
use notify_core::provider::Provider;
use notify_core::template::{Template, Templates};
use notify_core::{
    Address, Category, ChannelId, NotificationRequest, Orchestrator, Recipient, RetryPolicy, Route,
};
use serde_json::json;
use std::env;
use std::error::Error;
use std::time::Duration;
use tokio::sync::oneshot;

use super::{ids, settled, timeline};

/// The real vendor, if there is one: the line that configures it and to whom, of `NOTIFY_<NAME>_DSN` and `NOTIFY_<NAME>_TO`.
///
/// # Errors
/// If there is a line and nobody to send to.
pub fn real(name: &str) -> Result<Option<(String, String)>, Box<dyn Error>> {
    let Ok(dsn) = env::var(format!("NOTIFY_{name}_DSN")) else {
        return Ok(None);
    };
    let to = format!("NOTIFY_{name}_TO");
    let whom = env::var(&to).map_err(|_| format!("{to}: to whom?"))?;
    Ok(Some((dsn, whom)))
}

/// Tells these mailboxes that an order was sent.
///
/// # Errors
/// If the system cannot be put together, or its store fails.
pub async fn mails(provider: impl Provider, to: &[&str]) -> Result<(), Box<dyn Error>> {
    let mail = Template::new("order_sent", ChannelId::EMAIL, "en")
        .with_part("subject", "Order {{order}} is on its way")
        .with_part("text", "{{count}} parcels left our house today.")
        .with_part(
            "html",
            "<p><b>{{count}}</b> parcels left our house today.</p>",
        );
    let people = to.iter().map(|to| Recipient::new(*to).with_email(to));
    tell(ChannelId::EMAIL, None, provider, mail, people.collect()).await
}

/// Tells these numbers that an order was sent.
///
/// # Errors
/// As [`mails`].
pub async fn texts(provider: impl Provider, to: &[&str]) -> Result<(), Box<dyn Error>> {
    let text = "Order {{order}} is on its way: {{count}} parcels left our house today.";
    let text = Template::new("order_sent", ChannelId::SMS, "en").with_part("text", text);
    let people = to.iter().map(|to| Recipient::new(*to).with_phone(to));
    tell(ChannelId::SMS, None, provider, text, people.collect()).await
}

/// Tells these devices that an order was sent.
///
/// # Errors
/// As [`mails`].
pub async fn pushes(provider: impl Provider, to: &[&str]) -> Result<(), Box<dyn Error>> {
    let push = Template::new("order_sent", ChannelId::PUSH, "en")
        .with_part("title", "On its way")
        .with_part(
            "body",
            "{{count}} parcels of order {{order}} left our house.",
        )
        .with_part("click_action", "https://shop.example.com/orders/{{order}}");
    let person = |to: &&str| Recipient::new(*to).with_address(Address::device(*to));
    tell(
        ChannelId::PUSH,
        None,
        provider,
        push,
        to.iter().map(person).collect(),
    )
    .await
}

/// Tells these rooms or people of a chat that an order was sent.
///
/// # Errors
/// As [`mails`].
pub async fn posts(
    channel: (ChannelId, AddressScheme, ChatChannel),
    provider: impl Provider,
    to: &[&str],
) -> Result<(), Box<dyn Error>> {
    let (id, scheme, channel) = channel;
    // What a user wrote is shown, and calls nobody.
    let text = "Order {{order}} is on its way: {{count}} parcels. Its note: {{note}}";
    let text = Template::new("order_sent", id.clone(), "en").with_part("text", text);
    let person = |to: &&str| Recipient::new(*to).with_address(Address::new(scheme.clone(), *to));
    tell(
        id,
        Some(channel),
        provider,
        text,
        to.iter().map(person).collect(),
    )
    .await
}

/// Tells each of these people twice: the second time shows what was learned from the first.
async fn tell(
    on: ChannelId,
    chat: Option<ChatChannel>,
    provider: impl Provider,
    template: Template,
    people: Vec<Recipient>,
) -> Result<(), Box<dyn Error>> {
    let soon = RetryPolicy::exponential(4, Duration::from_millis(100), 2);
    let orders = Category::transactional("orders")
        .by_default(on.clone(), true)
        .with_route(Route::to(on))
        .with_retry(soon);
    let mut builder = Orchestrator::builder(MemoryStore::new());
    if let Some(channel) = chat {
        builder = builder.channel(channel);
    }
    let notify = builder
        .provider(provider)
        .templates(Templates::new().add(template))
        .category(orders)
        .build()
        .await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });

    let data = json!({ "order": "A-17", "count": 2, "note": "@everyone <!channel> *look*" });
    let request = NotificationRequest::new("order_sent", "orders").with_data(data)?;
    let mut told = Vec::new();
    for person in people {
        for _ in 0..2 {
            let report = notify.send(request.clone(), person.clone()).await?;
            settled(&notify, &ids(&report)).await?;
            told.extend(ids(&report));
        }
    }
    timeline::print(&notify, &told).await?;
    drop(stop);
    worker.await??;
    Ok(())
}
