//! Limits, and what callers ask of a query before they run it.

use std::cell::Cell;

use crate::memory::Memory;
use event::{Labels, Matcher};
use promql::{
    EvalError, Options, Selected, Stop, Storage, StorageError, Value, ValueType, parse, query_instant,
    query_range,
};

fn storage() -> Memory {
    let samples: Vec<(i64, f64)> = (0..100).map(|i| (i * 1000, i as f64)).collect();
    Memory::default().with(Labels::from([("__name__", "a")]), &samples)
}

#[test]
fn more_samples_than_allowed_end_the_query() {
    let options = Options { max_samples: 50, ..Options::default() };
    let error = query_instant(&parse("sum_over_time(a[2m])").unwrap(), &storage(), 99_000, &options);
    assert!(matches!(error, Err(EvalError::TooManySamples { limit: 50, .. })));
}

#[test]
fn a_query_of_too_many_series_names_the_label_that_has_the_most_values() {
    let series = |memory: Memory, id: usize| {
        let labels = [("__name__", "a"), ("host", ["x", "y"][id % 2]), ("id", &id.to_string())];
        memory.with(Labels::from(labels), &[(1_000, 1.0)])
    };
    let storage = (0..20).fold(Memory::default(), series);
    let options = Options { max_samples: 15, ..Options::default() };
    let error = query_instant(&parse("sum(a)").unwrap(), &storage, 1_000, &options).unwrap_err().to_string();
    assert!(error.ends_with("(limit: 15 samples); label `id` has the most values (20)"), "{error}");
}

#[test]
fn a_subquery_of_a_billion_steps_is_refused_before_it_starts() {
    for query in ["max_over_time(vector(1)[10y:1ms])", "count_over_time(a[290y:1ms])"] {
        let error = query_instant(&parse(query).unwrap(), &storage(), 99_000, &Options::default());
        let refused =
            matches!(error, Err(EvalError::TooManySamples { .. }) | Err(EvalError::TooManySteps { .. }));
        assert!(refused, "{query}: {error:?}");
    }
}

