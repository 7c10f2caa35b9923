//! Templates in several languages: from files, in code, and changed while the system runs.
//!
//! ```sh
//! cargo run --example templates_i18n
//! ```

use notify_core::memory::MemoryStore;
use notify_core::template::{PluralCategory, Template, Templates, TranslationEntry, Translations};
use notify_core::{
    Category, ChannelId, ErrorKind, NotificationRequest, Orchestrator, Recipient, Result, Route,
};
use notify_examples::support::{self, pause};
use serde_json::json;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<()> {
    // examples/templates has English and German. Polish comes from code: it has four plural forms.
    let templates = Templates::from_dir(support::templates())?
        .add(polish())
        .add_translations(polish_texts());
    let notify = Orchestrator::builder(MemoryStore::new())
        .category(Category::transactional("orders").with_route(Route::to(ChannelId::IN_APP)))
        .templates(templates)
        .build()
        .await?;

    println!("The language is the reader's, else a shorter form of it, else English:");
    for (person, locale, parcels) in [
        ("ada", "en-GB", 1),
        ("bruno", "de-CH", 2),
        ("zofia", "pl", 1),
        ("zofia", "pl", 3),
        ("zofia", "pl", 5),
        ("claire", "fr", 2),
    ] {
        let shipped =
            json!({ "order_id": "A-17", "parcels": parcels, "arrives": "2026-03-05T12:00:00Z" });
        let request = NotificationRequest::new("order_shipped", "orders").with_data(shipped)?;
        notify
            .send(request, Recipient::new(person).with_locale(locale))
            .await?;
        println!("  {locale:6} {}", newest(&notify, person).await?);
    }

    println!("\nWhat is missing is said when it is sent, not seen by the reader:");
    let forgotten = NotificationRequest::new("order_shipped", "orders")
        .with_data(json!({ "order_id": "A-17" }))?;
    match notify.send(forgotten, Recipient::new("ada")).await {
        Err(error) if error.kind() == ErrorKind::Template => println!("  {error}"),
        other => drop(other?),
    }

    println!("\nAn operator changes a text; those in the store lie over those from files:");
    let olga = notify.as_operator("olga");
    let shorter = Template::new("order_shipped", ChannelId::IN_APP, "en")
        .with_part("title", "Shipped")
        .with_part(
            "body",
            "{{order_id}} is in the post, {{default recipient.name \"friend\"}}.",
        )
        .with_sample(json!({ "order_id": "A-17" }));
    let stored = olga.put_template(&shorter, None).await?;
    // Every process of the system uses it within a second.
    pause(Duration::from_secs(1)).await;
    let request = NotificationRequest::new("order_shipped", "orders").with_data(
        json!({ "order_id": "A-18", "parcels": 1, "arrives": "2026-03-05T12:00:00Z" }),
    )?;
    notify
        .send(request, Recipient::new("ada").with_locale("en-GB"))
        .await?;
    println!(
        "  version {}: {}",
        stored.version,
        newest(&notify, "ada").await?
    );

    println!("\nOne that cannot work is refused when it is saved:");
    let broken = shorter.with_part("body", "{{#if order_id}} never closed");
    match olga.put_template(&broken, Some(stored.version)).await {
        Err(error) => println!("  {error}"),
        Ok(_) => println!("  it was not"),
    }
    Ok(())
}

/// Carries out what is queued, and reads the newest item of an inbox.
async fn newest(notify: &Orchestrator, person: &str) -> Result<String> {
    notify.worker().turn().await?;
    let page = notify.inbox(person).page(None, 1).await?;
    Ok(page.first().map_or_else(String::new, |item| {
        format!("{}: {}", item.message.title, item.message.body)
    }))
}

fn polish() -> Template {
    Template::new("order_shipped", ChannelId::IN_APP, "pl")
        .with_part("title", "W drodze")
        .with_part("body", "{{t \"order.left\" count=parcels order=order_id}}")
}

fn polish_texts() -> Translations {
    let forms = [
        (
            PluralCategory::One,
            "Wysłaliśmy dziś {count} paczkę zamówienia {order}.",
        ),
        (
            PluralCategory::Few,
            "Wysłaliśmy dziś {count} paczki zamówienia {order}.",
        ),
        (
            PluralCategory::Many,
            "Wysłaliśmy dziś {count} paczek zamówienia {order}.",
        ),
        (
            PluralCategory::Other,
            "Wysłaliśmy dziś {count} paczki zamówienia {order}.",
        ),
    ];
    Translations::new("pl").with("order.left", TranslationEntry::plural(forms))
}
