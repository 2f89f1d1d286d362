//! Starts the real binary and asks it over HTTP, as a user would.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    answers::{INCOMPLETE, get},
    basics::{PATIENCE, PAUSE, client},
};

/// The binary under test.
pub fn tailrace(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailrace"));
    // Paths in the examples are relative to the project.
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    command.args(args);
    for name in ["RUST_LOG", "TAILRACE_ADDR", "TAILRACE_ORG_ID"] {
        command.env_remove(name);
    }
    command
}

/// What a command says when the server takes its time.
const WAITING: &str = "waiting for an answer from ";

/// Runs a command to its end; again while the server's answer is incomplete.
pub fn run(args: &[&str]) -> Output {
    let begin = Instant::now();
    loop {
        let output = tailrace(args).stdin(Stdio::null()).output().expect("the binary starts");
        if !text(&output).contains(INCOMPLETE) {
            return output;
        }
        assert!(begin.elapsed() < PATIENCE, "{args:?}: {}", text(&output));
    }
}

/// What was printed on standard output: answers, without warnings.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Both outputs as text, whether or not the command had to wait.
pub fn text(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = stderr.split_inclusive('\n').filter(|line| !line.starts_with(WAITING));
    stdout(output) + &said.collect::<String>()
}

/// A running service of ours; killed when dropped.
pub struct Service {
    child: Child,
    /// What `--print-addresses json` said.
    pub addresses: Value,
}

impl Service {
    /// Starts and waits until it is ready.
    pub fn start(args: &[&str]) -> Service {
        Self::spawn(tailrace(args), args)
    }

    /// The same, with a disk of 8 MB at `mount_point`, which only this process and its children see.
    pub fn start_on_small_disk(mount_point: &str, args: &[&str]) -> Service {
        let script = format!("mount -t tmpfs -o size=8m none {mount_point} && exec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        command.arg(env!("CARGO_BIN_EXE_tailrace")).args(args);
        Self::spawn(command, args)
    }

    /// A path as the process sees it.
    pub fn inside(&self, path: &str) -> PathBuf {
        format!("/proc/{}/root{path}", self.child.id()).into()
    }

    fn spawn(mut command: Command, args: &[&str]) -> Service {
        command.args(["--print-addresses", "json"]).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{args:?}: {line:?}: {e}"));
        Service { child, addresses }
    }

    /// The address of one of its ports.
    pub fn address(&self, name: &str) -> &str {
        self.addresses[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.addresses))
    }

    /// Sends a signal by name, for example `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits for the end; how long it took, and whether it ended well.
    pub fn wait(&mut self) -> (Duration, bool) {
        let begin = Instant::now();
        let status = self.child.wait().unwrap();
        (begin.elapsed(), status.success())
    }

    /// kill -9
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.wait();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A whole pipeline in a folder of its own: in one process on the embedded broker, or as three services on Kafka.
pub struct Pipeline {
    dir: TempDir,
    kafka: Option<String>,
    shipper: String,
    services: Vec<Service>,
}

/// Rules that need no waiting: a load of zero or more is an alert.
const RULES: &str = r#"
groups:
  - name: e2e
    interval: 1s
    rules:
      - record: e2e:load
        expr: sum(node_load1)
      - alert: AnyLoad
        expr: node_load1 >= 0
        labels: {severity: info}
        annotations: {summary: "load of {{ $labels.host }} is {{ $value }}"}
"#;

const WINDOWS: &str = r#"
windows:
  - name: node_load1
    select: node_load1
    window: 2s
    functions: [avg, max]
    by: [host]
"#;

impl Pipeline {
    /// `shipper` is the content of the section `shipper`, in YAML's flow form.
    pub fn new(shipper: &str) -> Pipeline {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("rules.yml"), RULES).unwrap();
        std::fs::write(dir.path().join("windows.yaml"), WINDOWS).unwrap();
        let kafka = std::env::var("TAILRACE_TEST_KAFKA").ok();
        let mut pipeline = Pipeline { dir, kafka, shipper: shipper.to_owned(), services: Vec::new() };
        pipeline.start();
        pipeline
    }

    /// The folder of this pipeline.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts what is configured; after a stop or kill, with the same files.
    pub fn start(&mut self) {
        let config = self.path("tailrace.yaml");
        std::fs::write(&config, self.config()).unwrap();
        let config = config.to_str().unwrap();
        self.services = match &self.kafka {
            None => vec![Service::start(&["up", "--config", config])],
            Some(_) => ["index", "process", "ship"].iter().map(|c| self.alone(c, config)).collect(),
        };
    }

