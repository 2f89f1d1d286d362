//! `tailrace import`: the lines of old files, under the times that they begin with.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use event::{
    Labels,
    proto::loki::{Entry, PushRequest, Stream, Timestamp},
};
use flate2::read::MultiGzDecoder;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use prost::Message;
use reqwest::StatusCode;
use shipper::timestamp::{Clock, leading, now_ns};

use super::client;
use crate::{
    args::{ClientArgs, ImportArgs, misused},
    stderr::errln,
};

/// Bytes of lines in one request.
const BATCH_BYTES: usize = 1 << 20;
/// How often a request is sent that the server cannot take now, and how long to wait in between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);
/// What some programs begin a file of UTF-8 with; it is no part of the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Sends the files one after the other; what has been acknowledged stays when a later one fails.
pub async fn run(args: ImportArgs) -> Result<ExitCode> {
    let labels = labels(&args.labels)?;
    let mut all = Counts::default();
    for path in &args.files {
        let counts = file(path, &labels, &args).await.with_context(|| path.display().to_string())?;
        all = Counts { lines: all.lines + counts.lines, refused: all.refused + counts.refused };
    }
    errln!("{} lines of {} files are in", HumanCount(all.lines - all.refused), args.files.len());
    if all.refused > 0 {
        let refused = HumanCount(all.refused);
        bail!("{refused} lines are older than the server keeps them or in the future, and were left out");
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Default)]
struct Counts {
    lines: u64,
    /// Those of them that the server has refused.
    refused: u64,
}

fn labels(pairs: &[String]) -> Result<Labels> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
            misused(format_args!("--labels: {text:?} has no name and value, as in job=syslog"))
        })?;
        Ok((name.to_owned(), value.to_owned()))
    };
    pairs.iter().map(pair).collect()
}

async fn file(path: &Path, labels: &Labels, args: &ImportArgs) -> Result<Counts> {
    let file = File::open(path)?;
    let (size, changed) = (file.metadata()?.len(), file.metadata()?.modified().ok());
    let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes}, {eta} left")?;
    let progress = ProgressBar::new(size).with_style(style).with_message(path.display().to_string());
    let packed = progress.wrap_read(file);
    let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
    let plain: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(packed)) } else { Box::new(packed) };
    // A line without a time has that of the line before it; the first one that of the file.
    let since_1970 = changed.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let time_ns = since_1970.map_or_else(now_ns, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
    let mut lines = Lines::new(plain, time_ns)?;
    let (client, mut counts) = (reqwest::Client::new(), Counts::default());
    loop {
        let entries = lines.batch()?;
        if entries.is_empty() {
            progress.finish_and_clear();
            return Ok(counts);
        }
        counts.lines += entries.len() as u64;
        counts.refused += push(&client, &args.client, labels, entries).await?;
    }
}

struct Lines {
    reader: BufReader<Box<dyn Read>>,
    clock: Clock,
    time_ns: i64,
}

impl Lines {
    /// Lines before the first time have `time_ns`.
    fn new(file: Box<dyn Read>, time_ns: i64) -> io::Result<Self> {
        let mut reader = BufReader::new(file);
        if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        Ok(Lines { reader, clock: Clock::system(), time_ns })
    }

    /// The next lines; none at the end.
    fn batch(&mut self) -> Result<Vec<Entry>> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES {
            let mut line = Vec::new();
            // A line that does not end is cut, and goes on as the next one.
            if (&mut self.reader).take(BATCH_BYTES as u64).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
            line.truncate(end);
            bytes += line.len();
            entries.extend((!line.is_empty()).then(|| self.entry(line)));
        }
        Ok(entries)
    }

    fn entry(&mut self, line: Vec<u8>) -> Entry {
        let own = leading(&line).and_then(|(written, _)| self.clock.resolve(&written));
        self.time_ns = own.unwrap_or(self.time_ns);
        let (seconds, nanos) =
            (self.time_ns.div_euclid(1_000_000_000), self.time_ns.rem_euclid(1_000_000_000));
        let timestamp = Timestamp { seconds, nanos: nanos as i32 };
        Entry { timestamp: Some(timestamp), line, structured_metadata: Vec::new() }
    }
}

