//! The rules job: samples in, series to the derived topic and alert transitions to the alert topic out.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use bus::{Consumer, ConsumerBuilder, Offsets, Outgoing, Record, Start};
use event::{Alert, Codec, DecodeError, Decoder, Event, SampleBatch};

use crate::{
    Config,
    engine::{Engine, External, Options, Output, Silence, program::Program},
    job::Job,
    mark::{Mark, Shard},
    telemetry,
    transitions::{self, Standing},
};

/// KiB that may wait in memory while state is read back.
const QUEUE_KIB: u32 = 8 << 10;
/// How long one look for records waits before it is asked again whether there are more.
const READ_BACK_POLL: Duration = Duration::from_millis(20);
const ENDS_TIMEOUT: Duration = Duration::from_secs(10);

/// An engine between its topics.
pub struct RulesJob {
    bus: bus::Config,
    shard: Shard,
    /// The step from which all shards began.
    began: Option<i64>,
    group: String,
    /// That of the first shard.
    first_group: String,
    codec: Codec,
    decoder: Decoder,
    engine: Engine,
    /// Records below were dealt with before the restart: they are only read back.
    committed: Offsets,
}

/// Name under which a shard commits.
fn group(config: &Config, shard: usize) -> String {
    if shard == 0 { config.group.clone() } else { format!("{}-{shard}", config.group) }
}

/// `None`: alerts end as in Prometheus.
fn silence(config: &Config) -> Option<Silence> {
    let (after_ms, unknown_ms) = (config.silent_after.millis(), config.unknown_for.millis());
    (after_ms > 0 && unknown_ms > 0).then_some(Silence { after_ms, unknown_ms })
}

/// Where no rule and no window looks at series, samples only move time.
fn decoder(program: &Program) -> Decoder {
    if program.interests().is_empty() { Decoder::without_labels() } else { Decoder::default() }
}

fn newest(marks: impl IntoIterator<Item = Mark>) -> Option<Mark> {
    marks.into_iter().max_by_key(|mark| mark.step)
}

/// Since the first call.
fn elapsed() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

impl RulesJob {
    /// A job that has read nothing yet.
    pub fn new(bus: &bus::Config, config: &Config, shard: usize, program: Arc<Program>) -> Self {
        let options = Options {
            lateness_ms: config.lateness.millis(),
            max_series: config.max_series,
            max_lines: config.max_lines,
            evidence: config.evidence,
            silence: silence(config),
            external: External { url: config.external_url.clone(), ..External::default() },
            stopwatch: Some(elapsed),
            ..Options::default()
        };
        RulesJob {
            bus: bus.clone(),
            shard: Shard { number: shard, of: config.shards.get() },
            began: None,
            first_group: config.group.clone(),
            group: group(config, shard),
            codec: config.codec,
            decoder: decoder(&program),
            engine: Engine::new(program, options),
            committed: Offsets::default(),
        }
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// How far the input was dealt with before the restart.
    pub fn committed(&self) -> &Offsets {
        &self.committed
    }

    /// Whether a record was dealt with before the restart.
    pub fn is_read_back(&self, record: &Record) -> bool {
        self.committed.get(&record.topic, record.partition).is_some_and(|next| record.offset < next)
    }

    /// The step to go on from. After a change of the number of shards all of them begin where the first one stood.
    fn begin(&mut self, own: Option<Mark>) -> Result<Option<i64>, bus::Error> {
        let first = if self.shard.number == 0 { own } else { self.first_mark()? };
        self.began = self.shard.began(first);
        if self.shard.goes_on(own, self.began) {
            return Ok(own.and_then(|mark| mark.step));
        }
        self.committed = Offsets::default();
        Ok(self.began)
    }

    fn first_mark(&self) -> Result<Option<Mark>, bus::Error> {
        let topics = [self.bus.topics.metrics.as_str()];
        let builder = ConsumerBuilder {
            config: &self.bus,
            group: &self.first_group,
            topics: &topics,
            queue_kib: QUEUE_KIB,
        };
        let texts = Consumer::open(&builder)?.committed()?.into_iter().map(|(_, _, text)| text);
        let marks: Vec<_> = texts.map(|text| self.mark_of(text)).collect::<Result<_, _>>()?;
        Ok(newest(marks.into_iter().flatten()))
    }

    fn resume(&mut self, consumer: &Consumer, step: Option<i64>) -> Result<Offsets, bus::Error> {
        let alerts = self.read_alerts(step)?;
        self.engine.resume(step, &alerts);
        // Before the first step nothing was given: all that is there is read from its beginning.
        let Some(step) = step else { return Ok(Offsets::default()) };
        let since = step.saturating_sub(self.engine.history_ms());
        for batch in self.read_derived(since)? {
            self.engine.resume_series(&batch);
        }
        consumer.offsets_by_time(since)
    }

    /// Of what was decided at `step`, the last transition of each alert that has not ended; all later ones, without
    /// evidence.
    fn read_alerts(&self, step: Option<i64>) -> Result<Vec<Alert>, bus::Error> {
        let (mut standing, mut later) = (Standing::default(), Vec::new());
        self.read_back(&self.bus.topics.alerts, None, |record| {
            match Alert::from_json(&record.value) {
                Ok(alert) if !self.is_own(&alert.group) => {}
                Ok(alert) if step.is_none_or(|step| alert.evaluated_at.as_millisecond() > step) => {
                    later.push(Alert { evidence: None, ..alert });
                }
                Ok(alert) => standing.note(alert),
                Err(error) => {
                    tracing::warn!(topic = record.topic, offset = record.offset, %error, "not an alert, passed over");
                }
            }
        })?;
        Ok(standing.into_alerts().chain(later).collect())
    }

    /// Whether alerts of a group are this shard's. Those of groups that are no more are of one shard, which ends them.
    fn is_own(&self, group: &str) -> bool {
        let Program { groups, elsewhere, .. } = self.engine.evaluator().program();
        match elsewhere.ends_orphans {
            true => groups.iter().any(|own| own.name == group),
            false => !elsewhere.groups.contains(group),
        }
    }

    fn read_derived(&self, since_ms: i64) -> Result<Vec<SampleBatch>, bus::Error> {
        let mut batches = Vec::new();
        self.read_back(&self.bus.topics.derived, Some(since_ms), |record| {
            if let Ok(Event::Samples(batch)) = event::decode(&record.value) {
                batches.push(batch);
            }
        })?;
        Ok(batches)
    }

    /// Reads a topic to its end as of now.
    fn read_back(
        &self,
        topic: &str,
        since_ms: Option<i64>,
        mut each: impl FnMut(Record),
    ) -> Result<(), bus::Error> {
        let builder =
            ConsumerBuilder { config: &self.bus, group: &self.group, topics: &[topic], queue_kib: QUEUE_KIB };
        let consumer = Consumer::open(&builder)?;
        let ends = consumer.ends(ENDS_TIMEOUT)?;
        let from = since_ms.map(|since| consumer.offsets_by_time(since)).transpose()?.unwrap_or_default();
        consumer.start(&from, Start::Earliest)?;
        while !consumer.has_read(&from, &ends)? {
            consumer.poll(READ_BACK_POLL, 1_000)?.into_iter().for_each(&mut each);
        }
        Ok(())
    }

    /// What is committed as `text`; who sets offsets by hand leaves it empty.
    fn mark_of(&self, text: String) -> Result<Option<Mark>, bus::Error> {
        if text.is_empty() {
            return Ok(None);
        }
        match Mark::parse(&text) {
            Some(mark) => Ok(Some(mark)),
            None => Err(bus::Error::Commit { group: self.group.clone(), text }),
        }
    }

    fn outgoing(&self, output: Output) -> Vec<Outgoing> {
        match output {
            Output::Alert(alert) => {
                let state = alert.state.name();
                telemetry::TRANSITIONS.with_label_values(&[state]).inc();
                tracing::info!(state, labels = %alert.labels, value = alert.value, "alert");
                let topic = self.bus.topics.alerts.clone();
                let key = alert.fingerprint.clone().into_bytes();
                vec![Outgoing { topic, key, value: transitions::record(alert), partition: None }]
            }
            Output::Series(batch) => {
                let key = batch.source.clone().into_bytes();
                let values = event::encode(&Event::Samples(batch), self.codec).into_iter();
                let topic = &self.bus.topics.derived;
                values
                    .map(|value| Outgoing { topic: topic.clone(), key: key.clone(), value, partition: None })
                    .collect()
            }
        }
    }
}

impl Job for RulesJob {
    fn group(&self) -> &str {
        &self.group
    }

