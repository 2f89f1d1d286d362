//! `/proc/stat`: time of the processors, and what the scheduler counts.

use super::{
    metrics::{Metrics, number},
    paths::Paths,
};

/// Jiffies in a second: `USER_HZ`, 100 on every Linux that we run on.
const USER_HZ: f64 = 100.0;
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
const GUEST: [(&str, usize); 2] = [("user", 9), ("nice", 10)];

pub fn collect(paths: &Paths, metrics: &mut Metrics) {
    let Some(stat) = paths.proc("stat") else { return };
    let lines: Vec<Vec<&str>> = stat.lines().map(|l| l.split_ascii_whitespace().collect()).collect();
    let cpus =
        || lines.iter().filter_map(|w| Some((w.first()?.strip_prefix("cpu").filter(|n| !n.is_empty())?, w)));
    for (cpu, words) in cpus() {
        for (at, mode) in MODES.iter().enumerate() {
            let Some(value) = number(words, at + 1) else { continue };
            let help = "Seconds the CPUs spent in each mode.";
            metrics.counter("node_cpu_seconds_total", help, &[("cpu", cpu), ("mode", mode)], value / USER_HZ);
        }
    }
    for (cpu, words) in cpus() {
        for (mode, at) in GUEST {
            let Some(value) = number(words, at) else { continue };
            let help = "Seconds the CPUs spent in guests (VMs) for each mode.";
            metrics.counter(
                "node_cpu_guest_seconds_total",
                help,
                &[("cpu", cpu), ("mode", mode)],
                value / USER_HZ,
            );
        }
    }
    for words in &lines {
        if let (Some(name), Some(value)) = (words.first(), number(words, 1)) {
            scheduler(name, value, metrics);
        }
    }
}

fn scheduler(name: &str, value: f64, metrics: &mut Metrics) {
    match name {
        "ctxt" => {
            metrics.counter("node_context_switches_total", "Total number of context switches.", &[], value)
        }
        "btime" => metrics.gauge("node_boot_time_seconds", "Node boot time, in unixtime.", &[], value),
        "intr" => metrics.counter("node_intr_total", "Total number of interrupts serviced.", &[], value),
        "processes" => metrics.counter("node_forks_total", "Total number of forks.", &[], value),
        "procs_running" => {
            metrics.gauge("node_procs_running", "Number of processes in runnable state.", &[], value);
        }
        "procs_blocked" => {
            metrics.gauge(
                "node_procs_blocked",
                "Number of processes blocked waiting for I/O to complete.",
                &[],
                value,
            );
        }
        _ => {}
    }
}
