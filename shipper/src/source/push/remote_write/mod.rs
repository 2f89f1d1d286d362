//! `POST /api/v1/write`: Prometheus' remote write 1.0 and 2.0, protobuf in snappy's block format. Exemplars are left
//! out.

mod v1;
mod v2;

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use event::{
    Histogram, HistogramSeries, Labels, METRIC_NAME, MetricFamily, Sample, SampleBatch, Series,
    proto::remote_write as pb,
    protobuf::{Field, Fields, Malformed},
};
use prost::Message;

use super::{Limits, Refusal, budget::Budget, decode::unsnap, histogram, value};

/// The types of metrics by their number in either version.
const KINDS: [&str; 8] =
    ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

/// Far more than any client makes.
const MOST_LABELS: usize = 1_000;

/// How many samples of either kind a request brings. Who speaks 2.0 reads from the answer whether it was understood.
#[derive(Default)]
pub struct Taken {
    numbers: usize,
    histograms: usize,
}

impl Taken {
    pub fn of(batch: &SampleBatch) -> Self {
        let histograms = batch.histograms.iter().map(|series| series.samples.len()).sum();
        Taken { numbers: batch.samples() - histograms, histograms }
    }

    pub fn answer(self, response: Response) -> Response {
        let counts = [("samples", self.numbers), ("histograms", self.histograms), ("exemplars", 0)];
        let header = |(kind, count): (&str, usize)| {
            (format!("x-prometheus-remote-write-{kind}-written"), count.to_string())
        };
        (counts.map(header), response).into_response()
    }
}

/// The samples of a request.
pub fn read(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Result<SampleBatch, Refusal> {
    let decode = message(headers)?;
    let encoding = value(headers, header::CONTENT_ENCODING);
    if encoding != "snappy" {
        let reason = format!("Content-Encoding {encoding:?} is not known; send snappy");
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    decode(&unsnap(body, limits.request)?, Budget::new(limits))
}

type Decode = fn(&[u8], Budget) -> Result<SampleBatch, Refusal>;

/// Which message the body holds; 1.0 unless it is named.
fn message(headers: &HeaderMap) -> Result<Decode, Refusal> {
    let kind = value(headers, header::CONTENT_TYPE);
    let mut parts = kind.split(';').map(str::trim);
    match (parts.next(), parts.find_map(|part| part.strip_prefix("proto="))) {
        (Some("application/x-protobuf"), None | Some("prometheus.WriteRequest")) => Ok(v1::decode),
        (Some("application/x-protobuf"), Some("io.prometheus.write.v2.Request")) => Ok(v2::decode),
        _ => {
            let reason = format!("Content-Type {kind:?} is not known; send application/x-protobuf");
            Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason))
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        format!("write request: {malformed}").into()
    }
}

/// What has been read. Series are read one after the other, as all of them together take many times the bytes of the
/// request.
struct Written<'a> {
    batch: SampleBatch,
    budget: Budget,
    pairs: Vec<(&'a str, &'a str)>,
    samples: Vec<Sample>,
    /// Not read yet.
    histograms: Vec<&'a [u8]>,
}

impl<'a> Written<'a> {
    fn new(budget: Budget) -> Self {
        let batch = SampleBatch::default();
        Written { batch, budget, pairs: Vec::new(), samples: Vec::new(), histograms: Vec::new() }
    }

    fn add_family(&mut self, family: MetricFamily) -> Result<(), String> {
        let MetricFamily { name, help, unit, .. } = &family;
        self.budget.take(size_of::<MetricFamily>() + name.len() + help.len() + unit.len())?;
        self.batch.families.push(family);
        Ok(())
    }

    fn add_label(&mut self, label: (&'a str, &'a str)) -> Result<(), String> {
        self.pairs.push(label);
        if self.pairs.len() <= MOST_LABELS {
            return Ok(());
        }
        let name = self.pairs.iter().find(|(name, _)| *name == METRIC_NAME).map_or("", |(_, value)| value);
        Err(format!("a series of metric {name:?} has more than {MOST_LABELS} labels; send fewer"))
    }

    /// Puts the series, which may have samples of both kinds, into the batch, and is ready for the next one.
    fn finish(&mut self, labels: Labels) -> Result<(), Refusal> {
        self.budget.take(self.histograms.len() * size_of::<Histogram>())?;
        if !self.histograms.is_empty() {
            let samples = self.histograms.iter().map(|message| {
                let sent = pb::Histogram::decode(*message).map_err(|e| e.to_string())?;
                histogram::sample(sent)
            });
            let samples = samples.collect::<Result<_, _>>();
            let samples = samples.map_err(|reason| format!("histogram of series {labels}: {reason}"))?;
            self.batch.histograms.push(HistogramSeries { labels: labels.clone(), samples });
        }
        if !self.samples.is_empty() {
            self.batch.series.push(Series { labels, samples: std::mem::take(&mut self.samples) });
        }
        self.pairs.clear();
        self.histograms.clear();
        Ok(())
    }

    fn labels(&mut self) -> Result<Labels, String> {
        self.budget.take_pairs(self.pairs.iter().copied())?;
        let labels: Labels = self.pairs.iter().copied().collect();
        if labels.metric_name().is_empty() {
            return Err(format!("series {labels} has no name: send the label {METRIC_NAME}"));
        }
        self.pairs.sort_unstable_by_key(|(name, _)| *name);
        let names = || self.pairs.iter().map(|(name, _)| *name);
        let twice = names().zip(names().skip(1)).find(|(name, next)| name == next).map(|(name, _)| name);
        match names().find(|name| name.is_empty()).or(twice) {
            Some(name) => Err(format!("series {labels} has the label name {name:?} twice, or without text")),
            None => Ok(labels),
        }
    }
}

/// Of the same shape in both versions.
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

fn kind(number: i32) -> String {
    let known = usize::try_from(number).ok().and_then(|at| KINDS.get(at));
    known.copied().unwrap_or(KINDS[0]).to_owned()
}

#[cfg(test)]
mod tests;
