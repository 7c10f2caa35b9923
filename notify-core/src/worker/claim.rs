//! From the queue to work: asks for what there is room for, and gives back what cannot be taken.

use std::sync::{Arc, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

use crate::clock::{Monotonic, Timestamp};
use crate::delivery::Delivery;
use crate::error::Result;
use crate::id::ChannelId;
use crate::notification::Priority;
use crate::orchestrator::short;
use crate::queue::{Claim, LaneClaim, Lease, NewJob, Release};
use crate::worker::contain::contain;
use crate::worker::inflight::Held;
use crate::worker::jobs::Loan;
use crate::worker::stop::Stop;
use crate::worker::work::Work;
use crate::worker::{CHUNK, Shared, jobs, lanes, panicked};

/// How often a claim that found something asks for more: what lanes that came back short left over.
const ROUNDS: usize = 3;

/// Asks for work whenever there may be some and there is room for it, until it is told to stop.
///
/// A claim that is under way is never cut off: what it lent would be nobody's until its leases end.
pub(super) async fn claim_all(
    shared: Arc<Shared>,
    claimed: UnboundedSender<Claimed>,
    mut stop: Stop,
) {
    let poll = shared.options.poll;
    while !stop.is_pulled() {
        let asked = contain(shared.claim()).await;
        shared.parts.local.asked(shared.parts.clock.monotonic());
        let next = match asked {
            Ok(Ok((found, more))) => {
                if !found.is_empty() && claimed.send(found).is_err() {
                    return;
                }
                if more { Next::Room } else { Next::Work }
            }
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "cannot claim; trying again");
                Next::Later
            }
            Err(_) => {
                panicked("a claim");
                Next::Later
            }
        };
        let pause = async {
            match next {
                Next::Room => shared.room().await,
                Next::Work => shared.parts.queue.wait(poll).await,
                Next::Later => shared.parts.clock.sleep(poll).await,
            }
        };
        tokio::select! {
            () = pause => {}
            () = stop.pulled() => {}
        }
    }
}

/// What the next claim waits for.
enum Next {
    /// For places, since there is more work than that.
    Room,
    /// For work.
    Work,
    /// For better times.
    Later,
}

/// What was lent to this worker.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    /// Deliveries.
    pub(super) work: Vec<Work>,
    /// Other jobs.
    pub(super) loans: Vec<Loan>,
}

impl Claimed {
    fn is_empty(&self) -> bool {
        self.work.is_empty() && self.loans.is_empty()
    }

    fn extend(&mut self, other: Self) {
        self.work.extend(other.work);
        self.loans.extend(other.loans);
    }
}

impl Shared {
    /// Asks for work, of every lane that this process can serve now; answers also whether there may be more than there was room for.
    pub(super) async fn claim(&self) -> Result<(Claimed, bool)> {
        let parts = &self.parts;
        let monotonic = parts.clock.monotonic();
        let providers = parts.providers.load_full();
        let open: Vec<ChannelId> = providers
            .channels()
            .into_iter()
            .filter(|channel| providers.is_open(channel, monotonic))
            .collect();
        let mut lanes: Vec<(Priority, ChannelId)> = Priority::ALL
            .into_iter()
            .flat_map(|priority| open.iter().map(move |c| (priority, c.clone())))
            .collect();
        let mut claimed = Claimed::default();
        let mut rounds = ROUNDS;
        let mut jobs = self.job_lanes();
        // A lane that came back short leaves its share to the others. As long as nothing is found, each lane is asked: with few
        // places that takes more rounds.
        while rounds > 0 {
            let mut shares = self.shares(&lanes, claimed.work.len());
            shares.append(&mut jobs);
            if shares.is_empty() {
                break;
            }
            // A lane that gets no share has no room here; whether it has work is not known.
            let mut unasked = lanes.clone();
            unasked.retain(|lane| {
                !shares
                    .iter()
                    .any(|share| share.priority == lane.0 && share.channel == lane.1)
            });
            let taken = match self.claim_lanes(shares).await {
                Ok((leases, short, full)) => {
                    rounds -= usize::from(!leases.is_empty());
                    lanes = unasked;
                    lanes.extend(full);
                    self.take(leases, &short).await
                }
                Err(error) => Err(error),
            };
            match taken {
                Ok((found, is_room)) => {
                    claimed.extend(found);
                    if !is_room {
                        return Ok((claimed, true));
                    }
                }
                // What earlier rounds lent is not lost over it.
                Err(error) if !claimed.is_empty() => {
                    tracing::warn!(error = %error, "cannot claim more; going on with what there is");
                    return Ok((claimed, true));
                }
                Err(error) => return Err(error),
            }
            if lanes.is_empty() {
                break;
            }
        }
        Ok((claimed, !lanes.is_empty()))
    }

    /// How much to ask of each of these lanes, after so much was claimed.
    fn shares(&self, lanes: &[(Priority, ChannelId)], claimed: usize) -> Vec<LaneClaim> {
        let slots = self.parts.local.slots();
        let batch = self.options.batch.saturating_sub(claimed);
        let (critical, shared) = (
            slots.free(Priority::Critical).min(batch),
            slots.free(Priority::Low).min(batch),
        );
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shares = lanes::shares(critical, shared, lanes, &mut turns);
        drop(turns);
        for share in &mut shares {
            let room = slots.free_in(share.priority, &share.channel);
            share.limit = share.limit.min(u32::try_from(room).unwrap_or(u32::MAX));
        }
        shares.retain(|share| share.limit > 0);
        shares
    }

