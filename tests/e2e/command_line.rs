//! What people type, and what they read then.

use std::net::TcpListener;

use crate::{
    harness::{Pipeline, Service, client, get, now_ns, run, stdout, text},
    restart::up,
};

#[test]
fn a_taken_port_is_named_with_its_setting_and_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    for (flag, setting) in
        [("--http", "http.listen"), ("--kafka", "broker.listen"), ("--syslog", "shipper.syslog")]
    {
        let mut arguments = up(dir.path().to_str().unwrap());
        let at = arguments.iter().position(|a| *a == flag).unwrap();
        arguments[at + 1] = &address;
        let output = run(&arguments);
        let shown = text(&output);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(shown.contains(&address) && shown.contains(setting) && shown.contains(flag), "{shown}");
    }
}

#[tokio::test]
async fn the_port_tells_ready_metrics_and_status() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&up(dir.path().to_str().unwrap()));
    let base = format!("http://{}", service.address("http"));
    let ready = client().get(format!("{base}/ready")).send().await.unwrap();
    assert_eq!((ready.status().as_u16(), ready.text().await.unwrap().trim()), (200, "ready"));
    let metrics = client().get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("tailrace_"), "{metrics}");
    let status = get(&format!("{base}/api/status"), &[]).await;
    assert_eq!(status["addresses"], service.addresses);
}

#[tokio::test]
async fn logs_and_query_print_what_the_apis_answer() {
    let pipeline = Pipeline::new("{host_name: e2e, host: {interval: 1s}}");
    pipeline
        .push(&serde_json::json!({"job": "cli"}), &[(now_ns(), "one error"), (now_ns(), "all well")])
        .await;
    pipeline.wait_for_series("node_load1").await;
    let url = pipeline.url();
    let logs = run(&["logs", r#"{job="cli"} |= "error""#, "--since", "1h", "--addr", &url, "-o", "raw"]);
    assert_eq!(stdout(&logs), "one error\n");
    let json = run(&["logs", r#"{job="cli"} |= "error""#, "--addr", &url, "-o", "json"]);
    assert!(text(&json).contains(r#""line":"one error""#), "{}", text(&json));
    let query = run(&["query", r#"node_load1{host="e2e"} >= 0"#, "--addr", &url]);
    assert!(stdout(&query).starts_with("node_load1{"), "{}", text(&query));
    let wrong = run(&["query", "sum(", "--addr", &url]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong).contains("parse error"), "{}", text(&wrong));
}

#[tokio::test]
async fn follow_shows_what_arrives_after_it_began() {
    use std::io::{BufRead, BufReader};
    let pipeline = Pipeline::new("{host_name: e2e}");
    let labels = serde_json::json!({"job": "cli"});
    pipeline.push(&labels, &[(now_ns(), "before")]).await;
    let url = pipeline.url();
    let mut command =
        crate::harness::tailrace(&["logs", r#"{job="cli"}"#, "--follow", "-o", "raw", "--addr", &url]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "before");
    pipeline.push(&labels, &[(now_ns(), "after")]).await;
    let after = tokio::task::spawn_blocking(move || lines.next().unwrap().unwrap()).await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(after, "after");
}

#[test]
fn the_built_in_rules_are_listed() {
    let shown = text(&run(&["rules", "list"]));
    for name in ["HostOutOfMemory", "HostOutOfDiskSpace", "HostSwapsFillingUp"] {
        assert!(shown.contains(name), "{name} is not in\n{shown}");
    }
}

#[test]
fn every_example_configuration_is_right_and_every_error_of_a_wrong_one_is_shown() {
    let configs = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs");
    for name in ["up", "ship", "process", "index", "broker"] {
        let output = run(&["config", "check", &format!("{configs}/{name}.yaml")]);
        assert!(output.status.success(), "{}", text(&output));
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wrong.yaml");
    std::fs::write(&file, "htpp: {}\nhttp:\n  listne: a\nindex:\n  retention: soon\n").unwrap();
    let output = run(&["config", "check", file.to_str().unwrap()]);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(1));
    for part in ["wrong.yaml:1:1", "did you mean `http`?", "wrong.yaml:3:3", "wrong.yaml:5:"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[test]
fn the_files_of_an_index_are_checked_and_shown_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let nothing = run(&["index", "check", path]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing).contains(path), "{}", text(&nothing));
    let index = log_index::Index::open(dir.path(), &log_index::Config::default()).unwrap();
    let line = event::LogEntry { timestamp_ns: i64::MAX, line: "a line".into(), ..Default::default() };
    let batch = event::LogBatch { entries: vec![line], ..Default::default() };
    let value = event::encode(&event::Event::Logs(batch), event::Codec::Batch).remove(0).into();
    let (topic, key) = ("logs".into(), Default::default());
    let record = bus::Record { topic, partition: 0, offset: 0, timestamp_ms: 0, key, value };
    index.append(&record).unwrap();
    index.flush().unwrap();
    let well = run(&["index", "check", path]);
    assert!(well.status.success() && text(&well).contains("all is well"), "{}", text(&well));
    let shown = run(&["index", "inspect", path, "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["segments"].as_array().map(Vec::len), Some(1));
    std::fs::write(dir.path().join("index/segments/manifest"), "damaged").unwrap();
    let damaged = run(&["index", "check", path]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(text(&damaged).contains("segments/manifest"), "{}", text(&damaged));
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in ["up", "ship", "process", "index", "broker", "config", "rules", "logs", "query", "alerts"]
    {
        let shown = text(&run(&[command, "--help"]));
        assert!(shown.contains("Example"), "{command}: {shown}");
    }
}
