//! An owner and one who goes along with it, over one storage.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bus::Record;
use event::{Codec, Event, LogEntry};
use logql::{Entries, Order, Scan};
use tempfile::TempDir;

use super::*;
use crate::{catalog::CatalogError, recover::put_manifest, storage::Directory};

/// Commits without asking anybody.
pub struct Fake {
    pub owner: AtomicBool,
    pub storage: Arc<dyn Storage>,
}

impl Ledger for Fake {
    fn is_owner(&self) -> bool {
        self.owner.load(Ordering::SeqCst)
    }

    fn publish(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        put_manifest(self.storage.as_ref(), manifest)
    }
}

struct Pair {
    _folder: TempDir,
    owner: Index,
    follower: Index,
}

impl Pair {
    fn new() -> Pair {
        let folder = TempDir::new().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(Directory::open(folder.path().join("shared")).unwrap());
        let open = |name: &str, owner| {
            let ledger = Arc::new(Fake { owner: AtomicBool::new(owner), storage: storage.clone() });
            let (path, sender) = (folder.path().join(name), broadcast::Sender::new(1_000));
            Index::open_shared(&path, &Config::default(), storage.clone(), ledger, sender).unwrap()
        };
        Pair { owner: open("owner", true), follower: open("follower", false), _folder: folder }
    }

    fn adopt(&self) {
        self.follower.adopt(self.owner.manifest(), false).unwrap();
    }
}

/// Half of them are of a source without identity: only their offsets tell them apart.
pub fn record(number: i64) -> Record {
    let entry = LogEntry {
        timestamp_ns: NOW_NS + number,
        line: number.to_string().into(),
        position: number as u64 + 1,
        ..LogEntry::default()
    };
    let source = if number % 2 == 0 { "file" } else { "" };
    let labels = event::Labels::from([("source", source), ("job", "a")]);
    let batch = LogBatch { source: source.into(), labels, entries: vec![entry] };
    let value = event::encode(&Event::Logs(batch), Codec::Batch).remove(0).into();
    let timestamp_ms = NOW_NS / 1_000_000;
    Record {
        topic: "logs".into(),
        partition: 0,
        offset: number,
        timestamp_ms,
        key: Default::default(),
        value,
    }
}

const NOW_NS: i64 = 1_700_000_000_000_000_000;

fn numbers(index: &Index) -> Vec<i64> {
    let scan = Scan {
        matchers: &[],
        start_ns: 0,
        end_ns: i64::MAX,
        order: Order::Forward,
        filters: &[],
        lens: None,
    };
    let mut found = Vec::new();
    let seen = index.snapshot().scan(&scan, &mut |_, entry| {
        found.push(String::from_utf8_lossy(entry.line).parse().unwrap());
        ControlFlow::Continue(())
    });
    seen.unwrap();
    found
}

fn upto(end: i64) -> Vec<i64> {
    (0..end).collect()
}

#[test]
fn whoever_has_read_more_each_line_is_there_once() {
    for seed in 0..8 {
        let (mut random, pair) = (fastrand::Rng::with_seed(seed), Pair::new());
        let (mut written, mut read, mut sealed) = (0, 0, 0);
        for _ in 0..30 {
            match random.u8(0..5) {
                0 => {
                    pair.owner.flush().unwrap();
                    sealed = written;
                }
                1 => {
                    pair.adopt();
                    read = read.max(sealed);
                }
                2 | 3 => {
                    pair.owner.append(&record(written)).unwrap();
                    written += 1;
                }
                _ => {
                    pair.follower.append(&record(read)).unwrap();
                    read += 1;
                    // What the other has sealed is read from the bus all the same.
                    pair.follower.append(&record(random.i64(0..read))).unwrap();
                }
            }
            assert_eq!(numbers(&pair.owner), upto(written), "owner, seed {seed}");
            assert_eq!(numbers(&pair.follower), upto(read), "follower, seed {seed}");
        }
    }
}

