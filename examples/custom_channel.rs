//! A channel of one's own: its addresses, its parts, its message, and the provider that sends it.
//!
//! ```sh
//! cargo run --example custom_channel
//! ```
//!
//! Nothing here has an equivalent inside the library that an outsider could not use: `chat.matrix` is
//! on the same footing as `email`.

use async_trait::async_trait;
use notify_core::channel::{Channel, Escape, Part, Rendered};
use notify_core::memory::MemoryStore;
use notify_core::message::Body;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::template::{Template, Templates};
use notify_core::{
    Address, Category, ChannelId, Error, Message, Notification, Orchestrator, ProviderName,
    Recipient, Result, Route,
};
use notify_examples::support::{ids, timeline};
use serde::Serialize;
use std::time::Duration;

const MATRIX: ChannelId = ChannelId::new("chat.matrix");

/// The longest message that the channel takes, in bytes.
const LONGEST: usize = 4_096;

/// What a Matrix client shows: HTML, and a text for clients without.
#[derive(Debug, Serialize)]
struct MatrixMessage {
    html: String,
    plain: Option<String>,
}

impl Body for MatrixMessage {
    const CHANNEL: ChannelId = MATRIX;
}

#[derive(Debug)]
struct MatrixChannel;

impl Channel for MatrixChannel {
    fn id(&self) -> ChannelId {
        MATRIX
    }

    fn accepts(&self, address: &Address) -> bool {
        address.scheme().as_str() == "matrix" && address.expose().starts_with('@')
    }

    fn parts(&self) -> &[Part] {
        const {
            &[
                Part::required("html", Escape::Html),
                Part::optional("plain", Escape::Text),
            ]
        }
    }

    /// Refuses what no server would take; never cuts silently.
    fn compose(&self, mut rendered: Rendered) -> Result<Message> {
        let (html, plain) = (rendered.take("html")?, rendered.take_optional("plain"));
        if html.len() > LONGEST {
            return Err(Error::invalid(
                "html",
                format!("is longer than {LONGEST} bytes"),
            ));
        }
        Ok(Message::new(MatrixMessage { html, plain }))
    }
}

/// Prints what a real one would send to a home server.
#[derive(Debug)]
struct MatrixProvider {
    name: ProviderName,
    able: Capabilities,
}

impl MatrixProvider {
    fn new() -> Self {
        // Matrix takes a transaction id, so that a repeated call makes no second message.
        let able = Capabilities::for_channel(MATRIX).with_idempotency(Duration::from_secs(3_600));
        Self {
            name: ProviderName::new("matrix"),
            able,
        }
    }
}

#[async_trait]
impl Provider for MatrixProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        // A message of another channel is a request fault, before anything is sent.
        let message: &MatrixMessage = envelope.message.body()?;
        envelope.progress.writing();
        println!(
            "  to {}, transaction {}",
            envelope.address.expose(),
            envelope.key
        );
        println!("  {}", message.html);
        Ok(Receipt::with_message_id(format!("${}", envelope.delivery)))
    }
}

#[derive(Serialize)]
struct DiskFull<'a> {
    host: &'a str,
    left: u8,
}

impl Notification for DiskFull<'_> {
    const KIND: &'static str = "disk_full";
    const CATEGORY: &'static str = "operations";
}

#[tokio::main]
async fn main() -> Result<()> {
    let alarm = Template::new("disk_full", MATRIX, "en")
        .with_part(
            "html",
            "<b>{{host}}</b> has {{left}} % left, {{recipient.name}}",
        )
        .with_part("plain", "{{host}} has {{left}} % left");
    let notify = Orchestrator::builder(MemoryStore::new())
        .channel(MatrixChannel)
        .provider(MatrixProvider::new())
        .category(Category::transactional("operations").with_route(Route::to(MATRIX)))
        .templates(Templates::new().add(alarm))
        .build()
        .await?;

    let ada = Recipient::new("ada")
        .with_address(Address::new("matrix", "@ada:example.org"))
        .with_attribute("name", "Ada <on call>");
    println!("Two people are told; one of them has an address on this channel:");
    let told = notify
        .send(
            DiskFull {
                host: "db-1",
                left: 1,
            },
            ada,
        )
        .await?;
    let not_told = notify
        .send(
            DiskFull {
                host: "db-1",
                left: 1,
            },
            Recipient::new("bruno"),
        )
        .await?;
    notify.worker().turn().await?;

    println!("The record of both:");
    let mut both = ids(&told);
    both.extend(ids(&not_told));
    timeline::print(&notify, &both).await
}
