//! Prometheus remote write 1.0.

use std::time::Duration;

use event::SampleBatch;
use futures::{FutureExt, future::BoxFuture};
use reqwest::Method;

use super::{
    Error, RemoteWriteConfig,
    batch::{self, Pending, Series},
    target::{self, Filter, Http, Outcome, Target},
    telemetry::TELEMETRY,
};

/// One target.
pub struct RemoteWrite {
    url: String,
    http: Http,
    filter: Filter,
    pending: Pending,
}

impl RemoteWrite {
    pub fn new(config: &RemoteWriteConfig) -> Result<Self, Error> {
        Ok(RemoteWrite {
            url: config.url.clone(),
            http: Http::new(&config.url, &config.auth, config.timeout.0)?,
            filter: Filter::new(&config.selectors)?,
            pending: Pending::new(config.send_native_histograms),
        })
    }

    /// A receiver answers 400 when one sample of a request is out of order, and takes none of it. So a refused
    /// request is halved until the bad samples stand alone: those are counted and left, the others arrive.
    fn write<'a>(&'a self, series: &'a [Series]) -> BoxFuture<'a, Outcome> {
        async move {
            match self.post(series).await {
                Outcome::Refused(_) if series.len() > 1 => {
                    let (first, second) = series.split_at(series.len() / 2);
                    match self.write(first).await {
                        Outcome::Taken => self.write(second).await,
                        failed => failed,
                    }
                }
                Outcome::Refused(_) if series[0].len() > 1 => self.write_halves(&series[0]).await,
                Outcome::Refused(reason) => {
                    tracing::warn!(target = self.url, %reason, series = %series[0].labels, "sample refused");
                    TELEMETRY.refused.with_label_values(&[&self.url]).inc();
                    Outcome::Taken
                }
                other => other,
            }
        }
        .boxed()
    }

    async fn write_halves(&self, series: &Series) -> Outcome {
        for half in series.halves() {
            if let Outcome::Failed(reason) = self.write(&[half]).await {
                return Outcome::Failed(reason);
            }
        }
        Outcome::Taken
    }

    async fn post(&self, series: &[Series]) -> Outcome {
        let request = self.http.request(Method::POST, &self.url);
        let body = batch::body(series, self.pending.families());
        let headers = [
            ("content-type", "application/x-protobuf"),
            ("content-encoding", "snappy"),
            ("x-prometheus-remote-write-version", "0.1.0"),
        ];
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        target::send(request.body(body)).await
    }
}

impl Target for RemoteWrite {
    fn name(&self) -> &str {
        &self.url
    }

    fn take(&mut self, batch: &SampleBatch) {
        let filter = &self.filter;
        self.pending.push(batch, |labels| filter.accepts(labels));
    }

    fn due_in(&self, _since_last: Duration) -> Option<Duration> {
        (!self.pending.is_empty()).then_some(Duration::ZERO)
    }

    fn deliver(&mut self) -> BoxFuture<'_, Outcome> {
        async move {
            while !self.pending.is_empty() {
                let series = self.pending.next_request();
                match self.write(&series).await {
                    Outcome::Taken => self.pending.done(series.len()),
                    other => return other,
                }
                let samples: usize = series.iter().map(Series::len).sum();
                TELEMETRY.samples.with_label_values(&[&self.url]).inc_by(samples as u64);
            }
            Outcome::Taken
        }
        .boxed()
    }
}
