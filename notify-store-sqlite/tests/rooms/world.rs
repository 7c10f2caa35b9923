//! A store in a folder, and what is in its file.

use notify_core::audit::Actor;
use notify_core::channel::InAppMessage;
use notify_core::id::{IdGenerator, RecipientId};
use notify_core::inbox::NewInboxItem;
use notify_core::preference::{PreferenceChange, Setting};
use notify_core::recipient::RecipientStore;
use notify_core::store::Store;
use notify_core::{ChannelId, Recipient, Result, TenantId, Timestamp};
use notify_store_sqlite::{SqliteConfig, SqliteStore};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Row};
use std::path::PathBuf;
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
pub(crate) const ME: Actor = Actor::Application;

/// A store in a folder of its own.
pub(crate) struct World {
    pub(crate) store: SqliteStore,
    pub(crate) folder: TempDir,
    pub(crate) tenant: TenantId,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = open(&folder).await;
        Self {
            store,
            folder,
            tenant: TenantId::new("acme"),
        }
    }

    pub(crate) async fn reopen(self) -> Self {
        let Self {
            store,
            folder,
            tenant,
        } = self;
        store.close().await;
        drop(store);
        Self {
            store: open(&folder).await,
            folder,
            tenant,
        }
    }

    /// The database as anyone sees it who opens the file.
    pub(crate) async fn database(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new()
            .filename(path(&self.folder))
            .read_only(true);
        SqliteConnection::connect_with(&options)
            .await
            .expect("opens")
    }

    pub(crate) async fn rows(&self, sql: &str) -> Vec<SqliteRow> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        query
            .fetch_all(&mut self.database().await)
            .await
            .expect("reads")
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.rows(sql).await[0].get(0)
    }

    /// Whether the file is sound, and every counter is what a count gives.
    pub(crate) async fn check(&self) {
        assert!(self.rows("PRAGMA foreign_key_check").await.is_empty());
        assert_eq!(
            self.rows("PRAGMA integrity_check").await[0].get::<String, _>(0),
            "ok"
        );
        let wrong = self.number(
            "SELECT count(*) FROM notify_inbox_state AS s WHERE (items, unread, unseen) IS NOT (
                 SELECT count(*), coalesce(sum(status < 2), 0), coalesce(sum(status = 0), 0)
                 FROM notify_inbox AS i WHERE i.tenant = s.tenant AND i.recipient = s.recipient
             ) OR last_sequence < (
                 SELECT coalesce(max(sequence), 0)
                 FROM notify_inbox AS i WHERE i.tenant = s.tenant AND i.recipient = s.recipient
             )",
        );
        assert_eq!(wrong.await, 0, "inboxes whose counters are wrong");
        let homeless = self.number(
            "SELECT count(*) FROM notify_inbox
             WHERE (tenant, recipient) NOT IN (SELECT tenant, recipient FROM notify_inbox_state)",
        );
        assert_eq!(homeless.await, 0, "items without an inbox");
    }
}

pub(crate) fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("app.db")
}

pub(crate) async fn open(folder: &TempDir) -> SqliteStore {
    SqliteConfig::new(path(folder))
        .with_ballast(0)
        .open()
        .await
        .expect("opens")
}

pub(crate) async fn put(
    store: &SqliteStore,
    tenant: &TenantId,
    recipients: &[Recipient],
) -> Result<()> {
    RecipientStore::put(store, tenant, recipients, &ME).await
}

pub(crate) fn item(ids: &IdGenerator, recipient: &str, at: Timestamp) -> NewInboxItem {
    let message = InAppMessage::new("title", "text");
    let (delivery, notification) = (ids.delivery(at), ids.notification(at));
    NewInboxItem::new(
        recipient.into(),
        delivery,
        notification,
        "orders".into(),
        message,
        at,
    )
}

pub(crate) fn cell(recipient: &str, n: u64) -> PreferenceChange {
    let setting = if n.is_multiple_of(2) {
        Setting::No
    } else {
        Setting::Yes
    };
    let (recipient, category) = (RecipientId::from(recipient), format!("c{n}").into());
    PreferenceChange::Cell {
        recipient,
        category,
        channel: ChannelId::EMAIL,
        setting,
    }
}
