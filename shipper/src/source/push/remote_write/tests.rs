use event::proto::{remote_write as pb, remote_write_v2 as pb_v2};

use super::*;

const LIMITS: Limits = Limits { request: 100_000, labels: 15, line: 1000 };

fn decode(decode: Decode, body: &[u8]) -> Result<SampleBatch, String> {
    decode(body, Budget::new(&LIMITS)).map_err(|Refusal(_, reason)| reason)
}

/// Why a request of version 1.0 with these series is refused.
fn refusal(all: &[&[(&str, &str)]]) -> String {
    let label = |(name, value): &(&str, &str)| pb::Label { name: (*name).into(), value: (*value).into() };
    let series = |pairs: &&[(&str, &str)]| pb::TimeSeries {
        labels: pairs.iter().map(label).collect(),
        ..pb::TimeSeries::default()
    };
    let request = pb::WriteRequest { timeseries: all.iter().map(series).collect(), metadata: Vec::new() };
    decode(v1::decode, &request.encode_to_vec()).unwrap_err()
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
    let batch = decode(v1::decode, &one.encode_to_vec()).unwrap();
    assert_eq!((batch.series.len(), batch.histograms[0].samples[0].histogram.sum), (1, 1.5));
    assert_eq!(batch, decode(v2::decode, &two.encode_to_vec()).unwrap());
    let without = pb_v2::Request { symbols: Vec::new(), ..two }.encode_to_vec();
    assert!(decode(v2::decode, &without).unwrap_err().contains("symbol 1"));
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
    let first = decode(v1::decode, &[&first.encode_to_vec()[..], &broken].concat());
    assert!(first.unwrap_err().contains("has no name"));
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

/// A request of version 2.0 with a long symbol and so many series that use it.
fn of_symbol(series: pb_v2::TimeSeries, count: usize) -> Vec<u8> {
    let symbols = vec![String::new(), METRIC_NAME.into(), "up".into(), "x".repeat(LIMITS.request / 2)];
    pb_v2::Request { symbols, timeseries: vec![series; count] }.encode_to_vec()
}

#[test]
fn what_series_and_families_take_is_bounded() {
    let of_labels = pb_v2::TimeSeries { labels_refs: vec![1, 2, 2, 3], ..pb_v2::TimeSeries::default() };
    let metadata = |help_ref, unit_ref| Some(pb_v2::Metadata { r#type: 1, help_ref, unit_ref });
    let described =
        |metadata| pb_v2::TimeSeries { labels_refs: vec![1, 2], metadata, ..pb_v2::TimeSeries::default() };
    for series in [of_labels, described(metadata(3, 0)), described(metadata(0, 3))] {
        assert!(decode(v2::decode, &of_symbol(series.clone(), 5)).is_ok());
        let refusal = decode(v2::decode, &of_symbol(series, 10)).unwrap_err();
        assert!(refusal.contains("more than 400000 bytes"), "{refusal}");
    }
    let up = pb::Label { name: METRIC_NAME.into(), value: "up".into() };
    let histograms = vec![pb::Histogram::default(); 10_000];
    let series = pb::TimeSeries { labels: vec![up], samples: Vec::new(), histograms };
    let request = pb::WriteRequest { timeseries: vec![series], metadata: Vec::new() };
    assert!(decode(v1::decode, &request.encode_to_vec()).is_err());
    let metadata = vec![pb::MetricMetadata::default(); 10_000];
    let request = pb::WriteRequest { timeseries: Vec::new(), metadata };
    assert!(decode(v1::decode, &request.encode_to_vec()).is_err());
}
