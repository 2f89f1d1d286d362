//! What a query has cost, for those who ask with `stats`.

use std::time::Duration;

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    timings: Timings,
    samples: Samples,
}

/// In seconds. Queries are not prepared or sorted apart, and wait before their time counts.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Timings {
    eval_total_time: f64,
    result_sort_time: f64,
    query_preparation_time: f64,
    inner_eval_time: f64,
    exec_queue_time: f64,
    exec_total_time: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Samples {
    total_queryable_samples: usize,
    peak_samples: usize,
}

impl Stats {
    /// Of a query that took so long, and loaded and computed so many samples.
    pub fn new(took: Duration, samples: usize) -> Self {
        let seconds = took.as_secs_f64();
        let timings = Timings {
            eval_total_time: seconds,
            inner_eval_time: seconds,
            exec_total_time: seconds,
            ..Timings::default()
        };
        Stats { timings, samples: Samples { total_queryable_samples: samples, peak_samples: samples } }
    }
}
