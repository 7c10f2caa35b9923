//! Several events as one message: the first at once and the rest together, a full digest, one that leaves by call, what was taken
//! back, and what a night gathers.
//!
//! ```sh
//! cargo run --example digest
//! ```

use notify_core::calendar::{Date, TimeOfDay, Zone};
use notify_core::digest::Digest;
use notify_core::memory::MemoryStore;
use notify_core::notification::InQuietHours;
use notify_core::preference::{Defaults, QuietHours};
use notify_core::template::{Template, Templates};
use notify_core::testkit::ManualClock;
use notify_core::{
    Category, ChannelId, DeliveryId, DeliveryState, IdempotencyKey, Notification, Orchestrator,
    Recipient, Route,
};
use notify_examples::support::{ids, timeline};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Somebody wrote under somebody's roses.
#[derive(serde::Serialize)]
struct Comment<'a> {
    by: &'a str,
    text: &'a str,
    #[serde(skip)]
    post: &'a str,
}

impl Notification for Comment<'_> {
    const KIND: &'static str = "comment";
    const CATEGORY: &'static str = "comments";

    /// What is said of one post is one digest.
    fn digest_key(&self) -> Option<String> {
        Some(self.post.to_owned())
    }

    fn idempotency_key(&self) -> Option<IdempotencyKey> {
        Some(format!("{}:{}:{}", self.post, self.by, self.text).into())
    }
}

fn templates() -> Templates {
    let one = Template::new("comment", "in_app", "en")
        .with_part("title", "{{by}} wrote")
        .with_part("body", "{{text}}");
    // With `.digest` behind its name: what several of them say.
    let many = Template::new("comment.digest", "in_app", "en")
        .with_part("title", "{{count}} comments, the last by {{by}}")
        .with_part("body", "{{#each items}}{{by}}: {{text}} {{/each}}");
    Templates::new().add(one).add(many)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // An application needs no clock of its own; this one has no time to wait.
    let noon = Zone::UTC.instant(Date::new(2027, 1, 15)?, TimeOfDay::new(12, 0)?);
    let clock = ManualClock::new(noon);
    let comments = Category::transactional("comments")
        .with_route(Route::to(ChannelId::IN_APP))
        .with_digest(Digest::after(10 * MINUTE).first_now().max_items(4));
    let notify = Orchestrator::builder(MemoryStore::with_clock(Arc::<ManualClock>::clone(&clock)))
        .category(comments)
        .templates(templates())
        .build()
        .await?;
    notify.put_recipient(Recipient::new("ada")).await?;

    let sent = first_now_and_the_rest_later(&notify, &clock).await?;
    println!("\nWhat became of each:");
    timeline::print(&notify, &sent).await?;
    a_full_one_leaves_at_once(&notify).await?;
    by_call_and_without_what_was_taken_back(&notify).await?;
    a_night(&clock).await
}

async fn say(
    notify: &Orchestrator,
    post: &str,
    by: &str,
    text: &str,
) -> Result<DeliveryId, Box<dyn Error>> {
    let report = notify.send(Comment { by, text, post }, "ada").await?;
    Ok(ids(&report)[0])
}

/// Lets the workers do all there is to do now, and shows what is new in the inbox.
async fn show(
    notify: &Orchestrator,
    what: &str,
    before: usize,
) -> Result<Vec<String>, Box<dyn Error>> {
    while notify.worker().turn().await? > 0 {}
    println!("{what}:");
    let items = notify.inbox("ada").page(None, 100).await?;
    let new: Vec<_> = items.iter().take(items.len() - before).collect();
    for item in new.iter().rev() {
        println!("  {} | {}", item.message.title, item.message.body);
    }
    Ok(new
        .iter()
        .rev()
        .map(|item| item.message.title.clone())
        .collect())
}

