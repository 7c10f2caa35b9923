//! The whole path of a notification on one machine: no account, no server, nothing to configure.
//!
//! ```sh
//! cargo run --example quickstart                    # keeps its files in target/quickstart
//! cargo run --example quickstart -- /some/folder    # or there
//! ```
//!
//! A garden shop tells its customers about orders, receipts and a changed password, and 10,000
//! readers about spring, by mail and in the application. Mail goes over SMTP to a server inside this
//! program, which writes it to files. Kill the program while the newsletters go out (`kill -9`), and
//! run it again: what was accepted before is finished first.

use notify_core::delivery::Reason;
use notify_core::notification::Priority;
use notify_core::planner::FrequencyCaps;
use notify_core::template::Templates;
use notify_core::{
    Category, ChannelId, DeliveryId, IdempotencyKey, Notification, NotificationRequest,
    Orchestrator, RetryPolicy, Route, Store as _,
};
use notify_examples::support::garden::{
    self, Newsletter, READERS, Receipt, SecurityAlert, ShopLinks,
};
use notify_examples::support::progress::{self, grouped};
use notify_examples::support::smtp_sink::SmtpSink;
use notify_examples::support::{self, ids, pause, settled, timeline, waiting};
use notify_providers::smtp::SmtpProvider;
use notify_store_sqlite::SqliteStore;
use serde::Serialize;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

const CONNECTIONS: usize = 64;
const DAY: Duration = Duration::from_secs(86_400);

/// What goes wrong here ends the program.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Something that happened: its fields are the data of the templates, its key makes it happen once.
#[derive(Serialize)]
struct OrderShipped<'a> {
    order_id: &'a str,
    parcels: u32,
    arrives: &'a str,
}

impl Notification for OrderShipped<'_> {
    const KIND: &'static str = "order_shipped";
    const CATEGORY: &'static str = "orders";

    fn idempotency_key(&self) -> Option<IdempotencyKey> {
        Some(format!("shipped:{}", self.order_id).into())
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let folder = support::folder("quickstart")?;
    let (database, mails) = (folder.join("notify.db"), folder.join("mails"));
    let sink = SmtpSink::start(&mails).await?;
    let store = SqliteStore::open(&database).await?;
    let notify = shop(store.clone(), &sink).await?;
    println!(
        "The database is {}, the mail server {}.",
        database.display(),
        sink.address()
    );

    // Where workers run is the application's choice: here, in a task of this program.
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });

    finish_what_was_left(&notify).await?;
    notify.put_recipients(&garden::customers()).await?;
    notify
        .change_preferences(&garden::no_mail("clara", "orders"))
        .await?;
    garden::register_readers(&notify).await?;
    let run = 1 + notify.history_count("ada").await?;

    let mut told = tell_about_orders(&notify, run).await?;
    told.extend(send_receipts(&notify, run, &sink).await?);
    told.push(send_newsletter_and_alert(&notify, run).await?);
    requeue_dead_letters(&notify, &told, &sink).await?;

    println!("\nWhat became of it:");
    timeline::print(&notify, &told).await?;
    println!("\nUnread in the application:");
    for person in ["ada", "bruno", "clara"] {
        println!(
            "  {person:6} {}",
            notify.inbox(person).counts().await?.unread
        );
    }
    drop(stop);
    let drained = worker.await??;
    store.close().await;
    println!(
        "\nThe worker settled {} deliveries.",
        grouped(drained.settled)
    );
    println!("The mails are in {}.", mails.display());
    Ok(())
}

/// The system: a store, a provider, templates, and the kinds of notification people can decline.
async fn shop(store: SqliteStore, sink: &SmtpSink) -> Outcome<Orchestrator> {
    let (server, from) = (sink.address(), "Garden%20Shop%20<shop@example.com>");
    let server = format!("smtp+plain://{server}?from={from}&connections={CONNECTIONS}");
    let mail = || Route::to(ChannelId::EMAIL);
    // By default a call is repeated after up to 1 s, 4 s and 16 s. Nobody wants to watch that.
    let soon = RetryPolicy::exponential(3, Duration::from_millis(200), 2);
    let notify = Orchestrator::builder(store)
        .provider(SmtpProvider::from_url(&server)?)
        .templates(Templates::from_dir(support::templates())?)
        .links(ShopLinks)
        .category(Category::critical("security").with_route(mail()))
        .category(Category::transactional("orders").with_route(mail().and(ChannelId::IN_APP)))
        .category(
            Category::transactional("receipts")
                .with_route(mail())
                .with_retry(soon),
        )
        .category(Category::marketing("news").with_route(mail()))
        // Without it nobody gets more than three advertisements a day, however often this program is run.
        .frequency_caps(FrequencyCaps::none())
        .build()
        .await?;
    Ok(notify)
}

