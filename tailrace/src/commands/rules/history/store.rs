//! The past as a store tells it, piece by piece.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Result;
use event::Matcher;
use stream_processor::{
    engine::{LineInterest, program::Program},
    replay::StoreReplay,
};

use super::{Sink, Span, lines, progress, series};
use crate::args::{ClientArgs, HistoryArgs};

/// So much of the past is asked for at once, in milliseconds.
const PIECE_MS: i64 = 3_600_000;

/// Where Prometheus' API and Loki's are.
pub struct Store {
    samples: ClientArgs,
    lines: ClientArgs,
}

/// What rules look at, each thing once.
struct Wanted {
    series: Vec<Vec<Matcher>>,
    lines: Vec<LineInterest>,
}

impl Store {
    pub fn of(args: &HistoryArgs) -> Self {
        let samples = args.client.clone();
        let addr = args.logs_addr.clone().unwrap_or_else(|| samples.addr.clone());
        Store { lines: ClientArgs { addr, ..samples.clone() }, samples }
    }

    pub async fn replay(
        &self,
        programs: &[Arc<Program>],
        (from_ms, to_ms): Span,
        sink: &mut impl Sink,
    ) -> Result<bool> {
        let wanted = Wanted::of(programs);
        let look_back = programs.iter().map(|program| program.look_back_ms()).max().unwrap_or(0);
        let mut replays: Vec<StoreReplay> = programs.iter().cloned().map(StoreReplay::new).collect();
        let (mut done, mut found) = (from_ms.saturating_sub(look_back), false);
        let bar = progress((to_ms - done).unsigned_abs());
        while done < to_ms {
            let until = (done + PIECE_MS).min(to_ms);
            found |= self.feed(&wanted, (done, until), &mut replays).await?;
            for (at, replay) in replays.iter_mut().enumerate() {
                for step in replay.steps(done.max(from_ms), until) {
                    let outputs = replay.evaluate(step);
                    sink.take(at, outputs, replay.take_problems()).await?;
                }
                replay.forget_before(until);
            }
            bar.inc((until - done).unsigned_abs());
            done = until;
        }
        bar.finish_and_clear();
        Ok(found)
    }

    async fn feed(&self, wanted: &Wanted, piece: Span, replays: &mut [StoreReplay]) -> Result<bool> {
        let mut found = false;
        if !wanted.series.is_empty() {
            let series = series::fetch(&self.samples, &wanted.series, piece).await?;
            found |= !series.is_empty();
            replays.iter_mut().for_each(|replay| replay.feed(&series));
        }
        for (at, interest) in wanted.lines.iter().enumerate() {
            let mut lines = lines::fetch(&self.lines, interest, piece).await?;
            found |= !lines.is_empty();
            let earlier = &wanted.lines[..at];
            lines.retain(|(labels, entry)| !earlier.iter().any(|one| one.finds(labels, &entry.line)));
            for (labels, entry) in &lines {
                replays.iter_mut().for_each(|replay| replay.feed_line(labels, entry));
            }
        }
        Ok(found)
    }
}

impl Wanted {
    fn of(programs: &[Arc<Program>]) -> Self {
        let series = programs.iter().flat_map(|program| program.interests());
        let series: BTreeMap<String, Vec<Matcher>> =
            series.map(|interest| (format!("{:?}", interest.matchers), interest.matchers)).collect();
        let lines = programs.iter().flat_map(|program| program.line_interests());
        let lines: BTreeMap<String, LineInterest> = lines.map(|one| (one.query(), one)).collect();
        Wanted { series: series.into_values().collect(), lines: lines.into_values().collect() }
    }
}
