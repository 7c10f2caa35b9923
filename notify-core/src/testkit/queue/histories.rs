//! A clause over many calls: whatever happens in whatever order, the store answers as a simple model does.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::audit::Actor;
use crate::clock::{Entropy as _, SeededEntropy, Timestamp};
use crate::delivery::{DeliveryState, DeliveryStore, Reason};
use crate::id::{ChannelId, DeliveryId, NotificationId, OwnerId};
use crate::queue::{Accepted, Begun, CancelOutcome, Lease, Outcome, Premise, Release, Settled};
use crate::testkit::StoreHarness;
use crate::testkit::world::{MINUTE, SECOND, TTL, World, key, request_hash};

const STEPS: usize = 400;
const MAX: usize = 3;
const WINDOW: Duration = Duration::from_secs(300);

/// Where the model has a job.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hold {
    Ready,
    Lent(OwnerId, Timestamp),
    Sending(OwnerId, Timestamp),
    Gone,
}

/// What the model knows of a delivery.
#[derive(Clone, Debug)]
struct Row {
    state: DeliveryState,
    due: Timestamp,
    hold: Hold,
    epoch: u32,
    /// Whether it was requeued since, so that its epoch is only known to be higher.
    is_higher: bool,
    sends: u32,
    crashes: u32,
    interrupted: bool,
    settled: u32,
}

impl Row {
    fn holds(&self, lease: &Lease) -> bool {
        let is_lent = matches!(self.hold, Hold::Lent(..) | Hold::Sending(..));
        is_lent && self.epoch == lease.epoch
    }

    fn seen(&self) -> DeliveryState {
        let is_sending = matches!(self.hold, Hold::Sending(..));
        if is_sending {
            DeliveryState::Sending
        } else {
            self.state
        }
    }

    fn end(&mut self, state: DeliveryState) {
        (self.state, self.hold) = (state, Hold::Gone);
    }
}

/// One history: the store, the model, and the dice.
struct History {
    world: World,
    dice: SeededEntropy,
    rows: BTreeMap<DeliveryId, Row>,
    keys: BTreeMap<u8, (u8, NotificationId)>,
    counted: Vec<(Timestamp, DeliveryId)>,
    /// Every lease that was ever given, the old ones too.
    leases: Vec<Lease>,
    owners: [OwnerId; 3],
}

pub(super) async fn any_history_is_answered_as_the_model_does(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let owners = [world.stranger(), world.stranger(), world.stranger()];
    let mut history = History {
        world,
        dice: SeededEntropy::new(20_270_115),
        rows: BTreeMap::new(),
        keys: BTreeMap::new(),
        counted: Vec::new(),
        leases: Vec::new(),
        owners,
    };
    for _ in 0..STEPS {
        history.step().await;
        history.compare().await;
    }
    let ended = history
        .rows
        .values()
        .filter(|row| row.hold == Hold::Gone)
        .count();
    let lent = history.leases.len();
    assert!(
        ended >= 10 && lent >= 50,
        "not much happened: {ended} ended, {lent} lent"
    );
}

impl History {
    /// A number below this.
    fn roll(&self, sides: u64) -> u64 {
        self.dice.next_u64() % sides
    }

    fn some_id(&self) -> Option<DeliveryId> {
        let place = self.roll(self.rows.len().max(1) as u64);
        self.rows
            .keys()
            .nth(usize::try_from(place).expect("small"))
            .copied()
    }

    /// A lease, more often a young one.
    fn some_lease(&self) -> Option<&Lease> {
        let youngest = self.roll(2) == 0;
        let reach = if youngest { 6 } else { 40 }.min(self.leases.len());
        let back = self.roll(reach.max(1) as u64);
        self.leases
            .iter()
            .rev()
            .nth(usize::try_from(back).expect("small"))
    }

    async fn step(&mut self) {
        match self.roll(20) {
            0..3 => self.accept().await,
            3..7 => self.claim().await,
            7..11 => self.begin().await,
            11..14 => self.settle().await,
            14 => self.release().await,
            15 => self.extend().await,
            16 => self.reclaim().await,
            17 => self.cancel().await,
            18 => self.requeue_or_purge().await,
            _ => {
                self.world
                    .pass(SECOND * u32::try_from(self.roll(40)).expect("small"));
            }
        }
    }

