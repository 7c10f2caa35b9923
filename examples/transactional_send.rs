//! An order and its confirmation in one transaction: the commit sends, the rollback sends nothing.
//!
//! ```sh
//! cargo run --example transactional_send
//! ```
//!
//! The order lives in a table of the application, in the same SQLite file as the notifications.
//! Without this, a crash between the two loses the confirmation, or confirms what was never ordered.

use notify_core::template::{Template, Templates};
use notify_core::{Category, ChannelId, Notification, Orchestrator, Recipient, Route, Store as _};
use notify_examples::support;
use notify_store_sqlite::SqliteStore;
use serde::Serialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use std::error::Error;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[derive(Serialize)]
struct OrderConfirmed<'a> {
    item: &'a str,
}

impl Notification for OrderConfirmed<'_> {
    const KIND: &'static str = "order_confirmed";
    const CATEGORY: &'static str = "orders";
}

#[tokio::main]
async fn main() -> Outcome {
    let database = support::folder("transactional_send")?.join("shop.db");
    let store = SqliteStore::open(&database).await?;
    let confirmed = Template::new("order_confirmed", ChannelId::IN_APP, "en")
        .with_part("title", "Thank you")
        .with_part("body", "We have your order of {{item}}.");
    let notify = Orchestrator::builder(store.clone())
        .category(Category::transactional("orders").with_route(Route::to(ChannelId::IN_APP)))
        .templates(Templates::new().add(confirmed))
        .build()
        .await?;
    notify.put_recipient(Recipient::new("ada")).await?;

    // The application's own connection and table.
    let mut shop = SqliteConnectOptions::new()
        .filename(&database)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await?;
    sqlx::query("create table if not exists orders (id integer primary key, item text not null)")
        .execute(&mut shop)
        .await?;

    report("Before", &notify, &mut shop).await?;
    order(&store, &notify, &mut shop, "a rake", true).await?;
    report("A rake, paid: committed", &notify, &mut shop).await?;
    order(&store, &notify, &mut shop, "a tractor", false).await?;
    report("A tractor, not paid: rolled back", &notify, &mut shop).await?;

    for item in notify.inbox("ada").page(None, 10).await? {
        println!("  {}: {}", item.message.title, item.message.body);
    }
    shop.close().await?;
    store.close().await;
    Ok(())
}

/// One order. Writing it down and telling about it succeed together, or not at all.
async fn order(
    store: &SqliteStore,
    notify: &Orchestrator,
    shop: &mut SqliteConnection,
    item: &str,
    paid: bool,
) -> Outcome {
    // Immediate: it will write, so that it must not begin by reading what another is about to change.
    let mut transaction = shop.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("insert into orders (item) values (?)")
        .bind(item)
        .execute(&mut *transaction)
        .await?;
    let told = notify
        .send_in(
            &mut store.within(&mut transaction).await?,
            OrderConfirmed { item },
            "ada",
        )
        .await?;
    println!(
        "  (inside the transaction it is planned: {})",
        told.deliveries[0].state
    );
    if paid {
        transaction.commit().await?;
        // The worker would see it at its next look, a tenth of a second later at most.
        notify.wake();
    } else {
        transaction.rollback().await?;
    }
    notify.worker().turn().await?;
    Ok(())
}

async fn report(when: &str, notify: &Orchestrator, shop: &mut SqliteConnection) -> Outcome {
    let orders: i64 = sqlx::query_scalar("select count(*) from orders")
        .fetch_one(&mut *shop)
        .await?;
    let told = notify.history_count("ada").await?;
    println!("{when}: {orders} orders, {told} confirmations");
    Ok(())
}
