//! Unit test files of rules: those that pass, and those that do not with what is said about them.

use std::sync::Arc;

use config::Source;
use stream_processor::unit_test::{self, Options, Report};

fn failures(name: &str) -> Vec<String> {
    failures_of(&path(name))
}

fn path(name: &str) -> String {
    format!("{}/tests/unit_tests/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn failures_of(path: &str) -> Vec<String> {
    reports(path, &Options::default()).into_iter().flat_map(|report| report.failures).collect()
}

fn reports(path: &str, options: &Options) -> Vec<Report> {
    let loaded = unit_test::load(path, options).unwrap_or_else(|e| panic!("{e}"));
    let program = Arc::new(loaded.program.unwrap_or_else(|e| panic!("{e}")));
    let tests = loaded.file.tests.iter();
    tests.map(|test| unit_test::run(&loaded.file, test, &program, options)).collect()
}

#[test]
fn what_is_expected_passes() {
    assert_eq!(failures("good_test.yml"), Vec::<String>::new());
}

#[test]
fn each_ready_rule_file_passes_its_test() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/rules");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_stem().unwrap().to_string_lossy();
            assert_eq!(failures_of(&format!("{folder}/tests/{name}_test.yml")), Vec::<String>::new());
        }
    }
}

#[test]
fn what_differs_is_told_in_promtools_words() {
    let expected = include_str!("unit_tests/bad_test.txt");
    assert_eq!(failures("bad_test.yml").join("\n"), expected.trim_end_matches('\n'));
}

#[test]
fn a_difference_is_shown_line_by_line() {
    let options = Options { diff: true, ..Options::default() };
    let reports = reports(&path("bad_test.yml"), &options);
    let shown = reports.iter().flat_map(|report| &report.failures).cloned().collect::<Vec<_>>().join("\n");
    assert_eq!(shown, include_str!("unit_tests/bad_test.diff.txt").trim_end_matches('\n'));
}

#[test]
fn all_data_is_told_up_to_the_last_time_that_a_test_looks_at() {
    let reports = reports(&path("good_test.yml"), &Options { data: true, ..Options::default() });
    let data = &reports[1].data;
    assert!(data.contains(
        r#"{__name__="grows"} =>
0 @[0]
2 @[60000]
4 @[120000]
6 @[180000]"#
    ));
    assert!(
        data.contains(
            r#"{__name__="latency"} =>
{{count:2 sum:3 buckets:[2]}} @[0]"#
        ),
        "{data}"
    );
    assert!(data.contains("7 @[360000]") && !data.contains("@[420000]"), "{data}");
}

#[test]
fn unknown_keys_are_passed_over_where_that_is_asked_for() {
    let wrong = |ignore_unknown_fields| {
        let options = Options { ignore_unknown_fields, ..Options::default() };
        unit_test::load(&path("extended_test.yml"), &options).map(|loaded| loaded.program.is_err())
    };
    assert!(wrong(false).is_err_and(|error| error.to_string().contains("unknown key `owner`")));
    assert!(!wrong(true).unwrap());
}

#[test]
fn a_rule_that_fails_ends_its_test() {
    let failures = failures("failing_rule_test.yml");
    assert!(failures[0].starts_with("    rule: joined, time: 0s, err: "), "{failures:?}");
    assert_eq!(failures.len(), 1);
}

#[test]
fn a_test_file_that_is_wrong_says_everything_with_its_place() {
    let text = "
tests:
  - input_series:
      - {series: 'up{', values: 1}
      - {series: up, values: 1 two}
    alert_rule_test:
      - {eval_time: soon, alertname: A}
      - eval_time: 1m
    colour: red
group_eval_order: [a, a]
";
    let problems = unit_test::parse(&Source::new("test.yml", text)).unwrap_err();
    let lines: Vec<usize> = problems.0.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [4, 5, 7, 8, 9, 10], "{problems}");
}