async fn first_now_and_the_rest_later(
    notify: &Orchestrator,
    clock: &ManualClock,
) -> Result<Vec<DeliveryId>, Box<dyn Error>> {
    let mut sent = Vec::new();
    for (by, text) in [
        ("Bruno", "Nice roses."),
        ("Clara", "Which fertiliser?"),
        ("Rob", "Too close?"),
    ] {
        sent.push(say(notify, "roses", by, text).await?);
        notify.worker().turn().await?;
        clock.advance(MINUTE);
    }
    let new = show(notify, "The first comment goes at once", 0).await?;
    assert_eq!(new, ["Bruno wrote"]);
    let waiting = notify.digests("ada").await?;
    assert_eq!(waiting[0].members, sent[1..]);

    clock.advance(10 * MINUTE);
    let new = show(notify, "Ten minutes later, the rest", 1).await?;
    assert_eq!(new, ["2 comments, the last by Rob"]);
    let clara = notify.delivery(sent[1]).await?;
    assert_eq!(clara.state, DeliveryState::Merged);
    let digest = clara.merged_into.ok_or("it left in a digest")?;
    assert_eq!(notify.delivery(digest).await?.state, DeliveryState::Sent);
    sent.push(digest);
    Ok(sent)
}

async fn a_full_one_leaves_at_once(notify: &Orchestrator) -> Result<(), Box<dyn Error>> {
    println!();
    for by in ["Ann", "Ben", "Cem", "Dan", "Eve"] {
        say(notify, "tulips", by, "Lovely!").await?;
    }
    let new = show(
        notify,
        "Five at once: one, and a digest that is full with four",
        2,
    )
    .await?;
    assert_eq!(new.len(), 2);
    assert!(new.contains(&"Ann wrote".to_owned()));
    assert!(new.contains(&"4 comments, the last by Eve".to_owned()));
    Ok(())
}

async fn by_call_and_without_what_was_taken_back(
    notify: &Orchestrator,
) -> Result<(), Box<dyn Error>> {
    println!();
    say(notify, "lilies", "Fay", "First!").await?;
    say(notify, "lilies", "Gus", "Second.").await?;
    let spam = say(notify, "lilies", "Spammer", "Buy now").await?;
    say(notify, "lilies", "Hal", "Third.").await?;
    notify.cancel(spam).await?;
    assert_eq!(notify.flush_digest("ada", "comments").await?, 1);
    let new = show(
        notify,
        "She opens the page: what waits leaves now, without the spam",
        4,
    )
    .await?;
    assert!(
        new.contains(&"2 comments, the last by Hal".to_owned()),
        "{new:?}"
    );
    Ok(())
}

/// What comes in the night and would wait until the morning one by one leaves as one.
async fn a_night(clock: &Arc<ManualClock>) -> Result<(), Box<dyn Error>> {
    println!();
    let comments = Category::transactional("comments")
        .with_route(Route::to(ChannelId::IN_APP))
        .in_quiet_hours(InQuietHours::Digest);
    let mut defaults = Defaults::default();
    defaults.set_quiet_hours(QuietHours::on());
    let notify = Orchestrator::builder(MemoryStore::with_clock(Arc::<ManualClock>::clone(clock)))
        .category(comments)
        .defaults(defaults)
        .templates(templates())
        .build()
        .await?;
    notify.put_recipient(Recipient::new("ada")).await?;
    clock.advance(11 * HOUR);
    for by in ["Ida", "Jo", "Kim"] {
        let id = notify
            .send(
                Comment {
                    by,
                    text: "Still up?",
                    post: "moon",
                },
                "ada",
            )
            .await?;
        assert_eq!(id.deliveries[0].state, DeliveryState::Held);
    }
    assert!(
        show(&notify, "At eleven in the evening nothing", 0)
            .await?
            .is_empty()
    );
    clock.advance(9 * HOUR);
    let new = show(&notify, "In the morning one message", 0).await?;
    assert_eq!(new, ["3 comments, the last by Kim"]);
    Ok(())
}
