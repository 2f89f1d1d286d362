//! A bus of one partition in memory, an index in a temporary folder, and short ways to ask it.

use std::{ops::ControlFlow, path::Path};

use bus::Record;
use event::{Codec, Event, Labels, LogBatch, LogEntry, Matcher, Sample, SampleBatch, Series, encode};
use log_index::{Config, Index, Retention, Snapshot};
use logql::{Entries, Order, Scan};
use tempfile::TempDir;

/// An entry as a scan shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub timestamp_ns: i64,
    pub labels: Labels,
    pub line: Vec<u8>,
    pub metadata: Vec<(String, String)>,
}

/// An index that can be closed and opened again, and the bus that it reads.
pub struct Bench {
    pub folder: TempDir,
    pub config: Config,
    pub bus: Vec<Record>,
    index: Option<Index>,
}

impl Bench {
    /// Keeps data of any age.
    pub fn new() -> Self {
        Bench::with(Config { retention: Retention::OFF, ..Config::default() })
    }

    pub fn with(config: Config) -> Self {
        // The model has the streams as they come.
        let config = Config { service_name: Vec::new(), ..config };
        let folder = TempDir::new().unwrap();
        let index = Some(Index::open(folder.path(), &config).unwrap());
        Bench { folder, config, bus: Vec::new(), index }
    }

    pub fn index(&self) -> &Index {
        self.index.as_ref().unwrap()
    }

    /// As if the process had been killed, and started again: what was not committed is read once more.
    pub fn crash(&mut self) {
        self.close();
        self.open();
    }

    pub fn close(&mut self) {
        self.index = None;
    }

    pub fn open(&mut self) {
        let index = Index::open(self.folder.path(), &self.config).unwrap();
        let next = index.offsets().get("logs", 0).unwrap_or(0);
        for record in &self.bus[next as usize..] {
            index.append(record).unwrap();
        }
        self.index = Some(index);
    }

    pub fn send(&mut self, event: &Event) {
        self.send_as(event, Codec::Batch);
    }

    pub fn send_as(&mut self, event: &Event, codec: Codec) {
        for value in encode(event, codec) {
            let offset = self.bus.len() as i64;
            let record = record(offset, value);
            self.index().append(&record).unwrap();
            self.bus.push(record);
        }
    }

    pub fn send_lines(&mut self, labels: &Labels, lines: &[(i64, &str)]) {
        let entry = |(timestamp_ns, line): &(i64, &str)| LogEntry {
            timestamp_ns: *timestamp_ns,
            line: line.as_bytes().to_vec().into(),
            ..LogEntry::default()
        };
        let entries = lines.iter().map(entry).collect();
        self.send(&Event::Logs(LogBatch { labels: labels.clone(), entries, ..LogBatch::default() }));
    }

    pub fn send_samples(&mut self, labels: &Labels, samples: &[(i64, f64)]) {
        let sample =
            |(timestamp_ms, value): &(i64, f64)| Sample { timestamp_ms: *timestamp_ms, value: *value };
        let series = vec![Series { labels: labels.clone(), samples: samples.iter().map(sample).collect() }];
        self.send(&Event::Samples(SampleBatch { series, ..SampleBatch::default() }));
    }

    pub fn lines(&self) -> Vec<String> {
        let seen = scan(&self.index().snapshot(), &[], i64::MIN..i64::MAX, Order::Forward);
        seen.into_iter().map(|s| String::from_utf8(s.line).unwrap()).collect()
    }

    pub fn segment_files(&self) -> Vec<std::path::PathBuf> {
        let mut files = files(&self.folder.path().join("index/segments"));
        files.retain(|file| file.extension().is_some_and(|extension| extension == "seg"));
        files
    }
}

pub fn record(offset: i64, value: Vec<u8>) -> Record {
    Record {
        topic: "logs".into(),
        partition: 0,
        offset,
        timestamp_ms: 1_700_000_000_000,
        key: Default::default(),
        value: value.into(),
    }
}

pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

pub fn scan(
    snapshot: &Snapshot,
    matchers: &[Matcher],
    span: std::ops::Range<i64>,
    order: Order,
) -> Vec<Seen> {
    let scan = Scan { matchers, start_ns: span.start, end_ns: span.end, order, filters: &[], lens: None };
    let mut seen = Vec::new();
    let visit = &mut |labels: &Labels, entry: logql::EntryRef<'_>| {
        seen.push(Seen {
            timestamp_ns: entry.timestamp_ns,
            labels: labels.clone(),
            line: entry.line.to_vec(),
            metadata: entry.metadata.to_vec(),
        });
        ControlFlow::Continue(())
    };
    snapshot.scan(&scan, visit).unwrap();
    seen
}
