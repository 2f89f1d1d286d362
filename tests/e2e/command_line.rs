//! What people type, and what they read then.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use test_support::port;

use crate::{
    answers::get,
    basics::{client, now_ns},
    harness::{Pipeline, Service, run, stdout, tailrace, text},
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

#[test]
fn rule_files_are_checked_one_by_one_and_every_error_has_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, expr: &str| {
        let rules = format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {expr}\n");
        std::fs::write(dir.path().join(name), rules).unwrap();
    };
    let pattern = dir.path().join("*.yml").display().to_string();
    write("good.yml", "up == 0");
    let good = run(&["rules", "check", &pattern]);
    assert!(stdout(&good).ends_with("good.yml: 1 rules\n"), "{}", text(&good));
    write("bad.yml", "sum(up");
    let bad = run(&["rules", "check", &pattern]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad).contains("bad.yml:5:") && text(&bad).contains("good.yml: 1 rules"), "{}", text(&bad));
    let one = dir.path().join("bad.yml").display().to_string();
    let diff = text(&run(&["rules", "diff", &one, &one, "--since", "1h"]));
    assert!(diff.starts_with("error: ") && !diff.starts_with("error: error: "), "{diff}");
}

#[test]
fn lints_are_chosen_and_may_be_fatal() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.yml").display().to_string();
    let rule = "{alert: A, expr: up == 0, owner: web}";
    std::fs::write(&file, format!("groups: [{{name: g, rules: [{rule}, {rule}]}}]")).unwrap();
    let check = |more: &[&str]| run(&[&["rules", "check", &file], more].concat());
    assert_eq!(check(&["--lint-fatal"]).status.code(), Some(1));

    let check = |more: &[&str]| check(&[&["--ignore-unknown-fields"], more].concat());
    let codes = [
        (vec![], 0),
        (vec!["--lint-fatal"], 3),
        (vec!["--lint-fatal", "--lint=duplicate-rules"], 3),
        (vec!["--lint-fatal", "--lint=none"], 0),
    ];
    for (flags, code) in codes {
        let output = check(&flags);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {}", text(&output));
        let told = text(&output).contains("2 rules give `A` with the same labels");
        assert_eq!(told, !flags.contains(&"--lint=none"), "{flags:?}: {}", text(&output));
    }
}

#[test]
fn unit_tests_write_their_results_as_junit_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let test = |name: &str, value: u8| {
        let expr = format!("{{expr: up, eval_time: 0, exp_samples: [{{labels: up, value: {value}}}]}}");
        let series = "input_series: [{series: up, values: 1}]";
        format!("{{name: {name}, {series}, promql_expr_test: [{expr}]}}")
    };
    std::fs::write(path("t.yml"), format!("tests: [{}, {}]", test("one", 1), test("two", 2))).unwrap();
    let run =
        |more: &[&str]| run(&[&["rules", "test", &path("t.yml"), "--junit", &path("t.xml")], more].concat());
    let junit = || std::fs::read_to_string(path("t.xml")).unwrap();

    let both = run(&["--diff", "--debug"]);
    assert_eq!(both.status.code(), Some(1));
    let shown = text(&both);
    assert!(shown.contains("DEBUG: Test one took") && shown.contains("1 @[0]"), "{shown}");
    assert!(shown.contains("      + {__name__=\"up\"} 1E+00"), "{shown}");
    assert!(junit().contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{}", junit());

    assert_eq!(run(&["--run", "one"]).status.code(), Some(0));
    assert!(junit().contains("tests=\"1\" failures=\"0\" errors=\"0\""), "{}", junit());
}

