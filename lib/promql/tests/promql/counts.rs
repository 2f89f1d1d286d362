//! Histograms of which only counts and sums are read.

use std::sync::Arc;

use crate::memory::{Everything, Memory};
use event::{Bucket, Histogram, HistogramSample, HistogramSeries, Labels};
use promql::{Answer, Options, Value, parse, query_instant};

/// Two counters: what one has counted grows, that of the other moves to another bucket and so has started again.
fn storage() -> Everything {
    let sample = |timestamp_ms, index, count| {
        let positive = vec![Bucket { index, count }];
        let histogram = Arc::new(Histogram { count, sum: count, positive, ..Histogram::default() });
        HistogramSample { timestamp_ms, histogram }
    };
    let series = |host, samples: [(i32, f64); 2]| HistogramSeries {
        labels: Labels::from([("__name__", "h"), ("host", host)]),
        samples: samples
            .iter()
            .zip(1..)
            .map(|((index, count), at)| sample(at * 10_000, *index, *count))
            .collect(),
    };
    let histograms = vec![series("a", [(1, 5.0), (1, 7.0)]), series("b", [(1, 5.0), (2, 6.0)])];
    Everything { numbers: Memory::default(), histograms, starts: Vec::new() }
}

fn answer(query: &str) -> Answer {
    query_instant(&parse(query).unwrap(), &storage(), 20_000, &Options::default()).unwrap()
}

fn number(query: &str) -> f64 {
    let Value::Vector(found) = answer(query).value else { panic!("no vector") };
    found[0].1.value
}

#[test]
fn a_restart_that_only_buckets_tell_is_seen_where_only_counts_are_read() {
    let increase = |host| number(&format!("histogram_count(increase(h{{host=\"{host}\"}}[10001ms]))"));
    assert_eq!(increase("a").round(), 2.0);
    assert_eq!(increase("b").round(), 6.0);
}

#[test]
fn of_counters_put_together_some_of_which_have_started_again_a_query_warns() {
    let conflicts = |query: &str| {
        let warned = |text: &String| text.contains("conflicting counter resets during histogram aggregation");
        answer(query).warnings.iter().any(warned)
    };
    assert_eq!(number("histogram_count(sum(h))"), 13.0);
    assert!(conflicts("histogram_count(sum(h))") && conflicts("histogram_avg(avg(h))"));
    // What needs the buckets sees the histograms as they were written, and these do not tell.
    for query in ["sum(h)", "histogram_quantile(0.5, sum(h))", "histogram_count(sum(h </ 100))"] {
        assert!(!conflicts(query), "{query}");
    }
}
