//! Which steps are evaluated. Steps are multiples of the intervals; those without anything to look at are
//! jumped over, so that data from 1970 followed by today's costs a few steps and not a hundred million.
//!
//! A step is due when something was read (a sample or a tick) within the horizon before it. The horizon is
//! the longest look-back plus the longest `for` and `keep_firing_for`: after so much silence every alert has
//! come to rest, rules on `absent()` too, and further steps would only repeat themselves. So a gap costs at
//! most horizon / interval steps, whatever its length. One thing may still happen within it: the time-out of
//! unknown alerts. The horizon does not reach so far, as a restart reads back all of it; they end at the first
//! step behind the gap.

use std::collections::BTreeSet;

/// Decides on the next step.
#[derive(Clone, Debug)]
pub struct Schedule {
    intervals: Vec<i64>,
    grain: i64,
    horizon_ms: i64,
    /// Times at which something was read, rounded up to the grain.
    active: BTreeSet<i64>,
    /// The last step that was evaluated.
    done: Option<i64>,
}

impl Schedule {
    /// All in milliseconds.
    pub fn new(intervals: impl IntoIterator<Item = i64>, horizon_ms: i64) -> Self {
        let mut intervals: Vec<i64> = intervals.into_iter().map(|i| i.max(1)).collect();
        intervals.sort_unstable();
        intervals.dedup();
        let grain = intervals.iter().copied().fold(0, gcd).max(1);
        Schedule { intervals, grain, horizon_ms: horizon_ms.max(1), active: BTreeSet::new(), done: None }
    }

    /// Something of this time was read. Without intervals there is no step that would look at it.
    pub fn note(&mut self, timestamp_ms: i64) {
        if self.intervals.is_empty() {
            return;
        }
        let rounded = round_up(timestamp_ms, self.grain);
        if self.done.is_none_or(|done| rounded > done.saturating_sub(self.horizon_ms)) {
            self.active.insert(rounded);
        }
    }

    /// The next step at which there is something to look at.
    pub fn next(&self) -> Option<i64> {
        let first = match self.done {
            Some(done) => self.at_or_after(done.saturating_add(1))?,
            None => self.at_or_after(*self.active.first()?)?,
        };
        let oldest = first.saturating_sub(self.horizon_ms).saturating_add(1);
        let active = *self.active.range(oldest..).next()?;
        self.at_or_after(active.max(first))
    }

    /// The last step that was evaluated.
    pub fn done(&self) -> Option<i64> {
        self.done
    }

    /// `step` was evaluated, or is to count as if it had been.
    pub fn finish(&mut self, step: i64) {
        self.done = Some(step);
        self.active = self.active.split_off(&step.saturating_sub(self.horizon_ms).saturating_add(1));
    }

    fn at_or_after(&self, time: i64) -> Option<i64> {
        self.intervals.iter().map(|interval| round_up(time, *interval)).min()
    }
}

fn round_up(time: i64, grain: i64) -> i64 {
    let down = time.div_euclid(grain).saturating_mul(grain);
    if down == time { time } else { down.saturating_add(grain) }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps_until(schedule: &mut Schedule, end: i64) -> Vec<i64> {
        let mut all = Vec::new();
        while let Some(step) = schedule.next().filter(|s| *s <= end) {
            schedule.finish(step);
            all.push(step);
        }
        all
    }

    #[test]
    fn steps_are_multiples_of_every_interval() {
        let mut schedule = Schedule::new([10_000, 15_000], 60_000);
        schedule.note(12_000);
        assert_eq!(
            steps_until(&mut schedule, 60_000),
            [15_000, 20_000, 30_000, 40_000, 45_000, 50_000, 60_000]
        );
    }

    #[test]
    fn a_gap_costs_no_more_steps_than_the_horizon_has() {
        let mut schedule = Schedule::new([15_000], 60_000);
        schedule.note(1);
        schedule.note(1_600_000_000_000);
        let steps = steps_until(&mut schedule, 1_600_000_020_000);
        assert_eq!(steps, [15_000, 30_000, 45_000, 60_000, 1_600_000_005_000, 1_600_000_020_000]);
    }

    #[test]
    fn without_rules_there_are_no_steps() {
        let mut schedule = Schedule::new([], 1);
        schedule.note(1);
        assert!(schedule.next().is_none() && schedule.active.is_empty());
    }
}
