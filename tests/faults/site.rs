//! The services under test: processes with fixed ports and one data directory, which can be killed and started.

mod settings;

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    net::TcpListener,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fastrand::Rng;
use tempfile::TempDir;
use test_support::{
    bucket::Server,
    node::{Kafka, Node},
    proxy::Proxy,
};

use crate::{
    basics::{PATIENCE, client, eventually},
    disk::Disk,
    layout::{Layout, Role},
    load::target::Target,
};

/// Below the kernel's ephemeral range, so that no client's socket takes one while its service is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
const DISK_MEGABYTES: u32 = 256;
const PARTITIONS: i32 = 2;
/// Lines of a service's log that are shown when something is wrong.
const LAST_WORDS: usize = 15;
/// Writers of samples catch up after a fault, each for itself: so far may they lie behind each other.
pub const LATENESS_SECS: u64 = 30;
/// Longer than anything is waited for, and short enough to be reached.
pub const RETENTION: Duration = Duration::from_secs(180);

/// Processes, ports, and a folder with everything.
pub struct Site {
    pub layout: Layout,
    dir: TempDir,
    pub disk: Disk,
    http: BTreeMap<Role, u16>,
    kafka: String,
    syslog: u16,
    pub target: Target,
    begun: Instant,
    /// Between each process and the broker.
    proxies: BTreeMap<Role, Proxy>,
    node: Option<Kafka>,
    bucket: Option<Server>,
    running: BTreeMap<Role, Child>,
}

