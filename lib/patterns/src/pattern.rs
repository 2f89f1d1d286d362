//! One pattern, and when its lines were seen.

use std::collections::BTreeMap;

use xxhash_rust::xxh64::xxh64;

use crate::{VALUE, tokens};

/// A pattern and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub(crate) tokens: Vec<String>,
    /// Lines by the beginning of their step (in nanoseconds since 1970).
    pub counts: BTreeMap<i64, u64>,
    /// When its first line was written, in nanoseconds since 1970.
    pub first_seen_ns: i64,
    /// The same of the last one.
    pub last_seen_ns: i64,
}

impl Pattern {
    pub(crate) fn new(tokens: Vec<String>) -> Self {
        Pattern { tokens, counts: BTreeMap::new(), first_seen_ns: i64::MAX, last_seen_ns: i64::MIN }
    }

    /// As LogQL's `|>` takes it.
    pub fn text(&self) -> String {
        tokens::text(&self.tokens)
    }

    /// A number for the text, the same on every machine.
    pub fn id(&self) -> u64 {
        xxh64(self.text().as_bytes(), 0)
    }

    /// How many lines it has.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    pub(crate) fn count(&mut self, lines: u64, time_ns: i64, step_ns: i64) {
        let step = time_ns.div_euclid(step_ns).saturating_mul(step_ns);
        *self.counts.entry(step).or_default() += lines;
        self.first_seen_ns = self.first_seen_ns.min(time_ns);
        self.last_seen_ns = self.last_seen_ns.max(time_ns);
    }

    /// The share of tokens that a line has in common with it.
    pub(crate) fn likeness(&self, tokens: &[String]) -> f64 {
        let same = self.tokens.iter().zip(tokens).filter(|(own, other)| own == other).count();
        same as f64 / self.tokens.len().max(1) as f64
    }

    /// Makes values of the tokens in which `tokens` differ.
    pub(crate) fn widen(&mut self, tokens: &[String]) {
        for (own, other) in self.tokens.iter_mut().zip(tokens) {
            if own != other && own != VALUE {
                *own = tokens::merged(own, other);
            }
        }
    }
}

/// Whether `line` has the fixed parts of `text` in their order, from its beginning to its end.
pub fn matches(text: &str, line: &str) -> bool {
    let mut parts = text.split(VALUE);
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_matches_lines_with_its_fixed_parts_in_order() {
        assert!(matches("user <_> came from <_>", "user bob came from here"));
        assert!(matches("<_> b", "a b"));
        assert!(matches("same", "same"));
        assert!(!matches("same", "same and more"));
        assert!(!matches("user <_> came", "a user x came"));
        assert!(!matches("a<_>b<_>b", "ab"), "each part needs its own place");
    }
}
