//! `rules check`, `test` and `list`.

use crate::harness::{run, stdout, text};

#[test]
fn rule_files_are_checked_one_by_one_and_every_error_has_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, expr: &str| {
        let rules = format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {expr}\n");
        std::fs::write(dir.path().join(name), rules).unwrap();
    };
    let pattern = dir.path().join("*.yml").display().to_string();
    write("good.yml", "up == 0");
    let good = run(&["rules", "check", &pattern]);
    assert!(stdout(&good).ends_with("good.yml: 1 rules\n"), "{}", text(&good));
    write("bad.yml", "sum(up");
    let bad = run(&["rules", "check", &pattern]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad).contains("bad.yml:5:") && text(&bad).contains("good.yml: 1 rules"), "{}", text(&bad));
    let one = dir.path().join("bad.yml").display().to_string();
    let diff = text(&run(&["rules", "diff", &one, &one, "--since", "1h"]));
    assert!(diff.starts_with("error: ") && !diff.starts_with("error: error: "), "{diff}");
}

#[test]
fn lints_are_chosen_and_may_be_fatal() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.yml").display().to_string();
    let rule = "{alert: A, expr: up == 0, owner: web}";
    std::fs::write(&file, format!("groups: [{{name: g, rules: [{rule}, {rule}]}}]")).unwrap();
    let check = |more: &[&str]| run(&[&["rules", "check", &file], more].concat());
    assert_eq!(check(&["--lint-fatal"]).status.code(), Some(1));

    let check = |more: &[&str]| check(&[&["--ignore-unknown-fields"], more].concat());
    let codes = [
        (vec![], 0),
        (vec!["--lint-fatal"], 3),
        (vec!["--lint-fatal", "--lint=duplicate-rules"], 3),
        (vec!["--lint-fatal", "--lint=none"], 0),
    ];
    for (flags, code) in codes {
        let output = check(&flags);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {}", text(&output));
        let told = text(&output).contains("2 rules give `A` with the same labels");
        assert_eq!(told, !flags.contains(&"--lint=none"), "{flags:?}: {}", text(&output));
    }
}

#[test]
fn unit_tests_write_their_results_as_junit_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let test = |name: &str, value: u8| {
        let expr = format!("{{expr: up, eval_time: 0, exp_samples: [{{labels: up, value: {value}}}]}}");
        let series = "input_series: [{series: up, values: 1}]";
        format!("{{name: {name}, {series}, promql_expr_test: [{expr}]}}")
    };
    std::fs::write(path("t.yml"), format!("tests: [{}, {}]", test("one", 1), test("two", 2))).unwrap();
    let run =
        |more: &[&str]| run(&[&["rules", "test", &path("t.yml"), "--junit", &path("t.xml")], more].concat());
    let junit = || std::fs::read_to_string(path("t.xml")).unwrap();

    let both = run(&["--diff", "--debug"]);
    assert_eq!(both.status.code(), Some(1));
    let shown = text(&both);
    assert!(shown.contains("DEBUG: Test one took") && shown.contains("1 @[0]"), "{shown}");
    assert!(shown.contains("      + {__name__=\"up\"} 1E+00"), "{shown}");
    assert!(junit().contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{}", junit());

    assert_eq!(run(&["--run", "one"]).status.code(), Some(0));
    assert!(junit().contains("tests=\"1\" failures=\"0\" errors=\"0\""), "{}", junit());
}

#[test]
fn experimental_promql_is_taken_unless_features_are_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.yml").display().to_string();
    std::fs::write(&file, "groups: [{name: g, rules: [{alert: A, expr: 'limitk(1, up) > 0'}]}]").unwrap();
    let check = |more: &[&str]| text(&run(&[&["rules", "check", &file][..], more].concat()));
    let chosen = |names: &str| check(&["--enable-feature", names]);
    for shown in [check(&[]), chosen("promql-duration-expr,promql-experimental-functions")] {
        assert!(shown.ends_with("1 rules\n"), "{shown}");
    }
    let refused = chosen("promql-duration-expr");
    assert!(refused.contains("--enable-feature=promql-experimental-functions"), "{refused}");
    assert!(chosen("promql-magic").contains("no feature is named \"promql-magic\""));

    let config = dir.path().join("config.yaml").display().to_string();
    std::fs::write(&config, format!("processor: {{rules: [{file}]}}\npromql: {{enable_feature: []}}\n"))
        .unwrap();
    let shown = text(&run(&["config", "check", &config]));
    assert!(shown.contains("--enable-feature=promql-experimental-functions"), "{shown}");
}

#[test]
fn the_built_in_rules_are_listed() {
    let shown = text(&run(&["rules", "list"]));
    for name in ["HostOutOfMemory", "HostOutOfDiskSpace", "HostSwapsFillingUp"] {
        assert!(shown.contains(name), "{name} is not in\n{shown}");
    }
}
