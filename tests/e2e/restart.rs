//! Stops and kills: nothing lost, nothing doubled.

use std::time::Duration;

use crate::{
    basics::append,
    harness::{Pipeline, Service},
};

const FILES: &str = "{host_name: e2e, files: [{paths: [\"DIR/app*.log\"], job: app}]}";
const QUERY: &str = r#"{job="app"}"#;

fn numbered(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|i| format!("line {i:05}")).collect()
}

fn write(pipeline: &Pipeline, file: &str, lines: &[String]) {
    append(&pipeline.path(file), (lines.join("\n") + "\n").as_bytes());
}

async fn assert_exactly(pipeline: &Pipeline, expected: &[String]) {
    let mut found = pipeline.wait_for_lines(QUERY, expected.len()).await;
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_kill_in_the_middle_neither_loses_nor_doubles_a_line() {
    let mut pipeline = Pipeline::new(FILES);
    for round in 0..3 {
        write(&pipeline, "app.log", &numbered(round * 1000, round * 1000 + 600));
        pipeline.wait_for_lines(QUERY, round * 1000 + 1).await;
        pipeline.kill();
        write(&pipeline, "app.log", &numbered(round * 1000 + 600, (round + 1) * 1000));
        pipeline.start();
        assert_exactly(&pipeline, &numbered(0, (round + 1) * 1000)).await;
    }
}

#[tokio::test]
async fn a_file_that_is_rotated_while_nobody_looks_is_read_to_its_end() {
    let mut pipeline = Pipeline::new(FILES);
    write(&pipeline, "app.log", &numbered(0, 10));
    pipeline.wait_for_lines(QUERY, 10).await;
    pipeline.kill();
    write(&pipeline, "app.log", &numbered(10, 20));
    std::fs::rename(pipeline.path("app.log"), pipeline.path("app.log.1")).unwrap();
    write(&pipeline, "app.log", &numbered(20, 30));
    pipeline.start();
    assert_exactly(&pipeline, &numbered(0, 30)).await;
}

#[tokio::test]
async fn a_truncated_file_is_read_from_its_new_beginning() {
    let pipeline = Pipeline::new(FILES);
    write(&pipeline, "app.log", &numbered(0, 10));
    pipeline.wait_for_lines(QUERY, 10).await;
    std::fs::write(pipeline.path("app.log"), "line 00010\n").unwrap();
    assert_exactly(&pipeline, &numbered(0, 11)).await;
}

#[tokio::test]
async fn both_signals_end_it_well_within_five_seconds() {
    for signal in ["INT", "TERM"] {
        let dir = tempfile::tempdir().unwrap();
        let mut service = Service::start(&up(dir.path().to_str().unwrap()));
        service.signal(signal);
        let (time, well) = service.wait();
        assert!(well, "{signal}: exit code");
        assert!(time < Duration::from_secs(5), "{signal}: {time:?}");
    }
}

/// `up` on free ports, with nothing of this machine.
pub fn up(dir: &str) -> [&str; 10] {
    [
        "up",
        "--data-dir",
        dir,
        "--http",
        "127.0.0.1:0",
        "--kafka",
        "127.0.0.1:0",
        "--syslog",
        "127.0.0.1:0",
        "--no-ship",
    ]
}
