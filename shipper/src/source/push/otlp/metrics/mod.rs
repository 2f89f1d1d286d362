//! `POST /otlp/v1/metrics`: OpenTelemetry's metrics as Prometheus' receiver translates them.

use axum::{
    Json,
    http::{HeaderMap, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use event::{Histogram, HistogramSample, HistogramSeries, MetricFamily, Sample, SampleBatch, Series};
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
        budget::Budget,
        decode::{Form, Limits},
        form,
    },
    histogram, message,
    name::{self, Shape},
    resource::{Attributes, Resource, attributes},
};
use crate::{telemetry, timestamp::now_ns};

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
    /// When the request came: the time of points that have none.
    arrival_ns: u64,
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
    let arrival_ns = now_ns().max(0) as u64;
    let (mut translated, mut budget) =
        (Translated { arrival_ns, ..Translated::default() }, Budget::new(limits));
    request.resource_metrics.into_iter().try_for_each(|metrics| translated.add_all(metrics, &mut budget))?;
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
    budget: &'a mut Budget,
}

impl Translated {
    fn add_all(&mut self, metrics: ResourceMetrics, budget: &mut Budget) -> Result<(), String> {
        let resource = Resource::new(&metrics.resource.unwrap_or_default().attributes);
        let (numbers, histograms) = (self.batch.series.len(), self.batch.histograms.len());
        for metric in metrics.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            self.add_metric(metric, &resource, budget)?;
        }
        let numbers = self.batch.series[numbers..].iter().flat_map(|s| &s.samples).map(|s| s.timestamp_ms);
        let histograms = self.batch.histograms[histograms..].iter().flat_map(|s| &s.samples);
        let times = || numbers.clone().chain(histograms.clone().map(|s| s.timestamp_ms));
        if let (Some(labels), Some(first), Some(last)) =
            (resource.info(budget)?, times().min(), times().max())
        {
            let before = ((last - first) / INFO_EVERY_MS).min(MOST_INFOS);
            budget.take((before as usize + 1) * size_of::<Sample>())?;
            let sample = |n| Sample { timestamp_ms: last - n * INFO_EVERY_MS, value: 1.0 };
            self.batch.series.push(Series { labels, samples: (0..=before).rev().map(sample).collect() });
        }
        Ok(())
    }

    fn add_metric(&mut self, metric: Metric, resource: &Resource, budget: &mut Budget) -> Result<(), String> {
        let Metric { name: sent, description: help, unit, data, .. } = metric;
        let Some(mut data) = data else {
            self.dropped.add(1, &sent, "it has no points, or some that cannot be read");
            return Ok(());
        };
        fill_in_times(&mut data, self.arrival_ns);
        let (kind, shape) = kind(&data);
        let name = name::metric(&sent, &unit, shape);
        if let Err(reason) = check(&name, &data) {
            self.dropped.add(points(&data), &sent, reason);
            return Ok(());
        }
        let unit = name::unit(&unit);
        self.batch.families.push(MetricFamily { name: name.clone(), kind: kind.into(), help, unit });
        let mut family = Family { name, resource, batch: &mut self.batch, budget };
        let mut numbers = |points: Vec<NumberDataPoint>| {
            let (readable, others): (Vec<_>, Vec<_>) = points.into_iter().partition(is_readable);
            self.dropped.add(others.len(), &sent, "a point has no value, or one that is not a number");
            readable.iter().try_for_each(|point| family.number(point))
        };
        match data {
            Data::Gauge(gauge) => numbers(gauge.data_points),
            Data::Sum(sum) => numbers(sum.data_points),
            Data::Histogram(found) => found.data_points.iter().try_for_each(|point| family.classic(point)),
            Data::Summary(summary) => summary.data_points.iter().try_for_each(|point| family.summary(point)),
            Data::ExponentialHistogram(found) => found.data_points.iter().try_for_each(|point| {
                match histogram::native(point, ended(point.flags)) {
                    Ok(histogram) => family.native(point, histogram),
                    Err(reason) => {
                        self.dropped.add(1, &sent, &reason);
                        Ok(())
                    }
                }
            }),
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

fn fill_in_times(data: &mut Data, arrival_ns: u64) {
    let fill_in = |time: &mut u64| *time = if *time == 0 { arrival_ns } else { *time };
    match data {
        Data::Gauge(found) => found.data_points.iter_mut().for_each(|p| fill_in(&mut p.time_unix_nano)),
        Data::Sum(found) => found.data_points.iter_mut().for_each(|p| fill_in(&mut p.time_unix_nano)),
        Data::Histogram(found) => found.data_points.iter_mut().for_each(|p| fill_in(&mut p.time_unix_nano)),
        Data::ExponentialHistogram(found) => {
            found.data_points.iter_mut().for_each(|p| fill_in(&mut p.time_unix_nano));
        }
        Data::Summary(found) => found.data_points.iter_mut().for_each(|p| fill_in(&mut p.time_unix_nano)),
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

/// In JSON a value of a wrong form comes out as none.
fn is_readable(point: &NumberDataPoint) -> bool {
    point.value.is_some() || ended(point.flags)
}

fn sample(time_unix_nano: u64, value: f64, flags: u32) -> Sample {
    let value = if ended(flags) { f64::from_bits(Sample::STALE_BITS) } else { value };
    Sample { timestamp_ms: milliseconds(time_unix_nano), value }
}

impl Family<'_> {
    /// Adds a series; its name ends with `suffix`.
    fn add(
        &mut self,
        suffix: &str,
        own: &Attributes,
        more: &[(&str, &str)],
        sample: Sample,
    ) -> Result<(), String> {
        let labels = self.resource.labels(&format!("{}{suffix}", self.name), own, more, self.budget)?;
        self.batch.series.push(Series { labels, samples: vec![sample] });
        Ok(())
    }

    fn number(&mut self, point: &NumberDataPoint) -> Result<(), String> {
        let value = match point.value {
            Some(Value::AsDouble(value)) => value,
            Some(Value::AsInt(value)) => value as f64,
            None => 0.0,
        };
        let sample = sample(point.time_unix_nano, value, point.flags);
        self.add("", &attributes(&point.attributes), &[], sample)
    }

    fn classic(&mut self, point: &HistogramDataPoint) -> Result<(), String> {
        let (own, count) = (attributes(&point.attributes), point.count as f64);
        let sample = |value| sample(point.time_unix_nano, value, point.flags);
        self.add("_count", &own, &[], sample(count))?;
        if let Some(sum) = point.sum {
            self.add("_sum", &own, &[], sample(sum))?;
        }
        let mut below = 0_u64;
        for (bound, count) in point.explicit_bounds.iter().zip(&point.bucket_counts) {
            below = below.saturating_add(*count);
            // The last bucket is that of all.
            if *bound != f64::INFINITY {
                self.add("_bucket", &own, &[("le", &bound.to_string())], sample(below as f64))?;
            }
        }
        self.add("_bucket", &own, &[("le", "+Inf")], sample(count))
    }

    fn summary(&mut self, point: &SummaryDataPoint) -> Result<(), String> {
        let own = attributes(&point.attributes);
        let sample = |value| sample(point.time_unix_nano, value, point.flags);
        self.add("_sum", &own, &[], sample(point.sum))?;
        self.add("_count", &own, &[], sample(point.count as f64))?;
        for found in &point.quantile_values {
            self.add("", &own, &[("quantile", &found.quantile.to_string())], sample(found.value))?;
        }
        Ok(())
    }

    fn native(&mut self, point: &ExponentialHistogramDataPoint, histogram: Histogram) -> Result<(), String> {
        let own = attributes(&point.attributes);
        let labels = self.resource.labels(&self.name, &own, &[], self.budget)?;
        self.budget.take(size_of::<Histogram>())?;
        let timestamp_ms = milliseconds(point.time_unix_nano);
        let samples = vec![HistogramSample { timestamp_ms, histogram: histogram.into() }];
        self.batch.histograms.push(HistogramSeries { labels, samples });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