#[test]
fn who_follows_the_lines_gets_each_once() {
    let pair = Pair::new();
    let (_, mut arriving) = pair.follower.follow();
    for number in 0..10 {
        pair.owner.append(&record(number)).unwrap();
        pair.follower.append(&record(number)).unwrap();
        if number % 3 == 0 {
            pair.owner.flush().unwrap();
            pair.adopt();
        }
    }
    let arrived: Vec<u64> =
        std::iter::from_fn(|| arriving.try_recv().ok()).map(|b| b.entries[0].position).collect();
    assert_eq!(arrived, (1..=10).collect::<Vec<u64>>());
}

#[test]
fn a_segment_that_cannot_be_read_changes_nothing_unless_it_is_let_go() {
    let pair = Pair::new();
    for number in 0..3 {
        pair.owner.append(&record(number)).unwrap();
        pair.follower.append(&record(number)).unwrap();
    }
    pair.owner.flush().unwrap();
    let manifest = pair.owner.manifest();
    let name = crate::segment::name(*manifest.segments.keys().next().unwrap());
    pair.follower.inner.storage.delete(&name).unwrap();
    assert!(pair.follower.adopt(manifest.clone(), false).is_err());
    assert_eq!(numbers(&pair.follower), upto(3));
    pair.follower.adopt(manifest, true).unwrap();
    assert!(pair.follower.snapshot().notices()[0].contains(&name));
}

#[test]
fn a_commit_that_comes_while_a_record_is_read_is_not_gone_behind() {
    let pair = Pair::new();
    pair.read(0..5);
    read(&pair.owner, 5..10);
    pair.owner.flush().unwrap();
    let late = [record(5), record(6)];
    let events = late.each_ref().map(|record| pair.follower.decode(record).unwrap());
    pair.adopt();
    pair.follower.append_decoded(&late[0], &events[0]);
    pair.follower.skip(&late[1]);
    assert_eq!(pair.follower.read_offsets().get("logs", 0), Some(10));
    read(&pair.follower, 7..10);
    pair.assert_upto(10);
}

/// Reads lines in a topic that was made anew before line 10.
fn read(index: &Index, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let first = if number < 10 { 0 } else { 10 };
        let record = Record { offset: number - first, ..record(number) };
        if number == 10 {
            index.rewind(&record);
        }
        index.append(&record).unwrap();
    }
}

impl Pair {
    fn read(&self, numbers: std::ops::Range<i64>) {
        [&self.owner, &self.follower].into_iter().for_each(|index| read(index, numbers.clone()));
    }

    fn assert_upto(&self, end: i64) {
        assert_eq!([numbers(&self.owner), numbers(&self.follower)], [upto(end), upto(end)]);
    }
}

#[test]
fn a_partition_that_begins_again_is_taken_in_by_all() {
    let pair = Pair::new();
    pair.read(0..10);
    pair.owner.flush().unwrap();
    pair.adopt();
    pair.read(10..15);
    pair.assert_upto(15);
    pair.owner.flush().unwrap();
    pair.read(15..18);
    pair.adopt();
    pair.assert_upto(18);
}

#[test]
fn a_head_that_was_full_before_a_partition_begins_again_is_sealed_as_what_it_is() {
    let pair = Pair::new();
    pair.read(0..7);
    pair.owner.inner.state.lock().rotate();
    pair.read(7..15);
    let mut ends = Vec::new();
    while pair.owner.seal_next().unwrap() {
        pair.adopt();
        pair.assert_upto(15);
        ends.push(pair.owner.offsets().get("logs", 0).unwrap());
        assert_eq!(pair.follower.read_offsets(), pair.owner.read_offsets());
    }
    // The rest of the old topic is sealed with the new one's beginning: a restart reads all of that.
    assert_eq!(ends, [7, 0]);
    pair.read(15..18);
    pair.owner.flush().unwrap();
    pair.adopt();
    pair.assert_upto(18);
    assert!(pair.follower.inner.state.lock().others.as_ref().unwrap().retained.is_empty());
}

