//! The list of fault points and the code agree.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const CALL: &str = "fault::point(\"";

#[test]
fn every_point_in_the_code_is_listed_once_and_stands_in_one_place() {
    let mut files = Vec::new();
    for service in ["lib/bus", "shipper", "stream-processor", "log-index"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(service).join("src"), &mut files);
    }
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect::<Vec<_>>();
    let mut found: Vec<&str> = texts.iter().flat_map(|text| points(text)).collect();
    found.sort_unstable();
    let listed: BTreeSet<&str> = fault::POINTS.iter().copied().collect();
    assert_eq!(listed.len(), fault::POINTS.len(), "a point is listed twice");
    assert_eq!(found, Vec::from_iter(listed));
}

fn points(text: &str) -> impl Iterator<Item = &str> {
    text.split(CALL).skip(1).filter_map(|rest| rest.split_once('"')).map(|(name, _)| name)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
