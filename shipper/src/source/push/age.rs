//! Entries that are older than the index keeps them are refused, as Loki does; the others of their request are taken.

use std::time::Duration;

use axum::http::StatusCode;
use event::{Event, Labels, LogEntry};

use super::Refusal;
use crate::{telemetry, timestamp::now_ns};

/// Takes the old entries out of a request.
pub struct Sieve {
    oldest_ns: i64,
    refused: u64,
    /// What is wrong with the first of them.
    reason: Option<String>,
}

impl Sieve {
    /// As of now. Without an age, nothing is too old.
    pub fn new(max_age: Option<Duration>) -> Self {
        let age_ns = max_age.map(|age| i64::try_from(age.as_nanos()).unwrap_or(i64::MAX));
        let oldest_ns = age_ns.map_or(i64::MIN, |age| now_ns().saturating_sub(age));
        Sieve { oldest_ns, refused: 0, reason: None }
    }

    /// The event without its old entries; nothing if all of them are.
    pub fn fresh(&mut self, event: Event) -> Option<Event> {
        let Event::Logs(mut batch) = event else { return Some(event) };
        batch
            .entries
            .retain(|entry| entry.timestamp_ns >= self.oldest_ns || self.refuse(&batch.labels, entry));
        (!batch.entries.is_empty()).then_some(Event::Logs(batch))
    }

    fn refuse(&mut self, labels: &Labels, entry: &LogEntry) -> bool {
        self.refused += 1;
        self.reason.get_or_insert_with(|| {
            format!(
                "entry for stream '{labels}' has timestamp too old: {}, oldest acceptable timestamp is: {}",
                rfc3339(entry.timestamp_ns),
                rfc3339(self.oldest_ns)
            )
        });
        false
    }

    /// # Errors
    /// When something was too old: how many entries, in Loki's words.
    pub fn verdict(self) -> Result<(), Refusal> {
        telemetry::TOO_OLD.inc_by(self.refused);
        let Some(reason) = self.reason else { return Ok(()) };
        let count = (self.refused > 1).then(|| format!("{} errors like: ", self.refused));
        Err(Refusal(StatusCode::BAD_REQUEST, count.unwrap_or_default() + &reason))
    }
}

fn rfc3339(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(ns.into())
        .map_or_else(|_| format!("{ns} ns"), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