    /// The lanes of the jobs that are no deliveries: asked beside the others, and few at a time.
    fn job_lanes(&self) -> Vec<LaneClaim> {
        let slots = self.parts.local.slots();
        let lane = |priority| LaneClaim {
            priority,
            channel: NewJob::CHANNEL,
            limit: u32::try_from(slots.free_in(priority, &NewJob::CHANNEL)).unwrap_or(u32::MAX),
        };
        let lanes = Priority::ALL.into_iter().map(lane);
        lanes.filter(|lane| lane.limit > 0).collect()
    }

    /// Returns when there is room for a fair number of deliveries.
    async fn room(&self) {
        let slots = self.parts.local.slots();
        let enough = (self.options.concurrency / 8).clamp(1, CHUNK);
        let roomy = async {
            // Once at least: what had no room in a channel's own part has some only then.
            slots.freed().await;
            while slots.free(Priority::Low) < enough {
                slots.freed().await;
            }
        };
        tokio::select! {
            () = roomy => {}
            () = self.parts.clock.sleep(self.options.poll) => {}
        }
    }

    /// Asks the queue. Answers with what it lent, the lanes that came back short with when they were asked, and the others.
    async fn claim_lanes(&self, lanes: Vec<LaneClaim>) -> Result<(Vec<Lease>, Short, Vec<Lane>)> {
        let parts = &self.parts;
        let (now, asked_at) = (parts.clock.now(), parts.clock.monotonic());
        let claim = Claim {
            owner: self.owner,
            lanes,
            now,
            asked_at,
            ttl: self.options.lease,
        };
        let leases = parts.queue.claim(&claim).await?;
        parts.local.claimed(now);
        let (mut short, mut full) = (Vec::new(), Vec::new());
        // No job is handed over: nobody asks whether something older waits in its lane.
        let lanes = claim.lanes.into_iter();
        for LaneClaim {
            priority,
            channel,
            limit,
        } in lanes.filter(|lane| lane.channel != NewJob::CHANNEL)
        {
            let got = leases
                .iter()
                .filter(|lease| lease.priority == priority && lease.channel == channel)
                .count();
            if got < limit as usize {
                short.push((priority, channel));
            } else {
                parts.local.lane_has_work(priority, &channel);
                full.push((priority, channel));
            }
        }
        Ok((
            leases,
            Short {
                lanes: short,
                asked_at,
            },
            full,
        ))
    }

    /// Reads the deliveries of leases and gives each a place. Answers also whether each found one.
    ///
    /// What finds no place goes back as it was. What cannot be served here is left to a newer version for a while.
    async fn take(&self, leases: Vec<Lease>, short: &Short) -> Result<(Claimed, bool)> {
        // Before anything is given back, which says that there is work after all.
        for (priority, channel) in &short.lanes {
            self.parts
                .local
                .lane_is_empty(*priority, channel, short.asked_at);
        }
        let leases: Vec<(Held, Lease)> = leases
            .into_iter()
            .map(|lease| (self.inflight.hold(&lease), lease))
            .collect();
        let deliveries = match self.load(&leases).await {
            Ok(deliveries) => deliveries,
            Err(error) => {
                let now = self.parts.clock.now();
                let back = leases.into_iter().map(|(held, lease)| (held, lease, now));
                self.give_back(back.collect()).await;
                return Err(error);
            }
        };
        let (mut claimed, mut back) = (Claimed::default(), Vec::new());
        let later = self.parts.clock.now() + self.options.backoff;
        let mut is_room = true;
        let slots = self.parts.local.slots();
        for ((held, lease), delivery) in leases.into_iter().zip(deliveries) {
            if delivery.is_none() && !jobs::is_known(lease.job.kind) {
                self.parts.unserved.job(&lease, self.parts.clock.now());
                back.push((held, lease, later));
                continue;
            }
            match (slots.take_in(lease.priority, &lease.channel), delivery) {
                (Some(slot), Some(delivery)) => claimed.work.push(Work {
                    lease,
                    delivery,
                    snapshot: None,
                    slot,
                    held,
                }),
                (Some(slot), None) => claimed.loans.push(Loan { lease, slot, held }),
                (None, delivery) => {
                    is_room &= delivery.is_none();
                    let now = self.parts.clock.now();
                    let due = delivery.map_or(now, |delivery| delivery.due_at);
                    back.push((held, lease, due));
                }
            }
        }
        self.give_back(back).await;
        Ok((claimed, is_room))
    }

    /// The deliveries of leases, in order; `None` for other jobs.
    async fn load(&self, leases: &[(Held, Lease)]) -> Result<Vec<Option<Delivery>>> {
        let ids: Vec<_> = leases
            .iter()
            .filter_map(|(_, lease)| lease.job.delivery())
            .collect();
        if ids.is_empty() {
            return Ok(leases.iter().map(|_| None).collect());
        }
        let loaded = self.parts.deliveries.load(&ids).await?;
        if loaded.len() != ids.len() {
            return Err(short("a delivery store"));
        }
        let mut loaded = loaded.into_iter();
        Ok(leases
            .iter()
            .map(|(_, lease)| lease.job.delivery().and_then(|_| loaded.next().flatten()))
            .collect())
    }

    pub(super) async fn give_back(&self, back: Vec<(Held, Lease, Timestamp)>) {
        if back.is_empty() {
            return;
        }
        for (_, lease, _) in &back {
            self.parts
                .local
                .lane_has_work(lease.priority, &lease.channel);
        }
        let releases: Vec<_> = back
            .iter()
            .map(|(_, lease, due)| Release { lease, due: *due })
            .collect();
        if let Err(error) = self.parts.queue.release(&releases).await {
            tracing::warn!(error = %error, count = releases.len(), "cannot give leases back; they are left to end");
        }
    }
}

/// Where jobs wait.
type Lane = (Priority, ChannelId);

/// Lanes in which nothing more waited, and when they were asked.
struct Short {
    lanes: Vec<Lane>,
    asked_at: Monotonic,
}
