//! `POST /otlp/v1/metrics`: OpenTelemetry's metrics as Prometheus' receiver translates them.

use std::iter::once;

use axum::{
    Json,
    http::{HeaderMap, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use event::{HistogramSample, HistogramSeries, Labels, MetricFamily, Sample, SampleBatch, Series};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{
        ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    },
    metrics::v1::{
        AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
        ResourceMetrics, SummaryDataPoint, metric::Data, number_data_point::Value,
    },
};
use prost::Message;

use super::{
    super::{
        Refusal,
        decode::{Form, Limits},
        form,
    },
    histogram, message,
    name::{self, Shape},
    resource::Resource,
};
use crate::telemetry;

/// Flag of a point: there is no value any more.
const NO_VALUE: u32 = 1;
/// `target_info` is repeated after this time within a request, so that queries find it everywhere.
const INFO_EVERY_MS: i64 = 150_000;
/// And at most as often, counted from the end.
const MOST_INFOS: i64 = 1000;

/// What a request has become.
#[derive(Default)]
pub struct Translated {
    pub batch: SampleBatch,
    pub dropped: Dropped,
}

/// Points that were left out.
#[derive(Default)]
pub struct Dropped {
    points: usize,
    /// Why the first of them was.
    reason: String,
}

/// # Errors
/// What is wrong with the request.
pub fn read(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Result<Translated, Refusal> {
    let request: ExportMetricsServiceRequest = message(headers, body, limits)?;
    let mut translated = Translated::default();
    request.resource_metrics.into_iter().for_each(|metrics| translated.add_all(metrics));
    telemetry::OTLP_DROPPED.inc_by(translated.dropped.points as u64);
    Ok(translated)
}

impl Dropped {
    /// In the form of the request.
    pub fn answer(self, headers: &HeaderMap) -> Response {
        let partial_success = (self.points > 0).then_some(ExportMetricsPartialSuccess {
            rejected_data_points: self.points as i64,
            error_message: self.reason,
        });
        let answer = ExportMetricsServiceResponse { partial_success };
        match form(headers) {
            Ok((Form::Json, _)) => Json(answer).into_response(),
            _ => ([(CONTENT_TYPE, "application/x-protobuf")], answer.encode_to_vec()).into_response(),
        }
    }

    fn add(&mut self, points: usize, metric: &str, reason: &str) {
        if self.points == 0 && points > 0 {
            self.reason = format!("metric {metric:?}: {reason}");
        }
        self.points += points;
    }
}

/// The points of one metric, and what they have in common.
struct Family<'a> {
    name: String,
    resource: &'a Resource,
    batch: &'a mut SampleBatch,
}

impl Translated {
    fn add_all(&mut self, metrics: ResourceMetrics) {
        let resource = Resource::new(&metrics.resource.unwrap_or_default().attributes);
        let (numbers, histograms) = (self.batch.series.len(), self.batch.histograms.len());
        for metric in metrics.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            self.add_metric(metric, &resource);
        }
        let numbers = self.batch.series[numbers..].iter().flat_map(|s| &s.samples).map(|s| s.timestamp_ms);
        let histograms = self.batch.histograms[histograms..].iter().flat_map(|s| &s.samples);
        let times = || numbers.clone().chain(histograms.clone().map(|s| s.timestamp_ms));
        if let (Some(labels), Some(first), Some(last)) = (resource.info(), times().min(), times().max()) {
            let before = ((last - first) / INFO_EVERY_MS).min(MOST_INFOS);
            let sample = |n| Sample { timestamp_ms: last - n * INFO_EVERY_MS, value: 1.0 };
            self.batch.series.push(Series { labels, samples: (0..=before).rev().map(sample).collect() });
        }
    }

    fn add_metric(&mut self, metric: Metric, resource: &Resource) {
        let Metric { name: sent, description: help, unit, data: Some(data), .. } = metric else { return };
        let (kind, shape) = kind(&data);
        let name = name::metric(&sent, &unit, shape);
        if let Err(reason) = check(&name, &data) {
            return self.dropped.add(points(&data), &sent, reason);
        }
        let unit = name::unit(&unit);
        self.batch.families.push(MetricFamily { name: name.clone(), kind: kind.into(), help, unit });
        let mut family = Family { name, resource, batch: &mut self.batch };
        match data {
            Data::Gauge(gauge) => gauge.data_points.iter().for_each(|point| family.number(point)),
            Data::Sum(sum) => sum.data_points.iter().for_each(|point| family.number(point)),
            Data::Histogram(found) => found.data_points.iter().for_each(|point| family.classic(point)),
            Data::Summary(summary) => summary.data_points.iter().for_each(|point| family.summary(point)),
            Data::ExponentialHistogram(found) => {
                for point in &found.data_points {
                    if let Err(reason) = family.native(point) {
                        self.dropped.add(1, &sent, &reason);
                    }
                }
            }
        }
    }
}

