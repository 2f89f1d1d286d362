//! Metrics of a host, from a folder that looks like `/proc`.

use std::path::PathBuf;

use event::{Event, Labels, SampleBatch};
use shipper::{
    Config,
    config::HostConfig,
    source::host::{Metrics, Paths, collect},
};

use crate::support::{MemoryBroker, wait_until};

fn proc() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/proc"].iter().collect()
}

fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let found = metrics.series.iter().find(|s| s.labels.to_string() == series)?;
    Some(found.samples[0].value)
}

#[test]
fn the_values_have_the_names_labels_and_units_of_node_exporter() {
    let paths = Paths { root: "/".into(), procfs: proc() };
    let metrics = collect(&paths, Labels::from([("host", "web1")]), 1_790_000_100_500);
    for (name, labels, expected) in [
        ("node_cpu_seconds_total", r#"cpu="1", host="web1", mode="user""#, 0.4),
        ("node_cpu_guest_seconds_total", r#"cpu="0", host="web1", mode="user""#, 0.03),
        ("node_context_switches_total", r#"host="web1""#, 67890.0),
        ("node_boot_time_seconds", r#"host="web1""#, 1_790_000_000.0),
        ("node_time_seconds", r#"host="web1""#, 1_790_000_100.5),
        ("node_memory_MemTotal_bytes", r#"host="web1""#, 16_384_000_000.0),
        ("node_memory_Active_anon_bytes", r#"host="web1""#, 1_024_000.0),
        ("node_memory_HugePages_Total", r#"host="web1""#, 3.0),
        ("node_vmstat_pgfault", r#"host="web1""#, 77.0),
        ("node_load15", r#"host="web1""#, 0.12),
        ("node_disk_read_bytes_total", r#"device="sda", host="web1""#, 1_024_000.0),
        ("node_disk_io_time_seconds_total", r#"device="sda", host="web1""#, 0.6),
        ("node_network_transmit_bytes_total", r#"device="eth0", host="web1""#, 2000.0),
        ("node_netstat_Tcp_CurrEstab", r#"host="web1""#, 4.0),
        ("node_netstat_Udp6_InDatagrams", r#"host="web1""#, 12.0),
        ("node_sockstat_TCP_inuse", r#"host="web1""#, 5.0),
        ("node_pressure_io_stalled_seconds_total", r#"host="web1""#, 0.5),
        ("node_filefd_maximum", r#"host="web1""#, 9000.0),
    ] {
        let series = format!(r#"{{__name__="{name}", {labels}}}"#);
        assert_eq!(value(&metrics, &series), Some(expected), "{series}");
    }
    let gone = r#"{__name__="node_filesystem_device_error", device="/dev/none", fstype="ext4", host="web1", mountpoint="/nowhere-at-all"}"#;
    assert_eq!(value(&metrics, gone), Some(1.0));
    let kinds =
        |name: &str| metrics.families.iter().filter(|f| f.name == name).map(|f| &*f.kind).collect::<Vec<_>>();
    assert_eq!(kinds("node_cpu_seconds_total"), ["counter"]);
    assert_eq!(kinds("node_load1"), ["gauge"]);
    assert!(
        !metrics.series.iter().any(|s| s.labels.get("device").is_some_and(|d| d == "sda1" || d == "loop0"))
    );
}

#[test]
fn an_empty_proc_is_no_error() {
    let nowhere = tempfile::tempdir().unwrap();
    let paths = Paths { root: nowhere.path().into(), procfs: nowhere.path().into() };
    assert!(collect(&paths, Labels::default(), 0).series.len() <= 2);
}

fn batches(broker: &MemoryBroker) -> Vec<SampleBatch> {
    let decoded = broker.topic("metrics").into_iter().map(|r| event::decode(&r.value).unwrap());
    let samples = |event| if let Event::Samples(batch) = event { Some(batch) } else { None };
    decoded.filter_map(samples).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_carry_host_instance_and_job_and_positions_grow_over_restarts() {
    let data = tempfile::tempdir().unwrap();
    let broker = MemoryBroker::new();
    let host = HostConfig { interval: "100ms".parse().unwrap(), root: "/".into(), procfs: proc() };
    let config = Config { host: Some(host), ..Config::default() };
    for count in [2, 4] {
        let shipper = broker.ship(&config, data.path()).await;
        wait_until("samples", || batches(&broker).len() >= count).await;
        assert!(shipper.describe()[0].contains("metrics of web1 every 100ms"));
        shipper.stop().await;
    }
    let mut batches = batches(&broker);
    // What was not acknowledged before the stop is sent again, as it was.
    batches.dedup();
    assert!(batches.is_sorted_by(|a, b| a.position < b.position && a.source == b.source));
    assert!(!batches[0].families.is_empty() && batches[1].families.is_empty());
    let labels = &batches[0].series[0].labels;
    let get = |name| labels.get(name).unwrap();
    assert_eq!((get("host"), get("instance"), get("job")), ("web1", "web1", "node"));
}