    async fn accept(&mut self) {
        let no = u8::try_from(self.roll(100)).expect("small");
        let hash = u8::from(self.roll(8) == 0);
        let (mut item, id) = self.world.keyed(key(no), request_hash(hash));
        let due = self.world.now() + SECOND * u32::try_from(self.roll(30)).expect("small");
        item.deliveries[0].due = due;
        let expected = match self.keys.get(&no) {
            None => Accepted::New,
            Some((known, notification)) if *known == hash => Accepted::Duplicate(*notification),
            Some(_) => Accepted::Conflict,
        };
        let notification = item.id;
        assert_eq!(self.world.accept(item).await, expected);
        if expected == Accepted::New {
            self.keys.insert(no, (hash, notification));
            let row = Row {
                state: DeliveryState::Queued,
                due,
                hold: Hold::Ready,
                epoch: 0,
                is_higher: false,
                sends: 0,
                crashes: 0,
                interrupted: false,
                settled: 0,
            };
            self.rows.insert(id, row);
        }
    }

    async fn claim(&mut self) {
        let now = self.world.now();
        let owner = self.owners[usize::try_from(self.roll(3)).expect("small")];
        let limit = u32::try_from(self.roll(4)).expect("small");
        let claim = self
            .world
            .claim_of(owner, vec![World::lane(ChannelId::EMAIL, limit)]);
        let leases = self.world.store.claim(&claim).await.expect("claim");
        let ready = self
            .rows
            .values()
            .filter(|row| row.hold == Hold::Ready && row.due <= now);
        assert_eq!(leases.len(), ready.count().min(limit as usize));
        let mut latest = None;
        for lease in &leases {
            let id = lease.job.delivery().expect("a delivery");
            let row = self
                .rows
                .get_mut(&id)
                .expect("a delivery that was accepted");
            assert!(row.hold == Hold::Ready && row.due <= now, "{row:?} is lent");
            assert!(latest <= Some(row.due), "in the order of their times");
            latest = Some(row.due);
            let is_next = lease.epoch == row.epoch + 1;
            assert!(
                is_next || row.is_higher && lease.epoch > row.epoch,
                "{lease:?} of {row:?}"
            );
            let told = (lease.sends, lease.crashes, lease.interrupted);
            assert_eq!(told, (row.sends, row.crashes, row.interrupted));
            (row.epoch, row.is_higher) = (lease.epoch, false);
            row.hold = Hold::Lent(owner, now + TTL);
        }
        let mut left = self.rows.values().filter(|row| row.hold == Hold::Ready);
        assert!(
            left.all(|row| Some(row.due) >= latest),
            "nothing earlier is left"
        );
        self.leases.extend(leases);
    }

    /// Whether the cap lets a delivery go; if not, when it will.
    fn cap(&self, id: DeliveryId, now: Timestamp) -> Result<(), Option<Timestamp>> {
        let others = self
            .counted
            .iter()
            .filter(|(at, other)| *at + WINDOW > now && *other != id);
        let mut others: Vec<_> = others.map(|(at, _)| *at).collect();
        others.sort_unstable();
        if others.len() < MAX {
            return Ok(());
        }
        Err(Some(others[others.len() - MAX] + WINDOW))
    }

    async fn begin(&mut self) {
        let now = self.world.now();
        let Some(lease) = self.some_lease() else {
            return;
        };
        let id = lease.job.delivery().expect("a delivery");
        let max = u32::try_from(MAX).expect("small");
        let premise = Premise::Cap {
            key: [1; 32],
            max,
            window: WINDOW,
            counted_as: id,
        };
        let row = &self.rows[&id];
        let is_begun = matches!(row.hold, Hold::Sending(..));
        let expected = match self.cap(id, now) {
            _ if !row.holds(lease) => Begun::Fenced,
            Err(retry_at) if !is_begun => Begun::Refused {
                premise: premise.clone(),
                retry_at,
            },
            _ => Begun::Go,
        };
        assert_eq!(
            self.world.begin_if(lease, &[premise]).await,
            expected,
            "{row:?}"
        );
        let row = self.rows.get_mut(&id).expect("known");
        if expected == Begun::Go
            && let Hold::Lent(owner, until) = row.hold
        {
            row.hold = Hold::Sending(owner, until);
            row.sends += 1;
            self.counted.retain(|(_, other)| *other != id);
            self.counted.push((now, id));
        }
    }

