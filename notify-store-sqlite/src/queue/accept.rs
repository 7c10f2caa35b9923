//! Accept: notifications with their deliveries, jobs and keys, for all callers of one transaction at once.

use notify_core::clock::{Monotonic, Timestamp};
use notify_core::delivery::Decision;
use notify_core::notification::RequestHash;
use notify_core::queue::{Acceptance, Accepted, Job, Lease, Premise};
use notify_core::{NotificationId, Result};
use std::collections::{HashMap, HashSet};
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::names::Whose;
use crate::queue::digest::Gathering;
use crate::queue::leases::Loan;
use crate::queue::premise::{Asker, Facts};
use crate::queue::{Care, advance, insert, jobs};
use crate::row::{Args, bytes, column, unsigned};
use crate::session::Session;

/// A tenant by number, and the hash of a key.
type Key = (i64, [u8; 32]);

/// One call of `accept`.
pub(crate) struct AcceptOp {
    pub(super) items: Vec<Acceptance>,
    /// Both times at the beginning of the call.
    pub(super) now: Timestamp,
    pub(super) monotonic: Monotonic,
    results: Vec<Accepted>,
    /// What was lent, by place of the item and of its delivery.
    pub(super) lent: Vec<(usize, usize, Loan)>,
    /// Jobs that moved on, and are not lent any more.
    pub(super) advanced: Vec<Job>,
    /// Whether there is work for others.
    pub(super) has_ready: bool,
    answer: Option<oneshot::Sender<Result<Vec<Accepted>>>>,
}

impl AcceptOp {
    pub(crate) fn new(
        items: Vec<Acceptance>,
        now: Timestamp,
        monotonic: Monotonic,
        answer: Option<oneshot::Sender<Result<Vec<Accepted>>>>,
    ) -> Self {
        Self {
            items,
            now,
            monotonic,
            results: Vec::new(),
            lent: Vec::new(),
            advanced: Vec::new(),
            has_ready: false,
            answer,
        }
    }

    /// How many rows it makes, roughly.
    pub(crate) fn len(&self) -> usize {
        self.items
            .iter()
            .map(|item| item.deliveries.len().max(1))
            .sum()
    }

    /// Begins anew, after what was done was undone.
    fn reset(&mut self) {
        self.results = vec![Accepted::New; self.items.len()];
        self.lent.clear();
        self.advanced.clear();
        self.has_ready = false;
    }

    /// What became of each item.
    pub(crate) fn results(self) -> Vec<Accepted> {
        self.results
    }

    /// After the commit: hands over what was lent, wakes who waits for work, and answers.
    pub(crate) fn answer(mut self, engine: &Engine, outcome: Result<()>) {
        if outcome.is_ok() {
            self.hand_over(engine);
        }
        if let Some(answer) = self.answer {
            // Nobody waits any more if the caller was dropped.
            let _ = answer.send(outcome.map(|()| self.results));
        }
    }

    fn hand_over(&mut self, engine: &Engine) {
        if !self.advanced.is_empty() {
            engine.leases.remove(self.advanced.drain(..));
        }
        let mut leases = Vec::with_capacity(self.lent.len());
        let loans = self.lent.drain(..).filter_map(|(item, delivery, loan)| {
            let item = self.items.get_mut(item)?;
            let (tenant, priority) = (item.tenant.clone(), item.priority);
            // Planning took a part of the loan's time.
            let late = self.now.since(item.accepted_at);
            let delivery = item.deliveries.get_mut(delivery)?;
            let handoff = delivery.handoff.take()?;
            let until = self.monotonic + handoff.ttl.saturating_sub(late);
            let (job, channel) = (Job::deliver(delivery.id), delivery.channel.clone());
            leases.push((
                handoff,
                Lease::new(tenant, job, priority, channel, loan.epoch, until),
            ));
            Some((job, loan))
        });
        engine.leases.add(loans);
        for (handoff, lease) in leases {
            handoff.deliver(lease);
        }
        if self.has_ready {
            engine.ring();
        }
    }
}

/// An item that is stored, by place of its call and in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) op: usize,
    pub(super) item: usize,
}

