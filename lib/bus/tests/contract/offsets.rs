//! Offsets: by time, committed, and of records that are deleted.

use crate::records::{CODECS, KEEP_ALL};
use crate::target::{Target, options};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use test_support::client::*;

#[tokio::test]
async fn offsets_are_found_by_time_with_every_codec() {
    let target = Target::new("times").await;
    for codec in CODECS {
        let topic = target.topic(codec, 1, KEEP_ALL).await;
        // One batch, so that the time is looked for within it.
        let producer = producer(&target.addr, &[("linger.ms", "50"), ("compression.type", codec)]);
        let value = "v".repeat(1000);
        let sends = (0..10).map(|number| {
            let record = FutureRecord::<(), str>::to(&topic).payload(&value).partition(0);
            producer.send(record.timestamp(1000 + number * 10), PATIENCE)
        });
        futures::future::try_join_all(sends).await.expect("acknowledged");
        let first_at = |time| offset_at(&target, &topic, time);
        assert_eq!(first_at(0), Offset::Offset(0), "{codec}");
        assert_eq!(first_at(1041), Offset::Offset(5), "{codec}");
        assert_eq!(first_at(1050), Offset::Offset(5), "{codec}");
        assert_eq!(first_at(1091), Offset::End, "{codec}: nothing is that late");
    }
}

fn offset_at(target: &Target, topic: &str, time_ms: i64) -> Offset {
    let consumer: BaseConsumer = client(&target.addr, &[]).create().expect("consumer");
    let wanted = place(topic, 0, Offset::Offset(time_ms));
    consumer.offsets_for_times(wanted, PATIENCE).expect("offsets").elements()[0].offset()
}

#[tokio::test]
async fn committed_offsets_come_back_with_their_text() {
    let target = Target::new("commit").await;
    let topic = target.topic("t", 2, &[]).await;
    let consumer: BaseConsumer =
        client(&target.addr, &[("group.id", &target.name("g"))]).create().expect("consumer");
    let mut offsets = TopicPartitionList::new();
    let mut partition = offsets.add_partition(&topic, 0);
    partition.set_offset(Offset::Offset(7)).expect("offset");
    partition.set_metadata("kept with it");
    consumer.commit(&offsets, CommitMode::Sync).expect("committed");

    let mut asked = place(&topic, 0, Offset::Invalid);
    asked.add_partition(&topic, 1);
    let known = consumer.committed_offsets(asked, PATIENCE).expect("answered");
    let first = known.find_partition(&topic, 0).expect("partition");
    assert_eq!((first.offset(), first.metadata()), (Offset::Offset(7), "kept with it"));
    assert_eq!(known.find_partition(&topic, 1).expect("partition").offset(), Offset::Invalid);
}

#[tokio::test]
async fn deleted_records_are_gone_and_the_others_keep_their_offsets() {
    let target = Target::new("delete").await;
    let topic = target.topic("t", 1, &[]).await;
    let producer = producer(&target.addr, &[]);
    for value in ["a", "b", "c"] {
        send(&producer, &topic, value).await;
    }
    let deleted = target.admin().delete_records(&place(&topic, 0, Offset::Offset(2)), &options()).await;
    let low = deleted.expect("answered").elements()[0].offset();
    assert_eq!(low, Offset::Offset(2));
    assert_eq!(ends(&target.addr, &topic, 0), (2, 3));
    assert_eq!(read_all(&target.addr, &topic, 0, &[]), [(2, "c".to_owned())]);
}
