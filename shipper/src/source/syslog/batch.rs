//! From messages to batches, one for each stream.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use bytes::Bytes;
use event::{Labels, LogBatch, LogEntry};

use super::message::{self, Message};
use crate::{telemetry, timestamp::Clock};

/// Longer values are no names.
const LABEL_LIMIT: usize = 255;
/// What an entry takes besides its line.
const ENTRY_OVERHEAD: usize = 64;

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Without its frame.
    pub bytes: Bytes,
    /// Who sent it.
    pub peer: IpAddr,
    /// The rest of a message that was cut: not parsed.
    pub is_rest: bool,
}

/// Collects entries until they are taken. Positions are given out then, because readers go by the order of
/// the records.
pub struct Batcher {
    source: String,
    next_position: u64,
    streams: HashMap<Labels, Vec<LogEntry>>,
    size: usize,
    /// Fingerprints of the label sets so far.
    known: HashSet<u64>,
    stream_limit: usize,
}

impl Batcher {
    /// The first entry gets `next_position`.
    pub fn new(source: String, next_position: u64, stream_limit: usize) -> Self {
        let (streams, known) = (HashMap::new(), HashSet::new());
        Batcher { source, next_position, streams, size: 0, known, stream_limit }
    }

    /// Bytes collected.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The last position that was given out.
    pub fn last_position(&self) -> u64 {
        self.next_position.saturating_sub(1)
    }

    /// Adds a message; one that cannot be parsed is kept as it is, with the peer as its host.
    pub fn add(&mut self, received: &Received, clock: &mut Clock) {
        let parsed = if received.is_rest { None } else { message::parse(&received.bytes) };
        let peer = received.peer.to_canonical().to_string();
        self.size += received.bytes.len() + ENTRY_OVERHEAD;
        let Some(message) = parsed else {
            telemetry::SYSLOG_UNPARSED.inc();
            let entry =
                LogEntry { timestamp_ns: clock.now_ns, line: received.bytes.clone(), ..LogEntry::default() };
            self.streams.entry(raw_labels(&peer)).or_default().push(entry);
            return;
        };
        let own = message.timestamp.and_then(|written| clock.resolve(&written));
        let line = received.bytes.slice_ref(message.text);
        let mut metadata = metadata(&message);
        let labels = self.labels(&message, &peer, &mut metadata);
        let entry = LogEntry { timestamp_ns: own.unwrap_or(clock.now_ns), line, metadata, position: 0 };
        self.streams.entry(labels).or_default().push(entry);
    }

    /// What was collected, with positions.
    pub fn take(&mut self) -> Vec<LogBatch> {
        self.size = 0;
        let mut batches = Vec::with_capacity(self.streams.len());
        for (labels, mut entries) in self.streams.drain() {
            for entry in &mut entries {
                entry.position = self.next_position;
                self.next_position += 1;
            }
            batches.push(LogBatch { source: self.source.clone(), labels, entries });
        }
        batches
    }

    /// The stream of a message. When strangers have made too many streams, host and app become metadata.
    fn labels(&mut self, message: &Message<'_>, peer: &str, metadata: &mut Vec<(String, String)>) -> Labels {
        let host = message.hostname.as_deref().filter(|h| h.len() <= LABEL_LIMIT).unwrap_or(peer);
        let app = message.app.as_deref().filter(|a| a.len() <= LABEL_LIMIT).unwrap_or_default();
        let level = message.level().unwrap_or_default();
        let facility = message.facility().unwrap_or_default();
        let labels =
            [("job", "syslog"), ("host", host), ("app", app), ("level", level), ("facility", facility)];
        let labels = Labels::from(labels);
        let fingerprint = labels.fingerprint();
        if self.known.contains(&fingerprint) {
            return labels;
        }
        if self.known.len() < self.stream_limit {
            self.known.insert(fingerprint);
            return labels;
        }
        telemetry::SYSLOG_DEMOTED.inc();
        let demoted = [("host", host), ("app", app)].into_iter().filter(|(_, value)| !value.is_empty());
        metadata.extend(demoted.map(|(name, value)| (format!("syslog_{name}"), value.to_owned())));
        Labels::from([("job", "syslog"), ("host", peer), ("level", level), ("facility", facility)])
    }
}

fn raw_labels(peer: &str) -> Labels {
    Labels::from([("job", "syslog"), ("host", peer)])
}

fn metadata(message: &Message<'_>) -> Vec<(String, String)> {
    let fields = [("procid", &message.process), ("msgid", &message.message_id)];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
    let data = message.data.iter().flat_map(|(id, parameters)| {
        parameters.iter().map(move |(name, value)| (label_name(&format!("{id}_{name}")), value.clone()))
    });
    fields.chain(data).collect()
}

/// `origin_x-service` becomes `origin_x_service`.
fn label_name(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}
