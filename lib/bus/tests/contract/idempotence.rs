//! A producer that sends again what was acknowledged, but not heard.

use crate::target::Target;
use kafka_protocol::messages::ApiKey;
use rdkafka::producer::FutureRecord;
use test_support::client::*;
use test_support::proxy::Proxy;

const PRODUCE: i16 = ApiKey::Produce as i16;

async fn send_over_a_cut(tag: &str, settings: Settings<'_>) -> Vec<String> {
    let target = Target::new(tag).await;
    let topic = target.topic("t", 1, &[]).await;
    let proxy = Proxy::start(&target.addr);
    let producer = producer(proxy.addr(), settings);
    send(&producer, &topic, "a").await;
    proxy.lose_next_answer(PRODUCE);
    send(&producer, &topic, "b").await;
    send(&producer, &topic, "c").await;
    assert_eq!(proxy.lost(), 1);
    values(&target.addr, &topic, &[])
}

#[tokio::test]
async fn a_record_whose_acknowledgement_was_cut_off_is_there_once() {
    assert_eq!(send_over_a_cut("cut", &[]).await, ["a", "b", "c"]);
}

/// What the other cases would see if they did not test anything.
#[tokio::test]
async fn without_idempotence_such_a_record_is_there_twice() {
    let settings = [("enable.idempotence", "false")];
    assert_eq!(send_over_a_cut("cut-plain", &settings).await, ["a", "b", "b", "c"]);
}

#[tokio::test]
async fn many_requests_in_flight_over_many_cuts_leave_every_record_once_and_in_order() {
    const CUTS: usize = 20;
    const RECORDS: usize = 40;
    let target = Target::new("cuts").await;
    let topic = target.topic("t", 1, &[]).await;
    let proxy = Proxy::start(&target.addr);
    // Small batches, so that as many requests as are allowed are on their way at once.
    let producer = producer(proxy.addr(), &[("batch.num.messages", "3")]);
    for cut in 0..CUTS {
        proxy.lose_next_answer(PRODUCE);
        let numbers = (cut * RECORDS..(cut + 1) * RECORDS).map(|number| number.to_string());
        let sends = numbers.map(|number| {
            let record = FutureRecord::<(), str>::to(&topic).payload(&number).partition(0);
            producer.send_result(record).map_err(|(error, _)| error).expect("queued")
        });
        for delivery in sends.collect::<Vec<_>>() {
            delivery.await.expect("answered").expect("acknowledged");
        }
    }
    assert_eq!(proxy.lost(), CUTS);
    let expected: Vec<String> = (0..CUTS * RECORDS).map(|number| number.to_string()).collect();
    assert_eq!(values(&target.addr, &topic, &[]), expected);
}
