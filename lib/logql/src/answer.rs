//! What a query answers.

use std::{collections::BTreeMap, fmt};

use event::Sample;
use serde::{Serialize, Serializer, ser::SerializeMap};

/// Labels of an answer, sorted by name. Unlike a stream's labels they may hold empty values: a parser that
/// finds nothing for a wanted name says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelSet(Vec<(String, String)>);

impl LabelSet {
    /// The value of `name`, or `None`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(n, _)| n.as_str().cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// Name and value, in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same set with one label set to a new value (an empty one removes it).
    pub fn with(&self, name: &str, value: &str) -> Self {
        let others = self.iter().filter(|(n, _)| *n != name);
        let new = (!value.is_empty()).then_some((name, value));
        others.chain(new).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    }

    /// The labels whose names `keep` accepts.
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        LabelSet(self.0.iter().filter(|(n, _)| keep(n)).cloned().collect())
    }
}

/// Sorts; of two labels with one name the first one stays.
impl FromIterator<(String, String)> for LabelSet {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut all: Vec<_> = pairs.into_iter().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.dedup_by(|later, first| later.0 == first.0);
        LabelSet(all)
    }
}

impl From<&event::Labels> for LabelSet {
    fn from(labels: &event::Labels) -> Self {
        LabelSet(labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
    }
}

impl Serialize for LabelSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The form of Prometheus and Loki: `{host="web1", job="syslog"}`.
impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

/// A value, and what it took to get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The result.
    pub value: Value,
    /// What was read and returned.
    pub stats: Stats,
    /// What the reader should know about the result, one sentence each.
    pub notices: Vec<String>,
}

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a log query, sorted by labels.
    Streams(Vec<StreamAnswer>),
    /// Of a metric query over a range, sorted by labels.
    Matrix(Vec<SeriesAnswer>),
    /// Of a metric query at an instant; sorted by labels unless the query sorts by value.
    Vector(Vec<SampleAnswer>),
    /// Of a query that is only a number, at an instant.
    Scalar(f64),
}

/// Entries with the same labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamAnswer {
    /// All labels as Loki groups them: the stream's own, the metadata, the parsed ones.
    pub labels: LabelSet,
    /// The stream's own labels, as far as the query left them.
    pub stream: LabelSet,
    /// In the direction of the query.
    pub entries: Vec<EntryAnswer>,
}

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryAnswer {
    /// Nanoseconds since 1970.
    pub timestamp_ns: i64,
    /// As the query formatted it; bytes that are not UTF-8 are replaced.
    pub line: String,
    /// Structured metadata, as far as the query left it.
    pub metadata: Vec<(String, String)>,
    /// Labels that the query itself made.
    pub parsed: Vec<(String, String)>,
}

/// One series of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesAnswer {
    /// Names the series.
    pub labels: LabelSet,
    /// In the order of time; steps without a value are left out.
    pub samples: Vec<Sample>,
}

/// One element of a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleAnswer {
    /// Names the element.
    pub labels: LabelSet,
    /// Its time is that of the query.
    pub sample: Sample,
}

/// What a query read and returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries that the store handed over.
    pub entries_scanned: u64,
    /// Bytes of their lines.
    pub bytes_scanned: u64,
    /// Entries that passed the query's stages.
    pub entries_passed: u64,
    /// Lines or samples in the answer.
    pub returned: u64,
}

/// The same entries grouped by the streams' own labels alone: what Loki's `categorize-labels` flag asks for.
/// `newest_first` tells the order in which the entries are.
pub fn categorized(streams: Vec<StreamAnswer>, newest_first: bool) -> Vec<StreamAnswer> {
    let mut groups: BTreeMap<LabelSet, Vec<EntryAnswer>> = BTreeMap::new();
    for stream in streams {
        groups.entry(stream.stream).or_default().extend(stream.entries);
    }
    let order =
        |e: &EntryAnswer| if newest_first { -i128::from(e.timestamp_ns) } else { e.timestamp_ns.into() };
    let group = |(labels, mut entries): (LabelSet, Vec<EntryAnswer>)| {
        entries.sort_by_key(order);
        StreamAnswer { stream: labels.clone(), labels, entries }
    };
    groups.into_iter().map(group).collect()
}
