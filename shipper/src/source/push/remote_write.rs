//! `POST /api/v1/write`: Prometheus' remote write 1.0 and 2.0, protobuf in snappy's block format. Samples of native
//! histograms and exemplars are left out.

use axum::http::{HeaderMap, StatusCode, header};
use event::{
    Event, Labels, METRIC_NAME, MetricFamily, Sample, SampleBatch, Series,
    proto::{remote_write as v1, remote_write_v2 as v2},
};
use prost::Message;

use super::{Limits, Refusal, decode::unsnap, value};

/// Samples in one record: it then stays well below a megabyte.
const RECORD: usize = 10_000;

/// The types of metrics by their number in either version.
const KINDS: [&str; 8] =
    ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

/// The samples of a request in records of moderate size.
pub fn read(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Result<Vec<Event>, Refusal> {
    let decode = message(headers)?;
    let encoding = value(headers, header::CONTENT_ENCODING);
    if encoding != "snappy" {
        let reason = format!("Content-Encoding {encoding:?} is not known; send snappy");
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    let batch = unsnap(body, limits.request).and_then(|plain| decode(&plain));
    let batch = batch.map_err(|reason| Refusal(StatusCode::BAD_REQUEST, reason))?;
    Ok(records(batch).into_iter().map(Event::Samples).collect())
}

type Decode = fn(&[u8]) -> Result<SampleBatch, String>;

/// Which message the body holds; 1.0 unless it is named.
fn message(headers: &HeaderMap) -> Result<Decode, Refusal> {
    let kind = value(headers, header::CONTENT_TYPE);
    let mut parts = kind.split(';').map(str::trim);
    match (parts.next(), parts.find_map(|part| part.strip_prefix("proto="))) {
        (Some("application/x-protobuf"), None | Some("prometheus.WriteRequest")) => Ok(first),
        (Some("application/x-protobuf"), Some("io.prometheus.write.v2.Request")) => Ok(second),
        _ => {
            let reason = format!("Content-Type {kind:?} is not known; send application/x-protobuf");
            Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason))
        }
    }
}

fn first(body: &[u8]) -> Result<SampleBatch, String> {
    let request = v1::WriteRequest::decode(body).map_err(|e| format!("write request: {e}"))?;
    let series = request.timeseries.into_iter().map(|series| {
        let pairs = series.labels.iter().map(|label| (label.name.as_str(), label.value.as_str()));
        let samples = series.samples.iter();
        Ok(Series {
            labels: labels(pairs)?,
            samples: samples.map(|s| Sample { timestamp_ms: s.timestamp, value: s.value }).collect(),
        })
    });
    let family = |m: v1::MetricMetadata| MetricFamily {
        kind: kind(m.r#type),
        name: m.metric_family_name,
        help: m.help,
        unit: m.unit,
    };
    let families = request.metadata.into_iter().map(family).collect();
    Ok(SampleBatch { series: series.collect::<Result<_, String>>()?, families, ..SampleBatch::default() })
}

fn kind(number: i32) -> String {
    let known = usize::try_from(number).ok().and_then(|at| KINDS.get(at));
    known.copied().unwrap_or(KINDS[0]).to_owned()
}

fn second(body: &[u8]) -> Result<SampleBatch, String> {
    let request = v2::Request::decode(body).map_err(|e| format!("write request: {e}"))?;
    let symbol = |at: u32| {
        let text = request.symbols.get(at as usize);
        text.map(String::as_str).ok_or_else(|| format!("there is no symbol {at}: send all that are used"))
    };
    let mut batch = SampleBatch::default();
    for series in &request.timeseries {
        let texts = series.labels_refs.iter().map(|at| symbol(*at)).collect::<Result<Vec<_>, _>>()?;
        let labels = labels(texts.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or_default())))?;
        if let Some(metadata) = &series.metadata {
            batch.families.push(MetricFamily {
                name: labels.metric_name().to_owned(),
                kind: kind(metadata.r#type),
                help: symbol(metadata.help_ref)?.to_owned(),
                unit: symbol(metadata.unit_ref)?.to_owned(),
            });
        }
        let samples = series.samples.iter().map(|s| Sample { timestamp_ms: s.timestamp, value: s.value });
        batch.series.push(Series { labels, samples: samples.collect() });
    }
    batch.families.dedup();
    Ok(batch)
}