/// How many of the entries the server has refused for their times; it has the others.
async fn push(
    client: &reqwest::Client,
    server: &ClientArgs,
    labels: &Labels,
    entries: Vec<Entry>,
) -> Result<u64> {
    let request = PushRequest { streams: vec![Stream { labels: labels.to_string(), entries }] };
    let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec())?;
    let (addr, url) = (&server.addr, client::url(server, "/loki/api/v1/push"));
    for _ in 0..TRIES {
        let request = client.post(&url).header("content-type", "application/x-protobuf").body(body.clone());
        let response = client::answer(server, request).await?;
        match response.status() {
            status if status.is_success() => return Ok(0),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                tokio::time::sleep(PAUSE).await
            }
            status => {
                let text = response.text().await?;
                return out_of_bounds(&text)
                    .with_context(|| format!("{addr} refuses the lines: {status} {}", text.trim()));
            }
        }
    }
    bail!("{addr} takes nothing: kafka does not acknowledge the entries")
}

/// How many entries were refused for their times, as Loki says it; nothing when there is another reason, too.
fn out_of_bounds(text: &str) -> Option<u64> {
    let count = |reason: &str| {
        let (count, reason) = reason.split_once(" errors like: ").unwrap_or(("1", reason));
        reason.contains(" has timestamp too ").then(|| count.parse::<u64>().ok())?
    };
    text.split("; ").map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_are_refused_for_their_times_are_counted() {
        let old = "entry for stream '{a=\"b\"}' has timestamp too old: 2020-01-01T00:00:00Z, oldest acceptable timestamp";
        let new = "entry for stream '{a=\"b\"}' has timestamp too new: 2120-01-01T00:00:00Z";
        assert_eq!(out_of_bounds(&format!("{old}\n")), Some(1));
        assert_eq!(out_of_bounds(&format!("12 errors like: {old}")), Some(12));
        assert_eq!(out_of_bounds(&format!("12 errors like: {old}; 1 errors like: {old}")), Some(13));
        assert_eq!(out_of_bounds(&format!("12 errors like: {old}; 1 errors like: {new}")), Some(13));
        assert_eq!(out_of_bounds(&format!("{old}; {new}; gzip: corrupt")), None);
        assert_eq!(out_of_bounds("gzip: corrupt"), None);
    }

    #[test]
    fn labels_are_names_with_values() {
        let given = ["job=syslog".to_owned(), "note=a=b".to_owned()];
        assert_eq!(labels(&given).unwrap(), Labels::from([("job", "syslog"), ("note", "a=b")]));
        assert!(labels(&["job".to_owned()]).unwrap_err().to_string().contains("as in job=syslog"));
    }

    #[test]
    fn lines_without_a_time_have_that_of_the_line_before() {
        let text: &[u8] = b"first\n2026-01-02T03:04:05Z a\r\n\n  b";
        let mut lines = Lines::new(Box::new(text), 7_000_000_001).unwrap();
        let entries = lines.batch().unwrap();
        let seconds: Vec<i64> = entries.iter().map(|e| e.timestamp.unwrap().seconds).collect();
        assert_eq!(seconds, [7, 1_767_323_045, 1_767_323_045]);
        assert_eq!(entries[1].line, b"2026-01-02T03:04:05Z a");
        assert!(lines.batch().unwrap().is_empty());
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        let text: &[u8] = b"\xef\xbb\xbf2026-01-02T03:04:05Z a\n";
        let entry = Lines::new(Box::new(text), 0).unwrap().batch().unwrap().remove(0);
        assert_eq!((entry.timestamp.unwrap().seconds, &entry.line[..]), (1_767_323_045, &text[3..25]));
    }
}
