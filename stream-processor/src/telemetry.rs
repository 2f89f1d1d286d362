//! What the processor tells about itself, on the default registry.

use std::sync::LazyLock;

use prometheus::{
    IntCounter, IntCounterVec, IntGauge, IntGaugeVec, register_int_counter, register_int_counter_vec,
    register_int_gauge, register_int_gauge_vec,
};

use crate::engine::{Engine, Evaluations, Stats};

macro_rules! metrics {
    ($($name:ident: $type:ty = $register:ident($($argument:expr),+);)+) => {
        $(pub static $name: LazyLock<$type> =
            LazyLock::new(|| $register!($($argument),+).expect("the name is registered once"));)+
    };
}

metrics! {
    SAMPLES: IntCounter = register_int_counter(
        "tailrace_processor_samples_total", "Samples that rules or windows look at."
    );
    LATE: IntCounter = register_int_counter(
        "tailrace_processor_late_samples_total", "Samples that came after event time had passed them."
    );
    REPEATED: IntCounter = register_int_counter(
        "tailrace_processor_repeated_batches_total", "Batches that had been read before and were dropped."
    );
    REFUSED: IntCounter = register_int_counter(
        "tailrace_processor_refused_samples_total", "Samples with an impossible time, or of too many series."
    );
    STEPS: IntCounter = register_int_counter("tailrace_processor_steps_total", "Steps that were evaluated.");
    EVALUATIONS: IntCounter = register_int_counter(
        "tailrace_processor_evaluations_total", "Evaluations of rules and windows."
    );
    FAILURES: IntCounter = register_int_counter(
        "tailrace_processor_evaluation_failures_total", "Evaluations that failed."
    );
    TRANSITIONS: IntCounterVec = register_int_counter_vec(
        "tailrace_processor_alert_transitions_total", "Alert transitions that were written.", &["state"]
    );
    TICKS: IntCounter = register_int_counter(
        "tailrace_processor_ticks_total", "Ticks that were written into silent partitions."
    );
    UNREADABLE: IntCounter = register_int_counter(
        "tailrace_processor_unreadable_records_total",
        "Records that could not be decoded, so that no rule saw them."
    );
    REFUSED_RECORDS: IntCounter = register_int_counter(
        "tailrace_processor_refused_results_total", "Results that Kafka refused, for example as too large."
    );
    LAST_RELOAD_SUCCESSFUL: IntGauge = register_int_gauge(
        "tailrace_processor_config_last_reload_successful",
        "Whether the rule files were right when they were read last."
    );
    LAST_RELOAD_SUCCESS: IntGauge = register_int_gauge(
        "tailrace_processor_config_last_reload_success_timestamp_seconds",
        "When the rule files were read and right the last time."
    );
    ALERTS: IntGaugeVec = register_int_gauge_vec(
        "tailrace_processor_alerts", "Alerts that are pending, firing or unknown.", &["state"]
    );
    SERIES: IntGauge = register_int_gauge("tailrace_processor_series", "Series in memory.");
    WATERMARK: IntGauge = register_int_gauge(
        "tailrace_processor_watermark_seconds", "How far event time has come, in seconds since 1970."
    );
    LAG: IntGauge = register_int_gauge(
        "tailrace_processor_lag_records", "Records on the bus that have not been read, as of the last look."
    );
}

/// What was shown last.
#[derive(Debug, Default)]
pub struct Shown {
    stats: Stats,
    evaluations: Evaluations,
}

/// Shows where the engine stands.
pub fn show(engine: &Engine, shown: &mut Shown) {
    let (now, before) = (engine.stats(), &shown.stats);
    SAMPLES.inc_by(now.samples.saturating_sub(before.samples));
    LATE.inc_by(now.late.saturating_sub(before.late));
    REPEATED.inc_by(now.repeated.saturating_sub(before.repeated));
    REFUSED.inc_by(now.refused.saturating_sub(before.refused));
    STEPS.inc_by(now.steps.saturating_sub(before.steps));
    shown.stats = now.clone();
    let (now, before) = (engine.evaluations(), shown.evaluations);
    EVALUATIONS.inc_by(now.count.saturating_sub(before.count));
    FAILURES.inc_by(now.failures.saturating_sub(before.failures));
    shown.evaluations = now;
    let (pending, firing) = engine.alerts();
    ALERTS.with_label_values(&["pending"]).set(pending as i64);
    ALERTS.with_label_values(&["firing"]).set(firing as i64);
    SERIES.set(engine.series() as i64);
    WATERMARK.set(engine.watermark().unwrap_or_default() / 1_000);
}
