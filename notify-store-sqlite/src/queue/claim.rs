//! Lending: the due jobs of a lane, tenant by tenant in turn.

use notify_core::delivery::Frozen;
use notify_core::id::OwnerId;
use notify_core::queue::{Claim, Job, JobKind, Lease};
use notify_core::{ChannelId, DeliveryId, ErrorKind, Priority, Result, TenantId, Timestamp};
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::Engine;
use crate::error;
use crate::names::Whose;
use crate::queue::leases::Loan;
use crate::row::{Args, column, json, optional_bytes, unsigned};
use crate::session::Session;

/// So many shards are looked into without asking first which of them have something due.
const FEW_SHARDS: usize = 4;

/// The shard whose turn it is, by lane.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<i64, i64>>);

impl Turns {
    fn of(&self, lane: i64) -> i64 {
        let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.get(&lane).copied().unwrap_or(0)
    }

    fn set(&self, lane: i64, shard: i64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(lane, shard);
    }
}

/// What is asked of one lane.
#[derive(Clone, Debug)]
struct Asked {
    lane: i64,
    priority: Priority,
    channel: ChannelId,
    limit: usize,
}

/// A job that can be lent.
struct Due {
    no: i64,
    shard: i64,
    due: i64,
    job: Job,
    tenant: TenantId,
    epoch: u32,
    sends: u32,
    crashes: u32,
    interrupted: bool,
    frozen: Option<Arc<Frozen>>,
    payload: Vec<u8>,
}

/// One claim, owned by the writer.
#[derive(Clone, Debug)]
pub(super) struct Claiming {
    claim: Claim,
}

impl Claiming {
    pub(super) fn new(claim: &Claim) -> Self {
        Self {
            claim: claim.clone(),
        }
    }

    fn until(&self) -> Timestamp {
        self.claim.now + self.claim.ttl
    }

    /// Lends what is due. Answers with what was lent and with the loans, to be known after the commit.
    pub(super) async fn run(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
    ) -> Result<Vec<(Loan, Lease)>> {
        let lanes = self.lanes(db, engine).await?;
        let shards = self.shards(db, engine, &lanes).await?;
        let mut lent = Vec::new();
        for asked in &lanes {
            let Some(shards) = shards.get(&asked.lane) else {
                continue;
            };
            let found = self.due(db, engine, asked, shards).await?;
            lent.extend(found.into_iter().map(|due| self.lend(asked, due)));
        }
        let owner = engine.leases.owner_no(self.claim.owner);
        for piece in lent.chunks(crate::sql::MOST_ROWS) {
            let size = db.size(piece.len());
            let text = include_str!("../../sql/queue_lend.sql");
            let args = db.later(text, size).await?;
            args.push(owner);
            args.push(self.until().as_micros());
            piece.iter().for_each(|(loan, _)| args.push(loan.no));
            args.pad(size - piece.len());
            args.push_count(piece.len());
        }
        Ok(lent)
    }

    /// The lanes that are asked for, each once, by number.
    async fn lanes(&self, db: &mut Session<'_>, engine: &Engine) -> Result<Vec<Asked>> {
        let mut lanes: Vec<Asked> = Vec::with_capacity(self.claim.lanes.len());
        for asked in &self.claim.lanes {
            let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
            if limit == 0 {
                continue;
            }
            let name = (asked.priority, asked.channel.clone());
            let lane = engine.names.lane_no(db, &name, Whose::Ours).await?;
            match lanes.iter_mut().find(|known| known.lane == lane) {
                Some(known) => known.limit = known.limit.saturating_add(limit),
                None => lanes.push(Asked {
                    lane,
                    priority: name.0,
                    channel: name.1,
                    limit,
                }),
            }
        }
        Ok(lanes)
    }

