//! Every store of notify-core in one SQLite file: one process, nothing to install, nothing accepted is lost.
//!
//! ```
//! use notify_core::{Category, Content, NotificationRequest, Orchestrator, Recipient};
//! use notify_store_sqlite::SqliteStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("notify.db");
//! let store = SqliteStore::open(path).await?;
//! let notify = Orchestrator::builder(store).category(Category::transactional("orders")).build().await?;
//! notify.put_recipient(Recipient::new("ada")).await?;
//!
//! let shipped = NotificationRequest::new("shipped", "orders").with_content(Content::new("Shipped", "On its way."));
//! notify.send(shipped, "ada").await?; // on the disk when it returns
//! notify.worker().turn().await?;
//! assert_eq!(notify.inbox("ada").counts().await?.unread, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - **Durable.** WAL with `synchronous=FULL` on every connection: what was answered survives the loss of power.
//! - **Shared commits.** One connection writes; concurrent calls meet in one transaction, without an artificial delay.
//! - **Safe to drop.** The writer's task owns every transaction; a caller's dropped future loses its answer only.
//! - **One owner.** A lock beside the file refuses a second process, and names PostgreSQL as the way to several. Since a lock that can be
//!   taken proves that its last owner is gone, what that owner held is taken back when the file is opened.
//! - **In your transaction.** [`SqliteStore::within`] lets a transaction of the application carry notifications: its commit sends, its
//!   rollback sends nothing.
//! - **Erased is gone.** Deleted content is overwritten (`secure_delete`), and an erasure ends by cutting the log: no byte is left in
//!   the files.
//!
//! # Limits
//!
//! - The bundled SQLite is 3.51.3 or newer; an older one is refused, for its write-ahead log can be corrupted by a race.
//! - The file belongs on a local disk: a network file system does not keep the promises that SQLite needs.
//! - Contents and addresses of recipients are stored as they are; addresses that must not be used and idempotency keys only as keyed hashes.

mod audit;
mod cache;
mod clock;
mod config;
mod delivery;
mod engine;
mod error;
mod events;
mod health;
mod history;
mod identity;
mod inbox;
mod lock;
mod migrate;
#[cfg(feature = "mutants")]
mod mutant;
mod names;
mod numbers;
mod open;
mod preference;
mod privacy;
mod provider;
mod queue;
mod reader;
mod recipient;
mod revision;
mod row;
mod session;
mod sql;
mod store;
mod suppression;
mod template;
mod transaction;
mod writer;

pub use config::SqliteConfig;
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use mutant::Mutant;
pub use store::SqliteStore;
pub use transaction::SqliteTransaction;
