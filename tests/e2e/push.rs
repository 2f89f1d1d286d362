//! Remote write to a real Prometheus and pushes to a real Pushgateway: nothing is lost while they are away.
//! `tests/run e2e-push` names the two programs in TAILRACE_TEST_PROMETHEUS and TAILRACE_TEST_PUSHGATEWAY.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use test_support::port;

use crate::{
    answers::get,
    basics::{PATIENCE, client},
    harness::Service,
    metrics::write_histogram,
};

/// Longer than the minute that is promised, as seen by the pipeline: it counts missed deliveries, not time.
const RETRIES_BEFORE_RETURN: f64 = 5.0;

/// A program of somebody else; killed when dropped.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    fn start(variable: &str, arguments: &[String]) -> Peer {
        let program =
            std::env::var(variable).unwrap_or_else(|_| panic!("{variable} names the program to test with"));
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        Peer(command.spawn().unwrap())
    }

    fn prometheus(dir: &TempDir, port: u16) -> Peer {
        let config = dir.path().join("prometheus.yml");
        std::fs::write(&config, "global: {scrape_interval: 1h}\n").unwrap();
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", dir.path().join("tsdb").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".into(),
            "--enable-feature=native-histograms".into(),
        ];
        Peer::start("TAILRACE_TEST_PROMETHEUS", &arguments)
    }

    fn pushgateway(port: u16) -> Peer {
        Peer::start("TAILRACE_TEST_PUSHGATEWAY", &[format!("--web.listen-address=127.0.0.1:{port}")])
    }
}

/// The whole pipeline with a host source of one sample a second and the given push targets.
fn pipeline(dir: &TempDir, push: &str) -> Service {
    let config = dir.path().join("up.yaml");
    let data = dir.path().join("data");
    let text = format!(
        "data_dir: {}\nhttp: {{listen: \"127.0.0.1:0\"}}\nbroker: {{listen: \"127.0.0.1:0\"}}\n\
         shipper: {{host_name: pushed, host: {{interval: 1s}}}}\nprocessor: {{push: {push}}}\n",
        data.display()
    );
    std::fs::write(&config, text).unwrap();
    Service::start(&["up", "--config", config.to_str().unwrap()])
}

async fn wait_for<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = std::time::Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The samples of a range selector, as text.
async fn samples(url: &str, query: &str) -> Option<Vec<Value>> {
    let response =
        client().get(format!("{url}/api/v1/query")).query(&[("query", query)]).send().await.ok()?;
    let answer: Value = response.json().await.ok()?;
    answer["data"]["result"][0]["values"].as_array().cloned()
}

/// A counter of the pipeline's own `/metrics`, summed over its labels.
async fn counter(service: &Service, name: &str) -> f64 {
    let url = format!("http://{}/metrics", service.address("http"));
    let text = client().get(url).send().await.unwrap().text().await.unwrap();
    let values = text
        .lines()
        .filter(|l| l.starts_with(name))
        .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

#[tokio::test]
async fn prometheus_gets_every_sample_though_it_was_away() {
    let (dir, port) = (tempfile::tempdir().unwrap(), port::free());
    let url = format!("http://127.0.0.1:{port}");
    let first = Peer::prometheus(&dir, port);
    let service = pipeline(&dir, &format!("{{remote_write: [{{url: \"{url}/api/v1/write\"}}]}}"));
    let query = r#"node_load1{host="pushed",job="node"}[1h]"#;
    wait_for("a first sample", async || samples(&url, query).await).await;
    drop(first);
    wait_for("it is missed", async || {
        (counter(&service, "tailrace_push_retries_total").await >= RETRIES_BEFORE_RETURN).then_some(())
    })
    .await;
    let _second = Peer::prometheus(&dir, port);
    let own = format!("http://{}", service.address("http"));
    let wanted = samples(&own, query).await.unwrap();
    let got = wait_for("all samples", async || {
        samples(&url, query).await.filter(|got| wanted.iter().all(|sample| got.contains(sample)))
    })
    .await;
    let mut times: Vec<_> = got.iter().map(|s| s[0].to_string()).collect();
    times.dedup();
    assert_eq!(times.len(), got.len(), "each once");
}

#[tokio::test]
async fn prometheus_gets_what_windows_and_rules_derive() {
    let (dir, port) = (tempfile::tempdir().unwrap(), port::free());
    let url = format!("http://127.0.0.1:{port}");
    let _prometheus = Peer::prometheus(&dir, port);
    let push = format!(
        "{{remote_write: [{{url: \"{url}/api/v1/write\", match: ['{{__name__=~\"instance:node_.*|node_load1\"}}']}}]}}"
    );
    let _service = pipeline(&dir, &push);
    wait_for("a matched series", async || samples(&url, "node_load1[1h]").await).await;
    let names = get(&format!("{url}/api/v1/label/__name__/values"), &[]).await;
    assert!(!names["data"].as_array().unwrap().iter().any(|n| n == "node_boot_time_seconds"), "{names}");
}

#[tokio::test]
async fn the_pushgateway_gets_the_newest_values_though_it_was_away() {
    let port = port::free();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let push = format!("{{pushgateway: [{{url: \"{url}\", interval: 1s, match: ['node_load1']}}]}}");
    let service = pipeline(&dir, &push);
    wait_for("it is missed", async || {
        (counter(&service, "tailrace_push_retries_total").await >= 1.0).then_some(())
    })
    .await;
    let _gateway = Peer::pushgateway(port);
    let line = wait_for("a value", async || {
        let text = client().get(format!("{url}/metrics")).send().await.ok()?.text().await.ok()?;
        text.lines().find(|l| l.starts_with("node_load1{")).map(str::to_owned)
    })
    .await;
    assert!(line.contains(r#"host="pushed""#) && line.contains(r#"job="node""#), "{line}");
}

#[tokio::test]
async fn prometheus_gets_native_histograms() {
    let (dir, port) = (tempfile::tempdir().unwrap(), port::free());
    let url = format!("http://127.0.0.1:{port}");
    let _prometheus = Peer::prometheus(&dir, port);
    let target = format!("{{remote_write: [{{url: \"{url}/api/v1/write\", send_native_histograms: true}}]}}");
    let service = pipeline(&dir, &target);
    write_histogram(&format!("http://{}", service.address("http"))).await;
    let query = "histogram_count(latency) + histogram_quantile(1, latency)";
    let answer = async || {
        let response =
            client().get(format!("{url}/api/v1/query")).query(&[("query", query)]).send().await.ok()?;
        let answer: Value = response.json().await.ok()?;
        Some(answer["data"]["result"][0]["value"][1].as_str()?.to_owned())
    };
    // Seven observations, the largest bucket ends at 4.
    assert_eq!(wait_for("the histogram", answer).await, "11");
}
