//! Two processors of one group.

use std::time::{Duration, Instant};

use event::AlertState;
use jiff::Timestamp;
use stream_processor::Running;

use crate::bench::{Bench, PATIENCE};

async fn wait(running: &Running, what: &str, is: impl Fn(&stream_processor::Status) -> bool) {
    let begin = Instant::now();
    while !is(&running.status()) {
        assert!(begin.elapsed() < PATIENCE, "not {what}: {:?}", running.status());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newer_processor_takes_over_and_the_older_one_waits_until_it_has_gone() {
    let mut bench = Bench::new("standby").await;
    bench.config.take_over_after = config::Duration::from_secs(4);
    let older = bench.run();
    wait(&older, "connected", |status| status.connected).await;
    bench.send(Timestamp::now().as_millisecond(), 6.0).await;
    assert_eq!(bench.states(AlertState::Firing), [AlertState::Pending, AlertState::Firing]);

    let newer = bench.run();
    wait(&older, "a standby", |status| status.standby && !status.connected).await;
    bench.send(Timestamp::now().as_millisecond(), 1.0).await;
    let resolved = [AlertState::Pending, AlertState::Firing, AlertState::Resolved];
    assert_eq!(bench.states(AlertState::Resolved), resolved);

    newer.stop().await;
    wait(&older, "connected again", |status| status.connected && !status.standby).await;
    bench.send(Timestamp::now().as_millisecond(), 7.0).await;
    let again = [AlertState::Pending, AlertState::Firing];
    let count = |states: &[AlertState]| states.len() >= 5;
    assert_eq!(bench.states_until(count), [resolved.as_slice(), &again].concat());
    older.stop().await;
}