/// Stores what can be stored of all calls.
pub(crate) async fn accept_all(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [AcceptOp],
    care: Care,
    whose: Whose,
) -> Result<()> {
    ops.iter_mut().for_each(AcceptOp::reset);
    let numbers = insert::numbers(db, engine, ops, whose).await?;
    let places: Vec<Place> = (0..ops.len())
        .flat_map(|op| (0..ops[op].items.len()).map(move |item| Place { op, item }))
        .collect();
    let (stored, digests) = if care == Care::Less
        && places
            .iter()
            .all(|place| is_plain(&ops[place.op].items[place.item]))
    {
        (places, Gathering::default())
    } else {
        judge(db, engine, ops, &numbers, places, care).await?
    };
    insert::all(db, engine, ops, &numbers, &stored, whose).await?;
    let gathered = digests.write(db, engine, whose).await?;
    if let Some(op) = stored.first().map(|place| &mut ops[place.op]) {
        // Whichever call it was: they share the commit.
        op.has_ready |= gathered.has_ready;
        op.advanced.extend(gathered.freed);
    }
    for place in &stored {
        let op = &mut ops[place.op];
        let tenant = numbers.tenant(&op.items[place.item].tenant)?;
        if !op.items[place.item].jobs.is_empty() {
            op.has_ready |= jobs::insert(db, engine, &op.items[place.item], tenant, whose).await?;
        }
        if let Some(next) = &op.items[place.item].advance {
            advance::apply(db, next).await?;
            let job = next.job;
            op.has_ready = true;
            op.advanced.push(job);
        }
    }
    Ok(())
}

/// Whether it can be stored without asking anything.
fn is_plain(item: &Acceptance) -> bool {
    let gathers = item.deliveries.iter().any(|one| one.digest.is_some());
    let is_bare = item.key.is_none() && item.premises.is_empty() && item.advance.is_none();
    is_bare && !gathers && item.flush.is_none()
}

/// What is known of what was stored before, and what is stored in this transaction.
struct Judge<'a> {
    keys: HashMap<Key, (NotificationId, RequestHash)>,
    ids: HashSet<NotificationId>,
    advances: advance::Advances,
    facts: Facts,
    numbers: &'a insert::Numbers,
}

/// Says of each item whether it is stored; answers with those that are.
async fn judge(
    db: &mut Session<'_>,
    engine: &Engine,
    ops: &mut [AcceptOp],
    numbers: &insert::Numbers,
    places: Vec<Place>,
    care: Care,
) -> Result<(Vec<Place>, Gathering)> {
    let items: Vec<&Acceptance> = places
        .iter()
        .map(|place| &ops[place.op].items[place.item])
        .collect();
    let mut judge = Judge {
        keys: load_keys(db, &items, numbers).await?,
        ids: if care == Care::More {
            load_ids(db, &items).await?
        } else {
            HashSet::new()
        },
        advances: advance::load(db, &items).await?,
        facts: Facts::default(),
        numbers,
    };
    if items.iter().any(|item| !item.premises.is_empty()) {
        let asked = items
            .iter()
            .filter_map(|item| Some((asker(item, numbers).ok()?, &item.premises[..])));
        judge.facts = Facts::load(db, engine, asked).await?;
    }
    let mut keys = Vec::new();
    for item in &items {
        keys.extend(Gathering::keys(item, numbers.tenant(&item.tenant)?));
    }
    judge.facts.digests.look(db, keys).await?;
    judge.facts.digests.look_at_leaving(db, &items).await?;
    let mut refusals = Vec::with_capacity(items.len());
    for item in &items {
        refusals.push(judge.item(item)?);
    }
    let digests = std::mem::take(&mut judge.facts.digests);
    judge.facts.write(db).await?;
    let mut stored = Vec::with_capacity(places.len());
    for (place, refusal) in places.into_iter().zip(refusals) {
        match refusal {
            None => stored.push(place),
            Some(refusal) => ops[place.op].results[place.item] = refusal,
        }
    }
    Ok((stored, digests))
}

fn asker<'a>(item: &'a Acceptance, numbers: &insert::Numbers) -> Result<Asker<'a>> {
    let tenant_no = numbers.tenant(&item.tenant)?;
    Ok(Asker {
        tenant: &item.tenant,
        tenant_no,
        notification: item.id,
        now: item.accepted_at,
    })
}

