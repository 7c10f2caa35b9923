//! The file as a kill left it, read past the store.

use notify_core::{DeliveryId, DeliveryState};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
use std::fs;
use std::path::{Path, PathBuf};

use crate::traffic::Key;

/// One delivery that is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// Grows with every accept.
    pub(crate) no: i64,
    pub(crate) id: DeliveryId,
    pub(crate) key: Key,
    pub(crate) state: i64,
}

/// What is in the file.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    /// The deliveries after a number.
    pub(crate) stored: Vec<Stored>,
    /// Those that were being sent.
    pub(crate) sending: Vec<DeliveryId>,
    /// Those that were lent, being sent or not.
    pub(crate) lent: Vec<DeliveryId>,
}

/// Reads a copy: to read the file itself would move its log into it, and the next process would have nothing to recover.
pub(crate) async fn read(path: &Path, after: i64) -> Picture {
    let copied = path.with_extension("copy");
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(with_suffix(&copied, suffix));
    }
    if !path.exists() {
        return Picture::default();
    }
    for suffix in ["", "-wal"] {
        let from = with_suffix(path, suffix);
        if from.exists() {
            fs::copy(from, with_suffix(&copied, suffix)).expect("copied");
        }
    }
    let mut connection = connect(&copied).await;
    if number(
        &mut connection,
        "SELECT count(*) FROM sqlite_schema WHERE name = 'notify_queue'",
    )
    .await
        == 0
    {
        return Picture::default();
    }
    let lent = "SELECT d.id, q.state FROM notify_queue AS q JOIN notify_deliveries AS d ON d.no = q.no WHERE q.state IN (1, 2)";
    let lent = rows(&mut connection, lent).await;
    let id = |row: &SqliteRow| {
        DeliveryId::from_bytes(row.get::<Vec<u8>, _>(0).try_into().expect("an id"))
    };
    Picture {
        stored: deliveries(&mut connection, after).await,
        sending: lent
            .iter()
            .filter(|row| row.get::<i64, _>(1) == 2)
            .map(id)
            .collect(),
        lent: lent.iter().map(id).collect(),
    }
}

/// The deliveries after a number.
async fn deliveries(connection: &mut SqliteConnection, after: i64) -> Vec<Stored> {
    let text = format!(
        "SELECT no, id, json_extract(request, '$.correlation_id'), state FROM notify_delivery_view WHERE no > {after} ORDER BY no"
    );
    let stored = |row: &SqliteRow| Stored {
        no: row.get(0),
        id: DeliveryId::from_bytes(row.get::<Vec<u8>, _>(1).try_into().expect("an id")),
        key: row.get::<&str, _>(2).parse().expect("a key of ours"),
        state: row.get(3),
    };
    rows(connection, &text).await.iter().map(stored).collect()
}

/// What is wrong with the file after the end, and everything in it.
pub(crate) async fn examine(path: &Path) -> (Vec<String>, Vec<Stored>) {
    let mut connection = connect(path).await;
    let mut wrong = Vec::new();
    for row in rows(&mut connection, "PRAGMA integrity_check").await {
        let found: String = row.get(0);
        if found != "ok" {
            wrong.push(format!("integrity: {found}"));
        }
    }
    let broken = rows(&mut connection, "PRAGMA foreign_key_check")
        .await
        .len();
    if broken > 0 {
        wrong.push(format!("{broken} rows without what they refer to"));
    }
    for (what, text) in [
        ("rows in the queue", "SELECT count(*) FROM notify_queue"),
        (
            "deliveries without their notification",
            "SELECT count(*) FROM notify_deliveries WHERE notification NOT IN (SELECT no FROM notify_notifications)",
        ),
        (
            "notifications without a delivery",
            "SELECT count(*) FROM notify_notifications WHERE no NOT IN (SELECT notification FROM notify_deliveries)",
        ),
        (
            "deliveries without their entry in the history",
            "SELECT count(*) FROM notify_deliveries WHERE no NOT IN (SELECT no FROM notify_history)",
        ),
    ] {
        let count = number(&mut connection, text).await;
        if count > 0 {
            wrong.push(format!("{count} {what}"));
        }
    }
    (wrong, deliveries(&mut connection, 0).await)
}

/// How many deliveries wait, are lent or are being sent.
pub(crate) async fn left_to_do(connection: &mut SqliteConnection) -> i64 {
    number(connection, "SELECT count(*) FROM notify_queue").await
}

/// Whether a stored state is this one.
pub(crate) fn is(stored: &Stored, state: DeliveryState) -> bool {
    stored.state == i64::from(state.code())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(crate) async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.expect("the file is a database")
}

async fn rows(connection: &mut SqliteConnection, text: &str) -> Vec<SqliteRow> {
    let query = sqlx::query(AssertSqlSafe(text.to_owned()));
    query.fetch_all(connection).await.expect("it reads")
}

async fn number(connection: &mut SqliteConnection, text: &str) -> i64 {
    rows(connection, text).await[0].get(0)
}
