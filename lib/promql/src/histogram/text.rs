//! Histograms in words.

use event::Histogram;

use super::ranges;

/// As Prometheus writes it: count, sum, and the buckets that are not empty, from the lowest.
pub fn text(histogram: &Histogram) -> String {
    let mut parts =
        vec![format!("count:{}", number(histogram.count)), format!("sum:{}", number(histogram.sum))];
    for range in ranges(histogram).iter().filter(|range| range.count != 0.0) {
        let (with_lower, with_upper) = range.includes(histogram);
        let (left, right) = (if with_lower { '[' } else { '(' }, if with_upper { ']' } else { ')' });
        let (lower, upper) = (number(range.lower), number(range.upper));
        parts.push(format!("{left}{lower},{upper}{right}:{}", number(range.count)));
    }
    format!("{{{}}}", parts.join(", "))
}

fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        value => value.to_string(),
    }
}
