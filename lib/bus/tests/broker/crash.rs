//! The embedded broker killed at any moment. It runs as a process of its own: the package's example `broker`, which
//! `cargo test` builds along.

use crate::support::*;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

struct Process {
    child: Child,
    addr: SocketAddr,
}

impl Process {
    fn start(addr: &str, dir: &Path) -> Process {
        Process::spawn(Command::new(program()), addr, dir)
    }

    /// A broker whose files cannot grow beyond 512 KiB, as if the disk were full.
    fn start_confined(dir: &Path) -> Process {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""]).arg(program());
        Process::spawn(shell, "127.0.0.1:0", dir)
    }

    fn spawn(mut command: Command, addr: &str, dir: &Path) -> Process {
        let mut child = command
            .arg(addr)
            .arg(dir)
            // It stops when this pipe is closed, so none is left behind when a test fails.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example `broker` is built; `cargo build --examples` does it alone");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("standard output");
        BufReader::new(stdout).read_line(&mut line).expect("address");
        Process { child, addr: line.trim().parse().expect("address") }
    }

    /// kill -9 and a new start on the same port.
    fn crash(mut self, dir: &Path) -> Process {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
        Process::start(&self.addr.to_string(), dir)
    }
}

fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    test.ancestors().nth(2).expect("target directory").join("examples/broker")
}

fn numbered(producer: &FutureProducer, number: usize) -> rdkafka::producer::DeliveryFuture {
    let value = number.to_string();
    let record = FutureRecord::<(), str>::to("t").payload(&value).partition(0);
    producer.send_result(record).map_err(|(error, _)| error).expect("queued")
}

#[tokio::test]
async fn every_acknowledged_record_is_there_once_and_in_order_after_kill_9() {
    const ROUNDS: usize = 10;
    const RECORDS: usize = 200;
    let dir = tempfile::tempdir().expect("dir");
    let mut process = Process::start("127.0.0.1:0", dir.path());
    let settings =
        [("reconnect.backoff.ms", "10"), ("reconnect.backoff.max.ms", "50"), ("retry.backoff.ms", "10")];
    let producer = producer(process.addr, &settings);
    let mut offsets = Vec::new();
    for round in 0..ROUNDS {
        let mut sent: Vec<_> = (0..RECORDS).map(|at| numbered(&producer, round * RECORDS + at)).collect();
        let after = sent.split_off((round * 17) % RECORDS);
        for delivery in sent {
            offsets.push(delivery.await.expect("answered").expect("acknowledged").offset);
        }
        process = process.crash(dir.path());
        for delivery in after {
            offsets.push(delivery.await.expect("answered").expect("acknowledged").offset);
        }
    }
    let expected: Vec<i64> = (0..(ROUNDS * RECORDS) as i64).collect();
    assert_eq!(offsets, expected, "a record was acknowledged elsewhere than in its place");
    let read = take(&reader(process.addr, "t", Offset::Beginning, &[]), ROUNDS * RECORDS);
    let wanted: Vec<(i64, String)> = expected.iter().map(|offset| (*offset, offset.to_string())).collect();
    assert_eq!(read, wanted);
    assert_eq!(ends(process.addr, "t"), (0, (ROUNDS * RECORDS) as i64));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_goes_on_after_kill_9_and_counts_once() {
    let dir = tempfile::tempdir().expect("dir");
    let mut process = Process::start("127.0.0.1:0", dir.path());
    let mut config = client(process.addr);
    config
        .set("transactional.id", "id")
        .set("reconnect.backoff.ms", "10")
        .set("reconnect.backoff.max.ms", "50");
    let producer: BaseProducer = config.create().expect("producer");
    producer.init_transactions(PATIENCE).expect("initialized");
    for round in 0..6 {
        producer.begin_transaction().expect("begun");
        let value = round.to_string();
        let record = BaseRecord::<(), str>::to("t").payload(&value).partition(0);
        producer.send(record).map_err(|(error, _)| error).expect("queued");
        producer.flush(PATIENCE).expect("flushed");
        process = process.crash(dir.path());
        let ended = match round % 2 {
            0 => producer.commit_transaction(PATIENCE),
            _ => producer.abort_transaction(PATIENCE),
        };
        ended.expect("ended");
    }
    let consumer = reader(process.addr, "t", Offset::Beginning, &[("isolation.level", "read_committed")]);
    let values: Vec<String> = take(&consumer, 3).into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, ["0", "2", "4"]);
}

