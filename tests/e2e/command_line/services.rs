//! How services start, and what their configuration and port say.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Command, Stdio},
};

use test_support::port;

use crate::{
    answers::get,
    basics::client,
    harness::{Service, run, stdout, tailrace, text},
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
