//! No query, however odd, makes the parser or the evaluator panic or overflow the stack.

use crate::memory::Memory;
use event::Labels;
use promql::{MAX_DEPTH, MAX_QUERY_BYTES, Options, parse, query_instant, query_range};
use proptest::{prelude::*, sample};

fn storage() -> Memory {
    let samples: Vec<(i64, f64)> = (0..20).map(|i| (i * 60_000, (i % 7) as f64)).collect();
    Memory::default()
        .with(Labels::from([("__name__", "a"), ("x", "1"), ("le", "1")]), &samples)
        .with(Labels::from([("__name__", "a"), ("x", "2"), ("le", "+Inf")]), &samples)
        .with(Labels::from([("__name__", "b"), ("x", "1")]), &samples[..5])
}

fn run(text: &str) {
    let options = Options { max_samples: 20_000, max_steps: 100, ..Options::default() };
    if let Ok(query) = parse(text) {
        let _ = query_instant(&query, &storage(), 600_000, &options);
        let _ = query_range(&query, &storage(), 0, 1_200_000, 60_000, &options);
        assert!(parse(&query.to_string()).is_ok(), "{query} came from {text}");
    }
}

/// Words of the language in any order, for the parser.
fn soup() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "a",
        "b",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        ",",
        "5m",
        "1",
        "0",
        "-",
        "+",
        "*",
        "/",
        "%",
        "^",
        "==",
        "!=",
        "<",
        ">",
        "=~",
        "!~",
        "=",
        "\"x\"",
        "'",
        "\"",
        "`",
        "\\",
        "#",
        "@",
        "offset",
        "start()",
        "end()",
        "sum",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "bool",
        "and",
        "or",
        "unless",
        "rate",
        "topk",
        "count_values",
        "1e400",
        "NaN",
        "Inf",
        "0x",
        "é",
        "5mm",
        "1y",
        "fill(1)",
        "abs(",
        "time()",
        "\n",
    ];
    proptest::collection::vec(sample::select(WORDS), 0..25).prop_map(|words| words.join(" "))
}

/// Queries that mostly parse, for the evaluator.
fn vector() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_string()),
        Just("b".to_string()),
        Just("{x=~\".+\"}".to_string()),
        Just("a offset 2m".to_string()),
        Just("a @ 300".to_string()),
        Just("vector(time())".to_string()),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        const FUNCTIONS: &[&str] =
            &["abs", "info", "round", "sort", "absent", "timestamp", "hour", "sgn", "histogram_avg"];
        const RANGES: &[&str] =
            &["rate", "deriv", "avg_over_time", "changes", "absent_over_time", "stddev_over_time"];
        const AGGREGATES: &[&str] =
            &["sum", "avg", "topk by (x) (2, ", "quantile(0.5, ", "stddev without (x)", "limitk(1, "];
        const OPERATORS: &[&str] = &[
            "+",
            "/",
            "> bool",
            "and",
            "or",
            "unless",
            "== on(x) group_left()",
            "* ignoring(le)",
            "- fill(0)",
        ];
        prop_oneof![
            (sample::select(FUNCTIONS), inner.clone()).prop_map(|(f, v)| format!("{f}({v})")),
            (sample::select(RANGES), inner.clone()).prop_map(|(f, v)| format!("{f}(({v})[5m:30s])")),
            (sample::select(AGGREGATES), inner.clone()).prop_map(|(f, v)| match f.ends_with(", ") {
                true => format!("{f}{v})"),
                false => format!("{f}({v})"),
            }),
            (inner.clone(), sample::select(OPERATORS), inner.clone())
                .prop_map(|(l, op, r)| format!("({l}) {op} ({r})")),
            inner.clone().prop_map(|v| format!("histogram_quantile(0.9, {v})")),
            inner.clone().prop_map(|v| format!("count_values(\"v\", {v})")),
            inner.clone().prop_map(|v| format!("label_replace({v}, \"x\", \"$1\", \"le\", \"(.*)\")")),
            inner.prop_map(|v| format!("clamp(-({v}), scalar({v}), 3)")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        run(&text);
    }

    #[test]
    fn any_words_are_parsed_or_refused(text in soup()) {
        run(&text);
    }

    #[test]
    fn what_parses_evaluates_or_is_refused(text in vector()) {
        prop_assert!(parse(&text).is_ok(), "{}: {:?}", text, parse(&text));
        run(&text);
    }
}

#[test]
fn deep_nesting_is_refused_and_what_is_allowed_evaluates() {
    let nested = |depth: usize| format!("{}a{}", "abs(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(100_000)).is_err());
    assert!(parse(&nested(MAX_DEPTH + 1)).is_err());
    run(&nested(MAX_DEPTH));
    for (unit, times) in [("a + ", 900), ("a or ", MAX_DEPTH), ("-", 10_000), ("a ^ ", 900), ("(((", 1000)] {
        run(&format!("{}a", unit.repeat(times)));
    }
    assert!(parse(&format!("{}a", "a or ".repeat(MAX_DEPTH - 1))).is_ok());
    let error = parse(&format!("{}a", "a or ".repeat(MAX_DEPTH + 1))).unwrap_err();
    assert!(error.message.contains("deeper than 200 levels, or chains more operators"), "{error}");
}

#[test]
fn long_queries_are_refused() {
    let error = parse(&format!("a{}", " ".repeat(MAX_QUERY_BYTES))).unwrap_err();
    assert!(error.message.contains("bytes"), "{error}");
}
