//! The schema: embedded migrations, applied in order and never changed once released; a newer schema is refused, an altered one too.

use notify_core::{Error, ErrorKind, Result, Timestamp};
use sqlx::sqlite::SqliteConnection;

use crate::row::{Args, column};
use crate::session::Session;
use crate::sql::Sql;

/// Number, name and text of every migration.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "initial", include_str!("../migrations/0001_initial.sql")),
    (2, "digests", include_str!("../migrations/0002_digests.sql")),
    (
        3,
        "schedules",
        include_str!("../migrations/0003_schedules.sql"),
    ),
    (4, "privacy", include_str!("../migrations/0004_privacy.sql")),
    (5, "health", include_str!("../migrations/0005_health.sql")),
];

/// The tables of this version, without their prefix, as JSON.
const TABLES: &str = r#"["meta", "tenants", "lanes", "words", "notifications", "deliveries", "history", "delivery_events",
    "queue", "jobs", "digests", "digest_members",
    "recipients", "preferences", "tenant_settings", "consents", "suppressions", "cap_log", "content_log", "templates",
    "template_releases", "template_release_tenants", "providers", "revisions", "inbox", "inbox_state", "audit", "health",
    "schedules", "schedule_recipients"]"#;

/// Brings the database to this version's schema, in one transaction.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    sql: &Sql,
    now: Timestamp,
) -> Result<()> {
    let mut session = Session::new(connection, sql);
    session.script("BEGIN IMMEDIATE").await?;
    match apply(&mut session, now).await {
        Ok(()) => session.script("COMMIT").await,
        Err(error) => {
            // The first error is the one to tell; closing the connection undoes what this does not.
            let _ = session.script("ROLLBACK").await;
            Err(error)
        }
    }
}

async fn apply(session: &mut Session<'_>, now: Timestamp) -> Result<()> {
    session
        .script(include_str!("../sql/migration_table.sql"))
        .await?;
    let rows = session
        .all(include_str!("../sql/migration_all.sql"), Args::new())
        .await?;
    let (found, known) = (rows.len(), MIGRATIONS.len());
    for (place, row) in rows.iter().enumerate().rev() {
        let (number, name): (i64, &str) = (column(row, 0)?, column(row, 1)?);
        match MIGRATIONS.get(place) {
            Some((known, called, _)) if (*known, *called) == (number, name) => {}
            None if MIGRATIONS.last().is_none_or(|last| last.0 < number) => {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!(
                        "the database has schema {number}, and this version knows {known}; use a newer notify-store-sqlite"
                    ),
                ));
            }
            _ => return Err(changed("list of migrations")),
        }
    }
    if found > 0 {
        check_schema(session).await?;
    } else {
        check_names(session).await?;
    }
    for (number, name, text) in &MIGRATIONS[found..] {
        session.script(text).await?;
        let args = Args::new().with(*number).with(*name).with(now.as_micros());
        session
            .execute(include_str!("../sql/migration_insert.sql"), args)
            .await?;
    }
    if found < known {
        session
            .execute(
                include_str!("../sql/migration_schema_put.sql"),
                Args::new().with(TABLES),
            )
            .await?;
    }
    Ok(())
}

/// Before the first migration none of its tables may be there: it is somebody else's, or has lost what says that it is ours.
async fn check_names(session: &mut Session<'_>) -> Result<()> {
    let args = Args::new().with(TABLES);
    let row = session
        .first(include_str!("../sql/migration_taken.sql"), args)
        .await?;
    let Some(row) = row else { return Ok(()) };
    if column(&row, 1)? {
        return Err(changed("list of migrations"));
    }
    let name: &str = column(&row, 0)?;
    let why = format!("the database has a table {name} already; choose another table prefix");
    Err(Error::new(ErrorKind::Config, why))
}

fn changed(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("the {what} is not as this library left it; restore the database from a backup"),
    )
}

/// Tables and indexes must be as the last migration left them.
async fn check_schema(session: &mut Session<'_>) -> Result<()> {
    let row = session
        .first(
            include_str!("../sql/migration_schema_check.sql"),
            Args::new().with(TABLES),
        )
        .await?;
    let same: Option<bool> = row.map_or(Ok(None), |row| column(&row, 0))?;
    if same == Some(true) {
        return Ok(());
    }
    Err(changed("definition of the tables"))
}
