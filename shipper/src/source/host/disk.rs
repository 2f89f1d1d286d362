//! `/proc/diskstats`: what was read from and written to each disk.

use super::{
    metrics::{Metrics, number},
    paths::Paths,
};

const SECTOR: f64 = 512.0;
const MILLI: f64 = 0.001;

/// Name, help, column, factor; node_exporter's names.
const COUNTERS: [(&str, &str, usize, f64); 16] = [
    ("reads_completed_total", "Reads.", 3, 1.0),
    ("reads_merged_total", "Reads that were joined with a neighbour.", 4, 1.0),
    ("read_bytes_total", "Bytes read.", 5, SECTOR),
    ("read_time_seconds_total", "Time of all reads, in seconds.", 6, MILLI),
    ("writes_completed_total", "Writes.", 7, 1.0),
    ("writes_merged_total", "Writes that were joined with a neighbour.", 8, 1.0),
    ("written_bytes_total", "Bytes written.", 9, SECTOR),
    ("write_time_seconds_total", "Time of all writes, in seconds.", 10, MILLI),
    ("io_time_seconds_total", "Time in which the disk was busy, in seconds.", 12, MILLI),
    ("io_time_weighted_seconds_total", "Time of all requests, in seconds.", 13, MILLI),
    ("discards_completed_total", "Discards.", 14, 1.0),
    ("discards_merged_total", "Discards that were joined with a neighbour.", 15, 1.0),
    ("discarded_sectors_total", "Sectors discarded.", 16, 1.0),
    ("discard_time_seconds_total", "Time of all discards, in seconds.", 17, MILLI),
    ("flush_requests_total", "Flushes.", 18, 1.0),
    ("flush_requests_time_seconds_total", "Time of all flushes, in seconds.", 19, MILLI),
];

pub fn collect(paths: &Paths, metrics: &mut Metrics) {
    let text = paths.proc("diskstats").unwrap_or_default();
    let disks: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        .filter(|words| words.get(2).is_some_and(|name| !is_skipped(name)))
        .collect();
    for (name, help, column, factor) in COUNTERS {
        for words in &disks {
            if let Some(value) = number(words, column) {
                metrics.counter(&format!("node_disk_{name}"), help, &[("device", words[2])], value * factor);
            }
        }
    }
    for words in &disks {
        if let Some(value) = number(words, 11) {
            let help = "Requests that are under way.";
            metrics.gauge("node_disk_io_now", help, &[("device", words[2])], value);
        }
    }
}

/// Memory disks, loops, and partitions (`sda1`, `nvme0n1p2`).
fn is_skipped(name: &str) -> bool {
    let numbered = |prefix: &str| name.strip_prefix(prefix).is_some_and(all_digits);
    if ["ram", "loop", "fd", "zram"].iter().any(|prefix| numbered(prefix)) {
        return true;
    }
    let partition = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| {
            let number = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
            number.len() < rest.len() && all_digits(number)
        })
    };
    ["h", "s", "v", "xv"].iter().any(|kind| partition(&format!("{kind}d"))) || is_nvme_partition(name)
}

fn is_nvme_partition(name: &str) -> bool {
    let Some((disk, partition)) = name.strip_prefix("nvme").and_then(|rest| rest.rsplit_once('p')) else {
        return false;
    };
    all_digits(partition) && disk.split_once('n').is_some_and(|(a, b)| all_digits(a) && all_digits(b))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_whole_disks_only() {
        for name in ["sda1", "vdb12", "nvme0n1p2", "loop0", "ram3", "xvda1"] {
            assert!(is_skipped(name), "{name}");
        }
        for name in ["sda", "vda", "nvme0n1", "dm-0", "md0", "sr0"] {
            assert!(!is_skipped(name), "{name}");
        }
    }
}
