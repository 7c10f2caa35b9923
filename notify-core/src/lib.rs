//! The core of an embeddable notification system: contracts, planner, orchestrator and worker.
//!
//! An application says *what happened* in one line; the right people are told, once, on the right channel, in their language, or a
//! record says exactly why not. All of it runs inside the application's own process: no server, one store, any number of providers.
//!
//! ```
//! use notify_core::memory::MemoryStore;
//! use notify_core::{Category, Notification, Orchestrator, Recipient};
//! use notify_core::template::{Template, Templates};
//! use serde::Serialize;
//!
//! #[derive(Serialize)]
//! struct OrderShipped { order: &'static str }
//! impl Notification for OrderShipped {
//!     const KIND: &'static str = "order_shipped";
//!     const CATEGORY: &'static str = "orders";
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> notify_core::Result<()> {
//! let notify = Orchestrator::builder(MemoryStore::new())
//!     .category(Category::transactional("orders"))
//!     .templates(Templates::new().add(
//!         Template::new("order_shipped", "in_app", "en")
//!             .with_part("title", "Order {{order}}")
//!             .with_part("body", "It is on its way."),
//!     ))
//!     .build()
//!     .await?;
//! notify.put_recipient(Recipient::new("user-42")).await?;
//!
//! notify.send(OrderShipped { order: "A-17" }, "user-42").await?;
//! notify.worker().turn().await?; // an application lets `run(shutdown)` do this
//!
//! let inbox = notify.inbox("user-42").page(None, 10).await?;
//! assert_eq!(inbox[0].message.title, "Order A-17");
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - **Accepted means durable.** [`Orchestrator::send`] returns after the store's commit; nothing accepted is lost.
//! - **One recorded outcome** for every recipient and channel, with a reason; [`Orchestrator::timeline`] tells how it came about.
//! - **Bounded, explained duplicates.** A call is made at most once more than its outcomes were unknown; not even that where the
//!   provider honours idempotency keys. The same key and request is accepted once.
//! - **What people want holds at the first byte**: opt-outs, quiet hours, suppressed addresses, caps and expiry are checked in the
//!   commit before it.
//! - **One failing part touches no other**: each delivery is a job of its own; each provider has a breaker and a bulkhead; critical
//!   deliveries have places of their own.
//!
//! # Limits
//!
//! - A provider without idempotency keys can be reached twice when a process dies between the call and its record. A category says
//!   whether such a message is sent again or left for an operator ([`OnUnknown`]).
//! - A provider is never called more often at a time than it named. As many messages again are begun and wait for room, at
//!   most for as long as one call takes: an opt-out that comes within that time is too late for them; expiry is looked at again.
//! - A dead letter is kept for 180 days, everything else that ended for 90, keys for 7: all can be set
//!   ([`Retention`](queue::Retention)). A key stands for one request with its recipients.
//! - A template that is stored is used at once by the process that stored it, and within a second by the others.
//! - The store in memory holds everything in memory, for as long as the process lives.
//! - A schedule names its recipients, at most [`schedule::MAX_RECIPIENTS`]. Audiences and campaigns are not there yet; plans, states and
//!   tables have their places.
//!
//! # Rooms
//!
//! | module | what is there |
//! |---|---|
//! | [`orchestrator`] | the front door: send, explain, cancel, history, dead letters, operators, inboxes |
//! | [`worker`] | what sends |
//! | [`notification`], [`recipient`], [`channel`], [`template`], [`preference`] | what, to whom, where, in which words, with whose consent |
//! | [`calendar`] | local time: zones, days, windows |
//! | [`digest`] | several events as one message: when they leave, and where they wait |
//! | [`provider`], [`retry`], [`rate_limiter`] | who sends, again when, how fast |
//! | [`schedule`] | what is sent by itself, and what is held until its time |
//! | [`queue`], [`delivery`], [`inbox`], [`store`], [`audit`] | the contracts with storage |
//! | [`token`], [`privacy`] | links that prove themselves; one person's data, read and erased |
//! | [`planner`] | the decisions, pure |
//! | [`memory`] | every store in memory |
//! | `testkit` | conformance suites, manual clock, faults, fake providers (feature `testkit`) |
//!
//! # Metrics
//!
//! Through the `metrics` facade: `notifications_accepted_total`, `notifications_sent_total{channel,status}`,
//! `notifications_suppressed_total{channel,reason}`, `notifications_merged_total{channel}` (left in a digest),
//! `notification_latency_seconds{channel}` (accepted to sent),
//! `notification_provider_seconds{provider}`, `notifications_queue_size{channel,priority}`, `notifications_in_flight{channel,priority}`,
//! `notifications_oldest_due_seconds{channel,priority}`, `notifications_poison_jobs{channel,priority}`,
//! `notifications_dead_letters_total{state}`, `notifications_dead_letters_forgotten_total`, `notifications_failover_total{to}`,
//! `notifications_breaker_changes_total{provider}`, `notifications_fenced_total`, `notifications_reclaimed_total`,
//! `notifications_released_total{why}`, `notifications_scheduled_total`, `notifications_schedule_failures_total`,
//! `notifications_unsettled_total`, `notifications_worker_panics_total`,
//! `notifications_template_reloads_total{result}`, `notifications_provider_config_errors_total`,
//! `notifications_observer_dropped_total`, `notifications_observer_panics_total`, `notifications_unsubscribed_total`,
//! `notifications_people_erased_total`.

pub mod address;
pub mod audit;
pub mod calendar;
pub mod channel;
pub mod clock;
pub mod delivery;
pub mod digest;
mod error;
pub mod health;
pub mod id;
pub mod inbox;
pub mod limits;
pub mod memory;
pub mod message;
pub mod notification;
pub mod observer;
pub mod orchestrator;
pub mod planner;
pub mod preference;
pub mod privacy;
pub mod provider;
pub mod queue;
pub mod rate_limiter;
pub mod recipient;
pub mod retry;
pub mod schedule;
pub mod secret;
pub mod store;
pub mod template;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod token;
pub mod worker;

pub use address::Address;
pub use channel::Channel;
pub use clock::Timestamp;
pub use delivery::{Decision, Delivery, DeliveryState, Reason};
pub use error::{Error, ErrorKind, Permanence, Result};
pub use id::{
    CategoryId, ChannelId, DeliveryId, IdempotencyKey, Locale, NotificationId, ProviderName,
    RecipientId, TemplateName, TenantId,
};
pub use message::Message;
pub use notification::{
    Category, Class, Content, IntoRequest, Notification, NotificationRequest, OnUnknown, Priority,
    Route, To, When,
};
pub use observer::{Event, Observer};
pub use orchestrator::{Orchestrator, SendReport};
pub use preference::{PreferenceStore, Preferences};
pub use provider::{Fault, FaultKind, Provider};
pub use queue::Queue;
pub use rate_limiter::RateLimiter;
pub use recipient::{Recipient, RecipientResolver};
pub use retry::RetryPolicy;
pub use store::Store;
