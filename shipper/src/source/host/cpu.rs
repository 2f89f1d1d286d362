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
            let help = "CPU time by mode, in seconds.";
            metrics.counter("node_cpu_seconds_total", help, &[("cpu", cpu), ("mode", mode)], value / USER_HZ);
        }
    }
    for (cpu, words) in cpus() {
        for (mode, at) in GUEST {
            let Some(value) = number(words, at) else { continue };
            let help = "CPU time given to virtual machines, in seconds.";
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
        "ctxt" => metrics.counter("node_context_switches_total", "Context switches since boot.", &[], value),
        "btime" => metrics.gauge(
            "node_boot_time_seconds",
            "When the host was started, seconds since 1970.",
            &[],
            value,
        ),
        "intr" => metrics.counter("node_intr_total", "Interrupts since boot.", &[], value),
        "processes" => {
            metrics.counter("node_forks_total", "Processes and threads made since boot.", &[], value)
        }
        "procs_running" => {
            metrics.gauge("node_procs_running", "Processes that run or could run.", &[], value);
        }
        "procs_blocked" => {
            metrics.gauge("node_procs_blocked", "Processes that wait for a disk.", &[], value);
        }
        _ => {}
    }
}
