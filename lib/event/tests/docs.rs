//! The examples that `docs/` shows to other programs are what this code reads and writes.

use std::path::Path;

use event::{Alert, Codec, Event};

/// The blocks of JSON in a page that begin as an event or alert does.
fn examples(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = std::fs::read_to_string(path).expect("the page is there");
    let blocks = text.split("```json\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.map(str::to_owned).collect()
}

fn plain(json: &str) -> serde_json::Value {
    serde_json::from_str(json).expect("an example is JSON")
}

#[test]
fn events_are_written_as_the_page_shows_them() {
    let examples = examples("events.md");
    let decoded = |i: usize| event::decode(examples[i].as_bytes()).expect("an example is an event");
    let (Event::Logs(_), Event::Samples(_), Event::Tick(_)) = (decoded(0), decoded(1), decoded(2)) else {
        panic!("the examples are a log entry, a sample and a tick, in this order");
    };
    let Event::Samples(batch) = decoded(3) else { panic!("the fourth example is a native histogram") };
    assert_eq!(batch.histograms[0].samples[0].histogram.positive[1].count, 5.0);
    for i in [0, 2, 3] {
        let written = event::encode(&decoded(i), Codec::Json);
        assert_eq!(plain(std::str::from_utf8(&written[0]).unwrap()), plain(&examples[i]));
    }
}

#[test]
fn alerts_are_written_as_the_page_shows_them() {
    let shown = examples("alerts.md").remove(0);
    let alert = Alert::from_json(shown.as_bytes()).expect("the example is an alert");
    assert_eq!(plain(std::str::from_utf8(&alert.to_json()).unwrap()), plain(&shown));
}

#[test]
fn the_fingerprint_of_the_example_is_that_of_its_labels() {
    let alert = Alert::from_json(examples("alerts.md")[0].as_bytes()).unwrap();
    assert_eq!(alert.fingerprint, format!("{:016x}", alert.labels.fingerprint()));
}