    async fn settle(&mut self) {
        use DeliveryState::{Dead, Expired, Failed, Held, Parked, Queued, Sent};
        let now = self.world.now();
        let Some(lease) = self.some_lease() else {
            return;
        };
        let id = lease.job.delivery().expect("a delivery");
        let due = now + SECOND * u32::try_from(self.roll(60)).expect("small");
        let outcome = match self.roll(9) {
            0 => Outcome::Finished(Sent),
            1 => Outcome::Finished(Failed),
            2 | 3 => Outcome::Finished(Dead),
            4 => Outcome::Finished(Parked),
            5 => Outcome::Finished(Expired),
            other => Outcome::Again {
                due,
                held: other == 6,
            },
        };
        let mut settlement = self.world.settlement(lease, outcome);
        settlement.nothing_went_out = self.roll(2) == 0;
        let row = &self.rows[&id];
        let applies = row.holds(lease);
        let expected = if applies || row.settled == lease.epoch {
            Settled::Applied
        } else {
            Settled::Fenced
        };
        assert_eq!(self.world.settle(settlement).await, expected, "{row:?}");
        if !applies {
            return;
        }
        let (epoch, gives_back) = (lease.epoch, settlement.nothing_went_out);
        let row = self.rows.get_mut(&id).expect("known");
        (row.settled, row.interrupted) = (epoch, false);
        match outcome {
            Outcome::Finished(state) => row.end(state),
            Outcome::Again { due, held } => {
                (row.hold, row.due) = (Hold::Ready, due);
                row.state = if held { Held } else { Queued };
            }
        }
        if gives_back {
            self.counted.retain(|(_, other)| *other != id);
        }
    }

    async fn release(&mut self) {
        let Some(lease) = self.some_lease() else {
            return;
        };
        let id = lease.job.delivery().expect("a delivery");
        let row = &self.rows[&id];
        let is_newest = row.epoch == lease.epoch && !row.is_higher;
        let (expected, due) = match row.hold {
            Hold::Lent(..) if is_newest => (Settled::Applied, self.world.now() + MINUTE),
            Hold::Ready if is_newest => (Settled::Applied, row.due),
            _ => (Settled::Fenced, self.world.now()),
        };
        let answer = self
            .world
            .store
            .release(&[Release { lease, due }])
            .await
            .expect("release");
        assert_eq!(answer, [expected], "{row:?}");
        if expected == Settled::Applied {
            let row = self.rows.get_mut(&id).expect("known");
            (row.hold, row.due) = (Hold::Ready, due);
        }
    }

    async fn extend(&mut self) {
        let now = self.world.now();
        let owner = self.owners[usize::try_from(self.roll(3)).expect("small")];
        let Some(lease) = self.some_lease() else {
            return;
        };
        let asked = [(lease.job, lease.epoch)];
        let (id, epoch) = (lease.job.delivery().expect("a delivery"), lease.epoch);
        let row = self.rows.get_mut(&id).expect("known");
        let is_newest = row.epoch == epoch;
        let is_theirs = match &mut row.hold {
            Hold::Lent(holder, until) | Hold::Sending(holder, until)
                if is_newest && *holder == owner =>
            {
                *until = now + TTL;
                true
            }
            _ => false,
        };
        let lost = self
            .world
            .store
            .extend(owner, &asked, now, TTL)
            .await
            .expect("extend");
        assert_eq!(lost.is_empty(), is_theirs, "{row:?}");
    }

