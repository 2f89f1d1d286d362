//! What earlier releases have written is still read. `versions/N` is the folder `segments` that the release with format N
//! has left after [`fill`] and a flush.

use std::{fs, path::Path};

use event::{Event, Labels, LogBatch, LogEntry};
use log_index::check;
use logql::Order;

use crate::support::{Bench, Seen, files, scan};

const VERSIONS: [u8; 2] = [2, 3];
const END: i64 = 1_000_000;

/// Lines and samples of every kind that has an encoding of its own.
fn fill(bench: &mut Bench) {
    for (job, count) in [("web", 300), ("db", 40)] {
        let entries = (0..count).map(|number| entry(number as u64)).collect();
        let labels = Labels::from([("job", job)]);
        bench.send(&Event::Logs(LogBatch { labels, entries, ..LogBatch::default() }));
    }
    for (name, scale) in [("whole", 1.0), ("decimals", 0.01), ("bits", 1.0 / 3.0)] {
        let value = |number: i64| match number % 50 {
            49 => f64::NAN,
            _ => scale * (number * number) as f64,
        };
        let samples: Vec<_> = (0..200).map(|number| (1_000 * number + number % 7, value(number))).collect();
        bench.send_samples(&Labels::from([("__name__", name)]), &samples);
    }
}

fn entry(number: u64) -> LogEntry {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let line = match number % 6 {
        0 => format!("GET /items/{number} took {}.{:03} ms", number / 7, number % 1000).into_bytes(),
        1 => format!("2026-11-21T10:{:02}:{:02}.{number:03}Z id={mixed:016x}", number / 60 % 60, number % 60)
            .into_bytes(),
        2 => format!("peer 10.0.{}.{} left, {} peers", number % 4, mixed % 256, number % 3).into_bytes(),
        3 => format!("{{\"user\":\"u{}\",\"code\":{}}}", mixed % 9, 200 + number % 5).into_bytes(),
        4 => vec![0xff, 0, b'\n', number as u8],
        _ => Vec::new(),
    };
    let metadata =
        if number.is_multiple_of(3) { vec![("trace".into(), format!("{mixed:x}"))] } else { vec![] };
    LogEntry { timestamp_ns: number as i64, line: line.into(), metadata, ..LogEntry::default() }
}

/// Samples with the bits of their values.
type Series = (Labels, Vec<(i64, u64)>);

/// Everything that is there.
fn content(bench: &Bench) -> (Vec<Seen>, Vec<Series>) {
    let snapshot = bench.index().snapshot();
    let lines = scan(&snapshot, &[], 0..END, Order::Forward);
    let series =
        snapshot.select_samples(&[], 0, END, &|_| false).unwrap().numbers.into_iter().map(|series| {
            let bits = series.samples.iter().map(|sample| (sample.timestamp_ms, sample.value.to_bits()));
            (series.labels.clone(), bits.collect())
        });
    let content = (lines, series.collect());
    assert_eq!(snapshot.notices(), [""; 0]);
    content
}

#[test]
fn segments_of_every_version_that_is_read_hold_what_was_written() {
    let mut written = Bench::new();
    fill(&mut written);
    let expected = content(&written);
    assert_eq!((expected.0.len(), expected.1.len()), (340, 3));
    for version in VERSIONS {
        let mut bench = Bench::new();
        // All of it is in the segment, so none is read again.
        fill(&mut bench);
        bench.close();
        restore(&bench, version);
        bench.open();
        assert!(content(&bench) == expected, "version {version}");
        // Merged with others they become segments of this version.
        for _ in 0..8 {
            bench.send_samples(&Labels::from([("__name__", "whole")]), &[(END + 1, 1.0)]);
            bench.index().flush().unwrap();
        }
        bench.index().merge(&|| false).unwrap();
        assert!(bench.segment_files().iter().all(|file| fs::read(file).unwrap()[6] == VERSIONS[1]));
        assert!(content(&bench) == expected, "version {version}, merged");
        assert_eq!(check(bench.folder.path(), &mut |_, _| ()).unwrap().problems, []);
    }
}

/// The catalog is made from the segments.
fn restore(bench: &Bench, version: u8) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/versions").join(version.to_string());
    let index = bench.folder.path().join("index");
    fs::remove_dir_all(&index).unwrap();
    fs::create_dir_all(index.join("segments")).unwrap();
    for file in files(&folder) {
        assert!(file.extension().is_none() || fs::read(&file).unwrap()[6] == version, "{}", file.display());
        fs::copy(&file, index.join("segments").join(file.file_name().unwrap())).unwrap();
    }
}
