//! Load for a broker, the same for every broker: `bus_load ADDR ready|produce|fetch [RECORDS SIZE]`. Prints one line of
//! JSON when done. `benches/bus.py` drives it.

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: bus_load ADDR ready | ADDR produce|fetch RECORDS SIZE";
const PATIENCE: Duration = Duration::from_secs(120);
/// Values are cut from a block of random bytes, so that nothing can be gained by compressing them.
const BLOCK: usize = 1 << 20;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [addr, "ready"] => ready(addr),
        [addr, "produce", records, size] => {
            measured(records, size, |records, size| produce(addr, records, size))
        }
        [addr, "fetch", records, size] => measured(records, size, |records, size| fetch(addr, records, size)),
        _ => Err(USAGE.into()),
    }
}

fn client(addr: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", addr).set("broker.address.family", "v4").set("log_level", "0");
    config.set("reconnect.backoff.ms", "5").set("reconnect.backoff.max.ms", "20");
    config
}

fn producer(addr: &str) -> Result<BaseProducer, KafkaError> {
    let mut config = client(addr);
    config.set("enable.idempotence", "true").set("linger.ms", "5").set("queue.buffering.max.kbytes", "65536");
    config.set("retry.backoff.ms", "10");
    config.create()
}

/// Ends when the broker has acknowledged a record.
fn ready(addr: &str) -> Result<(), Failure> {
    let producer = producer(addr)?;
    put(&producer, "ready", b"ready")?;
    Ok(producer.flush(PATIENCE)?)
}

fn measured(
    records: &str,
    size: &str,
    work: impl FnOnce(usize, usize) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (records, size): (usize, usize) = (records.parse()?, size.parse()?);
    let begin = Instant::now();
    work(records, size)?;
    let seconds = begin.elapsed().as_secs_f64();
    let rate = records as f64 / seconds;
    println!(r#"{{"records_per_s":{rate:.0},"mb_per_s":{:.1}}}"#, rate * size as f64 / 1e6);
    Ok(())
}

fn topic(size: usize) -> String {
    format!("load-{size}")
}

fn produce(addr: &str, records: usize, size: usize) -> Result<(), Failure> {
    let (producer, topic) = (producer(addr)?, topic(size));
    let random: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(BLOCK + size).collect();
    for record in 0..records {
        let at = record * 61 % BLOCK;
        put(&producer, &topic, &random[at..at + size])?;
    }
    producer.flush(PATIENCE)?;
    let (begin, end) = producer.client().fetch_watermarks(&topic, 0, PATIENCE)?;
    if end - begin < records as i64 {
        return Err(format!("{} of {records} records are there", end - begin).into());
    }
    Ok(())
}

/// Waits where the queue is full.
fn put(producer: &BaseProducer, topic: &str, value: &[u8]) -> Result<(), KafkaError> {
    loop {
        let record = BaseRecord::<(), [u8]>::to(topic).payload(value).partition(0);
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                producer.poll(Duration::from_millis(1));
            }
            Err((error, _)) => return Err(error),
        }
    }
}

fn fetch(addr: &str, records: usize, size: usize) -> Result<(), Failure> {
    let mut config = client(addr);
    config.set("group.id", "load").set("enable.auto.commit", "false").set("queued.min.messages", "1000000");
    let consumer: BaseConsumer = config.create()?;
    let mut place = TopicPartitionList::new();
    place.add_partition_offset(&topic(size), 0, Offset::Beginning)?;
    consumer.assign(&place)?;
    let (mut found, mut bytes) = (0, 0);
    while found < records {
        let message = consumer.poll(PATIENCE).ok_or("no record in time")??;
        found += 1;
        bytes += message.payload_len();
    }
    if bytes == records * size { Ok(()) } else { Err(format!("{bytes} bytes are there").into()) }
}
