//! Native histograms as tests write them: `{{schema:0 sum:5 count:4 buckets:[1 2 1]}}`.

use event::{Bucket, Histogram, ResetHint};

use super::values::number;
use crate::ParseError;

/// From what stands between `{{` and `}}`.
pub fn parse(text: &str) -> Result<Histogram, ParseError> {
    let mut found = Histogram::default();
    let (mut offsets, mut counts) = ([0, 0], [Vec::new(), Vec::new()]);
    for (key, value) in fields(text) {
        let wrong = || ParseError::new(format!("`{key}:{value}` in a histogram is no value"));
        let single = || number(value).ok_or_else(wrong);
        let whole = || value.parse::<i32>().map_err(|_| wrong());
        let many = || {
            let words = value.trim_matches(['[', ']']).split_whitespace();
            words.map(|word| number(word).ok_or_else(wrong)).collect::<Result<Vec<f64>, _>>()
        };
        match key {
            "schema" => found.schema = whole()?,
            "sum" => found.sum = single()?,
            "count" => found.count = single()?,
            "z_bucket" => found.zero_count = single()?,
            "z_bucket_w" => found.zero_threshold = single()?,
            "custom_values" => found.bounds = many()?.into(),
            "offset" => offsets[0] = whole()?,
            "n_offset" => offsets[1] = whole()?,
            "buckets" => counts[0] = many()?,
            "n_buckets" => counts[1] = many()?,
            "counter_reset_hint" => found.reset = hint(value).ok_or_else(wrong)?,
            _ => return Err(ParseError::new(format!("`{key}` is no key of a histogram"))),
        }
    }
    let buckets = |side: usize| {
        let counts = counts[side].iter().zip(offsets[side]..);
        counts.map(|(count, index)| Bucket { index, count: *count }).collect()
    };
    (found.positive, found.negative) = (buckets(0), buckets(1));
    Ok(found)
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

const HINTS: [(&str, ResetHint); 4] = [
    ("unknown", ResetHint::Unknown),
    ("reset", ResetHint::Reset),
    ("not_reset", ResetHint::NotReset),
    ("gauge", ResetHint::Gauge),
];

fn hint(text: &str) -> Option<ResetHint> {
    HINTS.iter().find(|(name, _)| *name == text).map(|(_, hint)| *hint)
}

/// The histogram as a test writes it, in Prometheus' order of the keys; what is zero is left out.
pub fn describe_histogram(histogram: &Histogram) -> String {
    let mut parts = Vec::new();
    if histogram.schema != 0 {
        parts.push(format!("schema:{}", histogram.schema));
    }
    let numbers = [
        ("count", histogram.count),
        ("sum", histogram.sum),
        ("z_bucket", histogram.zero_count),
        ("z_bucket_w", histogram.zero_threshold),
    ];
    parts.extend(numbers.iter().filter(|(_, n)| *n != 0.0).map(|(key, n)| format!("{key}:{n}")));
    if histogram.is_custom() {
        parts.push(format!("custom_values:{}", list(histogram.bounds.iter().copied())));
    }
    if histogram.reset != ResetHint::Unknown {
        let name = HINTS.iter().find(|(_, hint)| *hint == histogram.reset).map_or("", |(name, _)| name);
        parts.push(format!("counter_reset_hint:{name}"));
    }
    parts.extend(side("offset", "buckets", &histogram.positive));
    parts.extend(side("n_offset", "n_buckets", &histogram.negative));
    format!("{{{{{}}}}}", parts.join(" "))
}

/// Buckets from the first to the last that hold something, with the empty ones between them.
fn side(offset: &str, name: &str, buckets: &[Bucket]) -> Vec<String> {
    let filled = || buckets.iter().filter(|bucket| bucket.count != 0.0);
    let (Some(first), Some(last)) = (filled().map(|b| b.index).min(), filled().map(|b| b.index).max()) else {
        return Vec::new();
    };
    let count = |index: i32| filled().find(|b| b.index == index).map_or(0.0, |b| b.count);
    let place = (first != 0).then(|| format!("{offset}:{first}"));
    place.into_iter().chain([format!("{name}:{}", list((first..=last).map(count)))]).collect()
}

fn list(numbers: impl Iterator<Item = f64>) -> String {
    let numbers: Vec<String> = numbers.map(|n| n.to_string()).collect();
    format!("[{}]", numbers.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_reads_back() {
        let text = "{{schema:1 count:32.1 sum:-0.3 z_bucket:7.1 z_bucket_w:0.05 counter_reset_hint:not_reset \
                    offset:-3 buckets:[5.1 0 7] n_offset:-5 n_buckets:[4.1 5]}}";
        let inside = text.trim_start_matches("{{").trim_end_matches("}}");
        assert_eq!(describe_histogram(&parse(inside).unwrap()), text);
        let custom = parse("schema:-53 custom_values:[1 2] buckets:[0 3 0]").unwrap();
        assert_eq!(describe_histogram(&custom), "{{schema:-53 custom_values:[1 2] offset:1 buckets:[3]}}");
        assert_eq!(describe_histogram(&Histogram::default()), "{{}}");
    }
}