fn labels<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Result<Labels, String> {
    let names = || pairs.clone().map(|(name, _)| name);
    let labels: Labels = pairs.clone().collect();
    if labels.metric_name().is_empty() {
        return Err(format!("series {labels} has no name: send the label {METRIC_NAME}"));
    }
    match names().enumerate().find(|(at, name)| name.is_empty() || names().take(*at).any(|n| n == *name)) {
        Some((_, name)) => Err(format!("series {labels} has the label name {name:?} twice, or without text")),
        None => Ok(labels),
    }
}

fn records(batch: SampleBatch) -> Vec<SampleBatch> {
    let mut records = vec![SampleBatch { families: batch.families, ..SampleBatch::default() }];
    let mut count = 0;
    for series in batch.series {
        for samples in series.samples.chunks(RECORD) {
            // Labels weigh about as much as a few samples.
            count += samples.len() + 10;
            if count > RECORD {
                records.push(SampleBatch::default());
                count = samples.len() + 10;
            }
            if let Some(record) = records.last_mut() {
                record.series.push(Series { labels: series.labels.clone(), samples: samples.to_vec() });
            }
        }
    }
    records.retain(|record| !record.series.is_empty() || !record.families.is_empty());
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_say_the_same() {
        let label = |name: &str, value: &str| v1::Label { name: name.into(), value: value.into() };
        let series = v1::TimeSeries {
            labels: vec![label(METRIC_NAME, "up"), label("job", "a")],
            samples: vec![v1::Sample { value: 1.0, timestamp: 5 }],
        };
        let metadata = v1::MetricMetadata {
            r#type: 2,
            metric_family_name: "up".into(),
            help: "h".into(),
            unit: "".into(),
        };
        let one = v1::WriteRequest { timeseries: vec![series], metadata: vec![metadata] };
        let two = v2::Request {
            symbols: ["", METRIC_NAME, "up", "job", "a", "h"].map(String::from).to_vec(),
            timeseries: vec![v2::TimeSeries {
                labels_refs: vec![1, 2, 3, 4],
                samples: vec![v2::Sample { value: 1.0, timestamp: 5 }],
                metadata: Some(v2::Metadata { r#type: 2, help_ref: 5, unit_ref: 0 }),
            }],
        };
        assert_eq!(first(&one.encode_to_vec()), second(&two.encode_to_vec()));
        assert!(
            second(&v2::Request { symbols: Vec::new(), ..two }.encode_to_vec())
                .unwrap_err()
                .contains("symbol 1")
        );
    }

    #[test]
    fn series_need_a_name_and_each_label_once() {
        let check = |pairs: &[(&str, &str)]| labels(pairs.iter().copied()).unwrap_err();
        assert!(check(&[("job", "a")]).contains("has no name"));
        assert!(check(&[(METRIC_NAME, "up"), ("a", "1"), ("a", "2")]).contains("\"a\" twice"));
    }

    #[test]
    fn long_series_come_in_records_of_moderate_size() {
        let samples = vec![Sample::default(); 2 * RECORD + 1];
        let series = vec![Series { labels: Labels::from([(METRIC_NAME, "up")]), samples }];
        let records = records(SampleBatch { series, ..SampleBatch::default() });
        let counts: Vec<usize> =
            records.iter().map(|r| r.series.iter().map(|s| s.samples.len()).sum()).collect();
        assert_eq!(counts, [RECORD, RECORD, 1]);
    }
}
