//! Pushgateway: the newest value of each series, grouped by job and instance.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    time::Duration,
};

use event::{Labels, SampleBatch};
use futures::{FutureExt, future::BoxFuture};
use reqwest::{Method, Url};

use super::{
    Error, PushgatewayConfig,
    target::{self, Filter, Http, Outcome, Target},
    telemetry::TELEMETRY,
};

/// The labels of a group are part of its address, not of its series.
const GROUPING: [&str; 2] = ["job", "instance"];
const DEFAULT_JOB: &str = "tailrace";

/// One target.
pub struct Pushgateway {
    url: String,
    http: Http,
    filter: Filter,
    interval: Duration,
    kinds: BTreeMap<String, String>,
    groups: BTreeMap<Labels, BTreeMap<Labels, f64>>,
    changed: BTreeSet<Labels>,
}

impl Pushgateway {
    pub fn new(config: &PushgatewayConfig) -> Result<Self, Error> {
        Ok(Pushgateway {
            url: config.url.clone(),
            http: Http::new(&config.url, &config.auth, config.timeout.0)?,
            filter: Filter::new(&config.selectors)?,
            interval: config.interval.0,
            kinds: BTreeMap::new(),
            groups: BTreeMap::new(),
            changed: BTreeSet::new(),
        })
    }

    fn group_url(&self, group: &Labels) -> Result<Url, String> {
        let mut url = Url::parse(&self.url).map_err(|e| e.to_string())?;
        let mut path = url.path_segments_mut().map_err(|()| "is no address to push to".to_owned())?;
        path.pop_if_empty().push("metrics").push("job").push(group.get("job").unwrap_or(DEFAULT_JOB));
        if let Some(instance) = group.get("instance") {
            path.push("instance").push(instance);
        }
        drop(path);
        Ok(url)
    }

    async fn push(&self, group: &Labels) -> Outcome {
        match self.group_url(group) {
            Ok(url) => {
                let body = text_format(&self.groups[group], &self.kinds);
                target::send(self.http.request(Method::PUT, url.as_str()).body(body)).await
            }
            Err(reason) => Outcome::Refused(reason),
        }
    }
}

impl Target for Pushgateway {
    fn name(&self) -> &str {
        &self.url
    }

    fn take(&mut self, batch: &SampleBatch) {
        self.kinds.extend(batch.families.iter().map(|f| (f.name.clone(), f.kind.clone())));
        for series in batch.series.iter().filter(|s| self.filter.accepts(&s.labels)) {
            let Some(newest) = series.samples.last() else { continue };
            let group = series.labels.filtered(|name| GROUPING.contains(&name));
            let labels = series.labels.filtered(|name| !GROUPING.contains(&name));
            let values = self.groups.entry(group.clone()).or_default();
            if newest.is_stale() {
                values.remove(&labels);
            } else {
                values.insert(labels, newest.value);
            }
            self.changed.insert(group);
        }
    }

    fn due_in(&self, since_last: Duration) -> Option<Duration> {
        (!self.changed.is_empty()).then(|| self.interval.saturating_sub(since_last))
    }

    fn deliver(&mut self) -> BoxFuture<'_, Outcome> {
        async move {
            while let Some(group) = self.changed.first().cloned() {
                match self.push(&group).await {
                    Outcome::Taken => TELEMETRY
                        .samples
                        .with_label_values(&[&self.url])
                        .inc_by(self.groups[&group].len() as u64),
                    Outcome::Refused(reason) => {
                        tracing::warn!(target = self.url, %reason, %group, "group refused");
                        TELEMETRY.refused.with_label_values(&[&self.url]).inc();
                    }
                    failed => return failed,
                }
                self.changed.remove(&group);
            }
            Outcome::Taken
        }
        .boxed()
    }
}

/// Prometheus' text format; the series are sorted, so those of one metric stand together.
fn text_format(values: &BTreeMap<Labels, f64>, kinds: &BTreeMap<String, String>) -> String {
    let mut sorted: Vec<_> = values.iter().collect();
    sorted.sort_by_key(|(labels, _)| labels.metric_name());
    let (mut text, mut last) = (String::new(), "");
    for (labels, value) in sorted {
        let name = labels.metric_name();
        if name != last
            && let Some(kind) = kinds.get(name).filter(|kind| ["counter", "gauge"].contains(&kind.as_str()))
        {
            let _ = writeln!(text, "# TYPE {name} {kind}");
        }
        let inner = labels.filtered(|n| n != event::METRIC_NAME).to_string();
        let _ = writeln!(text, "{name}{inner} {}", number(*value));
        last = name;
    }
    text
}

fn number(value: f64) -> String {
    match value {
        v if v == f64::INFINITY => "+Inf".into(),
        v if v == f64::NEG_INFINITY => "-Inf".into(),
        v => v.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_one_metric_stand_together_below_their_type() {
        let values = BTreeMap::from([
            (Labels::from([("__name__", "b"), ("a", "2")]), f64::INFINITY),
            (Labels::from([("__name__", "a"), ("x", "say \"hi\"")]), 1.5),
            (Labels::from([("__name__", "b")]), 3.0),
        ]);
        let kinds = BTreeMap::from([("b".to_owned(), "counter".to_owned())]);
        let expected = "a{x=\"say \\\"hi\\\"\"} 1.5\n# TYPE b counter\nb{} 3\nb{a=\"2\"} +Inf\n";
        assert_eq!(text_format(&values, &kinds), expected);
    }

    #[test]
    fn a_group_is_an_address() {
        let config = PushgatewayConfig {
            url: "http://127.0.0.1:9091/".into(),
            selectors: vec![],
            auth: super::super::Auth::default(),
            timeout: config::Duration::from_secs(1),
            interval: config::Duration::from_secs(1),
        };
        let gateway = Pushgateway::new(&config).unwrap();
        let group = Labels::from([("job", "a/b"), ("instance", "web1")]);
        let url = gateway.group_url(&group).unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1:9091/metrics/job/a%2Fb/instance/web1");
        assert!(gateway.group_url(&Labels::default()).unwrap().path().ends_with("/job/tailrace"));
    }
}