#[test]
fn experimental_promql_is_taken_unless_features_are_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.yml").display().to_string();
    std::fs::write(&file, "groups: [{name: g, rules: [{alert: A, expr: 'limitk(1, up) > 0'}]}]").unwrap();
    let check = |more: &[&str]| text(&run(&[&["rules", "check", &file][..], more].concat()));
    let chosen = |names: &str| check(&["--enable-feature", names]);
    for shown in [check(&[]), chosen("promql-duration-expr,promql-experimental-functions")] {
        assert!(shown.ends_with("1 rules\n"), "{shown}");
    }
    let refused = chosen("promql-duration-expr");
    assert!(refused.contains("--enable-feature=promql-experimental-functions"), "{refused}");
    assert!(chosen("promql-magic").contains("no feature is named \"promql-magic\""));

    let config = dir.path().join("config.yaml").display().to_string();
    std::fs::write(&config, format!("processor: {{rules: [{file}]}}\npromql: {{enable_feature: []}}\n"))
        .unwrap();
    let shown = text(&run(&["config", "check", &config]));
    assert!(shown.contains("--enable-feature=promql-experimental-functions"), "{shown}");
}

#[tokio::test]
async fn the_port_tells_ready_metrics_and_status() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&up(dir.path().to_str().unwrap()));
    let base = format!("http://{}", service.address("http"));
    for (path, says) in [("/ready", "ready"), ("/-/ready", "ready"), ("/-/healthy", "healthy")] {
        let well = client().get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!((well.status().as_u16(), well.text().await.unwrap().trim()), (200, says));
    }
    let metrics = client().get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("tailrace_"), "{metrics}");
    let status = get(&format!("{base}/api/status"), &[]).await;
    assert_eq!(status["addresses"], service.addresses);
    for path in ["/", "/loki/api/v1/nothing"] {
        let unknown = client().get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(unknown.status().as_u16(), 404);
        assert_eq!(unknown.text().await.unwrap(), "404 page not found\n");
    }
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
fn settings_that_work_against_each_other_are_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("process.yaml").display().to_string();
    for (processor, warned) in [
        ("take_over_after: 5s, tick_after: 5s", true),
        ("take_over_after: 6s, tick_after: 5s", false),
        ("take_over_after: 5s, tick_after: 5s, shards: 2", false),
    ] {
        std::fs::write(&file, format!("processor: {{{processor}}}")).unwrap();
        let output = run(&["config", "check", &file]);
        assert!(output.status.success() && stdout(&output).ends_with(": ok\n"), "{}", text(&output));
        let warning = "warning: processor.take_over_after (5s) is not more than processor.tick_after (5s)";
        assert_eq!(text(&output).contains(warning), warned, "{processor}: {}", text(&output));
    }
}

/// Makes an index of one segment.
fn store_a_line(dir: &Path) {
    let index = log_index::Index::open(dir, &log_index::Config::default()).unwrap();
    let line = event::LogEntry { timestamp_ns: i64::MAX, line: "a line".into(), ..Default::default() };
    let batch = event::LogBatch { entries: vec![line], ..Default::default() };
    let value = event::encode(&event::Event::Logs(batch), event::Codec::Batch).remove(0).into();
    let (topic, key) = ("logs".into(), Default::default());
    let record = bus::Record { topic, partition: 0, offset: 0, timestamp_ms: 0, key, value };
    index.append(&record).unwrap();
    index.flush().unwrap();
}

#[test]
fn the_files_of_an_index_are_checked_and_shown_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let nothing = run(&["index", "check", path]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing).contains(path), "{}", text(&nothing));
    store_a_line(dir.path());
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
    let services = ["up", "ship", "process", "index", "broker"];
    let tools = ["config", "config check", "rules", "import", "query", "alerts"];
    let logs = ["logs", "logs labels", "logs series", "logs stats"];
    for command in services.iter().chain(&tools).chain(&logs) {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let shown = text(&run(&words));
        assert!(shown.contains("Example"), "{command}: {shown}");
    }
}

#[test]
fn a_command_whose_output_nobody_reads_ends_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    drop(log_index::Index::open(dir.path(), &log_index::Config::default()).unwrap());
    let path = dir.path().to_str().unwrap();
    let (rules, config) = ("configs/rules/host.yml", "configs/up.yaml");
    for command in [
        &["index", "inspect", path][..],
        &["rules", "list"],
        &["rules", "check", rules],
        &["config", "check", config],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = tailrace(command).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), text(&output).as_str()), (Some(141), ""), "{command:?}");
    }
}

