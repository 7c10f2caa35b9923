//! What readers do with messages, proven by tokens: the pixel, the redirect, buttons, and what the application's client reports.

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::DeliveryId;
use crate::orchestrator::Orchestrator;
use crate::orchestrator::feedback::take_in;
use crate::planner::CLIENT;
use crate::privacy::Erasure;
use crate::provider::{ProviderEvent, ProviderEventKind};
use crate::token::{Grant, TokenError};

/// The longest id of an event or an action that a client gives, in characters.
const MAX_NAME: usize = 64;

/// What the application's client reports of a message that carries a `report_token`.
///
/// ```
/// use notify_core::orchestrator::ClientEvent;
///
/// let pressed = ClientEvent::action("accept").with_id("7f3a");
/// # let _ = (pressed, ClientEvent::delivered());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientEvent {
    kind: Kind,
    at: Option<Timestamp>,
    id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Delivered,
    Opened,
    Clicked,
    Action(String),
}

impl ClientEvent {
    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            at: None,
            id: None,
        }
    }

    /// It arrived on the device.
    #[must_use]
    pub const fn delivered() -> Self {
        Self::of(Kind::Delivered)
    }

    /// It was opened.
    #[must_use]
    pub const fn opened() -> Self {
        Self::of(Kind::Opened)
    }

    /// It was clicked.
    #[must_use]
    pub const fn clicked() -> Self {
        Self::of(Kind::Clicked)
    }

    /// A button was pressed: which, by the application's own name of at most 64 characters.
    #[must_use]
    pub fn action(name: impl Into<String>) -> Self {
        Self::of(Kind::Action(name.into()))
    }

    /// When, by the client's clock: what was queued while it was offline. Default: now. Never before the message was accepted, nor in
    /// the future.
    #[must_use]
    pub const fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// An id that the client gives each event, of at most 64 characters: told again under it, it is known. Without one each call is one
    /// event, but for `delivered`, which is one for each message.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// What became of a link that was followed, or of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tracked {
    /// Whether it is in the timeline now: false if it was known, if the delivery is forgotten, or if the store failed.
    pub recorded: bool,
    /// Where the reader wanted to go. It is what was signed: a redirect to it leads nowhere else.
    pub redirect: Option<String>,
}

impl Orchestrator {
    /// Records that a mail was opened, a link clicked or a button pressed, by the token of the link. The first open sets the time at which
    /// the delivery was seen, and a step that waits for that is decided; later ones only count. The tenant is the token's.
    ///
    /// A store that fails keeps nobody from where they wanted to go: then it is not recorded, and the log says so.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `token` if it is forged, expired or for something else.
    pub async fn track(&self, token: &str) -> Result<Tracked> {
        let token = self.verified(token)?;
        let (delivery, kind, redirect) = match token.grant {
            Grant::Open { delivery } => (delivery, ProviderEventKind::Opened, None),
            Grant::Click { delivery, url } => {
                (delivery, ProviderEventKind::clicked(None), Some(url))
            }
            Grant::Action { delivery, action } => {
                (delivery, ProviderEventKind::acted(action), None)
            }
            _ => return Err(TokenError::WrongKind.into_error()),
        };
        let event = ProviderEvent::new(CLIENT, kind, self.now());
        let own = self.tenant(token.tenant);
        let recorded = own.record(delivery, event).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, delivery = %delivery, "cannot record what a reader did");
            false
        });
        Ok(Tracked { recorded, redirect })
    }

    /// Records what the application's own client reports of a message, by the token that the message carried. What it says is followed as a
    /// vendor's report is: arrival ends what waited for it. The tenant is the token's.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `token`, `id` or `action`; an error of the store: the client reports again,
    /// under the same id.
    pub async fn report(&self, token: &str, event: ClientEvent) -> Result<Tracked> {
        let token = self.verified(token)?;
        let Grant::Report { delivery } = token.grant else {
            return Err(TokenError::WrongKind.into_error());
        };
        let ClientEvent { kind, at, id } = event;
        let (kind, own_id) = match kind {
            Kind::Delivered => (ProviderEventKind::Delivered, Some("delivered".to_owned())),
            Kind::Opened => (ProviderEventKind::Opened, None),
            Kind::Clicked => (ProviderEventKind::clicked(None), None),
            Kind::Action(name) => {
                check_name("action", &name)?;
                (ProviderEventKind::acted(name), None)
            }
        };
        let now = self.now();
        let mut reported = ProviderEvent::new(CLIENT, kind, at.unwrap_or(now));
        if let Some(id) = &id {
            check_name("id", id)?;
        }
        // Ids of a client and those given here do not meet.
        reported.event_id = own_id.or_else(|| id.map(|id| format!("client:{id}")));
        let recorded = self.tenant(token.tenant).record(delivery, reported).await?;
        Ok(Tracked {
            recorded,
            redirect: None,
        })
    }

    /// Writes it to the timeline, if the delivery is there and somebody's; answers whether it is new.
    async fn record(&self, delivery: DeliveryId, event: ProviderEvent) -> Result<bool> {
        let parts = self.parts();
        let found = parts.deliveries.load(&[delivery]).await?;
        let found = found.into_iter().next().flatten();
        let is_theirs = found.is_some_and(|found| {
            found.tenant == self.tenant && !Erasure::is_pseudonym(&found.recipient)
        });
        if !is_theirs {
            return Ok(false);
        }
        let event = event.with_delivery(delivery);
        let taken = take_in(parts, &CLIENT, vec![event]).await?;
        Ok(taken.applied > 0)
    }
}

/// Notes in the timeline that somebody unsubscribed by this message's link.
pub(super) async fn follow_unsubscribe(
    notify: &Orchestrator,
    delivery: DeliveryId,
) -> Result<bool> {
    let event = ProviderEvent::new(CLIENT, ProviderEventKind::Unsubscribed, notify.now());
    notify
        .record(delivery, event.with_event_id("unsubscribed"))
        .await
}

fn check_name(field: &'static str, name: &str) -> Result<()> {
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let why = format!("must have 1 to {MAX_NAME} characters, none of control");
        return Err(Error::invalid(field, why));
    }
    Ok(())
}
