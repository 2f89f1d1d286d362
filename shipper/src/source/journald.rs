//! systemd's journal, through `journalctl`, which follows it for us and knows every compression there is.
//!
//! Entries are counted from where the checkpoint's cursor stands, so that an entry has the same position
//! whenever it is read again. Each stream is a source of its own, because their batches overtake each other.

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use event::{Event, Labels, LogBatch, LogEntry};
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
};
use tokio_util::sync::CancellationToken;

use crate::{
    checkpoint::{Checkpoint, JournalPosition},
    config::{JournalFrom, JournaldConfig},
    mark::{Mark, Ticket},
    publisher::Publisher,
    source::syslog::message::LEVELS,
    telemetry,
};

const BATCH_BYTES: usize = 256 << 10;
const BATCH_WAIT: Duration = Duration::from_millis(20);
/// Before journalctl is started again.
const RESTART: Duration = Duration::from_secs(5);
/// A journalctl that fails does so at once; one that takes longer has a large journal to open.
const PROBE: Duration = Duration::from_millis(200);
/// A longer entry is no log line; journald's own limit is far below.
const ENTRY_LIMIT: u64 = 64 << 20;

type Streams = BTreeMap<Labels, Vec<LogEntry>>;

/// Reads the journal.
pub struct JournaldSource {
    config: JournaldConfig,
    host: String,
    mark: Arc<Mark<JournalPosition>>,
    /// The last entry that was read.
    at: JournalPosition,
}

impl JournaldSource {
    /// Goes on where the checkpoint stands.
    pub fn new(config: JournaldConfig, host: String, checkpoint: &Checkpoint) -> Self {
        let at = checkpoint.loaded().journal.unwrap_or_default();
        let mark = Arc::new(Mark::new(at.clone()));
        checkpoint.set_journal(mark.clone());
        JournaldSource { config, host, mark, at }
    }

    /// Whether there is a journal that we may read.
    pub async fn is_available(&self) -> bool {
        let mut command = self.command();
        command.args(["--lines=1", "--output=json", "--quiet"]);
        match tokio::time::timeout(PROBE, command.output()).await {
            Ok(Ok(output)) => output.status.success() && !output.stdout.is_empty(),
            Ok(Err(_)) => false,
            Err(_) => true,
        }
    }

    /// Follows the journal until `shutdown`; a journalctl that ends is started again.
    pub async fn run(mut self, publisher: Publisher, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.follow(&publisher) => {}
            }
            let _ = tokio::time::timeout(RESTART, shutdown.cancelled()).await;
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.config.journalctl);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        if let Some(directory) = &self.config.directory {
            command.arg("--directory").arg(directory);
        }
        command
    }

    fn start(&self) -> std::io::Result<Child> {
        let mut command = self.command();
        command.args(["--output=json", "--follow", "--quiet", "--all"]);
        match (self.at.cursor.as_str(), self.config.from) {
            ("", JournalFrom::Beginning) => command.arg("--no-tail"),
            ("", JournalFrom::Boot) => command.args(["--no-tail", "--boot"]),
            ("", JournalFrom::End) => command.arg("--lines=0"),
            (cursor, _) => command.arg("--no-tail").arg(format!("--after-cursor={cursor}")),
        };
        command.spawn()
    }

    async fn follow(&mut self, publisher: &Publisher) {
        let child = self.start();
        let Ok(mut child) = child.inspect_err(|error| tracing::warn!(%error, "cannot start journalctl"))
        else {
            return;
        };
        let Some(output) = child.stdout.take() else { return };
        let mut reader = BufReader::with_capacity(64 << 10, output);
        // Outlives a batch, which can end in the middle of a line.
        let mut line = Vec::new();
        while let Some(batch) = self.read_batch(&mut reader, &mut line).await {
            self.publish(batch, publisher).await;
        }
    }

    /// At least one entry, and what follows within a moment; `None` at the end.
    async fn read_batch(
        &mut self,
        reader: &mut BufReader<ChildStdout>,
        line: &mut Vec<u8>,
    ) -> Option<Streams> {
        let mut batch = Streams::new();
        let mut size = 0;
        let deadline = tokio::time::sleep(Duration::MAX);
        tokio::pin!(deadline);
        while size < BATCH_BYTES {
            let read = async { (&mut *reader).take(ENTRY_LIMIT).read_until(b'\n', line).await };
            tokio::select! {
                biased;
                result = read => if !matches!(result, Ok(1..)) { break },
                () = &mut deadline => break,
            }
            if !line.ends_with(b"\n") {
                // The deadline can cut a read short: the rest is read next.
                continue;
            }
            if batch.is_empty() {
                deadline.as_mut().reset(tokio::time::Instant::now() + BATCH_WAIT);
            }
            size += line.len();
            self.take_entry(line, &mut batch);
            line.clear();
        }
        (!batch.is_empty()).then_some(batch)
    }

    fn take_entry(&mut self, line: &[u8], batch: &mut Streams) {
        let Some((labels, entry, cursor)) = parse(line, &self.host) else {
            telemetry::JOURNAL_UNPARSED.inc();
            return;
        };
        self.at = JournalPosition { cursor, position: self.at.position + 1 };
        batch.entry(labels).or_default().push(LogEntry { position: self.at.position, ..entry });
    }

    /// The mark moves when all streams of the batch are acknowledged.
    async fn publish(&self, batch: Streams, publisher: &Publisher) {
        let ticket = Mutex::new(Some(self.mark.begin(self.at.clone())));
        let group = Arc::new(Group { left: AtomicUsize::new(batch.len()), mark: self.mark.clone(), ticket });
        for (labels, entries) in batch {
            let source = format!("{}/journal/{:016x}", self.host, labels.fingerprint());
            let group = group.clone();
            let event = Event::Logs(LogBatch { source, labels, entries });
            publisher.publish(event, move || group.finish_one()).await;
        }
    }
}

