//! Every event comes back from the bus as it was sent, in both forms; what cannot be read says why.

use event::{
    Codec, DecodeError, Event, Labels, LogBatch, LogEntry, MetricFamily, Sample, SampleBatch, Series, Tick,
    decode, encode,
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
        families: vec![],
    })
}

proptest! {
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
    let error = decode(b"T\x02anything").unwrap_err();
    assert!(matches!(error, DecodeError::UnknownVersion { found: 2, known: 1 }));
    assert!(error.to_string().contains("upgrade"), "{error}");
    assert!(matches!(
        decode(br#"{"version":9,"message":"x"}"#),
        Err(DecodeError::UnknownVersion { found: 9, .. })
    ));
}