#[test]
fn a_command_whose_errors_nobody_reads_ends_as_it_would() {
    let dead = format!("http://127.0.0.1:{}", port::free());
    let nobody = || std::io::pipe().unwrap().1;
    let status = tailrace(&["query", "up", "--addr", &dead]).stderr(nobody()).status().unwrap();
    assert_eq!(status.code(), Some(1));

    // A service that warns, and says what it does.
    let dir = tempfile::tempdir().unwrap();
    let mut command = tailrace(&up(dir.path().to_str().unwrap()));
    command.args(["--set", "processor.take_over_after=5s", "--set", "processor.tick_after=5s"]);
    command.args(["--print-addresses", "json"]).stdout(Stdio::piped()).stderr(nobody());
    let mut service = command.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut said).unwrap();
    service.kill().unwrap();
    service.wait().unwrap();
    assert!(said.contains("\"http\""), "{said}");
}

#[test]
fn a_service_says_that_it_waits_for_kafka_and_ends_well_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let [away, http] = [port::free(), port::free()].map(|port| format!("127.0.0.1:{port}"));
    let (data, brokers) = (format!("data_dir={}", dir.path().display()), format!("bus.brokers={away}"));
    let (listen, url) = (format!("http.listen={http}"), format!("http://{http}"));
    for service in ["index", "process"] {
        let arguments = [service, "--set", &data, "--set", &brokers, "--set", &listen];
        let mut child = tailrace(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut shown = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let waits = format!("waiting for kafka at {away}");
        assert!(shown.any(|line| line.contains(&waits)), "{service}");
        let asked = run(&["logs", "{job=\"a\"}", "--addr", &url]);
        let reason = format!("error: not ready: {waits}\n");
        assert_eq!((asked.status.code(), text(&asked)), (Some(1), reason), "{service}");
        let term = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(term.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{service}: {:?}", shown.collect::<Vec<_>>());
    }
}

#[test]
fn a_command_whose_server_does_not_answer_says_that_it_waits() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    for command in [&["logs", "{job=\"a\"}"][..], &["query", "up"], &["alerts"]] {
        let mut child =
            tailrace(&[command, &["--addr", &url]].concat()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines().next().unwrap().unwrap();
        assert_eq!(said, format!("waiting for an answer from {url}"), "{command:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn flags_that_mean_nothing_are_refused() {
    let (lines, metric) = (r#"{job="a"}"#, r#"rate({job="a"}[1m])"#);
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    for command in [
        &["logs", metric, "--follow"][..],
        &["logs", lines, "--follow", "--to", late],
        &["logs", lines, "--from", late, "--to", early],
        &["query", "up", "--from", late, "--to", early],
        &["query", "up", "--step", "1m"],
        &["logs", lines, "--since", "1x"],
        &["logs", lines, "--limit", "0"],
        &["query", "up", "--from", "yesterday"],
        &["import", "file", "--labels", "job"],
        &["rules", "backfill", "configs/rules/rates.yml", "--start", late, "--end", early, "--dry-run"],
    ] {
        let output = run(command);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {}", text(&output));
        assert!(text(&output).starts_with("error: "), "{command:?}: {}", text(&output));
    }
}

#[test]
fn an_index_is_checked_where_nothing_can_be_written_and_what_is_none_is_said() {
    let dir = tempfile::tempdir().unwrap();
    store_a_line(dir.path());
    let path = dir.path().to_str().unwrap();
    let read_only = "mount --bind $1 $1 && mount -o remount,bind,ro $1 && exec $0 index check $1";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", read_only]);
    let output = command.args([env!("CARGO_BIN_EXE_tailrace"), path]).output().unwrap();
    assert!(output.status.success() && text(&output).contains("all is well"), "{}", text(&output));

    let missing = dir.path().join("nowhere").display().to_string();
    let output = run(&["index", "check", &missing]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output);
    assert!(shown.contains("No such file") && shown.contains("name a data directory"), "{shown}");
}
