//! The `processor:` section of the configuration.

use std::num::NonZeroUsize;

use config::{Check, Duration, Problems};
use event::Codec;
use promql::Features;
use serde::Deserialize;

use crate::{PushConfig, push::check_url};

/// Samples and lines each: more tell people no more.
const MOST_EVIDENCE: usize = 100;

/// What runs between the topics, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name under which the rules job commits. Under a new one it begins with the first record that is there.
    pub group: String,
    /// Parts into which the groups are put, so that several processors share them.
    pub shards: NonZeroUsize,
    /// Prometheus rule files; the last part of a path may hold `*`. Without the key: the built-in rules.
    pub rules: Option<Vec<String>>,
    /// The windows file. Without the key: the built-in windows.
    pub windows: Option<String>,
    /// How often the files are looked at for changes; `0` only when asked to, by SIGHUP or `POST /-/reload`.
    pub reload_every: Duration,
    /// What of PromQL rules may use; the section `promql` says it.
    #[serde(skip)]
    pub features: Features,
    /// How much later than its neighbours a sample may come and still count as on time.
    pub lateness: Duration,
    /// Form of the records in the derived topic. Alerts are always JSON.
    pub codec: Codec,
    /// After so much silence of a partition a tick says in it that time goes on.
    pub tick_after: Duration,
    /// A processor that another one has replaced takes over again when the other has committed nothing for so long;
    /// with shards, one that gives no sign of life for so long loses its own.
    pub take_over_after: Duration,
    /// Series that rules and windows may look at in all; those of new label sets beyond it are left out.
    pub max_series: usize,
    /// Log lines that rules may look at in all; those beyond it are left out.
    pub max_lines: usize,
    /// An alert that fires does not end while the series behind it have had no sample for so long, not even a stale
    /// marker: it is `unknown`. `0`: it ends, as in Prometheus.
    pub silent_after: Duration,
    /// After so much time as `unknown` it ends nevertheless.
    pub unknown_for: Duration,
    /// Where users reach the HTTP API, for `$externalURL` and the links of alerts; empty: links are path and query.
    pub external_url: String,
    /// How many samples, and how many log lines, an alert carries at most: up to 100; 0: no evidence.
    pub evidence: usize,
    /// Where samples go besides.
    pub push: PushConfig,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            group: "tailrace-rules".into(),
            shards: NonZeroUsize::MIN,
            rules: None,
            windows: None,
            reload_every: Duration::from_secs(30),
            features: Features::default(),
            lateness: Duration::from_secs(5),
            codec: Codec::default(),
            tick_after: Duration::from_secs(5),
            take_over_after: Duration::from_secs(30),
            max_series: 500_000,
            max_lines: 1_000_000,
            silent_after: Duration::from_secs(30),
            unknown_for: Duration::from_secs(3_600),
            external_url: String::new(),
            evidence: 5,
            push: PushConfig::default(),
        }
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        let few = self.evidence <= MOST_EVIDENCE;
        problems.require(few, "evidence", "is more than an alert carries", "write 100 or less");
        let sees = self.max_series > 0;
        problems.require(sees, "max_series", "lets rules see nothing", "write for example 500000");
        if !self.external_url.is_empty() {
            check_url(&self.external_url, "external_url", problems);
        }
        problems.section("push", &self.push);
    }
}

impl Config {
    /// What works, but hardly as it was meant.
    pub fn warning(&self) -> Option<String> {
        let (patience, silence) = (self.take_over_after.0, self.tick_after.0);
        (self.shards == NonZeroUsize::MIN && patience <= silence).then(|| {
            format!(
                "processor.take_over_after ({patience:?}) is not more than processor.tick_after ({silence:?}): \
                 a standby may take over from a processor that only has nothing to do"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_no_processor_can_work_with_are_refused_with_their_key() {
        let target = |more: &str| format!("push:\n  pushgateway: [{{url: 'https://a/b', {more}}}]");
        for (text, errors) in [
            (target("match: ['{a=\"b\"}', up]") + "\nevidence: 100\nexternal_url: http://a:1", &[][..]),
            ("evidence: 101\nmax_series: 0".into(), &["1:11 `evidence` is", "2:13 `max_series` lets"]),
            ("external_url: example".into(), &["1:15 `external_url` is no URL"]),
            (
                "push: {remote_write: [{url: ftp://a}]}".into(),
                &["1:29 `push.remote_write.0.url` is no URL of"],
            ),
            (
                "push: {remote_write: [{url: a, match: ['']}]}".into(),
                &[
                    "1:29 `push.remote_write.0.url` is no URL: relative",
                    "1:40 `push.remote_write.0.match.0` is no selector",
                ],
            ),
            (target("match: [up, 'up{']"), &["2:50 `push.pushgateway.0.match.1` is no selector"]),
            (target("match: ['1']"), &["2:46 `push.pushgateway.0.match.0` is no selector"]),
            (target("auth: {headers: {a b: c}}"), &["2:54 `push.pushgateway.0.auth.headers` has what"]),
        ] {
            let found = config::parse_with::<Config>("process.yaml", &text, &[]);
            let found = found.err().unwrap_or_default().headlines();
            let fits = found.iter().zip(errors).all(|(found, error)| found.starts_with(error));
            assert!(found.len() == errors.len() && fits, "{text}: {found:#?}");
        }
    }
}