#[test]
fn whoever_sees_first_that_a_partition_begins_again_each_line_is_there_once() {
    let pair = Pair::new();
    pair.read(0..10);
    read(&pair.follower, 10..15);
    pair.owner.flush().unwrap();
    pair.adopt();
    assert_eq!(numbers(&pair.follower), upto(15), "the follower");
    read(&pair.owner, 10..15);
    pair.owner.flush().unwrap();
    pair.adopt();
    pair.assert_upto(15);

    let pair = Pair::new();
    pair.read(0..10);
    read(&pair.owner, 10..15);
    pair.owner.flush().unwrap();
    pair.adopt();
    pair.assert_upto(15);
    pair.follower.begin_reading();
    pair.read(15..18);
    pair.assert_upto(18);
}

#[tokio::test]
async fn who_waits_for_a_record_is_told_that_it_came_with_a_commit() {
    let pair = Pair::new();
    read(&pair.owner, 0..3);
    pair.owner.flush().unwrap();
    let target = pair.owner.read_offsets();
    let (reached, ()) =
        tokio::join!(pair.follower.wait_for(&target, Duration::from_secs(60)), async { pair.adopt() });
    assert!(reached);
}

#[test]
fn who_learns_from_a_commit_that_a_partition_began_again_reads_on_from_there() {
    let pair = Pair::new();
    pair.read(0..10);
    read(&pair.owner, 10..13);
    pair.owner.flush().unwrap();
    // The new topic is longer than what was read of the old one: here nothing looks like a beginning.
    let beyond = record(10);
    pair.follower.append(&beyond).unwrap();
    pair.adopt();
    assert!(pair.follower.must_reconnect());
    pair.follower.append(&record(11)).unwrap();
    pair.follower.skip(&record(12));
    pair.follower.rewind(&record(2));
    pair.follower.advance(&vec![("logs".into(), 0, 13)].into());
    pair.assert_upto(13);
    assert_eq!(pair.follower.begin_reading().get("logs", 0), Some(3));
    assert!(!pair.follower.must_reconnect());
    pair.read(13..18);
    pair.assert_upto(18);
    // From now on it is as any other.
    pair.follower.rewind(&record(0));
    assert_eq!(pair.follower.inner.state.lock().progress.next("logs", 0), (2, 0));
}

#[test]
fn who_alone_believes_that_a_partition_begins_again_comes_to_agree_with_the_owner() {
    let pair = Pair::new();
    pair.read(0..10);
    pair.follower.rewind(&record(0));
    read(&pair.follower, 0..10);
    for _ in 0..20 {
        pair.owner.change(|_| Ok::<_, CatalogError>(())).unwrap();
    }
    pair.owner.flush().unwrap();
    pair.adopt();
    pair.assert_upto(10);
}

#[test]
fn what_nobody_can_read_is_remembered_until_another_process_has_committed_it() {
    let pair = Pair::new();
    for number in 0..4 {
        pair.follower.note_unreadable(&record(number));
        pair.follower.skip(&record(number));
    }
    for number in 0..2 {
        pair.owner.append(&record(number)).unwrap();
    }
    pair.owner.flush().unwrap();
    pair.adopt();
    let offsets = |records: Vec<Record>| records.iter().map(|record| record.offset).collect::<Vec<_>>();
    assert_eq!(offsets(pair.follower.take_unreadable()), [2, 3]);
    assert_eq!(offsets(pair.follower.take_unreadable()), [0; 0]);
    let large = |offset| Record { value: vec![b'x'; 1 << 20].into(), ..record(offset) };
    (4..9).for_each(|number| pair.follower.note_unreadable(&large(number)));
    assert_eq!(offsets(pair.follower.take_unreadable()), [4, 5, 6]);
}
