//! Carries a chunk of deliveries from recheck to its calls; every delivery of it ends in a settlement or goes back.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use crate::clock::Monotonic;
use crate::id::ProviderName;
use crate::notification::Priority;
use crate::orchestrator::{ProviderSet, ProviderSlot};
use crate::planner::Rules;
use crate::worker::contain::contain;
use crate::worker::gather::{self, Gather, Gathered, Place};
use crate::worker::recheck::Prepared;
use crate::worker::start::Unrouted;
use crate::worker::stop::Stop;
use crate::worker::work::{Done, Work};
use crate::worker::{Shared, call, panicked, read, recheck, report_panic, start};

/// Where every delivery ends.
type Ends = UnboundedSender<Done>;

/// What the deliveries of one chunk are decided and routed by: the same for all of them, whatever changes meanwhile.
struct View {
    rules: Arc<Rules>,
    providers: Arc<ProviderSet>,
    /// Until when they wait for a place at a provider.
    patience: Monotonic,
}

impl View {
    fn now(shared: &Shared) -> Arc<Self> {
        Arc::new(Self {
            rules: shared.parts.rules.load_full(),
            providers: shared.parts.providers.load_full(),
            patience: shared.parts.clock.monotonic() + shared.options.call_timeout,
        })
    }
}

/// Carries a chunk from recheck to its calls. With somewhere to gather, what may share a call waits there for others.
pub(super) async fn dispatch(
    shared: Arc<Shared>,
    batch: Vec<Work>,
    done: Ends,
    stop: Stop,
    gather: Option<Arc<Gather>>,
) {
    let view = View::now(&shared);
    let pending = prepare(&shared, &view, batch, &done, &stop).await;
    match gather {
        Some(gather) => sort(shared, view, pending, done, stop, gather).await,
        None => carry(shared, view, pending, done, stop).await,
    }
}

/// Carries on what is urgent, and what fills a call; lets the rest wait, and comes back for it.
async fn sort(
    shared: Arc<Shared>,
    view: Arc<View>,
    pending: Vec<Prepared>,
    done: Ends,
    stop: Stop,
    gather: Arc<Gather>,
) {
    let mut ways = JoinSet::new();
    let (mut at_once, mut leaving) = (Vec::with_capacity(pending.len()), Vec::new());
    let mut channels = BTreeSet::new();
    for one in pending {
        let channel = &one.work.delivery.channel;
        if !channels.contains(channel) {
            channels.insert(channel.clone());
        }
        let now = shared.parts.clock.now();
        let Some(place) = gather::place(&shared.options, &view.providers, &one, now) else {
            at_once.push(one);
            continue;
        };
        match gather.add(&place, one) {
            Gathered::Waits => {}
            Gathered::Full(group) => leaving.push(group),
            Gathered::First(no) => {
                let (shared, done, stop) = (Arc::clone(&shared), done.clone(), stop.clone());
                let gather = Arc::clone(&gather);
                ways.spawn(come_back(shared, gather, place, no, done, stop));
            }
        }
    }
    // Where no place is left nothing more can come to wait for, and what is urgent finds none.
    let slots = shared.parts.local.slots();
    if slots.free(Priority::High) == 0 {
        leaving.append(&mut gather.take_all(None));
    }
    for channel in &channels {
        if slots.free_in(Priority::High, channel) == 0 {
            leaving.append(&mut gather.take_all(Some(channel)));
        }
    }
    for group in leaving {
        let (shared, done, stop) = (Arc::clone(&shared), done.clone(), stop.clone());
        ways.spawn(leave(shared, group, done, stop));
    }
    ways.spawn(carry(shared, view, at_once, done, stop));
    while let Some(ended) = ways.join_next().await {
        report_panic(&ended);
    }
}

/// Waits for as long as a group may wait, or until the worker is told to stop, and lets it leave. What was gathered leaves together,
/// also at a shutdown.
async fn come_back(
    shared: Arc<Shared>,
    gather: Arc<Gather>,
    place: Place,
    no: u64,
    done: Ends,
    mut stop: Stop,
) {
    tokio::select! {
        () = shared.parts.clock.sleep(place.linger) => {}
        () = stop.pulled() => stop = Stop::never(),
    }
    leave(shared, gather.take(&place.key, no), done, stop).await;
}

/// Carries on what waited. What it was decided by holds a while longer; what does not is asked for again.
async fn leave(shared: Arc<Shared>, group: Vec<Prepared>, done: Ends, stop: Stop) {
    if group.is_empty() {
        return;
    }
    let view = View::now(&shared);
    let group = read_again(&shared, &view, group, &done, &stop).await;
    carry(shared, view, group, done, stop).await;
}

