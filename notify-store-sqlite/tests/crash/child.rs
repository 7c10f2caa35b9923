//! The process that is killed: an application that sends for ever, with a worker beside.

use notify_core::audit::Actor;
use notify_core::clock::{Clock, Entropy, SeededEntropy, SystemClock};
use notify_core::queue::Queue;
use notify_core::recipient::RecipientStore;
use notify_core::store::Store;
use notify_core::{DeliveryState, Orchestrator, Reason, TenantId};
use notify_store_sqlite::{SqliteConfig, SqliteStore};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

use crate::broken::SettledAtBegin;
use crate::database;
use crate::traffic::{Broken, Key, Kind, MOST_IN_BATCH, Orders, TASKS, categories, people};
use crate::vendor::Client;

/// How many may be accepted and not taken by the vendor: more than the worker has places for, so that some wait in the queue.
const WINDOW: usize = 400;
/// What each line for the parent begins with, apart from what the test runner prints.
pub(crate) const MARK: &str = "crash: ";
/// How often it is asked whether everything is done.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// Tells the parent. Without a parent there is nothing to live for.
fn tell(what: &str) {
    let mut out = io::stdout().lock();
    let told = writeln!(out, "{MARK}{what}").and_then(|()| out.flush());
    if told.is_err() {
        process::exit(1);
    }
}

/// Ends this process when the parent is gone, however it went.
fn live_no_longer_than_the_parent() {
    thread::spawn(|| {
        // Nothing is ever written there.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        process::exit(1);
    });
}

async fn open(orders: &Orders) -> SqliteStore {
    let config = SqliteConfig::new(&orders.path).with_ballast(64 << 10);
    #[cfg(feature = "mutants")]
    let config = if orders.broken == Broken::AnswerBeforeCommit {
        config.with_mutant(notify_store_sqlite::Mutant::AnswerBeforeCommit)
    } else {
        config
    };
    config.open().await.expect("the store opens")
}

pub(crate) async fn run(orders: Orders) {
    live_no_longer_than_the_parent();
    // What the test runner printed may have no end of line.
    println!();
    let window = Arc::new(Semaphore::new(WINDOW));
    let store = open(&orders).await;
    let mut builder = Orchestrator::builder(store.clone())
        .provider(Client::mail(orders.vendor, &window))
        .provider(Client::text(orders.vendor, &window));
    for category in categories() {
        builder = builder.category(category);
    }
    if orders.broken == Broken::DoneBeforeSend {
        let layer = |inner| Arc::new(SettledAtBegin(inner)) as Arc<dyn Queue>;
        builder = builder.queue(layer);
    }
    let notify = builder.build().await.expect("it is complete");
    let people: Vec<_> = people().collect();
    let (tenant, actor) = (TenantId::default(), Actor::Application);
    let stored = RecipientStore::put(&store, &tenant, &people, &actor).await;
    stored.expect("stored");
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let working = tokio::spawn(async move { worker.run(async move { drop(stopped.await) }).await });
    if !orders.drain {
        send_for_ever(&notify, &orders, &window).await;
    }
    drain(&notify, &orders.path).await;
    stop.send(()).expect("the worker runs");
    let drained = working.await.expect("no panic").expect("the worker ran");
    assert_eq!(drained.abandoned, 0);
    store.close().await;
    tell("drained");
}

async fn send_for_ever(notify: &Orchestrator, orders: &Orders, window: &Arc<Semaphore>) {
    let mut tasks = Vec::new();
    let again = orders.again.clone();
    let (notify_again, window_again) = (notify.clone(), Arc::clone(window));
    tasks.push(tokio::spawn(async move {
        for key in again {
            let key = key.parse().expect("a key");
            send(&notify_again, &window_again, &[key]).await;
        }
    }));
    for task in 0..TASKS {
        let (notify, window, cycle) = (notify.clone(), Arc::clone(window), orders.cycle);
        tasks.push(tokio::spawn(async move {
            let entropy = SeededEntropy::new(u64::from(cycle) << 32 | u64::from(task));
            let mut no = 0;
            loop {
                // Half of the tasks send one after the other, the other half in batches.
                let count = match task % 2 {
                    0 => 1,
                    _ => {
                        1 + u32::try_from(entropy.next_u64() % u64::from(MOST_IN_BATCH))
                            .expect("small")
                    }
                };
                let keys: Vec<_> = (no..no + count).map(|no| Key { cycle, task, no }).collect();
                send(&notify, &window, &keys).await;
                no += count;
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
}

/// Sends, and tells the parent what was answered.
async fn send(notify: &Orchestrator, window: &Semaphore, keys: &[Key]) {
    let count = u32::try_from(keys.len()).expect("few");
    let room = window.acquire_many(count).await.expect("never closed");
    room.forget();
    let request = |key: &Key| key.request().expect("it is a request");
    let results = match keys {
        [key] => vec![notify.send(request(key), key.to()).await],
        keys => {
            let batch = keys.iter().map(|key| (request(key), key.to()));
            notify.send_batch(batch).await.expect("the store takes it")
        }
    };
    for (key, result) in keys.iter().zip(results) {
        match result {
            Ok(report) if report.duplicate => tell(&format!("known {key}")),
            Ok(_) => tell(&format!("accepted {key}")),
            Err(error) => tell(&format!("refused {key}: {error:?}")),
        }
    }
}

/// Waits until nothing is left to do. What was given up after three crashes is put back, as an operator would: but not what may
/// be sent once, of which nobody knows whether it was.
async fn drain(notify: &Orchestrator, path: &Path) {
    let (operator, mut before) = (notify.as_operator("crash harness"), None);
    loop {
        let page = notify
            .dead_letters(before, 1_000)
            .await
            .expect("dead letters");
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        for dead in page {
            let key: Key = dead
                .request
                .correlation_id()
                .expect("a key")
                .parse()
                .expect("ours");
            let is_poison =
                dead.state == DeliveryState::Dead && dead.reason == Some(Reason::Poison);
            if is_poison && key.kind() != Kind::AtMostOnce {
                let requeued = operator.requeue(&[dead.id]).await.expect("requeued");
                assert_eq!(requeued, [true]);
                tell(&format!("requeued {key}"));
            }
        }
    }
    let (clock, mut connection) = (SystemClock::new(), database::connect(path).await);
    while database::left_to_do(&mut connection).await > 0 {
        clock.sleep(ASK_EVERY).await;
    }
}
