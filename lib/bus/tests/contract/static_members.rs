//! Members with a name that outlives their process.

use crate::groups::{member, parts, poll_until};
use crate::target::Target;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::time::{Duration, Instant};
use test_support::client::PATIENCE;

fn named(target: &Target, topic: &str, name: &str) -> BaseConsumer {
    member(target, topic, &[("group.instance.id", name), ("session.timeout.ms", "30000")])
}

/// A rebalance would wait for the other member, which does not poll meanwhile and so cannot join again.
#[tokio::test]
async fn a_static_member_comes_back_to_its_partitions_without_a_rebalance() {
    let target = Target::new("static").await;
    let topic = target.topic("t", 4, &[]).await;
    let mut members = ["a", "b"].map(|name| named(&target, &topic, name));
    poll_until(&[&members[0], &members[1]], &[2, 2]);
    for (at, name) in [(0, "a"), (1, "b"), (0, "a")] {
        let before = parts(&members[at]);
        members[at] = named(&target, &topic, name);
        poll_until(&[&members[at]], &[2]);
        assert_eq!(parts(&members[at]), before);
    }
}

#[tokio::test]
async fn of_two_members_with_one_name_the_older_is_fenced_off() {
    let target = Target::new("fenced").await;
    let topic = target.topic("t", 2, &[]).await;
    let older = named(&target, &topic, "a");
    poll_until(&[&older], &[2]);
    let newer = named(&target, &topic, "a");
    poll_until(&[&newer], &[2]);
    let end = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < end, "not fenced off in time");
        match older.poll(Duration::from_millis(100)) {
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                break assert_eq!(code, RDKafkaErrorCode::FencedInstanceId);
            }
            _ => drop(newer.poll(Duration::ZERO)),
        }
    }
}
