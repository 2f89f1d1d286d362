//! From a log line and a host sample to an answer and an alert.

use std::net::UdpSocket;

use serde_json::Value;

use crate::{
    answers::get,
    basics::{append, now_ns},
    harness::{Pipeline, run, text},
};

const FILES: &str = "{host_name: e2e, files: [{paths: [\"DIR/app*.log\"], job: app}]}";
const SYSLOG: &str = "{host_name: e2e, syslog: {listen: \"127.0.0.1:0\"}}";
const HOST: &str = "{host_name: e2e, host: {interval: 1s}}";

#[tokio::test]
async fn a_line_in_a_file_is_found_by_its_labels_and_its_text() {
    let pipeline = Pipeline::new(FILES);
    append(&pipeline.path("app.log"), b"GET /cart 500\nGET /cart 200\n");
    let lines = pipeline.wait_for_lines(r#"{job="app", host="e2e"} |= "500""#, 1).await;
    assert_eq!(lines, ["GET /cart 500"]);
}

#[tokio::test]
async fn what_was_pushed_and_acknowledged_is_in_the_next_answer() {
    let pipeline = Pipeline::new("{host_name: e2e}");
    let labels = serde_json::json!({"job": "pushed"});
    for round in 0..20 {
        pipeline.push(&labels, &[(now_ns(), &format!("line {round}"))]).await;
        assert_eq!(pipeline.lines(r#"{job="pushed"}"#).await.len(), round + 1);
    }
}

#[tokio::test]
async fn two_equal_lines_stay_two() {
    let pipeline = Pipeline::new(FILES);
    append(&pipeline.path("app.log"), b"same\nsame\n");
    assert_eq!(pipeline.wait_for_lines(r#"{job="app"}"#, 2).await, ["same", "same"]);
}

#[tokio::test]
async fn syslog_comes_in_over_udp_and_tcp_in_every_framing() {
    use std::io::Write;
    let pipeline = Pipeline::new(SYSLOG);
    let address = pipeline.shipper().address("syslog");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let now = jiff::Timestamp::now();
    let old = now.strftime("%b %e %H:%M:%S");
    udp.send_to(format!("<34>{old} web1 su: old form").as_bytes(), address).unwrap();
    let new = format!("<165>1 {now} web2 app 12 ID1 [x@1 k=\"v\"] new form");
    udp.send_to(new.as_bytes(), address).unwrap();
    let mut tcp = std::net::TcpStream::connect(address).unwrap();
    tcp.write_all(format!("<13>{old} web3 cron: newline framing\n").as_bytes()).unwrap();
    let counted = format!("<13>{old} web4 cron: counted framing");
    tcp.write_all(format!("{} {counted}", counted.len()).as_bytes()).unwrap();
    for (host, words) in
        [("web1", "old form"), ("web2", "new form"), ("web3", "newline framing"), ("web4", "counted framing")]
    {
        let query = format!(r#"{{job="syslog", host="{host}"}} |= "{words}""#);
        assert_eq!(pipeline.wait_for_lines(&query, 1).await.len(), 1);
    }
}

#[tokio::test]
async fn host_samples_become_series_windows_rules_and_an_alert() {
    let pipeline = Pipeline::new(HOST);
    let load = pipeline.wait_for_series(r#"node_load1{host="e2e", job="node"}"#).await;
    assert_eq!(load.len(), 1);
    pipeline.wait_for_series("e2e:load").await;
    pipeline.wait_for_series(r#"{__name__=~"node_load1:.*", host="e2e"}"#).await;
    let (brokers, topic) = pipeline.alerts();
    let begin = std::time::Instant::now();
    let shown = loop {
        let shown = text(&run(&["alerts", "--brokers", &brokers, "--topic", &topic]));
        if shown.contains("AnyLoad") || begin.elapsed() > crate::basics::PATIENCE {
            break shown;
        }
    };
    assert!(shown.contains("firing") && shown.contains("load of e2e is"), "{shown}");
    let records = text(&run(&["alerts", "--brokers", &brokers, "--topic", &topic, "-o", "json"]));
    let alert: Value = serde_json::from_str(records.lines().next().unwrap()).unwrap();
    let evidence = &alert["evidence"];
    assert_eq!(evidence["samples"][0]["labels"]["host"], "e2e", "{alert}");
    // The link leads to what the rule saw, once the index has it.
    let link = format!("{}{}", pipeline.url(), evidence["query"].as_str().unwrap());
    let answer = get(&link, &[]).await;
    let value: f64 = answer["data"]["result"][0]["value"][1].as_str().unwrap().parse().unwrap();
    assert_eq!(Some(value), alert["value"].as_f64(), "{answer}");
    // The history by HTTP is that of the command line.
    let history = |query: &str| reqwest::get(format!("{}/api/v1/alerts/history?{query}", pipeline.url()));
    let found: Value =
        history("start=1&match[]={alertname=\"AnyLoad\"}").await.unwrap().json().await.unwrap();
    assert_eq!(found["data"]["alerts"][0], alert, "{found}");
    let none = history("match[]={alertname=\"Other\"}&format=csv").await.unwrap().text().await.unwrap();
    assert!(none.starts_with("evaluated_at,state,") && none.lines().count() == 1, "{none}");
    assert_eq!(history("start=soon").await.unwrap().status(), 400);
}

#[tokio::test]
async fn logs_and_metrics_of_a_host_have_the_same_labels() {
    let pipeline =
        Pipeline::new("{host_name: e2e, host: {interval: 1s}, files: [{paths: [\"DIR/a.log\"], job: node}]}");
    append(&pipeline.path("a.log"), b"hello\n");
    assert_eq!(pipeline.wait_for_lines(r#"{host="e2e", job="node"}"#, 1).await.len(), 1);
    assert_eq!(pipeline.wait_for_series(r#"node_boot_time_seconds{host="e2e", job="node"}"#).await.len(), 1);
}
