//! The JSON form, close to Vector's: a log event is a flat object with `timestamp` and `message`, a metric has
//! `name`, `tags` and one of `gauge` and `counter`. `docs/events.md` describes it for other programs.
//!
//! A metric carries neither source nor position: those are of the whole batch, and it needs none to be known again,
//! since a series has one sample of one time.

mod histogram;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    DecodeError, Event, HistogramSeries, Labels, LogBatch, LogEntry, METRIC_NAME, MetricFamily, Sample,
    SampleBatch, Series, Tick,
};

const VERSION: u64 = 1;
/// Of native histograms: releases that do not know these say so.
const HISTOGRAMS: u64 = 2;

/// What becomes a label where an event of another program has no `labels` object.
const LABEL_FIELDS: [&str; 3] = ["host", "job", "service_name"];

pub fn encode(event: &Event) -> Vec<Vec<u8>> {
    let values: Vec<Value> = match event {
        Event::Logs(batch) => batch.entries.iter().map(|e| log_to_json(batch, e)).collect(),
        Event::Samples(batch) => {
            let each = batch.series.iter().flat_map(|s| s.samples.iter().map(move |x| (s, x)));
            let numbers = each.map(|(series, sample)| sample_to_json(&batch.families, series, sample));
            numbers.chain(batch.histograms.iter().flat_map(histogram::to_json)).collect()
        }
        Event::Tick(tick) => {
            vec![json!({"version": VERSION, "tick": rfc3339(tick.timestamp_ms * 1_000_000)})]
        }
    };
    values.into_iter().map(|v| v.to_string().into_bytes()).collect()
}

pub fn decode(value: &[u8]) -> Result<Event, DecodeError> {
    let mut fields: Map<String, Value> = serde_json::from_slice(value)?;
    let version = fields.remove("version").and_then(|v| v.as_u64()).unwrap_or(VERSION);
    if !(VERSION..=HISTOGRAMS).contains(&version) {
        return Err(DecodeError::UnknownVersion { found: version as u32, known: HISTOGRAMS as u32 });
    }
    if let Some(tick) = fields.get("tick") {
        return Ok(Event::Tick(Tick { timestamp_ms: nanoseconds(tick)? / 1_000_000 }));
    }
    if fields.contains_key("gauge") || fields.contains_key("counter") {
        return Ok(Event::Samples(sample_from_json(fields)?));
    }
    if fields.contains_key("histogram") && version == HISTOGRAMS {
        return Ok(Event::Samples(histogram_from_json(fields)?));
    }
    Ok(Event::Logs(log_from_json(fields)?))
}

fn log_to_json(batch: &LogBatch, entry: &LogEntry) -> Value {
    let mut fields = Map::new();
    fields.insert("version".into(), VERSION.into());
    fields.insert("timestamp".into(), rfc3339(entry.timestamp_ns).into());
    fields.insert("message".into(), String::from_utf8_lossy(&entry.line).into());
    if std::str::from_utf8(&entry.line).is_err() {
        fields.insert("message_base64".into(), BASE64.encode(&entry.line).into());
    }
    fields.insert("labels".into(), json!(batch.labels));
    fields.insert("source".into(), batch.source.clone().into());
    fields.insert("position".into(), entry.position.into());
    for (name, value) in &entry.metadata {
        fields.entry(name.clone()).or_insert_with(|| value.clone().into());
    }
    Value::Object(fields)
}

fn log_from_json(mut fields: Map<String, Value>) -> Result<LogBatch, DecodeError> {
    let timestamp = fields.remove("timestamp").ok_or_else(|| shape("no `timestamp`"))?;
    let message = fields.remove("message").ok_or_else(|| shape("no `message`"))?;
    let line = match fields.remove("message_base64") {
        Some(text) => BASE64.decode(plain(text)).map_err(|e| shape(&format!("`message_base64`: {e}")))?,
        None => plain(message).into_bytes(),
    };
    let labels = labels_of(&mut fields)?;
    let source = fields.remove("source").map(plain).unwrap_or_default();
    let position = fields.remove("position").and_then(|p| p.as_u64()).unwrap_or_default();
    let mut metadata: Vec<_> = fields.into_iter().map(|(name, value)| (name, plain(value))).collect();
    metadata.sort();
    let entry = LogEntry { timestamp_ns: nanoseconds(&timestamp)?, line: line.into(), metadata, position };
    Ok(LogBatch { source, labels, entries: vec![entry] })
}

