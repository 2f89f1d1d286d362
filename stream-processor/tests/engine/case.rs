//! Scenarios: series and rules in, expected transitions and series out, as text. `tests/scenarios/README.md`
//! describes the form.

use config::{Duration, Source};
use event::{Alert, Event, Labels, LogBatch, LogEntry, METRIC_NAME, Sample, SampleBatch, Series, Tick};
use serde::Deserialize;
use stream_processor::{
    engine::{Engine, Options, Output, Partition},
    rules,
};

/// 2026-01-01T00:00:00Z: scenarios count from here.
pub const START_MS: i64 = 1_767_225_600_000;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub case: String,
    /// `default`, or the text of a rule file.
    #[serde(default)]
    pub rules: String,
    /// `default`, or the text of a windows file.
    #[serde(default)]
    pub windows: String,
    /// From one value to the next.
    pub every: String,
    /// Selector-like names of series, each with its values.
    pub input: std::collections::BTreeMap<String, String>,
    /// Time goes on to here, by ticks.
    pub until: String,
    /// Expected transitions.
    #[serde(default)]
    pub alerts: String,
    /// Whether texts are compared too.
    #[serde(default)]
    pub annotations: bool,
    /// Expected series, if they are compared.
    pub series: Option<String>,
}

/// A record of the metrics topic.
#[derive(Clone, Debug)]
pub struct Input {
    pub partition: Partition,
    pub written_ms: i64,
    pub event: Event,
}

pub fn partition(number: i32) -> Partition {
    ("metrics".into(), number)
}

/// Entries of one stream, each with its milliseconds since the start; positions count from `first`.
pub fn lines(source: &str, first: u64, entries: &[(i64, &str)]) -> Event {
    let entry = |((at_ms, line), position): (&(i64, &str), u64)| LogEntry {
        timestamp_ns: (START_MS + at_ms) * 1_000_000,
        line: (*line).to_owned().into(),
        position,
        ..LogEntry::default()
    };
    let labels = Labels::from([("host", "a"), ("job", "app")]);
    let entries = entries.iter().zip(first..).map(entry).collect();
    Event::Logs(LogBatch { source: source.into(), labels, entries })
}

pub fn millis(duration: &str) -> i64 {
    duration.parse::<Duration>().unwrap_or_else(|e| panic!("{e}")).millis()
}

pub fn engine(rules_text: &str, windows_text: &str) -> Engine {
    engine_with(rules_text, windows_text, Options::default())
}

pub fn engine_with(rules_text: &str, windows_text: &str, options: Options) -> Engine {
    let rules = match rules_text {
        "default" => rules::default_rules(),
        text => vec![Source::new("rules.yml", text)],
    };
    let windows = match windows_text {
        "default" => rules::default_windows(),
        text => Source::new("windows.yaml", text),
    };
    let program = rules::check(&rules, Some(&windows)).unwrap_or_else(|e| panic!("{e}"));
    Engine::new(program, options)
}

impl Case {
    pub fn engine(&self) -> Engine {
        let mut engine = engine(&self.rules, &self.windows);
        engine.set_partitions(&[partition(0)]);
        engine
    }

    /// One batch per time, then ticks.
    pub fn inputs(&self) -> Vec<Input> {
        let (every, until) = (millis(&self.every), millis(&self.until));
        let series: Vec<_> = self.input.iter().map(|(name, values)| (labels(name), expand(values))).collect();
        let mut inputs = Vec::new();
        for (number, at) in (0..=until).step_by(every as usize).enumerate() {
            let time = START_MS + at;
            let sample = |value: f64| vec![Sample { timestamp_ms: time, value }];
            let now = series.iter().filter_map(|(labels, values)| {
                let value = values.get(number).copied().flatten()?;
                Some(Series { labels: labels.clone(), samples: sample(value) })
            });
            let now: Vec<Series> = now.collect();
            let event = match now.is_empty() {
                true => Event::Tick(Tick { timestamp_ms: time }),
                false => Event::Samples(SampleBatch {
                    source: "test".into(),
                    position: number as u64 + 1,
                    series: now,
                    ..SampleBatch::default()
                }),
            };
            inputs.push(Input { partition: partition(0), written_ms: time, event });
        }
        let end = Tick { timestamp_ms: START_MS + until + Options::default().lateness_ms };
        inputs.push(Input {
            partition: partition(0),
            written_ms: START_MS + until + 5_000,
            event: Event::Tick(end),
        });
        inputs
    }
}

