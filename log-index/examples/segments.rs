//! Measures the store alone: what it makes of lines, what that costs, and how long questions take.
//!
//! `cargo run --release -p log-index --example segments -- DIR` takes the files of a folder, each a stream whose
//! label `stream` is the file's name. Of each in turn come 64 lines, a millisecond apart. It prints bytes on disk
//! beside `zstd -3` in blocks of 256 KiB, CPU seconds per GB, and for each query the median of five runs and how
//! many blocks it skipped.

use std::{
    error::Error,
    fs,
    time::{Duration, Instant},
};

use bus::Record;
use event::{Codec, Event, Labels, LogBatch, LogEntry, encode};
use log_index::{Config, Index, Retention};
use logql::{Options, Range, query_range};

const RUN_LINES: usize = 64;
const ZSTD_BLOCK: usize = 256 << 10;
const RUNS: usize = 5;
const START_NS: i64 = 1_795_000_000_000_000_000;
const STEP_NS: i64 = 1_000_000;

const QUERIES: [&str; 8] = [
    r#"{stream=~".+"} |= "nq7x3kd9wz""#,
    r#"{stream=~".+"} |= "no such text anywhere""#,
    r#"sum(count_over_time({stream=~".+"} |= "rror" [1m]))"#,
    r#"sum(count_over_time({stream=~".+"} |~ "(timed out|refused).*[0-9]+" [1m]))"#,
    r#"sum(count_over_time({stream=~".+"} != "INFO" [1m]))"#,
    r#"sum by (stream) (count_over_time({stream=~".+"}[1m]))"#,
    r#"sum by (level) (count_over_time({stream=~"json.*"} | json | level!="" [5m]))"#,
    r#"{stream=~"access.*"}"#,
];

fn main() -> Result<(), Box<dyn Error>> {
    let streams = read(&std::env::args().nth(1).ok_or("a folder with files of lines is missing")?)?;
    let lines = streams.iter().flat_map(|(_, content)| content).filter(|byte| **byte == b'\n').count();
    let length: usize = streams.iter().map(|(_, content)| content.len()).sum();
    let gigabytes = length as f64 / 1e9;
    let folder = tempfile::tempdir()?;
    let index = Index::open(folder.path(), &Config { retention: Retention::OFF, ..Config::default() })?;

    let taken = measured(|| fill(&index, &streams))?;
    let merged = measured(|| Ok(index.merge(&|| false)?))?;
    let files = fs::read_dir(folder.path().join("index/segments"))?;
    let bytes: u64 = files.map(|file| Ok(file?.metadata()?.len())).sum::<std::io::Result<u64>>()?;
    let blocks = streams.iter().flat_map(|(_, content)| content.chunks(ZSTD_BLOCK));
    let zstd = blocks.map(|block| Ok(zstd::bulk::compress(block, 3)?.len()));
    let zstd = zstd.sum::<Result<usize, Box<dyn Error>>>()?;
    println!("{length} bytes in {lines} lines; segments {bytes}; zstd -3 {zstd}");
    println!("ratio {:.1}; {:.3} of zstd -3", length as f64 / bytes as f64, bytes as f64 / zstd as f64);
    println!("CPU s/GB: taking in and sealing {:.1}, merging {:.1}", taken / gigabytes, merged / gigabytes);
    QUERIES.iter().try_for_each(|query| ask(&index, query, lines))
}

/// The names and contents of a folder's files.
fn read(folder: &str) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry?.path();
        Ok((path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), fs::read(path)?))
    };
    fs::read_dir(folder)?.map(file).collect()
}

/// Takes all lines in and seals them.
fn fill(index: &Index, streams: &[(String, Vec<u8>)]) -> Result<(), Box<dyn Error>> {
    let mut left: Vec<_> =
        streams.iter().map(|(name, content)| (name, content.split(is_end as fn(&u8) -> bool))).collect();
    let (mut offset, mut now_ns) = (0, START_NS);
    while !left.is_empty() {
        for (name, lines) in &mut left {
            let lines = lines.by_ref().filter(|line| !line.is_empty()).take(RUN_LINES);
            let entries: Vec<LogEntry> =
                lines.enumerate().map(|(at, line)| entry(now_ns, at, line)).collect();
            now_ns += entries.len() as i64 * STEP_NS;
            let labels = Labels::from([("stream", name.as_str())]);
            let batch = Event::Logs(LogBatch { labels, entries, ..LogBatch::default() });
            for value in encode(&batch, Codec::Batch) {
                index.append(&record(offset, value))?;
                offset += 1;
            }
        }
        left.retain(|(_, lines)| lines.clone().next().is_some());
    }
    Ok(index.flush()?)
}

fn is_end(byte: &u8) -> bool {
    *byte == b'\n'
}

fn entry(start_ns: i64, at: usize, line: &[u8]) -> LogEntry {
    let timestamp_ns = start_ns + at as i64 * STEP_NS;
    LogEntry { timestamp_ns, line: line.to_vec().into(), ..LogEntry::default() }
}

fn record(offset: i64, value: Vec<u8>) -> Record {
    Record {
        topic: "logs".into(),
        partition: 0,
        offset,
        timestamp_ms: START_NS / 1_000_000,
        key: Default::default(),
        value: value.into(),
    }
}

fn ask(index: &Index, query: &str, lines: usize) -> Result<(), Box<dyn Error>> {
    let expr = logql::parse(query)?;
    let end_ns = START_NS + lines as i64 * STEP_NS + 60_000_000_000;
    let range = Range { start_ns: START_NS, end_ns, step_ns: 60_000_000_000 };
    let options = Options { limit: 1000, ..Options::default() };
    let (mut took, mut told) = (Vec::new(), String::new());
    for _ in 0..RUNS {
        let (snapshot, begin) = (index.snapshot(), Instant::now());
        let answer = query_range(&expr, &snapshot, &range, &options)?;
        took.push(begin.elapsed());
        let blocks = snapshot.block_stats();
        told = format!(
            "{} passed, {} of {} blocks skipped",
            answer.stats.entries_passed, blocks.skipped, blocks.total
        );
    }
    took.sort();
    println!("{:8.1} ms  {query}  ({told})", milliseconds(took[RUNS / 2]));
    Ok(())
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// CPU seconds of this process that `work` takes.
fn measured(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let begin = cpu_seconds()?;
    work()?;
    Ok(cpu_seconds()? - begin)
}

fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system time, in hundredths.
    let ticks: Result<Vec<f64>, _> = fields.skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() / 100.0)
}
