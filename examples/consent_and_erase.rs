//! Consent in two steps, one click to leave, what readers do, and a person's data exported and erased.
//!
//! ```text
//! cargo run --example consent_and_erase
//! ```
//!
//! The store is a file; at the end its bytes are searched for what was erased.

use notify_core::channel::EmailMessage;
use notify_core::notification::Tracking;
use notify_core::orchestrator::{ConsentRequest, SignedLinks};
use notify_core::testkit::FakeProvider;
use notify_core::token::{TokenKey, TokenKeys};
use notify_core::{
    Category, ChannelId, Content, Locale, NotificationRequest, Orchestrator, Recipient, Route,
    SendReport,
};
use notify_examples::support;
use notify_store_sqlite::SqliteStore;
use std::error::Error;
use std::path::Path;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// Where the application serves links; the last part of each is a token.
const PAGES: &str = "https://shop.example.com/n";

#[tokio::main]
async fn main() -> Result<()> {
    let file = support::folder("consent_and_erase")?.join("notify.db");
    // Each run begins anew: who left stays suppressed by a hash of the address, also after the erasure.
    for suffix in ["db", "db-wal", "db-shm"] {
        let _ = std::fs::remove_file(file.with_extension(suffix));
    }
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = system(&file, mail.clone()).await?;
    let ada = Recipient::new("ada")
        .with_email("ada.lovelace@example.com")
        .with_locale("de-AT")
        .with_attribute("name", "Ada");
    notify.put_recipient(ada).await?;

    let confirm = ask_for_consent(&notify).await?;
    println!(
        "before she confirms: {}",
        outcome(&notify, &send(&notify, 1).await?).await?
    );
    let confirmed = notify.confirm(&confirm).await?;
    println!(
        "she confirms:        agreed to {:?}, new: {}",
        confirmed.category, confirmed.changed
    );
    let report = send(&notify, 2).await?;
    println!(
        "after that:          {}\n",
        outcome(&notify, &report).await?
    );

    follow_links(&notify, &mail, &report).await?;
    show_settings(&notify).await?;
    forget(&notify, &file).await
}

async fn system(file: &Path, mail: FakeProvider) -> Result<Orchestrator> {
    // In an application: `TokenKey::new(2, …)` from a secret store, and last year's with `with_retired`.
    let keys = TokenKeys::new(TokenKey::new(1, &[7; 32])?);
    let news = Category::marketing("news")
        .with_tracking(Tracking::none().with_opens().with_clicks())
        .describe("Newsletter", "Once a week")
        .describe_in("de", "Rundbrief", "Einmal die Woche");
    let notify = Orchestrator::builder(SqliteStore::open(file).await?)
        .signed_links(SignedLinks::new(PAGES, keys)?)
        .postal_address("Example Shop Inc., 1 Main Street, Springfield")
        .require_postal_address()
        .provider(mail)
        .category(news)
        .category(Category::transactional("account").describe("Account", "What you asked for"))
        .build()
        .await?;
    Ok(notify)
}

/// The first step: a mail that is no advertisement. Answers with the token of its link.
async fn ask_for_consent(notify: &Orchestrator) -> Result<String> {
    let wording = "Yes, send me the newsletter once a week. I can stop it at any time.";
    let asked = ConsentRequest::new("news", "sign-up form", wording);
    let message = NotificationRequest::new("confirm_news", "account")
        .with_route(Route::to(ChannelId::EMAIL))
        .with_content(Content::new(
            "Please confirm",
            "Follow the link in this mail.",
        ));
    let report = notify.request_consent("ada", asked, message).await?;
    notify.worker().turn().await?;
    let delivery = notify.delivery(report.deliveries[0].id).await?;
    let url = delivery.request.data()["confirm_url"].as_str();
    Ok(token(url.unwrap_or_default(), "confirm")?)
}

