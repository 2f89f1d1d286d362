//! Line filters as hints: rows that cannot match are passed over, all others come.

use std::ops::ControlFlow;

use event::Labels;
use logql::{Entries, Expr, LineFilter, Order, Scan};
use proptest::{collection::vec, prelude::*};

use crate::support::Bench;

fn filters(query: &str) -> Vec<LineFilter> {
    let Expr::Log(log) = logql::parse(query).unwrap() else { panic!("{query} answers no lines") };
    log.leading_filters().to_vec()
}

/// What passes the filters, and how many entries the store handed over for it.
fn passed(bench: &Bench, filters: &[LineFilter], order: Order) -> (Vec<String>, usize) {
    let scan = Scan { matchers: &[], start_ns: 0, end_ns: i64::MAX, order, filters, lens: None };
    let (mut lines, mut visited) = (Vec::new(), 0);
    let visit = &mut |_: &Labels, entry: logql::EntryRef<'_>| {
        visited += 1;
        if filters.iter().all(|filter| filter.matches(entry.line)) {
            lines.push(String::from_utf8(entry.line.to_vec()).unwrap());
        }
        ControlFlow::Continue(())
    };
    bench.index().snapshot().scan(&scan, visit).unwrap();
    (lines, visited)
}

fn bench(lines: &[String]) -> Bench {
    let mut bench = Bench::new();
    for (at, line) in lines.iter().enumerate() {
        let labels = Labels::from([("stream", if at % 3 == 0 { "a" } else { "b" })]);
        bench.send_lines(&labels, &[(at as i64, line)]);
        if at == lines.len() / 2 {
            bench.index().flush().unwrap();
        }
    }
    bench
}

#[test]
fn a_needle_is_found_without_visiting_the_hay() {
    let mut lines: Vec<String> = (0..500).map(|n| format!("line {n} of the hay")).collect();
    lines[77] = "the needle".into();
    let bench = bench(&lines);
    let filters = filters(r#"{a="b"} |= "needle" or "no such text" |= "the""#);
    assert_eq!(passed(&bench, &filters, Order::Backward), (vec!["the needle".into()], 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_that_passes_is_left_out(lines in vec("[ab]{0,5}", 1..60)) {
        let bench = bench(&lines);
        for query in [r#"|= "aa""#, r#"|= "ab" or "bbb""#, r#"|= "a" |= "bb""#, r#"|= """#, r#"!= "a""#, r#"|~ "a+b""#, r#"|~ "aa?.*bb" or "b.a""#, r#"|~ "ab.*ba""#] {
            let filters = filters(&format!("{{a=\"b\"}} {query}"));
            let expected: Vec<_> =
                lines.iter().filter(|line| filters.iter().all(|f| f.matches(line.as_bytes()))).cloned().collect();
            prop_assert_eq!(passed(&bench, &filters, Order::Forward).0, expected, "{}", query);
        }
    }
}
