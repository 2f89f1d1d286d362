//! Records of the embedded broker over its restarts.

use crate::support::config;
use bus::broker::FlushPolicy;
use rdkafka::topic_partition_list::Offset;
use test_support::client::*;

#[tokio::test]
async fn records_and_ends_survive_a_restart_and_many_segments() {
    let dir = tempfile::tempdir().expect("dir");
    let mut settings = config(dir.path());
    settings.segment_bytes = 10_000;
    settings.flush = FlushPolicy::EveryAppend;
    let broker = bus::broker::Broker::start(settings.clone()).await.expect("starts");
    let first = producer(broker.addr(), &[]);
    for number in 0..100 {
        assert_eq!(send(&first, "t", &format!("{number}{}", "x".repeat(500))).await, number);
    }
    broker.stop().await;
    let broker = bus::broker::Broker::start(settings).await.expect("starts again");
    assert_eq!(ends(broker.addr(), "t", 0), (0, 100));
    let again = producer(broker.addr(), &[]);
    assert_eq!(send(&again, "t", "after").await, 100);
    for start in [0, 37, 99] {
        let got = take(&reader(broker.addr(), "t", Offset::Offset(start), &[]), (101 - start) as usize);
        assert_eq!(
            got.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(),
            (start..101).collect::<Vec<_>>()
        );
        assert!(got[0].1.starts_with(&start.to_string()));
    }
    broker.stop().await;
}
