//! Connections that wait for their next mail.
//!
//! A connection is taken out to be used and put back only when its last reply was complete: a call
//! that is dropped on the way takes its connection with it, and no later mail can end up inside the
//! dropped one.

use notify_core::clock::{Clock, Monotonic};
use notify_core::provider::{Fault, Progress};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

use super::session::{Endpoint, Failure, Session};
use crate::mime::Mail;

/// At most so many connections, and those of them that are idle.
pub(super) struct Pool {
    endpoint: Endpoint,
    clock: Arc<dyn Clock>,
    slots: Semaphore,
    /// The one that was used last is at the end and is taken first, so that those that are not
    /// needed grow old.
    parked: Mutex<Vec<Session>>,
    idle_max: Duration,
    mails_max: u32,
}

impl Pool {
    pub(super) fn new(
        endpoint: Endpoint,
        clock: Arc<dyn Clock>,
        connections: usize,
        idle_max: Duration,
        mails_max: u32,
    ) -> Self {
        Self {
            endpoint,
            clock,
            slots: Semaphore::new(connections),
            parked: Mutex::default(),
            idle_max,
            mails_max,
        }
    }

    /// Sends one mail over a connection that waits, or over a new one; waits for a slot while all
    /// connections are in use.
    ///
    /// A waiting connection that turns out to be closed before anything of the mail was written is
    /// replaced by a new one, once.
    pub(super) async fn deliver(&self, mail: &Mail, progress: &Progress) -> Result<(), Fault> {
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|_| Fault::provider("closed"))?;
        if let Some(mut session) = self.take() {
            match session.deliver(mail, progress).await {
                Err(Failure {
                    closed_before_mail: true,
                    ..
                }) => {}
                result => return self.done(session, result),
            }
        }
        let mut session = Session::open(&self.endpoint).await?;
        let result = session.deliver(mail, progress).await;
        self.done(session, result)
    }

    fn take(&self) -> Option<Session> {
        let now = self.clock.monotonic();
        let mut old = Vec::new();
        let taken = {
            let mut parked = self.parked();
            // Sorted by age: those that waited too long are at the beginning.
            let young = parked.partition_point(|session| !self.is_young(session, now));
            old.extend(parked.drain(..young));
            loop {
                let Some(mut session) = parked.pop() else {
                    break None;
                };
                if session.is_quiet() {
                    break Some(session);
                }
                old.push(session);
            }
        };
        old.into_iter().for_each(Session::close);
        taken
    }

    fn done(&self, mut session: Session, result: Result<(), Failure>) -> Result<(), Fault> {
        if !session.is_usable() || session.mails >= self.mails_max {
            session.close();
        } else {
            session.idle_since = self.clock.monotonic();
            self.parked().push(session);
        }
        result.map_err(|failure| failure.fault)
    }

    fn is_young(&self, session: &Session, now: Monotonic) -> bool {
        now.since(session.idle_since) < self.idle_max
    }

    fn parked(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    /// Takes leave of the servers, as RFC 5321 §4.1.1.10 wants it.
    fn drop(&mut self) {
        self.parked().drain(..).for_each(Session::close);
    }
}
