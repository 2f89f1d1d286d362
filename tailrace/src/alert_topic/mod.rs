//! The alert topic, as the command line and the API read it.

pub mod csv;

use std::time::Duration;

use bus::{Consumer, ConsumerBuilder, Offsets, Record, Start};
use event::{Alert, DecodeError};
use jiff::{SignedDuration, Timestamp};

/// Beginning and end of event time, both included.
pub type Span = (Timestamp, Timestamp);

/// A record, and the transition in it if it is one.
pub type Read = (Record, Result<Alert, DecodeError>);

const POLL: Duration = Duration::from_millis(250);
const POLL_RECORDS: usize = 1000;
const ENDS_TIMEOUT: Duration = Duration::from_secs(10);
const QUEUE_KIB: u32 = 4096;
/// No transition is written so long before its own time, whatever the clocks.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// Reads transitions, each once, in the order of their partitions.
pub struct Reader {
    consumer: Consumer,
    span: Option<Span>,
    from: Offsets,
    ends: Offsets,
}

impl Reader {
    /// Begins with the first record that is there, or that can be of `span`.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn open(config: &bus::Config, span: Option<Span>) -> Result<Self, bus::Error> {
        let topics = [config.topics.alerts.as_str()];
        let group = "tailrace-alerts";
        let consumer =
            Consumer::open(&ConsumerBuilder { config, group, topics: &topics, queue_kib: QUEUE_KIB })?;
        let ends = consumer.ends(ENDS_TIMEOUT)?;
        let first = span.and_then(|(from, _)| from.checked_sub(MARGIN).ok()).map(Timestamp::as_millisecond);
        let from = first.filter(|ms| *ms > 0).map(|ms| consumer.offsets_by_time(ms)).transpose()?;
        let from = from.unwrap_or_default();
        consumer.start(&from, Start::Earliest)?;
        Ok(Reader { consumer, span, from, ends })
    }

    /// Whether all that was there at the beginning has been read.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn is_done(&self) -> Result<bool, bus::Error> {
        self.consumer.has_read(&self.from, &self.ends)
    }

    /// The transitions of the span that have arrived, and what is none; waits a moment for the first.
    ///
    /// # Errors
    /// When reading fails for good.
    pub fn poll(&self) -> Result<Vec<Read>, bus::Error> {
        let records = self.consumer.poll(POLL, POLL_RECORDS)?.into_iter();
        let read = records.map(|record| (Alert::from_json(&record.value), record));
        let wanted = read.filter(|(alert, _)| alert.as_ref().map_or(true, |alert| self.is_inside(alert)));
        Ok(wanted.map(|(alert, record)| (record, alert)).collect())
    }

    fn is_inside(&self, alert: &Alert) -> bool {
        self.span.is_none_or(|(from, to)| (from..=to).contains(&alert.evaluated_at))
    }
}
