//! The rules engine: a function of what it is fed. No clock, no I/O, no threads; time is the watermark in the
//! data. The same events give the same outputs, byte for byte, however partitions interleave and however the
//! events are cut into batches.
//!
//! The walk of a sample: [`Engine::feed`] → [`watermark`] (late or not) → [`series_store`]; the walk of a step:
//! [`schedule`] → [`evaluator`]: [`window`] → rules in their order ([`recording`], [`alert`]) → [`Output`].

mod alert;
mod alert_step;
mod answer;
mod evaluator;
mod evidence;
mod family;
mod feed;
mod functions;
mod history;
mod humanize;
mod interest;
mod late;
mod line_store;
pub mod program;
mod recording;
mod related;
mod results;
mod resume;
mod schedule;
mod series_store;
mod sources;
mod states;
mod status;
mod step;
mod template;
mod template_tree;
mod watermark;
mod window;

use std::{sync::Arc, time::Duration};

use event::{Alert, Event, Labels, Sample, SampleBatch};

use feed::is_possible;
use late::{Item, Late};
use program::Program;
use resume::Resumed;
use schedule::Schedule;
use sources::Sources;
use watermark::Watermark;

pub use alert::{ActiveAlert, ActiveAlerts};
pub use evaluator::{Evaluations, Evaluator, Setup, Silence};
pub use line_store::LineInterest;
pub(crate) use series_store::Until;
pub use states::{Health, RuleState};
pub use status::{AlertStatus, GroupStatus, RuleStatus};
pub use template::{External, SyntaxError, Template};
pub use watermark::Partition;

/// A sample may be so far ahead of its record; what is further ahead is refused, it would never be looked at.
const MOST_AHEAD_MS: i64 = 10 * 60_000;
/// The times that every part of the program can express: 1970 to 2262.
const LAST_TIME_MS: i64 = i64::MAX / 1_000_000;
/// Steps between two rounds of forgetting.
const STEPS_PER_SWEEP: u64 = 20;

/// How the engine works; the defaults are good.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much later than its successor an event may come without being late.
    pub lateness_ms: i64,
    /// How far ahead of the writer's clock an event may pull time.
    pub skew_ms: i64,
    /// Series in memory.
    pub max_series: usize,
    /// Log entries in memory.
    pub max_lines: usize,
    /// How many samples, and how many lines, an alert carries at most; 0: no evidence.
    pub evidence: usize,
    /// When silence keeps an alert from ending; `None`: never, as in Prometheus.
    pub silence: Option<Silence>,
    /// What templates and links show of the installation.
    pub external: External,
    /// Tells how long ago something was, to measure rules with. It never changes a result.
    pub stopwatch: Option<fn() -> Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            lateness_ms: 5_000,
            skew_ms: 10_000,
            max_series: 500_000,
            max_lines: 1_000_000,
            evidence: 5,
            silence: None,
            external: External::default(),
            stopwatch: None,
        }
    }
}

/// What a step gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Series of a window or group, at most one batch of each for a step. The position is the step in
    /// milliseconds, so that readers drop what is written again after a crash.
    Series(SampleBatch),
    /// A transition.
    Alert(Alert),
}

/// What happened so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Samples and log entries that rules or windows look at.
    pub samples: u64,
    /// Samples and entries that came after time had passed them.
    pub late: u64,
    /// Batches that had been read before.
    pub repeated: u64,
    /// Samples with an impossible time, or of too many series.
    pub refused: u64,
    /// Steps.
    pub steps: u64,
}

/// A rule or window that failed, or something else that people should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `group/rule`, or what else it is about.
    pub place: String,
    /// What went wrong.
    pub message: String,
}

/// Decides what counts as read and which steps are due; what a step gives is up to the [`Evaluator`].
pub struct Engine {
    evaluator: Evaluator,
    options: Options,
    watermark: Watermark,
    schedule: Schedule,
    late: Late,
    sources: Sources,
    /// No step looks further back.
    horizon_ms: i64,
    resumed: Resumed,
    stats: Stats,
    problems: Vec<Problem>,
}

impl Engine {
    /// An engine that has seen nothing.
    pub fn new(program: impl Into<Arc<Program>>, options: Options) -> Self {
        let program = program.into();
        let horizon_ms = resume::horizon_ms(&program);
        let Options { max_series, max_lines, evidence, silence, stopwatch, .. } = options;
        let external = options.external.clone();
        Engine {
            watermark: Watermark::new(options.lateness_ms, options.skew_ms),
            schedule: Schedule::new(program.intervals(), horizon_ms),
            late: Late::default(),
            sources: Sources::default(),
            horizon_ms,
            resumed: Resumed::default(),
            stats: Stats::default(),
            problems: Vec::new(),
            evaluator: Evaluator::new(
                program,
                Setup { max_series, max_lines, external, evidence, silence, stopwatch },
            ),
            options,
        }
    }

