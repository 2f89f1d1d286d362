use event::proto::{remote_write as pb, remote_write_v2 as pb_v2};

use super::*;

/// Why a request of version 1.0 with these series is refused.
fn refusal(all: &[&[(&str, &str)]]) -> String {
    let label = |(name, value): &(&str, &str)| pb::Label { name: (*name).into(), value: (*value).into() };
    let series = |pairs: &&[(&str, &str)]| pb::TimeSeries {
        labels: pairs.iter().map(label).collect(),
        ..pb::TimeSeries::default()
    };
    let request = pb::WriteRequest { timeseries: all.iter().map(series).collect(), metadata: Vec::new() };
    v1::decode(&request.encode_to_vec()).unwrap_err().1
}

#[test]
fn both_versions_say_the_same() {
    let label = |name: &str, value: &str| pb::Label { name: name.into(), value: value.into() };
    let histograms = vec![pb::Histogram { timestamp: 6, sum: 1.5, ..pb::Histogram::default() }];
    let series = pb::TimeSeries {
        labels: vec![label(METRIC_NAME, "up"), label("job", "a")],
        samples: vec![pb::Sample { value: 1.0, timestamp: 5 }],
        histograms: histograms.clone(),
    };
    let metadata =
        pb::MetricMetadata { r#type: 2, metric_family_name: "up".into(), help: "h".into(), unit: "".into() };
    let one = pb::WriteRequest { timeseries: vec![series], metadata: vec![metadata] };
    let two = pb_v2::Request {
        symbols: ["", METRIC_NAME, "up", "job", "a", "h"].map(String::from).to_vec(),
        timeseries: vec![pb_v2::TimeSeries {
            labels_refs: vec![1, 2, 3, 4],
            samples: vec![pb_v2::Sample { value: 1.0, timestamp: 5 }],
            histograms,
            metadata: Some(pb_v2::Metadata { r#type: 2, help_ref: 5, unit_ref: 0 }),
        }],
    };
    let batch = v1::decode(&one.encode_to_vec()).unwrap();
    assert_eq!((batch.series.len(), batch.histograms[0].samples[0].histogram.sum), (1, 1.5));
    assert_eq!(batch, v2::decode(&two.encode_to_vec()).unwrap());
    let without = pb_v2::Request { symbols: Vec::new(), ..two }.encode_to_vec();
    assert!(v2::decode(&without).unwrap_err().1.contains("symbol 1"));
}

#[test]
fn series_need_a_name_and_each_label_once() {
    assert!(refusal(&[&[("job", "a")]]).contains("has no name"));
    assert!(refusal(&[&[(METRIC_NAME, "up"), ("a", "1"), ("a", "2")]]).contains("\"a\" twice"));
    assert!(refusal(&[&[("a", "1"), (METRIC_NAME, "up"), ("b", "1"), ("a", "2")]]).contains("\"a\" twice"));
    assert!(refusal(&[&[(METRIC_NAME, "up"), ("", "1")]]).contains("without text"));
}

#[test]
fn a_series_is_judged_before_the_next_one_is_read() {
    let broken = [0xff];
    let first = pb::WriteRequest { timeseries: vec![pb::TimeSeries::default()], metadata: Vec::new() };
    let first = v1::decode(&[&first.encode_to_vec()[..], &broken].concat());
    assert!(first.unwrap_err().1.contains("has no name"));
    let up = [(METRIC_NAME, "up")];
    assert!(refusal(&[&up, &[("job", "a")]]).contains("{job=\"a\"} has no name"));
}

#[test]
fn no_series_has_more_labels_than_any_client_makes() {
    let names: Vec<String> = (0..MOST_LABELS).map(|number| format!("l{number}")).collect();
    let labels: Vec<_> =
        [(METRIC_NAME, "up")].into_iter().chain(names.iter().map(|name| (name.as_str(), "1"))).collect();
    assert!(refusal(&[&labels]).contains("metric \"up\" has more than 1000 labels"));
    assert!(refusal(&[&labels[..MOST_LABELS], &[("job", "a")]]).contains("has no name"));
}
