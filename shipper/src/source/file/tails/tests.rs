use std::fs;

use super::*;
use crate::config::FileConfig;

/// Looks through a folder of its own whenever it is told to.
struct Bench {
    logs: tempfile::TempDir,
    tails: Tails,
}

impl Bench {
    fn new() -> Bench {
        let logs = tempfile::tempdir().unwrap();
        let tails = Self::tails(logs.path(), From::Beginning);
        Bench { logs, tails }
    }

    fn tails(logs: &Path, from: From) -> Tails {
        let config = FileConfig {
            paths: vec![logs.join("*.log").display().to_string()],
            exclude: Vec::new(),
            job: None,
            labels: BTreeMap::new(),
            from,
        };
        let selection = Selection::new(&config, "web1").unwrap();
        let checkpoint = Arc::new(Checkpoint::open(&logs.join("data")).unwrap());
        Tails::new("web1", vec![selection], checkpoint)
    }

    /// The shipper is killed, and does not look before time has gone on.
    fn restart(&mut self, from: From) {
        self.tails.checkpoint.save().unwrap();
        self.tails = Self::tails(self.logs.path(), from);
    }

    /// Time goes on, so that what is made from now on is newer than what is there.
    fn pause(&self) {
        let begin = SystemTime::now();
        while begin.elapsed().unwrap_or_default() < rotated::CLOCK_STEP * 2 {
            std::thread::yield_now();
        }
    }

    /// How many bytes of each open file are passed over, smallest first.
    fn offsets(&self) -> Vec<u64> {
        let mut offsets: Vec<u64> = self.tails.open.values().map(|tail| tail.offset).collect();
        offsets.sort_unstable();
        offsets
    }

    fn write(&self, text: &str) {
        fs::write(self.logs.path().join("app.log"), text).unwrap();
    }

    /// One file is read, the next one is found, and rotated before it is opened.
    fn rotated_after_found(&mut self) -> BTreeMap<FileKey, Candidate> {
        self.write("one\n");
        self.tails.rescan();
        self.rotate("app.log-1");
        self.write("two\n");
        let found = self.tails.scan();
        self.rotate("app.log-2");
        found
    }

    fn rotate(&self, to: &str) {
        fs::rename(self.logs.path().join("app.log"), self.logs.path().join(to)).unwrap();
    }
}

#[test]
fn a_file_that_came_and_went_after_the_one_before_it_had_left_was_never_read() {
    let mut bench = Bench::new();
    bench.write("one\n");
    bench.tails.rescan();
    bench.rotate("app.log-1");
    bench.tails.rescan();
    bench.write("two\n");
    bench.rotate("app.log-2");
    bench.write("three\n");
    bench.tails.rescan();
    assert_eq!(bench.tails.open.len(), 3);
}

#[test]
fn a_file_that_is_rotated_between_being_found_and_being_opened_is_read() {
    let mut bench = Bench::new();
    let found = bench.rotated_after_found();
    bench.write("three\n");
    bench.tails.take_up(found, SystemTime::now());
    assert_eq!(bench.tails.open.len(), 3);
}

#[test]
fn a_file_that_is_found_and_gone_before_it_is_opened_is_read() {
    let mut bench = Bench::new();
    let found = bench.rotated_after_found();
    bench.tails.take_up(found, SystemTime::now());
    assert_eq!(bench.tails.open.len(), 2);
    bench.write("three\n");
    bench.tails.rescan();
    assert_eq!(bench.tails.open.len(), 3);
}

#[test]
fn a_file_that_came_and_went_before_its_name_was_ever_seen_is_read() {
    let mut bench = Bench::new();
    bench.write("long ago\n");
    bench.rotate("app.log-0");
    bench.pause();
    bench.tails.rescan();
    bench.write("one\n");
    bench.rotate("app.log-1");
    bench.write("two\n");
    bench.tails.rescan();
    assert_eq!(bench.tails.open.len(), 2);
}

#[test]
fn a_file_that_came_and_went_before_a_look_at_which_its_name_was_missing_was_never_read() {
    let mut bench = Bench::new();
    bench.tails.rescan();
    bench.write("one\n");
    bench.rotate("app.log-1");
    bench.pause();
    bench.tails.rescan();
    bench.write("two\n");
    bench.tails.rescan();
    assert_eq!(bench.tails.open.len(), 2);
}

#[test]
fn a_copy_of_a_new_file_is_not_read_beside_it() {
    let mut bench = Bench::new();
    bench.tails.rescan();
    bench.write("one\n");
    fs::copy(bench.logs.path().join("app.log"), bench.logs.path().join("app.log-1")).unwrap();
    bench.tails.rescan();
    assert_eq!(bench.tails.open.len(), 1);
}

#[test]
fn a_log_that_came_and_went_while_no_shipper_ran_was_never_read() {
    let mut bench = Bench::new();
    bench.write("long ago\n");
    bench.rotate("app.log-0");
    bench.pause();
    bench.tails.rescan();
    bench.restart(From::Beginning);
    bench.write("one\n");
    bench.rotate("app.log-1");
    bench.tails.rescan();
    assert_eq!(bench.offsets(), [0]);
    bench.write("two\n");
    bench.tails.rescan();
    assert_eq!(bench.offsets(), [0, 0]);
}

#[test]
fn all_that_a_log_became_while_no_shipper_ran_is_read_once_and_what_was_known_goes_on() {
    let mut bench = Bench::new();
    bench.write("one\n");
    bench.tails.rescan();
    bench.tails.open.values_mut().for_each(|tail| tail.start_at(4));
    bench.tails.register();
    bench.restart(From::Beginning);
    for (text, rotated) in [("one\nmore\n", "app.log.3"), ("two\n", "app.log.2"), ("three\n", "app.log.1")] {
        bench.write(text);
        bench.rotate(rotated);
    }
    bench.write("four\n");
    bench.tails.rescan();
    assert_eq!(bench.offsets(), [0, 0, 0, 4]);
}

#[test]
fn a_log_that_was_made_while_no_shipper_ran_is_read_whole_though_old_ones_begin_at_their_end() {
    let mut bench = Bench::new();
    bench.tails.rescan();
    bench.restart(From::End);
    bench.write("one\n");
    bench.tails.rescan();
    assert_eq!(bench.offsets(), [0]);
    let fresh = &mut Bench::tails(bench.logs.path(), From::End);
    fresh.before = Positions::default();
    fresh.rescan();
    assert_eq!(fresh.open.values().map(|tail| tail.offset).collect::<Vec<_>>(), [4]);
}