    /// The shards of each lane in which something is due, or may be where there are few.
    async fn shards(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
        lanes: &[Asked],
    ) -> Result<BTreeMap<i64, Vec<i64>>> {
        let all: Vec<i64> = engine.names.known().shards().iter().copied().collect();
        if all.len() <= FEW_SHARDS {
            let lanes = lanes.iter().filter(|_| !all.is_empty());
            return Ok(lanes.map(|asked| (asked.lane, all.clone())).collect());
        }
        let text = include_str!("../../sql/queue_due_shards.sql");
        let row = |asked: &Asked, args: &mut Args| {
            args.push(asked.lane);
            args.push(self.claim.now.as_micros());
        };
        let mut shards: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in db.all_rows(text, Args::new, lanes, row).await? {
            shards
                .entry(column(&row, 0)?)
                .or_default()
                .push(column(&row, 1)?);
        }
        Ok(shards)
    }

    /// What is due in one lane: from each shard in turn one, and so on, until there are enough.
    async fn due(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
        asked: &Asked,
        shards: &[i64],
    ) -> Result<Vec<Due>> {
        let turn = engine.turns.of(asked.lane);
        let (mut open, mut each) = (shards.to_vec(), asked.limit.div_ceil(shards.len()));
        let mut lines: BTreeMap<i64, Vec<Due>> = BTreeMap::new();
        loop {
            let found = self.heads(db, asked.lane, &open, each).await?;
            for shard in &open {
                lines.remove(shard);
            }
            for due in found {
                lines.entry(due.shard).or_default().push(due);
            }
            let total: usize = lines.values().map(Vec::len).sum();
            // Shards that gave all they were asked for may have more.
            open.retain(|shard| lines.get(shard).is_some_and(|line| line.len() >= each));
            if total >= asked.limit || open.is_empty() {
                break;
            }
            each += (asked.limit - total).div_ceil(open.len());
        }
        let (chosen, next) = take_turns(lines, turn, asked.limit);
        engine.turns.set(asked.lane, next);
        Ok(chosen)
    }

