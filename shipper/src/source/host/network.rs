//! Network interfaces and sockets.

use super::{
    metrics::{Metrics, metric_part, number},
    paths::Paths,
};

/// Columns of `/proc/net/dev`.
const COUNTERS: [&str; 16] = [
    "receive_bytes",
    "receive_packets",
    "receive_errs",
    "receive_drop",
    "receive_fifo",
    "receive_frame",
    "receive_compressed",
    "receive_multicast",
    "transmit_bytes",
    "transmit_packets",
    "transmit_errs",
    "transmit_drop",
    "transmit_fifo",
    "transmit_colls",
    "transmit_carrier",
    "transmit_compressed",
];

/// Files of `/sys/class/net/…`: name, help, factor.
const ATTRIBUTES: [(&str, &str, &str, f64); 4] = [
    ("mtu", "mtu_bytes", "Largest packet.", 1.0),
    ("carrier", "carrier", "1 if there is a link.", 1.0),
    // In Mbit/s.
    ("speed", "speed_bytes", "Speed of the link, in bytes per second.", 125_000.0),
    ("tx_queue_len", "transmit_queue_length", "Length of the transmit queue.", 1.0),
];

/// The fields of `/proc/net/snmp` and `netstat` that node_exporter takes.
const NETSTAT: [&str; 42] = [
    "Icmp_InErrors",
    "Icmp_InMsgs",
    "Icmp_OutMsgs",
    "IpExt_InOctets",
    "IpExt_OutOctets",
    "Ip_Forwarding",
    "TcpExt_ListenDrops",
    "TcpExt_ListenOverflows",
    "TcpExt_SyncookiesFailed",
    "TcpExt_SyncookiesRecv",
    "TcpExt_SyncookiesSent",
    "TcpExt_TCPOFOQueue",
    "TcpExt_TCPRcvQDrop",
    "TcpExt_TCPSynRetrans",
    "TcpExt_TCPTimeouts",
    "Tcp_ActiveOpens",
    "Tcp_CurrEstab",
    "Tcp_InErrs",
    "Tcp_InSegs",
    "Tcp_OutRsts",
    "Tcp_OutSegs",
    "Tcp_PassiveOpens",
    "Tcp_RetransSegs",
    "UdpLite_InErrors",
    "Udp_InDatagrams",
    "Udp_InErrors",
    "Udp_NoPorts",
    "Udp_OutDatagrams",
    "Udp_RcvbufErrors",
    "Udp_SndbufErrors",
    "Udp6_InDatagrams",
    "Udp6_InErrors",
    "Udp6_NoPorts",
    "Udp6_OutDatagrams",
    "Udp6_RcvbufErrors",
    "Udp6_SndbufErrors",
    "Icmp6_InErrors",
    "Icmp6_InMsgs",
    "Icmp6_OutMsgs",
    "Ip6_InOctets",
    "Ip6_OutOctets",
    "UdpLite6_InErrors",
];

pub fn collect(paths: &Paths, metrics: &mut Metrics) {
    interfaces(paths, metrics);
    sockets(paths, metrics);
    for file in ["net/netstat", "net/snmp"] {
        protocols(&paths.proc(file).unwrap_or_default(), metrics);
    }
    for line in paths.proc("net/snmp6").unwrap_or_default().lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        if let (Some((protocol, field)), Some(value)) =
            (words.first().and_then(|w| w.split_once('6')), number(&words, 1))
        {
            protocol_field(&format!("{protocol}6"), field, value, metrics);
        }
    }
}

fn interfaces(paths: &Paths, metrics: &mut Metrics) {
    let text = paths.proc("net/dev").unwrap_or_default();
    let devices: Vec<(&str, Vec<&str>)> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(device, rest)| (device.trim(), rest.split_ascii_whitespace().collect()))
        .collect();
    for (column, name) in COUNTERS.iter().enumerate() {
        for (device, words) in &devices {
            if let Some(value) = number(words, column) {
                let help = format!("{} of the interface.", name.replace('_', " "));
                metrics.counter(&format!("node_network_{name}_total"), &help, &[("device", device)], value);
            }
        }
    }
    for (device, _) in &devices {
        let Some(state) = paths.sys(&format!("class/net/{device}/operstate")) else { continue };
        let up = if state == "up" { 1.0 } else { 0.0 };
        let help = "1 if the interface is up.";
        metrics.gauge("node_network_up", help, &[("device", device)], up);
    }
    for (file, name, help, factor) in ATTRIBUTES {
        for (device, _) in &devices {
            let text = paths.sys(&format!("class/net/{device}/{file}"));
            // An interface that is down has a speed of -1, or none at all.
            if let Some(value) = text.and_then(|t| t.parse::<f64>().ok()).filter(|v| *v >= 0.0) {
                metrics.gauge(&format!("node_network_{name}"), help, &[("device", device)], value * factor);
            }
        }
    }
}

/// `TCP: inuse 5 orphan 0 tw 0 alloc 8 mem 1`
fn sockets(paths: &Paths, metrics: &mut Metrics) {
    for file in ["net/sockstat", "net/sockstat6"] {
        for line in paths.proc(file).unwrap_or_default().lines() {
            let Some((protocol, rest)) = line.split_once(':') else { continue };
            let words: Vec<&str> = rest.split_ascii_whitespace().collect();
            for pair in words.chunks_exact(2) {
                let Some(value) = number(pair, 1) else { continue };
                let help = format!("{} of {protocol} in /proc/{file}.", pair[0]);
                metrics.gauge(
                    &format!("node_sockstat_{protocol}_{}", metric_part(pair[0])),
                    &help,
                    &[],
                    value,
                );
            }
        }
    }
}

/// Pairs of lines: names, then values, both behind the protocol.
fn protocols(text: &str, metrics: &mut Metrics) {
    let lines: Vec<&str> = text.lines().collect();
    for pair in lines.chunks_exact(2) {
        let (Some((protocol, names)), Some((_, values))) = (pair[0].split_once(':'), pair[1].split_once(':'))
        else {
            continue;
        };
        for (name, value) in names.split_ascii_whitespace().zip(values.split_ascii_whitespace()) {
            if let Ok(value) = value.parse() {
                protocol_field(protocol, name, value, metrics);
            }
        }
    }
}

fn protocol_field(protocol: &str, field: &str, value: f64, metrics: &mut Metrics) {
    let name = format!("{protocol}_{field}");
    if NETSTAT.contains(&name.as_str()) {
        let help = format!("{field} of {protocol}.");
        metrics.untyped(&format!("node_netstat_{name}"), &help, &[], value);
    }
}
