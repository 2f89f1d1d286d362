//! `logs`, `query` and `import`.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use test_support::port;

use crate::{
    basics::now_ns,
    harness::{Pipeline, Service, run, stdout, tailrace, text},
    restart::up,
};

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
    let bare = pipeline.index().address("http");
    let json = run(&["logs", r#"{job="cli"} |= "error""#, "--addr", bare, "-o", "json"]);
    assert!(text(&json).contains(r#""line":"one error""#), "{}", text(&json));
    let query = run(&["query", r#"node_load1{host="e2e"} >= 0"#, "--addr", &url]);
    assert!(stdout(&query).starts_with("node_load1{"), "{}", text(&query));
    let wrong = run(&["query", "sum(", "--addr", &url]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong).contains("parse error"), "{}", text(&wrong));
}

#[tokio::test]
async fn logs_come_in_parts_forms_and_colours() {
    let pipeline = Pipeline::new("{host_name: e2e}");
    let now = now_ns();
    let lines: Vec<(i64, String)> =
        (0..5).map(|n| (now - n * 3_600_000_000_000, format!("level=error n={n}"))).collect();
    let lines: Vec<(i64, &str)> = lines.iter().map(|(time, line)| (*time, line.as_str())).collect();
    pipeline.push(&serde_json::json!({"job": "parts"}), &lines).await;
    let url = pipeline.url();
    let logs = |more: &[&str]| {
        stdout(&run(&[&["logs", r#"{job="parts"}"#, "--since", "10h", "--addr", &url][..], more].concat()))
    };
    let newest_first: String = (0..5).map(|n| format!("level=error n={n}\n")).collect();
    assert_eq!(logs(&["-o", "raw"]), newest_first);
    assert_eq!(logs(&["-o", "raw", "--forward"]).lines().next(), Some("level=error n=4"));
    assert_eq!(logs(&["-o", "raw", "--limit", "2"]).lines().count(), 2);
    assert_eq!(logs(&["-o", "jsonl"]).lines().count(), 5);
    let json: serde_json::Value = serde_json::from_str(&logs(&["-o", "json"])).unwrap();
    assert_eq!(json[0]["line"], "level=error n=0");
    assert_eq!(logs(&["-o", "csv"]).lines().next(), Some("timestamp,labels,line"));
    assert!(logs(&["-o", "raw", "--color", "always"]).starts_with("\u{1b}[31mlevel=error"));
    let explained =
        run(&["logs", r#"{job="parts"} |= "n=3""#, "--since", "10h", "--addr", &url, "--explain"]);
    assert!(text(&explained).contains("passed: 1 lines"), "{}", text(&explained));
    let counts = run(&["logs", r#"count_over_time({job="parts"}[1h])"#, "--addr", &url, "-o", "csv"]);
    assert!(stdout(&counts).starts_with("timestamp,labels,value\n2"), "{}", text(&counts));
    let ask =
        |what: &[&str]| stdout(&run(&[&["logs"][..], what, &["--since", "10h", "--addr", &url]].concat()));
    assert_eq!(ask(&["labels", "job"]), "parts\n");
    assert!(ask(&["series", r#"{job="parts"}"#]).contains("job=\"parts\""));
    assert!(ask(&["stats", r#"{job="parts"}"#]).contains("entries: 5"));
}

#[tokio::test]
async fn imported_files_are_found_under_the_times_of_their_lines() {
    let pipeline = Pipeline::new("{host_name: e2e}");
    let file = pipeline.path("old.log");
    let yesterday = jiff::Timestamp::from_nanosecond(i128::from(now_ns())).unwrap()
        - jiff::SignedDuration::from_hours(24);
    let [first, second] = [0, 1].map(|later| {
        (yesterday + jiff::SignedDuration::from_secs(later)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    });
    let text_of_file = [format!("{first} one\n  more of it\n{second} two ").as_bytes(), b"\xff\n"].concat();
    std::fs::write(&file, text_of_file).unwrap();
    let url = pipeline.url();
    let push = pipeline.push_url();
    let imported = run(&["import", file.to_str().unwrap(), "--labels", "job=old,host=a", "--addr", &push]);
    assert!(imported.status.success(), "{}", text(&imported));
    assert!(text(&imported).contains("3 lines"), "{}", text(&imported));
    let query = ["logs", r#"{job="old", host="a"}"#, "--from", &first, "--to", &second];
    let found = run(&[&query[..], &["--forward", "-o", "raw", "--addr", &url]].concat());
    assert_eq!(stdout(&found), format!("{first} one\n  more of it\n"));
    std::fs::write(&file, format!("2001-01-01T00:00:00Z a\n  b\n{first} c\n")).unwrap();
    let imported = run(&["import", file.to_str().unwrap(), "--labels", "job=old", "--addr", &push]);
    if push == url {
        let said = text(&imported);
        assert_eq!(imported.status.code(), Some(1), "{said}");
        assert!(said.contains("1 lines of 1 files") && said.contains("2 lines are older"), "{said}");
    }
    let missing = run(&["import", "/nowhere.log", "--labels", "job=old", "--addr", &push]);
    assert!(text(&missing).contains("/nowhere.log"), "{}", text(&missing));
}

#[tokio::test]
async fn follow_shows_what_arrives_after_it_began() {
    let pipeline = Pipeline::new("{host_name: e2e}");
    let labels = serde_json::json!({"job": "cli"});
    pipeline.push(&labels, &[(now_ns(), "before")]).await;
    let url = pipeline.url();
    let mut command = tailrace(&["logs", r#"{job="cli"}"#, "--follow", "-o", "raw", "--addr", &url]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "before");
    pipeline.push(&labels, &[(now_ns(), "after")]).await;
    let after = tokio::task::spawn_blocking(move || lines.next().unwrap().unwrap()).await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(after, "after");
}

#[test]
fn follow_goes_on_behind_the_last_line_when_the_server_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display().to_string();
    let address = format!("127.0.0.1:{}", port::free());
    let mut arguments = up(&data);
    let at = arguments.iter().position(|a| *a == "--http").unwrap();
    arguments[at + 1] = &address;
    let mut service = Service::start(&arguments);
    let url = format!("http://{address}");
    let import = |line: &str| {
        let file = dir.path().join("lines").display().to_string();
        std::fs::write(&file, line).unwrap();
        let output = run(&["import", &file, "--labels", "job=cli", "--addr", &url]);
        assert!(output.status.success(), "{}", text(&output));
    };
    import("one");
    let follow = ["logs", r#"{job="cli"}"#, "--follow", "-o", "raw", "--addr", &url];
    let mut child = tailrace(&follow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "one");
    import("two");
    assert_eq!(lines.next().unwrap(), "two");

    service.signal("TERM");
    service.wait();
    assert!(said.any(|line| line.contains("broke")));
    let _service = Service::start(&arguments);
    import("three");
    assert_eq!(lines.next().unwrap(), "three");
    child.kill().unwrap();
    child.wait().unwrap();
}