impl Judge<'_> {
    /// Why an item is not stored; if it is, notes what it makes.
    fn item(&mut self, item: &Acceptance) -> Result<Option<Accepted>> {
        let asker = asker(item, self.numbers)?;
        let key = item.key.map(|key| (asker.tenant_no, *key.as_bytes()));
        if let Some((notification, hash)) = key.and_then(|key| self.keys.get(&key)) {
            return Ok(Some(if *hash == item.request_hash {
                Accepted::Duplicate(*notification)
            } else {
                Accepted::Conflict
            }));
        }
        if self.ids.contains(&item.id) {
            return Ok(Some(Accepted::Duplicate(item.id)));
        }
        if item
            .advance
            .as_ref()
            .is_some_and(|next| !self.advances.holds(next))
        {
            return Ok(Some(Accepted::Fenced));
        }
        if let Err((premise, _)) = self.facts.check(&asker, &item.premises) {
            return Ok(Some(Accepted::Stale(premise)));
        }
        let broken = item.flush.as_ref();
        if let Some(flush) = broken.filter(|flush| !self.facts.digests.is_whole(flush)) {
            let (key, open) = (flush.key, false);
            return Ok(Some(Accepted::Stale(Premise::Bucket { key, open })));
        }
        self.facts.record(&asker, &item.premises);
        self.facts.digests.add(item, asker.tenant_no);
        if let Some(key) = key {
            self.keys.insert(key, (item.id, item.request_hash));
        }
        self.ids.insert(item.id);
        if let Some(next) = &item.advance {
            self.advances.spend(next);
        }
        Ok(None)
    }
}

/// What the keys of these items stand for.
async fn load_keys(
    db: &mut Session<'_>,
    items: &[&Acceptance],
    numbers: &insert::Numbers,
) -> Result<HashMap<Key, (NotificationId, RequestHash)>> {
    let mut asked: Vec<Key> = Vec::new();
    for item in items {
        if let Some(key) = item.key {
            asked.push((numbers.tenant(&item.tenant)?, *key.as_bytes()));
        }
    }
    let mut found = HashMap::with_capacity(asked.len());
    if asked.is_empty() {
        return Ok(found);
    }
    let text = include_str!("../../sql/key_find.sql");
    let row = |(place, (tenant, key)): &(i64, &Key), args: &mut Args| {
        args.push(*place);
        args.push(*tenant);
        args.push(&key[..]);
    };
    let numbered: Vec<_> = (0_i64..).zip(&asked).collect();
    for row in db.all_rows(text, Args::new, &numbered, row).await? {
        let place: usize = unsigned(column(&row, 0)?, "key")?;
        let id = NotificationId::from_bytes(bytes(&row, 1, "notification id")?);
        let hash = RequestHash::from_bytes(bytes(&row, 2, "request hash")?);
        if let Some(key) = asked.get(place) {
            found.insert(*key, (id, hash));
        }
    }
    Ok(found)
}

/// Which of these notifications are there already.
async fn load_ids(db: &mut Session<'_>, items: &[&Acceptance]) -> Result<HashSet<NotificationId>> {
    let text = include_str!("../../sql/notification_known.sql");
    let row = |item: &&Acceptance, args: &mut Args| args.push(&item.id.as_bytes()[..]);
    let rows = db.all_rows(text, Args::new, items, row).await?;
    rows.iter()
        .map(|row| {
            Ok(NotificationId::from_bytes(bytes(
                row,
                0,
                "notification id",
            )?))
        })
        .collect()
}

/// Whether a delivery goes into the queue.
pub(super) const fn is_queued(decision: &Decision) -> bool {
    matches!(decision, Decision::Send | Decision::Hold { .. })
}

/// Whether it is lent in the commit that stores it.
pub(super) fn is_lent(item: &Acceptance, delivery: usize) -> bool {
    let delivery = &item.deliveries[delivery];
    let is_due = matches!(delivery.decision, Decision::Send) && delivery.due <= item.accepted_at;
    is_due && delivery.handoff.is_some()
}
