//! What only a bare client sends: retries of its own making, requests from the future, garbage.

use crate::support::{config, start};
use crate::wire::{Wire, batch, frame};
use bus::broker::{Broker, Error};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, StrBytes};
use std::net::SocketAddr;

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str("t"))
}

fn create_topic(wire: &mut Wire) {
    let wanted = metadata_request::MetadataRequestTopic::default().with_name(Some(topic()));
    let request =
        MetadataRequest::default().with_topics(Some(vec![wanted])).with_allow_auto_topic_creation(true);
    assert_eq!(wire.ask(&request, 9).topics[0].error_code, 0);
}

fn produce(records: Bytes, acks: i16) -> ProduceRequest {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(records));
    let data = TopicProduceData::default().with_name(topic()).with_partition_data(vec![partition]);
    ProduceRequest::default().with_acks(acks).with_timeout_ms(1000).with_topic_data(vec![data])
}

/// Error and base offset of what was produced.
fn put(wire: &mut Wire, records: Bytes) -> (Option<ResponseError>, i64) {
    let answer = wire.ask(&produce(records, -1), 9);
    let partition = &answer.responses[0].partition_responses[0];
    (ResponseError::try_from_code(partition.error_code), partition.base_offset)
}

async fn broker_with_topic(dir: &std::path::Path) -> (Broker, Wire) {
    let broker = start(dir).await;
    let mut wire = Wire::connect(broker.addr());
    create_topic(&mut wire);
    (broker, wire)
}

fn is_alive(addr: SocketAddr) -> bool {
    Wire::connect(addr).ask(&ApiVersionsRequest::default(), 0).error_code == 0
}

#[tokio::test]
async fn a_batch_sent_twice_is_kept_once_even_over_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let (broker, mut wire) = broker_with_topic(dir.path()).await;
    let given = wire.ask(&InitProducerIdRequest::default().with_transactional_id(None), 4);
    let (id, epoch) = (given.producer_id.0, given.producer_epoch);
    for sequence in 0..7 {
        assert_eq!(put(&mut wire, batch(id, epoch, sequence, "v")), (None, i64::from(sequence)));
    }
    assert_eq!(put(&mut wire, batch(id, epoch, 4, "v")), (None, 4), "sent again");
    assert_eq!(put(&mut wire, batch(id, epoch, 9, "v")).0, Some(ResponseError::OutOfOrderSequenceNumber));
    broker.stop().await;

    let broker = start(dir.path()).await;
    let mut wire = Wire::connect(broker.addr());
    assert_eq!(put(&mut wire, batch(id, epoch, 6, "v")), (None, 6), "sent again after a restart");
    assert_eq!(put(&mut wire, batch(id, epoch, 7, "v")), (None, 7));
    assert_eq!(put(&mut wire, batch(id, epoch + 1, 0, "v")), (None, 8));
    assert_eq!(put(&mut wire, batch(id, epoch, 8, "v")).0, Some(ResponseError::InvalidProducerEpoch));
    broker.stop().await;
}

#[tokio::test]
async fn damaged_batches_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let (broker, mut wire) = broker_with_topic(dir.path()).await;
    let good = batch(-1, -1, -1, "v");
    let mut flipped = good.to_vec();
    *flipped.last_mut().expect("a byte") ^= 1;
    let refused = |wire: &mut Wire, bytes: Vec<u8>| put(wire, Bytes::from(bytes)).0;
    assert_eq!(refused(&mut wire, flipped), Some(ResponseError::CorruptMessage));
    assert_eq!(refused(&mut wire, [&good[..], &good[..]].concat()), Some(ResponseError::InvalidRecord));
    assert_eq!(refused(&mut wire, good[..good.len() - 1].to_vec()), Some(ResponseError::InvalidRecord));
    assert_eq!(refused(&mut wire, Vec::new()), Some(ResponseError::CorruptMessage));
    assert_eq!(put(&mut wire, good), (None, 0));
    broker.stop().await;
}

#[tokio::test]
async fn a_producer_without_acknowledgements_gets_none() {
    let dir = tempfile::tempdir().expect("dir");
    let (broker, mut wire) = broker_with_topic(dir.path()).await;
    wire.send_frame(&frame(&produce(batch(-1, -1, -1, "quiet"), 0), 9));
    assert_eq!(put(&mut wire, batch(-1, -1, -1, "loud")), (None, 1), "the next answer is the next request's");
    wire.send_frame(&frame(&produce(Bytes::from_static(b"garbage"), 0), 9));
    assert!(wire.is_closed(), "an error can only be told by closing");
    broker.stop().await;
}

