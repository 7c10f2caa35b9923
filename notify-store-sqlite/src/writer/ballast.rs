//! Room on the disk that is kept for the day it is full: SQLite needs some to record, and even to delete.

use notify_core::clock::Monotonic;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::lock::beside;

/// How long to wait before it is tried again whether there is room.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);
static BLOCK: [u8; 64 << 10] = [0; 64 << 10];

/// A file beside the database that can be given up.
#[derive(Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
    bytes: u64,
    /// Since when it is missing because the disk was full.
    given_up: Option<Monotonic>,
}

impl Ballast {
    /// Makes the file, if there is room; without room the store works, and refuses new notifications.
    pub(crate) fn prepare(database: &Path, bytes: u64, now: Monotonic) -> Self {
        let path = beside(database, "-notify.ballast");
        let mut ballast = Self {
            path,
            bytes,
            given_up: None,
        };
        if bytes == 0 {
            // It may be there from an earlier configuration, or not.
            let _ = fs::remove_file(&ballast.path);
        } else if ballast.fill().is_err() {
            ballast.give_up(now);
        }
        ballast
    }

    pub(crate) const fn is_given_up(&self) -> bool {
        self.given_up.is_some()
    }

    /// Gives the room to whoever needs it.
    pub(crate) fn give_up(&mut self, now: Monotonic) {
        if self.bytes > 0 && self.given_up.is_none() {
            self.given_up = Some(now);
            // If it cannot be removed there is no room to win, and the next write says so.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Takes the room again if there is enough; answers whether there was.
    pub(crate) fn try_restore(&mut self, now: Monotonic) -> bool {
        let Some(since) = self.given_up else {
            return true;
        };
        if now.since(since) < TRY_AGAIN_AFTER {
            return false;
        }
        let restored = self.fill().is_ok();
        self.given_up = (!restored).then_some(now);
        if !restored {
            // Half a ballast would keep the room that what was sent is recorded in.
            let _ = fs::remove_file(&self.path);
        }
        restored
    }

    fn fill(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() == self.bytes) {
            return Ok(());
        }
        let mut file = File::create(&self.path)?;
        let mut left = self.bytes;
        while left > 0 {
            let size = left.min(BLOCK.len() as u64);
            let block = usize::try_from(size).unwrap_or(BLOCK.len());
            file.write_all(&BLOCK[..block])?;
            left -= size;
        }
        file.sync_all()
    }
}
