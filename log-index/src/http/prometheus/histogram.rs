//! Native histograms in Prometheus' JSON.

use event::{Histogram, HistogramSample};
use promql::ranges;
use serde::Serialize;

use crate::http::number::{Number, Seconds};

/// Count, sum, and the buckets that are not empty.
#[derive(Serialize)]
pub(super) struct Written {
    count: Number,
    sum: Number,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<(u8, Number, Number, Number)>,
}

/// `[time, histogram]`
pub(super) fn pair(sample: &HistogramSample) -> (Seconds, Written) {
    (Seconds(sample.timestamp_ms), written(&sample.histogram))
}

fn written(histogram: &Histogram) -> Written {
    let full = ranges(histogram).into_iter().filter(|range| range.count != 0.0);
    let bucket = |range: promql::Range| {
        // Which bounds belong to the bucket: 0 the upper, 1 the lower, 2 none, 3 both.
        let bounds = match range.includes(histogram) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        };
        let [lower, upper, count] = [range.lower, range.upper, range.count].map(Number);
        (bounds, lower, upper, count)
    };
    Written {
        count: Number(histogram.count),
        sum: Number(histogram.sum),
        buckets: full.map(bucket).collect(),
    }
}

#[cfg(test)]
mod tests {
    use event::Bucket;

    use super::*;

    #[test]
    fn buckets_say_which_of_their_bounds_belong_to_them() {
        let bucket = |index, count| Bucket { index, count };
        let histogram = Histogram {
            count: 7.0,
            sum: 1.5,
            zero_threshold: 0.5,
            zero_count: 1.0,
            positive: vec![bucket(1, 2.0), bucket(2, 0.0)],
            negative: vec![bucket(1, 4.0)],
            ..Histogram::default()
        };
        let sample = HistogramSample { timestamp_ms: 1500, histogram: histogram.into() };
        let buckets = r#"[[1,"-2","-1","4"],[3,"-0.5","0.5","1"],[0,"1","2","2"]]"#;
        let expected = format!(r#"[1.5,{{"count":"7","sum":"1.5","buckets":{buckets}}}]"#);
        assert_eq!(serde_json::to_string(&pair(&sample)).unwrap(), expected);
    }
}