    fn transactional_id(&self) -> String {
        format!("{}-{}", self.group, self.bus.topics.metrics)
    }

    fn topics(&self) -> Vec<String> {
        let logs = self.engine.evaluator().program().reads_logs().then(|| self.bus.topics.logs.clone());
        [self.bus.topics.metrics.clone()].into_iter().chain(logs).collect()
    }

    fn restore(&mut self, consumer: &Consumer) -> Result<Offsets, bus::Error> {
        self.engine.set_partitions(consumer.partitions());
        let mut marks = Vec::new();
        let ends = consumer.ends(ENDS_TIMEOUT)?;
        for ((topic, partition), next, text) in consumer.committed()? {
            // A topic that was made anew is shorter than what was read of the old one.
            let end = ends.get(&topic, partition).unwrap_or(next);
            self.committed.set(&topic, partition, next.min(end));
            marks.extend(self.mark_of(text)?);
        }
        let step = self.begin(newest(marks))?;
        self.resume(consumer, step)
    }

    fn take(&mut self, record: &Record) -> Result<(), DecodeError> {
        let partition = (record.topic.clone(), record.partition);
        self.engine.feed(&partition, record.timestamp_ms, &self.decoder.decode(&record.value)?);
        Ok(())
    }

    fn outputs(&mut self) -> Vec<Outgoing> {
        let outputs = self.engine.advance();
        for problem in self.engine.take_problems() {
            tracing::warn!(rule = problem.place, problem.message, "rule failed");
        }
        outputs.into_iter().flat_map(|output| self.outgoing(output)).collect()
    }

    fn mark(&self) -> String {
        let mark = self.shard.mark(self.engine.last_step(), self.began);
        serde_json::to_string(&mark).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_an_unknown_version_is_refused() {
        let program = Arc::new(Program::default());
        let job = RulesJob::new(&bus::Config::default(), &Config::default(), 0, program);
        let step = |text: &str| job.mark_of(text.to_owned()).map(|mark| mark.and_then(|mark| mark.step));
        assert_eq!(step(r#"{"version":1,"step":60000}"#).unwrap(), Some(60_000));
        assert_eq!(step("").unwrap(), None);
        for text in [r#"{"version":2,"step":60000}"#, "by hand"] {
            assert!(step(text).unwrap_err().to_string().contains("cannot read"), "{text}");
        }
    }
}
