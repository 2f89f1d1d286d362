//! `POST /api/v1/write`: Prometheus' remote write 1.0 and 2.0, protobuf in snappy's block format. Exemplars are left
//! out.

use axum::http::{HeaderMap, StatusCode, header};
use event::{
    Event, HistogramSeries, Labels, METRIC_NAME, MetricFamily, Sample, SampleBatch, Series,
    proto::{remote_write as v1, remote_write_v2 as v2},
    protobuf::{Field, Fields, Malformed},
};
use prost::Message;

use super::{Limits, Refusal, decode::unsnap, histogram, samples::records, value};

/// The types of metrics by their number in either version.
const KINDS: [&str; 8] =
    ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

/// Few series have more.
const TYPICAL_LABELS: usize = 16;

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
    let Written { series, metadata } = Written::read(body).map_err(|e| format!("write request: {e}"))?;
    let mut batch = SampleBatch::default();
    for WrittenSeries { pairs, samples, histograms } in series {
        add(&mut batch, labels(&pairs)?, samples, histograms)?;
    }
    let family = |m: v1::MetricMetadata| MetricFamily {
        kind: kind(m.r#type),
        name: m.metric_family_name,
        help: m.help,
        unit: m.unit,
    };
    batch.families = metadata.into_iter().map(family).collect();
    Ok(batch)
}

/// A request of version 1.0, read field by field: each brings the labels of all its series again.
#[derive(Default)]
struct Written<'a> {
    series: Vec<WrittenSeries<'a>>,
    metadata: Vec<v1::MetricMetadata>,
}

#[derive(Default)]
struct WrittenSeries<'a> {
    pairs: Vec<(&'a str, &'a str)>,
    samples: Vec<Sample>,
    histograms: Vec<v1::Histogram>,
}

impl<'a> Written<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut written = Written::default();
        for field in Fields::new(message) {
            match field? {
                series @ Field { number: 1, .. } => {
                    written.series.push(WrittenSeries::read(series.bytes()?)?)
                }
                family @ Field { number: 3, .. } => written.metadata.push(family.message()?),
                _ => {}
            }
        }
        Ok(written)
    }
}

impl<'a> WrittenSeries<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let pairs = Vec::with_capacity(TYPICAL_LABELS);
        let mut written = WrittenSeries { pairs, ..WrittenSeries::default() };
        for field in Fields::new(message) {
            match field? {
                label @ Field { number: 1, .. } => written.pairs.push(label.pair()?),
                number @ Field { number: 2, .. } => written.samples.push(sample(number.bytes()?)?),
                histogram @ Field { number: 4, .. } => written.histograms.push(histogram.message()?),
                _ => {}
            }
        }
        Ok(written)
    }
}

fn sample(message: &[u8]) -> Result<Sample, Malformed> {
    let mut sample = Sample::default();
    for field in Fields::new(message) {
        match field? {
            value @ Field { number: 1, .. } => sample.value = value.double()?,
            time @ Field { number: 2, .. } => sample.timestamp_ms = time.integer()? as i64,
            _ => {}
        }
    }
    Ok(sample)
}

/// A series may have samples of both kinds.
fn add(
    batch: &mut SampleBatch,
    labels: Labels,
    samples: Vec<Sample>,
    histograms: Vec<v1::Histogram>,
) -> Result<(), String> {
    if !histograms.is_empty() {
        let found = histograms.into_iter().map(histogram::sample).collect::<Result<_, _>>();
        let samples = found.map_err(|reason| format!("histogram of series {labels}: {reason}"))?;
        batch.histograms.push(HistogramSeries { labels: labels.clone(), samples });
    }
    if !samples.is_empty() {
        batch.series.push(Series { labels, samples });
    }
    Ok(())
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
    for series in request.timeseries {
        let texts = series.labels_refs.iter().map(|at| symbol(*at)).collect::<Result<Vec<_>, _>>()?;
        let pairs = texts.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or_default()));
        let labels = labels(&pairs.collect::<Vec<_>>())?;
        if let Some(metadata) = &series.metadata {
            batch.families.push(MetricFamily {
                name: labels.metric_name().to_owned(),
                kind: kind(metadata.r#type),
                help: symbol(metadata.help_ref)?.to_owned(),
                unit: symbol(metadata.unit_ref)?.to_owned(),
            });
        }
        let samples = series.samples.iter().map(|s| Sample { timestamp_ms: s.timestamp, value: s.value });
        add(&mut batch, labels, samples.collect(), series.histograms)?;
    }
    batch.families.dedup();
    Ok(batch)
}

fn labels(pairs: &[(&str, &str)]) -> Result<Labels, String> {
    let labels: Labels = pairs.iter().copied().collect();
    if labels.metric_name().is_empty() {
        return Err(format!("series {labels} has no name: send the label {METRIC_NAME}"));
    }
    let is_again = |at: usize, name| pairs[..at].iter().any(|(before, _)| *before == name);
    match pairs.iter().enumerate().find(|(at, (name, _))| name.is_empty() || is_again(*at, *name)) {
        Some((_, (name, _))) => {
            Err(format!("series {labels} has the label name {name:?} twice, or without text"))
        }
        None => Ok(labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_say_the_same() {
        let label = |name: &str, value: &str| v1::Label { name: name.into(), value: value.into() };
        let histograms = vec![v1::Histogram { timestamp: 6, sum: 1.5, ..v1::Histogram::default() }];
        let series = v1::TimeSeries {
            labels: vec![label(METRIC_NAME, "up"), label("job", "a")],
            samples: vec![v1::Sample { value: 1.0, timestamp: 5 }],
            histograms: histograms.clone(),
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
                histograms,
                metadata: Some(v2::Metadata { r#type: 2, help_ref: 5, unit_ref: 0 }),
            }],
        };
        let batch = first(&one.encode_to_vec()).unwrap();
        assert_eq!((batch.series.len(), batch.histograms[0].samples[0].histogram.sum), (1, 1.5));
        assert_eq!(Ok(batch), second(&two.encode_to_vec()));
        assert!(
            second(&v2::Request { symbols: Vec::new(), ..two }.encode_to_vec())
                .unwrap_err()
                .contains("symbol 1")
        );
    }

    #[test]
    fn series_need_a_name_and_each_label_once() {
        let check = |pairs: &[(&str, &str)]| labels(pairs).unwrap_err();
        assert!(check(&[("job", "a")]).contains("has no name"));
        assert!(check(&[(METRIC_NAME, "up"), ("a", "1"), ("a", "2")]).contains("\"a\" twice"));
    }
}