/// Feeds everything, then evaluates.
pub fn run(engine: &mut Engine, inputs: &[Input]) -> Vec<Output> {
    for input in inputs {
        engine.feed(&input.partition, input.written_ms, &input.event);
    }
    engine.advance()
}

pub fn alerts(outputs: &[Output]) -> Vec<Alert> {
    let alerts = outputs.iter().filter_map(|output| match output {
        Output::Alert(alert) => Some(alert.clone()),
        Output::Series(_) => None,
    });
    alerts.collect()
}

pub fn show_alerts(outputs: &[Output], annotations: bool) -> String {
    let mut text = String::new();
    for alert in alerts(outputs) {
        let name = alert.labels.get("alertname").unwrap_or_default();
        let labels = alert.labels.filtered(|n| n != "alertname");
        let state = format!("{:?}", alert.state).to_lowercase();
        let at = since_start(alert.evaluated_at.as_millisecond());
        text += &format!("{at} {state} {name}{labels} = {}\n", alert.value);
        for (name, value) in alert.annotations.iter().filter(|_| annotations) {
            text += &format!("  {name}: {value}\n");
        }
    }
    text
}

pub fn show_series(outputs: &[Output]) -> String {
    let mut text = String::new();
    let batches = outputs.iter().filter_map(|output| match output {
        Output::Series(batch) => Some(batch),
        Output::Alert(_) => None,
    });
    for series in batches.flat_map(|batch| &batch.series) {
        for sample in &series.samples {
            let value = if sample.is_stale() { "stale".into() } else { sample.value.to_string() };
            let labels = series.labels.filtered(|n| n != METRIC_NAME);
            let name = series.labels.metric_name();
            text += &format!("{} {name}{labels} {value}\n", since_start(sample.timestamp_ms));
        }
    }
    text
}

fn since_start(ms: i64) -> Duration {
    Duration(std::time::Duration::from_millis((ms - START_MS).unsigned_abs()))
}

/// `node_load1{host="a"}` as labels.
pub fn labels(series: &str) -> Labels {
    let query = promql::parse(series).unwrap_or_else(|e| panic!("{series}: {e}"));
    query.selectors()[0].matchers.iter().map(|m| (m.name.as_str(), m.value.as_str())).collect()
}

/// `1 2 _ 3x2 1+2x3 stale`: single values, gaps, repetitions (three times 3), steps (1 3 5 7).
fn expand(values: &str) -> Vec<Option<f64>> {
    values.split_whitespace().flat_map(expand_one).collect()
}

fn expand_one(token: &str) -> Vec<Option<f64>> {
    if token == "stale" {
        return vec![Some(f64::from_bits(Sample::STALE_BITS))];
    }
    let (what, times) = token.split_once('x').unwrap_or((token, "0"));
    let times: u32 = times.parse().unwrap_or_else(|e| panic!("{token}: {e}"));
    if what == "_" {
        return vec![None; times.max(1) as usize];
    }
    let sign = what.char_indices().skip(1).find(|(_, c)| "+-".contains(*c)).map(|(i, _)| i);
    let (first, step) = what.split_at(sign.unwrap_or(what.len()));
    let number = |text: &str| text.parse::<f64>().unwrap_or_else(|e| panic!("{token}: {e}"));
    let step = if step.is_empty() { 0.0 } else { number(step) };
    (0..=times).map(|i| Some(number(first) + step * f64::from(i))).collect()
}
