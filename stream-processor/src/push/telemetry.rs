//! What the push job tells of itself.

use std::sync::LazyLock;

use prometheus::{IntCounterVec, register_int_counter_vec};

/// Counters by target.
pub struct Telemetry {
    pub samples: IntCounterVec,
    pub refused: IntCounterVec,
    pub retries: IntCounterVec,
    pub undecodable: IntCounterVec,
}

pub static TELEMETRY: LazyLock<Telemetry> = LazyLock::new(|| {
    let counter = |name: &str, help: &str| {
        register_int_counter_vec!(format!("tailrace_push_{name}_total"), help, &["target"])
            .expect("each name is registered once")
    };
    Telemetry {
        samples: counter("samples", "Samples that the target has taken."),
        refused: counter("refused", "Samples or groups that the target will never take."),
        retries: counter("retries", "Requests that failed and were tried again."),
        undecodable: counter("undecodable", "Records that could not be read."),
    }
});
