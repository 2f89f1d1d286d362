//! The syslog listener: both protocols, both grammars, garbage, a broker that is away.

use std::net::{SocketAddr, UdpSocket};

use event::Labels;
use shipper::{Config, Shipper, config::SyslogConfig};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{MemoryBroker, wait_until};

fn config() -> Config {
    let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let syslog = SyslogConfig { listen, ..SyslogConfig::default() };
    Config { host_name: Some("web1".into()), syslog: Some(syslog), ..Config::default() }
}

async fn send_tcp(shipper: &Shipper, bytes: &[u8]) {
    let mut stream = TcpStream::connect(shipper.syslog_addr().unwrap()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
}

fn streams(broker: &MemoryBroker) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for record in broker.topic("logs") {
        let event::Event::Logs(batch) = event::decode(&record.value).unwrap() else {
            panic!("no log entries")
        };
        let of =
            |e: &event::LogEntry| (batch.labels.to_string(), String::from_utf8_lossy(&e.line).into_owned());
        found.extend(batch.entries.iter().map(of));
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn both_grammars_over_both_protocols_become_streams() {
    let data = tempfile::tempdir().unwrap();
    let broker = MemoryBroker::new();
    let shipper = broker.ship(&config(), data.path()).await;
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(b"<34>Oct 11 22:14:15 db1 su[7]: failed\n", shipper.syslog_addr().unwrap()).unwrap();
    let modern = r#"<165>1 2003-10-11T22:14:15.003Z db2 evnt - ID47 [ex@1 iut="3"] hello"#;
    let stream = format!("{} {modern}<13>no time: at all\nnot syslog\n", modern.len());
    send_tcp(&shipper, stream.as_bytes()).await;
    broker.wait_for_lines(4).await;
    shipper.stop().await;
    let of = |pairs: &[(&str, &str)], line: &str| {
        let labels: Labels = [("job", "syslog")].iter().chain(pairs).copied().collect();
        (labels.to_string(), line.to_owned())
    };
    let mut expected = [
        of(&[("host", "db1"), ("app", "su"), ("level", "crit"), ("facility", "auth")], "failed"),
        of(&[("host", "db2"), ("app", "evnt"), ("level", "notice"), ("facility", "local4")], "hello"),
        of(&[("host", "127.0.0.1"), ("level", "notice"), ("facility", "user")], "no time: at all"),
        of(&[("host", "127.0.0.1")], "not syslog"),
    ];
    expected.sort();
    assert_eq!(streams(&broker), expected);
    let hello = broker.entries().into_iter().find(|e| &e.line[..] == b"hello").unwrap();
    assert_eq!(hello.timestamp_ns, 1_065_910_455_003_000_000);
    let metadata: Vec<_> = hello.metadata.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(metadata, ["msgid=ID47", "ex_1_iut=3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_with_garbage_loses_no_good_message_and_no_garbage() {
    let data = tempfile::tempdir().unwrap();
    let broker = MemoryBroker::new();
    let shipper = broker.ship(&config(), data.path()).await;
    let mut senders = Vec::new();
    for sender in 0..4_usize {
        let mut stream = TcpStream::connect(shipper.syslog_addr().unwrap()).await.unwrap();
        senders.push(tokio::spawn(async move {
            for n in 0..5000_usize {
                let good = format!("<13>Oct 11 22:14:15 host{sender} app: good {sender} {n}\n");
                let garbage =
                    [&[0xff, 0x80, 0x01, b'<', (n % 256) as u8 | 1][..], b"<999>garbage\n"].concat();
                stream.write_all(good.as_bytes()).await.unwrap();
                stream.write_all(if garbage.contains(&b'\n') { &garbage } else { b"\n" }).await.unwrap();
            }
        }));
    }
    for sender in senders {
        sender.await.unwrap();
    }
    let good = |broker: &MemoryBroker| broker.lines().iter().filter(|l| l.starts_with("good")).count();
    wait_until("20,000 good messages", || good(&broker) >= 20_000).await;
    shipper.stop().await;
    let mut lines: Vec<String> = broker.lines().into_iter().filter(|l| l.starts_with("good")).collect();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 20_000);
    let garbage = broker.lines().iter().filter(|l| l.contains("<999>garbage")).count();
    assert_eq!(garbage, 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_the_broker_was_away_is_sent_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let broker = MemoryBroker::new();
    broker.go_away();
    let shipper = broker.ship(&config(), data.path()).await;
    let stream: String =
        (0..1000).map(|n| format!("<13>Oct 11 22:14:15 db1 app: message {n:04}\n")).collect();
    send_tcp(&shipper, stream.as_bytes()).await;
    broker.wait_for_held(1000).await;
    shipper.stop().await;
    assert_eq!(broker.records().len(), 0);
    // The stopped process' connection to the broker is gone too.
    let broker = MemoryBroker::new();
    let shipper = broker.ship(&config(), data.path()).await;
    let expected: Vec<String> = (0..1000).map(|n| format!("message {n:04}")).collect();
    assert_eq!(broker.wait_for_lines(1000).await, expected);
    shipper.stop().await;
    let spool = data.path().join("shipper/spool");
    let shipper = broker.ship(&config(), data.path()).await;
    send_tcp(&shipper, b"<13>Oct 11 22:14:15 db1 app: later\n").await;
    assert_eq!(broker.wait_for_lines(1001).await.len(), 1001, "nothing is sent again");
    assert!(std::fs::read_dir(spool).unwrap().count() <= 2, "acknowledged segments are removed");
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_names_itself_its_setting_and_a_way_out() {
    let data = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let syslog = SyslogConfig { listen: Some(address), ..SyslogConfig::default() };
    let config = Config { syslog: Some(syslog), ..Config::default() };
    let publisher = MemoryBroker::new().publisher();
    let error = Shipper::start_with(&config, publisher, data.path(), Default::default()).await.err().unwrap();
    let error = error.to_string();
    assert!(error.contains(&address.to_string()) && error.contains("syslog.listen"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_nothing_is_counted_and_costs_no_message() {
    let data = tempfile::tempdir().unwrap();
    let broker = MemoryBroker::new();
    let shipper = broker.ship(&config(), data.path()).await;
    let spool = data.path().join("shipper/spool");
    std::fs::remove_dir_all(&spool).unwrap();
    std::fs::write(&spool, "in the way").unwrap();
    let failures = shipper::telemetry::SPOOL_ERRORS.get();
    let stream: String = (0..100).map(|n| format!("<13>Oct 11 22:14:15 db1 app: message {n:04}\n")).collect();
    send_tcp(&shipper, stream.as_bytes()).await;
    let expected: Vec<String> = (0..100).map(|n| format!("message {n:04}")).collect();
    assert_eq!(broker.wait_for_lines(100).await, expected);
    assert!(shipper::telemetry::SPOOL_ERRORS.get() > failures);
    shipper.stop().await;
}
