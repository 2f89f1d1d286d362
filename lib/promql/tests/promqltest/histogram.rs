//! Native histograms as the scripts write them: `schema:0 sum:5 count:4 buckets:[1 2 1]`.

use event::{Bucket, Histogram, ResetHint};

use crate::series::number;

/// A histogram, and whether its hint of a restart was written out: then it counts.
#[derive(Clone, Debug)]
pub struct Expected {
    pub histogram: Histogram,
    pub with_hint: bool,
}

/// From what stands between `{{` and `}}`.
pub fn histogram(text: &str) -> Expected {
    let mut expected = Expected { histogram: Histogram::default(), with_hint: false };
    let (mut offsets, mut counts) = ([0, 0], [Vec::new(), Vec::new()]);
    for (key, value) in fields(text) {
        let single = || number(value).unwrap_or_else(|| panic!("{key}:{value}"));
        let many = || value.trim_matches(['[', ']']).split_whitespace().map(|word| number(word).unwrap());
        let found = &mut expected.histogram;
        match key {
            "schema" => found.schema = value.parse().unwrap(),
            "sum" => found.sum = single(),
            "count" => found.count = single(),
            "z_bucket" => found.zero_count = single(),
            "z_bucket_w" => found.zero_threshold = single(),
            "custom_values" => found.bounds = many().collect(),
            "offset" => offsets[0] = value.parse().unwrap(),
            "n_offset" => offsets[1] = value.parse().unwrap(),
            "buckets" => counts[0] = many().collect(),
            "n_buckets" => counts[1] = many().collect(),
            "counter_reset_hint" => {
                found.reset = hint(value);
                expected.with_hint = true;
            }
            _ => panic!("unknown key {key}"),
        }
    }
    let buckets = |side: usize| {
        let counts = counts[side].iter().zip(offsets[side]..);
        counts.map(|(count, index)| Bucket { index, count: *count }).collect()
    };
    (expected.histogram.positive, expected.histogram.negative) = (buckets(0), buckets(1));
    expected
}

fn fields(text: &str) -> Vec<(&str, &str)> {
    let mut fields = Vec::new();
    let mut rest = text.trim();
    while let Some((key, behind)) = rest.split_once(':') {
        let end = match behind.starts_with('[') {
            true => behind.find(']').map_or(behind.len(), |at| at + 1),
            false => behind.find(char::is_whitespace).unwrap_or(behind.len()),
        };
        fields.push((key.trim(), &behind[..end]));
        rest = behind[end..].trim_start();
    }
    fields
}

fn hint(text: &str) -> ResetHint {
    match text {
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NotReset,
        "gauge" => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    }
}

/// The next one of a growing series.
pub fn combined(last: &Expected, growth: &Expected, sign: f64) -> Expected {
    let (a, b) = (&last.histogram, &growth.histogram);
    // A finer one grows the buckets that hold its own.
    let coarser =
        |index: i32| if a.schema < b.schema { ((index - 1) >> (b.schema - a.schema)) + 1 } else { index };
    let side = |a: &[Bucket], b: &[Bucket]| {
        let mut counts = std::collections::BTreeMap::<i32, f64>::new();
        a.iter().for_each(|bucket| *counts.entry(bucket.index).or_default() += bucket.count);
        b.iter().for_each(|bucket| *counts.entry(coarser(bucket.index)).or_default() += sign * bucket.count);
        counts.into_iter().map(|(index, count)| Bucket { index, count }).collect()
    };
    assert!(
        a.schema <= b.schema && a.bounds == b.bounds && a.zero_threshold == b.zero_threshold,
        "{a:?} {b:?}"
    );
    let histogram = Histogram {
        zero_count: a.zero_count + sign * b.zero_count,
        count: a.count + sign * b.count,
        sum: a.sum + sign * b.sum,
        positive: side(&a.positive, &b.positive),
        negative: side(&a.negative, &b.negative),
        ..a.clone()
    };
    Expected { histogram, with_hint: growth.with_hint }
}
