//! The index in a bucket of a real S3 server. `tests/run s3` names its program in TAILRACE_TEST_MOTO.

use std::fs;

use config::ByteSize;
use event::Labels;
use log_index::{Config, Kind, Retention, S3};
use logql::Order;
use test_support::bucket::Server;

use crate::support::{Bench, files, scan};

fn config(server: &Server) -> Config {
    let s3 = S3 {
        endpoint: Some(server.endpoint()),
        region: Some("us-east-1".into()),
        access_key_id: Some("test".into()),
        secret_access_key: Some("test".to_owned().into()),
    };
    let storage = Some("s3://logs/an/index".to_owned());
    Config { retention: Retention::OFF, storage, s3, ..Config::default() }
}

fn labels() -> Labels {
    Labels::from([("job", "a")])
}

#[test]
fn another_machine_finds_everything_in_the_bucket() {
    let server = Server::start();
    let mut bench = Bench::with(config(&server));
    for number in 0..20 {
        bench.send_lines(&labels(), &[(number, &format!("line {number}")), (number, "secret")]);
        bench.index().flush().unwrap();
    }
    bench.index().delete(Kind::Logs, r#"{job="a"} |= "secret""#, (0, 9), 0).unwrap();
    bench.index().merge(&|| false).unwrap();
    let lines = bench.lines();
    assert_eq!(lines.len(), 30);
    bench.close();
    let other = Bench::with(config(&server));
    assert_eq!(other.lines(), lines);
    assert_eq!(other.index().offsets().get("logs", 0), Some(20));
    assert_eq!(other.index().deletes()[0].removed, 10);
}

#[test]
fn segments_larger_than_a_part_come_back_whole_and_the_cache_stays_small() {
    const CACHE: u64 = 6 << 20;
    let server = Server::start();
    let mut bench = Bench::with(Config { cache_bytes: ByteSize(CACHE), ..config(&server) });
    let mut state = 7_u64;
    for number in 0..90 {
        let noise = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x}", state)
        };
        let line: String = (0..20_000).map(noise).collect();
        bench.send_lines(&labels(), &[(number, &line)]);
    }
    let before = bench.lines();
    bench.index().flush().unwrap();
    assert!(bench.index().status().bytes > 10 << 20);
    assert!(bench.lines() == before);
    bench.crash();
    assert!(bench.lines() == before);
    let cached = files(&bench.folder.path().join("index/cache"));
    let bytes: u64 = cached.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(bytes > 0 && bytes <= CACHE, "{bytes}");
}

#[test]
fn while_the_bucket_is_away_nothing_is_lost_and_answers_say_what_they_lack() {
    let server = Server::start();
    let mut bench = Bench::with(config(&server));
    bench.send_lines(&labels(), &[(1, "one")]);
    bench.index().flush().unwrap();
    bench.send_lines(&labels(), &[(2, "two")]);
    server.cut();
    let error = bench.index().flush().unwrap_err().to_string();
    assert!(error.contains("0000000000000002.seg"), "{error}");
    assert_eq!(bench.index().status().read_only, Some(error));
    assert_eq!(bench.lines(), ["one", "two"], "from the cache and from memory");
    files(&bench.folder.path().join("index/cache")).iter().for_each(|file| fs::remove_file(file).unwrap());
    let snapshot = bench.index().snapshot();
    assert_eq!(scan(&snapshot, &[], 0..9, Order::Forward).len(), 1);
    assert!(snapshot.notices()[0].contains("0000000000000001.seg"), "{:?}", snapshot.notices());
    server.mend();
    let snapshot = bench.index().snapshot();
    assert_eq!(scan(&snapshot, &[], 0..9, Order::Forward).len(), 2);
    assert_eq!(snapshot.notices(), [""; 0]);
    bench.index().flush().unwrap();
    assert_eq!(bench.index().status().read_only, None);
    bench.crash();
    assert_eq!(bench.lines(), ["one", "two"]);
}
