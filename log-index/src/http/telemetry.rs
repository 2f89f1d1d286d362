//! The service's own metrics: requests by endpoint and status, and how long they took.

use std::{sync::LazyLock, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts};

static REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let opts = Opts::new("tailrace_query_requests_total", "Requests to the query APIs.");
    registered(IntCounterVec::new(opts, &["endpoint", "status"]).expect("name and labels are valid"))
});

static SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    let opts = HistogramOpts::new("tailrace_query_seconds", "Time from a request's arrival to its answer.")
        .buckets(vec![0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0]);
    registered(HistogramVec::new(opts, &["endpoint"]).expect("name and labels are valid"))
});

/// In the default registry; a second registration in one process changes nothing.
fn registered<C: prometheus::core::Collector + Clone + 'static>(collector: C) -> C {
    if let Err(error) = prometheus::register(Box::new(collector.clone())) {
        tracing::debug!(%error, "metric is registered already");
    }
    collector
}

/// Counts a request and its time under the route that took it.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let endpoint = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let begin = Instant::now();
    let response = next.run(request).await;
    SECONDS.with_label_values(&[&endpoint]).observe(begin.elapsed().as_secs_f64());
    REQUESTS.with_label_values(&[endpoint.as_str(), response.status().as_str()]).inc();
    response
}