/// What an earlier run accepted and did not send is in the database: the worker is at it already.
async fn finish_what_was_left(notify: &Orchestrator) -> Outcome {
    let (began, left) = (notify.now(), waiting(notify, &Priority::ALL).await);
    if left == 0 {
        return Ok(());
    }
    println!(
        "\nAn earlier run left {} that were accepted and not sent.",
        grouped(left)
    );
    let mut open = left;
    while open > 0 {
        progress::show(left.saturating_sub(open), left);
        pause(Duration::from_millis(50)).await;
        open = waiting(notify, &Priority::ALL).await;
    }
    progress::clear();
    println!(
        "  They are finished, {}.",
        timeline::readable(notify.now().since(began))
    );
    let dead = notify.dead_letters(None, 1_000).await?;
    let unknown = |reason| reason == Some(Reason::OutcomeUnknown);
    let parked = dead
        .iter()
        .filter(|one| one.updated_at >= began && unknown(one.reason))
        .count();
    if parked > 0 {
        println!("  {parked} of them were with the mail server when that run ended. Nobody knows");
        println!("  whether it took them, and marketing is not sent twice: an operator decides.");
    }
    Ok(())
}

/// A typed notification, on two channels and in two languages. Clara wants no mail about orders.
async fn tell_about_orders(notify: &Orchestrator, run: u64) -> Outcome<Vec<DeliveryId>> {
    let arrives = (notify.now() + 3 * DAY).to_string();
    let mut told = Vec::new();
    for (person, parcels) in [("ada", 1), ("bruno", 2), ("clara", 1)] {
        let order_id = format!("{person}-{run}");
        let shipped = || OrderShipped {
            order_id: &order_id,
            parcels,
            arrives: &arrives,
        };
        let report = notify.send(shipped(), person).await?;
        // The shop says it again, as after a crash: the same key is the same notification.
        let again = notify.send(shipped(), person).await?;
        if !again.duplicate || again.id != report.id {
            return Err("one order was accepted twice".into());
        }
        told.extend(ids(&report));
    }
    Ok(told)
}

/// Two receipts that the mail server refuses: Rob's two times, Dora's every time.
async fn send_receipts(
    notify: &Orchestrator,
    run: u64,
    sink: &SmtpSink,
) -> Outcome<Vec<DeliveryId>> {
    sink.refuse("rob@example.com", "451 4.3.0 try again later", 2);
    sink.refuse("dora@example.com", "451 4.3.0 try again later", usize::MAX);
    let mut told = Vec::new();
    for person in ["rob", "dora"] {
        let order_id = format!("{person}-{run}");
        let receipt = Receipt {
            order_id: &order_id,
            total: 1_234.5,
        };
        told.extend(ids(&notify.send(receipt, person).await?));
    }
    Ok(told)
}

/// 10,000 newsletters, and when a third of them is out, one alert that cannot wait.
async fn send_newsletter_and_alert(notify: &Orchestrator, issue: u64) -> Outcome<DeliveryId> {
    println!("\nA newsletter to {} readers:", grouped(READERS));
    let (began, accepted) = (notify.now(), Arc::new(AtomicUsize::new(0)));
    let accepting = tokio::spawn(accept_newsletter(
        notify.clone(),
        issue,
        Arc::clone(&accepted),
    ));
    let mut alert = None;
    loop {
        let (over, accepted) = (accepting.is_finished(), accepted.load(Ordering::Acquire));
        let open = waiting(notify, &[Priority::Low]).await;
        let done = accepted.saturating_sub(open);
        progress::show(done, READERS);
        if over && open == 0 {
            break;
        }
        if alert.is_none() && done > READERS / 3 {
            alert = Some((
                open,
                notify
                    .send(SecurityAlert { place: "Lisbon" }, "ada")
                    .await?,
            ));
        }
        pause(Duration::from_millis(20)).await;
    }
    accepting.await??;
    progress::clear();
    let took = notify.now().since(began).as_secs_f64();
    println!("  all accepted, sent over SMTP and recorded in {took:.1} s");
    let (before, alert) = alert.ok_or("the newsletter was too fast for an alert in between")?;
    let id = *ids(&alert).first().ok_or("the alert has no delivery")?;
    settled(notify, &[id]).await?;
    let alert = notify.delivery(id).await?;
    let latency = alert.updated_at.since(alert.accepted_at).as_millis();
    println!(
        "  one security alert, while {} of them waited: sent after {latency} ms",
        grouped(before)
    );
    Ok(id)
}

async fn accept_newsletter(
    notify: Orchestrator,
    issue: u64,
    accepted: Arc<AtomicUsize>,
) -> notify_core::Result<()> {
    let letter = NotificationRequest::of(&Newsletter { issue })?;
    for first in (0..READERS).step_by(500) {
        let batch = (first..first + 500).map(garden::reader).map(|reader| {
            let key = format!("newsletter:{issue}:{reader}");
            (letter.clone().with_idempotency_key(key), reader)
        });
        for report in notify.send_batch(batch).await? {
            report?;
            accepted.fetch_add(1, Ordering::Release);
        }
    }
    Ok(())
}

/// Dora's receipt is a dead letter by now. The mail server is mended, and an operator acts.
async fn requeue_dead_letters(
    notify: &Orchestrator,
    told: &[DeliveryId],
    sink: &SmtpSink,
) -> Outcome {
    settled(notify, told).await?;
    let dead = notify.dead_letters(None, 100).await?;
    let dead: Vec<_> = dead
        .iter()
        .map(|one| one.id)
        .filter(|id| told.contains(id))
        .collect();
    println!(
        "\nDead letters: {}. The mail server is mended, an operator requeues.",
        dead.len()
    );
    sink.accept("dora@example.com");
    notify.as_operator("olga").requeue(&dead).await?;
    settled(notify, told).await?;
    Ok(())
}
