//! What a collector writes into: series under node_exporter's names, and what they mean.

use event::{Labels, METRIC_NAME, MetricFamily, Sample, Series};

/// The values of one moment.
pub struct Metrics {
    base: Labels,
    timestamp_ms: i64,
    /// With labels, in the order in which they were taken.
    pub series: Vec<Series>,
    /// Type and help of each name.
    pub families: Vec<MetricFamily>,
}

impl Metrics {
    /// Every series carries `base`.
    pub fn new(base: Labels, timestamp_ms: i64) -> Self {
        Metrics { base, timestamp_ms, series: Vec::new(), families: Vec::new() }
    }

    /// A value that only grows.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add("counter", name, help, labels, value);
    }

    /// A value that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add("gauge", name, help, labels, value);
    }

    /// A value of which the kernel does not say which of the two it is.
    pub fn untyped(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add("unknown", name, help, labels, value);
    }

    fn add(&mut self, kind: &str, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        let named = self.base.iter().chain([(METRIC_NAME, name)]).chain(labels.iter().copied());
        let sample = Sample { timestamp_ms: self.timestamp_ms, value };
        self.series.push(Series { labels: named.collect(), samples: vec![sample] });
        // Collectors write all series of a name together.
        if self.families.iter().rev().take(64).all(|family| family.name != name) {
            self.families.push(MetricFamily {
                name: name.into(),
                kind: kind.into(),
                help: help.into(),
                unit: String::new(),
            });
        }
    }
}

/// The number at `at` among the words of a line.
pub fn number(words: &[&str], at: usize) -> Option<f64> {
    words.get(at)?.parse().ok()
}

/// A name of the kernel's as a part of a metric's: `Active(anon)` becomes `Active_anon`.
pub fn metric_part(name: &str) -> String {
    let part: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    part.trim_end_matches('_').to_owned()
}
