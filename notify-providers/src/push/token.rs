//! An access token that is fetched once and used by all calls until shortly before its end.

use notify_core::clock::{Clock, Monotonic, Timestamp};
use notify_core::provider::Fault;
use notify_core::secret::SecretString;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long before its end a token is renewed.
const MARGIN: Duration = Duration::from_secs(300);
/// How long the renewal of a token that is still good may take, and how long after a failure the next one is tried.
const RENEWAL: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(30);
/// A token younger than this was not refused for its age: another one would be refused as well.
const YOUNG: Duration = Duration::from_secs(60);

/// An instant by both clocks. A host that slept has moved one of them only, a clock that was set the other one.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) wall: Timestamp,
    monotonic: Monotonic,
}

impl Moment {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.now(),
            monotonic: clock.monotonic(),
        }
    }

    /// How long ago it was, by the clock that says more.
    pub(crate) fn age(self, clock: &dyn Clock) -> Duration {
        let monotonic = clock.monotonic().since(self.monotonic);
        monotonic.max(clock.now().since(self.wall))
    }
}

/// What a vendor hands out.
pub(crate) struct Fresh {
    pub(crate) secret: SecretString,
    pub(crate) lifetime: Duration,
}

/// A token for one call.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    /// Which one it is.
    number: u64,
}

/// The token of one account. Callers that need one at the same time wait for one fetch, and share its failure.
pub(crate) struct Tokens {
    /// Held by whoever fetches.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// How many fetches have ended.
    fetches: u64,
    /// What the last one failed with.
    fault: Option<Fault>,
}

struct Held {
    token: Token,
    got_at: Moment,
    /// At which age it is renewed, and at which it is no longer good.
    renew_at: Duration,
    lifetime: Duration,
}

/// What there is.
enum Found {
    /// One that is to be renewed soon.
    Aging(Token),
    /// None, after so many fetches.
    Nothing(u64),
    Young(Token),
}

impl Tokens {
    pub(crate) fn new() -> Self {
        Self {
            turn: tokio::sync::Mutex::new(()),
            state: Mutex::default(),
        }
    }

    /// The token that is there, else a new one.
    ///
    /// Shortly before its end one caller renews it while the others use it; if that fails, it is used on.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub(crate) async fn get<F>(
        &self,
        clock: &dyn Clock,
        fetch: impl FnOnce() -> F,
    ) -> Result<Token, Fault>
    where
        F: Future<Output = Result<Fresh, Fault>>,
    {
        let before = match self.find(clock) {
            Found::Young(token) => return Ok(token),
            Found::Aging(token) => return Ok(self.renew(clock, token, fetch).await),
            Found::Nothing(fetches) => fetches,
        };
        let _turn = self.turn.lock().await;
        match self.find(clock) {
            Found::Young(token) | Found::Aging(token) => return Ok(token),
            Found::Nothing(fetches) if fetches != before => {
                // It failed while this call waited: the next one would, too.
                if let Some(fault) = self.state().fault.clone() {
                    return Err(fault);
                }
            }
            Found::Nothing(_) => {}
        }
        let got = fetch().await;
        self.keep(clock, got)
    }

    /// Gives a token up that the vendor refused. Whether another one may help.
    pub(crate) fn refuse(&self, clock: &dyn Clock, token: &Token) -> bool {
        let mut state = self.state();
        match &state.held {
            Some(held) if held.token.number == token.number => {
                let may_help = held.got_at.age(clock) >= YOUNG;
                if may_help {
                    state.held = None;
                }
                may_help
            }
            // Another call was faster.
            _ => true,
        }
    }

    async fn renew<F>(&self, clock: &dyn Clock, old: Token, fetch: impl FnOnce() -> F) -> Token
    where
        F: Future<Output = Result<Fresh, Fault>>,
    {
        let Ok(_turn) = self.turn.try_lock() else {
            return old;
        };
        if let Found::Young(token) = self.find(clock) {
            return token;
        }
        let got = tokio::select! {
            got = fetch() => got,
            () = clock.sleep(RENEWAL) => Err(Fault::provider("timeout")),
        };
        self.keep(clock, got).unwrap_or(old)
    }

    fn find(&self, clock: &dyn Clock) -> Found {
        let state = self.state();
        let Some(held) = &state.held else {
            return Found::Nothing(state.fetches);
        };
        let age = held.got_at.age(clock);
        if age >= held.lifetime {
            Found::Nothing(state.fetches)
        } else if age >= held.renew_at {
            Found::Aging(held.token.clone())
        } else {
            Found::Young(held.token.clone())
        }
    }

    fn keep(&self, clock: &dyn Clock, got: Result<Fresh, Fault>) -> Result<Token, Fault> {
        let mut state = self.state();
        state.fetches += 1;
        match got {
            Ok(fresh) => {
                let token = Token {
                    secret: fresh.secret,
                    number: state.fetches,
                };
                let margin = MARGIN.min(fresh.lifetime / 4);
                state.held = Some(Held {
                    token: token.clone(),
                    got_at: Moment::now(clock),
                    renew_at: fresh.lifetime - margin,
                    lifetime: fresh.lifetime,
                });
                state.fault = None;
                Ok(token)
            }
            Err(fault) => {
                if let Some(held) = &mut state.held {
                    held.renew_at = held.got_at.age(clock) + PAUSE;
                }
                state.fault = Some(fault.clone());
                Err(fault)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
