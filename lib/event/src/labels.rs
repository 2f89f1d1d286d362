//! A label set: what names a stream of log entries or a series of samples.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::MapAccess, ser::SerializeMap};
use thiserror::Error;
use xxhash_rust::xxh64::Xxh64;

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";
/// What names and values of a label set may take together. No store keeps more.
pub const MAX_LABEL_BYTES: usize = 32 << 10;
/// So much of a label set that is too long is shown.
const SHOWN: usize = 100;

/// A label set that nobody takes in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the labels {start}… take {bytes} bytes; at most {MAX_LABEL_BYTES} are allowed")]
pub struct LabelsTooLong {
    bytes: usize,
    start: String,
}

/// Sorted by name, each name once, no empty value (an empty value means "not there", as in Prometheus).
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Labels(Arc<str>); // in one piece: see [`pack`]

impl Labels {
    /// The value of `name`, or `None`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The value of `__name__`, or `""`.
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    /// Name and value, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        Unpacked(&self.0)
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same set with one label set to a new value (an empty one removes it).
    pub fn with(&self, name: &str, value: &str) -> Self {
        self.iter().filter(|(n, _)| *n != name).chain([(name, value)]).collect()
    }

    /// The labels whose names `keep` accepts.
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        self.iter().filter(|(n, _)| keep(n)).collect()
    }

    /// # Errors
    /// When names and values take more than [`MAX_LABEL_BYTES`].
    pub fn check_size(&self) -> Result<(), LabelsTooLong> {
        let bytes = self.iter().map(|(name, value)| name.len() + value.len()).sum();
        let start = || self.to_string().chars().take(SHOWN).collect();
        if bytes > MAX_LABEL_BYTES { Err(LabelsTooLong { bytes, start: start() }) } else { Ok(()) }
    }

    /// Identity of the set as a number: xxHash64 over its names and values. Stable over versions and machines.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Xxh64::new(0);
        for (name, value) in self.iter() {
            hash.update(name.as_bytes());
            hash.update(&[0xff]);
            hash.update(value.as_bytes());
            hash.update(&[0xff]);
        }
        hash.digest()
    }
}

/// The label that has the most different values in `all`, and how many: what to look at where there are too many series.
/// Of equal ones the last by name.
pub fn widest_label<'a, L>(all: impl IntoIterator<Item = L>) -> Option<(String, usize)>
where
    L: IntoIterator<Item = (&'a str, &'a str)>,
{
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in all.into_iter().flatten() {
        values.entry(name).or_default().insert(value);
    }
    let widest =
        values.into_iter().map(|(name, values)| (name, values.len())).max_by_key(|(_, count)| *count);
    widest.map(|(name, count)| (name.to_owned(), count))
}

/// As of the pairs in their order.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for Labels {
    fn default() -> Self {
        Labels(Arc::from(""))
    }
}

/// Sorts; of two labels with one name the later one stays; empty values vanish.
impl<N: Borrow<str>, V: Borrow<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut all: Vec<(N, V)> = pairs.into_iter().collect();
        all.sort_by(|a, b| a.0.borrow().cmp(b.0.borrow()));
        all.dedup_by(|later, kept| {
            let same = later.0.borrow() == kept.0.borrow();
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        all.retain(|(_, value)| !value.borrow().is_empty());
        Labels(pack(all.iter().map(|(name, value)| (name.borrow(), value.borrow()))))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Labels {
    fn from(pairs: [(&str, &str); N]) -> Self {
        pairs.into_iter().collect()
    }
}

/// The form of Prometheus and Loki: `{host="web1", job="syslog"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Labels;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of label names to label values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut pairs: Vec<(String, String)> = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Bits of a length in one byte; the next bit says that there are more. Such bytes are text, as all around them is.
const LENGTH_BITS: u32 = 6;
const MORE: u8 = 1 << LENGTH_BITS;

/// All names and values in one text, each behind its length.
fn pack<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Arc<str> {
    let texts = pairs.flat_map(|(name, value)| [name, value]);
    let mut packed = String::with_capacity(texts.clone().map(|text| text.len() + 2).sum());
    for text in texts {
        let mut length = text.len();
        while length >= usize::from(MORE) {
            packed.push(char::from((length as u8 % MORE) | MORE));
            length >>= LENGTH_BITS;
        }
        packed.push(char::from(length as u8));
        packed.push_str(text);
    }
    packed.into()
}

/// What is left of a packed text.
#[derive(Clone)]
struct Unpacked<'a>(&'a str);

impl<'a> Unpacked<'a> {
    fn text(&mut self) -> &'a str {
        let (mut length, mut digits) = (0, 0);
        for byte in self.0.bytes() {
            length |= usize::from(byte % MORE) << (LENGTH_BITS * digits);
            digits += 1;
            if byte < MORE {
                break;
            }
        }
        let (text, rest) = self.0[digits as usize..].split_at(length);
        self.0 = rest;
        text
    }
}

impl<'a> Iterator for Unpacked<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| (self.text(), self.text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_keeps_the_last_of_a_name_and_drops_empty_values() {
        let labels = Labels::from([("job", "a"), ("host", "web1"), ("job", "b"), ("level", "")]);
        assert_eq!(labels.to_string(), r#"{host="web1", job="b"}"#);
        assert_eq!(labels.get("level"), None);
        assert_eq!(labels.with("job", ""), Labels::from([("host", "web1")]));
    }

    #[test]
    fn texts_of_any_length_come_back_and_order_is_that_of_the_pairs() {
        let long: Vec<String> = [1, 63, 64, 4_095, 4_096, 70_000].map(|length| "ä".repeat(length)).to_vec();
        for value in &long {
            let labels = Labels::from([("a", value.as_str()), (value.as_str(), "b")]);
            assert_eq!(
                (labels.get("a"), labels.get(value), labels.len()),
                (Some(value.as_str()), Some("b"), 2)
            );
        }
        let order = [
            [("a", "b"), ("c", "")],
            [("a", "b"), ("b", "a")],
            [("a", "ba"), ("c", "")],
            [("aa", "a"), ("c", "")],
        ];
        assert!(order.map(Labels::from).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn fingerprints_are_stable_and_do_not_mix_names_with_values() {
        assert_eq!(Labels::default().fingerprint(), 0xef46db3751d8e999);
        let (a, b) = (Labels::from([("ab", "c")]), Labels::from([("a", "bc")]));
        assert_ne!(a.fingerprint(), b.fingerprint());
    }

    #[test]
    fn reads_back_what_it_writes_as_json() {
        let labels = Labels::from([("job", "a \"quoted\" one"), ("host", "web1")]);
        let text = serde_json::to_string(&labels).unwrap();
        assert_eq!(serde_json::from_str::<Labels>(&text).unwrap(), labels);
    }
}
