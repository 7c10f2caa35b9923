//! How the shares of a spread follow what its providers are like: away from those that are slow or fail, and back again.

use std::time::Duration;

use crate::clock::Monotonic;

/// When a provider loses a part of its share, and how it gets it back.
///
/// | | default | why |
/// |---|---|---|
/// | slow | calls of 3 s on average | ten times what a vendor takes; a third of what a call may take |
/// | failing | 15 % of the calls | half of what a breaker would not notice |
/// | judged by | at least 20 calls | fewer say nothing about a rate |
/// | a step | 10 points of 100, once a minute at most | a brown-out of an hour empties it, a hiccup costs nothing |
/// | never below | 10 points | what is never asked cannot show that it is well again |
/// | back | a step a minute, from 10 minutes after the last loss on | what was slow just now may be so again |
///
/// As at GOV.UK Notify, nothing is moved when all are slow: then it is not the provider, and there is nowhere to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    slow: Duration,
    percent: u32,
    min_calls: u32,
    rest: Duration,
}

/// How many points of a share are moved at a time.
const STEP: u32 = 10;
/// The least that a share becomes.
const FLOOR: u32 = 10;
/// The whole share.
const WHOLE: u32 = 100;
/// How often a share is moved at most.
const EVERY: Duration = Duration::from_secs(60);
/// How much of what is known one more call replaces: about the last twenty count.
const WEIGHT: f64 = 0.1;

impl Default for Drift {
    fn default() -> Self {
        Self {
            slow: Duration::from_secs(3),
            percent: 15,
            min_calls: 20,
            rest: Duration::from_secs(600),
        }
    }
}

impl Drift {
    /// A provider is slow whose calls take so long on average.
    #[must_use]
    pub const fn with_slow(mut self, calls_of: Duration) -> Self {
        self.slow = calls_of;
        self
    }

    /// A provider fails that so many of 100 calls fail of, by its own fault or without an answer.
    #[must_use]
    pub const fn with_faults(mut self, percent: u32) -> Self {
        self.percent = percent;
        self
    }

    /// A provider is judged by at least so many calls since it was last judged.
    #[must_use]
    pub const fn with_min_calls(mut self, calls: u32) -> Self {
        self.min_calls = calls;
        self
    }

    /// A share comes back from so long after its last loss on.
    #[must_use]
    pub const fn with_rest(mut self, rest: Duration) -> Self {
        self.rest = rest;
        self
    }

    /// Moves the shares of the providers of one channel.
    pub(crate) fn judge(&self, paces: &mut [Pace], now: Monotonic) {
        let judged: Vec<Option<bool>> = paces.iter().map(|pace| self.is_bad(pace)).collect();
        // Somewhere to go: one that is well, or one that is hardly asked and had no trouble.
        let is_choice = paces.iter().zip(&judged).any(|(pace, bad)| match bad {
            Some(bad) => !bad,
            None => pace.share == WHOLE,
        });
        for (pace, bad) in paces.iter_mut().zip(judged) {
            if now.since(pace.moved) < EVERY && pace.moved > Monotonic::default() {
                continue;
            }
            if bad.is_some() {
                pace.calls = 0;
            }
            if bad == Some(true) && is_choice && pace.share > FLOOR {
                pace.share = pace.share.saturating_sub(STEP).max(FLOOR);
                (pace.moved, pace.lost) = (now, now);
            } else if bad != Some(true) && pace.share < WHOLE && now.since(pace.lost) >= self.rest {
                pace.share = (pace.share + STEP).min(WHOLE);
                pace.moved = now;
            }
        }
    }

    /// Whether it is slow or fails; `None` if too little is known.
    fn is_bad(&self, pace: &Pace) -> Option<bool> {
        let is_known = pace.calls >= self.min_calls.max(1);
        let is_slow = pace.seconds >= self.slow.as_secs_f64();
        let fails = pace.faults * 100.0 >= f64::from(self.percent.max(1));
        is_known.then_some(is_slow || fails)
    }
}