    /// Names the partitions that will be fed: time waits for all of them.
    pub fn set_partitions(&mut self, partitions: &[Partition]) {
        self.watermark.set_partitions(partitions);
    }

    /// Takes in one event, in the order of its partition. `record_timestamp_ms` is when its record was
    /// written; 0 or less if that is not known.
    pub fn feed(&mut self, partition: &Partition, record_timestamp_ms: i64, event: &Event) {
        let newest = match event {
            Event::Samples(batch) => self.feed_samples(partition, record_timestamp_ms, batch),
            Event::Logs(batch) => self.feed_lines(partition, record_timestamp_ms, batch),
            Event::Tick(tick) => {
                let new = self.watermark.of(partition).is_none_or(|reached| tick.timestamp_ms > reached);
                if new && is_possible(tick.timestamp_ms, record_timestamp_ms) {
                    self.schedule.note(tick.timestamp_ms);
                }
                Some(tick.timestamp_ms)
            }
        };
        if let Some(time) = newest {
            self.watermark.observe(partition, time.clamp(0, LAST_TIME_MS), record_timestamp_ms);
        }
    }

    /// Before anything is fed: steps up to and including `step_ms` are not evaluated.
    pub fn begin_after(&mut self, step_ms: i64) {
        self.schedule.finish(step_ms);
    }

    /// Puts samples in their place, whatever their time and without moving the watermark.
    pub fn insert(&mut self, labels: &Labels, samples: &[Sample]) {
        for sample in samples {
            self.keep(labels, Item::Sample(*sample));
        }
    }

    /// Evaluates every step up to the watermark.
    pub fn advance(&mut self) -> Vec<Output> {
        self.advance_until(LAST_TIME_MS)
    }

    /// The same, and no step later than `last_ms`.
    pub fn advance_until(&mut self, last_ms: i64) -> Vec<Output> {
        let mut outputs = Vec::new();
        let Some(reached) = self.watermark.current().map(|reached| reached.min(last_ms)) else {
            return outputs;
        };
        while let Some(step) = self.next_step(reached) {
            outputs.extend(self.evaluate(step));
            self.schedule.finish(step);
            self.stats.steps += 1;
            if self.stats.steps.is_multiple_of(STEPS_PER_SWEEP) {
                self.sweep(step);
            }
        }
        outputs
    }

    /// How far event time has come; `None` before every partition has had an event.
    pub fn watermark(&self) -> Option<i64> {
        self.watermark.current()
    }

    /// How far one partition has come.
    pub fn watermark_of(&self, partition: &Partition) -> Option<i64> {
        self.watermark.of(partition)
    }

    /// The last step that was evaluated.
    pub fn last_step(&self) -> Option<i64> {
        self.schedule.done().max(self.resumed.at)
    }

    /// What happened so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// What evaluating has cost.
    pub fn evaluations(&self) -> Evaluations {
        self.evaluator.evaluations
    }

    /// The rules, their state and their samples.
    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// How many alerts are pending, and how many fire.
    pub fn alerts(&self) -> (usize, usize) {
        self.evaluator.states.count_alerts()
    }

    /// How many series are in memory.
    pub fn series(&self) -> usize {
        self.evaluator.store.len()
    }

    /// What went wrong since the last call.
    pub fn take_problems(&mut self) -> Vec<Problem> {
        let mut problems = self.evaluator.take_problems();
        problems.append(&mut self.problems);
        problems
    }

    /// The next step up to `reached`, with all late samples in place that it may see.
    fn next_step(&mut self, reached: i64) -> Option<i64> {
        loop {
            let step = self.schedule.next();
            match self.late.first() {
                Some(late) if late < reached && step.is_none_or(|s| late < s) => {
                    for (labels, item) in self.late.take_first() {
                        self.schedule.note(late + 1);
                        self.keep(&labels, item);
                    }
                }
                _ => return step.filter(|s| *s <= reached),
            }
        }
    }

    fn sweep(&mut self, step: i64) {
        self.evaluator.forget_before(step);
        let Evaluator { store, lines, .. } = &mut self.evaluator;
        let messages = store.take_refusals().into_iter().chain(lines.take_refusals());
        self.problems.extend(messages.map(|message| Problem { place: "rules".into(), message }));
        self.sources.forget(&self.watermark, self.horizon_ms);
    }
}