    async fn reclaim(&mut self) {
        let now = self.world.now();
        let dead = match usize::try_from(self.roll(9)).expect("small") {
            no @ 0..3 => vec![self.owners[no]],
            _ => Vec::new(),
        };
        let mut expected = 0;
        for row in self.rows.values_mut() {
            let (Hold::Lent(owner, until) | Hold::Sending(owner, until)) = row.hold else {
                continue;
            };
            if until < now || dead.contains(&owner) {
                expected += 1;
                let is_sending = matches!(row.hold, Hold::Sending(..));
                row.interrupted |= is_sending;
                row.crashes += u32::from(is_sending);
                (row.epoch, row.hold) = (row.epoch + 1, Hold::Ready);
                if row.crashes == 3 {
                    row.end(DeliveryState::Dead);
                }
            }
        }
        let taken = self.world.store.reclaim(&dead, now).await.expect("reclaim");
        assert_eq!(taken, expected);
    }

    async fn cancel(&mut self) {
        let Some(id) = self.some_id() else {
            return;
        };
        let row = self.rows.get_mut(&id).expect("known");
        let expected = match row.seen() {
            DeliveryState::Held
            | DeliveryState::Queued
            | DeliveryState::Dead
            | DeliveryState::Parked => {
                row.end(DeliveryState::Cancelled);
                row.epoch += 1;
                CancelOutcome::Cancelled
            }
            state => CancelOutcome::TooLate(state),
        };
        let World { store, tenant, .. } = &self.world;
        let (reason, by, now) = (Reason::Cancelled, Actor::Application, self.world.now());
        let answer = store
            .cancel(tenant, &[id], reason, &by, now)
            .await
            .expect("cancel");
        assert_eq!(answer, [expected]);
    }

    async fn requeue_or_purge(&mut self) {
        let dead = self
            .rows
            .iter()
            .filter(|(_, row)| row.state.is_dead_letter());
        let dead: Vec<_> = dead.map(|(id, _)| *id).collect();
        let World { store, tenant, .. } = &self.world;
        let (by, now) = (Actor::Application, self.world.now());
        let page = store
            .dead_letters(tenant, None, 1_000)
            .await
            .expect("dead letters");
        assert!(
            page.iter()
                .rev()
                .map(|delivery| delivery.id)
                .eq(dead.iter().copied())
        );
        let Some(id) = dead.first().copied().or_else(|| self.some_id()) else {
            return;
        };
        let row = self.rows.get_mut(&id).expect("known");
        let expected = row.state.is_dead_letter();
        let answer = if self.dice.next_u64().is_multiple_of(4) {
            if expected {
                row.end(DeliveryState::Cancelled);
            }
            store.purge(tenant, &[id], &by, now).await.expect("purge")
        } else {
            if expected {
                (row.state, row.hold, row.due) = (DeliveryState::Queued, Hold::Ready, now);
                (row.is_higher, row.sends, row.crashes, row.interrupted) = (true, 0, 0, false);
            }
            store
                .requeue(tenant, &[id], &by, now)
                .await
                .expect("requeue")
        };
        assert_eq!(answer, [expected]);
    }

    /// Everything that can be read is as the model has it.
    async fn compare(&self) {
        let (store, now) = (&self.world.store, self.world.now());
        let ids: Vec<_> = self.rows.keys().copied().collect();
        let found = DeliveryStore::load(&**store, &ids).await.expect("load");
        for (delivery, (id, row)) in found.into_iter().zip(&self.rows) {
            let delivery = delivery.expect("nothing is lost");
            assert_eq!((delivery.id, delivery.state), (*id, row.seen()), "{row:?}");
            let is_waiting = row.hold == Hold::Ready;
            assert!(
                !is_waiting || delivery.due_at == row.due,
                "{delivery:?} of {row:?}"
            );
        }
        let count = |wanted: fn(&Row, Timestamp) -> bool| {
            self.rows.values().filter(|row| wanted(row, now)).count() as u64
        };
        let expected = (
            count(|row, now| row.hold == Hold::Ready && row.due <= now),
            count(|row, now| row.hold == Hold::Ready && row.due > now),
            count(|row, _| matches!(row.hold, Hold::Lent(..) | Hold::Sending(..))),
        );
        let lanes = store.depth(now).await.expect("depth").into_iter();
        let depth = lanes.fold((0, 0, 0), |(ready, waiting, in_flight), lane| {
            (
                ready + lane.ready,
                waiting + lane.waiting,
                in_flight + lane.in_flight,
            )
        });
        assert_eq!(depth, expected, "ready, waiting and in flight");
    }
}
