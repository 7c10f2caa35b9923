//! The inbox inside the application: unread and unseen, read and archived, and a mail to those who did not look.
//!
//! ```sh
//! cargo run --example in_app_inbox
//! ```

use notify_core::inbox::{InboxLimits, Mark};
use notify_core::memory::MemoryStore;
use notify_core::orchestrator::Inbox;
use notify_core::{
    Category, ChannelId, Content, NotificationRequest, Orchestrator, Recipient, Route, When,
};
use notify_examples::support::{self, ids, pause, timeline};
use notify_providers::file::FileProvider;
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = support::folder("in_app_inbox")?;
    // Every store that keeps inboxes serves the channel `in_app` by itself; mails are written to files here.
    let notify = Orchestrator::builder(MemoryStore::new())
        .provider(FileProvider::directory(&folder))
        .category(Category::transactional("comments").with_route(Route::to(ChannelId::IN_APP)))
        .inbox_limits(InboxLimits::default().with_cap(50))
        .build()
        .await?;
    let worker = notify.worker();

    for (who, text) in [
        ("Bruno", "Nice roses."),
        ("Clara", "Which fertiliser?"),
        ("Rob", "Too close?"),
    ] {
        let comment = NotificationRequest::new("comment", "comments").with_content(
            Content::new(format!("{who} wrote"), text).click_action("https://garden.example/roses"),
        );
        notify.send(comment, Recipient::new("ada")).await?;
    }
    worker.turn().await?;

    let inbox = notify.inbox("ada");
    show("Three comments came in", &inbox).await?;
    let page = inbox.page(None, 10).await?;
    let (newest, oldest) = (
        page.first().ok_or("empty")?.sequence,
        page.last().ok_or("empty")?.sequence,
    );
    // The list was on the screen: up to the newest that it showed, not what came since.
    inbox.mark_all(newest, Mark::Seen).await?;
    show("The list was shown", &inbox).await?;
    inbox.mark(&[newest], Mark::Read).await?;
    inbox.mark(&[oldest], Mark::Archived).await?;
    show("One was opened, one put away", &inbox).await?;
    println!(
        "with archived ones: {} items\n",
        inbox.page_with_archived(None, 10).await?.len()
    );

    mail_those_who_did_not_look(&notify).await
}

async fn show(what: &str, inbox: &Inbox) -> notify_core::Result<()> {
    let counts = inbox.counts().await?;
    println!("{what}: {} unread, {} unseen", counts.unread, counts.unseen);
    for item in inbox.page(None, 10).await? {
        println!(
            "  {} {:?}: {}: {}",
            item.sequence, item.status, item.message.title, item.message.body
        );
    }
    println!();
    Ok(())
}

/// In the application first, and by mail if that was not seen within half a second.
async fn mail_those_who_did_not_look(notify: &Orchestrator) -> Result<(), Box<dyn Error>> {
    let patience = Duration::from_millis(500);
    let question = NotificationRequest::new("question", "comments")
        .with_content(Content::new("A question for you", "May I have a cutting?"))
        .with_route(
            Route::to(ChannelId::IN_APP).fallback(When::NotSeenWithin(patience), ChannelId::EMAIL),
        );
    let worker = notify.worker();
    let mut told = Vec::new();
    for id in ["looks", "does-not-look"] {
        let person = Recipient::new(id).with_email(&format!("{id}@example.com"));
        let report = notify.send(question.clone(), person).await?;
        told.extend(ids(&report));
    }
    worker.turn().await?;
    notify.inbox("looks").mark_all(u64::MAX, Mark::Seen).await?;
    pause(patience + Duration::from_millis(100)).await;
    worker.turn().await?;
    println!("Two people were asked; one of them looked:");
    timeline::print(notify, &told).await?;
    Ok(())
}
