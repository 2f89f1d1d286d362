//! History from the topics, record by record through the engine that works live: what was late then is late again.

use std::sync::Arc;

use event::{Event, SampleBatch, Tick};

use super::{Own, unlimited};
use crate::engine::{Engine, Options, Output, Partition, Problem, program::Program};

/// Rules on their way through the past of the topics.
pub struct TopicReplay {
    engine: Engine,
    own: Own,
    partitions: Vec<Partition>,
    lateness_ms: i64,
    to_ms: i64,
}

impl TopicReplay {
    /// Rules that are evaluated at the steps later than `from_ms`, up to and including `to_ms`. Time waits for all of
    /// `partitions`, each of which has to be fed in its order.
    pub fn new(
        program: Arc<Program>,
        partitions: Vec<Partition>,
        lateness_ms: i64,
        (from_ms, to_ms): (i64, i64),
    ) -> Self {
        let own = Own::of(&program);
        let setup = unlimited();
        let (max_series, max_lines) = (setup.max_series, setup.max_lines);
        let options = Options { lateness_ms, max_series, max_lines, evidence: 0, ..Options::default() };
        let mut engine = Engine::new(program, options);
        engine.set_partitions(&partitions);
        engine.begin_after(from_ms);
        TopicReplay { engine, own, partitions, lateness_ms, to_ms }
    }

    /// From so long before the first step on the topics have to be read.
    pub fn history_ms(&self) -> i64 {
        self.engine.history_ms()
    }

    /// Takes in what others than these rules have derived, before anything else: it was there when its step came.
    pub fn feed_derived(&mut self, batch: &SampleBatch) {
        for series in batch.series.iter().filter(|series| !self.own.has(&series.labels)) {
            self.engine.insert(&series.labels, &series.samples);
        }
    }

    /// Takes in the event of a record; one of a partition that the rules do not look at is passed over.
    pub fn feed(&mut self, partition: &Partition, record_timestamp_ms: i64, event: &Event) {
        if self.partitions.contains(partition) {
            self.engine.feed(partition, record_timestamp_ms, event);
        }
    }

    /// What all steps give that time has passed.
    pub fn advance(&mut self) -> Vec<Output> {
        self.engine.advance_until(self.to_ms)
    }

    /// Whether time has passed the last step.
    pub fn is_over(&self) -> bool {
        self.engine.watermark().is_some_and(|reached| reached >= self.to_ms)
    }

    /// Nothing more will come: what the remaining steps give.
    pub fn finish(&mut self) -> Vec<Output> {
        let tick = Event::Tick(Tick { timestamp_ms: self.to_ms.saturating_add(self.lateness_ms) });
        for partition in &self.partitions {
            self.engine.feed(partition, 0, &tick);
        }
        self.advance()
    }

    /// What went wrong since the last call.
    pub fn take_problems(&mut self) -> Vec<Problem> {
        self.engine.take_problems()
    }
}