#[tokio::test]
async fn a_torn_tail_is_cut_off_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let producer = producer(broker.addr(), &[]);
    send(&producer, "t", "whole").await;
    send(&producer, "t", "torn").await;
    broker.stop().await;

    let path = dir.path().join("topics/t/0/00000000000000000000.log");
    let file = OpenOptions::new().write(true).open(&path).expect("segment");
    file.set_len(file.metadata().expect("size").len() - 3).expect("cut");
    let mut journal =
        OpenOptions::new().append(true).open(dir.path().join("coordinator.log")).expect("journal");
    journal.write_all(b"0123abcd {\"offsets\":{\"gro").expect("torn line");

    let broker = start(dir.path()).await;
    assert_eq!(ends(broker.addr(), "t"), (0, 1));
    let producer = crate::support::producer(broker.addr(), &[]);
    assert_eq!(send(&producer, "t", "in its place").await, 1);
    let read = take(&reader(broker.addr(), "t", Offset::Beginning, &[]), 2);
    assert_eq!(read, vec![(0, "whole".to_owned()), (1, "in its place".to_owned())]);
    broker.stop().await;
}

#[tokio::test]
async fn a_full_disk_refuses_records_and_keeps_those_it_took() {
    let dir = tempfile::tempdir().expect("dir");
    let process = Process::start_confined(dir.path());
    let settings = [("message.timeout.ms", "2000"), ("retry.backoff.ms", "50"), ("linger.ms", "0")];
    let producer = producer(process.addr, &settings);
    let value = "x".repeat(10_000);
    let mut taken = Vec::new();
    let refused = loop {
        let record = FutureRecord::<(), str>::to("t").payload(&value).partition(0);
        match producer.send(record, PATIENCE).await {
            Ok(delivery) => taken.push(delivery.offset),
            Err((error, _)) => break error,
        }
    };
    assert!(taken.len() > 20 && taken.len() < 120, "{} records, then {refused}", taken.len());
    let process = process.crash(dir.path());
    assert_eq!(take(&reader(process.addr, "t", Offset::Beginning, &[]), taken.len()).len(), taken.len());
    let again = crate::support::producer(process.addr, &[]);
    assert_eq!(send(&again, "t", "there is room again").await, taken.len() as i64);
}

/// Copies record `number` from `t` to `out` and commits how far it has read, all in one transaction. The broker is
/// killed at one of three points, the last of them at the same time as the commit.
fn copy(
    number: i64,
    producer: &BaseProducer,
    consumer: &BaseConsumer,
    process: Process,
    dir: &Path,
) -> Process {
    let (mut process, value) = (Some(process), number.to_string());
    let mut crash = |at: i64| {
        if number % 3 == at {
            process = process.take().map(|process| process.crash(dir));
        }
    };
    producer.begin_transaction().expect("begun");
    let record = BaseRecord::<(), str>::to("out").payload(&value).partition(0);
    producer.send(record).map_err(|(error, _)| error).expect("queued");
    crash(0);
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset("t", 0, Offset::Offset(number + 1)).expect("partition");
    let group = consumer.group_metadata().expect("group");
    producer.send_offsets_to_transaction(&offsets, &group, PATIENCE).expect("sent");
    crash(1);
    std::thread::scope(|scope| {
        scope.spawn(|| crash(2));
        producer.commit_transaction(PATIENCE).expect("committed");
    });
    process.expect("a process")
}

#[tokio::test(flavor = "multi_thread")]
async fn read_process_write_counts_every_record_once_over_kill_9() {
    const RECORDS: i64 = 12;
    let dir = tempfile::tempdir().expect("dir");
    let mut process = Process::start("127.0.0.1:0", dir.path());
    let input = producer(process.addr, &[]);
    for number in 0..RECORDS {
        send(&input, "t", &number.to_string()).await;
    }
    let mut config = client(process.addr);
    config
        .set("transactional.id", "copy")
        .set("reconnect.backoff.ms", "10")
        .set("reconnect.backoff.max.ms", "50");
    let output: BaseProducer = config.create().expect("producer");
    output.init_transactions(PATIENCE).expect("initialized");
    let settings = [
        ("isolation.level", "read_committed"),
        ("reconnect.backoff.ms", "10"),
        ("reconnect.backoff.max.ms", "50"),
    ];
    let consumer = reader(process.addr, "t", Offset::Beginning, &settings);
    for number in 0..RECORDS {
        assert_eq!(take(&consumer, 1), vec![(number, number.to_string())]);
        process = copy(number, &output, &consumer, process, dir.path());
    }
    let copied = take(&reader(process.addr, "out", Offset::Beginning, &settings), RECORDS as usize);
    let copied: Vec<String> = copied.into_iter().map(|(_, value)| value).collect();
    assert_eq!(copied, (0..RECORDS).map(|number| number.to_string()).collect::<Vec<_>>());
    let committed = consumer.committed(PATIENCE).expect("committed offsets");
    assert_eq!(committed.find_partition("t", 0).expect("partition").offset(), Offset::Offset(RECORDS));
    // A marker follows each record, and nothing else is there: no copy was made twice.
    assert_eq!(ends(process.addr, "out"), (0, 2 * RECORDS));
}
