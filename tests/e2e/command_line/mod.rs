//! What people type, and what they read then.

mod index;
mod logs;
mod rules;
mod services;

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::Stdio,
};

use test_support::port;

use crate::{
    harness::{run, tailrace, text},
    restart::up,
};

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
