//! Entries that are older than the index keeps them are refused, as Loki does, and what is too far in the future, as
//! Loki and Prometheus do; the rest of their request is taken.

use std::time::Duration;

use axum::http::StatusCode;
use event::{Event, LogBatch, SampleBatch};

use super::Refusal;
use crate::{telemetry, timestamp::now_ns};

/// In Prometheus' words.
const SAMPLE_TOO_NEW: &str = "out of bounds: timestamp is too far in the future";

/// What times are taken, as seen from now.
pub struct Bounds {
    /// Without one, nothing is too old.
    pub max_age: Option<Duration>,
    /// How far ahead of ours the clock of a client may be.
    pub grace: Duration,
}

/// Takes what is out of bounds out of a request.
pub struct Sieve {
    oldest_ns: i64,
    newest_ns: i64,
    old_entries: Refused,
    new_entries: Refused,
    new_samples: Refused,
}

#[derive(Default)]
struct Refused {
    count: u64,
    /// What is wrong with the first of them.
    reason: Option<String>,
}

impl Sieve {
    /// As of now.
    pub fn new(bounds: &Bounds) -> Self {
        let now = now_ns();
        let [old_entries, new_entries, new_samples] = Default::default();
        let oldest_ns = bounds.max_age.map_or(i64::MIN, |age| now.saturating_sub(nanos(age)));
        let newest_ns = now.saturating_add(nanos(bounds.grace));
        Sieve { oldest_ns, newest_ns, old_entries, new_entries, new_samples }
    }

    /// The event without what is out of bounds; nothing if all of it is.
    pub fn pass(&mut self, mut event: Event) -> Option<Event> {
        let is_left = match &mut event {
            Event::Logs(batch) => self.entries(batch),
            Event::Samples(batch) => self.samples(batch),
            _ => true,
        };
        is_left.then_some(event)
    }

    fn entries(&mut self, batch: &mut LogBatch) -> bool {
        let LogBatch { labels, entries, .. } = batch;
        let (oldest_ns, newest_ns) = (self.oldest_ns, self.newest_ns);
        let said = |what, time| format!("entry for stream '{labels}' has timestamp too {what}: {time}");
        entries.retain(|entry| match entry.timestamp_ns {
            time if time < oldest_ns => self.old_entries.add(|| {
                let oldest = rfc3339(oldest_ns);
                said("old", rfc3339(time)) + ", oldest acceptable timestamp is: " + &oldest
            }),
            time if time > newest_ns => self.new_entries.add(|| said("new", rfc3339(time))),
            _ => true,
        });
        !entries.is_empty()
    }

    fn samples(&mut self, batch: &mut SampleBatch) -> bool {
        let newest_ms = self.newest_ns / 1_000_000;
        let mut keep = |time_ms| time_ms <= newest_ms || self.new_samples.add(|| SAMPLE_TOO_NEW.to_owned());
        batch.series.retain_mut(|series| {
            series.samples.retain(|sample| keep(sample.timestamp_ms));
            !series.samples.is_empty()
        });
        batch.histograms.retain_mut(|series| {
            series.samples.retain(|sample| keep(sample.timestamp_ms));
            !series.samples.is_empty()
        });
        batch.samples() > 0 || !batch.families.is_empty()
    }

    /// # Errors
    /// When something was out of bounds: how much, as Loki says it.
    pub fn verdict(self) -> Result<(), Refusal> {
        telemetry::TOO_OLD.inc_by(self.old_entries.count);
        telemetry::TOO_NEW.inc_by(self.new_entries.count);
        telemetry::TOO_NEW_SAMPLES.inc_by(self.new_samples.count);
        let all = [self.old_entries, self.new_entries, self.new_samples];
        let said: Vec<String> = all.into_iter().filter_map(Refused::told).collect();
        if said.is_empty() { Ok(()) } else { Err(Refusal(StatusCode::BAD_REQUEST, said.join("; "))) }
    }
}

impl Refused {
    /// Whether it is kept: it is not.
    fn add(&mut self, reason: impl FnOnce() -> String) -> bool {
        self.count += 1;
        self.reason.get_or_insert_with(reason);
        false
    }

    fn told(self) -> Option<String> {
        let count = (self.count > 1).then(|| format!("{} errors like: ", self.count));
        self.reason.map(|reason| count.unwrap_or_default() + &reason)
    }
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

fn rfc3339(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(ns.into())
        .map_or_else(|_| format!("{ns} ns"), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
