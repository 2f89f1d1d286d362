//! The real way: rdkafka and the embedded broker.

use std::{net::SocketAddr, path::Path};

use bus::{
    Consumer, ConsumerBuilder, Start,
    broker::{Broker, Config as BrokerConfig},
};
use event::Event;
use shipper::Shipper;
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, files, numbered, numbered_lines, wait_until};

async fn broker(data_dir: &Path, listen: SocketAddr) -> Broker {
    let config = BrokerConfig { listen, data_dir: data_dir.to_owned(), ..BrokerConfig::default() };
    Broker::start(config).await.unwrap()
}

fn read(bus: &bus::Config, count: usize) -> Vec<String> {
    let builder = ConsumerBuilder { config: bus, group: "test", topics: &["logs"], queue_kib: 4096 };
    let consumer = Consumer::open(&builder).unwrap();
    consumer.start(&bus::Offsets::default(), Start::Earliest).unwrap();
    let (mut lines, mut mark) = (Vec::new(), 0);
    while lines.len() < count {
        let records = consumer.poll(PATIENCE, 100).unwrap();
        assert!(!records.is_empty(), "waited in vain for {count} lines, got {}", lines.len());
        for record in records {
            let Event::Logs(batch) = event::decode(&record.value).unwrap() else { panic!("no log entries") };
            let new = batch.entries.into_iter().filter(|e| e.position > mark);
            let new: Vec<_> = new.collect();
            mark = new.last().map_or(mark, |e| e.position);
            lines.extend(new.iter().map(|e| String::from_utf8_lossy(&e.line).into_owned()));
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_and_comes_back_costs_no_line() {
    let (data, kafka, logs) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = logs.path().join("app.log");
    std::fs::write(&path, numbered(0..10_000)).unwrap();
    let first = broker(kafka.path(), SocketAddr::from(([127, 0, 0, 1], 0))).await;
    let address = first.addr();
    let bus = bus::Config { brokers: address.to_string(), partitions: 1, ..bus::Config::default() };
    bus::admin::create_topics(&bus).await.unwrap();
    let shipper = Shipper::start(&files(&path), &bus, data.path(), CancellationToken::new()).await.unwrap();
    wait_until("the first lines", || shipper.status().entries >= 10_000).await;
    first.stop().await;

    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, numbered(10_000..20_000).as_bytes()).unwrap();
    wait_until("lines to wait", || shipper.status().waiting > 0).await;
    let second = broker(kafka.path(), address).await;
    wait_until("the rest", || shipper.status().entries >= 20_000).await;
    shipper.stop().await;
    let lines = tokio::task::spawn_blocking(move || read(&bus, 20_000)).await.unwrap();
    assert_eq!(lines, numbered_lines(0..20_000));
    second.stop().await;
}
