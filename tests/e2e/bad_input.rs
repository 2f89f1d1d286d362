//! What nobody wants to get: each case has a clear error or a counted, visible effect, and nothing else is lost.

use std::{net::UdpSocket, path::Path, time::Instant};

use serde_json::json;
use test_support::port;

use crate::{
    answers::get,
    basics::{PATIENCE, PAUSE, append, client, eventually, now_ns},
    harness::{Pipeline, Service, run, stdout, text},
    restart::up,
};

const FILES: &str =
    "{host_name: e2e, syslog: {listen: \"127.0.0.1:0\"}, files: [{paths: [\"DIR/app*.log\"], job: app}]}";

#[tokio::test]
async fn bytes_that_are_no_text_do_not_harm_the_lines_around_them() {
    let pipeline = Pipeline::new(FILES);
    append(&pipeline.path("app.log"), b"before\n\xff\xfe bad\nnul\0nul\nafter\n");
    let lines = pipeline.wait_for_lines(r#"{job="app"}"#, 4).await;
    assert_eq!(lines, ["before", "\u{fffd}\u{fffd} bad", "nul\0nul", "after"]);
}

#[tokio::test]
async fn a_line_of_ten_megabytes_is_kept_in_pieces() {
    let pipeline = Pipeline::new(FILES);
    let long = "x".repeat(10_000_000);
    append(&pipeline.path("app.log"), format!("before\n{long}\nafter\n").as_bytes());
    pipeline.wait_for_lines(r#"{job="app"} |= "after""#, 1).await;
    let lines = pipeline.lines(r#"{job="app"}"#).await;
    let bytes: usize = lines.iter().filter(|l| l.starts_with('x')).map(String::len).sum();
    assert_eq!(bytes, 10_000_000);
    assert!(lines.contains(&"before".to_owned()));
}

#[tokio::test]
async fn a_flood_of_garbage_over_syslog_is_kept_as_raw_text() {
    let pipeline = Pipeline::new(FILES);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = pipeline.shipper().address("syslog");
    for i in 0..500_u32 {
        let mut garbage = b"<999>\x01\xff garbage ".to_vec();
        garbage.extend(i.to_be_bytes());
        udp.send_to(&garbage, address).unwrap();
    }
    pipeline.wait_for_lines(r#"{job="syslog"} |= "garbage""#, 1).await;
    let begin = Instant::now();
    while pipeline.lines(r#"{job="syslog"} |= "still here""#).await.is_empty() {
        assert!(begin.elapsed() < PATIENCE, "nothing gets through any more");
        // A datagram is lost where no room is left by those before it.
        udp.send_to(b"<13>app: still here", address).unwrap();
        tokio::time::sleep(PAUSE).await;
    }
}

#[test]
fn a_rule_file_with_an_error_on_line_forty_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut rules = "groups:\n  - name: many\n    rules:\n".to_owned();
    for i in 0..18 {
        rules += &format!("      - record: r{i}\n        expr: up\n");
    }
    rules += "      - sum(up) by (\n";
    let rules = rules.replace("      - sum(up) by (\n", "      - {record: bad, expr: 'sum(up) by ('}\n");
    assert_eq!(rules.lines().count(), 40);
    std::fs::write(dir.path().join("rules.yml"), rules).unwrap();
    let config = dir.path().join("process.yaml");
    std::fs::write(&config, format!("processor: {{rules: [\"{}/rules.yml\"]}}\n", dir.path().display()))
        .unwrap();
    let output = run(&["config", "check", config.to_str().unwrap()]);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("rules.yml:40:") && shown.contains("sum(up) by ("), "{shown}");
}

#[tokio::test]
async fn a_damaged_segment_is_named_and_the_rest_is_still_answered() {
    let pipeline = Pipeline::new(FILES);
    for part in ["first", "second"] {
        pipeline.push(&json!({"job": part}), &[(now_ns(), part)]).await;
        let url = format!("{}/flush", pipeline.url());
        assert!(client().post(url).send().await.unwrap().status().is_success());
    }
    let mut segments = segment_files(&pipeline.path("."));
    segments.sort();
    assert_eq!(segments.len(), 2, "{segments:?}");
    let mut bytes = std::fs::read(&segments[0]).unwrap();
    let half = bytes.len() / 2;
    bytes[16..half].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::write(&segments[0], bytes).unwrap();
    let parameters = [("query", r#"{job=~"first|second"}"#)];
    let answer = get(&format!("{}/loki/api/v1/query_range", pipeline.url()), &parameters).await.to_string();
    assert!(answer.contains("second"), "{answer}");
    assert!(answer.contains("warnings"), "{answer}");
}

fn segment_files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(segment_files(&path));
        } else if path.extension().is_some_and(|e| e == "seg") {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn a_broker_that_goes_away_and_comes_back_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let address = format!("127.0.0.1:{}", port::free());
    let mut broker = Service::start(&broker(data, &address));
    let config = dir.path().join("c.yaml");
    let text = format!(
        "data_dir: {data}/own\nhttp: {{listen: \"127.0.0.1:0\"}}\nbus: {{brokers: \"{address}\"}}\n\
         shipper: {{files: [{{paths: [\"{data}/*.log\"], job: app}}]}}\n"
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let _shipper = Service::start(&["ship", "--config", config]);
    let index = Service::start(&["index", "--config", config]);
    append(&dir.path().join("a.log"), b"one\n");
    let url = format!("http://{}", index.address("http"));
    wait_for(&url, 1).await;
    broker.kill();
    append(&dir.path().join("a.log"), b"two\nthree\n");
    let _broker = Service::start(&self::broker(data, &address));
    wait_for(&url, 3).await;
}

fn broker<'a>(data: &'a str, address: &str) -> [&'a str; 5] {
    let listen: &'static str = Box::leak(format!("broker.listen={address:?}").into_boxed_str());
    let data: &'static str = Box::leak(format!("data_dir={data}/broker").into_boxed_str());
    ["broker", "--set", listen, "--set", data]
}

/// Waits for exactly so many lines, and sees that they stay as many.
async fn wait_for(url: &str, count: usize) {
    let ask = || run(&["logs", r#"{job="app"}"#, "--addr", url, "-o", "raw"]);
    let lines = || stdout(&ask()).lines().count();
    eventually("all lines are found", || lines() >= count).await;
    assert_eq!(lines(), count);
}

#[tokio::test]
async fn a_full_disk_makes_the_index_read_only_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    std::fs::create_dir(dir.path().join("index")).unwrap();
    let service = Service::start_on_small_disk(&format!("{data}/index"), &up(data));
    let url = format!("http://{}", service.address("http"));
    let filler = service.inside(&format!("{data}/index/filler"));
    fill(&filler);
    let lines: Vec<String> = (0..200).map(|i| format!("line {i:04}")).collect();
    push(&url, &lines).await;
    assert!(!flush(&url).await, "a flush on a full disk must fail");
    let status = get(&format!("{url}/api/status"), &[]).await;
    assert!(status["index"]["read_only"].is_string(), "{status}");
    assert_eq!(found(&url), lines, "what is in memory is still answered");
    std::fs::remove_file(&filler).unwrap();
    assert!(flush(&url).await, "there is room again");
    let status = get(&format!("{url}/api/status"), &[]).await;
    assert!(status["index"]["read_only"].is_null(), "{status}");
    assert_eq!(found(&url), lines);
}

fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    let block = vec![7_u8; 4096];
    while std::io::Write::write_all(&mut file, &block).is_ok() {}
}

fn found(url: &str) -> Vec<String> {
    let shown = stdout(&run(&["logs", r#"{job="small"}"#, "--addr", url, "-o", "raw", "--forward"]));
    shown.lines().map(str::to_owned).collect()
}

async fn push(url: &str, lines: &[String]) {
    let start = now_ns();
    let values: Vec<_> = (start..).zip(lines).map(|(ns, line)| json!([ns.to_string(), line])).collect();
    let body = json!({"streams": [{"stream": {"job": "small"}, "values": values}]});
    let request = client().post(format!("{url}/loki/api/v1/push")).json(&body);
    assert_eq!(request.send().await.unwrap().status(), 204);
}

async fn flush(url: &str) -> bool {
    let response = client().post(format!("{url}/flush")).send().await.unwrap();
    response.status().is_success()
}
