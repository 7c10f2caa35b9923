//! Reports that wait for their delivery.

use notify_core::preference::AddressHash;
use notify_core::queue::{Kept, KeptReport, ReportKey};
use notify_core::{Result, Timestamp};

use crate::error;
use crate::row::{Args, bytes, column, json, optional_bytes, to_json, unsigned};
use crate::session::Session;

/// A report as it is stored.
pub(super) struct Row {
    key: ReportKey,
    event: String,
    address: Option<AddressHash>,
    since: Timestamp,
}

impl Row {
    pub(super) fn new(report: &KeptReport) -> Result<Self> {
        Ok(Self {
            key: report.key,
            event: to_json(&report.event)?,
            address: report.address,
            since: report.since,
        })
    }
}

pub(super) async fn keep(db: &mut Session<'_>, rows: &[Row]) -> Result<u64> {
    let text = include_str!("../../../sql/report_put.sql");
    db.execute_rows(text, Args::new, rows, |row, args| {
        args.push(&row.key.as_bytes()[..]);
        args.push(row.event.as_str());
        args.push(row.address.as_ref().map(|address| &address.as_bytes()[..]));
        args.push(row.since.as_micros());
        args.push(KeptReport::next_look(row.since, row.since).as_micros());
    })
    .await
}

pub(super) async fn remove(db: &mut Session<'_>, keys: &[ReportKey]) -> Result<()> {
    let text = include_str!("../../../sql/report_remove.sql");
    db.execute_rows(text, Args::new, keys, |key, args| {
        args.push(&key.as_bytes()[..]);
    })
    .await?;
    Ok(())
}

/// How much there is, and when something is to be done about it.
pub(super) struct State {
    pub(super) kept: u64,
    look_at: Option<i64>,
    since: Option<i64>,
    bounces_over: Option<i64>,
}

impl State {
    pub(super) fn needs_a_look(&self, now: Timestamp) -> bool {
        let is_past = |at: Option<i64>, now: Timestamp| at.is_some_and(|at| at <= now.as_micros());
        is_past(self.look_at, now)
            || is_past(self.since, now - KeptReport::FOR)
            || is_past(self.bounces_over, now)
    }
}

pub(super) async fn state(db: &mut Session<'_>) -> Result<State> {
    let text = include_str!("../../../sql/report_state.sql");
    let row = db.first(text, Args::new()).await?;
    let row = row.ok_or_else(|| error::corrupt("report"))?;
    Ok(State {
        kept: unsigned(column(&row, 0)?, "report")?,
        look_at: column(&row, 1)?,
        since: column(&row, 2)?,
        bounces_over: column(&row, 3)?,
    })
}

/// Forgets what is old, and gives what is due, put off.
pub(super) async fn look(db: &mut Session<'_>, now: Timestamp, limit: u32) -> Result<Kept> {
    let args = || Args::new().with(now.as_micros());
    let over = Args::new().with((now - KeptReport::FOR).as_micros());
    let forgotten = db
        .execute(include_str!("../../../sql/report_sweep.sql"), over)
        .await?;
    db.execute(include_str!("../../../sql/bounce_sweep.sql"), args())
        .await?;
    let text = include_str!("../../../sql/report_due.sql");
    let rows = db.all(text, args().with(i64::from(limit))).await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in &rows {
        let key = ReportKey::from_bytes(bytes(row, 0, "report")?);
        let event = json(column(row, 1)?, "report")?;
        let address = optional_bytes(row, 2, "report")?.map(AddressHash::from_bytes);
        let since = Timestamp::from_micros(column(row, 3)?);
        due.push(KeptReport::new(key, event, address, since));
    }
    let text = include_str!("../../../sql/report_put_off.sql");
    let head = || args().with(now.as_micros());
    db.execute_rows(text, head, &due, |report, args| {
        args.push(&report.key.as_bytes()[..]);
    })
    .await?;
    Ok(Kept::new(due, state(db).await?.kept, forgotten))
}
