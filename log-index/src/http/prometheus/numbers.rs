//! Numbers as they are stored, for requests that ask no PromQL.

use std::cell::Cell;

use event::{Matcher, Series};

use crate::{
    Snapshot,
    http::{
        error::Failure,
        limits::{Limits, QUERY_MEMORY},
        run::Cancelled,
    },
};

/// How many samples one answer may hold.
pub struct Room<'a> {
    limit: usize,
    /// Whether it is memory that bounds them.
    of_memory: bool,
    used: Cell<usize>,
    cancelled: Cancelled<'a>,
}

impl<'a> Room<'a> {
    /// `most`, or as many as a query may hold in memory.
    pub fn new(most: usize, limits: &Limits, cancelled: Cancelled<'a>) -> Self {
        let limit = limits.samples().min(most);
        Room { limit, of_memory: limit < most, used: Cell::new(0), cancelled }
    }

    /// The matching series with their samples, without native histograms.
    ///
    /// # Errors
    /// When there are more than fit: then not all of them were read. Or when nobody waits for the answer any more.
    pub fn numbers(
        &self,
        snapshot: &Snapshot,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<Series>, Failure> {
        let most = Cell::new(0);
        let stop = |read| {
            most.set(read);
            self.check(read).is_err()
        };
        let series = snapshot.select_samples(matchers, start_ms, end_ms, &stop)?.numbers;
        self.check(most.get())?;
        self.used.set(self.used.get() + series.iter().map(|series| series.samples.len()).sum::<usize>());
        self.check(0)?;
        Ok(series)
    }

    fn check(&self, more: usize) -> Result<(), Failure> {
        if (self.cancelled)() {
            return Err(Failure::Cancelled);
        }
        if self.used.get() + more <= self.limit {
            return Ok(());
        }
        let setting = if self.of_memory { format!(" (limit: {QUERY_MEMORY})") } else { String::new() };
        let limit = self.limit;
        Err(Failure::BadData(format!(
            "exceeded sample limit ({limit}): read shorter spans or fewer series{setting}"
        )))
    }
}