/// Reads and decides again, and renders. What is not to be sent ends here.
async fn prepare(
    shared: &Shared,
    view: &View,
    mut batch: Vec<Work>,
    done: &Ends,
    stop: &Stop,
) -> Vec<Prepared> {
    let mut ended = Vec::new();
    read::read(shared, &view.rules, &mut batch, &mut ended).await;
    let mut prepared = Vec::with_capacity(batch.len());
    for work in batch {
        if stop.is_pulled() {
            ended.push(work.hand_back());
            continue;
        }
        // The application's channels and links are asked here.
        let one = recheck::prepare(shared, &view.rules, &view.providers, work);
        match contain(one).await {
            Ok(Ok(one)) => prepared.push(one),
            Ok(Err(end)) => ended.push(end),
            Err(_) => panicked("deciding or rendering a delivery"),
        }
    }
    ended.into_iter().for_each(|end| drop(done.send(end)));
    prepared
}

/// Routes, begins and calls what there is room for; what a provider has no room for waits for that provider, and for no other.
fn carry(
    shared: Arc<Shared>,
    view: Arc<View>,
    mut pending: Vec<Prepared>,
    done: Ends,
    mut stop: Stop,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let mut calls = JoinSet::new();
        let clock = Arc::clone(&shared.parts.clock);
        let patience = clock.sleep(view.patience.since(clock.monotonic()));
        let mut patience = pin!(patience);
        while !pending.is_empty() {
            if stop.is_pulled() {
                hand_back(pending, &done);
                break;
            }
            let mut waiting = begin(&shared, &view, pending, &done, &mut calls).await;
            let Some((_, (busy, first))) = waiting.pop_first() else {
                break;
            };
            for (_, (_, others)) in waiting {
                let (shared, view, done) = (Arc::clone(&shared), Arc::clone(&view), done.clone());
                calls.spawn(carry(shared, view, others, done, stop.clone()));
            }
            pending = first;
            let critical = pending.iter().any(|one| one.is_critical());
            tokio::select! {
                biased;
                () = stop.pulled() => {}
                () = busy.bulkhead.freed_for(critical) => {
                    pending = read_again(&shared, &view, pending, &done, &stop).await;
                }
                () = &mut patience => {
                    // It hangs: others, or later, may do better.
                    let due = clock.now() + shared.options.backoff;
                    pending.into_iter().for_each(|one| drop(done.send(one.work.release(due))));
                    break;
                }
            }
        }
        while let Some(ended) = calls.join_next().await {
            report_panic(&ended);
        }
    })
}

fn hand_back(pending: Vec<Prepared>, done: &Ends) {
    pending
        .into_iter()
        .for_each(|one| drop(done.send(one.work.hand_back())));
}

/// What a provider has no room for now, by provider.
type Waiting = BTreeMap<ProviderName, (Arc<ProviderSlot>, Vec<Prepared>)>;

/// Routes what there is room for, begins it in one commit and spawns its calls; answers with the rest.
async fn begin(
    shared: &Arc<Shared>,
    view: &View,
    pending: Vec<Prepared>,
    done: &Ends,
    calls: &mut JoinSet<()>,
) -> Waiting {
    let mut routed = Vec::with_capacity(pending.len());
    let (mut ended, mut waiting) = (Vec::new(), Waiting::new());
    for prepared in pending {
        match start::route(shared, &view.providers, prepared).await {
            Ok(one) => routed.push(one),
            Err(Unrouted::Ended(end)) => ended.push(end),
            Err(Unrouted::Busy(prepared, slot)) => {
                let name = slot.name().clone();
                let (_, waits) = waiting.entry(name).or_insert_with(|| (slot, Vec::new()));
                waits.push(*prepared);
            }
        }
    }
    let begun = start::begin(shared, routed, &mut ended).await;
    ended.into_iter().for_each(|end| drop(done.send(end)));
    for group in call::calls(begun) {
        let (shared, done) = (Arc::clone(shared), done.clone());
        calls.spawn(async move {
            call::make(&shared, group)
                .await
                .into_iter()
                .for_each(|end| drop(done.send(end)));
        });
    }
    waiting
}

/// What rests on a read that is too old by now, of preferences that no commit can check, is read and decided anew.
async fn read_again(
    shared: &Shared,
    view: &View,
    pending: Vec<Prepared>,
    done: &Ends,
    stop: &Stop,
) -> Vec<Prepared> {
    let now = shared.parts.clock.now();
    let (stale, mut fresh): (Vec<_>, Vec<_>) = pending
        .into_iter()
        .partition(|one| start::is_stale(one, now));
    if !stale.is_empty() {
        let again = stale.into_iter().map(|one| one.work.unread()).collect();
        fresh.extend(prepare(shared, view, again, done, stop).await);
    }
    fresh
}
