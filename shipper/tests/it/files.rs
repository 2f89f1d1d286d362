//! The file source: every line once, whatever becomes of the file.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
};

use crate::support::{MemoryBroker, files, numbered, numbered_lines, wait_until};

fn append(path: &Path, text: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_ref()).unwrap();
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_shipped_with_its_labels_and_goes_on_where_it_was_after_a_restart() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = logs.path().join("app.log");
    append(&path, numbered(0..1000));
    let (broker, config) = (MemoryBroker::new(), files(&logs.path().join("*.log")));
    let shipper = broker.ship(&config, data.path()).await;
    assert_eq!(shipper.describe(), [format!("file {} (job app)", path.display())]);
    broker.wait_for_lines(1000).await;
    append(&path, numbered(1000..1500));
    broker.wait_for_lines(1500).await;
    assert_eq!(shipper.status().files, 1);
    shipper.stop().await;
    let sent_before = broker.records().len();

    append(&path, numbered(1500..2000));
    let shipper = broker.ship(&config, data.path()).await;
    assert_eq!(broker.wait_for_lines(2000).await, numbered_lines(0..2000));
    shipper.stop().await;
    let again = event::decode(&broker.records()[sent_before].value).unwrap();
    let event::Event::Logs(batch) = again else { panic!("no log entries") };
    assert_eq!(&batch.entries[0].line[..], b"line 0001500", "nothing is sent twice after an orderly stop");
    let filename = path.display();
    assert_eq!(batch.labels.to_string(), format!(r#"{{filename="{filename}", host="web1", job="app"}}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_and_doubles_nothing() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = logs.path().join("app.log");
    let (broker, config) = (MemoryBroker::new(), files(&path));
    for round in 0..4 {
        append(&path, numbered(round * 5000..(round + 1) * 5000));
        let shipper = broker.ship(&config, data.path()).await;
        broker.wait_for_lines(round * 5000 + 2500).await;
        // Dropped without `stop`: no checkpoint is saved.
        drop(shipper);
    }
    let shipper = broker.ship(&config, data.path()).await;
    broker.wait_for_lines(20_000).await;
    shipper.stop().await;
    assert_eq!(broker.lines(), numbered_lines(0..20_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_by_rename_while_running_keeps_the_end_of_the_old_file() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = logs.path().join("app.log");
    append(&path, numbered(0..10));
    let broker = MemoryBroker::new();
    let shipper = broker.ship(&files(&path), data.path()).await;
    broker.wait_for_lines(10).await;
    let mut old = OpenOptions::new().append(true).open(&path).unwrap();
    fs::rename(&path, logs.path().join("app.log.1")).unwrap();
    append(&path, numbered(20..30));
    broker.wait_for_lines(20).await;
    // The writer still has the old file open.
    old.write_all(numbered(10..20).as_bytes()).unwrap();
    assert_eq!(sorted(broker.wait_for_lines(30).await), numbered_lines(0..30));
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_while_down_is_made_up_for_even_if_it_happened_twice() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = |name: &str| logs.path().join(name);
    append(&at("app.log"), numbered(0..10));
    let (broker, config) = (MemoryBroker::new(), files(&at("app.log")));
    let shipper = broker.ship(&config, data.path()).await;
    broker.wait_for_lines(10).await;
    shipper.stop().await;

    append(&at("app.log"), numbered(10..20));
    fs::rename(at("app.log"), at("app.log.2")).unwrap();
    append(&at("app.log.1"), numbered(20..30));
    append(&at("app.log"), numbered(30..40));
    let shipper = broker.ship(&config, data.path()).await;
    assert_eq!(sorted(broker.wait_for_lines(40).await), numbered_lines(0..40));
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn truncation_begins_a_new_generation_running_and_down() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = logs.path().join("app.log");
    append(&path, numbered(0..100));
    let (broker, config) = (MemoryBroker::new(), files(&path));
    let shipper = broker.ship(&config, data.path()).await;
    broker.wait_for_lines(100).await;
    fs::write(&path, numbered(100..110)).unwrap();
    broker.wait_for_lines(110).await;
    shipper.stop().await;
    // Rewritten to more than before: only the content tells.
    fs::write(&path, numbered(110..300)).unwrap();
    let shipper = broker.ship(&config, data.path()).await;
    assert_eq!(broker.wait_for_lines(300).await, numbered_lines(0..300));
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copytruncate_reads_from_the_copy_what_it_had_not_read() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = |name: &str| logs.path().join(name);
    append(&at("app.log"), numbered(0..100));
    // The copy is found by the pattern too.
    let (broker, config) = (MemoryBroker::new(), files(&at("app.log*")));
    let shipper = broker.ship(&config, data.path()).await;
    broker.wait_for_lines(100).await;
    shipper.stop().await;
    append(&at("app.log"), numbered(100..200));
    fs::copy(at("app.log"), at("app.log.1")).unwrap();
    fs::write(at("app.log"), numbered(200..250)).unwrap();
    let shipper = broker.ship(&config, data.path()).await;
    assert_eq!(sorted(broker.wait_for_lines(250).await), numbered_lines(0..250));
    // Now while running.
    fs::copy(at("app.log"), at("app.log.0")).unwrap();
    fs::write(at("app.log"), numbered(250..251)).unwrap();
    assert_eq!(sorted(broker.wait_for_lines(251).await), numbered_lines(0..251));
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_is_read_to_its_end_with_its_unfinished_line() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = logs.path().join("app.log");
    append(&path, "one\ntwo");
    let broker = MemoryBroker::new();
    let shipper = broker.ship(&files(&path), data.path()).await;
    assert_eq!(broker.wait_for_lines(1).await, ["one"]);
    fs::remove_file(&path).unwrap();
    assert_eq!(broker.wait_for_lines(2).await, ["one", "two"]);
    wait_until("the file to be closed", || shipper.status().files == 0).await;
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_line_waits_for_its_end() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = logs.path().join("app.log");
    append(&path, "one\ntw");
    let broker = MemoryBroker::new();
    let shipper = broker.ship(&files(&path), data.path()).await;
    broker.wait_for_lines(1).await;
    append(&path, "o\nthree\r\n");
    assert_eq!(broker.wait_for_lines(3).await, ["one", "two", "three"]);
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lines_nul_and_invalid_bytes_arrive_byte_for_byte() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = logs.path().join("app.log");
    let long: Vec<u8> = (0..10_000_000_u32).map(|i| b'a' + (i % 23) as u8).collect();
    let odd = b"\xff\xfe nul \x00 \xc3".as_slice();
    append(&path, [b"first\n", &long[..], b"\n", odd, b"\nlast\n"].concat());
    let broker = MemoryBroker::new();
    let shipper = broker.ship(&files(&path), data.path()).await;
    wait_until("the last line", || broker.lines().last().is_some_and(|l| l == "last")).await;
    shipper.stop().await;
    let lines: Vec<_> = broker.entries().into_iter().map(|e| e.line).collect();
    assert_eq!(&lines[0][..], b"first");
    assert_eq!(lines[1..lines.len() - 2].concat(), long);
    assert_eq!(&lines[lines.len() - 2][..], odd);
    assert!(
        broker.records().iter().all(|r| r.value.len() < 1_000_000),
        "a record is never above Kafka's limit"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_stops_the_reading_and_nothing_is_lost() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = logs.path().join("app.log");
    let broker = MemoryBroker::new();
    broker.go_away();
    let line = |n: usize| format!("line {n:07} {}", "x".repeat(100));
    let mut file = File::create(&path).unwrap();
    for n in 0..600_000 {
        writeln!(file, "{}", line(n)).unwrap();
    }
    let shipper = broker.ship(&files(&path), data.path()).await;
    wait_until("the room to be full", || shipper.status().waiting > 25 << 20).await;
    fs::rename(&path, logs.path().join("app.log.1")).unwrap();
    fs::write(&path, format!("{}\n", line(600_000))).unwrap();
    wait_until("the new file to be opened", || shipper.status().files == 2).await;
    assert!(shipper.status().waiting < 34 << 20, "memory is bounded");
    assert_eq!(broker.records().len(), 0);
    broker.come_back();
    let lines = sorted(broker.wait_for_lines(600_001).await);
    assert!(lines.iter().enumerate().all(|(n, l)| *l == line(n)));
    shipper.stop().await;
}
