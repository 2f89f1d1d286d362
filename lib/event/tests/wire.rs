//! Every event comes back from the bus as it was sent, in both forms; what cannot be read says why.

use event::{
    Bucket, Codec, DecodeError, Decoder, Event, Histogram, HistogramSample, HistogramSeries, Labels,
    LogBatch, LogEntry, MetricFamily, ResetHint, Sample, SampleBatch, Series, Tick, decode, encode,
};
use proptest::prelude::*;

fn log(line: &[u8], metadata: Vec<(String, String)>) -> Event {
    Event::Logs(LogBatch {
        source: "web1/file/1".into(),
        labels: Labels::from([("host", "web1"), ("job", "syslog")]),
        entries: vec![LogEntry {
            timestamp_ns: 1_700_000_000_123_456_789,
            line: line.to_vec().into(),
            metadata,
            position: 42,
        }],
    })
}

fn samples(value: f64) -> Event {
    Event::Samples(SampleBatch {
        source: "web1/host".into(),
        position: 7,
        series: vec![Series {
            labels: Labels::from([("__name__", "node_load1"), ("host", "web1")]),
            samples: vec![Sample { timestamp_ms: 1_700_000_000_123, value }],
        }],
        ..SampleBatch::default()
    })
}

fn histograms(count: f64, indexes: Vec<i32>, sum: f64) -> Event {
    let histogram = Histogram {
        schema: 3,
        zero_threshold: 0.001,
        zero_count: 2.0,
        count,
        sum,
        positive: indexes.iter().map(|index| Bucket { index: *index, count }).collect(),
        negative: vec![Bucket { index: -7, count: 0.5 }],
        bounds: [0.25, 1.0].into(),
        reset: ResetHint::Gauge,
    };
    let samples = vec![HistogramSample { timestamp_ms: 1_700_000_000_123, histogram: histogram.into() }];
    let labels = Labels::from([("__name__", "latency"), ("job", "a")]);
    let histograms = vec![HistogramSeries { labels, samples }];
    Event::Samples(SampleBatch { histograms, ..SampleBatch::default() })
}

proptest! {
    #[test]
    fn any_histogram_survives_both_forms(count: f64, indexes: Vec<i32>, sum: f64) {
        prop_assume!(!count.is_nan() && !sum.is_nan());
        let event = histograms(count, indexes, sum);
        for codec in [Codec::Batch, Codec::Json] {
            prop_assert_eq!(&decode(&encode(&event, codec)[0]).unwrap(), &event);
        }
    }

    #[test]
    fn any_line_survives_both_forms(line: Vec<u8>, name in "[a-z]{4}_[a-z]{3}", value: String) {
        let event = log(&line, vec![(name, value)]);
        for codec in [Codec::Batch, Codec::Json] {
            let records = encode(&event, codec);
            prop_assert_eq!(&decode(&records[0]).unwrap(), &event);
        }
    }

    #[test]
    fn any_value_survives_both_forms(value: f64) {
        prop_assume!(!value.is_nan());
        for codec in [Codec::Batch, Codec::Json] {
            let Event::Samples(read) = decode(&encode(&samples(value), codec)[0]).unwrap() else {
                panic!("not a sample");
            };
            let Event::Samples(sent) = samples(value) else { unreachable!() };
            prop_assert_eq!(read.series, sent.series);
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>) {
        let _ = decode(&bytes);
        let _ = decode(&[b"T\x01", bytes.as_slice()].concat());
    }
}

#[test]
fn only_histograms_need_the_second_version() {
    let version = |event: &Event| encode(event, Codec::Batch)[0][1];
    let of_json = |event: &Event| encode(event, Codec::Json)[0].clone();
    let histograms = histograms(1.0, vec![1], 0.5);
    assert_eq!((version(&samples(1.0)), version(&histograms)), (1, 2));
    assert!(of_json(&samples(1.0)).starts_with(br#"{"version":1,"#));
    assert!(of_json(&histograms).starts_with(br#"{"version":2,"#));
}

#[test]
fn the_end_of_a_series_survives_both_forms() {
    let stale = f64::from_bits(Sample::STALE_BITS);
    for codec in [Codec::Batch, Codec::Json] {
        let read = |event| match decode(&encode(&event, codec)[0]) {
            Ok(Event::Samples(batch)) => batch,
            other => panic!("no samples: {other:?}"),
        };
        assert!(read(samples(stale)).series[0].samples[0].is_stale());
        assert!(read(histograms(0.0, Vec::new(), stale)).histograms[0].samples[0].histogram.is_stale());
    }
}

#[test]
fn who_looks_at_no_series_gets_times_and_values_whatever_the_labels() {
    let mut record = encode(&samples(1.5), Codec::Batch).remove(0);
    let at = record.windows(4).rposition(|text| text == b"web1").unwrap();
    record[at] = 0xff;
    assert!(decode(&record).is_err());
    let Ok(Event::Samples(batch)) = Decoder::without_labels().decode(&record) else { panic!("not a sample") };
    assert_eq!((batch.source.as_str(), batch.position), ("web1/host", 7));
    assert_eq!(batch.series[0].samples, [Sample { timestamp_ms: 1_700_000_000_123, value: 1.5 }]);
}

#[test]
fn label_sets_that_came_before_are_not_mixed_up() {
    let mut decoder = Decoder::default();
    for number in [1, 2, 1, 12, 2] {
        let labels = Labels::from([("__name__", "up"), ("host", format!("web{number}").as_str())]);
        let series = vec![Series { labels, samples: vec![Sample::default()] }];
        let event = Event::Samples(SampleBatch { series, ..SampleBatch::default() });
        assert_eq!(decoder.decode(&encode(&event, Codec::Batch)[0]).unwrap(), event);
    }
}

#[test]
fn families_and_ticks_survive_the_batch_form() {
    let Event::Samples(mut batch) = samples(1.0) else { unreachable!() };
    batch.families.push(MetricFamily {
        name: "node_load1".into(),
        kind: "gauge".into(),
        ..Default::default()
    });
    for event in [Event::Samples(batch), Event::Tick(Tick { timestamp_ms: 5 })] {
        assert_eq!(decode(&encode(&event, Codec::Batch)[0]).unwrap(), event);
    }
}

#[test]
fn an_event_of_vector_keeps_its_unknown_fields_as_metadata() {
    let record = br#"{"timestamp":"2026-01-01T00:00:00Z","message":"hi","host":"web1","pid":12,"kubernetes":{"pod":"a"}}"#;
    let Event::Logs(batch) = decode(record).unwrap() else { panic!("not a log") };
    assert_eq!(batch.labels, Labels::from([("host", "web1")]));
    let metadata = &batch.entries[0].metadata;
    assert_eq!(metadata[0], ("kubernetes".into(), r#"{"pod":"a"}"#.into()));
    assert_eq!(metadata[1], ("pid".into(), "12".into()));
}

#[test]
fn an_unknown_version_is_refused_and_says_what_to_do() {
    let error = decode(b"T\x03anything").unwrap_err();
    assert!(matches!(error, DecodeError::UnknownVersion { found: 3, known: 2 }));
    assert!(error.to_string().contains("upgrade"), "{error}");
    assert!(matches!(
        decode(br#"{"version":9,"message":"x"}"#),
        Err(DecodeError::UnknownVersion { found: 9, .. })
    ));
}