/// The streams of one batch.
struct Group {
    left: AtomicUsize,
    mark: Arc<Mark<JournalPosition>>,
    ticket: Mutex<Option<Ticket>>,
}

impl Group {
    fn finish_one(&self) {
        let is_last = self.left.fetch_sub(1, Ordering::AcqRel) == 1;
        if let Some(ticket) = self.ticket.lock().take_if(|_| is_last) {
            self.mark.finish(ticket);
        }
    }
}

/// Stream, entry and cursor of one line of journalctl's JSON.
fn parse(line: &[u8], host: &str) -> Option<(Labels, LogEntry, String)> {
    let fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let text = |name: &str| fields.get(name).map(bytes_of);
    let string =
        |name: &str| text(name).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let cursor = fields.get("__CURSOR")?.as_str()?.to_owned();
    let micros: i64 = fields.get("__REALTIME_TIMESTAMP")?.as_str()?.parse().ok()?;
    let level =
        string("PRIORITY").parse().ok().and_then(|p: usize| LEVELS.get(p).copied()).unwrap_or_default();
    let unit = [string("_SYSTEMD_UNIT"), string("SYSLOG_IDENTIFIER")].into_iter().find(|u| !u.is_empty());
    let unit = unit.unwrap_or_default();
    let labels = Labels::from([("job", "journal"), ("host", host), ("unit", &unit), ("level", level)]);
    let metadata = [("identifier", "SYSLOG_IDENTIFIER"), ("pid", "_PID")]
        .into_iter()
        .map(|(name, field)| (name.to_owned(), string(field)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let line = text("MESSAGE").unwrap_or_default();
    Some((labels, LogEntry { timestamp_ns: micros.checked_mul(1000)?, line, metadata, position: 0 }, cursor))
}

/// Text is a string, other bytes are a list of numbers, a repeated field is a list of either: the first counts.
fn bytes_of(value: &Value) -> Bytes {
    match value {
        Value::String(text) => Bytes::copy_from_slice(text.as_bytes()),
        Value::Array(items) if items.iter().all(Value::is_number) => {
            items.iter().filter_map(|n| n.as_u64().and_then(|n| u8::try_from(n).ok())).collect()
        }
        Value::Array(items) => items.first().map(bytes_of).unwrap_or_default(),
        _ => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_gets_unit_and_level_as_labels_and_keeps_any_bytes() {
        let line = br#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1790000000000001","PRIORITY":"3",
            "_SYSTEMD_UNIT":"ssh.service","SYSLOG_IDENTIFIER":["sshd","x"],"_PID":"42","MESSAGE":[104,105,255,0]}"#;
        let (labels, entry, cursor) = parse(line, "web1").unwrap();
        assert_eq!(labels.to_string(), r#"{host="web1", job="journal", level="error", unit="ssh.service"}"#);
        assert_eq!(entry.timestamp_ns, 1_790_000_000_000_001_000);
        assert_eq!(&entry.line[..], b"hi\xff\x00");
        let metadata: Vec<_> = entry.metadata.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(metadata, ["identifier=sshd", "pid=42"]);
        assert_eq!(cursor, "s=1;i=2");
    }

    #[test]
    fn what_is_no_entry_is_none() {
        assert!(parse(b"Hint: you are not in the group", "web1").is_none());
        assert!(parse(b"{}", "web1").is_none());
    }
}
