//! The payload of a commit: which segments there are, and how far the bus has been read. It becomes true in
//! one step with the documents of the commit.

use std::{collections::BTreeMap, sync::Arc};

use event::MetricFamily;
use serde::{Deserialize, Serialize};

use super::CatalogError;
use crate::{delete::DeleteRequest, group::Failed, marks::Marks};

/// The version that this code writes. It stands for the catalog's schema as well.
const VERSION: u32 = 4;

/// The oldest version that it reads: without requests that have failed, and partitions that have begun again.
const OLDEST: u32 = 3;

/// How far the bus has been read, and what was learned on the way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub offsets: bus::Offsets,
    /// How often a partition has begun again: its offsets are those since then.
    #[serde(default, skip_serializing_if = "bus::Offsets::is_empty")]
    pub begun: bus::Offsets,
    pub marks: Marks,
    pub families: Arc<Families>,
}

/// All that a restart needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Counts commits: tells whether one that failed on the way has happened.
    pub commit: u64,
    pub next_segment: u64,
    pub segments: BTreeMap<u64, SegmentInfo>,
    pub next_delete: u64,
    /// By their ids.
    pub deletes: BTreeMap<u64, DeleteRequest>,
    /// Offset of the next request of the group that has not been tried.
    #[serde(default)]
    pub requests: i64,
    /// Those before it that have failed so far, by their offsets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed_requests: BTreeMap<i64, Failed>,
    pub progress: Progress,
}

/// The first line of a manifest in writing.
#[derive(Serialize, Deserialize)]
struct Seal {
    version: u32,
    /// CRC-32 of the rest.
    #[serde(default)]
    crc: u32,
}

/// What is known of a segment without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentInfo {
    /// Its place in the order of arrival: its id, or for a merged one the place of its first part.
    pub order: u64,
    /// How often its content has been merged.
    pub level: u8,
    pub bytes: u64,
    pub streams: u64,
    pub entries: u64,
    pub samples: u64,
    /// Oldest time, milliseconds.
    pub min_ms: i64,
    /// Newest time, milliseconds.
    pub max_ms: i64,
    /// When what it holds was written last; unknown of segments of former releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_ms: Option<i64>,
}

impl SegmentInfo {
    /// From when on it ages. Lines with a time in the future age from when they were written.
    pub fn ages_from_ms(&self) -> i64 {
        self.written_ms.map_or(self.max_ms, |written_ms| written_ms.min(self.max_ms))
    }
}

impl Default for Manifest {
    fn default() -> Self {
        Manifest {
            commit: 0,
            next_segment: 1,
            segments: BTreeMap::new(),
            next_delete: 1,
            deletes: BTreeMap::new(),
            requests: 0,
            failed_requests: BTreeMap::new(),
            progress: Progress::default(),
        }
    }
}

impl Manifest {
    /// # Errors
    /// When the text is damaged or of another release.
    pub fn from_payload(payload: &str) -> Result<Self, CatalogError> {
        let (seal, body) = payload.split_once('\n').unwrap_or((payload, ""));
        let Seal { version, crc } = serde_json::from_str(seal)?;
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(CatalogError::UnknownVersion { found: version, known: VERSION });
        }
        if crc != crc32fast::hash(body.as_bytes()) {
            return Err(CatalogError::Checksum);
        }
        Ok(serde_json::from_str(body)?)
    }

    /// Notes that a request of the group has been carried out.
    pub fn carried_out(&mut self, offset: i64) {
        if self.failed_requests.remove(&offset).is_none() {
            self.requests = self.requests.max(offset + 1);
        }
    }

    /// Goes on with the group's requests at `end`, where their topic was made anew: those that failed and have no
    /// place there any more would take that of others, and are dropped.
    pub fn begin_requests(&mut self, end: i64) {
        self.requests = end;
        let dropped = self.failed_requests.split_off(&end);
        if !dropped.is_empty() {
            let count = dropped.len();
            tracing::warn!(count, "requests that had failed went with the group's topics: ask again");
        }
    }

    /// For the next commit, still with the same content.
    pub fn next(&self) -> Self {
        Manifest { commit: self.commit + 1, ..self.clone() }
    }

    /// # Errors
    /// Never in fact: all keys are texts or numbers.
    pub fn to_payload(&self) -> Result<String, CatalogError> {
        let body = serde_json::to_string(self)?;
        let seal = Seal { version: VERSION, crc: crc32fast::hash(body.as_bytes()) };
        Ok(serde_json::to_string(&seal)? + "\n" + &body)
    }
}

