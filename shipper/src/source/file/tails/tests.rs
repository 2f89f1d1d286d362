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