/// What one provider was like lately, and its share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Of 100.
    pub(crate) share: u32,
    seconds: f64,
    faults: f64,
    /// Calls since it was last judged.
    calls: u32,
    /// When its share was last moved, and last made less.
    moved: Monotonic,
    lost: Monotonic,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            share: WHOLE,
            seconds: 0.0,
            faults: 0.0,
            calls: 0,
            moved: Monotonic::default(),
            lost: Monotonic::default(),
        }
    }
}

impl Pace {
    /// Takes over how it was judged; calls that were noted meanwhile stay.
    pub(crate) const fn moved_to(&mut self, judged: &Self) {
        (self.share, self.moved, self.lost) = (judged.share, judged.moved, judged.lost);
        if judged.calls == 0 {
            self.calls = 0;
        }
    }

    /// Notes a call: how long it took, and whether it failed by the provider's fault.
    pub(crate) fn note(&mut self, took: Duration, failed: bool) {
        let weight = if self.calls == 0 && self.moved == Monotonic::default() && self.seconds == 0.0
        {
            1.0
        } else {
            WEIGHT
        };
        self.seconds += (took.as_secs_f64() - self.seconds) * weight;
        self.faults += (f64::from(u8::from(failed)) - self.faults) * WEIGHT;
        self.calls = self.calls.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(100);
    const SLOW: Duration = Duration::from_secs(5);

    fn minute(no: u32) -> Monotonic {
        Monotonic::from_start(EVERY * no + EVERY)
    }

    fn after(paces: &mut [Pace; 2], calls: [(Duration, bool); 2], minutes: std::ops::Range<u32>) {
        for no in minutes {
            for (pace, (took, failed)) in paces.iter_mut().zip(calls) {
                (0..30).for_each(|_| pace.note(took, failed));
            }
            Drift::default().judge(paces, minute(no));
        }
    }

    fn shares(paces: &[Pace; 2]) -> [u32; 2] {
        paces.map(|pace| pace.share)
    }

    #[test]
    fn a_slow_provider_loses_its_share_in_steps_and_gets_it_back_later() {
        let mut paces = [Pace::default(); 2];
        after(&mut paces, [(SLOW, false), (FAST, false)], 0..3);
        assert_eq!(shares(&paces), [70, 100]);
        after(&mut paces, [(SLOW, false), (FAST, false)], 3..60);
        assert_eq!(shares(&paces), [10, 100], "never nothing");
        after(&mut paces, [(FAST, false), (FAST, false)], 60..65);
        assert_eq!(shares(&paces)[0], 60, "its last loss is long past");
        after(&mut paces, [(SLOW, false), (FAST, false)], 65..66);
        assert_eq!(shares(&paces)[0], 50);
        after(&mut paces, [(FAST, false), (FAST, false)], 66..75);
        assert_eq!(shares(&paces)[0], 50, "not within ten minutes");
        after(&mut paces, [(FAST, false), (FAST, false)], 75..90);
        assert_eq!(shares(&paces), [100, 100]);
    }

    #[test]
    fn a_provider_that_fails_often_loses_its_share() {
        let mut paces = [Pace::default(); 2];
        after(&mut paces, [(FAST, true), (FAST, false)], 0..2);
        assert_eq!(shares(&paces), [80, 100]);
    }

    #[test]
    fn nothing_moves_when_all_are_slow() {
        let mut paces = [Pace::default(); 2];
        after(&mut paces, [(SLOW, false), (SLOW, true)], 0..30);
        assert_eq!(shares(&paces), [100, 100]);
    }

    #[test]
    fn a_few_calls_say_nothing_and_a_share_moves_once_a_minute() {
        let mut paces = [Pace::default(); 2];
        (0..10).for_each(|_| paces[0].note(SLOW, false));
        Drift::default().judge(&mut paces, minute(0));
        assert_eq!(shares(&paces), [100, 100]);
        (0..10).for_each(|_| paces[0].note(SLOW, false));
        (0..20).for_each(|_| paces[1].note(FAST, false));
        for second in 0..50 {
            let now = minute(1) + Duration::from_secs(second);
            (0..30).for_each(|_| paces[0].note(SLOW, false));
            Drift::default().judge(&mut paces, now);
        }
        assert_eq!(shares(&paces), [90, 100]);
    }
}
