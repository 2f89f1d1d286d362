//! The broker under test.

use bus::broker::{Broker, Config};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use std::time::Duration;
use tempfile::TempDir;
use test_support::client::{PATIENCE, Settings, client};
use test_support::node::{Embedded, Kafka, Node};

/// The address of the Kafka under test, if it is not the embedded broker.
fn kafka() -> Option<String> {
    std::env::var("TAILRACE_TEST_KAFKA").ok()
}

/// A broker with names of its own for each test.
pub struct Target {
    /// `host:port`.
    pub addr: String,
    tag: String,
    _embedded: Option<(Broker, TempDir)>,
}

impl Target {
    /// `tag` tells the tests apart.
    pub async fn new(tag: &str) -> Target {
        let tag = format!("{tag}-{}", std::process::id());
        if let Some(addr) = kafka() {
            return Target { addr, tag, _embedded: None };
        }
        let dir = tempfile::tempdir().expect("dir");
        let config = Config {
            listen: "127.0.0.1:0".parse().expect("address"),
            data_dir: dir.path().into(),
            check_interval: Duration::from_millis(200),
            ..Config::default()
        };
        let broker = Broker::start(config).await.expect("starts");
        Target { addr: broker.addr().to_string(), tag, _embedded: Some((broker, dir)) }
    }

    /// A name that no other test has.
    pub fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.tag)
    }

    /// For requests about topics and groups.
    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        client(&self.addr, &[]).create().expect("admin client")
    }

    /// Creates a topic and returns its name.
    pub async fn topic(&self, name: &str, partitions: i32, settings: Settings<'_>) -> String {
        let name = self.name(name);
        let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
        let topic = settings.iter().fold(topic, |topic, (setting, value)| topic.set(setting, value));
        let created = self.admin().create_topics([&topic], &options()).await.expect("answered");
        assert_eq!(created, [Ok(name.clone())]);
        name
    }
}

/// How long requests about topics and groups may take.
pub fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE))
}

/// A broker that can be killed, and how often a test that repeats it kills it. Starting Apache Kafka takes ten seconds.
pub fn node(dir: &TempDir) -> (Box<dyn Node>, usize) {
    let asked = std::env::var("TAILRACE_TEST_KILLS").ok().map(|text| text.parse().expect("a number"));
    match kafka() {
        None => (Box::new(Embedded::start(dir.path())), asked.unwrap_or(50)),
        Some(_) => (Box::new(Kafka::start(dir.path())), asked.unwrap_or(12)),
    }
}
