//! How far a schedule has come: what its job knows.

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ScheduleId;
use crate::queue::{Job, JobKind, NewJob};

/// How far a schedule has come. A job of its own for each life of a schedule: what was stopped never moves what was begun since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) schedule: ScheduleId,
    /// Up to here every occurrence was seen to.
    pub(crate) last: Timestamp,
    /// How often the next one was tried in vain.
    pub(crate) tries: u32,
}

impl Tick {
    /// Everything after `last` is still to be seen to.
    pub(crate) const fn after(schedule: ScheduleId, last: Timestamp) -> Self {
        Self {
            schedule,
            last,
            tries: 0,
        }
    }

    /// The job that goes on from here; `id` is new.
    pub(crate) fn job(&self, id: u128, due: Timestamp) -> NewJob {
        NewJob::new(Job::new(JobKind::Tick, id), due, self.encode())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.schedule.as_bytes().to_vec();
        bytes.extend_from_slice(&self.last.as_micros().to_be_bytes());
        bytes.extend_from_slice(&self.tries.to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let read = || {
            let (schedule, rest) = bytes.split_first_chunk::<16>()?;
            let (last, rest) = rest.split_first_chunk::<8>()?;
            Some(Self {
                schedule: ScheduleId::from_bytes(*schedule),
                last: Timestamp::from_micros(i64::from_be_bytes(*last)),
                tries: u32::from_be_bytes(rest.try_into().ok()?),
            })
        };
        read().ok_or_else(|| {
            Error::new(
                ErrorKind::Corrupt,
                "the job of a schedule does not read back; put the schedule again at other times",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_knows_reads_back() {
        let mut tick = Tick::after(ScheduleId::from_u128(7), Timestamp::from_micros(-5));
        tick.tries = 3;
        assert_eq!(Tick::decode(&tick.encode()).ok(), Some(tick));
        for broken in [&[][..], &tick.encode()[1..]] {
            let error = Tick::decode(broken).expect_err("broken");
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }
}
