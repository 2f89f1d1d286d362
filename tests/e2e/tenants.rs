//! What tenants see of each other in alerts.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    time::Instant,
};

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{
    basics::{PATIENCE, PAUSE, client, now_ns},
    harness::{Service, run, stdout, tailrace, text},
    restart::up,
};

const RULE: &str = r#"{alert: Errors, expr: 'sum(count_over_time({job="app"} |= "error" [1h])) > 1'}"#;

fn named(request: RequestBuilder, tenant: Option<&str>) -> RequestBuilder {
    tenant.into_iter().fold(request, |request, tenant| request.header("X-Scope-OrgID", tenant))
}

async fn push(url: &str, tenant: &str) {
    let lines = json!([[now_ns().to_string(), format!("error of {tenant}")]]);
    let body = json!({"streams": [{"stream": {"job": "app"}, "values": lines}]});
    let request = client().post(format!("{url}/loki/api/v1/push")).json(&body);
    assert_eq!(named(request, Some(tenant)).send().await.unwrap().status(), 204);
}

async fn get(url: &str, tenant: Option<&str>) -> Value {
    let answer = named(client().get(url), tenant).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// Lines in the evidence of the one alert that an answer holds.
fn lines(alert: &Value) -> Vec<&str> {
    let lines = alert["evidence"]["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    lines.iter().filter_map(|line| line["line"].as_str()).collect()
}

#[tokio::test]
async fn alerts_are_everyones_and_the_lines_behind_them_their_tenants() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules.yml").display().to_string();
    std::fs::write(&rules, format!("groups: [{{name: g, interval: 1s, rules: [{RULE}]}}]")).unwrap();
    let (data, rules) = (dir.path().display().to_string(), format!("processor.rules=[{rules:?}]"));
    let settings = ["--set", "http.tenants=true", "--set", &rules, "--set", "processor.lateness=1s"];
    let service = Service::start(&[&up(&data)[..], &settings].concat());
    let url = format!("http://{}", service.address("http"));
    push(&url, "a").await;
    push(&url, "b").await;

    let begin = Instant::now();
    while get(&format!("{url}/api/v1/alerts"), None).await["data"]["alerts"] == json!([]) {
        assert!(begin.elapsed() < PATIENCE, "no alert");
        tokio::time::sleep(PAUSE).await;
    }
    for path in ["/api/v1/alerts", "/api/v1/rules", "/api/v1/alerts/history"] {
        let url = format!("{url}{path}");
        for (tenant, seen) in
            [(Some("a"), vec!["error of a"]), (Some("b"), vec!["error of b"]), (None, vec![])]
        {
            let data = get(&url, tenant).await["data"].take();
            let alerts = data.get("alerts").unwrap_or(&data["groups"][0]["rules"][0]["alerts"]);
            assert_eq!(
                (lines(&alerts[0]), alerts[0]["state"].as_str()),
                (seen, Some("firing")),
                "{path}: {data}"
            );
        }
    }
    let refused = named(client().get(format!("{url}/api/v1/alerts")), Some("a/b")).send().await.unwrap();
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn the_command_line_asks_for_its_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display().to_string();
    let service = Service::start(&[&up(&data)[..], &["--set", "http.tenants=true"]].concat());
    let url = format!("http://{}", service.address("http"));
    let file = dir.path().join("old.log").display().to_string();
    std::fs::write(&file, "a line\n").unwrap();
    let ask = |what: &[&str], tenant: &[&str]| run(&[what, &["--addr", &url], tenant].concat());
    let import = ["import", &file, "--labels", "job=app"];
    assert!(text(&ask(&import, &[])).contains("X-Scope-OrgID"));
    let imported = ask(&import, &["--org-id", "a"]);
    assert!(imported.status.success(), "{}", text(&imported));

    let logs = ["logs", r#"{job="app"}"#, "-o", "raw"];
    assert_eq!(stdout(&ask(&logs, &["--org-id", "a"])), "a line\n");
    assert_eq!(stdout(&ask(&logs, &["--org-id", "b"])), "");
    let refused = ask(&logs, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("X-Scope-OrgID"), "{}", text(&refused));

    let mut follow = tailrace(&logs);
    follow.args(["--follow", "--addr", &url]).env("TAILRACE_ORG_ID", "a");
    let mut child = follow.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "a line");
    push(&url, "b").await;
    push(&url, "a").await;
    assert_eq!(lines.next().unwrap().unwrap(), "error of a");
    child.kill().unwrap();
    child.wait().unwrap();
}