fn kind(data: &Data) -> (&'static str, Shape) {
    match data {
        Data::Sum(sum) if sum.is_monotonic => ("counter", Shape::Counter),
        Data::Gauge(_) => ("gauge", Shape::Gauge),
        Data::Sum(_) => ("gauge", Shape::Other),
        Data::Summary(_) => ("summary", Shape::Other),
        Data::Histogram(_) | Data::ExponentialHistogram(_) => ("histogram", Shape::Other),
    }
}

fn points(data: &Data) -> usize {
    match data {
        Data::Gauge(gauge) => gauge.data_points.len(),
        Data::Sum(sum) => sum.data_points.len(),
        Data::Histogram(histogram) => histogram.data_points.len(),
        Data::ExponentialHistogram(histogram) => histogram.data_points.len(),
        Data::Summary(summary) => summary.data_points.len(),
    }
}

fn check(name: &str, data: &Data) -> Result<(), &'static str> {
    let temporality = match data {
        Data::Sum(sum) => sum.aggregation_temporality,
        Data::Histogram(histogram) => histogram.aggregation_temporality,
        Data::ExponentialHistogram(histogram) => histogram.aggregation_temporality,
        Data::Gauge(_) | Data::Summary(_) => AggregationTemporality::Cumulative.into(),
    };
    match temporality {
        _ if name.is_empty() => Err("its name has neither letters nor digits"),
        found if found == AggregationTemporality::Cumulative as i32 => Ok(()),
        found if found == AggregationTemporality::Delta as i32 => Err(
            "its temporality is delta: send cumulative values, or put a deltatocumulative processor before",
        ),
        _ => Err("its temporality is not said: send cumulative values"),
    }
}

fn milliseconds(time_unix_nano: u64) -> i64 {
    (time_unix_nano / 1_000_000) as i64
}

fn ended(flags: u32) -> bool {
    flags & NO_VALUE != 0
}

impl Family<'_> {
    fn push(&mut self, labels: Labels, timestamp_ms: i64, value: f64, ended: bool) {
        let value = if ended { f64::from_bits(Sample::STALE_BITS) } else { value };
        self.batch.series.push(Series { labels, samples: vec![Sample { timestamp_ms, value }] });
    }

    fn number(&mut self, point: &NumberDataPoint) {
        let value = match point.value {
            Some(Value::AsDouble(value)) => value,
            Some(Value::AsInt(value)) => value as f64,
            None => 0.0,
        };
        let labels = self.resource.labels(&self.name, &point.attributes, &[]);
        self.push(labels, milliseconds(point.time_unix_nano), value, ended(point.flags));
    }

    fn classic(&mut self, point: &HistogramDataPoint) {
        let (time, ended) = (milliseconds(point.time_unix_nano), ended(point.flags));
        let labels = |suffix: &str, more: &[(&str, &str)]| {
            self.resource.labels(&format!("{}{suffix}", self.name), &point.attributes, more)
        };
        let mut all = vec![(labels("_count", &[]), point.count as f64)];
        all.extend(point.sum.map(|sum| (labels("_sum", &[]), sum)));
        let mut below = 0_u64;
        let buckets = point.explicit_bounds.iter().zip(&point.bucket_counts).map(|(bound, count)| {
            below = below.saturating_add(*count);
            (bound.to_string(), below)
        });
        // The last bucket is that of all.
        let buckets = buckets.filter(|(bound, _)| bound != "inf");
        for (bound, below) in buckets.chain(once(("+Inf".to_owned(), point.count))) {
            all.push((labels("_bucket", &[("le", &bound)]), below as f64));
        }
        all.into_iter().for_each(|(labels, value)| self.push(labels, time, value, ended));
    }

    fn summary(&mut self, point: &SummaryDataPoint) {
        let (time, ended) = (milliseconds(point.time_unix_nano), ended(point.flags));
        let labels = |suffix: &str, more: &[(&str, &str)]| {
            self.resource.labels(&format!("{}{suffix}", self.name), &point.attributes, more)
        };
        let mut all = vec![(labels("_sum", &[]), point.sum), (labels("_count", &[]), point.count as f64)];
        for found in &point.quantile_values {
            all.push((labels("", &[("quantile", &found.quantile.to_string())]), found.value));
        }
        all.into_iter().for_each(|(labels, value)| self.push(labels, time, value, ended));
    }

    fn native(&mut self, point: &ExponentialHistogramDataPoint) -> Result<(), String> {
        let histogram = histogram::native(point, ended(point.flags))?.into();
        let labels = self.resource.labels(&self.name, &point.attributes, &[]);
        let samples = vec![HistogramSample { timestamp_ms: milliseconds(point.time_unix_nano), histogram }];
        self.batch.histograms.push(HistogramSeries { labels, samples });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
