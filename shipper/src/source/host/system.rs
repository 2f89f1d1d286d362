//! Load, time, kernel, open files, pressure.

use super::{
    metrics::{Metrics, number},
    paths::Paths,
};

pub fn collect(paths: &Paths, metrics: &mut Metrics, now_ms: i64) {
    load(paths, metrics);
    kernel(paths, metrics);
    metrics.gauge(
        "node_time_seconds",
        "The clock of the host, seconds since 1970.",
        &[],
        now_ms as f64 / 1000.0,
    );
    open_files(paths, metrics);
    for resource in ["cpu", "io", "memory"] {
        pressure(paths, resource, metrics);
    }
    if let Some(entropy) = read_number(paths, "sys/kernel/random/entropy_avail") {
        metrics.gauge(
            "node_entropy_available_bits",
            "Bits of entropy that the kernel has gathered.",
            &[],
            entropy,
        );
    }
}

fn load(paths: &Paths, metrics: &mut Metrics) {
    let text = paths.proc("loadavg").unwrap_or_default();
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    for (at, minutes) in ["1", "5", "15"].iter().enumerate() {
        if let Some(value) = number(&words, at) {
            metrics.gauge(&format!("node_load{minutes}"), &format!("Load over {minutes} min."), &[], value);
        }
    }
}

fn kernel(paths: &Paths, metrics: &mut Metrics) {
    let read = |name: &str| paths.proc(&format!("sys/kernel/{name}")).unwrap_or_default().trim().to_owned();
    let (system, release) = (read("ostype"), read("osrelease"));
    let (version, node, domain) = (read("version"), read("hostname"), read("domainname"));
    let labels = [
        ("sysname", system.as_str()),
        ("release", &release),
        ("version", &version),
        ("machine", std::env::consts::ARCH),
        ("nodename", &node),
        ("domainname", &domain),
    ];
    metrics.gauge("node_uname_info", "Kernel and name of the host, as labels.", &labels, 1.0);
}

fn open_files(paths: &Paths, metrics: &mut Metrics) {
    let text = paths.proc("sys/fs/file-nr").unwrap_or_default();
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    for (name, at) in [("allocated", 0), ("maximum", 2)] {
        if let Some(value) = number(&words, at) {
            let help = format!("Open files: {name}.");
            metrics.gauge(&format!("node_filefd_{name}"), &help, &[], value);
        }
    }
}

/// `some avg10=0.00 … total=12345`, in microseconds: "some" waits, "full" stands still.
fn pressure(paths: &Paths, resource: &str, metrics: &mut Metrics) {
    for line in paths.proc(&format!("pressure/{resource}")).unwrap_or_default().lines() {
        let Some((_, total)) = line.rsplit_once("total=") else { continue };
        let Ok(micros) = total.trim().parse::<f64>() else { continue };
        let (suffix, meaning) = match (line.split(' ').next(), resource) {
            (Some("some"), _) => ("waiting", "waited for"),
            // The processor as a whole never stands still: the kernel writes zeros.
            (Some("full"), "io" | "memory") => ("stalled", "could do nothing for want of"),
            _ => continue,
        };
        let help = format!("Total time in seconds that processes have {meaning} {resource}.");
        metrics.counter(
            &format!("node_pressure_{resource}_{suffix}_seconds_total"),
            &help,
            &[],
            micros / 1e6,
        );
    }
}

fn read_number(paths: &Paths, name: &str) -> Option<f64> {
    paths.proc(name)?.trim().parse().ok()
}
