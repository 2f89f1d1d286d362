//! What the shipper counts about itself: `tailrace_shipper_*` on the default registry.

use std::sync::LazyLock;

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, default_registry};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $metric:literal, $help:literal;)*) => {
        $($(#[$doc])* pub static $name: LazyLock<IntCounter> = LazyLock::new(|| counter($metric, $help));)*
        fn touch_counters() { $(LazyLock::force(&$name);)* }
    };
}

counters! {
    /// Log entries that the broker has acknowledged.
    ENTRIES = "entries_total", "Log entries acknowledged by the broker.";
    /// Bytes of records that the broker has acknowledged.
    BYTES = "bytes_total", "Bytes of records acknowledged by the broker.";
    /// Samples that the broker has acknowledged.
    SAMPLES = "samples_total", "Samples acknowledged by the broker.";
    /// Records that the broker refused for good.
    DEAD_LETTERS = "dead_letters_total", "Records that the broker refused and that went to the dead-letter topic.";
    /// Records that were sent again.
    RETRIES = "retries_total", "Records sent again after the producer had given them up.";
    /// Lines longer than the limit.
    LINES_SPLIT = "lines_split_total", "Lines above the length limit, kept in pieces.";
    /// Files that started over.
    TRUNCATIONS = "truncations_total", "Files that were truncated or rewritten while they were tailed.";
    /// Files that cannot be read.
    FILE_ERRORS = "file_errors_total", "Failed attempts to open or read a file.";
    /// Messages that no syslog grammar fits.
    SYSLOG_UNPARSED = "syslog_unparsed_total", "Syslog messages kept as raw text because they could not be parsed.";
    /// Datagrams for which there was no room.
    SYSLOG_DROPPED = "syslog_dropped_total", "UDP syslog messages dropped because they came faster than they could be stored.";
    /// Label sets above the limit.
    SYSLOG_DEMOTED = "syslog_demoted_total", "Syslog messages whose host and app became metadata because there are too many streams.";
    /// Connections above the limit.
    SYSLOG_REFUSED = "syslog_connections_refused_total", "TCP syslog connections closed because there are too many.";
    /// Entries and samples that fell out of the full disk queue.
    SPOOL_DROPPED = "spool_dropped_total", "Entries and samples dropped because the disk queue was full.";
    /// Damaged places in the disk queue.
    SPOOL_DAMAGED = "spool_damaged_total", "Damaged segments of the disk queue of which the rest was skipped.";
    /// Times that the disk queue could not be written.
    SPOOL_ERRORS = "spool_errors_total", "Failed writes to the disk queue; the events waited in memory instead.";
    /// Failed saves.
    CHECKPOINT_ERRORS = "checkpoint_errors_total", "Failed attempts to save the checkpoint.";
    /// Points of OpenTelemetry's metrics that have no form here.
    OTLP_DROPPED = "otlp_dropped_points_total", "Data points of OTLP metrics dropped because they cannot be translated.";
    /// Entries that a client pushed too late.
    TOO_OLD = "too_old_entries_total", "Pushed log entries refused because they are older than the index keeps them.";
    /// Entries of clients whose clock is ahead.
    TOO_NEW = "too_new_entries_total", "Pushed log entries refused because they are too far in the future.";
    /// Likewise.
    TOO_NEW_SAMPLES = "too_new_samples_total", "Pushed samples refused because they are too far in the future.";
    /// Entries of the journal that are no JSON.
    JOURNAL_UNPARSED = "journal_unparsed_total", "Lines of journalctl that are no entry.";
}

/// Push requests by their HTTP status.
pub static PUSHES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let opts = Opts::new("tailrace_shipper_push_requests_total", "Push requests by HTTP status.");
    let vec = IntCounterVec::new(opts, &["code"]).expect("a constant name is valid");
    // A second registration of the same name cannot happen: this runs once.
    let _ = default_registry().register(Box::new(vec.clone()));
    vec
});

/// Bytes on their way to the broker.
pub static IN_FLIGHT: LazyLock<IntGauge> =
    LazyLock::new(|| gauge("in_flight_bytes", "Bytes on their way to the broker."));
/// Bytes in the disk queue.
pub static SPOOL_BYTES: LazyLock<IntGauge> =
    LazyLock::new(|| gauge("spool_bytes", "Bytes in the disk queue."));
/// Files that are open.
pub static FILES: LazyLock<IntGauge> = LazyLock::new(|| gauge("files", "Files that are tailed."));

/// Makes every metric appear, at zero.
pub fn register() {
    touch_counters();
    for gauge in [&IN_FLIGHT, &SPOOL_BYTES, &FILES] {
        LazyLock::force(gauge);
    }
    LazyLock::force(&PUSHES);
}

fn counter(name: &str, help: &str) -> IntCounter {
    let counter =
        IntCounter::new(format!("tailrace_shipper_{name}"), help).expect("a constant name is valid");
    let _ = default_registry().register(Box::new(counter.clone()));
    counter
}

fn gauge(name: &str, help: &str) -> IntGauge {
    let gauge = IntGauge::new(format!("tailrace_shipper_{name}"), help).expect("a constant name is valid");
    let _ = default_registry().register(Box::new(gauge.clone()));
    gauge
}
