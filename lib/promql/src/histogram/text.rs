//! Histograms in words.

use event::Histogram;

use super::{range::Range, ranges};

/// As Prometheus writes it: count, sum, and the buckets that are not empty, from the lowest.
pub fn text(histogram: &Histogram) -> String {
    let mut parts =
        vec![format!("count:{}", number(histogram.count)), format!("sum:{}", number(histogram.sum))];
    for range in ranges(histogram).iter().filter(|range| range.count != 0.0) {
        let (left, right) = brackets(histogram, range);
        let (lower, upper) = (number(range.lower), number(range.upper));
        parts.push(format!("{left}{lower},{upper}{right}:{}", number(range.count)));
    }
    format!("{{{}}}", parts.join(", "))
}

/// The bound further from zero belongs to the bucket; of custom ones the upper.
fn brackets(histogram: &Histogram, range: &Range) -> (char, char) {
    let around_zero = !histogram.is_custom() && range.lower <= 0.0 && range.upper >= 0.0;
    match range {
        _ if around_zero => ('[', ']'),
        Range { lower, .. } if histogram.is_custom() => (if *lower < 0.0 { '[' } else { '(' }, ']'),
        Range { upper, .. } if *upper <= 0.0 => ('[', ')'),
        _ => ('(', ']'),
    }
}

fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        value => value.to_string(),
    }
}
