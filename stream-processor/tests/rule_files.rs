//! Rule files that are right, and wrong ones with all that is said about them. `UPDATE=1` writes the texts anew.

use std::{fs, path::Path};

use config::Source;
use stream_processor::rules;

fn load(path: &Path) -> Result<(), String> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let source = Source::new(&name, fs::read_to_string(path).unwrap());
    let checked = match name.starts_with("windows") {
        true => rules::check(&[], Some(&source)),
        false => rules::check(&[source], None),
    };
    checked.map(drop).map_err(|problems| problems.to_string())
}

fn files(end: &str) -> Vec<std::path::PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rule_files");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<_> = paths.filter(|p| p.to_string_lossy().ends_with(end)).collect();
    assert!(found.len() > 4, "{end}");
    found
}

#[test]
fn good_files_load() {
    for path in files(".good.yaml") {
        load(&path).unwrap_or_else(|problems| panic!("{problems}"));
    }
}

#[test]
fn bad_files_say_everything_that_is_wrong_with_its_place() {
    for path in files(".bad.yaml") {
        let problems = load(&path).expect_err("the file is wrong");
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, format!("{problems}\n")).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(problems.trim(), expected.trim(), "{}", path.display());
    }
}
