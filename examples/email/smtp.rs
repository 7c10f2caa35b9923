//! Mail over SMTP: HTML and text, a file that goes along, and what each answer of the server means.
//!
//! ```sh
//! cargo run --example email_smtp    # to a mail server inside this program
//! NOTIFY_SMTP_DSN='smtps://user:password@mail.example.com/?from=Me%20<me@example.com>' \
//!     NOTIFY_SMTP_TO=you@example.com cargo run --example email_smtp    # to a real one
//! ```

use notify_core::memory::MemoryStore;
use notify_core::notification::Attachment;
use notify_core::{
    Category, ChannelId, Content, NotificationRequest, Orchestrator, Recipient, Route,
};
use notify_examples::support::smtp_sink::SmtpSink;
use notify_examples::support::{self, ids, settled, timeline};
use notify_providers::smtp::SmtpProvider;
use std::env;
use std::error::Error;
use std::path::PathBuf;
use tokio::sync::oneshot;

const INVOICE: &[u8] = b"item;price\nrake;19.90\nbulbs;7.50\n";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match env::var("NOTIFY_SMTP_DSN") {
        Ok(dsn) => {
            let to = env::var("NOTIFY_SMTP_TO").map_err(|_| "NOTIFY_SMTP_TO: to whom?")?;
            send(&dsn, &[&to]).await
        }
        Err(_) => {
            let mails: PathBuf = support::folder("email_smtp")?.join("mails");
            let sink = SmtpSink::start(&mails).await?;
            // Greylisting passes by itself; a mailbox that does not exist never will.
            sink.refuse("grey@example.com", "450 4.2.0 come back in a moment", 1);
            sink.refuse("gone@example.com", "550 5.1.1 no such user", usize::MAX);
            let dsn = format!(
                "smtp+plain://{}?from=Garden%20Shop%20<shop@example.com>",
                sink.address()
            );
            send(
                &dsn,
                &["ada@example.com", "grey@example.com", "gone@example.com"],
            )
            .await?;
            println!(
                "\nThe server took {} mails; they are in {}.",
                sink.taken(),
                mails.display()
            );
            Ok(())
        }
    }
}

async fn send(dsn: &str, mailboxes: &[&str]) -> Result<(), Box<dyn Error>> {
    let notify = Orchestrator::builder(MemoryStore::new())
        .provider(SmtpProvider::from_url(dsn)?)
        .category(Category::transactional("orders").with_route(Route::to(ChannelId::EMAIL)))
        .build()
        .await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });

    let content =
        Content::new("Your invoice", "It is attached.").html("<p>It is <b>attached</b>.</p>");
    let invoice = NotificationRequest::new("invoice", "orders")
        .with_content(content)
        .with_attachment(Attachment::new("invoice.csv", "text/csv", INVOICE));
    let mut told = Vec::new();
    for mailbox in mailboxes {
        // People whom no store knows are given in the call; their addresses are kept until they are told.
        let person = Recipient::new(*mailbox).with_email(mailbox);
        let report = notify.send(invoice.clone(), person).await?;
        told.extend(ids(&report));
    }
    settled(&notify, &told).await?;
    timeline::print(&notify, &told).await?;

    // The server called one address dead: nothing is sent there again, on any occasion.
    if let Some(gone) = mailboxes
        .iter()
        .find(|mailbox| mailbox.starts_with("gone@"))
    {
        let again = notify
            .explain(invoice, Recipient::new(*gone).with_email(gone))
            .await?;
        for step in again.steps {
            println!(
                "\nSending to {gone} again would be decided so: {:?}",
                step.decision
            );
        }
    }
    drop(stop);
    worker.await??;
    Ok(())
}
