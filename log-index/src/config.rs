//! The `index:` section of the configuration.

use config::{ByteSize, Check, Duration, Problems, Secret};
use serde::Deserialize;

use crate::Retention;

/// Segments for less would be more work to find than to read.
const SMALLEST_SEGMENT: ByteSize = ByteSize(64 << 10);

/// Where Loki looks for the name of a service, in its order.
const SERVICE_LABELS: [&str; 13] = [
    "service",
    "app",
    "application",
    "app_name",
    "name",
    "app_kubernetes_io_name",
    "container",
    "container_name",
    "k8s_container_name",
    "component",
    "workload",
    "job",
    "k8s_job_name",
];

/// How much is kept, and when it leaves memory.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long entries and samples stay.
    pub retention: Retention,
    /// Where segments lie: `s3://bucket/prefix`, or the absolute path of a folder; without it, in a folder of the data
    /// directory.
    pub storage: Option<String>,
    /// Name of the group of instances that share one store; without it, this one has a store of its own.
    pub group: Option<String>,
    /// An instance of the group that gives no sign of life for so long loses what it writes for it.
    pub session_timeout: Duration,
    /// Bytes of a bucket's segments that are kept on the local disk.
    pub cache_bytes: ByteSize,
    /// How to get at the bucket.
    pub s3: S3,
    /// Bytes of lines, metadata and samples in memory from which on they are sealed into a segment.
    pub segment_bytes: ByteSize,
    /// Age from which on what is in memory is sealed, however little it is.
    pub flush_after: Duration,
    /// Bytes that merged segments have at most.
    pub merged_bytes: ByteSize,
    /// Zstandard's level for blocks, 1 to 19.
    pub compression_level: i32,
    /// The labels that may name a stream's service; a stream without `service_name` gets it from the first of
    /// them that it has, or `unknown_service`. Empty: no stream gets one.
    pub service_name: Vec<String>,
    /// Which answers have a label `detected_level`, found in labels, metadata or line.
    pub detected_level: DetectedLevel,
    /// Log patterns that are known beforehand, with `<_>` for values.
    pub patterns: Vec<String>,
}

/// Access to a bucket. What is left out comes from the environment: `AWS_ENDPOINT`, `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and the like.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3 {
    /// URL of the server.
    pub endpoint: Option<String>,
    /// Region of the bucket.
    pub region: Option<String>,
    /// Who writes.
    pub access_key_id: Option<String>,
    /// The proof of it.
    pub secret_access_key: Option<Secret>,
}

/// Who gets `detected_level`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DetectedLevel {
    /// Clients that ask for labels by their origin, as Grafana does: with lines, and in metrics that name it.
    #[default]
    Asked,
    /// Everyone, always.
    Always,
    /// Nobody.
    Never,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            retention: Retention::default(),
            storage: None,
            group: None,
            session_timeout: Duration::from_secs(10),
            cache_bytes: ByteSize(10 << 30),
            s3: S3::default(),
            segment_bytes: ByteSize(32 << 20),
            flush_after: Duration::from_secs(600),
            merged_bytes: ByteSize(512 << 20),
            // Level 3 takes a third more time for lines that are hardly smaller.
            compression_level: 1,
            service_name: SERVICE_LABELS.map(str::to_owned).into(),
            detected_level: DetectedLevel::default(),
            patterns: Vec::new(),
        }
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        self.check_storage(problems);
        let at_once = self.retention.age.is_some_and(|age| age.0.is_zero());
        problems.require(
            !at_once,
            "retention",
            "keeps nothing",
            "write for example 15d; off keeps everything",
        );
        let large = self.segment_bytes >= SMALLEST_SEGMENT;
        problems.require(large, "segment_bytes", "is below 64KiB", "write for example 32MiB");
        let waits = !self.flush_after.0.is_zero();
        problems.require(waits, "flush_after", "is no time", "write for example 10m");
        let known = (1..=19).contains(&self.compression_level);
        problems.require(known, "compression_level", "is no level of Zstandard's", "write 1 to 19");
    }
}

impl Config {
    fn check_storage(&self, problems: &mut Problems) {
        let Some(storage) = &self.storage else {
            let remedy = "set index.storage to s3://bucket/prefix or a folder that all instances see";
            let alone = self.group.is_none();
            return problems.require(alone, "group", "has no storage that its instances share", remedy);
        };
        let bucket =
            storage.strip_prefix("s3://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        let remedy = "write s3://bucket, s3://bucket/prefix or an absolute path";
        let found = bucket || storage.starts_with('/');
        problems.require(found, "storage", "is neither a bucket nor an absolute path", remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_no_index_can_work_with_are_refused_with_their_key() {
        for (text, errors) in [
            ("group: a\nstorage: /data\nretention: off\nsegment_bytes: 64KiB", &[][..]),
            ("storage: s3://logs/a\ncompression_level: 19\nretention: {age: off, bytes: 1GB}", &[]),
            ("group: a", &["1:8 `group` has no storage"]),
            ("group: a\nstorage: data", &["2:10 `storage` is neither a bucket nor"]),
            ("storage: s3://", &["1:10 `storage` is neither"]),
            (
                "retention: 0s\nflush_after: 0s",
                &["1:12 `retention` keeps nothing", "2:14 `flush_after` is no"],
            ),
            ("retention: {age: 0s}", &["1:12 `retention` keeps nothing"]),
            ("segment_bytes: 63KiB", &["1:16 `segment_bytes` is below 64KiB"]),
            ("compression_level: 20", &["1:20 `compression_level` is no level"]),
            ("compression_level: 0", &["1:20 `compression_level` is no level"]),
        ] {
            let found = config::parse_with::<Config>("index.yaml", text, &[]);
            let found = found.err().unwrap_or_default().headlines();
            let fits = found.iter().zip(errors).all(|(found, error)| found.starts_with(error));
            assert!(found.len() == errors.len() && fits, "{text}: {found:#?}");
        }
    }
}
