//! The `shipper:` section of the configuration.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use ::config::{ByteSize, Check, Duration, Problems};
use glob::Pattern;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::source::push::is_label_name;

/// Where a host's own log files usually are.
const LOCAL_FILES: [&str; 4] =
    ["/var/log/syslog", "/var/log/messages", "/var/log/auth.log", "/var/log/*.log"];

/// What to ship. A source that is not named does not run.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The `host` label of everything local. Default: the machine's host name.
    pub host_name: Option<String>,
    /// `batch` (default) or `json`: the form of the records.
    pub codec: event::Codec,
    /// Files to tail.
    pub files: Option<Vec<FileConfig>>,
    /// systemd's journal.
    pub journald: Option<JournaldConfig>,
    /// Listener for syslog.
    pub syslog: Option<SyslogConfig>,
    /// Metrics of this host.
    pub host: Option<HostConfig>,
    /// Limits of the push endpoint.
    pub push: PushConfig,
    /// Longer lines are kept in pieces of this size. A record then stays below the megabyte that Kafka takes
    /// by default.
    pub line_limit: ByteSize,
    /// What may wait on disk (syslog and samples) while Kafka is away; the oldest is dropped first.
    pub spool_limit: ByteSize,
}

/// Files of one job.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Paths, with `*`, `?`, `[…]` and `**`.
    pub paths: Vec<String>,
    /// Paths to leave out; compressed files always are.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// The `job` label. Default: `syslog`, `auth`, or the file's stem.
    #[serde(default)]
    pub job: Option<String>,
    /// Further labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Where to begin in a file that was never seen.
    #[serde(default)]
    pub from: From,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// With what is there.
    #[default]
    Beginning,
    /// With what comes next. Files that appear later are read whole.
    End,
}

/// The journal, read through `journalctl`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournaldConfig {
    /// Where to begin the first time.
    pub from: JournalFrom,
    /// Folder of another journal than this machine's.
    pub directory: Option<PathBuf>,
    /// The program that reads the journal.
    pub journalctl: PathBuf,
}

/// Where to begin in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalFrom {
    /// At the oldest entry.
    Beginning,
    /// When the machine was started.
    #[default]
    Boot,
    /// Now.
    End,
}

/// One port for UDP and TCP.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyslogConfig {
    /// Address, or `off`. Port 0 takes a free one.
    #[serde(deserialize_with = "address_or_off")]
    pub listen: Option<SocketAddr>,
    /// TCP connections at a time.
    pub connections: usize,
    /// Streams (label sets) at most; of further ones host and app become metadata.
    pub streams: usize,
}

/// What node_exporter measures, under its names.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostConfig {
    /// Time between two samples.
    pub interval: Duration,
    /// Root of the file systems to measure: `/`, or where the host's root is mounted in a container.
    pub root: PathBuf,
    /// Where `proc` is.
    pub procfs: PathBuf,
}

/// Limits of what a client can push at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushConfig {
    /// Size of a request, before and after decompression.
    pub request_limit: ByteSize,
    /// Labels of a stream.
    pub label_limit: usize,
    /// How far in the future entries and samples may lie.
    pub creation_grace_period: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            host_name: None,
            codec: event::Codec::default(),
            files: None,
            journald: None,
            syslog: None,
            host: None,
            push: PushConfig::default(),
            line_limit: ByteSize(512 << 10),
            spool_limit: ByteSize(256 << 20),
        }
    }
}

impl Default for JournaldConfig {
    fn default() -> Self {
        JournaldConfig { from: JournalFrom::default(), directory: None, journalctl: "journalctl".into() }
    }
}

impl Default for SyslogConfig {
    fn default() -> Self {
        SyslogConfig {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 1514))),
            connections: 512,
            streams: 5000,
        }
    }
}

impl Default for HostConfig {
    fn default() -> Self {
        HostConfig { interval: Duration::from_secs(5), root: "/".into(), procfs: "/proc".into() }
    }
}

impl Default for PushConfig {
    fn default() -> Self {
        PushConfig {
            request_limit: ByteSize(16 << 20),
            label_limit: 30,
            creation_grace_period: Duration::from_secs(600),
        }
    }
}

impl Config {
    /// What to ship without a configuration: this machine's logs, its journal, syslog and its metrics.
    pub fn local_defaults() -> Self {
        let files = FileConfig {
            paths: LOCAL_FILES.map(String::from).to_vec(),
            exclude: Vec::new(),
            job: None,
            labels: BTreeMap::new(),
            from: From::Beginning,
        };
        Config {
            files: Some(vec![files]),
            journald: Some(JournaldConfig::default()),
            syslog: Some(SyslogConfig::default()),
            host: Some(HostConfig::default()),
            ..Config::default()
        }
    }

    /// The address for syslog, if there is one.
    pub fn syslog_listen(&self) -> Option<SocketAddr> {
        self.syslog.as_ref().and_then(|s| s.listen)
    }
}

fn address_or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "off" {
        return Ok(None);
    }
    let wrong = |e| {
        D::Error::custom(format!("{text:?} is no address ({e}); write for example 127.0.0.1:1514, or off"))
    };
    text.parse().map(Some).map_err(wrong)
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        problems.items("files", self.files.as_deref().unwrap_or_default());
        let samples = self.host.as_ref().is_none_or(|host| !host.interval.0.is_zero());
        problems.within("host", |problems| {
            problems.require(samples, "interval", "is no time", "write for example 5s");
        });
    }
}

impl Check for FileConfig {
    fn check(&self, problems: &mut Problems) {
        let remedy = "write for example [/var/log/*.log], or leave this entry out";
        problems.require(!self.paths.is_empty(), "paths", "names no file", remedy);
        problems.within("paths", |problems| check_patterns(&self.paths, problems));
        problems.within("exclude", |problems| check_patterns(&self.exclude, problems));
        problems.within("labels", |problems| {
            for name in self.labels.keys() {
                let remedy = "write letters, digits and `_`, and no digit first";
                problems.require(
                    is_label_name(name),
                    name,
                    "is no label name, no query could name it",
                    remedy,
                );
            }
        });
    }
}

fn check_patterns(patterns: &[String], problems: &mut Problems) {
    for (number, pattern) in patterns.iter().enumerate() {
        if let Err(error) = Pattern::new(pattern) {
            let reason = format!("is no valid pattern: {}", error.msg);
            problems.add(number, reason, "write for example /var/log/*.log");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_that_can_never_work_are_refused_with_their_key() {
        for (text, errors) in [
            ("files: [{paths: ['/a/**/[ab]*.log'], labels: {team_1: a}}]\nhost: {interval: 1s}", &[][..]),
            ("files:\n  - paths: []", &["2:12 `files.0.paths` names no file"]),
            ("files: [{paths: [a, b***]}]", &["1:21 `files.0.paths.1` is no valid pattern"]),
            ("files: [{paths: [a], exclude: ['[']}]", &["1:32 `files.0.exclude.0` is no valid pattern"]),
            ("files: [{paths: [a], labels: {a-b: c}}]", &["1:36 `files.0.labels.a-b` is no label name"]),
            ("host: {interval: 0s}", &["1:18 `host.interval` is no time"]),
        ] {
            let found = ::config::parse_with::<Config>("ship.yaml", text, &[]);
            let found = found.err().unwrap_or_default().headlines();
            let fits = found.iter().zip(errors).all(|(found, error)| found.starts_with(error));
            assert!(found.len() == errors.len() && fits, "{text}: {found:#?}");
        }
    }
}