#[tokio::test]
async fn versions_from_the_future_are_answered_with_those_there_are() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let mut wire = Wire::connect(broker.addr());
    wire.send_frame(&[0, 18, 0x7f, 0xff, 0, 0, 0, 7, 0xff, 0xff]);
    let mut answer = wire.receive().expect("an answer");
    ResponseHeader::decode(&mut answer, 0).expect("header");
    let answer = ApiVersionsResponse::decode(&mut answer, 0).expect("answer");
    assert_eq!(answer.error_code, ResponseError::UnsupportedVersion.code());
    assert!(answer.api_keys.iter().any(|api| api.api_key == 0 && api.max_version >= 9));
    assert_eq!(wire.ask(&ApiVersionsRequest::default(), 3).error_code, 0, "the connection goes on");
    broker.stop().await;
}

#[tokio::test]
async fn bad_frames_end_their_connection_and_nothing_else() {
    let dir = tempfile::tempdir().expect("dir");
    let (broker, mut bystander) = broker_with_topic(dir.path()).await;
    let huge_array = [&[0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff][..], &[0x7f, 0xff, 0xff, 0xff]].concat();
    let bad: [(&str, Vec<u8>); 8] = [
        ("larger than the limit", vec![0x7f, 0xff, 0xff, 0xff]),
        ("negative length", vec![0xff, 0xff, 0xff, 0xff]),
        ("no room for a header", vec![0, 0, 0, 2, 0, 0]),
        ("a web browser", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("unknown request", framed(&[0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff])),
        ("unknown version", framed(&[0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff])),
        ("an array of two thousand million", framed(&huge_array)),
        ("text that is none", framed(&[0, 3, 0, 1, 0, 0, 0, 1, 0, 2, 0xc3, 0x28, 0, 0, 0, 0])),
    ];
    for (what, bytes) in bad {
        let mut wire = Wire::connect(broker.addr());
        wire.send_bytes(&bytes);
        assert!(wire.is_closed(), "{what}");
        assert!(is_alive(broker.addr()), "after {what}");
    }
    assert_eq!(put(&mut bystander, batch(-1, -1, -1, "v")), (None, 0));
    broker.stop().await;
}

#[tokio::test]
async fn cut_requests_never_bring_the_broker_down() {
    let dir = tempfile::tempdir().expect("dir");
    let (broker, _wire) = broker_with_topic(dir.path()).await;
    let whole = frame(&produce(batch(-1, -1, -1, "v"), -1), 9);
    for end in 8..whole.len() {
        let mut wire = Wire::connect(broker.addr());
        wire.send_frame(&whole[..end]);
        assert!(wire.is_closed(), "cut at {end}");
    }
    assert!(is_alive(broker.addr()));
    broker.stop().await;
}

fn framed(frame: &[u8]) -> Vec<u8> {
    [&(frame.len() as u32).to_be_bytes()[..], frame].concat()
}

#[tokio::test]
async fn a_taken_port_and_a_taken_directory_are_named() {
    let (dir, other) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    let broker = start(dir.path()).await;
    let mut settings = config(other.path());
    settings.listen = broker.addr();
    let error = Broker::start(settings).await.expect_err("the port is taken");
    assert!(matches!(&error, Error::AddressTaken(addr) if *addr == broker.addr()), "{error}");
    assert!(error.to_string().contains(&broker.addr().to_string()), "{error}");
    let error = Broker::start(config(dir.path())).await.expect_err("the directory is taken");
    assert!(matches!(&error, Error::DirectoryLocked(path) if path == dir.path()), "{error}");
    broker.stop().await;
    start(dir.path()).await.stop().await;
}

#[tokio::test]
async fn a_directory_of_another_version_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    std::fs::write(dir.path().join("meta.json"), r#"{"version":99,"layout":"new"}"#).expect("written");
    let error = Broker::start(config(dir.path())).await.expect_err("unknown version");
    assert!(matches!(&error, Error::UnknownVersion { known: 1, .. }), "{error}");
    assert!(error.to_string().contains("99"), "{error}");
}

#[tokio::test]
async fn clients_are_told_the_advertised_address() {
    let dir = tempfile::tempdir().expect("dir");
    let settings =
        bus::broker::Config { advertise: Some("example.org:19092".to_owned()), ..config(dir.path()) };
    let broker = Broker::start(settings).await.expect("starts");
    let told = Wire::connect(broker.addr()).ask(&MetadataRequest::default(), 9).brokers.remove(0);
    assert_eq!((told.host.as_str(), told.port), ("example.org", 19092));
    broker.stop().await;
    let settings = bus::broker::Config { advertise: Some("example.org".to_owned()), ..config(dir.path()) };
    let error = Broker::start(settings).await.expect_err("no port");
    assert!(matches!(error, Error::BadAdvertise(_)), "{error}");
}