fn labels_of(fields: &mut Map<String, Value>) -> Result<Labels, DecodeError> {
    if let Some(labels) = fields.remove("labels") {
        return Ok(serde_json::from_value(labels)?);
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for name in LABEL_FIELDS {
        pairs.extend(fields.remove(name).map(|v| (name.to_owned(), plain(v))));
    }
    Ok(pairs.into_iter().collect())
}

fn sample_to_json(families: &[MetricFamily], series: &Series, sample: &Sample) -> Value {
    let name = series.labels.metric_name();
    let kind = families.iter().find(|f| f.name == name).map_or("gauge", |f| match f.kind.as_str() {
        "counter" => "counter",
        _ => "gauge",
    });
    json!({
        "version": VERSION,
        "name": name,
        "tags": series.labels.filtered(|n| n != METRIC_NAME),
        "timestamp": rfc3339(sample.timestamp_ms * 1_000_000),
        "kind": "absolute",
        kind: {"value": number::to_json(sample.value)},
    })
}

fn sample_from_json(mut fields: Map<String, Value>) -> Result<SampleBatch, DecodeError> {
    let (labels, timestamp_ms) = series_of(&mut fields)?;
    let inner = fields.remove("gauge").or_else(|| fields.remove("counter"));
    let value = inner.as_ref().and_then(|v| v.get("value")).ok_or_else(|| shape("no `value`"))?;
    let value = number::from_json(value).ok_or_else(|| shape("`value` is no number"))?;
    let series = Series { labels, samples: vec![Sample { timestamp_ms, value }] };
    Ok(SampleBatch { series: vec![series], ..SampleBatch::default() })
}

fn histogram_from_json(mut fields: Map<String, Value>) -> Result<SampleBatch, DecodeError> {
    let (labels, timestamp_ms) = series_of(&mut fields)?;
    let sample = histogram::from_json(timestamp_ms, fields.remove("histogram").unwrap_or_default())?;
    let histograms = vec![HistogramSeries { labels, samples: vec![sample] }];
    Ok(SampleBatch { histograms, ..SampleBatch::default() })
}

/// Labels and time of a metric.
fn series_of(fields: &mut Map<String, Value>) -> Result<(Labels, i64), DecodeError> {
    if fields.get("kind").is_some_and(|k| k == "incremental") {
        return Err(shape("an `incremental` metric has no value of its own: send `absolute` ones"));
    }
    let timestamp = fields.remove("timestamp").ok_or_else(|| shape("no `timestamp`"))?;
    let name = fields.remove("name").map(plain).ok_or_else(|| shape("no `name`"))?;
    let tags: Labels = match fields.remove("tags") {
        Some(tags) => serde_json::from_value(tags)?,
        None => Labels::default(),
    };
    Ok((tags.with(METRIC_NAME, &name), nanoseconds(&timestamp)? / 1_000_000))
}

fn shape(message: &str) -> DecodeError {
    DecodeError::Shape(message.into())
}

/// A string as it is, anything else as JSON text.
fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn rfc3339(timestamp_ns: i64) -> String {
    Timestamp::from_nanosecond(timestamp_ns.into()).expect("any i64 of nanoseconds is a time").to_string()
}

fn nanoseconds(timestamp: &Value) -> Result<i64, DecodeError> {
    let text = timestamp.as_str().ok_or_else(|| shape("a time is not RFC 3339 text"))?;
    let time: Timestamp = text.parse().map_err(|e| shape(&format!("time {text:?}: {e}")))?;
    i64::try_from(time.as_nanosecond())
        .map_err(|_| shape(&format!("time {text:?} is outside of 1677 to 2262")))
}

/// Numbers that JSON has no form for, as strings.
pub mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use serde_json::Value;

    use crate::Sample;

    /// What [`Sample::STALE_BITS`] are written as.
    const STALE: &str = "stale";

    pub fn to_json(value: f64) -> Value {
        if value.is_finite() {
            return value.into();
        }
        if value.to_bits() == Sample::STALE_BITS {
            STALE
        } else if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        }
        .into()
    }

    pub fn from_json(value: &Value) -> Option<f64> {
        match value {
            Value::String(text) if text == STALE => Some(f64::from_bits(Sample::STALE_BITS)),
            Value::String(text) => text.parse().ok(),
            other => other.as_f64(),
        }
    }

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        to_json(*value).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let value = Value::deserialize(deserializer)?;
        from_json(&value).ok_or_else(|| D::Error::custom("not a number"))
    }
}
