//! What the index tells about itself, on the default registry.

use std::sync::LazyLock;

use prometheus::{
    Histogram, IntCounter, IntCounterVec, IntGauge, register_histogram, register_int_counter,
    register_int_counter_vec, register_int_gauge,
};

/// Values of the label `reason` of [`DROPPED`].
pub const REPEATED: &str = "repeated";
pub const EXPIRED: &str = "expired";

macro_rules! metrics {
    ($($name:ident: $type:ty = $register:ident($($argument:expr),+);)+) => {
        $(pub static $name: LazyLock<$type> =
            LazyLock::new(|| $register!($($argument),+).expect("the name is registered once"));)+

        /// Shows all of them from the start, whether something has happened or not.
        pub fn register() {
            $(LazyLock::force(&$name);)+
            for reason in [REPEATED, EXPIRED] {
                DROPPED.with_label_values(&[reason]);
            }
        }
    };
}

metrics! {
    ENTRIES: IntCounter = register_int_counter("tailrace_index_entries_total", "Log entries taken in.");
    SAMPLES: IntCounter = register_int_counter("tailrace_index_samples_total", "Samples taken in.");
    BYTES: IntCounter = register_int_counter("tailrace_index_record_bytes_total", "Bytes of records taken in.");
    DROPPED: IntCounterVec = register_int_counter_vec(
        "tailrace_index_dropped_total",
        "Entries and samples left out: repeated (below the source's mark), expired (older than retention).",
        &["reason"]
    );
    UNREADABLE: IntCounter = register_int_counter(
        "tailrace_index_unreadable_records_total",
        "Records that could not be decoded and went to the dead-letter topic."
    );
    DAMAGED: IntCounter = register_int_counter(
        "tailrace_index_damaged_reads_total",
        "Reads of blocks that were damaged or missing and left out of an answer."
    );
    HEAD_BYTES: IntGauge = register_int_gauge(
        "tailrace_index_head_bytes", "Bytes taken in and not yet sealed into a segment."
    );
    SEGMENTS: IntGauge = register_int_gauge("tailrace_index_segments", "Segments.");
    SEGMENT_BYTES: IntGauge = register_int_gauge("tailrace_index_segment_bytes", "Bytes of all segments.");
    READ_ONLY: IntGauge = register_int_gauge(
        "tailrace_index_read_only", "1 while segments cannot be written, for example on a full disk."
    );
    LAG: IntGauge = register_int_gauge(
        "tailrace_index_lag_records", "Records on the bus not yet taken in, when last looked at."
    );
    MERGE_SECONDS: Histogram = register_histogram(
        "tailrace_index_merge_seconds", "Time to merge some segments into one and commit it."
    );
    SEAL_SECONDS: Histogram = register_histogram(
        "tailrace_index_seal_seconds", "Time to write a segment and commit it."
    );
}
