//! What was promised, what is stored and what arrived: and whether that fits together.

use notify_core::{DeliveryId, DeliveryState};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use crate::database::{Picture, Stored, is};
use crate::traffic::{Key, Kind};
use crate::vendor::Received;

/// After how many kills of whoever has it a delivery is given up.
const GIVEN_UP_AFTER: u64 = 3;
/// How many problems are told.
const MOST_TOLD: usize = 20;

/// Everything that is known from outside of the processes that are killed.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What a caller was told to be accepted.
    accepted: HashSet<Key>,
    /// What was found in the file after a kill.
    stored: HashMap<Key, DeliveryId>,
    /// How often the vendor got each, by the key that it goes by.
    received: HashMap<Key, HashMap<String, u64>>,
    /// At how many kills each was being sent.
    sending: HashMap<DeliveryId, u64>,
    /// At how many kills each was lent.
    lent: HashMap<DeliveryId, u64>,
    /// What came since the last kill.
    news: (Vec<Key>, Vec<Key>),
    last_no: i64,
    pub(crate) report: Report,
}

/// What a run showed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) kills: u64,
    pub(crate) accepted: usize,
    /// Of these: asked for again, after the first answer was cut off, and found stored.
    pub(crate) known: usize,
    pub(crate) delivered: usize,
    pub(crate) lost: usize,
    /// Messages that the vendor got once more.
    pub(crate) duplicates: u64,
    /// Rows that were being sent at the kills: how many duplicates there may be.
    pub(crate) bound: u64,
    /// Messages that a person got once more from the vendor that takes keys.
    pub(crate) seen_twice: u64,
    pub(crate) parked: usize,
    pub(crate) requeued: usize,
    pub(crate) seconds: f64,
    problems: Vec<String>,
    more: usize,
}

impl Report {
    pub(crate) fn problem(&mut self, what: impl Into<String>) {
        if self.problems.len() < MOST_TOLD {
            self.problems.push(what.into());
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} kills in {:.1} s; accepted {} ({} of them asked for again), delivered {}, lost {}, duplicates {} (bound {}), \
             seen twice under one key {}, parked {}, requeued {}",
            self.seed,
            self.kills,
            self.seconds,
            self.accepted,
            self.known,
            self.delivered,
            self.lost,
            self.duplicates,
            self.bound,
            self.seen_twice,
            self.parked,
            self.requeued
        )?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

impl Ledger {
    /// A caller was told that it is accepted.
    pub(crate) fn accept(&mut self, key: Key) {
        self.accepted.insert(key);
        self.news.0.push(key);
    }

    pub(crate) fn is_accepted(&self, key: Key) -> bool {
        self.accepted.contains(&key)
    }

    /// The number after which deliveries are new.
    pub(crate) const fn last_no(&self) -> i64 {
        self.last_no
    }

    /// Notes what arrived and what is stored after a kill, and compares.
    pub(crate) fn after_kill(&mut self, received: Vec<Received>, picture: Picture) {
        self.report.kills += 1;
        for stored in &picture.stored {
            self.last_no = self.last_no.max(stored.no);
            if self.stored.insert(stored.key, stored.id).is_some() {
                self.report
                    .problem(format!("{} is stored twice", stored.key));
            }
        }
        self.report.bound += picture.sending.len() as u64;
        for id in picture.sending {
            *self.sending.entry(id).or_default() += 1;
        }
        for id in picture.lent {
            *self.lent.entry(id).or_default() += 1;
        }
        self.arrive(received);
        let (accepted, arrived) = std::mem::take(&mut self.news);
        for key in accepted
            .into_iter()
            .filter(|key| !self.stored.contains_key(key))
        {
            self.report
                .problem(format!("{key} was accepted and is not in the file"));
        }
        for key in arrived
            .into_iter()
            .filter(|key| !self.stored.contains_key(key))
        {
            self.report
                .problem(format!("{key} was sent and is not in the file"));
        }
    }

