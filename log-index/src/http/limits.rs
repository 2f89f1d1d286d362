//! What one request, and all of them together, may take.

use std::{thread, time::Duration};

use event::Sample;

/// Limits of the query service. Every error that comes from one of them names it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest form that a request may post, in bytes.
    pub max_body_bytes: usize,
    /// Longest query, in bytes.
    pub max_query_bytes: usize,
    /// Most lines that a log query may ask for.
    pub max_entries: usize,
    /// Most series that any part of a log query's metrics may have.
    pub max_series: usize,
    /// Most series in the answer to a log query's metrics; the others are one series then.
    pub max_answer_series: usize,
    /// Most steps of a range query behind the first one.
    pub max_steps: usize,
    /// Most samples that a PromQL query may load and compute in all.
    pub max_samples: usize,
    /// Most bytes that a query may hold in memory, of a PromQL query 16 for each sample. The configuration sets it as
    /// [`QUERY_MEMORY`].
    pub max_bytes: usize,
    /// Most queries that are evaluated at once; others wait.
    pub max_queries: usize,
    /// Most live tails at once.
    pub max_tails: usize,
    /// Longest time from the arrival of a query to its answer.
    pub timeout: Duration,
    /// Longest time that a query waits for the index to reach what was acknowledged before the query came.
    pub max_freshness_wait: Duration,
}

/// The default of [`Limits::max_samples`].
pub(super) const MOST_SAMPLES: usize = 50_000_000;
/// The setting behind [`Limits::max_bytes`].
pub const QUERY_MEMORY: &str = "http.query_memory";

impl Limits {
    /// Samples that a PromQL query may load and compute.
    pub(super) fn samples(&self) -> usize {
        self.max_samples.min(self.max_bytes / size_of::<Sample>())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_body_bytes: 1 << 20,
            max_query_bytes: 64 << 10,
            max_entries: 5_000,
            max_series: 100_000,
            // Loki's limit, beyond which it answers with an error.
            max_answer_series: 500,
            max_steps: 11_000,
            max_samples: MOST_SAMPLES,
            max_bytes: 1 << 30,
            max_queries: 2 * thread::available_parallelism().map_or(2, usize::from),
            max_tails: 16,
            timeout: Duration::from_secs(60),
            max_freshness_wait: Duration::from_secs(1),
        }
    }
}
