//! Who wants what, where: layers of settings, opt-outs, consent, what cannot be declined, and why each was decided.
//!
//! ```sh
//! cargo run --example preferences
//! ```

use notify_core::memory::MemoryStore;
use notify_core::preference::{
    Allowed, Defaults, PreferenceChange, Setting, Settings, SuppressionScope,
};
use notify_core::{
    Address, Category, CategoryId, ChannelId, Content, ErrorKind, NotificationRequest,
    Orchestrator, Recipient, Result, Route,
};
use notify_examples::support::{ids, timeline};
use notify_providers::log::LogProvider;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::main]
async fn main() -> Result<()> {
    let notify = system().await?;
    let ada = Recipient::new("ada")
        .with_email("ada@example.com")
        .with_phone("+15550100");
    notify.put_recipient(ada).await?;

    println!("Ada said nothing yet. Marketing needs consent, and text messages are asked for:");
    show(&notify).await?;

    println!(
        "She agrees to the news, wants orders by text message too, and no mail about comments:"
    );
    notify.change_preferences(&consent("news")).await?;
    notify
        .change_preferences(&cell("orders", ChannelId::SMS, Setting::Yes))
        .await?;
    notify
        .change_preferences(&cell("comments", ChannelId::EMAIL, Setting::No))
        .await?;
    show(&notify).await?;

    println!("She switches mail off altogether. What keeps her account safe still comes:");
    let no_mail = PreferenceChange::Channel {
        recipient: "ada".into(),
        channel: ChannelId::EMAIL,
        setting: Setting::No,
    };
    notify.change_preferences(&no_mail).await?;
    show(&notify).await?;
    match notify
        .change_preferences(&cell("security", ChannelId::EMAIL, Setting::No))
        .await
    {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            println!("Switching that off too: {error}\n")
        }
        other => other?,
    }

    what_is_queued_is_not_sent_after_an_opt_out(&notify).await?;
    a_cap_and_a_dead_address(&notify).await
}

async fn system() -> Result<Orchestrator> {
    // The application's own layer: nobody gets news by text message, whatever they or a tenant say.
    let mut defaults = Defaults::default();
    defaults.set("news", ChannelId::SMS, Setting::NotAllowed);
    Orchestrator::builder(MemoryStore::new())
        .provider(LogProvider::new(ChannelId::EMAIL).and_channel(ChannelId::SMS))
        .category(Category::critical("security").describe("Security", "Sign-ins and passwords"))
        .category(Category::transactional("orders"))
        .category(Category::transactional("comments").at_most_on(ChannelId::IN_APP, 2, HOUR))
        .category(Category::marketing("news"))
        // What this program's provider sends goes nowhere; an application gives `signed_links`.
        .unsubscribe_by_provider()
        .defaults(defaults)
        .build()
        .await
}

/// The page of settings that an application would show.
async fn show(notify: &Orchestrator) -> Result<()> {
    let cells = notify.preferences("ada").await?;
    let mut row: Option<&CategoryId> = None;
    for cell in &cells {
        if row != Some(&cell.category) {
            print!(
                "{}  {:10}",
                if row.is_some() { "\n" } else { "" },
                cell.category.as_str()
            );
            row = Some(&cell.category);
        }
        let allowed = match cell.allowed {
            Allowed::Yes => "yes",
            Allowed::OptedOut => "no",
            Allowed::NoConsent => "no consent",
            _ => "not allowed",
        };
        let locked = if cell.locked { "*" } else { "" };
        print!(
            "{:8}{:14}",
            cell.channel.as_str(),
            format!("{allowed}{locked}")
        );
    }
    println!("\n");
    Ok(())
}

fn cell(category: &str, channel: ChannelId, setting: Setting) -> PreferenceChange {
    PreferenceChange::Cell {
        recipient: "ada".into(),
        category: category.into(),
        channel,
        setting,
    }
}

fn consent(category: &str) -> PreferenceChange {
    let (recipient, source) = ("ada".into(), "settings page".to_owned());
    PreferenceChange::Consent {
        recipient,
        category: category.into(),
        granted: true,
        source,
        wording: "Send me the news".to_owned(),
    }
}

fn comment(text: &str) -> NotificationRequest {
    NotificationRequest::new("comment", "comments").with_content(Content::new("Bruno wrote", text))
}

/// Preferences are asked again in the commit that begins each message.
async fn what_is_queued_is_not_sent_after_an_opt_out(notify: &Orchestrator) -> Result<()> {
    let everything = PreferenceChange::Replace {
        recipient: "ada".into(),
        settings: Settings::default(),
    };
    notify.change_preferences(&everything).await?;
    let report = notify
        .send(
            comment("Nice roses.").with_route(Route::to(ChannelId::EMAIL)),
            "ada",
        )
        .await?;
    notify
        .change_preferences(&cell("comments", ChannelId::EMAIL, Setting::No))
        .await?;
    notify.worker().turn().await?;
    println!("Accepted, then declined, then the worker came:");
    timeline::print(notify, &ids(&report)).await
}

/// Both are decided as well, with a reason; `explain` shows the decision without sending.
async fn a_cap_and_a_dead_address(notify: &Orchestrator) -> Result<()> {
    println!("\nAt most two comments an hour, in the application:");
    let mut told = Vec::new();
    for text in ["One.", "Two.", "Three."] {
        let report = notify
            .send(
                comment(text).with_route(Route::to(ChannelId::IN_APP)),
                "ada",
            )
            .await?;
        notify.worker().turn().await?;
        told.extend(ids(&report));
    }
    timeline::print(notify, &told).await?;

    let address = Address::email("ada@example.com");
    notify
        .as_operator("olga")
        .suppress(&ChannelId::EMAIL, &address, SuppressionScope::All)
        .await?;
    let alert = NotificationRequest::new("alert", "security")
        .with_content(Content::new("Your password was changed", "Was that you?"))
        .with_route(Route::to(ChannelId::EMAIL));
    let explained = notify.explain(alert, "ada").await?;
    println!("\nAn operator calls her mailbox dead. Even an alert is not sent there:");
    for step in explained.steps {
        println!(
            "  {}: {:?}, by the rules {}",
            step.channel, step.decision, step.trace
        );
    }
    Ok(())
}
