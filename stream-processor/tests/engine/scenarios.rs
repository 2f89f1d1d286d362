//! Every case of every file in `tests/scenarios`.

use crate::case::{Case, run, show_alerts, show_series};

#[test]
fn every_scenario_gives_what_it_says() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let cases: Vec<Case> =
            serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for case in cases {
            count += 1;
            let name = format!("{}: {}", path.file_name().unwrap().display(), case.case);
            failures.extend(check(&case).err().map(|difference| format!("{name}\n{difference}")));
        }
    }
    assert!(count > 10, "only {count} cases found");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn check(case: &Case) -> Result<(), String> {
    let mut engine = case.engine();
    let outputs = run(&mut engine, &case.inputs());
    let problems = engine.take_problems();
    compare("alerts", &case.alerts, &show_alerts(&outputs, case.annotations))?;
    match &case.series {
        Some(series) => compare("series", series, &show_series(&outputs))?,
        None if !problems.is_empty() => return Err(format!("{problems:?}")),
        None => {}
    }
    Ok(())
}

fn compare(what: &str, expected: &str, found: &str) -> Result<(), String> {
    if expected.trim() == found.trim() {
        return Ok(());
    }
    Err(format!("expected {what}:\n{}\nfound:\n{}", expected.trim(), found.trim()))
}
