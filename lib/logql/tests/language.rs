//! What holds for every query, and for hostile ones.

mod memory;

use event::Labels;
use logql::{
    Direction, EntryRef, EvalError, Options, Range, Value, categorized, parse, parse_log, parse_selector,
    query_instant, query_range,
};
use memory::Memory;
use proptest::prelude::*;

/// Pieces that queries are made of, in any order.
const PIECES: [&str; 70] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "[5m]",
    ",",
    "=",
    "!=",
    "=~",
    "!~",
    "|=",
    "|~",
    "|>",
    "!>",
    "|",
    "or",
    "and",
    "unless",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "bool",
    "offset",
    "5m",
    "-",
    "+",
    "*",
    "/",
    "^",
    "%",
    ">",
    "<=",
    "==",
    "1",
    "0.5",
    "1e3",
    "0x1p2",
    "10KB",
    "\"x\"",
    "`y`",
    "\"a{{.b}}\"",
    "\"(?P<n>.)\"",
    "\"<n> <_>\"",
    "app",
    "job",
    "{app=\"a\"}",
    "sum",
    "rate",
    "count_over_time",
    "topk",
    "label_replace",
    "quantile_over_time",
    "json",
    "logfmt",
    "--strict",
    "unwrap",
    "duration",
    "bytes",
    "line_format",
    "label_format",
    "drop",
    "keep",
    "decolorize",
    "ip",
    "vector",
    "#",
];

const STAGES: [&str; 24] = [
    r#"|= "a""#,
    r#"!~ "b.*" or "c""#,
    r#"|> "<_> x <_>""#,
    r#"|= ip("10.0.0.0/8") or "x\n\"y""#,
    "| json",
    r#"| json a="b.c[0]", d"#,
    "| logfmt --strict --keep-empty",
    r#"| logfmt a="b""#,
    r#"| regexp "(?P<a>\\d+)""#,
    r#"| pattern "<a> - <_>""#,
    "| unpack",
    "| decolorize",
    r#"| line_format "{{.a}} `""#,
    r#"| label_format a=b, c="{{.d}}""#,
    "| drop a, b=\"c\"",
    "| keep a, b!~\"c\"",
    "| a=1",
    "| a > 1.5 or b <= 2h3m",
    "| a>=1.5KB and (b=~`x` or c!=\"\")",
    r#"| a=ip("1.2.3.4-1.2.3.9")"#,
    r#"| a="b" c="d", e="f" or g="h""#,
    "| a == 1e999",
    "| a < 1.5µs",
    r#"| __error__="""#,
];

fn log_query() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&STAGES[..]), 0..6)
        .prop_map(|stages| format!("{{a=\"b\", c=~`d.+`}} {}", stages.join(" ")))
}

fn metric_query() -> impl Strategy<Value = String> {
    let range = (
        log_query(),
        prop::sample::select(vec!["rate", "count_over_time", "bytes_rate", "absent_over_time"]),
    );
    let unwrapped = (log_query(), prop::sample::select(vec!["avg_over_time", "quantile_over_time"]));
    let leaf = prop_oneof![
        range.prop_map(|(log, op)| format!("{op}({log} [5m] offset 1h)")),
        unwrapped.prop_map(|(log, op)| {
            let parameter = if op.starts_with('q') { "0.5," } else { "" };
            format!("{op}({parameter} {log} | unwrap duration(x) | y > 1 [1h]) by (a, b)")
        }),
        Just("vector(1.5)".to_owned()),
    ];
    leaf.prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|q| format!("sum by (a) ({q})")),
            inner.clone().prop_map(|q| format!("topk(3, {q}) without (b)")),
            inner.clone().prop_map(|q| format!("label_replace({q}, \"a\", \"$1\", \"b\", \"(.*)\")")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l}) / on (a) group_left (b) ({r})")),
            (inner.clone(), inner).prop_map(|(l, r)| format!("{l} + 1 / 0 > bool {r} or {l}")),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        let _ = parse(&text);
        let _ = parse_selector(&text);
    }

    #[test]
    fn no_order_of_tokens_makes_the_parser_panic(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24)
    ) {
        if let Ok(expr) = parse(&pieces.join(" ")) {
            prop_assert_eq!(parse(&expr.to_string()).unwrap().to_string(), expr.to_string());
        }
    }

    #[test]
    fn no_regular_expression_makes_anything_panic(
        pattern in "[\\[\\]{}()\\\\wWdDsSbBpQEx^$|*+?.:&~a1é-]{0,20}",
        line in "\\PC{0,20}",
    ) {
        let quoted = pattern.replace('\\', "\\\\");
        if let Ok(query) = parse(&format!("{{a=\"b\"}} |~ \"{quoted}\"")) {
            let mut memory = Memory::default();
            memory.push(1, Labels::from([("a", "b")]), line.as_bytes(), Vec::new());
            let range = Range { start_ns: 0, end_ns: 10, step_ns: 1 };
            query_range(&query, &memory, &range, &Options::default()).unwrap();
        }
    }

    #[test]
    fn a_query_prints_as_it_parses(query in prop_oneof![log_query(), metric_query()]) {
        let printed = parse(&query).unwrap().to_string();
        prop_assert_eq!(parse(&printed).unwrap().to_string(), printed);
    }

    #[test]
    fn no_line_makes_a_stage_panic(
        line in prop::collection::vec(any::<u8>(), 0..60),
        text in "[\\[\\]{}\":,=a1 \\\\<>.]{0,40}",
        query in log_query(),
    ) {
        let mut memory = Memory::default();
        memory.push(1, Labels::from([("a", "b"), ("c", "dd")]), &line, Vec::new());
        memory.push(2, Labels::from([("a", "b"), ("c", "dd")]), text.as_bytes(), Vec::new());
        let range = Range { start_ns: 0, end_ns: 10, step_ns: 1 };
        query_range(&parse(&query).unwrap(), &memory, &range, &Options::default()).unwrap();
    }
}