    /// Notes what the vendor got.
    pub(crate) fn arrive(&mut self, received: Vec<Received>) {
        for Received { key, number } in received {
            self.news.1.push(number);
            *self
                .received
                .entry(number)
                .or_default()
                .entry(key)
                .or_default() += 1;
        }
    }

    /// What was given up because it killed its process three times was put back.
    pub(crate) fn requeue(&mut self, key: Key) {
        self.report.requeued += 1;
        let id = self.stored.get(&key);
        let kills = id.and_then(|id| self.lent.get(id)).copied().unwrap_or(0);
        if kills < GIVEN_UP_AFTER {
            self.report
                .problem(format!("{key} was given up after {kills} kills"));
        }
    }

    /// Compares everything, after nothing was left to do.
    pub(crate) fn finish(&mut self, stored: &[Stored]) {
        let mut open = BTreeSet::new();
        for one in stored {
            if let Err(problem) = self.finish_one(one) {
                self.report.problem(problem);
                open.insert(one.key);
            }
        }
        let keys: HashSet<Key> = stored.iter().map(|one| one.key).collect();
        if keys.len() < stored.len() {
            self.report
                .problem(format!("{} are stored twice", stored.len() - keys.len()));
        }
        for key in self.accepted.iter().filter(|key| !keys.contains(key)) {
            self.report.problem(format!(
                "{key} was accepted and is not in the file at the end"
            ));
            open.insert(*key);
        }
        for key in self.received.keys().filter(|key| !keys.contains(key)) {
            self.report
                .problem(format!("{key} was sent and is not in the file at the end"));
        }
        self.report.accepted = self.accepted.len();
        self.report.delivered = self.received.len();
        self.report.lost = open
            .iter()
            .filter(|key| self.accepted.contains(key))
            .count();
        if self.report.duplicates > self.report.bound {
            self.report
                .problem("there are more duplicates than rows that were being sent");
        }
    }

    /// What is wrong with the end of one delivery.
    fn finish_one(&mut self, one: &Stored) -> Result<(), String> {
        let key = one.key;
        let nothing = HashMap::new();
        let received = self.received.get(&key).unwrap_or(&nothing);
        let calls: u64 = received.values().sum();
        let again = calls.saturating_sub(1);
        self.report.duplicates += again;
        let explained = self.sending.get(&one.id).copied().unwrap_or(0);
        let kills = self.lent.get(&one.id).copied().unwrap_or(0);
        if again > explained {
            return Err(format!(
                "{key} was sent {calls} times, and was being sent at {explained} kills"
            ));
        }
        if let Some(other) = received
            .keys()
            .find(|sent| !sent.starts_with(&one.id.to_string()))
        {
            return Err(format!("{key} is {}, and was sent as {other}", one.id));
        }
        match key.kind() {
            Kind::UnderItsKey if received.len() > 1 => {
                self.report.seen_twice += received.len() as u64 - 1;
                return Err(format!("{key} was sent under {} keys", received.len()));
            }
            Kind::AtMostOnce if again > 0 => {
                return Err(format!(
                    "{key} was sent {calls} times, and may be sent once"
                ));
            }
            // It is there for an operator, who decides.
            Kind::AtMostOnce if is(one, DeliveryState::Parked) && explained > 0 => {
                self.report.parked += 1;
                return Ok(());
            }
            Kind::AtMostOnce if is(one, DeliveryState::Dead) && kills >= GIVEN_UP_AFTER => {
                self.report.parked += 1;
                return Ok(());
            }
            _ => {}
        }
        if !is(one, DeliveryState::Sent) {
            return Err(format!(
                "{key} ended in state {}, lent at {:?} kills",
                one.state,
                self.lent.get(&one.id)
            ));
        }
        if calls == 0 {
            return Err(format!(
                "{key} is said to be sent, and the vendor never got it"
            ));
        }
        Ok(())
    }
}
