//! What is read: told from what was read before, from what is late and from what cannot be.

use std::sync::Arc;

use event::{Labels, LogBatch, SampleBatch};

use super::{
    Engine, LAST_TIME_MS, MOST_AHEAD_MS, Partition, late::Item, line_store::Sourced, series_store::Inserted,
    sources::oldest_ms,
};

impl Engine {
    /// Gives the newest time in the batch; `None` if it was read before.
    pub(super) fn feed_samples(
        &mut self,
        partition: &Partition,
        written_ms: i64,
        batch: &SampleBatch,
    ) -> Option<i64> {
        let reached = self.watermark.of(partition);
        let newest = items(batch).map(|(_, item)| item.time_ms()).max();
        let oldest = oldest_ms(reached, self.horizon_ms);
        let possible = items(batch).map(|(_, item)| item.time_ms()).filter(|ms| is_possible(*ms, written_ms));
        let mark = possible.max().unwrap_or_default();
        if self.sources.is_repeated(partition, batch, mark, oldest) {
            self.stats.repeated += 1;
            return None;
        }
        for (labels, item) in items(batch) {
            self.take_in(labels, item, written_ms, reached);
        }
        newest
    }

    /// As the samples; of a log source each entry has a position of its own.
    pub(super) fn feed_lines(
        &mut self,
        partition: &Partition,
        written_ms: i64,
        batch: &LogBatch,
    ) -> Option<i64> {
        let reached = self.watermark.of(partition);
        let times = batch.entries.iter().map(|entry| entry.timestamp_ns.div_euclid(1_000_000));
        let newest = times.clone().max();
        let mark = times.filter(|time| is_possible(*time, written_ms)).max().unwrap_or_default();
        let oldest = oldest_ms(reached, self.horizon_ms);
        let known = self.sources.entries_read(partition, batch, mark, oldest);
        let source: Arc<str> = batch.source.as_str().into();
        for entry in &batch.entries {
            if known.is_some_and(|known| entry.position <= known) {
                self.stats.repeated += 1;
                continue;
            }
            let line = Sourced { source: source.clone(), entry: entry.clone() };
            self.take_in(&batch.labels, Item::Line(line), written_ms, reached);
        }
        newest
    }

    fn take_in(&mut self, labels: &Labels, item: Item, written_ms: i64, reached: Option<i64>) {
        let time = item.time_ms();
        if !is_possible(time, written_ms) {
            self.stats.refused += 1;
            return;
        }
        let Some(reached) = reached.filter(|reached| time <= *reached) else {
            self.schedule.note(time);
            return self.keep(labels, item);
        };
        self.stats.late += 1;
        // What no step will look at any more must not wake one either.
        if time > oldest_ms(Some(reached), self.horizon_ms) {
            self.late.push(reached, labels.clone(), item);
        }
    }

    pub(super) fn keep(&mut self, labels: &Labels, item: Item) {
        let inserted = match &item {
            Item::Sample(sample) => self.evaluator.insert(labels, *sample),
            Item::Histogram(sample) => self.evaluator.insert_histogram(labels, sample.clone()),
            Item::Line(line) => self.evaluator.lines.insert(labels, line),
        };
        match inserted {
            Inserted::Kept => self.stats.samples += 1,
            Inserted::NotWanted => {}
            Inserted::Refused => self.stats.refused += 1,
        }
    }
}

/// The numbers of a batch, then its native histograms.
fn items(batch: &SampleBatch) -> impl Iterator<Item = (&Labels, Item)> {
    let numbers = batch.series.iter().flat_map(|s| s.samples.iter().map(|x| (&s.labels, Item::Sample(*x))));
    let histograms = batch.histograms.iter();
    let histograms =
        histograms.flat_map(|s| s.samples.iter().map(|x| (&s.labels, Item::Histogram(x.clone()))));
    numbers.chain(histograms)
}

/// Whether a time is one, and not so far ahead that no step would ever reach it.
pub(super) fn is_possible(time_ms: i64, written_ms: i64) -> bool {
    let ahead = if written_ms > 0 { written_ms.saturating_add(MOST_AHEAD_MS) } else { LAST_TIME_MS };
    (0..=LAST_TIME_MS.min(ahead)).contains(&time_ms)
}
