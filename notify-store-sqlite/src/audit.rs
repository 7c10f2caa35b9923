//! Who changed what: written in the transaction of the change, read by page.

use async_trait::async_trait;
use notify_core::audit::{Actor, AuditEntry, AuditStore};
use notify_core::{Result, TenantId, Timestamp};
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::row::{Args, before_or_all, column, unsigned};
use crate::session::Session;

/// Writes one row for each subject, if the actor is one whose actions are audited.
pub(crate) async fn record(
    db: &mut Session<'_>,
    tenant: &TenantId,
    actor: &Actor,
    action: &'static str,
    subjects: &[String],
    now: Timestamp,
) -> Result<()> {
    if !actor.is_audited() {
        return Ok(());
    }
    let insert = include_str!("../sql/audit_insert.sql");
    db.execute_rows(insert, Args::new, subjects, |subject, args| {
        args.push(now.as_micros());
        args.push(tenant.as_str());
        args.push(actor.as_str());
        args.push(action);
        args.push(subject.as_str());
    })
    .await?;
    Ok(())
}

fn entry(tenant: &TenantId, row: &SqliteRow) -> Result<AuditEntry> {
    let at = Timestamp::from_micros(column(row, 1)?);
    let (actor, action, subject): (String, String, String) =
        (column(row, 2)?, column(row, 3)?, column(row, 4)?);
    let sequence = unsigned(column(row, 0)?, "audit entry")?;
    Ok(AuditEntry::new(
        sequence,
        at,
        tenant.clone(),
        actor,
        action,
        subject,
    ))
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit_log(
        &self,
        tenant: &TenantId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>> {
        let args = Args::new()
            .with(tenant.as_str())
            .with(before_or_all(before))
            .with(i64::from(limit));
        let mut reader = self.reader().await?;
        let page = include_str!("../sql/audit_page.sql");
        let rows = reader.session()?.all(page, args).await?;
        rows.iter().map(|row| entry(tenant, row)).collect()
    }
}