    fn alone(&self, command: &str, config: &str) -> Service {
        let data = format!("data_dir={}", self.path(command).display());
        Service::start(&[command, "--config", config, "--set", &data])
    }

    fn config(&self) -> String {
        let dir = self.dir.path().display();
        let brokers = self.kafka.as_deref().unwrap_or("127.0.0.1:9092");
        let tag = self.dir.path().file_name().unwrap().to_string_lossy().replace('.', "");
        format!(
            "data_dir: {dir}/data\nhttp: {{listen: \"127.0.0.1:0\"}}\nbroker: {{listen: \"127.0.0.1:0\"}}\n\
             bus:\n  brokers: \"{brokers}\"\n  topics: {{logs: logs-{tag}, metrics: metrics-{tag}, \
             derived: derived-{tag}, alerts: alerts-{tag}, dead_letter: dead-{tag}}}\n\
             shipper: {}\n\
             processor: {{rules: [\"{dir}/rules.yml\"], windows: \"{dir}/windows.yaml\", lateness: 1s}}\n",
            self.shipper.replace("DIR", &dir.to_string())
        )
    }

    /// The service that answers queries.
    pub fn index(&self) -> &Service {
        &self.services[0]
    }

    /// The service that reads sources and takes pushes.
    pub fn shipper(&self) -> &Service {
        self.services.last().unwrap()
    }

    /// kill -9 to everything at once.
    pub fn kill(&mut self) {
        self.services.iter_mut().for_each(Service::kill);
    }

    /// The topic for alerts, and where its broker is.
    pub fn alerts(&self) -> (String, String) {
        let tag = self.dir.path().file_name().unwrap().to_string_lossy().replace('.', "");
        (self.index().address("kafka").to_owned(), format!("alerts-{tag}"))
    }

    /// The base of the query API.
    pub fn url(&self) -> String {
        format!("http://{}", self.index().address("http"))
    }

    /// Where the push API is: with the shipper, which may be another process than the index.
    pub fn push_url(&self) -> String {
        format!("http://{}", self.shipper().address("http"))
    }

    /// Lines that a LogQL query finds, oldest first.
    pub async fn lines(&self, query: &str) -> Vec<String> {
        let parameters = [("query", query), ("limit", "5000"), ("direction", "forward"), ("since", "720h")];
        let answer = get(&format!("{}/loki/api/v1/query_range", self.url()), &parameters).await;
        let mut all: Vec<(String, String)> = Vec::new();
        for stream in answer["data"]["result"].as_array().unwrap() {
            for value in stream["values"].as_array().unwrap() {
                all.push((value[0].as_str().unwrap().into(), value[1].as_str().unwrap().into()));
            }
        }
        // Lines of one moment stay in the order of the answer.
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.into_iter().map(|(_, line)| line).collect()
    }

    /// Waits until a LogQL query finds `count` lines, and hands them over.
    pub async fn wait_for_lines(&self, query: &str, count: usize) -> Vec<String> {
        let begin = Instant::now();
        loop {
            let lines = self.lines(query).await;
            if lines.len() >= count {
                return lines;
            }
            assert!(begin.elapsed() < PATIENCE, "{query}: {} of {count} lines", lines.len());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until a PromQL query has an answer, and hands it over.
    pub async fn wait_for_series(&self, query: &str) -> Vec<Value> {
        let begin = Instant::now();
        loop {
            let answer = get(&format!("{}/api/v1/query", self.url()), &[("query", query)]).await;
            let result = answer["data"]["result"].as_array().cloned().unwrap_or_default();
            if !result.is_empty() {
                return result;
            }
            assert!(begin.elapsed() < PATIENCE, "{query}: no series");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Pushes lines as a Loki client does; returns when they are acknowledged.
    pub async fn push(&self, labels: &Value, lines: &[(i64, &str)]) {
        let values: Vec<Value> = lines.iter().map(|(ns, line)| json!([ns.to_string(), line])).collect();
        let body = json!({"streams": [{"stream": labels, "values": values}]});
        let url = format!("{}/loki/api/v1/push", self.push_url());
        let response = client().post(url).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 204, "{}", response.text().await.unwrap());
    }
}