impl Site {
    /// Starts everything, and waits until the services are ready: from then on the shipper follows every file.
    pub async fn start(layout: Layout, rng: &mut Rng) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::new(&dir.path().join("data"), DISK_MEGABYTES);
        fs::create_dir(dir.path().join("logs")).unwrap();
        fs::write(dir.path().join("rules.yml"), include_str!("rules.yml")).unwrap();
        fs::write(dir.path().join("windows.yaml"), "windows: []\n").unwrap();
        let http = layout.roles().iter().map(|role| (*role, free_port(rng))).collect();
        let (kafka, syslog) = (format!("127.0.0.1:{}", free_port(rng)), free_port(rng));
        let mut site = Site {
            layout,
            dir,
            disk,
            http,
            kafka,
            syslog,
            target: Target::start().await,
            begun: Instant::now(),
            proxies: BTreeMap::new(),
            node: None,
            bucket: layout.has_bucket().then(Server::start),
            running: BTreeMap::new(),
        };
        site.start_kafka();
        let proxy = |role: &Role| (*role, Proxy::start(&site.kafka));
        site.proxies = layout.roles().iter().map(proxy).collect();
        fs::write(site.path("tailrace.yaml"), site.config()).unwrap();
        layout.roles().iter().for_each(|role| site.spawn(*role, None));
        for port in site.http.values() {
            eventually_ready(&format!("http://127.0.0.1:{port}/ready")).await;
        }
        site
    }

    fn start_kafka(&mut self) {
        if self.layout == Layout::OnKafka {
            let node = Kafka::start(&self.path("kafka"));
            self.kafka = node.addr().to_owned();
            self.node = Some(node);
        }
    }

    /// kill -9 to Apache Kafka, and a new start, which takes a while.
    pub fn crash_kafka(&mut self) {
        tokio::task::block_in_place(|| self.node.as_mut().expect("on Kafka").crash());
    }

    /// The way from a process to the broker.
    pub fn proxy(&self, role: Role) -> &Proxy {
        &self.proxies[&role]
    }

    /// Starts a process; with a fault it ends there.
    pub fn spawn(&mut self, role: Role, fault: Option<&str>) {
        let command = format!("{role:?}").to_lowercase();
        let log = OpenOptions::new().create(true).append(true).open(self.path(&format!("{command}.err")));
        let mut child = self.disk.command(env!("CARGO_BIN_EXE_tailrace"));
        child.arg(command).arg("--config").arg(self.path("tailrace.yaml"));
        child.args(["--set", &format!("http.listen=127.0.0.1:{}", self.http[&role])]);
        // The embedded broker leads the services of its own process back to itself.
        let way = if role == Role::Up { "broker.advertise" } else { "bus.brokers" };
        child.args(["--set", &format!("{way}={}", self.proxies[&role].addr())]);
        child.env_remove("RUST_LOG").envs(fault.map(|fault| (fault::VARIABLE, fault)));
        child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.unwrap());
        self.running.insert(role, child.spawn().unwrap());
    }

    /// kill -9.
    pub fn kill(&mut self, role: Role) {
        if let Some(mut child) = self.running.remove(&role) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// kill -9, and a new start at once.
    pub fn restart(&mut self, role: Role) {
        self.kill(role);
        self.spawn(role, None);
    }

    /// Stops the process for a while as SIGSTOP does.
    pub async fn freeze(&mut self, role: Role, span: Duration) {
        self.signal(role, "STOP");
        tokio::time::sleep(span).await;
        self.signal(role, "CONT");
    }

    fn signal(&self, role: Role, name: &str) {
        let pid = self.running[&role].id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.unwrap().success(), "kill -{name} to {role:?}");
    }

    /// Starts again what has ended by itself.
    pub fn revive(&mut self) {
        for role in self.layout.roles() {
            let child = self.running.get_mut(role);
            if child.is_some_and(|child| child.try_wait().unwrap().is_some()) {
                self.spawn(*role, None);
            }
        }
    }

    /// Waits until the process has ended at its fault point.
    pub async fn fallen(&mut self, role: Role, point: &str) {
        let mut child = self.running.remove(&role).expect("it was started");
        let mut ended = None;
        eventually(&format!("{role:?} passes {point}"), || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        let signal = ended.and_then(|status| status.signal());
        assert_eq!(signal, Some(9), "{role:?} ended by itself before {point}: {}", self.last_words(role));
    }

    /// Every process lives.
    pub fn assert_alive(&mut self) {
        for role in self.layout.roles() {
            let ended = self.running.get_mut(role).map(|child| child.try_wait().unwrap());
            assert_eq!(ended, Some(None), "{role:?} has ended by itself: {}", self.last_words(*role));
        }
    }

    fn last_words(&self, role: Role) -> String {
        let log = self.path(&format!("{role:?}.err").to_lowercase());
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
    }

    /// A file of this site.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where log files are.
    pub fn logs(&self) -> PathBuf {
        self.path("logs")
    }

    /// The base of the query API.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http[&self.layout.serving(Role::Index)])
    }

    /// Where lines and samples are pushed to.
    pub fn push_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http[&self.layout.serving(Role::Ship)])
    }

    /// From then on the index drops what is too old.
    pub fn old_at(&self) -> Instant {
        self.begun + RETENTION
    }

    /// Where the broker is.
    pub fn kafka(&self) -> String {
        self.kafka.clone()
    }

    /// Where syslog goes.
    pub fn syslog(&self) -> String {
        format!("127.0.0.1:{}", self.syslog)
    }

    /// For programs beside the services.
    pub fn bus(&self) -> bus::Config {
        bus::Config { brokers: self.kafka(), partitions: PARTITIONS, ..bus::Config::default() }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for role in self.layout.roles() {
                eprintln!("{role:?} said last:\n{}", self.last_words(*role));
            }
            keep(&[self.dir.path(), &self.disk.path]);
        }
    }
}

/// Copies what tells about a failure out of folders that are about to go.
fn keep(folders: &[&Path]) {
    let kept = std::env::temp_dir().join(format!("tailrace-faults-{}", std::process::id()));
    fs::create_dir_all(&kept).unwrap();
    let copied = Command::new("cp").arg("-r").args(folders).arg(&kept).status();
    eprintln!("data and logs of the services: {} ({copied:?})", kept.display());
}

async fn eventually_ready(url: &str) {
    let (client, begin) = (client(), Instant::now());
    while !client.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
        assert!(begin.elapsed() < PATIENCE, "{url} is not ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn free_port(rng: &mut Rng) -> u16 {
    std::iter::repeat_with(|| rng.u16(PORTS))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("an endless search")
}
