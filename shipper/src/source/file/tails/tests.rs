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
        let config = FileConfig {
            paths: vec![logs.path().join("*.log").display().to_string()],
            exclude: Vec::new(),
            job: None,
            labels: BTreeMap::new(),
            from: From::Beginning,
        };
        let selection = Selection::new(&config, "web1").unwrap();
        let checkpoint = Arc::new(Checkpoint::open(&logs.path().join("data")).unwrap());
        Bench { logs, tails: Tails::new("web1", vec![selection], checkpoint) }
    }

    fn write(&self, text: &str) {
        fs::write(self.logs.path().join("app.log"), text).unwrap();
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
fn a_file_that_came_and_went_before_its_name_was_ever_seen_is_read() {
    let mut bench = Bench::new();
    bench.write("long ago\n");
    bench.rotate("app.log-0");
    let made = fs::metadata(bench.logs.path().join("app.log-0")).unwrap().created().unwrap();
    while made.elapsed().unwrap_or_default() < rotated::CLOCK_STEP * 2 {
        std::thread::yield_now();
    }
    bench.tails.rescan();
    bench.write("one\n");
    bench.rotate("app.log-1");
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
