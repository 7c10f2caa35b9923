//! A clock that moves only when a test moves it.

use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

use crate::clock::{Clock, Monotonic, Timestamp};

/// A clock that stands still until a test moves it. Both of its times move together, except by
/// [`set`](Self::set), which is a host's clock being set.
///
/// Sleepers are woken in the order of their times, those with the same time in the order in which
/// they fell asleep. While one of several is woken the clock already shows where it was moved to.
///
/// ```
/// use notify_core::clock::{Clock, Timestamp};
/// use notify_core::testkit::ManualClock;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let clock = ManualClock::new(Timestamp::from_micros(0));
/// let sleeper = {
///     let clock = Arc::clone(&clock);
///     tokio::spawn(async move { clock.sleep(Duration::from_secs(5)).await })
/// };
/// clock.sleepers(1).await;
/// clock.advance(Duration::from_secs(5));
/// sleeper.await.expect("woken");
/// assert_eq!(clock.now(), Timestamp::from_micros(5_000_000));
/// # }
/// ```
pub struct ManualClock {
    state: Mutex<State>,
    /// How many sleep.
    asleep: watch::Sender<usize>,
}

struct State {
    now: Timestamp,
    elapsed: Duration,
    next: u64,
    /// By when they wake, and in which order they fell asleep.
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
}

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Arc<Self> {
        let state = State {
            now: start,
            elapsed: Duration::ZERO,
            next: 0,
            sleepers: BTreeMap::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            asleep: watch::Sender::new(0),
        })
    }

    /// Moves both times forward and wakes who slept long enough.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.lock();
        state.now = state.now + duration;
        state.elapsed = state.elapsed.saturating_add(duration);
        let reached = (state.elapsed, u64::MAX);
        let later = state.sleepers.split_off(&reached);
        let woken = std::mem::replace(&mut state.sleepers, later);
        drop(state);
        for sleeper in woken.into_values() {
            // A sleeper that was dropped in the meantime needs no call.
            let _ = sleeper.send(());
        }
        self.count();
    }

    /// Sets the wall clock, also backwards. Wakes nobody: sleeping goes by the other time.
    pub fn set(&self, now: Timestamp) {
        self.lock().now = now;
    }

    /// Moves both times to the end of the shortest sleep and wakes it. False if nobody sleeps.
    pub fn advance_to_next(&self) -> bool {
        let state = self.lock();
        let wait = state
            .sleepers
            .keys()
            .next()
            .map(|(at, _)| at.saturating_sub(state.elapsed));
        drop(state);
        wait.inspect(|wait| self.advance(*wait)).is_some()
    }

    /// Waits until at least `count` tasks sleep: then it is safe to move the clock.
    pub async fn sleepers(&self, count: usize) {
        // The sender lives as long as `self`.
        let _ = self
            .asleep
            .subscribe()
            .wait_for(|asleep| *asleep >= count)
            .await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who wait for sleepers how many there are.
    fn count(&self) {
        let state = self.lock();
        self.asleep.send_replace(state.sleepers.len());
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("now", &self.lock().now)
            .finish_non_exhaustive()
    }
}

/// Forgets a sleeper whose future ends, however it ends.
struct Sleep<'a> {
    clock: &'a ManualClock,
    place: (Duration, u64),
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.place);
        self.clock.count();
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_start(self.lock().elapsed)
    }

    async fn sleep(&self, duration: Duration) {
        if duration.is_zero() {
            return;
        }
        let (wake, woken) = oneshot::channel();
        let place = {
            let mut state = self.lock();
            let place = (state.elapsed.saturating_add(duration), state.next);
            state.next += 1;
            state.sleepers.insert(place, wake);
            place
        };
        let _sleep = Sleep { clock: self, place };
        self.count();
        let _ = woken.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::yield_now;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> Arc<ManualClock> {
        ManualClock::new(Timestamp::from_micros(1_000_000))
    }

    #[tokio::test]
    async fn both_times_move_together_and_the_wall_clock_can_be_set_back() {
        let clock = clock();
        let begin = clock.monotonic();
        clock.advance(SECOND);
        assert_eq!(clock.now(), Timestamp::from_micros(2_000_000));
        clock.set(Timestamp::EPOCH);
        assert_eq!(clock.now(), Timestamp::EPOCH);
        assert_eq!(clock.monotonic().since(begin), SECOND);
    }

    #[tokio::test]
    async fn a_sleep_ends_when_the_clock_was_moved_far_enough_and_not_before() {
        let clock = clock();
        let sleeper = {
            let clock = Arc::clone(&clock);
            tokio::spawn(async move { clock.sleep(SECOND).await })
        };
        clock.sleepers(1).await;
        clock.advance(SECOND - Duration::from_micros(1));
        clock.set(Timestamp::MAX);
        yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_micros(1));
        sleeper.await.expect("woken");
        clock.sleep(Duration::ZERO).await;
    }

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_times() {
        let clock = clock();
        let woken = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for seconds in [3, 1, 2, 1] {
            let (clock, woken) = (Arc::clone(&clock), Arc::clone(&woken));
            let no = tasks.len();
            tasks.push(tokio::spawn(async move {
                clock.sleep(SECOND * seconds).await;
                woken.lock().expect("lock").push((seconds, no));
            }));
            yield_now().await;
        }
        clock.sleepers(4).await;
        clock.advance(SECOND * 10);
        for task in tasks {
            task.await.expect("woken");
        }
        assert_eq!(
            *woken.lock().expect("lock"),
            [(1, 1), (1, 3), (2, 2), (3, 0)]
        );
    }

    #[tokio::test]
    async fn a_dropped_sleep_is_forgotten() {
        let clock = clock();
        let sleeper = {
            let clock = Arc::clone(&clock);
            tokio::spawn(async move { clock.sleep(SECOND).await })
        };
        clock.sleepers(1).await;
        sleeper.abort();
        assert!(sleeper.await.expect_err("aborted").is_cancelled());
        assert!(!clock.advance_to_next(), "nobody sleeps any more");
    }

    #[tokio::test]
    async fn the_clock_can_jump_to_whoever_wakes_next() {
        let clock = clock();
        let sleep = clock.sleep(SECOND * 7);
        let moves = async {
            clock.sleepers(1).await;
            assert!(clock.advance_to_next());
        };
        tokio::join!(sleep, moves);
        assert_eq!(clock.now(), Timestamp::from_micros(8_000_000));
    }
}
