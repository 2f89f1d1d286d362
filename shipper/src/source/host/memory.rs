//! `/proc/meminfo` and a part of `/proc/vmstat`.

use super::{
    metrics::{Metrics, metric_part},
    paths::Paths,
};

const VMSTAT: [&str; 7] = ["oom_kill", "pgfault", "pgmajfault", "pgpgin", "pgpgout", "pswpin", "pswpout"];

pub fn collect(paths: &Paths, metrics: &mut Metrics) {
    for line in paths.proc("meminfo").unwrap_or_default().lines() {
        let Some((name, rest)) = line.split_once(':') else { continue };
        let mut words = rest.split_ascii_whitespace();
        let Some(value) = words.next().and_then(|v| v.parse::<f64>().ok()) else { continue };
        let (suffix, factor) = if words.next() == Some("kB") { ("_bytes", 1024.0) } else { ("", 1.0) };
        let field = metric_part(name);
        let help = format!("{name} of /proc/meminfo.");
        metrics.gauge(&format!("node_memory_{field}{suffix}"), &help, &[], value * factor);
    }
    for line in paths.proc("vmstat").unwrap_or_default().lines() {
        let Some((name, value)) = line.split_once(' ') else { continue };
        if let (true, Ok(value)) = (VMSTAT.contains(&name), value.parse()) {
            let help = format!("{name} of /proc/vmstat.");
            metrics.untyped(&format!("node_vmstat_{name}"), &help, &[], value);
        }
    }
}
