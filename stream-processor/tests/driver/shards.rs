//! Processors that share the rule groups.

use std::collections::{BTreeMap, BTreeSet};

use bus::Record;
use event::{Alert, AlertState};
use jiff::Timestamp;
use stream_processor::{Running, run_rules};
use test_support::proxy::Proxy;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, wait};

const GROUPS: usize = 12;

fn rules() -> String {
    let group = |n| {
        format!(
            "  - {{name: g{n}, interval: 1s, rules: [{{record: r{n}, expr: x * 2}}, {{alert: A{n}, expr: r{n} > 10, for: 2s}}]}}"
        )
    };
    format!("groups:\n{}", (0..GROUPS).map(group).collect::<Vec<_>>().join("\n"))
}

fn groups(running: &Running) -> BTreeSet<String> {
    running.groups().into_iter().map(|group| group.name).collect()
}

/// The states of each alert in the topic, once all have as many.
fn states(bench: &Bench, count: usize) -> BTreeMap<String, Vec<AlertState>> {
    let by_alert = |records: &[Record]| {
        let mut all: BTreeMap<String, Vec<AlertState>> = BTreeMap::new();
        for alert in records.iter().map(|record| Alert::from_json(&record.value).unwrap()) {
            all.entry(alert.group).or_default().push(alert.state);
        }
        all
    };
    let enough = |records: &[Record]| {
        let all = by_alert(records);
        all.len() == GROUPS && all.values().all(|states| states.len() >= count)
    };
    by_alert(&bench.read(&bench.bus.topics.alerts, enough))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_groups_of_a_processor_that_dies_go_on_at_the_others_with_their_state() {
    let mut bench = Bench::new("shards").await;
    bench.write_rules(&rules(), "windows: []");
    bench.config.group = bench.bus.topics.metrics.clone();
    // What there is of one processor for all groups goes over to the shards.
    let single = bench.run();
    bench.send(Timestamp::now().as_millisecond(), 6.0).await;
    let mut expected = vec![AlertState::Pending, AlertState::Firing];
    assert!(states(&bench, 2).values().all(|states| *states == expected));
    single.stop().await;

    bench.config.shards = 4.try_into().unwrap();
    bench.config.take_over_after = config::Duration::from_secs(6);
    let proxy = Proxy::start(&bench.bus.brokers);
    let through = bus::Config { brokers: proxy.addr().to_string(), ..bench.bus.clone() };
    let dies = run_rules(&through, &bench.config, CancellationToken::new()).unwrap();
    let stays = bench.run();
    let both = || !groups(&dies).is_empty() && !groups(&stays).is_empty();
    wait("both have groups", || both() && groups(&dies).len() + groups(&stays).len() == GROUPS).await;
    assert!(groups(&dies).is_disjoint(&groups(&stays)));
    bench.send(Timestamp::now().as_millisecond(), 1.0).await;
    expected.push(AlertState::Resolved);
    assert!(states(&bench, 3).values().all(|states| *states == expected));

    bench.send(Timestamp::now().as_millisecond(), 7.0).await;
    expected.extend([AlertState::Pending, AlertState::Firing]);
    assert!(states(&bench, 5).values().all(|states| *states == expected));
    proxy.cut();
    bench.send(Timestamp::now().as_millisecond(), 1.0).await;
    wait("the other has all groups", || groups(&stays).len() == GROUPS).await;
    expected.push(AlertState::Resolved);
    for (group, states) in states(&bench, 6) {
        assert_eq!(states, expected, "{group}");
    }
    dies.stop().await;
    stays.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_of_a_group_that_is_no_more_ends_once() {
    let mut bench = Bench::new("shards_removed").await;
    bench.write_rules(&rules(), "windows: []");
    bench.config.group = bench.bus.topics.metrics.clone();
    bench.config.shards = 4.try_into().unwrap();
    let all = bench.run();
    wait("all shards", || groups(&all).len() == GROUPS).await;
    bench.send(Timestamp::now().as_millisecond(), 6.0).await;
    states(&bench, 2);
    bench.write_rules("groups: [{name: other, interval: 1s, rules: [{record: r, expr: x}]}]", "windows: []");
    all.reload().unwrap();
    wait("the new rules", || groups(&all).len() == 1).await;
    bench.send(Timestamp::now().as_millisecond(), 6.0).await;
    let expected = [AlertState::Pending, AlertState::Firing, AlertState::Resolved];
    for (group, states) in states(&bench, 3) {
        assert_eq!(states, expected, "{group}");
    }
    // Whatever the other shards would add has come when they have evaluated what was sent.
    all.stop().await;
    assert!(states(&bench, 3).values().all(|states| *states == expected));
}
