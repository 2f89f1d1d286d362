//! Queries that look at labels from lines: the store shows one line for many, and the answer is the same.

use event::Labels;
use log_index::Snapshot;
use logql::{Direction, Entries, Options, Range, Scan, ScanError, Visit};
use proptest::{collection::vec, prelude::*};

use crate::support::Bench;

/// Entries one by one, without any hint.
struct Plain<'a>(&'a Snapshot);

impl Entries for Plain<'_> {
    fn scan(&self, scan: &Scan<'_>, visit: &mut Visit<'_>) -> Result<(), ScanError> {
        self.0.scan(&Scan { filters: &[], lens: None, ..*scan }, visit)
    }
}

const QUERIES: [&str; 16] = [
    "sum by (status) (count_over_time({a=\"b\"} | json [10s]))",
    "sum by (level, n_id) (count_over_time({a=\"b\"} | json | __error__=`` [10s]))",
    "sum by (msg) (count_over_time({a=\"b\"} | json | status > 3 [10s]))",
    "sum by (a_extracted) (count_over_time({a=\"b\"} |= `1` | json [10s]))",
    "sum by (level) (count_over_time({a=\"b\"} | logfmt [10s]))",
    "sum by (status) (count_over_time({a=\"b\"} != `a1` | logfmt | level=~`.+` [10s]))",
    "sum by (at) (count_over_time({a=\"b\"} | logfmt [10s]))",
    "sum by (status) (count_over_time({a=\"b\"} | pattern `<_> \"<_>\" <status> <_>` [10s]))",
    "sum by (status) (rate({a=\"b\"} | pattern `<_>1<status>.<_>` [10s]))",
    "sum by (at, status) (rate({a=\"b\"} | pattern `<_>[<at> <_>] <_> <status> <_>` [10s]))",
    "sum by (status) (count_over_time({a=\"b\"} | json | logfmt | __error__=~`.*` [10s]))",
    "count_over_time({a=\"b\"} | json | level=`a1` [10s])",
    "sum(sum_over_time({a=\"b\"} | json | level!=`a1` | unwrap status | __error__=`` [10s]))",
    "{a=\"b\"} | json | status = 3",
    "{a=\"b\"} | logfmt | level=~`a.*` | line_format `{{.msg}}`",
    "{a=\"b\"} |~ `[0-9]x?` | pattern `<_> \"<_>\" <status> <_>` | status >= 10",
];

fn answers(snapshot: &Snapshot, query: &str, direction: Direction) -> [String; 2] {
    let (expr, range) =
        (logql::parse(query).unwrap(), Range { start_ns: 0, end_ns: 60_000_000_000, step_ns: 5_000_000_000 });
    let options = Options { limit: 7, direction, ..Options::default() };
    let answer = |entries: &dyn Entries| {
        format!("{:?}", logql::query_range(&expr, entries, &range, &options).map(|answer| answer.value))
    };
    [answer(snapshot), answer(&Plain(snapshot))]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9]{1,2}",
        2 => "(a1|b2|[a-c]{1,2})",
        1 => "(null|true|nil|1e5|0x1f|-3|1\\.5|1\\.2\\.3|10\\.0\\.0\\.[1-3])",
        1 => "(\\\\u00e9|a\\\\n1|x y[0-9]|é[0-9]|\\[1|\"[0-9]|a=1)",
        1 => "2026-11-0[1-3] 10:00:0[0-9]",
        1 => "",
    ]
}

fn line() -> impl Strategy<Value = String> {
    (0..7_usize, [value(), value(), value(), value()]).prop_map(|(form, [a, b, c, d])| match form {
        0 => format!(r#"{{"level":"{a}","status":{b},"msg":"at {c}","n":{{"id":"{d}"}},"a":1,"l":["{c}"]}}"#),
        1 => format!(r#"{{"status":"{a}","x{b}":{c},"n":{{"id":{d},"b":{{}}}}}}"#),
        2 => format!(r#"at="{a}" level={b} status={c} msg="no {d}""#),
        3 => format!(r#"at={a} level={b} {c} status={d} a=2"#),
        4 => format!(r#"10.0.0.1 - {a} [22/Nov/2026:10:00:01 +0000] "GET /{b}" {c} {d}"#),
        5 => format!(r#"2026-11-22 10:00:01 [{a} {b}] {c} {d}"#),
        _ => format!("{a} {b}{c}"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_every_line_looked_at(lines in vec(line(), 1..60)) {
        let mut bench = Bench::new();
        for (at, line) in lines.iter().enumerate() {
            bench.send_lines(&Labels::from([("a", "b")]), &[(at as i64 * 700_000_000, line)]);
            if at == lines.len() * 3 / 4 {
                bench.index().flush().unwrap();
            }
        }
        let snapshot = bench.index().snapshot();
        for query in QUERIES {
            for direction in [Direction::Forward, Direction::Backward] {
                let [quick, plain] = answers(&snapshot, query, direction);
                prop_assert_eq!(quick, plain, "{}", query);
            }
        }
    }
}