#[test]
fn deep_nesting_and_long_queries_are_refused() {
    let nested = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(10_000), close.repeat(10_000))
    };
    let deep = [
        nested("(", "1", ")"),
        nested("sum(", "vector(1)", ")"),
        nested("1^", "1", ""),
        format!("{{a=\"b\"}} | {}", nested("(", "a=1", ")")),
        format!("{{a=\"b\"}} | {}", nested("a=1, ", "a=1", "")),
        format!("rate({}", nested("(", "{a=\"b\"}[5m]", ")")),
        format!("vector(1){}", "+vector(1)".repeat(10_000)),
    ];
    for query in &deep {
        let message = parse(query).unwrap_err().message;
        assert!(message.contains("deeper") || message.contains("operators"), "{message}");
    }
    assert!(parse(&format!("{{a=\"{}\"}}", "x".repeat(200_000))).unwrap_err().message.contains("too long"));
    assert!(parse(r#"{a="b"} |~ "((x{100}){100}){100}""#).is_err());
}

#[test]
fn what_is_just_within_the_limits_is_answered() {
    let sums = format!("{}vector(1){}", "sum(".repeat(95), ")".repeat(95));
    let powers = format!("{}1", "vector(1)^".repeat(95));
    let sum = format!("vector(1){}", "+vector(1)".repeat(95));
    for (query, value) in [(sums, 1.0), (powers, 1.0), (sum, 96.0)] {
        let expr = parse(&query).unwrap();
        let answer = query_instant(&expr, &Memory::default(), 1, &Options::default()).unwrap();
        let Value::Vector(vector) = answer.value else { panic!("no vector") };
        assert_eq!(vector[0].sample.value, value);
    }
}

#[test]
fn a_selector_alone_may_match_everything() {
    assert_eq!(parse_selector(r#"{a="b", c!~"d"}"#).unwrap().len(), 2);
    assert_eq!(parse_selector("{}").unwrap().len(), 0);
    assert!(parse_selector(r#"{a="b"} |= "c""#).is_err());
    assert!(parse("{} | json").is_err() && parse_log("{} | json").is_ok());
    assert!(parse_log(r#"rate({a="b"}[5m])"#).is_err());
    let both = parse(r#"rate({a="b"}[1m]) / rate({c="d"}[1m])"#).unwrap();
    let names: Vec<&str> = both.selectors().iter().map(|s| s[0].name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
}

fn three_lines() -> Memory {
    let mut memory = Memory::default();
    let metadata = vec![("pod".to_owned(), "p".to_owned())];
    memory.push(1, Labels::from([("a", "b")]), b"x=1", metadata);
    memory.push(2, Labels::from([("a", "b")]), b"x=2 \xff", Vec::new());
    memory.push(3, Labels::from([("a", "c")]), b"x=3", Vec::new());
    memory
}

#[test]
fn bytes_that_are_not_text_are_found_and_shown() {
    let query = parse(r#"{a="b"} |~ "2 [^a]""#).unwrap();
    let range = Range { start_ns: 0, end_ns: 10, step_ns: 1 };
    let answer = query_range(&query, &three_lines(), &range, &Options::default()).unwrap();
    let Value::Streams(streams) = answer.value else { panic!("no streams") };
    assert_eq!(streams[0].entries[0].line, "x=2 \u{fffd}");
}

#[test]
fn labels_can_be_told_apart_by_where_they_come_from() {
    let query = parse(r#"{a=~".+"} | logfmt"#).unwrap();
    let range = Range { start_ns: 0, end_ns: 10, step_ns: 1 };
    let options = Options { direction: Direction::Forward, ..Options::default() };
    let answer = query_range(&query, &three_lines(), &range, &options).unwrap();
    assert_eq!((answer.stats.entries_scanned, answer.stats.returned), (3, 3));
    let Value::Streams(streams) = answer.value else { panic!("no streams") };
    assert_eq!(streams.len(), 3);
    let groups = categorized(streams, false);
    assert_eq!(groups.iter().map(|g| g.labels.to_string()).collect::<Vec<_>>(), [r#"{a="b"}"#, r#"{a="c"}"#]);
    let first = &groups[0].entries[0];
    assert_eq!(first.metadata, [("pod".to_owned(), "p".to_owned())]);
    assert_eq!(first.parsed, [("x".to_owned(), "1".to_owned())]);
}

#[test]
fn limits_and_cancellation_end_a_query() {
    let memory = three_lines();
    let query = parse(r#"count_over_time({a=~".+"} | logfmt [1m])"#).unwrap();
    let few = Options { max_series: 2, ..Options::default() };
    let error = query_instant(&query, &memory, 5, &few).unwrap_err();
    assert!(
        matches!(error, EvalError::Limit(_)) && error.to_string().contains("has the most values (2)"),
        "{error}"
    );
    let range = Range { start_ns: 0, end_ns: 100, step_ns: 1 };
    let coarse = Options { max_steps: 100, ..Options::default() };
    assert!(matches!(query_range(&query, &memory, &range, &coarse), Err(EvalError::Limit(_))));

    let small = Options { max_bytes: 100, ..Options::default() };
    let wide = Options { max_bytes: 3_000, ..Options::default() };
    assert_eq!(
        query_range(&query, &memory, &range, &wide),
        Err(EvalError::TooManyBytes { limit: 3_000 }),
        "three series of a hundred values each"
    );
    assert_eq!(query_instant(&query, &memory, 5, &small), Err(EvalError::TooManyBytes { limit: 100 }));
    let quantiles = parse(r#"quantile_over_time(0.5, {a=~".+"} | unwrap n [1m])"#).unwrap();
    let mut numbers = Memory::default();
    (0..1_000).for_each(|i| numbers.push(i, Labels::from([("a", "b"), ("n", "1")]), b"x", Vec::new()));
    assert!(matches!(query_instant(&quantiles, &numbers, 2_000, &wide), Err(EvalError::TooManyBytes { .. })));

    let mut many = Memory::default();
    (0..10_000).for_each(|i| many.push(i, Labels::from([("a", "b")]), b"x", Vec::new()));
    let cancelled = Options { cancelled: Some(&|| true), limit: 100_000, ..Options::default() };
    assert_eq!(query_instant(&query, &many, 20_000, &cancelled), Err(EvalError::Cancelled));
    let log = parse(r#"{a="b"}"#).unwrap();
    let all = Range { start_ns: 0, end_ns: 20_000, step_ns: 1 };
    assert_eq!(query_range(&log, &many, &all, &cancelled), Err(EvalError::Cancelled));
    assert_eq!(query_range(&log, &many, &all, &small), Err(EvalError::TooManyBytes { limit: 100 }));
    assert!(query_range(&log, &many, &all, &Options { limit: 1, ..wide }).is_ok());
}

#[test]
fn a_line_of_very_many_labels_is_marked_and_not_searched_for_ever() {
    let line: String = (0..200_000).map(|i| format!("k{i}=v ")).collect();
    let mut memory = Memory::default();
    memory.push(1, Labels::from([("a", "b")]), line.as_bytes(), Vec::new());
    let query = parse(r#"{a="b"} | logfmt | __error__="LabelLimitErr" | k999="v" | k1000="""#).unwrap();
    let range = Range { start_ns: 0, end_ns: 10, step_ns: 1 };
    assert_eq!(query_range(&query, &memory, &range, &Options::default()).unwrap().stats.returned, 1);
}

#[test]
fn a_field_with_a_very_long_name_is_left_out_with_all_that_is_in_it() {
    let fields = r#""a":1,"#.repeat(100_000);
    let line = format!(r#"{{"{}":{{{fields}"b":2}},"c":3}}"#, "k".repeat(1_000_000));
    let log = parse_log(r#"{a="b"} | json"#).unwrap();
    let entry = EntryRef { timestamp_ns: 1, line: line.as_bytes(), metadata: &[] };
    let answer = log.process(&Labels::from([("a", "b")]), entry).unwrap();
    assert_eq!(answer.labels.to_string(), r#"{a="b", c="3"}"#);
}

#[test]
fn entries_can_be_processed_one_by_one() {
    let log = parse_log(r#"{a="b"} | logfmt | x > 1"#).unwrap();
    let stream = Labels::from([("a", "b")]);
    let process = |line| log.process(&stream, EntryRef { timestamp_ns: 7, line, metadata: &[] });
    assert_eq!(process(b"x=1"), None);
    let answer = process(b"x=2").unwrap();
    assert_eq!(
        (answer.labels.to_string().as_str(), answer.entries[0].timestamp_ns),
        (r#"{a="b", x="2"}"#, 7)
    );
}

#[test]
fn a_query_may_go_from_thread_to_thread() {
    fn movable<T: Send + Sync>(_: &T) {}
    movable(&parse(r#"rate({a="b"} | json | line_format "{{.c}}" |~ "d" [5m])"#).unwrap());
}

#[test]
fn a_log_query_has_no_answer_at_an_instant() {
    let error =
        query_instant(&parse(r#"{a="b"}"#).unwrap(), &three_lines(), 5, &Options::default()).unwrap_err();
    assert!(error.to_string().starts_with("log queries are not supported as an instant query type"));
}
