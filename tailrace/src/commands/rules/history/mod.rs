//! The past that rules are led through: from a store by its API, or from the topics.

mod lines;
mod series;
mod store;
mod topics;

use std::sync::Arc;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use stream_processor::{
    engine::{Output, Problem, program::Program},
    replay::Findings,
};

use crate::{
    args::{HistoryArgs, HistorySource},
    commands::client,
    settings::Settings,
};

use store::Store;
use topics::Topics;

/// Times later than the first, up to and including the second: milliseconds since 1970.
pub type Span = (i64, i64);

/// Takes what the steps of the programs give, those of each in the order of time.
pub trait Sink {
    /// What steps of the program of this number have given.
    async fn take(&mut self, program: usize, outputs: Vec<Output>, problems: Vec<Problem>) -> Result<()>;
}

/// One for each program.
impl<const N: usize> Sink for [Findings; N] {
    async fn take(&mut self, program: usize, outputs: Vec<Output>, problems: Vec<Problem>) -> Result<()> {
        self[program].note(&outputs, problems);
        Ok(())
    }
}

/// Where the past is.
pub enum History {
    Store(Store),
    Topics(Topics),
}

impl History {
    /// As the command line says.
    pub async fn of(args: &HistoryArgs) -> Result<Self> {
        Ok(match args.history {
            HistorySource::Store => History::Store(Store::of(args)),
            HistorySource::Topics => History::Topics(Topics::of(args).await?),
        })
    }

    /// Leads each of the programs through `span`, beginning without any state but what the first step looks back at.
    /// Answers whether the past holds anything at all.
    pub async fn replay(&self, programs: &[Arc<Program>], span: Span, sink: &mut impl Sink) -> Result<bool> {
        match self {
            History::Store(store) => store.replay(programs, span, sink).await,
            History::Topics(topics) => topics.replay(programs, span, sink).await,
        }
    }
}

/// What the configuration says, with the brokers that are meant.
pub async fn settings(args: &HistoryArgs) -> Result<Settings> {
    let mut settings = Settings::load(args.config.as_deref(), &[])?;
    match (&args.brokers, &args.config) {
        (Some(brokers), _) => settings.bus.brokers.clone_from(brokers),
        (None, None) => settings.bus.brokers = client::brokers(&args.client).await?,
        (None, Some(_)) => {}
    }
    Ok(settings)
}

/// Shown on a terminal only.
fn progress(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{percent:>3} % {wide_bar} {eta} left");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