/// At most so many families are remembered.
const MAX_FAMILIES: usize = 20_000;

/// Types and help texts by the name of the metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Families(BTreeMap<String, (String, String, String)>);

impl Progress {
    /// How often a partition has begun again, and the next offset: in the order in which records come.
    pub fn next(&self, topic: &str, partition: i32) -> (i64, i64) {
        let of = |offsets: &bus::Offsets| offsets.get(topic, partition).unwrap_or(0);
        (of(&self.begun), of(&self.offsets))
    }

    /// Sets how often a partition has begun again.
    pub fn begin(&mut self, topic: &str, partition: i32, begun: i64) {
        if self.next(topic, partition).0 != begun {
            self.begun.set(topic, partition, begun);
        }
    }

    /// Remembers a metric's type and help text. They come again and again; only news change anything.
    pub fn learn(&mut self, family: &MetricFamily) {
        let told = (family.kind.clone(), family.help.clone(), family.unit.clone());
        let known = self.families.0.get(&family.name);
        if known != Some(&told) && (known.is_some() || self.families.0.len() < MAX_FAMILIES) {
            Arc::make_mut(&mut self.families).0.insert(family.name.clone(), told);
        }
    }
}

impl Families {
    /// Those of all, sorted by name; of several with one name the first.
    pub fn merged(all: &[Arc<Families>]) -> Vec<MetricFamily> {
        let mut merged = Families::default();
        for (name, told) in all.iter().flat_map(|families| &families.0) {
            merged.0.entry(name.clone()).or_insert_with(|| told.clone());
        }
        merged.list()
    }

    pub fn list(&self) -> Vec<MetricFamily> {
        let family = |(name, (kind, help, unit)): (&String, &(String, String, String))| MetricFamily {
            name: name.clone(),
            kind: kind.clone(),
            help: help.clone(),
            unit: unit.clone(),
        };
        self.0.iter().map(family).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::What;

    #[test]
    fn comes_back_as_it_was() {
        let mut manifest = Manifest { next_segment: 9, ..Manifest::default() };
        let info = SegmentInfo {
            order: 8,
            level: 1,
            bytes: 1,
            streams: 1,
            entries: 2,
            samples: 3,
            min_ms: -4,
            max_ms: 5,
            written_ms: Some(6),
        };
        manifest.segments.insert(8, info);
        manifest.progress.offsets.set("logs", 0, 12);
        manifest.progress.marks.raise("logs", "web1/file/x", 77, 5);
        let family = MetricFamily { name: "node_load1".into(), ..MetricFamily::default() };
        manifest.progress.learn(&family);
        let again = Manifest::from_payload(&manifest.to_payload().unwrap()).unwrap();
        assert_eq!(again, manifest);
        assert_eq!(again.progress.families.list(), [family]);
    }

    #[test]
    fn where_the_groups_topics_were_made_anew_no_request_is_passed_over() {
        let failed = Failed { what: What::Flush, reason: "disk".into() };
        let mut manifest = Manifest { requests: 60, ..Manifest::default() };
        manifest.failed_requests = [(1, failed.clone()), (57, failed.clone())].into();
        manifest.begin_requests(2);
        assert_eq!((manifest.requests, manifest.failed_requests.len()), (2, 1));
        manifest.begin_requests(0);
        assert_eq!((manifest.requests, manifest.failed_requests.len()), (0, 0));

        manifest.failed_requests.insert(57, failed);
        manifest.carried_out(57);
        assert_eq!((manifest.requests, manifest.failed_requests.len()), (0, 0));
    }

    #[test]
    fn a_later_version_is_refused_with_its_number() {
        let payload = r#"{"version": 77, "something": "new"}"#;
        let error = Manifest::from_payload(payload).unwrap_err().to_string();
        assert!(error.contains("version 77") && error.contains("upgrade"), "{error}");
        assert!(Manifest::from_payload("{").is_err());
        let (oldest, body) = (r#"{"version":2,"crc":0}"#, "\n{}");
        assert!(
            Manifest::from_payload(&format!("{oldest}{body}")).unwrap_err().to_string().contains("version 2")
        );
        let whole = Manifest::default().to_payload().unwrap();
        let changed = whole.replace("\"next_segment\":1", "\"next_segment\":7");
        assert!(matches!(Manifest::from_payload(&changed), Err(CatalogError::Checksum)), "{changed}");
    }
}
