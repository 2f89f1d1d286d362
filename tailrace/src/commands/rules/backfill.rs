//! `tailrace rules backfill`: recording rules over the past, into the topic of derived series.

use std::{collections::VecDeque, io::Write, process::ExitCode, sync::Arc};

use anyhow::{Result, ensure};
use bus::{Delivery, Outgoing, Producer};
use event::{Codec, Event, METRIC_NAME, Sample, SampleBatch, Series};
use indicatif::HumanCount;
use jiff::Timestamp;
use stream_processor::{
    engine::{Output, Problem},
    replay::Findings,
    rules,
};

use super::{
    history::{self, History, Sink},
    replay::print_problems,
};
use crate::{
    args::{BackfillArgs, HistoryArgs},
    commands::{print, span},
    stdout::{Stdout, outln},
};

/// Records that may wait for their acknowledgement.
const UNACKNOWLEDGED: usize = 10_000;

/// Evaluates the recording rules at each of their steps from `--start` to `--end`, and writes or prints what they give.
pub async fn run(args: &BackfillArgs) -> Result<ExitCode> {
    let program = Arc::new(rules::load_files(&args.files)?.recording());
    ensure!(program.rules().next().is_some(), "the files hold no recording rule: there is nothing to write");
    let end = args.end.as_deref().map_or(Ok(Timestamp::now()), |text| span::time("--end", text))?;
    let (start, end) = span::in_order("--start", span::time("--start", &args.start)?, end)?;
    let start = start.as_millisecond();
    // Rules that look back at what others record find it from the first step on.
    let from = start.saturating_sub(program.look_back_ms()).saturating_sub(1);
    let writer = if args.dry_run { None } else { Some(Writer::open(&args.history).await?) };
    let mut backfill = Backfill { start, writer, samples: 0, findings: Findings::default() };
    let history = History::of(&args.history).await?;
    history.replay(&[program], (from, end.as_millisecond()), &mut backfill).await?;
    backfill.finish().await
}

struct Backfill {
    /// Milliseconds since 1970.
    start: i64,
    /// None: prints.
    writer: Option<Writer>,
    samples: u64,
    findings: Findings,
}

impl Sink for Backfill {
    async fn take(&mut self, _: usize, outputs: Vec<Output>, problems: Vec<Problem>) -> Result<()> {
        self.findings.note(&[], problems);
        for output in outputs {
            match output {
                Output::Series(batch) if i64::try_from(batch.position)? >= self.start => {
                    self.give(batch).await?
                }
                Output::Series(_) | Output::Alert(_) => {}
            }
        }
        Ok(())
    }
}

impl Backfill {
    async fn give(&mut self, batch: SampleBatch) -> Result<()> {
        self.samples += batch.samples() as u64;
        match &mut self.writer {
            Some(writer) => writer.write(batch).await,
            None => print_series(&batch.series),
        }
    }

    async fn finish(self) -> Result<ExitCode> {
        if let Some(writer) = self.writer {
            writer.finish().await?;
            outln!("{} samples are written", HumanCount(self.samples));
        }
        print_problems("", &self.findings);
        Ok(if self.findings.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Writes to the topic of derived series.
struct Writer {
    producer: Producer,
    topic: String,
    codec: Codec,
    waiting: VecDeque<Delivery>,
}

impl Writer {
    async fn open(args: &HistoryArgs) -> Result<Self> {
        let settings = history::settings(args).await?;
        let (topic, codec) = (settings.bus.topics.derived.clone(), settings.processor.codec);
        Ok(Writer { producer: Producer::new(&settings.bus)?, topic, codec, waiting: VecDeque::new() })
    }

    /// Without the identity of a source: a second run must not be taken for a repetition where the samples of the first
    /// have been deleted. Where they are still there, they stay.
    async fn write(&mut self, batch: SampleBatch) -> Result<()> {
        let key = batch.source.clone().into_bytes();
        let anonymous = SampleBatch { source: String::new(), position: 0, ..batch };
        for value in event::encode(&Event::Samples(anonymous), self.codec) {
            let record = Outgoing { topic: self.topic.clone(), key: key.clone(), value, partition: None };
            self.waiting.push_back(self.producer.enqueue(&record).await?);
        }
        self.wait_for_all_but(UNACKNOWLEDGED).await
    }

    async fn finish(mut self) -> Result<()> {
        self.wait_for_all_but(0).await
    }

    async fn wait_for_all_but(&mut self, count: usize) -> Result<()> {
        while self.waiting.len() > count {
            if let Some(delivery) = self.waiting.pop_front() {
                delivery.await?;
            }
        }
        Ok(())
    }
}

fn print_series(series: &[Series]) -> Result<()> {
    let mut out = Stdout;
    for series in series {
        let name = series.labels.metric_name();
        let labels = series.labels.filtered(|label| label != METRIC_NAME);
        for sample in &series.samples {
            let at = print::seconds(sample.timestamp_ms);
            writeln!(out, "{name}{labels} => {} @[{at}]", value(sample))?;
        }
    }
    Ok(())
}

fn value(sample: &Sample) -> String {
    match sample.value {
        _ if sample.is_stale() => "stale".into(),
        value if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.into(),
        value => value.to_string(),
    }
}
