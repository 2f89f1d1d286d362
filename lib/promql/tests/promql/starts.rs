//! Start timestamps: what functions of counters make of them.

use std::sync::Arc;

use crate::memory::{Everything, Memory};
use event::{Histogram, HistogramSample, HistogramSeries, Labels};
use promql::{Answer, Features, Options, Start, StartSeries, Value, parse_with, query_instant};

/// Two series, of numbers and of histograms: samples of these values every ten seconds from 10 s on, and the seconds
/// of their starts.
fn storage(samples: &[(f64, Option<i64>)]) -> Everything {
    let timed = || samples.iter().zip(1..).map(|((value, start), at)| (at * 10_000, *value, *start));
    let numbers: Vec<(i64, f64)> = timed().map(|(time, value, _)| (time, value)).collect();
    let histograms = timed().map(|(timestamp_ms, value, _)| {
        let histogram = Arc::new(Histogram { count: value, sum: value, ..Histogram::default() });
        HistogramSample { timestamp_ms, histogram }
    });
    let starts: Vec<Start> = timed()
        .filter_map(|(timestamp_ms, _, s)| Some(Start { timestamp_ms, start_ms: s? * 1000 }))
        .collect();
    let starts = |name| StartSeries { labels: named(name), starts: starts.clone() };
    Everything {
        numbers: Memory::default().with(named("n_total"), &numbers),
        histograms: vec![HistogramSeries { labels: named("h"), samples: histograms.collect() }],
        starts: vec![starts("n_total"), starts("h")],
    }
}

fn named(name: &str) -> Labels {
    Labels::from([("__name__", name)])
}

fn answer(storage: &Everything, query: &str, features: Features) -> Answer {
    query_instant(&parse_with(query, features).unwrap(), storage, 40_000, &Options::default()).unwrap()
}

fn used() -> Features {
    Features::named(Features::default().names().chain(["use-start-timestamps"])).unwrap()
}

/// The number that the query gives, with start timestamps and without.
fn both(storage: &Everything, query: &str) -> [Option<f64>; 2] {
    [used(), Features::default()].map(|features| {
        let Value::Vector(found) = answer(storage, query, features).value else { panic!("no vector") };
        found.first().map(|(_, sample)| sample.value)
    })
}

/// As [`both`], of numbers and of histograms.
fn both_kinds(storage: &Everything, query: &str) -> [Option<f64>; 2] {
    let numbers = both(storage, &query.replace("counter", "n_total"));
    let histograms = both(storage, &format!("histogram_count({})", query.replace("counter", "h")));
    assert_eq!(numbers, histograms, "{query}");
    numbers
}

#[test]
fn a_counter_that_has_started_again_and_is_higher_all_the_same_has_lost_its_value() {
    let storage = storage(&[(10.0, None), (20.0, None), (30.0, Some(25)), (40.0, Some(25))]);
    let query = "increase(counter[30001ms])";
    assert_eq!(both_kinds(&storage, query).map(|found| found.map(f64::round)), [Some(50.0), Some(30.0)]);
    assert_eq!(both(&storage, "resets(n_total[1m])"), [Some(1.0), Some(0.0)]);
    assert_eq!(both(&storage, "resets(h[1m])"), [Some(1.0), Some(0.0)]);
    assert_eq!(both_kinds(&storage, "irate(counter[30s] offset 10s)"), [Some(3.0), Some(1.0)]);
    // They are no part of what a subquery gives, and gauges have none.
    for query in ["resets(n_total[1m:10s])", "delta(n_total[1m])", "idelta(n_total[30s] offset 10s)"] {
        let [used, unused] = both(&storage, query);
        assert_eq!(used, unused, "{query}");
    }
}

#[test]
fn a_counter_that_began_within_the_window_grows_from_zero() {
    let one = storage(&[(7.0, Some(5))]);
    assert_eq!(both_kinds(&one, "increase(counter[1m])"), [Some(7.0), None]);
    assert_eq!(both_kinds(&one, "rate(counter[35s])"), [None, None], "where it began is not in the window");
    let more = storage(&[(30.0, Some(5)), (40.0, Some(5)), (50.0, Some(5)), (60.0, Some(5))]);
    assert_eq!(both_kinds(&more, "increase(counter[40s])"), [Some(60.0), Some(40.0)]);
}

#[test]
fn a_start_that_reaches_into_the_sample_before_is_warned_of() {
    let storage = storage(&[(1.0, Some(5)), (2.0, Some(7)), (3.0, Some(7))]);
    for name in ["n_total", "h"] {
        let query = format!("rate({name}[1m])");
        let warnings = answer(&storage, &query, used()).warnings;
        let expected = format!(
            "PromQL warning: sample has start time that overlaps with previous sample timestamp for metric {name:?} (1:6)"
        );
        assert_eq!(warnings, [expected]);
        assert_eq!(answer(&storage, &query, Features::default()).warnings, [""; 0]);
        assert_eq!(answer(&storage, &query.replace("1m", "20s"), used()).warnings, [""; 0]);
    }
}

#[test]
fn start_timestamp_tells_when_the_counter_of_a_selectors_sample_began() {
    let storage = storage(&[(1.0, Some(5)), (2.0, None)]);
    assert_eq!(both(&storage, "start_timestamp(n_total)"), [Some(0.0), None]);
    assert_eq!(both(&storage, "start_timestamp(n_total offset 25s)"), [Some(5.0), None]);
    assert_eq!(both(&storage, "start_timestamp(h offset 25s)"), [Some(5.0), None]);
    assert_eq!(both(&storage, "start_timestamp(n_total offset 25s * 1)"), [None, None]);
}