async fn send(notify: &Orchestrator, issue: u32) -> Result<SendReport> {
    let mut content = Content::new(format!("News {issue}"), "Socks are on sale.");
    content.html =
        Some("<p>Socks are <a href=\"https://shop.example.com/socks\">on sale</a>.</p>".to_owned());
    let news = NotificationRequest::new("newsletter", "news")
        .with_route(Route::to(ChannelId::EMAIL))
        .with_content(content);
    let report = notify.send(news, "ada").await?;
    notify.worker().turn().await?;
    Ok(report)
}

async fn outcome(notify: &Orchestrator, report: &SendReport) -> Result<String> {
    let delivery = notify.delivery(report.deliveries[0].id).await?;
    let reason = delivery.reason.map(|reason| format!(" ({reason})"));
    Ok(format!("{}{}", delivery.state, reason.unwrap_or_default()))
}

/// What the pages behind the links do.
async fn follow_links(
    notify: &Orchestrator,
    mail: &FakeProvider,
    report: &SendReport,
) -> Result<()> {
    let calls = mail.calls();
    let last = calls.last().ok_or("no mail went out")?;
    let message = last
        .envelope
        .message
        .body::<EmailMessage>()
        .map_err(|_| "it is no mail")?;
    let html = message.html.clone().unwrap_or_default();
    let unsubscribe = message.list_unsubscribe.clone().ok_or("no header")?;

    notify.track(&token(&html, "open")?).await?;
    let clicked = notify.track(&token(&html, "click")?).await?;
    println!(
        "her click leads to   {}",
        clicked.redirect.unwrap_or_default()
    );
    let left = notify
        .unsubscribe(&token(&unsubscribe.https, "unsubscribe")?)
        .await?;
    println!("one click later      she is out of {:?}", left.category);
    for event in notify.timeline(report.deliveries[0].id).await? {
        println!("  {}", event.kind);
    }
    let again = send(notify, 3).await?;
    println!("the next issue:      {}\n", outcome(notify, &again).await?);
    for row in notify.consents("ada").await? {
        let what = if row.granted { "agreed" } else { "withdrew" };
        println!("consent log: {what:9}{:32}“{}”", row.source, row.wording);
    }
    Ok(())
}

/// The page behind `preferences_url`.
async fn show_settings(notify: &Orchestrator) -> Result<()> {
    println!();
    for row in notify
        .preference_matrix("ada", &Locale::new("de-AT"))
        .await?
    {
        println!("{:10} {}", row.title, row.description);
    }
    Ok(())
}

async fn forget(notify: &Orchestrator, file: &Path) -> Result<()> {
    let export = notify.export_person("ada").await?;
    let size = export.json().to_string().len();
    println!("\nexported {size} bytes; her address is {}", found(file)?);
    let erased = notify.as_operator("eve").erase_person("ada").await?;
    let log = notify.as_operator("eve").audit_log(None, 1).await?;
    println!(
        "erased {} deliveries; her address is {}",
        erased.deliveries,
        found(file)?
    );
    println!(
        "audit log: {} {} {}…",
        log[0].actor,
        log[0].action,
        &log[0].subject[..12]
    );
    Ok(())
}

/// Whether the address is in the bytes of the database or its log.
fn found(file: &Path) -> Result<&'static str> {
    let mut bytes = std::fs::read(file)?;
    bytes.extend(std::fs::read(file.with_extension("db-wal"))?);
    let mark = b"ada.lovelace@";
    let is_there = bytes.windows(mark.len()).any(|window| window == mark);
    Ok(if is_there {
        "in the file"
    } else {
        "in no byte of the file"
    })
}

/// The token behind the first link of this kind.
fn token(text: &str, kind: &str) -> Result<String, String> {
    let start = format!("{PAGES}/{kind}/");
    let (_, rest) = text
        .split_once(&start)
        .ok_or(format!("there is no link to {kind}"))?;
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    Ok(rest.split(ends).next().unwrap_or_default().to_owned())
}