#[test]
fn labels_that_double_and_double_are_refused() {
    let doubled = |inner: String| format!(r#"label_replace({inner}, "x", "$1$1", "x", "(.*)")"#);
    let start = r#"label_replace(vector(1), "x", "text", "", "")"#.to_string();
    let query = (0..40).fold(start, |inner, _| doubled(inner));
    let error = query_instant(&parse(&query).unwrap(), &storage(), 0, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("more than 65536 bytes"), "{error}");
}

#[test]
fn numbers_that_no_series_brings_count_as_samples() {
    let numbers = "time() ^ (".repeat(80) + "1" + &")".repeat(80);
    let query = format!("max_over_time(vector({numbers})[100s:1s])");
    let options = Options { max_samples: 1000, ..Options::default() };
    let error = query_instant(&parse(&query).unwrap(), &storage(), 0, &options);
    assert!(matches!(error, Err(EvalError::TooManySamples { .. })), "{error:?}");
}

#[test]
fn more_steps_than_allowed_are_refused() {
    let query = parse("a").unwrap();
    let options = Options::default();
    let range = |end| query_range(&query, &storage(), 0, end, 1, &options);
    assert!(range(10_999).is_ok());
    assert!(matches!(range(11_000), Err(EvalError::TooManySteps { limit: 11_000 })));
}

#[test]
fn impossible_ranges_are_bad_requests() {
    let query = parse("a").unwrap();
    for (start, end, step) in
        [(0, 10, 0), (0, 10, -1), (10, 0, 1), (i64::MIN, i64::MAX, 1), (0, i64::MAX, i64::MAX)]
    {
        let answer = query_range(&query, &storage(), start, end, step, &Options::default());
        assert!(matches!(answer, Err(EvalError::BadRequest(_))), "{start} {end} {step}: {answer:?}");
    }
}

#[test]
fn a_cancelled_query_ends() {
    let asked = Cell::new(0);
    let cancelled = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let options = Options { cancelled: Some(&cancelled), ..Options::default() };
    let error = query_instant(&parse("a + a + a + a + a").unwrap(), &storage(), 0, &options);
    assert!(matches!(error, Err(EvalError::Cancelled)));
}

#[test]
fn a_failing_storage_fails_the_query() {
    struct Broken;
    impl Storage for Broken {
        fn select(&self, _: &[Matcher], _: i64, _: i64, _: Stop<'_>) -> Result<Selected, StorageError> {
            Err(StorageError("segment 7 is damaged".into()))
        }
    }
    let error = query_instant(&parse("a").unwrap(), &Broken, 0, &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "storage: segment 7 is damaged");
}

#[test]
fn a_storage_is_told_when_there_is_no_use_in_reading_on() {
    struct Endless;
    impl Storage for Endless {
        fn select(&self, _: &[Matcher], _: i64, _: i64, stop: Stop<'_>) -> Result<Selected, StorageError> {
            assert_eq!((0..).find(|read| stop(*read)), Some(51));
            Ok(Selected::default())
        }
    }
    let options = Options { max_samples: 50, ..Options::default() };
    let error = query_instant(&parse("a").unwrap(), &Endless, 0, &options).unwrap_err();
    assert!(matches!(error, EvalError::TooManySamples { limit: 50, .. }), "{error}");
}

#[test]
fn each_selector_is_selected_once_for_the_whole_range() {
    struct Recorder(Cell<Vec<(i64, i64)>>);
    impl Storage for Recorder {
        fn select(&self, _: &[Matcher], start: i64, end: i64, _: Stop<'_>) -> Result<Selected, StorageError> {
            let mut seen = self.0.take();
            seen.push((start, end));
            self.0.set(seen);
            Ok(Selected::default())
        }
    }
    let recorder = Recorder(Cell::default());
    let query = parse("rate(a[1m]) + b offset 10s").unwrap();
    query_range(&query, &recorder, 600_000, 900_000, 1000, &Options::default()).unwrap();
    assert_eq!(recorder.0.take(), [(540_001, 900_000), (290_001, 890_000)]);
}

#[test]
fn pieces_of_a_series_are_joined() {
    let labels = || Labels::from([("__name__", "a")]);
    let pieces = Memory::default()
        .with(labels(), &[(2000, 2.0), (3000, 3.0)])
        .with(labels(), &[(0, 0.0), (1000, 1.0), (2000, 2.0)]);
    let query = parse("sum_over_time(a[1m]) * 10 + count_over_time(a[1m])").unwrap();
    let answer = query_instant(&query, &pieces, 3000, &Options::default()).unwrap();
    let Value::Vector(samples) = answer.value else { panic!("no vector") };
    assert_eq!(samples[0].1.value, 64.0);
}

#[test]
fn queries_tell_how_far_back_they_read() {
    let reach = |text: &str| parse(text).unwrap().lookback_ms(&Options::default());
    assert_eq!(reach("1"), 0);
    assert_eq!(reach("a"), 300_000);
    assert_eq!(reach("rate(a[1m] offset 1m) + a"), 300_000);
    assert_eq!(reach("max_over_time(rate(a[10m])[1h:1m] offset 1m)"), 71 * 60_000);
    assert_eq!(reach("a offset -10m"), 0);
    assert_eq!(reach("rate(a[1h] @ 100)"), 0);
    assert_eq!(reach("rate(a[1h] @ end())"), 3_600_000);
}

#[test]
fn queries_tell_their_selectors_and_type() {
    let query = parse(r#"sum by (x) (rate(a{x!="1"}[5m])) > scalar(b @ 100)"#).unwrap();
    assert_eq!(query.value_type(), ValueType::Vector);
    let selectors = query.selectors();
    let written: Vec<String> = selectors[0].matchers.iter().map(|m| m.to_string()).collect();
    assert_eq!(written, [r#"__name__="a""#, r#"x!="1""#]);
    assert_eq!((selectors[0].reach_ms, selectors[0].fixed), (300_000, false));
    assert!(selectors[1].fixed);
    let info = parse("info(a)").unwrap().selectors();
    assert_eq!(info[1].matchers[0].to_string(), r#"__name__="target_info""#);
    assert_eq!(parse("a[5m]").unwrap().value_type(), ValueType::Matrix);
    assert_eq!(parse("1 + time()").unwrap().value_type(), ValueType::Scalar);
}