    /// The first of each shard.
    async fn heads(
        &self,
        db: &mut Session<'_>,
        lane: i64,
        shards: &[i64],
        each: usize,
    ) -> Result<Vec<Due>> {
        let text = include_str!("../../sql/queue_due.sql");
        let each = i64::try_from(each).unwrap_or(i64::MAX);
        let (mut found, mut broken) = (Vec::new(), Vec::new());
        for piece in shards.chunks(crate::sql::MOST_ROWS) {
            let size = crate::sql::padded(piece.len());
            let mut args = Args::new();
            piece.iter().for_each(|shard| args.push(*shard));
            args.pad(size - piece.len());
            args.push(lane);
            args.push(self.claim.now.as_micros());
            args.push(each);
            for row in db.all_sized(text, size, args).await? {
                match Due::of(&row) {
                    Ok(due) => found.push(due),
                    Err(error) if error.kind() == ErrorKind::Corrupt => {
                        broken.push(column::<i64>(&row, 0)?);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        set_aside(db, &broken).await?;
        found.sort_unstable_by_key(|due| (due.due, due.no));
        Ok(found)
    }

    fn lend(&self, asked: &Asked, due: Due) -> (Loan, Lease) {
        let epoch = due.epoch.saturating_add(1);
        let loan = Loan {
            no: due.no,
            epoch,
            owner: self.claim.owner,
            until: self.until(),
            lane: asked.lane,
            is_sending: false,
        };
        let until = self.claim.asked_at + self.claim.ttl;
        let channel = asked.channel.clone();
        let mut lease = Lease::new(due.tenant, due.job, asked.priority, channel, epoch, until);
        lease.sends = due.sends;
        lease.crashes = due.crashes;
        lease.interrupted = due.interrupted;
        lease.frozen = due.frozen;
        lease.payload = due.payload;
        (loan, lease)
    }
}

/// Keeps jobs that do not read back from being lent, or nothing behind them ever would be. They are counted as poison, and
/// an operator can cancel them.
async fn set_aside(db: &mut Session<'_>, broken: &[i64]) -> Result<()> {
    if broken.is_empty() {
        return Ok(());
    }
    let count = broken.len();
    tracing::error!(count, "jobs do not read back; they are not sent");
    let text = include_str!("../../sql/queue_set_aside.sql");
    let row = |no: &i64, args: &mut Args| args.push(*no);
    db.execute_rows(text, Args::new, broken, row).await?;
    Ok(())
}

/// One of each line in turn; answers with the line whose turn is next, too.
fn take_turns(lines: BTreeMap<i64, Vec<Due>>, turn: i64, limit: usize) -> (Vec<Due>, i64) {
    let (before, from): (Vec<_>, Vec<_>) = lines.into_iter().partition(|(shard, _)| *shard < turn);
    let mut lines: Vec<_> = from
        .into_iter()
        .chain(before)
        .map(|(shard, line)| (shard, line.into_iter()))
        .collect();
    let (mut chosen, mut next) = (Vec::new(), turn);
    while chosen.len() < limit && !lines.is_empty() {
        lines.retain_mut(|(shard, line)| {
            if chosen.len() == limit {
                return true;
            }
            let due = line.next();
            let is_open = due.is_some();
            if let Some(due) = due {
                chosen.push(due);
                next = *shard + 1;
            }
            is_open
        });
    }
    (chosen, next)
}

impl Due {
    fn of(row: &SqliteRow) -> Result<Self> {
        let job = match optional_bytes::<16>(row, 9, "delivery id")? {
            Some(id) => Job::deliver(DeliveryId::from_bytes(id)),
            None => {
                let kind: u8 = unsigned(column(row, 10)?, "job")?;
                let subject =
                    optional_bytes(row, 11, "job")?.ok_or_else(|| error::corrupt("job"))?;
                Job::new(JobKind::from_code(kind), u128::from_be_bytes(subject))
            }
        };
        let frozen: Option<&str> = column(row, 7)?;
        Ok(Self {
            no: column(row, 0)?,
            shard: column(row, 1)?,
            due: column(row, 2)?,
            job,
            tenant: TenantId::from(column::<String>(row, 8)?),
            epoch: unsigned(column(row, 3)?, "epoch")?,
            sends: unsigned(column(row, 4)?, "queue entry")?,
            crashes: unsigned(column(row, 5)?, "queue entry")?,
            interrupted: column(row, 6)?,
            frozen: frozen
                .map(|frozen| json(frozen, "target").map(Arc::new))
                .transpose()?,
            payload: column::<Option<Vec<u8>>>(row, 12)?.unwrap_or_default(),
        })
    }
}

/// Prolongs the loans of one owner; answers with the jobs that are prolonged, and those that are lost.
pub(super) async fn extend(
    db: &mut Session<'_>,
    engine: &Engine,
    owner: OwnerId,
    leases: &[(Job, u32)],
    until: Timestamp,
) -> Result<(Vec<Job>, Vec<Job>)> {
    let loans: Vec<_> = leases
        .iter()
        .filter_map(|(job, epoch)| Some((*job, engine.leases.find(*job, *epoch)?)))
        .filter(|(_, loan)| loan.owner == owner)
        .collect();
    let head = || Args::new().with(until.as_micros());
    let row = |(_, loan): &(Job, Loan), args: &mut Args| {
        args.push(loan.no);
        args.push(i64::from(loan.epoch));
    };
    let text = include_str!("../../sql/queue_extend.sql");
    let rows = db.all_rows(text, head, &loans, row).await?;
    let held: HashSet<i64> = rows
        .iter()
        .map(|row| column(row, 0))
        .collect::<Result<_>>()?;
    let prolonged: HashSet<Job> = loans
        .iter()
        .filter(|(_, loan)| held.contains(&loan.no))
        .map(|(job, _)| *job)
        .collect();
    let lost = leases
        .iter()
        .map(|(job, _)| *job)
        .filter(|job| !prolonged.contains(job))
        .collect();
    Ok((prolonged.into_iter().collect(), lost))
}
